//! What is missing from a list is asked for by its own id before it may count as gone (C4).

use std::collections::BTreeSet;

use domain::calendar::plan::{self, Events};
use domain::calendar::policy::Source;
use domain::finding::FindingKind;
use domain::ids::{CalendarId, EventId, FrNr, Kuerzel};
use futures::StreamExt;

use super::finding::{general, on_event, on_termin};
use super::look::{seen_event, seen_termin};
use super::{CalendarSystems, LoadedCalendar, LookError};
use crate::advoware::AdvoTermin;
use crate::error::{ApiError, Blame, ErrorKind};
use crate::google::GoogleEvent;
use crate::hub::calendar::Employee;

/// Questions that are under way at once.
const AT_ONCE: usize = 8;

/// An answer to a question.
enum Answer<T> {
    Found(T),
    Gone,
    /// It is there, or may be, and cannot be read.
    Unreadable,
}

impl CalendarSystems {
    /// Asks what has to be asked, and lays the answers over what was listed.
    pub(super) async fn ask(
        &self,
        kuerzel: &Kuerzel,
        employee: &Employee,
        calendar: Option<&CalendarId>,
        loaded: &mut LoadedCalendar,
    ) -> Result<(), LookError> {
        let (mut termine, mut events) = plan::questions(&loaded.snapshot);
        termine.retain(|frnr| loaded.misses(*frnr));
        loaded.advoware_is_empty &= !termine.is_empty();
        loaded.google_is_empty &= !events.is_empty();
        let advoware_is_held = loaded.advoware_is_empty && !employee.advoware_was_empty;
        let google_is_held = loaded.google_is_empty && !employee.google_was_empty;
        if advoware_is_held || google_is_held {
            loaded.hold_empty_list();
        }
        if loaded.has_nameless_termin || advoware_is_held {
            termine.clear();
        }
        if google_is_held {
            // Changes alone would not tell it a second time.
            loaded.has_open_question = true;
            events.clear();
        }
        events.extend(loaded.unsettled_events());
        let (termine, events) = tokio::join!(self.ask_termine(termine), self.ask_events(calendar, events));
        for (frnr, answer) in termine? {
            loaded.take_termin(kuerzel, frnr, answer);
        }
        for (event, answer) in events? {
            loaded.take_event(event, answer);
        }
        Ok(())
    }

    async fn ask_termine(&self, frnrs: BTreeSet<FrNr>) -> Result<Vec<(FrNr, Answer<AdvoTermin>)>, ApiError> {
        let ask = |frnr| async move {
            let answer = match self.advoware.get_termin(frnr).await {
                Ok(Some(termin)) => Answer::Found(termin),
                Ok(None) => Answer::Gone,
                Err(error) => unreadable_or(error)?,
            };
            Ok((frnr, answer))
        };
        let answers: Vec<_> = futures::stream::iter(frnrs).map(ask).buffer_unordered(AT_ONCE).collect().await;
        answers.into_iter().collect()
    }

    async fn ask_events(
        &self,
        calendar: Option<&CalendarId>,
        events: BTreeSet<EventId>,
    ) -> Result<Vec<(EventId, Answer<GoogleEvent>)>, ApiError> {
        // Without a calendar nothing was listed, so nothing is evidence.
        let Some(calendar) = calendar else { return Ok(Vec::new()) };
        let ask = |event: EventId| async move {
            let answer = match self.google.get_event(calendar, &event).await {
                Ok(found) => Answer::Found(found),
                Err(error) if error.kind == ErrorKind::NotFound => Answer::Gone,
                Err(error) => unreadable_or(error)?,
            };
            Ok((event, answer))
        };
        let answers: Vec<_> = futures::stream::iter(events).map(ask).buffer_unordered(AT_ONCE).collect().await;
        answers.into_iter().collect()
    }
}

/// What is wrong with one entry alone stops no other; all else stops the run.
fn unreadable_or<T>(error: ApiError) -> Result<Answer<T>, ApiError> {
    let concerns_all = matches!(error.kind, ErrorKind::Forbidden | ErrorKind::WrongAddress);
    match error.blame() {
        Blame::Record if !concerns_all => Ok(Answer::Unreadable),
        Blame::Record | Blame::System | Blame::Credentials | Blame::Nobody => Err(error),
    }
}

impl LoadedCalendar {
    /// An entirely empty list in place of what was there is more often a fault than the truth: it counts at the second time (C4).
    fn hold_empty_list(&mut self) {
        tracing::warn!("an entirely empty list; it counts if the next run sees it too");
        self.findings.push(general(FindingKind::EmptyListHeld));
    }

    fn take_termin(&mut self, kuerzel: &Kuerzel, frnr: FrNr, answer: Answer<AdvoTermin>) {
        match answer {
            Answer::Found(termin) => {
                let is_copy = |row: &&plan::HubRow| row.frnr == Some(frnr) && row.source == Source::Advoware;
                let was_given_away = !termin.fields.concerns(kuerzel.as_str());
                // Given to somebody else: gone from this calendar. A row that was born here keeps it: it would be created a second time.
                if was_given_away && self.snapshot.rows.values().any(|row| is_copy(&row)) {
                    self.snapshot.gone_termine.insert(frnr);
                } else {
                    self.snapshot.termine.insert(frnr, seen_termin(&termin, kuerzel));
                }
            }
            Answer::Gone => drop(self.snapshot.gone_termine.insert(frnr)),
            Answer::Unreadable => self.findings.push(on_termin(FindingKind::UnreadableEntry, Some(frnr), None)),
        }
    }

    fn take_event(&mut self, event: EventId, answer: Answer<GoogleEvent>) {
        match answer {
            Answer::Found(found) => match seen_event(&found) {
                Some(seen) => {
                    let (Events::Complete(all) | Events::Changes(all)) = &mut self.snapshot.events;
                    all.insert(event, seen);
                }
                None => drop(self.snapshot.gone_events.insert(event)),
            },
            Answer::Gone => drop(self.snapshot.gone_events.insert(event)),
            Answer::Unreadable => {
                self.has_open_question = true;
                self.findings.push(on_event(FindingKind::UnreadableEntry, Some(event), None));
            }
        }
    }
}
