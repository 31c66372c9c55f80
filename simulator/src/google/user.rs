//! What people do in the calendar program, and what they share.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::edit::{Edit, EditOutcome, EditRefused};
use crate::google::refusal::Refusal;
use crate::google::{Actor, Google, GoogleReason};

impl From<Refusal> for EditRefused {
    fn from(refusal: Refusal) -> Self {
        match refusal.reason {
            GoogleReason::NotFound | GoogleReason::Deleted | GoogleReason::Duplicate => Self::NoSuchRecord,
            _ => Self::Invalid { field: "event".to_owned(), kind: refusal.message().to_owned() },
        }
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
