//! Job `beteiligte.sync`: one Beteiligter, from a look at both sides to the record of what was agreed.

use domain::beteiligte::SyncStatus;
use domain::finding::{Finding, FindingKind};
use domain::ids::EspoId;
use domain::job::{Backoff, Wants};
use domain::kommunikation::{Agreement, Direction, agreement, plan};
use shared::beteiligte::{AdvoSide, LoadError, Loaded, Systems};
use shared::clock::Clock;
use shared::error::{ApiError, ErrorKind, Next};
use shared::espocrm::EspoPatch;
use shared::hub::{Agreed, Claim};
use shared::limits::{Admission, Breakers, Ticket};
use shared::queue::{Outcome, Queue, Running};

pub use super::kommunikation_sync::MAX_ROUNDS;
use super::kommunikation_sync::Run;
use super::outage::{Answered, settle};
use super::stop::Stop;

const MISSING: &str = "EspoCRM has no such record; delete the job, or restore the record and requeue it";
const DELETED: &str = "the record is deleted in EspoCRM; delete the job, or restore the record and requeue it";

/// Everything that the job needs. Cheap to clone.
#[derive(Clone)]
pub struct BeteiligteJobs {
    /// Both sides and the hub.
    pub systems: Systems,
    /// The clock.
    pub clock: Clock,
    /// Which systems are up.
    pub breakers: Breakers,
    /// The queue, for tries that are given back.
    pub queue: Queue,
    /// Waits between tries.
    pub backoff: Backoff,
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
        let mut ticket = match self.breakers.admit(&running.entity, (self.random)()).await {
            Admission::Go(ticket) => ticket,
            Admission::Wait(delay) => return Outcome::Snooze { delay },
        };
        let (answered, stop) = match self.systems.load(&id).await {
            Ok(loaded) => return self.sync(&id, &running, loaded, &mut ticket).await,
            Err(LoadError::Espocrm(ApiError { kind: ErrorKind::NotFound, .. })) => {
                (Answered::only_espocrm(), Stop::Hopeless(MISSING))
            }
            Err(error) => (Answered::default(), error.into()),
        };
        self.failed(&running, &mut ticket, answered, &stop).await
    }

    async fn sync(&self, id: &EspoId, running: &Running, loaded: Loaded, ticket: &mut Ticket) -> Outcome {
        let answered = Answered::in_look(&loaded);
        if loaded.espo.deleted {
            return self.failed(running, ticket, answered, &Stop::Hopeless(DELETED)).await;
        }
        let mut run = Run::new(&self.systems, &self.clock, running, id, loaded);
        let result = match &run.loaded.advo {
            AdvoSide::NoBetnr => self.without_partner(&mut run, FindingKind::NoBetnr).await,
            AdvoSide::Missing(_) => self.missing_in_advoware(&mut run).await,
            AdvoSide::Failed(error) => Err(error.clone().into()),
            AdvoSide::Found(_) => self.sync_pair(&mut run).await,
        };
        for finding in &run.findings {
            metrics::counter!("kanzleisync_findings_total", "flow" => "beteiligte", "kind" => finding.kind.name())
                .increment(1);
        }
        if let Err(stop) = &result {
            let outcome = self.failed(running, ticket, answered, stop).await;
            self.tell_failure(&mut run, running, stop, &outcome).await;
            return outcome;
        }
        settle(ticket, answered, None).await;
        tracing::info!(
            changes = run.summary.total_changes(),
            markers = run.summary.markers_updated,
            findings = run.findings.len(),
            "synced"
        );
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a gauge for ages")]
        let now = self.clock.now().timestamp() as f64;
        metrics::gauge!("kanzleisync_last_success_timestamp_seconds", "flow" => "beteiligte").set(now);
        // K8a: what a conflict left waiting in Advoware is fetched at once.
        Outcome::Done { follow_up: (run.direction == Direction::ToAdvoware).then(|| Wants::sync(Direction::Both)) }
    }

    /// What becomes of a job whose run stopped. If a system is down, it waits without a try being counted (J4a).
    async fn failed(&self, running: &Running, ticket: &mut Ticket, answered: Answered, stop: &Stop) -> Outcome {
        let settled = settle(ticket, answered, Some(stop)).await;
        if let Some((waits, give_back)) = settled {
            tracing::info!(error = %stop, "run stopped, the system is down");
            self.give_back_tries(&give_back).await;
            return waits;
        }
        tracing::warn!(error = %stop, "run stopped");
        stop.outcome(&self.backoff, running.failures, (self.random)())
    }

    /// The failures that led to the opening of a breaker do not count either. Best effort: a try too many costs a wait.
    async fn give_back_tries(&self, records: &[String]) {
        if let Err(error) = self.queue.give_back_tries(records).await {
            tracing::warn!(%error, records = records.len(), "tries are not given back");
        }
    }

    /// Both records are there: ties them to each other where that is new, then agrees and records.
    async fn sync_pair(&self, run: &mut Run<'_>) -> Result<(), Stop> {
        if !run.loaded.is_claimed && !self.claim(run).await? {
            return self.without_partner(run, FindingKind::BetnrTaken).await;
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
    /// and names the number.
    async fn claim(&self, run: &Run<'_>) -> Result<bool, Stop> {
        let betnr = run.betnr()?;
        let hub = &self.systems.hub;
        let claim = || hub.claim(run.id, betnr, run.loaded.first_meeting, self.clock.now());
        let Claim::TakenBy(holder) = claim().await? else { return Ok(true) };
        let holds_it = match self.systems.espocrm.get_beteiligte(&holder).await {
            Ok(record) => !record.deleted && record.betnr == Some(betnr),
            Err(error) if error.kind == ErrorKind::NotFound => false,
            Err(error) => return Err(error.into()),
        };
        if holds_it {
            return Ok(false);
        }
        hub.release(&holder).await?;
        Ok(claim().await? == Claim::Granted)
    }

    /// K9: the base, then hash, times and status in one EspoCRM write, where anything of it differs. `false`: somebody changed the
    /// record meanwhile.
    async fn record(&self, run: &mut Run<'_>) -> Result<bool, Stop> {
        let (Some(seen), AdvoSide::Found(advo)) = (run.loaded.seen(), &run.loaded.advo) else { return Ok(false) };
        let Agreement { base, hash } = agreement(seen);
        // A run in both directions has just seen that nothing is left.
        let is_whole = run.direction == Direction::Both;
        let remains = !is_whole && !plan(seen, Direction::Both, run.approve_deletions).is_empty();
        let status = if remains { SyncStatus::Dirty } else { SyncStatus::Clean };
        let hash = Some(hash).filter(|hash| is_whole && run.loaded.espo.view.stored_hash.as_ref() != Some(hash));
        let row_id = advo.row_id.clone();

        // The base first: if the program ends between the two, the next run finds nothing to do and only writes the status.
        let findings: Vec<Finding> = run.findings.iter().copied().collect();
        if run.wrote || run.loaded.first_meeting || run.loaded.base.as_ref() != Some(&base) {
            let agreed = Agreed {
                kommunikation: &base,
                advoware_row_id: row_id.as_ref(),
                espo_modified_at: run.loaded.espo.modified_at,
                first_meeting: run.loaded.first_meeting && remains,
            };
            self.systems.hub.remember_agreed(run.id, agreed, &findings, self.clock.now()).await?;
        } else {
            self.systems.hub.remember_look(run.id, &findings, self.clock.now()).await?;
        }
        run.loaded.base = Some(base);
        run.loaded.first_meeting &= remains;

        let espo = &run.loaded.espo;
        let is_due = run.wrote
            || espo.sync_status != Some(status)
            || hash.is_some()
            || espo.advoware_row_id != row_id
            || espo.sync_retry_count != 0;
        if !is_due {
            return Ok(true);
        }
        let untold = self.tell_overwritten(run).await?;
        let mut patch = EspoPatch::new()
            .sync_status(status)
            .sync_retry_count(0)
            .sync_next_retry(None)
            .sync_error_message(untold.as_deref())
            .advoware_last_sync(self.clock.now())
            .advoware_row_id(row_id.as_ref());
        if let Some(hash) = &hash {
            patch = patch.kommunikation_hash(hash);
        }
        run.bookkeeping(&patch).await
    }

    /// After a conflict that EspoCRM won, people are told where they look: in the record's stream. The audit knows of what they
    /// have not been told, so that a run that was cut off does not keep it to itself. Answers the text if the stream is closed to us.
    async fn tell_overwritten(&self, run: &Run<'_>) -> Result<Option<String>, Stop> {
        let hub = &self.systems.hub;
        let overwritten = hub.untold(run.id).await?;
        if overwritten.is_empty() {
            return Ok(None);
        }
        let komm_ids: Vec<String> = overwritten.iter().map(ToString::to_string).collect();
        let text = format!(
            "kanzleisync: Kommunikation {} was changed in EspoCRM and in Advoware. EspoCRM's value was kept; Advoware's is in the audit of this record.",
            komm_ids.join(", ")
        );
        let untold = self.post_note(run, text).await?;
        hub.mark_told(run.id, self.clock.now()).await?;
        Ok(untold)
    }

    /// Posts into the record's stream; answers the text where EspoCRM refuses that for good.
    async fn post_note(&self, run: &Run<'_>, text: String) -> Result<Option<String>, Stop> {
        run.lease.check()?;
        match self.systems.espocrm.post_note(run.id, &text).await {
            Ok(()) => Ok(None),
            Err(error) if error.next() == Next::GiveUp => Ok(Some(text)),
            Err(error) => Err(error.into()),
        }
    }

    async fn without_partner(&self, run: &mut Run<'_>, kind: FindingKind) -> Result<(), Stop> {
        run.findings.insert(Finding::general(kind));
        self.systems.hub.remember_look(run.id, &[Finding::general(kind)], self.clock.now()).await?;
        Ok(())
    }

    /// Advoware answered 404: nothing is deleted in EspoCRM, and people are told once (DOMAIN 4). The status first, so that the
    /// telling is not repeated; a run cut off between the two leaves the status, which says the same.
    async fn missing_in_advoware(&self, run: &mut Run<'_>) -> Result<(), Stop> {
        self.without_partner(run, FindingKind::MissingInAdvoware).await?;
        if run.loaded.espo.sync_status == Some(SyncStatus::DeletedInAdvoware) {
            return Ok(());
        }
        let text = "kanzleisync: Advoware has no Beteiligte with this record's betnr. Correct the number, or delete the record.";
        let patch = EspoPatch::new()
            .sync_status(SyncStatus::DeletedInAdvoware)
            .sync_error_message(Some(text))
            .sync_next_retry(None);
        if !run.bookkeeping(&patch).await? {
            return Err(Stop::NotAgreed("the record changed meanwhile"));
        }
        self.post_note(run, text.to_owned()).await.map(drop)
    }

    /// Shows a failure on the record, where people look. Best effort: the queue keeps job and reason whatever becomes of it.
    async fn tell_failure(&self, run: &mut Run<'_>, running: &Running, stop: &Stop, outcome: &Outcome) {
        let now = self.clock.now();
        let findings: Vec<Finding> = run.findings.iter().copied().collect();
        if let Err(error) = self.systems.hub.remember_look(run.id, &findings, now).await {
            tracing::warn!(%error, "findings of the failed run are not remembered");
        }
        let patch = EspoPatch::new().sync_error_message(Some(&stop.to_string()));
        let patch = match outcome {
            Outcome::RetryAfter { delay, .. } => patch
                .sync_status(SyncStatus::Failed)
                .sync_retry_count(running.failures + 1)
                .sync_next_retry(chrono::Duration::from_std(*delay).ok().map(|delay| now + delay)),
            Outcome::GiveUp { .. } => patch
                .sync_status(SyncStatus::PermanentlyFailed)
                .sync_retry_count(running.failures + 1)
                .sync_next_retry(None),
            Outcome::Done { .. } | Outcome::Snooze { .. } => return,
        };
        match run.bookkeeping(&patch).await {
            Ok(true) => {}
            Ok(false) => tracing::info!("a user changed the record meanwhile, so the failure is not shown on it"),
            Err(error) => tracing::warn!(%error, "the failure could not be shown on the record"),
        }
    }
}
