//! A record without betnr is created in Advoware, never twice (B2b).
//!
//! Advoware has no search (DOMAIN 2). So the hub knows of the POST before it is sent, and of the number before EspoCRM does: whatever ends
//! the run, the next one knows whether it may have been sent. If that is all it knows, it does not send it again.

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
            self.without_partner(run, FindingKind::NoBetnr).await?;
            return Ok(false);
        }
        let created = match run.loaded.creation {
            Some(Creation::Created(created)) => created,
            Some(Creation::Begun) if !again => return Err(self.held(run).await),
            Some(Creation::Begun) | None => {
                if !self.creation_is_asked(run).await? {
                    return Ok(false);
                }
                self.post(run).await?
            }
        };
        let request = run.loaded.request.take();
        self.tie(run, created).await?;
        if run.is_one_plan {
            self.answer_creation(request).await?;
            return Ok(false);
        }
        Ok(true)
    }

    async fn post(&self, run: &mut Run<'_>) -> Result<BetNr, Stop> {
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
            return Err(Stop::NotAgreed("the record changed before it was created in Advoware"));
        }
        let hub = &self.systems.hub;
        run.audit(&[audit::of_creation(&changes)]).await?;
        let visit = self.systems.advoware.visit(Operation::AdvowarePostBeteiligte, 1).await?;
        hub.remember_creation(run.id, Some(Creation::Begun), self.clock.now()).await?;
        run.loaded.creation = Some(Creation::Begun);
        let answer = match run.lease.check() {
            Ok(()) => visit.post_beteiligte(&record_of(&changes)).await,
            Err(lost) => {
                hub.remember_creation(run.id, None, self.clock.now()).await?;
                return Err(lost.into());
            }
        };
        match answer {
            Ok(Some(created)) => {
                run.wrote = true;
                run.progress.made();
                metrics::counter!("kanzleisync_changes_total", "flow" => "beteiligte", "change" => "created")
                    .increment(1);
                hub.remember_creation(run.id, Some(Creation::Created(created)), self.clock.now()).await?;
                Ok(created)
            }
            Ok(None) => Err(self.held(run).await),
            Err(error) if error.outcome_unknown() => {
                tracing::warn!(%error, "whether the record was created in Advoware is not known");
                Err(self.held(run).await)
            }
            Err(error) => {
                // Refused, or never sent.
                hub.remember_creation(run.id, None, self.clock.now()).await?;
                run.loaded.creation = None;
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

    /// Nothing is sent again. People are told, each time the run ends so: the status stands until somebody acts.
    async fn held(&self, run: &mut Run<'_>) -> Stop {
        run.findings.insert(Finding::general(FindingKind::CreateOutcomeUnknown));
        let is_told = run.loaded.last_status == Some(domain::beteiligte::SyncStatus::PermanentlyFailed);
        if !is_told {
            let text = "kanzleisync: whether this record was created in Advoware is not known, so it is not created again. Look for it in \
                        Advoware: if it is there, enter its betnr here; if not, `requeue <id> --create-again`.";
            if let Err(error) = self.post_note(run, text.to_owned()).await {
                return error;
            }
        }
        Stop::CreationHeld
    }
}

fn record_of(changes: &[Change]) -> AdvoRecord {
    let fields: Vec<(&str, Option<&str>)> =
        changes.iter().map(|change| (change.target, change.after.as_deref())).collect();
    AdvoRecord::new(&fields)
}
