//! A record without betnr is created in Advoware, never twice (B2b).
//!
//! Advoware has no search (DOMAIN 2). So the hub knows of the POST before it is sent, and of the number before EspoCRM does: whatever ends
//! the run, the next one knows whether it may have been sent. If that is all it knows, it does not send it again.

use domain::beteiligte::SyncStatus;
use domain::beteiligte::stammdaten::{self, Change};
use domain::finding::{Finding, FindingKind};
use domain::ids::BetNr;
use domain::kommunikation::Direction;
use shared::advoware::AdvoRecord;
use shared::beteiligte::AdvoSide;
use shared::error::{Operation, System};
use shared::espocrm::EspoPatch;
use shared::hub::Creation;

use super::audit;
use super::beteiligte_sync::BeteiligteJobs;
use super::run::{Applied, Run, gone_or};
use super::stop::Stop;

impl BeteiligteJobs {
    /// Gives the record its partner. `false`: there is nothing more to do in this run.
    pub(super) async fn create(&self, run: &mut Run<'_>, again: bool) -> Result<bool, Stop> {
        if run.wanted.direction == Direction::ToEspocrm {
            self.without_betnr(run).await?;
            return Ok(false);
        }
        let created = loop {
            let again = match run.loaded.creation {
                Some(Creation::Created(created)) => break created,
                // An approval is good for one POST, and that one may have been sent.
                Some(Creation::Begun { again: was_again }) if was_again || !again => {
                    return Err(self.held(run).await?);
                }
                Some(Creation::Begun { .. }) => true,
                None => false,
            };
            if !self.creation_is_asked(run).await? {
                return Ok(false);
            }
            if let Some(created) = self.post(run, again).await? {
                break created;
            }
            if !run.take_round() {
                return Err(Stop::NotAgreed("the record kept changing before it was created in Advoware"));
            }
            run.loaded = self.systems.load(run.id).await?;
            if !matches!(run.loaded.advo, AdvoSide::NoBetnr) {
                return Ok(true);
            }
        };
        let request = run.loaded.request.take();
        self.tie(run, created).await?;
        if run.task.is_one_plan() {
            self.answer_creation(request).await?;
            return Ok(false);
        }
        Ok(true)
    }

    /// `None`: a user changed the record just now, look again.
    async fn post(&self, run: &mut Run<'_>, again: bool) -> Result<Option<BetNr>, Stop> {
        let changes = match stammdaten::creation(&run.loaded.espo.stammdaten) {
            Ok(changes) => changes,
            Err(finding) => {
                run.findings.insert(finding);
                return Err(Stop::Hopeless(
                    "Advoware takes no Beteiligte without a name, nor an unreadable date: correct the record, it is tried again then",
                ));
            }
        };
        if run.announce().await? == Applied::Overtaken {
            return Ok(None);
        }
        let hub = &self.systems.hub;
        run.audit(&[audit::of_creation(&changes)]).await?;
        let visit = self.systems.advoware.visit(Operation::AdvowarePostBeteiligte, 1).await?;
        hub.remember_creation(run.id, Some(Creation::Begun { again }), self.clock.now()).await?;
        // If it is not sent after all, an earlier one is as unknown as it was.
        let unsent = again.then_some(Creation::Begun { again: false });
        let answer = match run.lease.check() {
            Ok(()) => visit.post_beteiligte(&record_of(&changes)).await,
            Err(lost) => {
                hub.remember_creation(run.id, unsent, self.clock.now()).await?;
                return Err(lost.into());
            }
        };
        match answer {
            Ok(Some(created)) => {
                run.wrote = true;
                run.fields_written += changes.len();
                run.progress.made();
                metrics::counter!("kanzleisync_changes_total", "flow" => "beteiligte", "change" => "created")
                    .increment(1);
                hub.remember_created(run.id, created, &stammdaten::created_base(&changes), self.clock.now()).await?;
                Ok(Some(created))
            }
            Ok(None) => Err(self.held(run).await?),
            Err(error) if error.outcome_unknown() => {
                tracing::warn!(%error, "whether the record was created in Advoware is not known");
                Err(self.held(run).await?)
            }
            Err(error) => {
                // Refused, or never sent.
                hub.remember_creation(run.id, unsent, self.clock.now()).await?;
                Err(error.into())
            }
        }
    }

    /// EspoCRM learns the number, then the pair is seen as any other.
    async fn tie(&self, run: &mut Run<'_>, created: BetNr) -> Result<(), Stop> {
        loop {
            if run.update_espo(&EspoPatch::new().betnr(created)).await? == Applied::Whole {
                break;
            }
            if !run.take_round() {
                return Err(Stop::NotAgreed("the record kept changing while it got its betnr"));
            }
            let look = self.systems.espocrm.get_beteiligte(run.id).await;
            run.loaded.espo = look.map_err(|error| gone_or(error, System::Espocrm))?;
            if run.loaded.espo.betnr.is_some() {
                break;
            }
        }
        run.loaded = self.systems.load(run.id).await?;
        match &run.loaded.advo {
            AdvoSide::Missing(_) if run.loaded.espo.betnr == Some(created) => {
                Err(Stop::NotAgreed("Advoware does not show the record it created"))
            }
            _ => Ok(()),
        }
    }

    /// Nothing is sent again until a person says so. They are told once.
    async fn held(&self, run: &mut Run<'_>) -> Result<Stop, Stop> {
        run.findings.insert(Finding::general(FindingKind::CreateOutcomeUnknown));
        let held = Some(Creation::Begun { again: false });
        self.systems.hub.remember_creation(run.id, held, self.clock.now()).await?;
        if run.loaded.last_status != Some(SyncStatus::PermanentlyFailed) {
            let text = "kanzleisync: whether this record was created in Advoware is not known, so it is not created again. Look for it in \
                        Advoware: if it is there, enter its betnr here; if not, `requeue <id> --create-again`.";
            self.post_note(run, text.to_owned()).await?;
        }
        Ok(Stop::CreationHeld)
    }
}

fn record_of(changes: &[Change]) -> AdvoRecord {
    let fields: Vec<(&str, Option<&str>)> =
        changes.iter().map(|change| (change.target, change.after.as_deref())).collect();
    AdvoRecord::new(&fields)
}
