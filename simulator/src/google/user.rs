//! What people do in the calendar program, and what they share.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use crate::edit::{Edit, EditOutcome, EditRefused};
use crate::google::refusal::Refusal;
use crate::google::time::Point;
use crate::google::{Actor, Calendar, Google, GoogleReason, GoogleRole};

impl From<Refusal> for EditRefused {
    fn from(refusal: Refusal) -> Self {
        match refusal.reason {
            GoogleReason::NotFound | GoogleReason::Deleted | GoogleReason::Duplicate => Self::NoSuchRecord,
            _ => Self::Invalid { field: "event".to_owned(), kind: refusal.message().to_owned() },
        }
    }
}

/// A single event, neither series nor part of one, as people see it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) calendar_id: String,
    pub(crate) event_id: String,
    pub(crate) start: Point,
    pub(crate) end: Point,
    /// The calendar's.
    pub(crate) zone: Tz,
}

impl Seen {
    pub(crate) fn begins(&self) -> DateTime<Utc> {
        self.start.instant(self.zone)
    }
}

impl Google {
    pub(crate) fn edit(&mut self, edit: &Edit, now: DateTime<Utc>) -> Result<EditOutcome, EditRefused> {
        let event_id = match edit {
            Edit::GoogleInsert { calendar_id, event } => self.insert_event(calendar_id, event, Actor::User, now)?,
            Edit::GoogleSet { calendar_id, event_id, fields } => {
                self.living(calendar_id, event_id)?;
                self.patch_event(calendar_id, event_id, fields, Actor::User, now)?;
                event_id.clone()
            }
            Edit::GoogleMove { calendar_id, event_id, start, end } => {
                self.living(calendar_id, event_id)?;
                self.change_event(calendar_id, event_id, Actor::User, now, |event, zone| {
                    let times = [("start", start), ("end", end)];
                    let mut whole = event.writable(zone);
                    whole.extend(times.map(|(name, value)| (name.to_owned(), value.clone())));
                    whole
                })?;
                event_id.clone()
            }
            Edit::GoogleMoveToCalendar { calendar_id, event_id, to_calendar_id } => {
                self.move_event(calendar_id, event_id, to_calendar_id, now)?;
                event_id.clone()
            }
            Edit::GoogleDelete { calendar_id, event_id } => {
                self.living(calendar_id, event_id)?;
                self.set_status(calendar_id, event_id, "cancelled", now)?;
                event_id.clone()
            }
            Edit::GoogleRestore { calendar_id, event_id } => {
                if self.living(calendar_id, event_id).is_ok() {
                    return Err(EditRefused::NoSuchRecord);
                }
                self.set_status(calendar_id, event_id, "confirmed", now)?;
                event_id.clone()
            }
            Edit::GoogleChangeOccurrence { calendar_id, event_id, original_start, fields } => {
                self.change_occurrence(calendar_id, event_id, original_start, Some(fields), now)?
            }
            Edit::GoogleCancelOccurrence { calendar_id, event_id, original_start } => {
                self.change_occurrence(calendar_id, event_id, original_start, None, now)?
            }
            _ => return Err(EditRefused::NoSuchRecord),
        };
        Ok(EditOutcome { event_id: Some(event_id), ..EditOutcome::default() })
    }

    /// All single events that are not deleted, by calendar and id.
    pub(crate) fn single_events(&self) -> Vec<Seen> {
        let all =
            self.calendars.values().flat_map(|calendar| calendar.events.values().map(move |event| (calendar, event)));
        let single = all.filter(|(_, event)| {
            !event.is_cancelled() && event.original.is_none() && !event.fields.contains_key("recurrence")
        });
        let seen = single.map(|(calendar, event)| Seen {
            calendar_id: calendar.id.clone(),
            event_id: event.id.clone(),
            start: event.start,
            end: event.end,
            zone: calendar.zone,
        });
        seen.collect()
    }

    /// Calendars that the service account may write: what is entered there, a sync can see and answer.
    pub(crate) fn writable_calendars(&self) -> Vec<String> {
        let writable = |calendar: &&Calendar| calendar.role_of(&self.client_email) >= GoogleRole::Writer;
        self.calendars.values().filter(writable).map(|calendar| calendar.id.clone()).collect()
    }

    /// People see no deleted events.
    fn living(&self, calendar_id: &str, event_id: &str) -> Result<(), EditRefused> {
        let event = self.calendars.get(calendar_id).and_then(|calendar| calendar.events.get(event_id));
        if event.is_some_and(|event| !event.is_cancelled()) { Ok(()) } else { Err(EditRefused::NoSuchRecord) }
    }

    /// The event as its organiser sees it, deleted or not.
    pub(crate) fn look(&self, calendar_id: &str, event_id: &str) -> Option<Map<String, Value>> {
        let calendar = self.calendars.get(calendar_id)?;
        let event = calendar.events.get(event_id)?;
        Some(event.show(&calendar.id, calendar.summary(), calendar.zone))
    }
}
