//! Job `beteiligte.sync`: one Beteiligter, from a look at both sides to the record of what was agreed.

use std::time::Duration;

use domain::beteiligte::{ConflictPolicy, Ending, stammdaten};
use domain::finding::{Finding, FindingKind};
use domain::ids::{BetNr, EspoId};
use domain::job::{Backoff, Wants};
use domain::kommunikation::{Agreement, Direction, agreement};
use shared::beteiligte::{AdvoSide, LoadError, Loaded, Systems, Wanted};
use shared::clock::Clock;
use shared::error::{ApiError, ErrorKind, System};
use shared::hub::{Agreed, Claim, Creation};
use shared::limits::{Admission, Breakers, Ticket};
use shared::queue::{Outcome, Queue, Running};

use super::outage::{Answered, give_back_tries, settle};
pub use super::run::MAX_ROUNDS;
use super::run::{Run, Task};
use super::stop::Stop;

/// Nothing else is called for a Beteiligter, so nothing else that is down holds one up (J4a).
const CALLED: [System; 2] = [System::Advoware, System::Espocrm];

const UNSYNCABLE: &str = "no value was written: the record cannot be synced as it is, its page in the console says why";
const MISSING: &str = "EspoCRM has no such record; delete the job, or restore the record and requeue it";

/// Everything that the job needs. Cheap to clone.
#[derive(Clone)]
pub struct BeteiligteJobs {
    /// Both sides and the hub.
    pub systems: Systems,
    /// The clock.
    pub clock: Clock,
    /// Which systems are up.
    pub breakers: Breakers,
    /// The queue that brings these jobs.
    pub queue: Queue,
    /// All queues, for tries that are given back.
    pub queues: Vec<Queue>,
    /// Waits between tries.
    pub backoff: Backoff,
    /// How long a record that was given up stays so (`SYNC_AUTO_RESET_HOURS`).
    pub auto_reset: Duration,
    /// Who wins where both sides changed a field (`SYNC_CONFLICT_POLICY`).
    pub policy: ConflictPolicy,
    /// Draws in 0 to 1, for the jitter of the waits.
    pub random: fn() -> f64,
}

impl BeteiligteJobs {
    /// Runs the job once.
    #[tracing::instrument(name = "beteiligte.sync", skip_all, fields(job = %running.job, id = %running.entity))]
    pub async fn run(self, running: Running) -> Outcome {
        let Ok(id) = EspoId::parse(&running.entity) else {
            return Outcome::GiveUp { reason: "the job names no EspoCRM record id".to_owned() };
        };
        let mut ticket = match self.breakers.admit(&running.entity, &CALLED, (self.random)()).await {
            Admission::Go(ticket) => ticket,
            Admission::Wait(delay) => return Outcome::Snooze { delay },
        };
        let (answered, stop) = match self.systems.load(&id).await {
            Ok(loaded) => return self.sync(&id, &running, loaded, &mut ticket).await,
            Err(LoadError::Espocrm(ApiError { kind: ErrorKind::NotFound, .. })) => {
                (Answered::of(&[System::Espocrm]), self.not_found(&id).await)
            }
            Err(error) => (Answered::default(), error.into()),
        };
        self.failed(&running, &mut ticket, answered, &stop).await
    }

    /// A record that the hub knows was deleted; one that nobody ever saw is a mistake of whoever asked.
    async fn not_found(&self, id: &EspoId) -> Stop {
        match self.systems.hub.known(id).await {
            Ok(known) if known.is_known => Stop::Deleted,
            Ok(_) => Stop::Hopeless(MISSING),
            Err(error) => error.into(),
        }
    }

    async fn sync(&self, id: &EspoId, running: &Running, loaded: Loaded, ticket: &mut Ticket) -> Outcome {
        let answered = Answered::in_look(&loaded);
        if loaded.espo.deleted {
            return self.failed(running, ticket, answered, &Stop::Deleted).await;
        }
        let mut run = Run::new(&self.systems, &self.clock, running, id, self.policy, loaded);
        if run.task == Task::PlanAlone && run.loaded.request.is_none() {
            settle(ticket, answered, None).await;
            tracing::info!("what an operator asked for was taken back, or is answered");
            return Outcome::Done { follow_up: None };
        }
        let result = self.carry_out(&mut run, running.wants).await;
        for finding in &run.findings {
            metrics::counter!("kanzleisync_findings_total", "flow" => "beteiligte", "kind" => finding.kind.name())
                .increment(1);
        }
        if let Err(stop) = &result {
            let outcome = self.failed(running, ticket, answered, stop).await;
            self.tell_failure(&mut run, running.failures, stop, &outcome).await;
            return outcome;
        }
        settle(ticket, answered, None).await;
        tracing::info!(
            fields = run.fields_written,
            kommunikationen = run.summary.total_changes(),
            markers = run.summary.markers_updated,
            findings = run.findings.len(),
            "synced"
        );
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a gauge for ages")]
        let now = self.clock.now().timestamp() as f64;
        metrics::gauge!("kanzleisync_last_success_timestamp_seconds", "flow" => "beteiligte").set(now);
        Outcome::Done { follow_up: self.follow_up(&run).await }
    }

    /// What becomes of a job whose run stopped. If a system is down, it waits without a try being counted (J4a).
    async fn failed(&self, running: &Running, ticket: &mut Ticket, answered: Answered, stop: &Stop) -> Outcome {
        let settled = settle(ticket, answered, Some(stop)).await;
        if let Some((waits, give_back)) = settled {
            tracing::info!(error = %stop, "run stopped, the system is down");
            give_back_tries(&self.queues, &give_back).await;
            return waits;
        }
        if let (Stop::Deleted, Ok(id)) = (stop, EspoId::parse(&running.entity)) {
            tracing::info!("the record is deleted in EspoCRM, nothing is left to sync");
            return match self.systems.hub.mark_deleted(&[id], self.clock.now()).await {
                Ok(()) => Outcome::Done { follow_up: None },
                Err(error) => Stop::from(error).outcome(&self.backoff, running.failures, (self.random)()),
            };
        }
        tracing::warn!(error = %stop, "run stopped");
        stop.outcome(&self.backoff, running.failures, (self.random)())
    }

    /// From what was seen to what was asked.
    async fn carry_out(&self, run: &mut Run<'_>, wants: Wants) -> Result<(), Stop> {
        if matches!(run.loaded.advo, AdvoSide::NoBetnr) && !self.create(run, wants.creates_again()).await? {
            return Ok(());
        }
        match &run.loaded.advo {
            AdvoSide::NoBetnr => Err(Stop::NotAgreed("the record lost its betnr meanwhile")),
            AdvoSide::Missing(_) => self.missing_in_advoware(run).await,
            AdvoSide::Failed(error) => Err(error.clone().into()),
            AdvoSide::Found(_) => self.sync_pair(run).await,
        }
    }

    /// Both records are there: ties them to each other where that is new, then agrees and records.
    async fn sync_pair(&self, run: &mut Run<'_>) -> Result<(), Stop> {
        if let (Some(Creation::Created(created)), Ok(betnr)) = (run.loaded.creation, run.betnr())
            && created != betnr
        {
            self.tell_created_twice(run, created).await?;
        }
        if !run.loaded.is_claimed
            && let Some(holder) = self.claim(run).await?
        {
            return self.number_taken(run, &holder).await;
        }
        if run.loaded.stammdaten_is_unsaved {
            // What timestamps decided stands before our first write moves them, and what an earlier run had done before a user undoes it.
            self.systems.hub.remember_stammdaten(run.id, &run.loaded.stammdaten).await?;
        }
        if self.answer_request(run).await? {
            return Ok(());
        }
        loop {
            run.agree().await?;
            if self.record(run).await? {
                return Ok(());
            }
            if !run.take_round() {
                return Err(Stop::NotAgreed("the record kept changing while it was recorded"));
            }
            run.look_again().await?;
        }
    }

    /// Two EspoCRM records on one Beteiligter would overwrite each other for ever, so the first one keeps it, as long as it exists
    /// and names the number. Answers which one that is, if it is not this one.
    async fn claim(&self, run: &Run<'_>) -> Result<Option<EspoId>, Stop> {
        let betnr = run.betnr()?;
        let hub = &self.systems.hub;
        let claim = || hub.claim(run.id, betnr, run.loaded.first_meeting, self.clock.now());
        let Claim::TakenBy(holder) = claim().await? else { return Ok(None) };
        if self.systems.names(&holder, betnr).await? {
            return Ok(Some(holder));
        }
        hub.release(&holder).await?;
        match claim().await? {
            Claim::Granted => Ok(None),
            Claim::TakenBy(faster) => Ok(Some(faster)),
        }
    }

    /// K9: the base, then hash, times and status in one EspoCRM write, where anything of it differs. `false`: somebody changed the
    /// record meanwhile.
    pub(super) async fn record(&self, run: &mut Run<'_>) -> Result<bool, Stop> {
        let (Some(seen), Some(stammdaten_seen), AdvoSide::Found(advo)) =
            (run.loaded.seen(), run.loaded.stammdaten_seen(), &run.loaded.advo)
        else {
            return Ok(false);
        };
        let Agreement { base, hash } = agreement(seen);
        let stammdaten = stammdaten::settled(stammdaten_seen);
        // A run in both directions has just seen that nothing is left.
        let is_whole = run.kommunikation_direction() == Direction::Both && !run.task.is_one_plan();
        let both_ways = Wanted { direction: Direction::Both, after_conflict: false, ..run.wanted };
        let remains = !is_whole && run.loaded.plan(both_ways).is_some_and(|plan| !plan.is_empty());
        let ending = match (remains, run.is_undecided) {
            (true, _) => Ending::Left,
            (false, true) => Ending::Undecided,
            (false, false) => Ending::Agreed,
        };
        let status = self.status_of(ending);
        let hash = Some(hash).filter(|hash| is_whole && run.loaded.espo.view.stored_hash.as_ref() != Some(hash));
        let row_id = advo.row_id.clone();

        // The base first: if the program ends between the two, the next run finds nothing to do and only writes the status.
        let findings: Vec<Finding> = run.findings.iter().copied().collect();
        let is_new = run.loaded.base.as_ref() != Some(&base) || run.loaded.stammdaten != stammdaten;
        if ending == Ending::Undecided {
            self.tell_undecided(run, &findings).await?;
        }
        if run.wrote || run.loaded.first_meeting || is_new {
            let agreed = Agreed {
                kommunikation: &base,
                stammdaten: &stammdaten,
                status,
                advoware_row_id: row_id.as_ref(),
                espo_modified_at: run.loaded.espo.modified_at,
                first_meeting: run.loaded.first_meeting && remains,
            };
            self.systems.hub.remember_agreed(run.id, agreed, &findings, self.clock.now()).await?;
        } else {
            self.systems.hub.remember_look(run.id, &findings, Some(status), self.clock.now()).await?;
        }
        run.loaded.base = Some(base);
        run.loaded.stammdaten = stammdaten;
        run.loaded.last_status = Some(status);
        run.loaded.first_meeting &= remains;

        let espo = &run.loaded.espo;
        let is_due = run.wrote
            || espo.sync_status != Some(status)
            || hash.is_some()
            || espo.advoware_row_id != row_id
            || espo.sync_retry_count != 0
            || espo.sync_next_retry.is_some()
            || espo.sync_auto_reset_at.is_some()
            || run.refused_note.is_some();
        if !is_due {
            return Ok(true);
        }
        self.tell_overwritten(run).await?;
        let mut patch = self
            .status_patch(ending, self.clock.now())
            .sync_error_message(run.refused_note.as_deref())
            .advoware_last_sync(self.clock.now())
            .advoware_row_id(row_id.as_ref());
        if let Some(hash) = &hash {
            patch = patch.kommunikation_hash(hash);
        }
        run.bookkeeping(&patch).await
    }

    pub(super) async fn without_betnr(&self, run: &mut Run<'_>) -> Result<(), Stop> {
        self.refuse_request(run, UNSYNCABLE).await?;
        run.findings.insert(Finding::general(FindingKind::NoBetnr));
        let findings: Vec<Finding> = run.findings.iter().copied().collect();
        let status = run.loaded.espo.sync_status;
        Ok(self.systems.hub.remember_look(run.id, &findings, status, self.clock.now()).await?)
    }

    /// Whose number it is, only a person can say.
    async fn number_taken(&self, run: &mut Run<'_>, holder: &EspoId) -> Result<(), Stop> {
        self.refuse_request(run, UNSYNCABLE).await?;
        // Our telling moves `modifiedAt`, and the first comparison goes by the user's (B2 first sync).
        let hub = &self.systems.hub;
        hub.remember_users_time(run.id, run.loaded.users_modified_at, self.clock.now()).await?;
        let text = format!(
            "kanzleisync: the record {holder} is synced with this betnr, so nothing is written for this one. Correct the number of one of \
             them, or delete the one too many."
        );
        self.wait_for_correction(run, FindingKind::BetnrTaken, Ending::NumberTaken, text).await
    }

    /// Advoware answered 404: nothing is deleted in EspoCRM (DOMAIN 4).
    async fn missing_in_advoware(&self, run: &mut Run<'_>) -> Result<(), Stop> {
        self.refuse_request(run, "nothing was written: Advoware has no record of this betnr").await?;
        let text = "kanzleisync: Advoware has no Beteiligte with this record's betnr. Correct the number, or delete the record.";
        self.wait_for_correction(run, FindingKind::MissingInAdvoware, Ending::Missing, text.to_owned()).await
    }

    /// A person entered a number while the record was being created under another one.
    async fn tell_created_twice(&self, run: &mut Run<'_>, created: BetNr) -> Result<(), Stop> {
        run.findings.insert(Finding::general(FindingKind::CreatedTwice));
        let text = format!(
            "kanzleisync: Beteiligte {created} was created in Advoware for this record, and meanwhile somebody entered another betnr here, \
             which is kept. Delete {created} in Advoware, or enter it here."
        );
        self.post_note(run, text).await?;
        run.loaded.creation = None;
        Ok(self.systems.hub.remember_creation(run.id, None, self.clock.now()).await?)
    }

    /// What the next run is for. K8a: what a conflict left waiting in Advoware is fetched at once; so is what one plan, carried out by name, left over.
    /// A plan that was refused leaves everything as it was; but of several requests a run answers one.
    async fn follow_up(&self, run: &Run<'_>) -> Option<Wants> {
        let leaves_work = match run.task {
            Task::OnePlan { .. } => true,
            Task::Refused => false,
            Task::Sync | Task::PlanAlone => run.kommunikation_direction() == Direction::ToAdvoware,
        };
        if leaves_work {
            return Some(Wants::sync(Direction::Both));
        }
        if !run.has_answered {
            return None;
        }
        let known = self.systems.hub.known(run.id).await;
        known.map_or(true, |known| known.request.is_some()).then(Wants::request)
    }
}
