//! Calendars, who may do what in them, and the list of those that a user has (reference G12).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call};
use crate::google::event::{Event, etag};
use crate::google::list::{number, page_limit};
use crate::google::quota::Window;
use crate::google::refusal::Refusal;
use crate::google::{Google, GoogleReason};

const LIST_DEFAULT: usize = 100;
const LIST_MOST: usize = 250;

/// What somebody may do with a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GoogleRole {
    /// Nothing.
    None,
    /// Sees when somebody is busy.
    FreeBusyReader,
    /// Reads events.
    Reader,
    /// Reads and writes events.
    Writer,
    /// Shares as well.
    Owner,
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) role: GoogleRole,
    pub(crate) scope: Value,
    version: u64,
}

#[derive(Debug)]
pub(crate) struct Calendar {
    pub(crate) id: String,
    pub(crate) fields: Map<String, Value>,
    pub(crate) zone: Tz,
    pub(crate) data_owner: String,
    pub(crate) acl: BTreeMap<String, Rule>,
    /// It is in the service account's list.
    pub(crate) listed: bool,
    pub(crate) version: u64,
    /// Sync tokens of an older epoch are worthless.
    pub(crate) epoch: u64,
    pub(crate) events: BTreeMap<String, Event>,
    pub(crate) writes: Window,
}

impl Calendar {
    pub(crate) fn summary(&self) -> &str {
        self.fields.get("summary").and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn role_of(&self, mail: &str) -> GoogleRole {
        self.acl.get(&format!("user:{mail}")).map_or(GoogleRole::None, |rule| rule.role)
    }

    pub(crate) fn show(&self) -> Value {
        let mut form = self.fields.clone();
        form.insert("kind".to_owned(), json!("calendar#calendar"));
        form.insert("etag".to_owned(), json!(etag(self.version)));
        form.insert("id".to_owned(), json!(self.id));
        form.insert("timeZone".to_owned(), json!(self.zone.name()));
        form.insert("dataOwner".to_owned(), json!(self.data_owner));
        form.insert("conferenceProperties".to_owned(), json!({ "allowedConferenceSolutionTypes": ["hangoutsMeet"] }));
        Value::Object(form)
    }

    /// Its entry in a list has an etag of its own.
    fn entry(&self, role: GoogleRole) -> Value {
        let mut form = self.show();
        form["kind"] = json!("calendar#calendarListEntry");
        form["etag"] = json!(etag(self.version.wrapping_add(1 << 40)));
        form["accessRole"] = json!(role);
        form["defaultReminders"] = json!([]);
        form
    }

    pub(crate) fn rules(&self) -> Vec<Value> {
        self.acl.iter().map(|(id, rule)| rule_form(id, rule)).collect()
    }
}

fn rule_form(id: &str, rule: &Rule) -> Value {
    json!({ "kind": "calendar#aclRule", "etag": etag(rule.version), "id": id, "role": rule.role, "scope": rule.scope })
}

impl Google {
    /// A calendar, with its creator as data owner and only owner.
    pub(crate) fn create_calendar(&mut self, fields: Map<String, Value>, zone: Tz, owner: &str) -> &mut Calendar {
        let id = format!("c_{}@group.calendar.google.com", self.dice.letters(b"0123456789abcdef", 64));
        let version = self.next_version();
        let rule = Rule { role: GoogleRole::Owner, scope: json!({ "type": "user", "value": owner }), version };
        let calendar = Calendar {
            id: id.clone(),
            fields,
            zone,
            data_owner: owner.to_owned(),
            acl: BTreeMap::from([(format!("user:{owner}"), rule)]),
            listed: owner == self.client_email,
            version,
            epoch: 0,
            events: BTreeMap::new(),
            writes: Window::default(),
        };
        self.calendars.entry(id).or_insert(calendar)
    }

    /// The small quota of creations is never given back.
    pub(crate) fn insert_calendar(&mut self, call: &Call) -> Result<Answer, Refusal> {
        let body = body(call)?;
        let mut fields = Map::new();
        for name in ["summary", "description", "location"] {
            match body.get(name) {
                Some(Value::String(text)) => fields.insert(name.to_owned(), json!(text)),
                None | Some(Value::Null) => continue,
                Some(_) => return Err(Refusal::invalid(format!("Invalid value for: {name}"))),
            };
        }
        if fields.get("summary").and_then(Value::as_str).is_none_or(|summary| summary.trim().is_empty()) {
            return Err(Refusal::from(GoogleReason::Required).saying("Missing title."));
        }
        let zone = match body.get("timeZone") {
            None | Some(Value::Null) => Tz::UTC,
            Some(name) => name
                .as_str()
                .and_then(|name| name.parse().ok())
                .ok_or_else(|| Refusal::invalid("Invalid value for: timeZone"))?,
        };
        if self.calendar_creations >= self.switches.calendar_creations_most {
            return Err(GoogleReason::QuotaExceeded.into());
        }
        self.calendar_creations += 1;
        let owner = self.client_email.clone();
        Ok(Answer::ok(&self.create_calendar(fields, zone, &owner).show()))
    }

    /// The calendar, if the service account may do at least this with it. Without any access it does not exist.
    pub(crate) fn calendar(&self, id: &str, least: GoogleRole) -> Result<&Calendar, Refusal> {
        let calendar = self.calendars.get(id).ok_or(GoogleReason::NotFound)?;
        match calendar.role_of(&self.client_email) {
            GoogleRole::None => Err(GoogleReason::NotFound.into()),
            role if role >= least => Ok(calendar),
            _ if least == GoogleRole::Writer => Err(GoogleReason::RequiredAccessLevel.into()),
            _ => Err(GoogleReason::Forbidden.into()),
        }
    }

    /// What the service account created, and what it put there itself; not what was shared with it.
    pub(crate) fn list_calendars(&self, call: &Call) -> Result<Answer, Refusal> {
        if call.query_value("syncToken").is_some() {
            // A token may lose its worth at any time; here it always has.
            return Err(GoogleReason::FullSyncRequired.into());
        }
        let least = match call.query_value("minAccessRole") {
            Some(role) => serde_json::from_value(json!(role)).map_err(|_| Refusal::parameter("minAccessRole"))?,
            None => GoogleRole::FreeBusyReader,
        };
        let entries = self.calendars.values().filter(|calendar| calendar.listed).filter_map(|calendar| {
            let role = calendar.role_of(&self.client_email);
            (role >= least && role > GoogleRole::None).then(|| calendar.entry(role))
        });
        let entries: Vec<Value> = entries.collect();
        let mut form = json!({ "kind": "calendar#calendarList", "etag": etag(self.versions) });
        paged(&mut form, call, &entries, self.versions)?;
        Ok(Answer::ok(&form))
    }

    pub(crate) fn list_calendar(&mut self, call: &Call) -> Result<Answer, Refusal> {
        let body = body(call)?;
        let id = body.get("id").and_then(Value::as_str).ok_or(GoogleReason::Required)?.to_owned();
        let role = self.calendar(&id, GoogleRole::FreeBusyReader)?.role_of(&self.client_email);
        let calendar = self.calendars.get_mut(&id).ok_or(GoogleReason::NotFound)?;
        calendar.listed = true;
        Ok(Answer::ok(&calendar.entry(role)))
    }

    /// A second rule for the same grantee replaces the first. Other people's rights make sync tokens worthless.
    pub(crate) fn insert_rule(&mut self, call: &Call, calendar_id: &str) -> Result<Answer, Refusal> {
        self.calendar(calendar_id, GoogleRole::Owner)?;
        let body = body(call)?;
        let role: GoogleRole = match body.get("role") {
            Some(role) => serde_json::from_value(role.clone()).map_err(|_| Refusal::invalid("Invalid role."))?,
            None => return Err(Refusal::from(GoogleReason::Required).saying("Missing role.")),
        };
        let invalid = || Refusal::invalid("Invalid scope value.");
        let scope = body.get("scope").and_then(Value::as_object).ok_or_else(invalid)?;
        let text = |name: &str| scope.get(name).and_then(Value::as_str).unwrap_or_default();
        let id = match (text("type"), text("value")) {
            ("default", "") => "default".to_owned(),
            (kind @ ("user" | "group"), value) if value.contains('@') => format!("{kind}:{}", value.to_lowercase()),
            ("domain", value) if value.contains('.') => format!("domain:{value}"),
            _ => return Err(invalid()),
        };
        if id == format!("user:{}", self.client_email) && role != GoogleRole::Owner {
            return Err(Refusal::from(GoogleReason::Forbidden).saying("Cannot change your own access level."));
        }
        let scope = Value::Object(scope.clone());
        self.grant(calendar_id, id.clone(), role, scope);
        let calendar = self.calendars.get(calendar_id).ok_or(GoogleReason::NotFound)?;
        let granted = calendar.acl.get(&id).ok_or(GoogleReason::BackendError)?;
        Ok(Answer::ok(&rule_form(&id, granted)))
    }

    /// Sets a rule, by whomever.
    pub(crate) fn grant(&mut self, calendar_id: &str, rule_id: String, role: GoogleRole, scope: Value) {
        let version = self.next_version();
        let Some(calendar) = self.calendars.get_mut(calendar_id) else { return };
        if calendar.acl.get(&rule_id).is_none_or(|rule| rule.role != role) {
            calendar.epoch += 1;
        }
        calendar.acl.insert(rule_id, Rule { role, scope, version });
    }

    pub(crate) fn list_rules(&self, call: &Call, calendar_id: &str) -> Result<Answer, Refusal> {
        let calendar = self.calendar(calendar_id, GoogleRole::Writer)?;
        let mut form = json!({ "kind": "calendar#acl", "etag": etag(self.versions) });
        paged(&mut form, call, &calendar.rules(), self.versions)?;
        Ok(Answer::ok(&form))
    }
}

/// A JSON object, or a parse error.
pub(crate) fn body(call: &Call) -> Result<Map<String, Value>, Refusal> {
    match call.json() {
        Some(Value::Object(body)) => Ok(body),
        _ => Err(GoogleReason::ParseError.into()),
    }
}

/// Lays one page of a short list into the answer: the page token is the place of the next entry.
fn paged(form: &mut Value, call: &Call, entries: &[Value], version: u64) -> Result<(), Refusal> {
    let limit = page_limit(call, LIST_DEFAULT, LIST_MOST)?;
    let from = number(call, "pageToken")?.unwrap_or(0);
    form["items"] = Value::Array(entries.iter().skip(from).take(limit).cloned().collect());
    let next = from.saturating_add(limit);
    if next < entries.len() {
        form["nextPageToken"] = json!(next.to_string());
    } else {
        form["nextSyncToken"] = json!(format!("list-{version}"));
    }
    Ok(())
}

/// The time zone an answer is asked for in, else the calendar's.
pub(crate) fn answered_in(call: &Call, calendar: &Calendar) -> Result<Tz, Refusal> {
    match call.query_value("timeZone") {
        Some(name) => name.parse().map_err(|_| Refusal::parameter("timeZone")),
        None => Ok(calendar.zone),
    }
}

/// Rights of users, who are no service accounts, are not checked.
pub(crate) fn user_scope(mail: &str) -> (String, Value) {
    (format!("user:{mail}"), json!({ "type": "user", "value": mail }))
}

/// When a calendar's list of events last changed.
pub(crate) fn last_change(calendar: &Calendar, now: DateTime<Utc>) -> DateTime<Utc> {
    calendar.events.values().map(|event| event.updated).max().unwrap_or(now)
}
