//! One plan, carried out: each row by itself, so that one that fails stops no other (C11).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use domain::calendar::plan::{RowId, Step};
use domain::calendar::policy::Source;
use domain::ids::{CalendarId, EventId, FrNr, Kuerzel};
use futures::StreamExt;
use shared::calendar::LoadedCalendar;
use shared::error::{ApiError, Blame, ErrorKind, Operation};
use shared::hub::calendar::{CalendarRow, Employee, Retry, RowStatus, Settled};
use shared::queue::Running;
use uuid::Uuid;

use super::CalendarJobs;
use crate::jobs::stop::Stop;

/// Rows that are written at once. Google slows down fast writes into one calendar (DOMAIN 6), and others want their turn too.
const AT_ONCE: usize = 4;

/// One plan being carried out.
pub(super) struct Run<'a> {
    pub(super) jobs: &'a CalendarJobs,
    pub(super) kuerzel: &'a Kuerzel,
    pub(super) calendar: Option<&'a CalendarId>,
    /// Whether the employee's calendar is synced at all: one that is not is only tidied up.
    pub(super) is_synced: bool,
    pub(super) running: &'a Running,
    pub(super) loaded: &'a LoadedCalendar,
    /// Under this id the audit keeps what the run changes.
    pub(super) audit_run_id: Uuid,
    /// Termine that rows have got in this run: they are nobody else's twin.
    pub(super) made: Mutex<BTreeSet<FrNr>>,
    is_stopped: AtomicBool,
}

/// How far a plan was carried out.
#[derive(Default)]
pub(super) struct Applied {
    /// Something changed meanwhile, or has still to be found: look again.
    pub(super) is_overtaken: bool,
    /// What stopped the run before its end.
    pub(super) stop: Option<Stop>,
    /// Rows whose write was refused.
    pub(super) refused: Vec<RowId>,
}

/// How a step ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stepped {
    /// It is written and stored, or refused and stored.
    Done,
    /// Not written, or not known to be; the row says what was begun, and a new look tells more.
    Overtaken,
}

/// How the steps of one row ended.
enum Ended {
    Done,
    Overtaken,
    Refused(RowId),
}

/// Steps of one row, in their order.
struct Group {
    id: RowId,
    row: CalendarRow,
    steps: Vec<Step>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        jobs: &'a CalendarJobs,
        kuerzel: &'a Kuerzel,
        employee: &'a Employee,
        running: &'a Running,
        loaded: &'a LoadedCalendar,
    ) -> Self {
        Self {
            jobs,
            kuerzel,
            calendar: employee.calendar.as_ref(),
            is_synced: employee.enabled && employee.departed_at.is_none(),
            running,
            loaded,
            audit_run_id: Uuid::now_v7(),
            made: Mutex::default(),
            is_stopped: AtomicBool::new(false),
        }
    }

    /// Carries the steps out. When one stops the run, those under way end, and no other begins.
    pub(super) async fn apply(&self, steps: Vec<Step>) -> Applied {
        if let Err(stop) = self.settle(&steps).await {
            return Applied { stop: Some(stop), ..Applied::default() };
        }
        let groups = self.groups(steps);
        let ends = futures::stream::iter(groups).map(|group| self.carry_out(group)).buffer_unordered(AT_ONCE);
        let (mut applied, mut is_busy) = (Applied::default(), false);
        let mut ends = std::pin::pin!(ends);
        while let Some(end) = ends.next().await {
            match end {
                Ok(Ended::Done) => {}
                Ok(Ended::Overtaken) => applied.is_overtaken = true,
                Ok(Ended::Refused(row)) => applied.refused.push(row),
                // Another run is writing that Termin, or has died with its lease: the other rows do not wait for it (C11).
                Err(Stop::Busy) => is_busy = true,
                Err(stop) => {
                    self.is_stopped.store(true, Ordering::Relaxed);
                    applied.stop.get_or_insert(stop);
                }
            }
        }
        if is_busy {
            applied.stop.get_or_insert(Stop::Busy);
        }
        applied
    }

    /// Rows that agree, in one statement.
    async fn settle(&self, steps: &[Step]) -> Result<(), Stop> {
        let stored = steps.iter().filter_map(|step| match step {
            Step::Store(id) => self.loaded.rows.get(id).map(|row| self.settled(*id, row)),
            _ => None,
        });
        let stored: Vec<Settled> = stored.collect();
        if !stored.is_empty() {
            self.running.lease.check()?;
            self.jobs.systems.hub.settle_rows(self.audit_run_id, &stored, self.jobs.clock.now()).await?;
        }
        Ok(())
    }

    fn settled(&self, id: RowId, row: &CalendarRow) -> Settled {
        let mut row = row.clone();
        self.take_in_look(&mut row);
        Settled { id, last_sync: self.last_sync(&row), row }
    }

    /// Steps by row; a step that makes a row gets a new one.
    fn groups(&self, steps: Vec<Step>) -> Vec<Group> {
        let (mut groups, mut places): (Vec<Group>, BTreeMap<RowId, usize>) = (Vec::new(), BTreeMap::new());
        for step in steps.into_iter().filter(|step| !matches!(step, Step::Store(_))) {
            let (id, row) = match &step {
                Step::Link(frnr, event) => {
                    (new_id(), CalendarRow::new(Source::Advoware, Some(*frnr), Some(event.clone())))
                }
                Step::CreateEvent(frnr, _) => (new_id(), CalendarRow::new(Source::Advoware, Some(*frnr), None)),
                Step::CreateTermin(event, _) => (new_id(), CalendarRow::new(Source::Google, None, Some(event.clone()))),
                _ => match step.row().and_then(|id| self.loaded.rows.get(&id).map(|row| (id, row.clone()))) {
                    Some(known) => known,
                    None => continue,
                },
            };
            if let Some(group) = places.get(&id).and_then(|place| groups.get_mut(*place)) {
                group.steps.push(step);
            } else {
                places.insert(id, groups.len());
                groups.push(Group { id, row, steps: vec![step] });
            }
        }
        groups.sort_by_key(|group| group.row.retry.failures);
        groups
    }

    async fn carry_out(&self, group: Group) -> Result<Ended, Stop> {
        let Group { id, mut row, steps } = group;
        for step in steps {
            if self.is_stopped.load(Ordering::Relaxed) {
                return Ok(Ended::Overtaken);
            }
            match self.step(id, &mut row, &step).await {
                Ok(Stepped::Done) => {}
                Ok(Stepped::Overtaken) => return Ok(Ended::Overtaken),
                Err(Stop::Api(error)) if is_of_entry(&error) => {
                    self.refused(id, &mut row, &error).await?;
                    return Ok(Ended::Refused(id));
                }
                Err(stop) => {
                    if matches!(&stop, Stop::Api(error) if error.blame() == Blame::System) {
                        self.held_up(id, &mut row, &stop).await?;
                    }
                    return Err(stop);
                }
            }
        }
        Ok(Ended::Done)
    }

    async fn step(&self, id: RowId, row: &mut CalendarRow, step: &Step) -> Result<Stepped, Stop> {
        let rule = step.name();
        match step {
            Step::CreateEvent(_, form) | Step::RecreateEvent(_, form) => {
                row.hub.event = Some(EventId::from_random((self.jobs.random_id)()));
                row.hub.etag = None;
                self.insert_event(id, row, form, rule).await
            }
            Step::FinishEvent(_, form) => self.insert_event(id, row, form, rule).await,
            Step::UpdateEvent(_, form) => self.update_event(id, row, form, rule).await,
            Step::DeleteEvent(_) => self.delete_event(id, row, rule).await,
            Step::CreateTermin(_, form) | Step::RecreateTermin(_, form) => {
                row.hub.frnr = None;
                self.create_termin(id, row, form, rule).await
            }
            Step::FinishTermin(_, form) => self.finish_termin(id, row, form, rule).await,
            Step::Link(..) => self.link(id, row, rule).await,
            Step::AdoptTermin(_, frnr) => self.adopt_termin(id, row, *frnr).await,
            Step::UpdateTermin(_, form) => self.update_termin(id, row, form, rule).await,
            Step::DeleteTermin(_) => self.delete_termin(id, row, rule).await,
            Step::Withdraw(_) | Step::SoftDelete(_) => self.end_pair(id, row, rule).await,
            // All of them were stored together.
            Step::Store(_) => Ok(Stepped::Done),
        }
    }

    /// The row keeps what was begun, and is tried again when its time has come.
    async fn refused(&self, id: RowId, row: &mut CalendarRow, error: &ApiError) -> Result<(), Stop> {
        let failures = row.retry.failures + 1;
        let wait = self.jobs.backoff.after(failures, (self.jobs.random)());
        let (failures, wait) = wait.map_or((0, self.jobs.auto_reset), |wait| (failures, wait));
        let now = self.jobs.clock.now();
        tracing::warn!(row = %Uuid::from_u128(id.0), %error, "a row is left for later");
        row.status = RowStatus::Failed;
        row.retry = Retry { failures, due_at: now.checked_add_signed(wait_of(wait)), reason: Some(error.to_string()) };
        if let Some(seen) = row.hub.event.as_ref().and_then(|event| self.loaded.seen(event)) {
            // The version that it was refused for: only another one is a user's doing.
            row.hub.etag = Some(seen.etag.clone());
        }
        self.save_on(id, row).await
    }

    /// A write that no system answered stops the run, whose next try comes to this row last: it may be the row's doing (C11).
    async fn held_up(&self, id: RowId, row: &mut CalendarRow, stop: &Stop) -> Result<(), Stop> {
        row.retry = Retry { failures: row.retry.failures + 1, due_at: None, reason: Some(stop.to_string()) };
        self.save_on(id, row).await
    }

    pub(super) fn is_made(&self, frnr: FrNr) -> bool {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).contains(&frnr)
    }

    pub(super) fn note_made(&self, frnr: FrNr) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(frnr);
    }

    pub(super) fn calendar(&self) -> Result<&CalendarId, Stop> {
        self.calendar.ok_or(Stop::NotAgreed("the employee has no calendar yet"))
    }
}

fn wait_of(wait: std::time::Duration) -> chrono::TimeDelta {
    chrono::TimeDelta::from_std(wait).unwrap_or(chrono::TimeDelta::MAX)
}

pub(super) fn new_id() -> RowId {
    RowId(Uuid::now_v7().as_u128())
}

/// Whether a failed write is about its entry alone. A right that is missing, an address that is wrong and a calendar that is gone concern
/// all entries.
pub(super) fn is_of_entry(error: &ApiError) -> bool {
    let concerns_all = matches!(error.kind, ErrorKind::Forbidden | ErrorKind::WrongAddress)
        || (error.kind == ErrorKind::NotFound && error.operation == Operation::GoogleInsertEvent);
    error.blame() == Blame::Record && !concerns_all
}
