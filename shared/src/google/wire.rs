//! Google's JSON and its names (DOMAIN 6).
//!
//! Strict where tolerance would lose data: a list without its array, or an event without its begin, must not look like an empty one.

use chrono::{DateTime, NaiveDate, Utc};
use domain::calendar::event::{EventStatus, EventTime, Transparency};
use domain::ids::{CalendarId, EventId};
use serde_json::{Map, Value, json};

use crate::error::ErrorKind;
use crate::json::text;

/// Names of fields.
pub(super) mod field {
    pub(crate) const ID: &str = "id";
    pub(crate) const ETAG: &str = "etag";
    pub(crate) const STATUS: &str = "status";
    pub(crate) const UPDATED: &str = "updated";
    pub(crate) const START: &str = "start";
    pub(crate) const END: &str = "end";
    pub(crate) const DATE: &str = "date";
    pub(crate) const DATE_TIME: &str = "dateTime";
    pub(crate) const TIME_ZONE: &str = "timeZone";
    pub(crate) const SUMMARY: &str = "summary";
    pub(crate) const DESCRIPTION: &str = "description";
    pub(crate) const LOCATION: &str = "location";
    pub(crate) const RECURRENCE: &str = "recurrence";
    pub(crate) const RECURRING_EVENT_ID: &str = "recurringEventId";
    pub(crate) const ORIGINAL_START: &str = "originalStartTime";
    pub(crate) const TRANSPARENCY: &str = "transparency";
    pub(crate) const EXTENDED: &str = "extendedProperties";
    pub(crate) const PRIVATE: &str = "private";
    pub(crate) const ACCESS_ROLE: &str = "accessRole";
    pub(crate) const ROLE: &str = "role";
    pub(crate) const SCOPE: &str = "scope";
    pub(crate) const TYPE: &str = "type";
    pub(crate) const VALUE: &str = "value";
}

/// Query parameters.
pub(super) mod parameter {
    pub(crate) const MAX_RESULTS: &str = "maxResults";
    pub(crate) const PAGE_TOKEN: &str = "pageToken";
    pub(crate) const SYNC_TOKEN: &str = "syncToken";
    pub(crate) const TIME_MIN: &str = "timeMin";
    pub(crate) const TIME_MAX: &str = "timeMax";
    pub(crate) const SHOW_HIDDEN: &str = "showHidden";
    /// Nobody gets a mail about an event.
    pub(crate) const QUIETLY: (&str, &str) = ("sendUpdates", "none");
    /// Nobody gets a mail about a rule.
    pub(crate) const UNTOLD: (&str, &str) = ("sendNotifications", "false");
}

/// Path of the service account's own list of calendars.
pub(super) const CALENDAR_LIST: [&str; 3] = ["users", "me", "calendarList"];

/// Path segment of calendars.
pub(super) const CALENDARS: &str = "calendars";

/// Path segment of a calendar's rules.
pub(super) const ACL: &str = "acl";

/// Path segment of a calendar's events.
pub(super) const EVENTS: &str = "events";

/// Role and scope of a rule that makes one account a co-owner.
pub(super) const OWNER: &str = "owner";
pub(super) const USER: &str = "user";

/// What a refusal says, in names; anything that is no name is dropped (E2).
#[derive(Default)]
pub(super) struct Told {
    pub(super) reason: Option<String>,
    pub(super) location: Option<String>,
}

/// Reads `{"error": {"errors": [{"reason", "location"}]}}`.
pub(super) fn told(body: &[u8]) -> Told {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(first) = answer.pointer("/error/errors/0").and_then(Value::as_object) else { return Told::default() };
    let name = |key: &str| text(first, key).filter(|name| is_name(name)).map(str::to_owned);
    Told { reason: name("reason"), location: name("location") }
}

fn is_name(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// One page of a list.
pub(super) struct Page {
    pub(super) items: Vec<Value>,
    pub(super) next_page_token: Option<String>,
    pub(super) next_sync_token: Option<String>,
}

impl Page {
    pub(super) fn read(answer: Value) -> Result<Self, ErrorKind> {
        let mut fields = object(answer)?;
        let Some(Value::Array(items)) = fields.remove("items") else { return malformed("items is missing") };
        let mut token = |name: &str, what| match fields.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(token)) if !token.is_empty() => Ok(Some(token)),
            Some(_) => malformed(what),
        };
        Ok(Self {
            items,
            next_page_token: token("nextPageToken", "nextPageToken is no text")?,
            next_sync_token: token("nextSyncToken", "nextSyncToken is no text")?,
        })
    }
}

/// Any answer that is one record.
pub(super) fn object(answer: Value) -> Result<Map<String, Value>, ErrorKind> {
    match answer {
        Value::Object(fields) => Ok(fields),
        _ => malformed("no object"),
    }
}

pub(super) fn calendar_id(fields: &Map<String, Value>) -> Result<CalendarId, ErrorKind> {
    match text(fields, field::ID).map(CalendarId::parse) {
        Some(Ok(id)) => Ok(id),
        _ => malformed("the calendar's id is missing"),
    }
}

pub(super) fn event_id(fields: &Map<String, Value>, name: &str) -> Result<Option<EventId>, ErrorKind> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_str().map(EventId::parse) {
            Some(Ok(id)) => Ok(Some(id)),
            _ => malformed("an id cannot be read"),
        },
    }
}

/// A text; `None` where it is empty, null or absent. Anything else must not look empty.
pub(super) fn optional_text(
    fields: &Map<String, Value>,
    name: &str,
    what: &'static str,
) -> Result<Option<String>, ErrorKind> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => malformed(what),
    }
}

pub(super) fn status(fields: &Map<String, Value>) -> Result<EventStatus, ErrorKind> {
    match fields.get(field::STATUS).map(Value::as_str) {
        None | Some(Some("confirmed")) => Ok(EventStatus::Confirmed),
        Some(Some("tentative")) => Ok(EventStatus::Tentative),
        Some(Some("cancelled")) => Ok(EventStatus::Cancelled),
        Some(_) => malformed("status is unknown"),
    }
}

pub(super) fn transparency(fields: &Map<String, Value>) -> Transparency {
    match text(fields, field::TRANSPARENCY) {
        Some("transparent") => Transparency::Transparent,
        _ => Transparency::Opaque,
    }
}

/// A time and the name of its zone, where it has one.
pub(super) type Time = (EventTime, Option<String>);

/// `start`, `end` or `originalStartTime`.
pub(super) fn time(fields: &Map<String, Value>, name: &str) -> Result<Option<Time>, ErrorKind> {
    let parts = match fields.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value.as_object().ok_or(ErrorKind::Malformed { what: "a time is no object" })?,
    };
    let time = match (text(parts, field::DATE), text(parts, field::DATE_TIME)) {
        (Some(date), None) => NaiveDate::parse_from_str(date, "%Y-%m-%d").ok().map(EventTime::Date),
        (None, Some(instant)) => self::instant(instant).map(EventTime::DateTime),
        _ => None,
    };
    let time = time.ok_or(ErrorKind::Malformed { what: "a time is neither a date nor an instant with offset" })?;
    Ok(Some((time, text(parts, field::TIME_ZONE).map(str::to_owned))))
}

/// RFC 3339 with its offset.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

/// What a time is written as. In a PATCH the nulls remove the other form: an event that becomes all-day would be both else.
pub(super) fn written_time(time: EventTime, time_zone: &str) -> Value {
    match time {
        EventTime::Date(date) => json!({
            (field::DATE): date.to_string(), (field::DATE_TIME): null, (field::TIME_ZONE): null,
        }),
        EventTime::DateTime(instant) => json!({
            (field::DATE): null,
            (field::DATE_TIME): written_instant(instant),
            (field::TIME_ZONE): time_zone,
        }),
    }
}

/// RFC 3339 in whole seconds, as parameters and bodies have it.
pub(super) fn written_instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

pub(super) fn malformed<T>(what: &'static str) -> Result<T, ErrorKind> {
    Err(ErrorKind::Malformed { what })
}
