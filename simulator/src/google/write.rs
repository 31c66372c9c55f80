//! Insert, read, change and delete: one way for the service account and for people.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call};
use crate::google::calendar::{Calendar, answered_in, body};
use crate::google::event::{Draft, Event, check_guests, is_event_id, merge};
use crate::google::refusal::Refusal;
use crate::google::time::{Point, date_of, instant_of};
use crate::google::{Actor, Google, GoogleReason, GoogleRole};

/// Written only when the call says so, else dropped without a word (reference G8).
const CONFERENCE: &str = "conferenceData";

impl Google {
    pub(crate) fn insert_by_call(
        &mut self,
        call: &Call,
        calendar_id: &str,
        now: DateTime<Utc>,
    ) -> Result<Answer, Refusal> {
        self.calendar(calendar_id, GoogleRole::Writer)?;
        let mut body = body(call)?;
        drop_conference(call, &mut body);
        let id = self.insert_event(calendar_id, &body, Actor::Service, now)?;
        self.answer_event(call, calendar_id, &id)
    }

    pub(crate) fn get_by_call(&self, call: &Call, calendar_id: &str, id: &str) -> Result<Answer, Refusal> {
        let calendar = self.calendar(calendar_id, GoogleRole::Reader)?;
        let event = calendar.events.get(id).ok_or(GoogleReason::NotFound)?;
        if call.header("if-none-match") == Some(&event.etag()) {
            return Ok(Answer::empty(StatusCode::NOT_MODIFIED));
        }
        self.answer_event(call, calendar_id, id)
    }

    /// Objects are merged, null removes.
    pub(crate) fn patch_by_call(
        &mut self,
        call: &Call,
        calendar_id: &str,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<Answer, Refusal> {
        self.check_condition(call, calendar_id, id)?;
        let mut patch = body(call)?;
        drop_conference(call, &mut patch);
        self.patch_event(calendar_id, id, &patch, Actor::Service, now)?;
        self.answer_event(call, calendar_id, id)
    }

    /// What is left out is cleared.
    pub(crate) fn update_by_call(
        &mut self,
        call: &Call,
        calendar_id: &str,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<Answer, Refusal> {
        self.check_condition(call, calendar_id, id)?;
        let mut whole = body(call)?;
        drop_conference(call, &mut whole);
        self.change_event(calendar_id, id, Actor::Service, now, |event, _| {
            if let Some(conference) = event.fields.get(CONFERENCE) {
                whole.entry(CONFERENCE).or_insert_with(|| conference.clone());
            }
            whole
        })?;
        self.answer_event(call, calendar_id, id)
    }

    pub(crate) fn delete_by_call(
        &mut self,
        call: &Call,
        calendar_id: &str,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<Answer, Refusal> {
        let calendar = self.calendar(calendar_id, GoogleRole::Writer)?;
        if calendar.events.get(id).ok_or(GoogleReason::NotFound)?.is_cancelled() {
            return Err(GoogleReason::Deleted.into());
        }
        self.check_condition(call, calendar_id, id)?;
        self.set_status(calendar_id, id, "cancelled", now)?;
        Ok(Answer::empty(StatusCode::NO_CONTENT))
    }

    fn answer_event(&self, call: &Call, calendar_id: &str, id: &str) -> Result<Answer, Refusal> {
        let calendar = self.calendar(calendar_id, GoogleRole::Reader)?;
        let event = calendar.events.get(id).ok_or(GoogleReason::NotFound)?;
        let form = self.shown(event, calendar, answered_in(call, calendar)?);
        Ok(Answer::ok(&Value::Object(form)).with_header("etag", event.etag()))
    }

    fn check_condition(&self, call: &Call, calendar_id: &str, id: &str) -> Result<(), Refusal> {
        let calendar = self.calendar(calendar_id, GoogleRole::Writer)?;
        let event = calendar.events.get(id).ok_or(GoogleReason::NotFound)?;
        let Some(wanted) = call.header("if-match") else { return Ok(()) };
        let etag = event.etag();
        let met = wanted.split(',').map(str::trim).any(|one| one == "*" || one == etag);
        if met { Ok(()) } else { Err(GoogleReason::ConditionNotMet.into()) }
    }

    /// The id is the client's, or made here; one that ever existed is taken.
    pub(crate) fn insert_event(
        &mut self,
        calendar_id: &str,
        body: &Map<String, Value>,
        actor: Actor,
        now: DateTime<Utc>,
    ) -> Result<String, Refusal> {
        let creator = self.mail_of(actor);
        let reordered = self.switches.rules_reordered;
        let id = match body.get("id") {
            None | Some(Value::Null) => self.dice.letters(b"0123456789abcdefghijklmnopqrstuv", 26),
            Some(Value::String(id)) if is_event_id(id) => id.clone(),
            Some(_) => return Err(Refusal::invalid("Invalid resource id value.")),
        };
        let ical_uid = match body.get("iCalUID").and_then(Value::as_str) {
            Some(_) if body.contains_key("id") => return Err(Refusal::invalid("Give id or iCalUID, not both.")),
            Some(uid) => uid.to_owned(),
            None => format!("{id}@google.com"),
        };
        let calendar = self.calendars.get(calendar_id).ok_or(GoogleReason::NotFound)?;
        check_guests(body, None, actor)?;
        let draft = Draft::check(body, calendar.zone, reordered)?;
        if calendar.events.contains_key(&id) {
            return Err(GoogleReason::Duplicate.into());
        }
        let event = Event {
            id: id.clone(),
            ical_uid,
            sequence: draft.sequence.unwrap_or(0),
            fields: draft.fields,
            start: draft.start,
            end: draft.end,
            original: None,
            creator,
            created: now,
            updated: now,
            version: 0,
        };
        self.store(calendar_id, event);
        Ok(id)
    }

    pub(crate) fn patch_event(
        &mut self,
        calendar_id: &str,
        id: &str,
        patch: &Map<String, Value>,
        actor: Actor,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        self.change_event(calendar_id, id, actor, now, |event, zone| {
            let mut whole = event.writable(zone);
            merge(&mut whole, patch);
            whole
        })
    }

    /// `change` gives the whole new body.
    pub(crate) fn change_event(
        &mut self,
        calendar_id: &str,
        id: &str,
        actor: Actor,
        now: DateTime<Utc>,
        change: impl FnOnce(&Event, Tz) -> Map<String, Value>,
    ) -> Result<(), Refusal> {
        let calendar = self.calendars.get(calendar_id).ok_or(GoogleReason::NotFound)?;
        let mut event = calendar.events.get(id).ok_or(GoogleReason::NotFound)?.clone();
        if event.is_cancelled() && !self.switches.deleted_revivable {
            return Err(GoogleReason::Deleted.into());
        }
        let mut whole = change(&event, calendar.zone);
        check_guests(&whole, Some(&event), actor)?;
        if event.original.is_some() {
            whole.remove("recurrence");
        }
        let draft = Draft::check(&whole, calendar.zone, self.switches.rules_reordered)?;
        let was_cancelled = event.is_cancelled();
        event.take(draft, now)?;
        let turned = was_cancelled != event.is_cancelled();
        self.store(calendar_id, event);
        if turned {
            self.tell_occurrences(calendar_id, id);
        }
        Ok(())
    }

    /// Deletes or brings back, whatever else the event holds.
    pub(crate) fn set_status(
        &mut self,
        calendar_id: &str,
        id: &str,
        status: &str,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let calendar = self.calendars.get(calendar_id).ok_or(GoogleReason::NotFound)?;
        let mut event = calendar.events.get(id).ok_or(GoogleReason::NotFound)?.clone();
        event.set_status(status);
        event.touch(now);
        self.store(calendar_id, event);
        self.tell_occurrences(calendar_id, id);
        Ok(())
    }

    /// The exceptions of a series come and go with it, so they change, too.
    fn tell_occurrences(&mut self, calendar_id: &str, series_id: &str) {
        let Some(calendar) = self.calendars.get(calendar_id) else { return };
        let of_series = |event: &&Event| event.original.as_ref().is_some_and(|(series, _)| series == series_id);
        let exceptions: Vec<Event> = calendar.events.values().filter(of_series).cloned().collect();
        for event in exceptions {
            self.store(calendar_id, event);
        }
    }

    /// Makes an exception of an occurrence, or changes one: `fields` as in a PATCH, `None` cancels it.
    pub(crate) fn change_occurrence(
        &mut self,
        calendar_id: &str,
        series_id: &str,
        original_start: &str,
        fields: Option<&Map<String, Value>>,
        now: DateTime<Utc>,
    ) -> Result<String, Refusal> {
        let calendar = self.calendars.get(calendar_id).ok_or(GoogleReason::NotFound)?;
        let exception = occurrence(calendar, series_id, original_start, now).ok_or(GoogleReason::NotFound)?;
        let id = exception.id.clone();
        if !calendar.events.contains_key(&id) {
            let mut whole = exception.writable(calendar.zone);
            merge(&mut whole, fields.unwrap_or(&Map::new()));
            // Nothing is left behind where the change is refused.
            Draft::check(&whole, calendar.zone, false)?;
            self.store(calendar_id, exception);
        }
        match fields {
            Some(fields) => self.patch_event(calendar_id, &id, fields, Actor::User, now)?,
            None => self.set_status(calendar_id, &id, "cancelled", now)?,
        }
        Ok(id)
    }

    /// Moves an event with all its exceptions, ids kept: to the one calendar it is deleted, to the other new.
    pub(crate) fn move_event(&mut self, from: &str, id: &str, to: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
        let source = self.calendars.get(from).ok_or(GoogleReason::NotFound)?;
        let target = self.calendars.get(to).ok_or(GoogleReason::NotFound)?;
        let living = source.events.get(id).is_some_and(|event| !event.is_cancelled() && event.original.is_none());
        if !living || from == to {
            return Err(GoogleReason::NotFound.into());
        }
        if target.events.get(id).is_some_and(|event| !event.is_cancelled()) {
            return Err(GoogleReason::Duplicate.into());
        }
        let mine = |event: &&Event| event.id == id || event.original.as_ref().is_some_and(|(series, _)| series == id);
        let moved: Vec<Event> = source.events.values().filter(mine).cloned().collect();
        for mut event in moved {
            event.touch(now);
            self.store(to, event.clone());
            event.set_status("cancelled");
            self.store(from, event);
        }
        Ok(())
    }

    /// Every change of an event gets the next version, and with it a new etag.
    fn store(&mut self, calendar_id: &str, mut event: Event) {
        event.version = self.next_version();
        if let Some(calendar) = self.calendars.get_mut(calendar_id) {
            calendar.events.insert(event.id.clone(), event);
        }
    }
}

fn drop_conference(call: &Call, body: &mut Map<String, Value>) {
    if call.query_value("conferenceDataVersion").as_deref() != Some("1") {
        body.remove(CONFERENCE);
    }
}

/// The exception that is stored, or the one to store; `None` where the series has no such occurrence.
fn occurrence(calendar: &Calendar, series_id: &str, original_start: &str, now: DateTime<Utc>) -> Option<Event> {
    let series = calendar.events.get(series_id).filter(|series| !series.is_cancelled())?;
    let repeated = series.series()?;
    let start = match series.start {
        Point::Day(_) => Point::Day(date_of(original_start)?),
        Point::At { zone, .. } => Point::At { instant: instant_of(original_start)?, zone },
    };
    let id = format!("{series_id}_{}", start.stamp());
    if let Some(known) = calendar.events.get(&id) {
        return Some(known.clone());
    }
    if !repeated.has(start) {
        return None;
    }
    let mut exception = series.clone();
    exception.fields.remove("recurrence");
    exception.fields.insert("status".to_owned(), json!("confirmed"));
    exception.original = Some((series_id.to_owned(), start));
    (exception.start, exception.end) = (start, repeated.end_of(start));
    (exception.id, exception.updated) = (id, now);
    Some(exception)
}
