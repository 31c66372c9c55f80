//! An event: what Google accepts of a body, what it makes of it, and how it shows it (reference G5 to G9).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use crate::google::refusal::Refusal;
use crate::google::series::{self, Series};
use crate::google::time::{Point, stamp};
use crate::google::{Actor, GoogleReason};

/// Longer keys of an extended property are dropped.
const PROPERTY_KEY_LONGEST: usize = 44;
/// Longer values of an extended property are cut.
const PROPERTY_VALUE_LONGEST: usize = 1024;
/// Reminders that differ from the calendar's.
const OVERRIDES_MOST: usize = 5;

/// What a client cannot set, or what is kept outside `fields`.
const OWN: [&str; 18] = [
    "kind",
    "etag",
    "id",
    "htmlLink",
    "created",
    "updated",
    "creator",
    "organizer",
    "start",
    "end",
    "recurringEventId",
    "originalStartTime",
    "iCalUID",
    "sequence",
    "hangoutLink",
    "locked",
    "privateCopy",
    "attendeesOmitted",
];

const TEXTS: [&str; 4] = ["summary", "description", "location", "colorId"];

/// Closed lists, and the value that is never shown because it goes without saying.
const CHOICES: [(&str, &[&str], &str); 3] = [
    ("status", &["confirmed", "tentative", "cancelled"], ""),
    ("transparency", &["opaque", "transparent"], "opaque"),
    ("visibility", &["default", "public", "private", "confidential"], "default"),
];

#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) ical_uid: String,
    /// Everything a client may write, unknown fields included, but for the times.
    pub(crate) fields: Map<String, Value>,
    pub(crate) start: Point,
    pub(crate) end: Point,
    /// Of an exception: its series and the start it had there.
    pub(crate) original: Option<(String, Point)>,
    pub(crate) creator: String,
    pub(crate) created: DateTime<Utc>,
    pub(crate) updated: DateTime<Utc>,
    pub(crate) sequence: i64,
    /// Moves with every change, over all calendars; the etag shows it.
    pub(crate) version: u64,
}

/// A checked body.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) fields: Map<String, Value>,
    pub(crate) start: Point,
    pub(crate) end: Point,
    pub(crate) sequence: Option<i64>,
}

impl Draft {
    /// `body` is the whole new event. `conference` keeps `conferenceData`, which is else dropped without a word.
    pub(crate) fn check(body: &Map<String, Value>, zone: Tz, rules_reordered: bool) -> Result<Self, Refusal> {
        let mut fields = body.clone();
        fields.retain(|name, value| !OWN.contains(&name.as_str()) && !value.is_null());
        check_texts(&fields)?;
        check_choices(&mut fields)?;
        check_properties(&mut fields)?;
        check_reminders(&fields)?;
        if let Some(recurrence) = fields.get_mut("recurrence") {
            series::check(recurrence)?;
            if rules_reordered {
                series::reordered(recurrence);
            }
        }
        fields.retain(|name, value| !goes_without_saying(name, value));
        let repeats = fields.contains_key("recurrence");
        let start = Point::read(body, "start", zone, repeats)?;
        let end = Point::read(body, "end", zone, repeats)?;
        if start.is_day() != end.is_day() {
            return Err(Refusal::invalid("Invalid start/end: both must be dates, or both date-times."));
        }
        if end.instant(zone) <= start.instant(zone) {
            return Err(GoogleReason::TimeRangeEmpty.into());
        }
        let sequence = match body.get("sequence") {
            None | Some(Value::Null) => None,
            Some(given) => Some(given.as_i64().ok_or_else(|| Refusal::invalid("Invalid sequence value."))?),
        };
        fields.entry("status").or_insert_with(|| json!("confirmed"));
        Ok(Self { fields, start, end, sequence })
    }
}

fn check_texts(fields: &Map<String, Value>) -> Result<(), Refusal> {
    match TEXTS.iter().find(|name| fields.get(**name).is_some_and(|value| !value.is_string())) {
        Some(name) => Err(Refusal::invalid(format!("Invalid value for: {name}"))),
        None => Ok(()),
    }
}

fn check_choices(fields: &mut Map<String, Value>) -> Result<(), Refusal> {
    for (name, choices, _) in CHOICES {
        match fields.get(name) {
            Some(Value::String(text)) if choices.contains(&text.as_str()) => {}
            None => {}
            Some(_) => return Err(Refusal::invalid(format!("Invalid value for: {name}"))),
        }
    }
    Ok(())
}

/// Cuts silently what is too long (DOMAIN 6).
fn check_properties(fields: &mut Map<String, Value>) -> Result<(), Refusal> {
    let invalid = || Refusal::invalid("Invalid value for: extendedProperties");
    let Some(given) = fields.get_mut("extendedProperties") else { return Ok(()) };
    for scope in given.as_object_mut().ok_or_else(invalid)?.values_mut() {
        let properties = scope.as_object_mut().ok_or_else(invalid)?;
        properties.retain(|key, _| key.chars().count() <= PROPERTY_KEY_LONGEST);
        for value in properties.values_mut() {
            let Value::String(text) = value else { return Err(invalid()) };
            if let Some((cut, _)) = text.char_indices().nth(PROPERTY_VALUE_LONGEST) {
                text.truncate(cut);
            }
        }
    }
    Ok(())
}

fn check_reminders(fields: &Map<String, Value>) -> Result<(), Refusal> {
    let overrides = fields.get("reminders").and_then(|reminders| reminders.get("overrides")).and_then(Value::as_array);
    if overrides.is_some_and(|overrides| overrides.len() > OVERRIDES_MOST) {
        return Err(Refusal::invalid("The maximum number of override reminders is 5."));
    }
    Ok(())
}

fn goes_without_saying(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => {
            (TEXTS.contains(&name) && text.is_empty())
                || CHOICES.iter().any(|(choice, _, default)| *choice == name && default == text)
        }
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => {
            name == "extendedProperties" && map.values().all(|scope| scope.as_object().is_none_or(Map::is_empty))
        }
        _ => false,
    }
}

/// A PATCH: objects are merged, arrays replaced, null removes.
pub(crate) fn merge(into: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (value, into.get_mut(name)) {
            (Value::Null, _) => {
                into.remove(name);
            }
            (Value::Object(inner), Some(Value::Object(known))) => merge(known, inner),
            (Value::Object(inner), _) => {
                let mut fresh = Map::new();
                merge(&mut fresh, inner);
                into.insert(name.clone(), Value::Object(fresh));
            }
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

impl Event {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.fields.get("status").and_then(Value::as_str) == Some("cancelled")
    }

    pub(crate) fn set_status(&mut self, status: &str) {
        self.fields.insert("status".to_owned(), json!(status));
    }

    pub(crate) fn etag(&self) -> String {
        etag(self.version)
    }

    pub(crate) fn series(&self) -> Option<Series> {
        self.fields.get("recurrence").map(|recurrence| Series::of(self.start, self.end, recurrence))
    }

    /// The part that a client writes, as it would send it back.
    pub(crate) fn writable(&self, zone: Tz) -> Map<String, Value> {
        let mut form = self.fields.clone();
        form.insert("start".to_owned(), self.start.show(zone));
        form.insert("end".to_owned(), self.end.show(zone));
        form
    }

    /// The whole event.
    pub(crate) fn show(&self, calendar_id: &str, calendar_summary: &str, zone: Tz) -> Map<String, Value> {
        let mut form = self.writable(zone);
        let mut set = |name: &str, value: Value| {
            form.insert(name.to_owned(), value);
        };
        set("kind", json!("calendar#event"));
        set("etag", json!(self.etag()));
        set("id", json!(self.id));
        set("htmlLink", json!(format!("https://www.google.com/calendar/event?eid={}", self.id)));
        set("created", json!(stamp(self.created)));
        set("updated", json!(stamp(self.updated)));
        set("creator", json!({ "email": self.creator }));
        // The calendar itself organises what lies on it (reference G12).
        set("organizer", json!({ "email": calendar_id, "displayName": calendar_summary, "self": true }));
        set("iCalUID", json!(self.ical_uid));
        set("sequence", json!(self.sequence));
        if let Some((series, start)) = &self.original {
            set("recurringEventId", json!(series));
            set("originalStartTime", start.show(zone));
        }
        form.entry("reminders").or_insert_with(|| json!({ "useDefault": true }));
        form.entry("eventType").or_insert_with(|| json!("default"));
        form
    }

    /// What is certain of a cancelled event: its id, and where it belongs if it was part of a series.
    pub(crate) fn tombstone(&self, zone: Tz) -> Map<String, Value> {
        let mut form = Map::new();
        let mut set = |name: &str, value: Value| {
            form.insert(name.to_owned(), value);
        };
        set("kind", json!("calendar#event"));
        set("etag", json!(self.etag()));
        set("id", json!(self.id));
        set("status", json!("cancelled"));
        if let Some((series, start)) = &self.original {
            set("recurringEventId", json!(series));
            set("originalStartTime", start.show(zone));
        }
        form
    }

    /// Takes a checked body over. The change time moves even within one millisecond, but not for reminders alone.
    pub(crate) fn take(&mut self, draft: Draft, now: DateTime<Utc>) -> Result<(), Refusal> {
        if draft.sequence.is_some_and(|given| given < self.sequence) {
            let message = "Invalid sequence value. The specified sequence number is below the current sequence number \
                           of the resource. Re-fetch the resource and use its sequence number on the following request.";
            return Err(Refusal::invalid(message));
        }
        let main = |fields: &Map<String, Value>| {
            let mut main = fields.clone();
            main.remove("reminders");
            main
        };
        let moved = (draft.start, draft.end) != (self.start, self.end)
            || draft.fields.get("recurrence") != self.fields.get("recurrence");
        let only_reminders = !moved
            && main(&draft.fields) == main(&self.fields)
            && draft.fields.get("reminders") != self.fields.get("reminders");
        if !only_reminders {
            self.touch(now);
        }
        self.sequence = draft.sequence.unwrap_or(self.sequence).max(self.sequence + i64::from(moved));
        self.fields = draft.fields;
        (self.start, self.end) = (draft.start, draft.end);
        Ok(())
    }

    pub(crate) fn touch(&mut self, now: DateTime<Utc>) {
        self.updated = now.max(self.updated + chrono::TimeDelta::milliseconds(1));
    }
}

/// Quoted, and no number a client should count with.
pub(crate) fn etag(version: u64) -> String {
    format!("\"{}\"", 3_300_000_000_000_000_u64.wrapping_add(version.wrapping_mul(7_919_000_017) % 99_999_999_999_989))
}

/// `a` to `v` and `0` to `9`, 5 to 1024 of them (reference G2).
pub(crate) fn is_event_id(id: &str) -> bool {
    (5..=1024).contains(&id.len()) && id.bytes().all(|byte| matches!(byte, b'a'..=b'v' | b'0'..=b'9'))
}

/// Guests are not for service accounts, unless they were there already.
pub(crate) fn check_guests(body: &Map<String, Value>, before: Option<&Event>, actor: Actor) -> Result<(), Refusal> {
    let Some(guests) = body.get("attendees").filter(|_| actor == Actor::Service) else { return Ok(()) };
    let kept = before.is_some_and(|event| event.fields.get("attendees") == Some(guests));
    if guests.is_null() || guests.as_array().is_some_and(Vec::is_empty) || kept {
        return Ok(());
    }
    Err(GoogleReason::ForbiddenForServiceAccounts.into())
}
