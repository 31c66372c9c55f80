//! What operators asked of one calendar: carried out under the employee's lease, each once; a run that is cut off finds the request still
//! open. Requests are answered before anything is synced, also where the employee's calendar is not.

use std::collections::BTreeSet;

use domain::calendar::plan::RowId;
use domain::ids::{EventId, Kuerzel};
use shared::calendar::Orphan;
use shared::error::ErrorKind;
use shared::hub::RequestAnswer;
use shared::hub::calendar::{CalendarAsked, CalendarRequest, CalendarTarget, Employee, Leftover, Noted, Removal};
use shared::queue::Running;
use uuid::Uuid;

use super::CalendarJobs;
use super::run::{Run, is_of_entry};
use crate::jobs::outage::Answered;
use crate::jobs::request::{done, refused};
use crate::jobs::stop::Stop;

/// Rule of a row whose entries are gone on both sides, as the plan names it.
const SOFT_DELETE: &str = "soft_delete";

impl CalendarJobs {
    /// Carries out what is open, the oldest first. `true`: the run has done what it was asked and syncs nothing.
    pub(super) async fn answer_requests(
        &self,
        kuerzel: &Kuerzel,
        employee: &Employee,
        running: &Running,
        answered: &mut Answered,
    ) -> Result<bool, Stop> {
        let hub = &self.systems.hub;
        let mut is_over = false;
        while let Some(CalendarRequest { id, asked }) = hub.calendar_request(kuerzel).await? {
            let mut employee = employee.clone();
            if employee.calendar.is_none() {
                // The hub may have been lost; none is made for a request.
                employee.calendar = self.systems.find_calendar(kuerzel).await?;
            }
            let employee = &employee;
            // Absence is evidence only in a complete list (C4).
            let loaded = self.look(kuerzel, employee, running.wants.listing_all()).await?;
            *answered = Answered::of(&super::SYSTEMS);
            let run = Run::new(self, kuerzel, employee, running, &loaded);
            let answer = match asked {
                CalendarAsked::Remove(leftover, removal) => run.remove_leftovers(leftover, &removal).await,
                CalendarAsked::Restore(entry) => run.restore(id, entry).await,
                CalendarAsked::Rebuild => {
                    // Policies were lost, too: people may want to set them before anything is written.
                    is_over = true;
                    self.rebuild_hub(&run, employee).await
                }
            };
            let answer = answer.or_else(refused_for)?;
            tracing::info!(request = %id, done = answer.is_done, "an operator's request was answered");
            hub.answer_request(id, &answer, self.clock.now()).await?;
        }
        Ok(is_over)
    }
}

/// What is wrong with the request alone is its answer: it must not keep the employee from being synced.
fn refused_for(stop: Stop) -> Result<RequestAnswer, Stop> {
    match stop {
        Stop::Api(error) if is_of_entry(&error) => Ok(refused(&error.to_string())),
        Stop::NotAgreed(why) => Ok(refused(why)),
        stop => Err(stop),
    }
}

impl Run<'_> {
    /// Removes what was named, as far as it still is what it was named for.
    async fn remove_leftovers(&self, leftover: Leftover, removal: &Removal) -> Result<RequestAnswer, Stop> {
        let identity = &self.jobs.identity;
        let orphans = self.loaded.orphaned_events(identity, self.kuerzel);
        let superfluous: BTreeSet<&EventId> = {
            let alike = self.loaded.alike_events(identity, self.kuerzel).into_iter().flat_map(|alike| alike.entries);
            alike.filter(|entry| entry.is_removable).map(|entry| entry.event).collect()
        };
        let may_go = |orphan: &&Orphan<'_>| match leftover {
            Leftover::Orphaned => true,
            Leftover::Duplicate => superfluous.contains(orphan.event),
        };
        let (mut events, mut rows) = (0, 0);
        let named: BTreeSet<&EventId> = removal.events.iter().collect();
        for orphan in orphans.iter().filter(|orphan| named.contains(orphan.event)).filter(may_go) {
            events += usize::from(self.remove_event(orphan, leftover.rule()).await?);
        }
        if leftover == Leftover::Orphaned {
            let orphaned = self.loaded.orphaned_rows();
            for row in removal.rows.iter().filter(|row| orphaned.contains(row)) {
                rows += usize::from(self.close_row(*row).await?);
            }
        }
        let left = removal.events.len() + removal.rows.len() - events - rows;
        let text = format!("removed: {events} events, {rows} rows of the hub");
        Ok(match left {
            0 => done(&text),
            left => refused(&format!("{text}; {left} left: changed, bound or gone meanwhile, look again")),
        })
    }

    /// `false`: it was changed or bound meanwhile.
    async fn remove_event(&self, orphan: &Orphan<'_>, rule: &'static str) -> Result<bool, Stop> {
        let Orphan { event, form, etag } = *orphan;
        let hub = &self.jobs.systems.hub;
        // No run of this employee goes on beside this one, but a calendar may have been given to two.
        if hub.rows_of_event(event).await?.iter().any(|view| !view.deleted) {
            return Ok(false);
        }
        self.running.lease.check()?;
        let noted = Noted {
            run_id: self.audit_run_id,
            // It has no row.
            row: RowId(Uuid::now_v7().as_u128()),
            kuerzel: self.kuerzel,
            target: CalendarTarget::Google,
            frnr: None,
            event: Some(event),
            rule,
            before: Some(form),
            after: None,
        };
        let entry = hub.note_change(noted, self.jobs.clock.now()).await?;
        self.running.lease.check()?;
        match self.jobs.systems.google.delete_event(self.calendar()?, event, etag).await {
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) if error.kind == ErrorKind::Conflict => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        hub.confirm_change(entry, None, self.jobs.clock.now()).await?;
        self.done(rule);
        Ok(true)
    }

    async fn close_row(&self, id: RowId) -> Result<bool, Stop> {
        let Some(mut row) = self.loaded.rows.get(&id).cloned() else { return Ok(false) };
        self.end_pair(id, &mut row, SOFT_DELETE).await?;
        Ok(true)
    }
}
