//! Google's terms to typed ones; pure. The way back is [`EventBody`](super::EventBody).

use std::collections::{BTreeMap, HashMap};

use domain::calendar::event::{EventFields, EventStatus};
use domain::ids::{CalendarId, EventId};
use serde_json::{Map, Value};

use super::event::{EventList, GoogleEvent, UnreadableEvent};
use super::wire::{self, field, malformed};
use crate::error::ErrorKind;
use crate::json::text;

/// One calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoogleCalendar {
    /// The calendar.
    pub id: CalendarId,
    /// Its name.
    pub summary: Option<String>,
    /// IANA name of its zone.
    pub time_zone: Option<String>,
    /// What we may do with it (`reader`, `writer`, `owner`, ...); only a list tells it.
    pub access_role: Option<String>,
}

/// Who may do what with a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclRule {
    /// `reader`, `writer`, `owner`, ...
    pub role: String,
    /// `user`, `group`, `domain` or `default`.
    pub scope_type: String,
    /// The mail address, where the scope has one.
    pub scope_value: Option<String>,
}

impl AclRule {
    /// Whether it makes this account a co-owner.
    pub fn makes_owner(&self, mail: &str) -> bool {
        let is_his = self.scope_value.as_ref().is_some_and(|value| value.eq_ignore_ascii_case(mail));
        self.role == wire::OWNER && self.scope_type == wire::USER && is_his
    }
}

pub(super) fn calendar(answer: Value) -> Result<GoogleCalendar, ErrorKind> {
    let fields = wire::object(answer)?;
    let own = |name| text(&fields, name).map(str::to_owned);
    Ok(GoogleCalendar {
        id: wire::calendar_id(&fields)?,
        summary: own(field::SUMMARY),
        time_zone: own(field::TIME_ZONE),
        access_role: own(field::ACCESS_ROLE),
    })
}

pub(super) fn rule(answer: Value) -> Result<AclRule, ErrorKind> {
    let fields = wire::object(answer)?;
    let scope = fields.get(field::SCOPE).and_then(Value::as_object);
    match (text(&fields, field::ROLE), scope.and_then(|scope| Some((scope, text(scope, field::TYPE)?)))) {
        (Some(role), Some((scope, scope_type))) => Ok(AclRule {
            role: role.to_owned(),
            scope_type: scope_type.to_owned(),
            scope_value: text(scope, field::VALUE).map(str::to_owned),
        }),
        _ => malformed("a rule has no role or no scope"),
    }
}

/// The one event that was asked for.
pub(super) fn asked_event(answer: Value, asked: &EventId) -> Result<GoogleEvent, ErrorKind> {
    let event = event(&wire::object(answer)?)?;
    // A proxy that mixed up two answers would write one employee's event to another.
    if event.id == *asked { Ok(event) } else { malformed("id is not the one asked for") }
}

fn event(fields: &Map<String, Value>) -> Result<GoogleEvent, ErrorKind> {
    let Some(id) = wire::event_id(fields, field::ID)? else { return malformed("id is missing") };
    let status = wire::status(fields)?;
    let etag = text(fields, field::ETAG).map(str::to_owned);
    let start = wire::time(fields, field::START)?;
    if status != EventStatus::Cancelled {
        // Of a cancelled one only the id is certain.
        match (&etag, &start) {
            (None, _) => return malformed("etag is missing"),
            (_, None) => return malformed("start is missing"),
            (Some(_), Some(_)) => {}
        }
    }
    let (start, time_zone) = start.map_or((None, None), |(time, zone)| (Some(time), zone));
    Ok(GoogleEvent {
        id,
        etag,
        fields: EventFields {
            status,
            start,
            end: wire::time(fields, field::END)?.map(|(time, _)| time),
            time_zone,
            summary: wire::optional_text(fields, field::SUMMARY, "summary is no text")?,
            description: wire::optional_text(fields, field::DESCRIPTION, "description is no text")?,
            location: wire::optional_text(fields, field::LOCATION, "location is no text")?,
            recurrence: recurrence(fields)?,
            recurring_event_id: wire::event_id(fields, field::RECURRING_EVENT_ID)?,
            transparency: wire::transparency(fields),
            updated: text(fields, field::UPDATED).and_then(wire::instant),
        },
        original_start: wire::time(fields, field::ORIGINAL_START)?.map(|(time, _)| time),
        private: private(fields)?,
    })
}

/// A line that is none must not make a series look like a single event.
fn recurrence(fields: &Map<String, Value>) -> Result<Vec<String>, ErrorKind> {
    let lines = match fields.get(field::RECURRENCE) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(lines)) => lines.iter().map(|line| line.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    lines.ok_or(ErrorKind::Malformed { what: "recurrence is no list of texts" })
}

fn private(fields: &Map<String, Value>) -> Result<BTreeMap<String, String>, ErrorKind> {
    let properties = match fields.get(field::EXTENDED).and_then(|all| all.get(field::PRIVATE)) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(properties)) => {
            properties.iter().map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
        }
        Some(_) => None,
    };
    properties.ok_or(ErrorKind::Malformed { what: "a private property is no text" })
}

/// All elements of all pages. An event that changed while the pages were read may stand in two of them: the later one counts.
pub(super) fn event_list(items: Vec<Value>, next_sync_token: Option<String>) -> EventList {
    let (mut events, mut unreadable) = (Vec::<GoogleEvent>::with_capacity(items.len()), Vec::new());
    let mut places = HashMap::new();
    for item in items {
        let read = wire::object(item).map_err(|kind| (kind, None));
        let read = read.and_then(|fields| {
            event(&fields).map_err(|kind| (kind, wire::event_id(&fields, field::ID).ok().flatten()))
        });
        match read {
            Ok(event) => {
                if let Some(earlier) = places.get(&event.id).and_then(|at: &usize| events.get_mut(*at)) {
                    *earlier = event;
                } else {
                    places.insert(event.id.clone(), events.len());
                    events.push(event);
                }
            }
            Err((ErrorKind::Malformed { what }, id)) => unreadable.push(UnreadableEvent { id, what }),
            Err((_, id)) => unreadable.push(UnreadableEvent { id, what: "it cannot be read" }),
        }
    }
    EventList { events, next_sync_token, unreadable }
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
