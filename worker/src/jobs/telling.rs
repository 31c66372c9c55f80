//! What people are told where they look: the record's status and its stream (B2, DOMAIN 4 and 5).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::beteiligte::stammdaten::Field;
use domain::beteiligte::{Ending, StatusFields, SyncStatus, after};
use domain::finding::{Finding, FindingKind};
use shared::error::Next;
use shared::espocrm::EspoPatch;
use shared::hub::Untold;
use shared::queue::Outcome;

use super::beteiligte_sync::BeteiligteJobs;
use super::run::Run;
use super::stop::Stop;

impl BeteiligteJobs {
    /// The fields that an ending leaves on the record; the message is the caller's.
    pub(super) fn status_patch(&self, ending: Ending, now: DateTime<Utc>) -> EspoPatch {
        let StatusFields { status, retry_count, next_retry, auto_reset_at } = after(ending, now, self.auto_reset);
        EspoPatch::new()
            .sync_status(status)
            .sync_retry_count(retry_count)
            .sync_next_retry(next_retry)
            .sync_auto_reset_at(auto_reset_at)
    }

    pub(super) fn status_of(&self, ending: Ending) -> SyncStatus {
        after(ending, self.clock.now(), self.auto_reset).status
    }

    /// The record stays as it is until somebody corrects it. The status first, so that the telling is not repeated; a run that is cut off
    /// between the two leaves the status and its message, which say the same.
    pub(super) async fn wait_for_correction(
        &self,
        run: &mut Run<'_>,
        kind: FindingKind,
        ending: Ending,
        text: String,
    ) -> Result<(), Stop> {
        run.findings.insert(Finding::general(kind));
        let findings: Vec<Finding> = run.findings.iter().copied().collect();
        let status = self.status_of(ending);
        self.systems.hub.remember_look(run.id, &findings, Some(status), self.clock.now()).await?;
        if run.loaded.espo.sync_status == Some(status) {
            return Ok(());
        }
        let patch = self.status_patch(ending, self.clock.now()).sync_error_message(Some(&text));
        if !run.bookkeeping(&patch).await? {
            return Err(Stop::NotAgreed("the record changed meanwhile"));
        }
        self.post_note(run, text).await
    }

    /// Policy `manual`: people are told which fields wait for them, and told again when another one does.
    pub(super) async fn tell_undecided(&self, run: &mut Run<'_>, findings: &[Finding]) -> Result<(), Stop> {
        let waiting = findings.iter().filter(|finding| finding.kind == FindingKind::Undecided);
        let waiting: BTreeSet<Field> = waiting.filter_map(|finding| finding.field).collect();
        if run.loaded.last_status == Some(SyncStatus::Conflict) && waiting.is_subset(&run.loaded.told_undecided) {
            return Ok(());
        }
        let fields: Vec<&str> = waiting.iter().copied().map(Field::name).collect();
        let text = format!(
            "kanzleisync: Stammdaten {} was changed in EspoCRM and in Advoware, and nobody's value was taken. Make both equal, or `decide <id> \
             espocrm` or `advoware`.",
            fields.join(", ")
        );
        self.post_note(run, text).await?;
        run.loaded.told_undecided = waiting;
        Ok(())
    }

    /// After a conflict that somebody won, people are told where they look: in the record's stream. The audit knows of what they
    /// have not been told, so that a run that was cut off does not keep it to itself.
    pub(super) async fn tell_overwritten(&self, run: &mut Run<'_>) -> Result<(), Stop> {
        let hub = &self.systems.hub;
        let untold = hub.untold(run.id).await?;
        if untold.is_empty() {
            return Ok(());
        }
        self.post_note(run, overwritten_text(&untold)).await?;
        Ok(hub.mark_told(run.id, self.clock.now()).await?)
    }

    /// Posts into the record's stream. Where EspoCRM refuses that for good, the text stands in `syncErrorMessage` (DOMAIN 5).
    pub(super) async fn post_note(&self, run: &mut Run<'_>, text: String) -> Result<(), Stop> {
        run.lease.check()?;
        match self.systems.espocrm.post_note(run.id, &text).await {
            Ok(()) => Ok(()),
            Err(error) if error.next() == Next::GiveUp => {
                run.refused_note = Some(text);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Shows a failure on the record, where people look. Best effort: the queue keeps job and reason whatever becomes of it.
    pub(super) async fn tell_failure(&self, run: &mut Run<'_>, failures: u32, stop: &Stop, outcome: &Outcome) {
        let now = self.clock.now();
        let ending = match (outcome, stop) {
            (Outcome::RetryAfter { delay, .. }, _) => Ending::Failed { failures: failures + 1, wait: *delay },
            (Outcome::GiveUp { .. }, Stop::CreationHeld) => Ending::CreationHeld { failures: failures + 1 },
            (Outcome::GiveUp { .. }, _) => Ending::GivenUp { failures: failures + 1 },
            (Outcome::Done { .. } | Outcome::Snooze { .. }, _) => return,
        };
        let status = after(ending, now, self.auto_reset).status;
        let findings: Vec<Finding> = run.findings.iter().copied().collect();
        if let Err(error) = self.systems.hub.remember_look(run.id, &findings, Some(status), now).await {
            tracing::warn!(%error, "findings of the failed run are not remembered");
        }
        if let Err(error) = self.systems.hub.remember_users_time(run.id, run.loaded.users_modified_at, now).await {
            tracing::warn!(%error, "the failure is not shown on the record: that would hide when users changed it");
            return;
        }
        let patch = self.status_patch(ending, now).sync_error_message(Some(&stop.to_string()));
        match run.bookkeeping(&patch).await {
            Ok(true) => {}
            Ok(false) => tracing::info!("a user changed the record meanwhile, so the failure is not shown on it"),
            Err(error) => tracing::warn!(%error, "the failure could not be shown on the record"),
        }
    }
}

/// Ids and names of fields only (E2).
fn overwritten_text(untold: &[Untold]) -> String {
    let named = |pick: fn(&Untold) -> Option<String>| untold.iter().filter_map(pick).collect::<Vec<_>>().join(", ");
    let kommunikation = named(|one| match one {
        Untold::Kommunikation(komm_id) => Some(komm_id.to_string()),
        Untold::KeptEspocrms(_) | Untold::KeptAdvowares(_) => None,
    });
    let espocrms = named(|one| match one {
        Untold::KeptEspocrms(field) => Some(field.name().to_owned()),
        Untold::Kommunikation(_) | Untold::KeptAdvowares(_) => None,
    });
    let advowares = named(|one| match one {
        Untold::KeptAdvowares(field) => Some(field.name().to_owned()),
        Untold::Kommunikation(_) | Untold::KeptEspocrms(_) => None,
    });
    let sentences = [
        (kommunikation, "Kommunikation", "EspoCRM's value was kept; Advoware's is in the audit of this record."),
        (espocrms, "Stammdaten", "EspoCRM's value was kept; Advoware's is in the audit of this record."),
        (advowares, "Stammdaten", "Advoware's value was newer and was kept; EspoCRM's is in the audit of this record."),
    ];
    let told = sentences.iter().filter(|(names, ..)| !names.is_empty());
    let told: Vec<String> = told
        .map(|(names, what, kept)| format!("{what} {names} was changed in EspoCRM and in Advoware. {kept}"))
        .collect();
    format!("kanzleisync: {}", told.join(" "))
}
