//! Job `calendar.sync`: one employee, from a look at both sides to what the next run has to know.

mod advoware_side;
mod google_side;
mod locate;
mod rebuild;
mod request;
mod restore;
mod row;
mod run;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use domain::ids::Kuerzel;
use domain::job::{Backoff, Wants};
use shared::calendar::{CalendarPlan, CalendarSystems, Identity, LoadedCalendar, LookError, LookWanted};
use shared::clock::Clock;
use shared::error::{ErrorKind, Operation, System};
use shared::hub::calendar::{Employee, PolicyChange, RunEnd};
use shared::limits::{Admission, Breakers, TerminLeases, Ticket};
use shared::queue::{Outcome, Queue, Running};
use shared::settings::CalendarSettings;

use super::outage::{Answered, give_back_tries, settle};
use super::stop::Stop;
use run::Run;

/// Plans that one run may make before it gives way: each was overtaken by a user's edit, or found more to do.
const MAX_ROUNDS: u32 = 5;

const NO_SUCH_EMPLOYEE: &str = "Advoware lists no employee with this Kürzel; delete the job, or correct the Kürzel";
const CALENDAR_NOT_SEEN: &str = "Google shows us no calendar under the employee's calendar id: share it with the service account as writer, \
                                 or `policy set <Kürzel> --calendar-id none` lets it be looked for by its name";

/// Everything that the job needs. Cheap to clone.
#[derive(Clone)]
pub struct CalendarJobs {
    /// Both sides and the hub.
    pub systems: CalendarSystems,
    /// Window, defaults of the policy, guard.
    pub settings: CalendarSettings,
    /// `GOOGLE_CALENDAR_OWNER`
    pub owner: Option<String>,
    /// Who may write which Termin (C10b).
    pub leases: TerminLeases,
    /// Makes the private property of our events (C10a).
    pub identity: Identity,
    /// The clock.
    pub clock: Clock,
    /// Which systems are up.
    pub breakers: Breakers,
    /// The queue that brings these jobs.
    pub queue: Queue,
    /// All queues, for tries that are given back.
    pub queues: Vec<Queue>,
    /// Waits between tries, of jobs and of rows.
    pub backoff: Backoff,
    /// How long a row that failed often enough is left alone (`SYNC_AUTO_RESET_HOURS`).
    pub auto_reset: Duration,
    /// Draws in 0 to 1, for the jitter of the waits.
    pub random: fn() -> f64,
    /// Draws ids of new events.
    pub random_id: Arc<dyn Fn() -> [u8; 16] + Send + Sync>,
}

/// The systems that a run uses.
const SYSTEMS: [System; 2] = [System::Advoware, System::Google];

impl CalendarJobs {
    /// Runs the job once.
    #[tracing::instrument(name = "calendar.sync", skip_all, fields(job = %running.job, kuerzel = %running.entity))]
    pub async fn run(self, running: Running) -> Outcome {
        let Ok(kuerzel) = Kuerzel::parse(&running.entity) else {
            return Outcome::GiveUp { reason: "the job names no Kürzel".to_owned() };
        };
        let mut ticket = match self.breakers.admit(&running.entity, &SYSTEMS, (self.random)()).await {
            Admission::Go(ticket) => ticket,
            Admission::Wait(delay) => return Outcome::Snooze { delay },
        };
        let mut answered = Answered::default();
        match self.sync(&kuerzel, &running, &mut answered).await {
            Ok(()) => {
                settle(&mut ticket, answered, None).await;
                Outcome::Done { follow_up: None }
            }
            Err(stop) => self.failed(&running, &mut ticket, answered, &stop).await,
        }
    }

    /// What becomes of a job whose run stopped. If a system is down, it waits without a try being counted (J4a).
    async fn failed(&self, running: &Running, ticket: &mut Ticket, answered: Answered, stop: &Stop) -> Outcome {
        if let Some((waits, give_back)) = settle(ticket, answered, Some(stop)).await {
            tracing::info!(error = %stop, "run stopped, the system is down");
            give_back_tries(&self.queues, &give_back).await;
            return waits;
        }
        tracing::warn!(error = %stop, "run stopped");
        stop.outcome(&self.backoff, running.failures, (self.random)())
    }

    async fn sync(&self, kuerzel: &Kuerzel, running: &Running, answered: &mut Answered) -> Result<(), Stop> {
        let employee = self.employee(kuerzel, running).await?;
        if self.answer_requests(kuerzel, &employee, running, answered).await? {
            return Ok(());
        }
        if !employee.enabled || employee.departed_at.is_some() {
            tracing::info!(enabled = employee.enabled, "the employee's calendar is not synced");
            return Ok(());
        }
        let mut employee = self.locate(employee, &running.lease).await?;
        let mut refused = BTreeSet::new();
        for _ in 0..MAX_ROUNDS {
            let mut loaded = self.look(kuerzel, &employee, running.wants).await?;
            // What was refused a moment ago is not asked for again in the same run, whatever Google's list says once more.
            loaded.waiting.extend(&refused);
            *answered = Answered::of(&SYSTEMS);
            let lost = loaded.lost_pairs(&self.identity, kuerzel);
            if !lost.is_empty() {
                Run::new(self, kuerzel, &employee, running, &loaded).rebuild(lost.clone()).await?;
                if self.hide_again(&employee, loaded.hides_one_of(&lost)).await? {
                    employee.policy.anonymize = Some(true);
                }
                continue;
            }
            let run = Run::new(self, kuerzel, &employee, running, &loaded);
            let plan = loaded.plan();
            let applied = run.apply(plan.steps.clone()).await;
            refused.extend(applied.refused);
            let remembered = match &applied.stop {
                // Somebody else may have the employee by now.
                Some(Stop::LeaseLost(_)) => Ok(()),
                stop => {
                    let is_whole = stop.is_none() && !applied.is_overtaken;
                    let is_settled = is_whole && refused.is_empty() && loaded.waiting.is_empty();
                    self.remember(kuerzel, &loaded, &plan, is_whole, is_settled).await
                }
            };
            match applied.stop {
                Some(stop) => return Err(stop),
                None if applied.is_overtaken => remembered?,
                None => {
                    remembered?;
                    self.tell(&plan);
                    return Ok(());
                }
            }
        }
        Err(Stop::NotAgreed("the sides kept changing while they were synced"))
    }

    /// The employee as the hub knows them, with what the trigger asked to change in their policy. One that the hub does not know is looked
    /// for in Advoware's list: the schedule may not have seen it yet.
    async fn employee(&self, kuerzel: &Kuerzel, running: &Running) -> Result<Employee, Stop> {
        let hub = &self.systems.hub;
        if hub.employee(kuerzel).await?.is_none() {
            let listed = self.systems.advoware.list_mitarbeiter().await?;
            if !listed.iter().any(|listed| listed.kuerzel == *kuerzel) {
                return Err(Stop::Hopeless(NO_SUCH_EMPLOYEE));
            }
            hub.add_employee(kuerzel).await?;
        }
        let Some(known) = hub.employee(kuerzel).await? else { return Err(Stop::Hopeless(NO_SUCH_EMPLOYEE)) };
        let Some(full_content) = running.wants.full_content() else { return Ok(known) };
        // A try of an older trigger does not lift what somebody has ordered since.
        let made_at = i64::try_from(running.job.made_at_ms()).ok().and_then(DateTime::from_timestamp_millis);
        let is_outdated = full_content && known.anonymize_set_at > made_at;
        if !is_outdated {
            let change = PolicyChange { anonymize: Some(Some(!full_content)), ..PolicyChange::default() };
            hub.set_policy(kuerzel, &change).await?;
        }
        hub.employee(kuerzel).await?.ok_or(Stop::Hopeless(NO_SUCH_EMPLOYEE))
    }

    async fn look(&self, kuerzel: &Kuerzel, employee: &Employee, wants: Wants) -> Result<LoadedCalendar, Stop> {
        let wanted = LookWanted { list_all: wants.lists_all(), approve_deletions: wants.approves_deletions() };
        let looked = self.systems.look(kuerzel, employee, &self.settings, wanted, self.clock.now()).await;
        looked.map_err(|error| match error {
            LookError::Api(error)
                if error.operation == Operation::GoogleListEvents && error.kind == ErrorKind::NotFound =>
            {
                Stop::Hopeless(CALENDAR_NOT_SEEN)
            }
            LookError::Api(error) => Stop::Api(error),
            LookError::Hub(error) => Stop::Hub(error),
        })
    }

    /// What the next run has to know. The token counts only when everything before it is applied, or recorded in its row; held deletions,
    /// events that may be gone and what could not be compared are not, so the next run must see them again.
    async fn remember(
        &self,
        kuerzel: &Kuerzel,
        loaded: &LoadedCalendar,
        plan: &CalendarPlan,
        is_whole: bool,
        is_settled: bool,
    ) -> Result<(), Stop> {
        let is_told = !loaded.has_open_question && !loaded.misses_changes();
        let is_dealt_with = is_whole && plan.held.is_empty() && is_told;
        let token = loaded.next_token.as_deref().filter(|_| is_dealt_with);
        let end = RunEnd {
            sync_token: token,
            token_policy: &loaded.policy_name,
            is_full_list: loaded.is_full_list,
            // A round that is repeated is the same run: an empty list counts when the next one sees it (C4).
            lists_were_empty: is_whole.then_some((loaded.advoware_is_empty, Some(loaded.google_is_empty))),
            held_deletions: u32::try_from(plan.held.len()).unwrap_or(u32::MAX),
            findings: &plan.findings,
            is_settled: is_settled && plan.held.is_empty(),
        };
        Ok(self.systems.hub.remember_run(kuerzel, &end, self.clock.now()).await?)
    }

    fn tell(&self, plan: &CalendarPlan) {
        for finding in &plan.findings {
            metrics::counter!("kanzleisync_findings_total", "flow" => "calendar", "kind" => finding.kind.name())
                .increment(1);
        }
        tracing::info!(
            steps = plan.steps.len(),
            findings = plan.findings.len(),
            held_deletions = plan.held.len(),
            "synced"
        );
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a gauge for ages")]
        let now = self.clock.now().timestamp() as f64;
        metrics::gauge!("kanzleisync_last_success_timestamp_seconds", "flow" => "calendar").set(now);
    }
}
