//! Job `beteiligte.sync`: one Beteiligte, from a look at both sides to the record of what was agreed.

use domain::beteiligte::SyncStatus;
use domain::finding::{Finding, FindingKind};
use domain::ids::EspoId;
use domain::job::{Backoff, Wants};
use domain::kommunikation::{Direction, base_after, changed, kommunikation_hash, plan};
use shared::beteiligte::{AdvoSide, Systems};
use shared::clock::Clock;
use shared::error::{ApiError, ErrorKind};
use shared::espocrm::EspoPatch;
use shared::hub::Agreed;
use shared::queue::{Outcome, Running};

pub use super::kommunikation_sync::MAX_ROUNDS;
use super::kommunikation_sync::Run;
use super::stop::Stop;

/// Everything that the job needs. Cheap to clone.
#[derive(Clone)]
pub struct BeteiligteJobs {
    /// Both sides and the hub.
    pub systems: Systems,
    /// The clock.
    pub clock: Clock,
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
        match self.sync(&id, &running).await {
            Ok(follow_up) => {
                #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a gauge for ages")]
                let now = self.clock.now().timestamp() as f64;
                metrics::gauge!("kanzleisync_last_success_timestamp_seconds", "flow" => "beteiligte").set(now);
                Outcome::Done { follow_up }
            }
            Err(stop) => {
                let outcome = stop.outcome(&self.backoff, running.failures, (self.random)());
                tracing::warn!(error = %stop, "run stopped");
                outcome
            }
        }
    }

    async fn sync(&self, id: &EspoId, running: &Running) -> Result<Option<Wants>, Stop> {
        let loaded = match self.systems.load(id).await {
            Ok(loaded) => loaded,
            Err(shared::beteiligte::LoadError::Api(ApiError { kind: ErrorKind::NotFound, .. })) => {
                return Err(Stop::Hopeless(
                    "EspoCRM has no such record; delete the job, or restore the record and requeue it",
                ));
            }
            Err(error) => return Err(error.into()),
        };
        if loaded.espo.deleted {
            return Err(Stop::Hopeless(
                "the record is deleted in EspoCRM; delete the job, or restore the record and requeue it",
            ));
        }
        let mut run = Run::new(&self.systems, &self.clock, &running.lease, id, running.wants, loaded);
        match run.loaded.advo {
            AdvoSide::NoBetnr => self.without_partner(&mut run, FindingKind::NoBetnr).await?,
            AdvoSide::Missing(_) => self.missing_in_advoware(&mut run).await?,
            AdvoSide::Found { .. } => {
                let result = self.sync_kommunikation(&mut run).await;
                count_findings(&run);
                if let Err(stop) = &result {
                    self.tell_failure(&mut run, running, stop).await;
                }
                result?;
            }
        }
        tracing::info!(
            changes = run.summary.total_changes(),
            markers = run.summary.markers_updated,
            findings = run.findings.len(),
            "synced"
        );
        // K8a: what a conflict left waiting in Advoware is fetched at once.
        Ok((run.direction == Direction::ToAdvoware).then(|| Wants::sync(Direction::Both)))
    }

    /// Agrees and records; starts over if a user changed the record before it could be recorded.
    async fn sync_kommunikation(&self, run: &mut Run<'_>) -> Result<(), Stop> {
        if let Some(seen) = run.loaded.seen(&[])
            && changed(seen).is_conflict()
        {
            tracing::info!("both sides changed; EspoCRM wins where both touched one item");
        }
        for _ in 0..MAX_ROUNDS {
            run.agree().await?;
            if self.record(run).await? {
                return Ok(());
            }
            run.look_again().await?;
        }
        Err(Stop::NotAgreed("the record kept changing while it was recorded"))
    }

    /// K9: hash, times, status in one write, where anything of it differs; then the base. `false`: the record changed meanwhile.
    async fn record(&self, run: &mut Run<'_>) -> Result<bool, Stop> {
        let betnr = run.betnr()?;
        let Some(seen) = run.loaded.seen(&[]) else { return Ok(false) };
        let AdvoSide::Found { advo, base: known } = &run.loaded.advo else { return Ok(false) };
        let base = base_after(seen);
        let remaining = !plan(seen, Direction::Both, run.approve_deletions).is_empty();
        let status = if remaining { SyncStatus::Dirty } else { SyncStatus::Clean };
        let hash = (run.direction == Direction::Both).then(|| kommunikation_hash(seen));
        let hash = hash.filter(|hash| run.loaded.espo.view.stored_hash.as_ref() != Some(hash));
        let row_id = advo.row_id.clone();

        // The base first: if the program ends between the two, the next run finds nothing to do and only writes the status.
        let agreed = Agreed {
            betnr,
            kommunikation: &base,
            advoware_row_id: row_id.as_ref(),
            espo_modified_at: run.loaded.espo.modified_at,
        };
        let findings: Vec<Finding> = run.findings.iter().copied().collect();
        if run.wrote || known.as_ref() != Some(&base) {
            self.systems.hub.remember_agreed(run.id, agreed, &findings, self.clock.now()).await?;
        } else {
            self.systems.hub.remember_look(run.id, &findings, self.clock.now()).await?;
        }

        let espo = &run.loaded.espo;
        let is_due = run.wrote
            || espo.sync_status != Some(status)
            || hash.is_some()
            || espo.advoware_row_id != row_id
            || espo.sync_retry_count != 0;
        if !is_due {
            return Ok(true);
        }
        let note_failed = self.tell_overwritten(run).await?;
        let mut patch = EspoPatch::new()
            .sync_status(status)
            .sync_retry_count(0)
            .sync_next_retry(None)
            .sync_error_message(note_failed.as_deref())
            .advoware_last_sync(self.clock.now())
            .advoware_row_id(row_id.as_ref());
        if let Some(hash) = &hash {
            patch = patch.kommunikation_hash(hash);
        }
        run.bookkeeping(&patch).await
    }

    /// After a conflict that EspoCRM won, people are told where they look: in the record's stream, or where that is forbidden in
    /// its error field.
    async fn tell_overwritten(&self, run: &Run<'_>) -> Result<Option<String>, Stop> {
        let overwritten: Vec<String> = run
            .findings
            .iter()
            .filter(|finding| finding.kind == FindingKind::OverwrittenByEspo)
            .filter_map(|finding| finding.komm_id)
            .map(|id| id.to_string())
            .collect();
        if overwritten.is_empty() {
            return Ok(None);
        }
        let text = format!(
            "kanzleisync: Kommunikation {} was changed in EspoCRM and in Advoware. EspoCRM's value was kept; Advoware's is in the audit (run {}).",
            overwritten.join(", "),
            run.audit_id
        );
        self.post_note(run, text).await
    }

    async fn post_note(&self, run: &Run<'_>, text: String) -> Result<Option<String>, Stop> {
        run.lease.check()?;
        match self.systems.espocrm.post_note(run.id, &text).await {
            Ok(()) => Ok(None),
            Err(error) if error.kind == ErrorKind::Forbidden => Ok(Some(text)),
            Err(error) => Err(error.into()),
        }
    }

    async fn without_partner(&self, run: &mut Run<'_>, kind: FindingKind) -> Result<(), Stop> {
        run.findings.insert(Finding::general(kind));
        count_findings(run);
        self.systems.hub.remember_look(run.id, &[Finding::general(kind)], self.clock.now()).await?;
        Ok(())
    }

    /// Advoware answered 404: people are told once, nothing is deleted in EspoCRM (DOMAIN 4).
    async fn missing_in_advoware(&self, run: &mut Run<'_>) -> Result<(), Stop> {
        self.without_partner(run, FindingKind::MissingInAdvoware).await?;
        if run.loaded.espo.sync_status == Some(SyncStatus::DeletedInAdvoware) {
            return Ok(());
        }
        let text = "kanzleisync: Advoware has no Beteiligte with this record's betnr. Correct the number, or delete the record.";
        let note_failed = self.post_note(run, text.to_owned()).await?;
        let patch = EspoPatch::new()
            .sync_status(SyncStatus::DeletedInAdvoware)
            .sync_error_message(note_failed.as_deref())
            .sync_next_retry(None);
        if run.bookkeeping(&patch).await? { Ok(()) } else { Err(Stop::NotAgreed("the record changed meanwhile")) }
    }

    /// Shows a failure on the record, where people look. Best effort: the queue keeps job and reason whatever becomes of it.
    async fn tell_failure(&self, run: &mut Run<'_>, running: &Running, stop: &Stop) {
        let now = self.clock.now();
        let patch = EspoPatch::new().sync_error_message(Some(&stop.to_string()));
        let patch = match stop.outcome(&self.backoff, running.failures, 0.5) {
            Outcome::RetryAfter { delay, .. } => patch
                .sync_status(SyncStatus::Failed)
                .sync_retry_count(running.failures + 1)
                .sync_next_retry(chrono::Duration::from_std(delay).ok().map(|delay| now + delay)),
            Outcome::GiveUp { .. } => patch
                .sync_status(SyncStatus::PermanentlyFailed)
                .sync_retry_count(running.failures + 1)
                .sync_next_retry(None),
            Outcome::Done { .. } | Outcome::Snooze { .. } => return,
        };
        if run.lease.check().is_err() {
            return;
        }
        match run.bookkeeping(&patch).await {
            Ok(true) => {}
            Ok(false) => tracing::info!("a user changed the record meanwhile, so the failure is not shown on it"),
            Err(error) => tracing::warn!(%error, "the failure could not be shown on the record"),
        }
    }
}

fn count_findings(run: &Run<'_>) {
    for finding in &run.findings {
        metrics::counter!("kanzleisync_findings_total", "flow" => "beteiligte", "kind" => finding.kind.name())
            .increment(1);
    }
}
