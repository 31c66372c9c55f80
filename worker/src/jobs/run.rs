//! One run on one Beteiligter: looks, plans, applies, looks again, until nothing is left to write (K8-K9).

use std::collections::{BTreeSet, HashSet};

use domain::beteiligte::ConflictPolicy;
use domain::beteiligte::SyncStatus;
use domain::beteiligte::stammdaten::{self, Change, Side};
use domain::finding::{Finding, FindingKind};
use domain::ids::{BetNr, EspoId, RowId};
use domain::job::Wants;
use domain::kommunikation::{Base, Direction, EspoMail, EspoPhone, Summary, Variant, Written, changed, not_kept};
use shared::beteiligte::{AdvoSide, Loaded, SyncPlan, Systems, Wanted};
use shared::clock::Clock;
use shared::error::{ApiError, ErrorKind, System};
use shared::espocrm::{EspoBeteiligte, EspoPatch, UpdateAnswer};
use shared::hub::{AuditEntry, Occasion};
use shared::queue::{Lease, Progress, Running};
use uuid::Uuid;

use super::stop::Stop;

/// Plans that one run may make before it gives way: each was overtaken by a user's edit, or found more to do.
pub const MAX_ROUNDS: u32 = 5;

/// One run on one Beteiligter: what it saw last, what it remembers, and what it has done so far.
pub(super) struct Run<'a> {
    pub(super) systems: &'a Systems,
    pub(super) clock: &'a Clock,
    pub(super) lease: &'a Lease,
    pub(super) progress: &'a Progress,
    pub(super) id: &'a EspoId,
    pub(super) wanted: Wanted,
    /// Under this id the audit keeps what the run changes.
    pub(super) audit_id: Uuid,
    /// Both sides as last seen, and the bases with what this run has added to them.
    pub(super) loaded: Loaded,
    /// Something was written to either side.
    pub(super) wrote: bool,
    /// What was written of Kommunikationen.
    pub(super) summary: Summary,
    /// Fields of Stammdaten that were written, on either side.
    pub(super) fields_written: usize,
    /// What the last plan found, and the conflicts that this run has decided.
    pub(super) findings: BTreeSet<Finding>,
    /// Conflicts of the Stammdaten that wait for a person.
    pub(super) is_undecided: bool,
    pub(super) task: Task,
    /// An operator's request was answered; another one may wait behind it.
    pub(super) has_answered: bool,
    /// What the record's stream did not take, for `syncErrorMessage`.
    pub(super) refused_note: Option<String>,
    rounds_left: u32,
    /// What the systems confirmed since the last look.
    pub(super) confirmed: Confirmed,
}

/// What was confirmed since the last look, with the token that tells whether anybody touched it since.
#[derive(Default)]
pub(super) struct Confirmed {
    pub(super) rows: Vec<Written>,
    pub(super) advoware: Vec<Change>,
    pub(super) advoware_row_id: Option<RowId>,
    pub(super) espocrm: Vec<Change>,
}

/// What the run is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// A sync, and what an operator asked for beside it.
    Sync,
    /// A plan that an operator named, and nothing else.
    PlanAlone,
    /// One plan is carried out by its name, and nothing else.
    OnePlan {
        /// Nothing else was asked for.
        is_alone: bool,
    },
    /// The plan that was all that was asked for is refused: everything stays as it is.
    Refused,
}

impl Task {
    /// A record that a run has begun with or given up waits for a sync, whatever its job says: a plan may have been cut off in the middle, or have
    /// taken the place of a job that was dead.
    fn of(wants: Wants, status: Option<SyncStatus>) -> Self {
        match status {
            Some(SyncStatus::Syncing | SyncStatus::Failed | SyncStatus::PermanentlyFailed) => Self::Sync,
            Some(
                SyncStatus::PendingSync
                | SyncStatus::Dirty
                | SyncStatus::Clean
                | SyncStatus::Conflict
                | SyncStatus::DeletedInAdvoware,
            )
            | None => {
                if wants.is_request_only() {
                    Self::PlanAlone
                } else {
                    Self::Sync
                }
            }
        }
    }

    pub(super) fn one_plan(self) -> Self {
        match self {
            Self::OnePlan { .. } | Self::Refused => self,
            Self::Sync | Self::PlanAlone => Self::OnePlan { is_alone: self == Self::PlanAlone },
        }
    }

    pub(super) fn is_one_plan(self) -> bool {
        matches!(self, Self::OnePlan { .. } | Self::Refused)
    }
}

/// How far a plan was carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Applied {
    Whole,
    /// Somebody changed what the plan stands on; the rest of it was not written.
    Overtaken,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        systems: &'a Systems,
        clock: &'a Clock,
        running: &'a Running,
        id: &'a EspoId,
        policy: ConflictPolicy,
        loaded: Loaded,
    ) -> Self {
        let task = Task::of(running.wants, loaded.espo.sync_status);
        Self {
            systems,
            clock,
            lease: &running.lease,
            progress: &running.progress,
            id,
            wanted: Wanted {
                direction: running.wants.direction(),
                after_conflict: false,
                approve_deletions: running.wants.approves_deletions(),
                policy,
            },
            audit_id: Uuid::now_v7(),
            loaded,
            wrote: false,
            summary: Summary::default(),
            fields_written: 0,
            findings: BTreeSet::new(),
            is_undecided: false,
            task,
            has_answered: false,
            refused_note: None,
            rounds_left: MAX_ROUNDS,
            confirmed: Confirmed::default(),
        }
    }

    /// Which way Kommunikationen go: asked for, or after a conflict (DOMAIN 4).
    pub(super) fn kommunikation_direction(&self) -> Direction {
        self.wanted.kommunikation_direction()
    }

    /// Brings both sides into agreement as far as the direction goes; when it returns, the last look found nothing to write.
    pub(super) async fn agree(&mut self) -> Result<(), Stop> {
        loop {
            let plan = self.plan_now()?;
            if plan.is_empty() {
                return Ok(());
            }
            if self.rounds_left == 0 {
                self.findings.insert(Finding::general(FindingKind::NotAgreed));
                return Err(Stop::NotAgreed("the sides kept changing while they were synced"));
            }
            self.rounds_left -= 1;
            self.apply(&plan).await?;
            self.look_again().await?;
        }
    }

    /// The plan for what was seen last.
    pub(super) fn plan_now(&mut self) -> Result<SyncPlan, Stop> {
        let gone = || Stop::NotAgreed("one side disappeared meanwhile");
        let plan = self.loaded.plan(self.wanted).ok_or_else(gone)?;
        self.wanted.after_conflict |= plan.stammdaten.comparison == Some(stammdaten::Comparison::Conflict);
        if !self.wrote && !plan.is_empty() && self.loaded.seen().is_some_and(|seen| changed(seen).is_conflict()) {
            tracing::info!("both sides changed; EspoCRM wins where both touched one item");
        }
        self.is_undecided = !plan.stammdaten.undecided.is_empty();
        // A conflict is told when it has been decided: by then no plan shows it any more.
        let is_decided = |finding: &Finding| {
            matches!(finding.kind, FindingKind::OverwrittenByEspo | FindingKind::OverwrittenByAdvoware)
        };
        self.findings.retain(is_decided);
        self.findings.extend(plan.findings().filter(|finding| !is_decided(finding)));
        Ok(plan)
    }

    /// K9: sees both sides again and checks that confirmed writes are there.
    pub(super) async fn look_again(&mut self) -> Result<(), Stop> {
        let betnr = self.betnr()?;
        let version = self.loaded.espo.version_number;
        let looked = self.systems.look(self.id, Some(betnr)).await;
        (self.loaded.espo, self.loaded.advo) = looked.map_err(|error| gone_or(error, System::Espocrm))?;
        if self.loaded.espo.betnr != Some(betnr) {
            return Err(Stop::NotAgreed("the record got another betnr meanwhile"));
        }
        let AdvoSide::Found(advo) = &self.loaded.advo else {
            return Err(match &self.loaded.advo {
                AdvoSide::Failed(error) => error.clone().into(),
                _ => Stop::NotAgreed("the record lost its partner in Advoware meanwhile"),
            });
        };
        let confirmed = std::mem::take(&mut self.confirmed);
        let mut lost = not_kept(&confirmed.rows, &advo.view);
        let mut retracted = self.loaded.stammdaten.clone();
        if confirmed.advoware_row_id.is_some() && confirmed.advoware_row_id == advo.row_id {
            let fields = stammdaten::not_kept(&confirmed.advoware, &advo.stammdaten);
            retracted.retract(Side::Advoware, &fields, &advo.stammdaten);
            lost.extend(fields.iter().map(|change| Finding::in_field(FindingKind::NotAgreed, change.field)));
        }
        if version.is_some() && version == self.loaded.espo.version_number {
            let espo = &self.loaded.espo.stammdaten;
            let fields = stammdaten::not_kept(&confirmed.espocrm, espo);
            retracted.retract(Side::Espocrm, &fields, espo);
            lost.extend(fields.iter().map(|change| Finding::in_field(FindingKind::NotAgreed, change.field)));
        }
        if lost.is_empty() {
            return Ok(());
        }
        if retracted != self.loaded.stammdaten {
            self.loaded.stammdaten = retracted;
            self.systems.hub.remember_stammdaten(self.id, &self.loaded.stammdaten).await?;
        }
        self.findings.extend(lost);
        Err(Stop::NotAgreed("a system did not keep what it confirmed"))
    }

    /// Stammdaten, then Kommunikationen (B3).
    pub(super) async fn apply(&mut self, plan: &SyncPlan) -> Result<Applied, Stop> {
        self.begin_stammdaten(&plan.stammdaten).await?;
        if self.announce().await? == Applied::Overtaken
            || self.apply_stammdaten(&plan.stammdaten).await? == Applied::Overtaken
        {
            // What was begun and not confirmed was not written, and must not be taken for ours should a user write just that later.
            if !self.loaded.stammdaten.begun.is_empty() {
                self.loaded.stammdaten.begun.clear();
                self.systems.hub.remember_stammdaten(self.id, &self.loaded.stammdaten).await?;
            }
            return Ok(Applied::Overtaken);
        }
        self.apply_kommunikation(&plan.kommunikation, plan.stammdaten.is_empty()).await
    }

    /// B1: `syncing` tells people that the record is being worked on, and brings the version that the next write builds on.
    pub(super) async fn announce(&mut self) -> Result<Applied, Stop> {
        if self.loaded.espo.sync_status == Some(SyncStatus::Syncing) {
            return Ok(Applied::Whole);
        }
        let applied = self.update_espo(&EspoPatch::new().sync_status(SyncStatus::Syncing)).await?;
        if applied == Applied::Whole {
            self.loaded.espo.sync_status = Some(SyncStatus::Syncing);
        }
        Ok(applied)
    }

    /// Any write to EspoCRM. `X-Version-Number` makes it refuse if a user was faster; where a firm has that switched off, the
    /// record is read again just before (K8b).
    pub(super) async fn update_espo(&mut self, patch: &EspoPatch) -> Result<Applied, Stop> {
        let espocrm = &self.systems.espocrm;
        if self.loaded.espo.version_number.is_none() {
            let now = espocrm.get_beteiligte(self.id).await.map_err(|error| gone_or(error, System::Espocrm))?;
            if !is_unchanged(&now, &self.loaded.espo) {
                return Ok(Applied::Overtaken);
            }
        }
        self.lease.check()?;
        match espocrm.update_beteiligte(self.id, patch, self.loaded.espo.version_number).await {
            Ok(UpdateAnswer { version_number, .. }) => {
                self.wrote = true;
                self.loaded.espo.version_number = version_number;
                Ok(Applied::Whole)
            }
            Err(error) if error.kind == ErrorKind::Conflict => Ok(Applied::Overtaken),
            Err(error) => {
                self.summary.errors += 1;
                Err(gone_or(error, System::Espocrm))
            }
        }
    }

    /// A plan that is not carried out leaves no work behind, where it was all that was asked for.
    pub(super) fn refuse(&mut self) {
        if self.task == (Task::OnePlan { is_alone: true }) {
            self.task = Task::Refused;
        }
    }

    /// The run's last write (K9). `false`: somebody changed the record meanwhile, look again.
    pub(super) async fn bookkeeping(&mut self, patch: &EspoPatch) -> Result<bool, Stop> {
        Ok(self.update_espo(patch).await? == Applied::Whole)
    }

    pub(super) async fn audit(&self, entries: &[AuditEntry]) -> Result<(), Stop> {
        Ok(self.systems.hub.audit(self.occasion(), entries).await?)
    }

    pub(super) fn occasion(&self) -> Occasion<'_> {
        Occasion { run_id: self.audit_id, id: self.id, betnr: self.betnr().ok(), now: self.clock.now() }
    }

    pub(super) fn base(&mut self) -> &mut Base {
        self.loaded.base.get_or_insert_default()
    }

    pub(super) async fn remember_begun(&mut self) -> Result<(), Stop> {
        let base = self.loaded.base.get_or_insert_default();
        Ok(self.systems.hub.remember_begun(self.id, base).await?)
    }

    /// One more try after a look; `false` when this run has had its rounds.
    pub(super) fn take_round(&mut self) -> bool {
        self.rounds_left = self.rounds_left.saturating_sub(1);
        self.rounds_left > 0
    }

    pub(super) fn betnr(&self) -> Result<BetNr, Stop> {
        match &self.loaded.advo {
            AdvoSide::Found(advo) => Ok(advo.bet_nr),
            AdvoSide::NoBetnr | AdvoSide::Missing(_) | AdvoSide::Failed(_) => {
                Err(Stop::NotAgreed("the record lost its partner in Advoware meanwhile"))
            }
        }
    }
}

pub(super) fn count_change(variant: Variant) {
    metrics::counter!("kanzleisync_changes_total", "flow" => "beteiligte", "change" => variant.name()).increment(1);
}

/// A 404 in the middle of a run: the record was there when the run began, so a user has just deleted it.
pub(super) fn gone_or(error: ApiError, system: System) -> Stop {
    match (system, &error.kind) {
        (System::Espocrm, ErrorKind::NotFound) => Stop::Deleted,
        (System::Advoware, ErrorKind::NotFound) => {
            Stop::NotAgreed("what was to be written in Advoware was deleted meanwhile")
        }
        _ => Stop::Api(error),
    }
}

/// Nothing that a run builds on differs. EspoCRM's order of entries means nothing (DOMAIN 5).
fn is_unchanged(now: &EspoBeteiligte, before: &EspoBeteiligte) -> bool {
    let mails = |espo: &EspoBeteiligte| espo.view.mails.iter().cloned().collect::<HashSet<EspoMail>>();
    let phones = |espo: &EspoBeteiligte| espo.view.phones.iter().cloned().collect::<HashSet<EspoPhone>>();
    now.betnr == before.betnr
        && now.sync_status == before.sync_status
        && now.stammdaten == before.stammdaten
        && mails(now) == mails(before)
        && phones(now) == phones(before)
}
