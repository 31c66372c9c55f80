//! Pages of events, sync tokens, and what may be asked together (reference G4, G5).

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call};
use crate::google::calendar::{Calendar, answered_in, last_change};
use crate::google::event::{Event, etag};
use crate::google::refusal::Refusal;
use crate::google::time::{instant_of, stamp};
use crate::google::{Google, GoogleReason, GoogleRole};

const EVENTS_DEFAULT: usize = 250;
const EVENTS_MOST: usize = 2500;
/// Not beside a `syncToken`.
const NOT_WITH_SYNC_TOKEN: [&str; 8] = [
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
];
/// A list with one of these earns no sync token.
const WITHOUT_SYNC_TOKEN: [&str; 6] =
    ["iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "updatedMin"];
/// May differ between the pages of one list.
const NOT_THE_QUERY: [&str; 7] = ["pageToken", "maxResults", "alt", "prettyPrint", "fields", "key", "quotaUser"];

/// What a list asks for.
struct Query {
    /// Changes after this version, tombstones included.
    since: Option<u64>,
    shows_deleted: bool,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    updated_from: Option<DateTime<Utc>>,
    by_change: bool,
    /// Lower case.
    text: Option<String>,
    ical_uid: Option<String>,
    /// `private` or `shared`, name, value.
    properties: Vec<(&'static str, String, String)>,
}

/// Where a list goes on.
struct Place {
    epoch: u64,
    /// The version when the first page was given out: the next sync token, so that nothing that changes meanwhile is missed.
    as_of: u64,
    /// The sort key of the last event so far.
    after: String,
}

fn hash(parts: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// Ties a page token to its query.
fn query_hash(call: &Call, calendar_id: &str) -> u64 {
    let mut parts: Vec<String> = call
        .query()
        .into_iter()
        .filter(|(name, _)| !NOT_THE_QUERY.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    parts.sort();
    parts.push(calendar_id.to_owned());
    hash(&parts)
}

fn token(kind: &str, parts: &[&str]) -> String {
    URL_SAFE_NO_PAD.encode(format!("{kind} {}", parts.join(" ")))
}

fn token_parts(token: &str, kind: &str) -> Option<Vec<String>> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    Some(text.strip_prefix(kind)?.strip_prefix(' ')?.splitn(4, ' ').map(str::to_owned).collect())
}

fn sync_token(calendar: &Calendar, epoch: u64, as_of: u64) -> String {
    token("sync", &[&hash(std::slice::from_ref(&calendar.id)).to_string(), &epoch.to_string(), &as_of.to_string()])
}

/// The version after which changes are wanted; 410 once the token's epoch is over, 400 if it never was one of this calendar.
fn sync_point(text: &str, calendar: &Calendar) -> Result<u64, Refusal> {
    let invalid = || Refusal::parameter("syncToken").saying("Invalid sync token value.");
    let parts = token_parts(text, "sync").ok_or_else(invalid)?;
    let [owner, epoch, as_of] = parts.as_slice() else { return Err(invalid()) };
    if *owner != hash(std::slice::from_ref(&calendar.id)).to_string() {
        return Err(invalid());
    }
    if *epoch != calendar.epoch.to_string() {
        return Err(GoogleReason::FullSyncRequired.into());
    }
    as_of.parse().map_err(|_| invalid())
}

impl Place {
    fn of(call: &Call, calendar: &Calendar, versions: u64) -> Result<Self, Refusal> {
        let Some(text) = call.query_value("pageToken") else {
            return Ok(Self { epoch: calendar.epoch, as_of: versions, after: String::new() });
        };
        let invalid = || Refusal::parameter("pageToken").saying("Invalid page token value.");
        let parts = token_parts(&text, "page").ok_or_else(invalid)?;
        let [query, epoch, as_of, after] = parts.as_slice() else { return Err(invalid()) };
        if *query != query_hash(call, &calendar.id).to_string() {
            return Err(invalid());
        }
        let epoch = epoch.parse().map_err(|_| invalid())?;
        Ok(Self { epoch, as_of: as_of.parse().map_err(|_| invalid())?, after: after.clone() })
    }

    fn token(&self, call: &Call, calendar: &Calendar) -> String {
        let query = query_hash(call, &calendar.id).to_string();
        token("page", &[&query, &self.epoch.to_string(), &self.as_of.to_string(), &self.after])
    }
}

impl Query {
    fn of(call: &Call, calendar: &Calendar) -> Result<Self, Refusal> {
        let since = match call.query_value("syncToken") {
            Some(token) => {
                let together = NOT_WITH_SYNC_TOKEN.iter().any(|name| call.query_value(name).is_some());
                if together || call.query_value("showDeleted").as_deref() == Some("false") {
                    let message = "Sync token cannot be used with other query restrictions.";
                    return Err(Refusal::from(GoogleReason::BadRequest).saying(message));
                }
                Some(sync_point(&token, calendar)?)
            }
            None => None,
        };
        if flag(call, "singleEvents")? {
            let message = "singleEvents: this simulator lists a series as one.";
            return Err(Refusal::from(GoogleReason::BadRequest).saying(message));
        }
        let by_change = match call.query_value("orderBy").as_deref() {
            None => false,
            Some("updated") => true,
            Some("startTime") => {
                let message = "The requested ordering is not available for the particular query.";
                return Err(Refusal::from(GoogleReason::BadRequest).saying(message));
            }
            Some(_) => return Err(Refusal::parameter("orderBy")),
        };
        let (from, to) = (instant(call, "timeMin")?, instant(call, "timeMax")?);
        if let (Some(from), Some(to)) = (from, to)
            && to <= from
        {
            return Err(GoogleReason::TimeRangeEmpty.into());
        }
        Ok(Self {
            since,
            shows_deleted: flag(call, "showDeleted")?,
            from,
            to,
            updated_from: instant(call, "updatedMin")?,
            by_change,
            text: call.query_value("q").map(|text| text.to_lowercase()),
            ical_uid: call.query_value("iCalUID"),
            properties: properties(call)?,
        })
    }

    fn wants(&self, event: &Event, calendar: &Calendar) -> bool {
        if let Some(since) = self.since {
            return event.version > since;
        }
        let series = event.original.as_ref().and_then(|(series, _)| calendar.events.get(series));
        let part_of_a_living_series = series.is_some_and(|series| !series.is_cancelled());
        let deletions = self.shows_deleted || self.updated_from.is_some();
        // A cancelled occurrence is part of its series: it is told even where deletions are not (reference G5).
        if is_gone(event, calendar) && !deletions && !part_of_a_living_series {
            return false;
        }
        let text = |name: &str| event.fields.get(name).and_then(Value::as_str).unwrap_or_default();
        self.updated_from.is_none_or(|from| event.updated >= from)
            && self.overlaps(event, calendar.zone)
            && self.ical_uid.as_ref().is_none_or(|uid| *uid == event.ical_uid)
            && self.text.as_ref().is_none_or(|wanted| {
                ["summary", "description", "location"].iter().any(|name| text(name).to_lowercase().contains(wanted))
            })
            && self.properties.iter().all(|(scope, name, value)| {
                let held = event.fields.get("extendedProperties").and_then(|all| all.get(*scope)?.get(name));
                held.and_then(Value::as_str) == Some(value)
            })
    }

    /// `timeMin` bounds the end, `timeMax` the start, both exclusively.
    fn overlaps(&self, event: &Event, zone: Tz) -> bool {
        match event.series() {
            Some(series) => series.overlaps(self.from, self.to, zone),
            None => {
                self.from.is_none_or(|from| event.end.instant(zone) > from)
                    && self.to.is_none_or(|to| event.start.instant(zone) < to)
            }
        }
    }

    fn key(&self, event: &Event) -> String {
        if self.by_change { format!("{}/{}", stamp(event.updated), event.id) } else { event.id.clone() }
    }
}

/// Deleted itself, or part of a series that is.
fn is_gone(event: &Event, calendar: &Calendar) -> bool {
    let series = event.original.as_ref().and_then(|(series, _)| calendar.events.get(series));
    event.is_cancelled() || series.is_some_and(Event::is_cancelled)
}

impl Google {
    /// `most` is an armed short page: it holds that many events at most and always carries a `nextPageToken`.
    pub(crate) fn list_events(
        &self,
        call: &Call,
        calendar_id: &str,
        most: Option<usize>,
        now: DateTime<Utc>,
    ) -> Result<Answer, Refusal> {
        let calendar = self.calendar(calendar_id, GoogleRole::Reader)?;
        let zone = answered_in(call, calendar)?;
        let query = Query::of(call, calendar)?;
        let mut place = Place::of(call, calendar, self.versions)?;
        let limit = page_limit(call, EVENTS_DEFAULT, EVENTS_MOST)?;
        let limit = limit.min(self.switches.page_events_most.unwrap_or(EVENTS_MOST).max(1)).min(most.unwrap_or(limit));

        let mut found: Vec<(String, &Event)> = calendar
            .events
            .values()
            .filter(|event| query.wants(event, calendar))
            .map(|event| (query.key(event), event))
            .filter(|(key, _)| *key > place.after)
            .collect();
        if query.by_change {
            found.sort_by(|one, other| one.0.cmp(&other.0));
        }
        let more = found.len() > limit || most.is_some();
        found.truncate(limit);
        let items: Vec<Value> = found.iter().map(|(_, event)| self.listed(event, calendar, zone)).collect();
        let mut form = json!({
            "kind": "calendar#events",
            "etag": etag(self.versions),
            "summary": calendar.summary(),
            "updated": stamp(last_change(calendar, now)),
            "timeZone": zone.name(),
            "accessRole": calendar.role_of(&self.client_email),
            "defaultReminders": [],
            "items": items,
        });
        if let Some((key, _)) = found.pop() {
            place.after = key;
        }
        if more {
            form["nextPageToken"] = json!(place.token(call, calendar));
        } else if !WITHOUT_SYNC_TOKEN.iter().any(|name| call.query_value(name).is_some()) {
            form["nextSyncToken"] = json!(sync_token(calendar, place.epoch, place.as_of));
        }
        Ok(Answer::ok(&form))
    }

    fn listed(&self, event: &Event, calendar: &Calendar, zone: Tz) -> Value {
        Value::Object(self.shown(event, calendar, zone))
    }

    /// Of a cancelled event only what is certain, unless the switch shows the rest; of a cancelled occurrence never more.
    pub(crate) fn shown(&self, event: &Event, calendar: &Calendar, zone: Tz) -> Map<String, Value> {
        if is_gone(event, calendar) && (self.switches.bare_tombstones || event.original.is_some()) {
            return event.tombstone(zone);
        }
        event.show(&calendar.id, calendar.summary(), zone)
    }
}

/// `maxResults`: more than the most is as much as the most.
pub(crate) fn page_limit(call: &Call, default: usize, most: usize) -> Result<usize, Refusal> {
    match number(call, "maxResults")? {
        Some(0) => Err(Refusal::parameter("maxResults")),
        Some(wanted) => Ok(wanted.min(most)),
        None => Ok(default),
    }
}

pub(crate) fn number(call: &Call, name: &str) -> Result<Option<usize>, Refusal> {
    call.query_value(name).map(|text| text.parse().map_err(|_| Refusal::parameter(name))).transpose()
}

fn flag(call: &Call, name: &str) -> Result<bool, Refusal> {
    match call.query_value(name).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Refusal::parameter(name)),
    }
}

/// RFC 3339 with its offset; anything else is a bad request.
fn instant(call: &Call, name: &str) -> Result<Option<DateTime<Utc>>, Refusal> {
    let bad = || Refusal { reason: GoogleReason::BadRequest, ..Refusal::parameter(name) };
    call.query_value(name).map(|text| instant_of(&text).ok_or_else(bad)).transpose()
}

fn properties(call: &Call) -> Result<Vec<(&'static str, String, String)>, Refusal> {
    let mut wanted = Vec::new();
    for (name, value) in call.query() {
        let scope = match name.as_str() {
            "privateExtendedProperty" => "private",
            "sharedExtendedProperty" => "shared",
            _ => continue,
        };
        let (key, value) = value.split_once('=').ok_or_else(|| Refusal::parameter(&name))?;
        wanted.push((scope, key.to_owned(), value.to_owned()));
    }
    Ok(wanted)
}
