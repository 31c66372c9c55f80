//! Calendars that are synced, compared entry by entry, as `audit verify-sync` does.

use std::convert::Infallible;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::divergence::Difference;
use domain::ids::Kuerzel;
use shared::calendar::{CalendarSystems, Identity, LookWanted, Unexplained};
use shared::error::{Blame, System};
use shared::hub::calendar::{DifferingEntry, DueCalendar};
use shared::limits::Rate;
use shared::queue::Queue;
use shared::settings::CalendarSettings;

use super::{MOST_OF_QUOTA, Verify, VerifyError, claim_end, count_compared, delta, is_queued, slice};

const FLOW: &str = "calendar";
const SYSTEMS: [System; 2] = [System::Advoware, System::Google];

pub(super) struct Calendars {
    pub(super) systems: CalendarSystems,
    pub(super) identity: Identity,
    pub(super) settings: CalendarSettings,
    pub(super) queue: Queue,
    /// What all programs together may ask of Google.
    pub(super) quota: Rate,
    /// In this time a sync must have looked at every calendar.
    pub(super) patience: TimeDelta,
}

impl Verify {
    pub(super) async fn keep_comparing_calendars(&self, calendars: &Calendars) -> Infallible {
        loop {
            let pause = match self.compare_next_calendar(calendars).await {
                Ok(pause) => pause,
                Err(error) => self.failed(&error),
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// One calendar, if it is somebody's turn; answers how long to wait for the next.
    async fn compare_next_calendar(&self, calendars: &Calendars) -> Result<Duration, VerifyError> {
        let now = self.clock.now();
        // Few employees: a slice is one of them, whatever their number.
        let pause = slice(1, self.interval).pause;
        self.hub.spread_calendars(self.interval, now).await?;
        if !self.may_look(&SYSTEMS, &calendars.queue).await? || calendars.quota.used_ratio().await? > MOST_OF_QUOTA {
            return Ok(pause);
        }
        let only = calendars.settings.only.as_ref();
        if let Some(due) = self.hub.take_calendar_to_verify(only, now, claim_end(now)).await? {
            self.compare_calendar(calendars, due).await?;
        }
        Ok(pause)
    }

    async fn compare_calendar(&self, calendars: &Calendars, due: DueCalendar) -> Result<(), VerifyError> {
        let DueCalendar { kuerzel, before, was_synced } = due;
        let Calendars { systems, identity, settings, queue, patience, .. } = calendars;
        let Some(employee) = self.hub.employee(&kuerzel).await? else { return Ok(()) };
        if employee.calendar.is_none() || employee.has_rows_of_another_calendar() {
            return self.put_off_calendar(&kuerzel).await;
        }
        let looked_at = self.clock.now();
        let wanted = LookWanted { list_all: true, approve_deletions: false };
        let loaded =
            match systems.look(&kuerzel, &employee, settings, wanted, looked_at).await.map_err(VerifyError::from) {
                Ok(loaded) => loaded.with_lost_pairs(identity, &kuerzel),
                // What is wrong with one calendar alone keeps the check from no other.
                Err(VerifyError::Api(error)) if error.blame() == Blame::Record => {
                    tracing::debug!(%kuerzel, %error, "a calendar could not be compared");
                    return self.put_off_calendar(&kuerzel).await;
                }
                Err(error) => return Err(error),
            };
        let unexplained = loaded.unexplained();
        if !unexplained.is_empty() && is_queued(queue, kuerzel.to_string()).await? {
            return self.put_off_calendar(&kuerzel).await;
        }
        let judge = |found: Unexplained| judged(&before, found, was_synced, looked_at, *patience);
        let found: Vec<DifferingEntry> = unexplained.into_iter().map(judge).collect();
        let dues = found.iter().map(|entry| self.due(&entry.difference, looked_at, *patience));
        let due_at = dues.min().unwrap_or_else(|| looked_at + delta(self.interval));
        if !self.hub.note_calendar_verified(&kuerzel, &found, looked_at, due_at).await? {
            return self.put_off_calendar(&kuerzel).await;
        }
        count_compared(FLOW, if found.is_empty() { "agrees" } else { "differs" });
        let divergent =
            |entries: &[DifferingEntry]| entries.iter().filter(|entry| entry.difference.is_divergent).count();
        let (entries, known) = (divergent(&found), divergent(&before));
        if entries > known {
            tracing::warn!(%kuerzel, entries, "entries of a calendar diverge, and no sync settles them");
        }
        Ok(())
    }

    async fn put_off_calendar(&self, kuerzel: &Kuerzel) -> Result<(), VerifyError> {
        count_compared(FLOW, "put_off");
        Ok(self.hub.put_off_verifying_calendar(kuerzel, self.soon(self.clock.now())).await?)
    }
}

/// What was found of an entry, beside what the look before this one found of it.
fn judged(
    before: &[DifferingEntry],
    found: Unexplained,
    was_synced: bool,
    looked_at: DateTime<Utc>,
    patience: TimeDelta,
) -> DifferingEntry {
    let Unexplained { kind, frnr, event, digest } = found;
    let known = before.iter().find(|entry| entry.frnr == frnr && entry.event == event);
    let known = known.map(|entry| &entry.difference);
    let difference = Difference::seen(known, digest, was_synced, looked_at, patience);
    DifferingEntry { kind: kind.to_owned(), frnr, event, difference }
}
