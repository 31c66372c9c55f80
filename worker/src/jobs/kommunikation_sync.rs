//! Applies a Kommunikation plan: three stages, each audited before and checked after (K8-K10).

use std::collections::{BTreeSet, HashSet};

use domain::beteiligte::SyncStatus;
use domain::finding::{Finding, FindingKind};
use domain::ids::{BetNr, EspoId};
use domain::kommunikation::{
    AdvoView, AdvoWrite, Base, Direction, EspoMail, EspoPhone, EspoWrite, Plan, Summary, Target, Variant, Written,
    changed, not_kept, plan,
};
use futures::future::join_all;
use shared::advoware::{KommunikationAnswer, KommunikationWrite};
use shared::beteiligte::{AdvoSide, Loaded, Systems};
use shared::clock::Clock;
use shared::error::{ApiError, ErrorKind};
use shared::espocrm::{EspoBeteiligte, EspoPatch, UpdateAnswer};
use shared::queue::{Lease, Progress, Running};
use uuid::Uuid;

use super::audit;
use super::stop::Stop;

/// Plans that one run may make before it gives way: each was overtaken by a user's edit, or found more to do.
pub const MAX_ROUNDS: u32 = 5;

/// One run on one Beteiligter: what it saw last, what it remembers, and what it has done so far.
pub(super) struct Run<'a> {
    pub(super) systems: &'a Systems,
    pub(super) clock: &'a Clock,
    pub(super) lease: &'a Lease,
    progress: &'a Progress,
    pub(super) id: &'a EspoId,
    pub(super) direction: Direction,
    pub(super) approve_deletions: bool,
    /// Under this id the audit keeps what the run changes.
    pub(super) audit_id: Uuid,
    /// Both sides as last seen, and the base with what this run has added to it.
    pub(super) loaded: Loaded,
    /// Something was written to either side.
    pub(super) wrote: bool,
    pub(super) summary: Summary,
    /// What the last plan found, and the conflicts that this run has decided.
    pub(super) findings: BTreeSet<Finding>,
    rounds_left: u32,
    /// Rows that Advoware confirmed since the last look.
    written: Vec<Written>,
}

/// How far a plan was carried out.
enum Applied {
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
        loaded: Loaded,
    ) -> Self {
        Self {
            systems,
            clock,
            lease: &running.lease,
            progress: &running.progress,
            id,
            direction: running.wants.direction(),
            approve_deletions: running.wants.approves_deletions(),
            audit_id: Uuid::now_v7(),
            loaded,
            wrote: false,
            summary: Summary::default(),
            findings: BTreeSet::new(),
            rounds_left: MAX_ROUNDS,
            written: Vec::new(),
        }
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

    fn plan_now(&mut self) -> Result<Plan, Stop> {
        let seen = self.loaded.seen().ok_or(Stop::NotAgreed("one side disappeared meanwhile"))?;
        let plan = plan(seen, self.direction, self.approve_deletions);
        if !self.wrote && !plan.is_empty() && changed(seen).is_conflict() {
            tracing::info!("both sides changed; EspoCRM wins where both touched one item");
        }
        // A conflict is told when it has been decided: by then no plan shows it any more.
        let is_decided = |finding: &Finding| finding.kind == FindingKind::OverwrittenByEspo;
        self.findings.retain(is_decided);
        self.findings.extend(plan.findings.iter().copied().filter(|finding| !is_decided(finding)));
        Ok(plan)
    }

    /// K9: sees both sides again and checks that confirmed writes are there.
    pub(super) async fn look_again(&mut self) -> Result<(), Stop> {
        let betnr = self.betnr()?;
        (self.loaded.espo, self.loaded.advo) = self.systems.look(self.id, Some(betnr)).await?;
        if self.loaded.espo.betnr != Some(betnr) {
            return Err(Stop::NotAgreed("the record got another betnr meanwhile"));
        }
        let AdvoSide::Found(advo) = &self.loaded.advo else {
            return Err(match &self.loaded.advo {
                AdvoSide::Failed(error) => error.clone().into(),
                _ => Stop::NotAgreed("the record lost its partner in Advoware meanwhile"),
            });
        };
        let lost = not_kept(&self.written, &advo.view);
        self.written.clear();
        if lost.is_empty() {
            return Ok(());
        }
        self.findings.extend(lost);
        Err(Stop::NotAgreed("Advoware did not keep what it confirmed"))
    }

    async fn apply(&mut self, plan: &Plan) -> Result<Applied, Stop> {
        let mut applied = self.announce().await?;
        let mut is_first = true;
        if matches!(applied, Applied::Whole) && !plan.advo_first.is_empty() {
            applied = self.write_rows(&plan.advo_first, is_first).await?;
            is_first = false;
        }
        if let (Applied::Whole, Some(write)) = (&applied, &plan.espo) {
            applied = self.write_espo(plan, write, is_first).await?;
            is_first = false;
        }
        if matches!(applied, Applied::Whole) && !plan.advo_then.is_empty() {
            applied = self.write_rows(&plan.advo_then, is_first).await?;
        }
        Ok(applied)
    }

    /// B1: `syncing` tells people that the record is being worked on, and brings the version that the next write builds on.
    async fn announce(&mut self) -> Result<Applied, Stop> {
        if self.loaded.espo.sync_status == Some(SyncStatus::Syncing) {
            return Ok(Applied::Whole);
        }
        let applied = self.update_espo(&EspoPatch::new().sync_status(SyncStatus::Syncing)).await?;
        if let Applied::Whole = applied {
            self.loaded.espo.sync_status = Some(SyncStatus::Syncing);
        }
        Ok(applied)
    }

    /// Writes rows of one stage together. They are independent, so one that fails does not keep the others from being reached;
    /// then the run ends, and the next one plans anew.
    async fn write_rows(&mut self, writes: &[AdvoWrite], is_first: bool) -> Result<Applied, Stop> {
        let betnr = self.betnr()?;
        self.systems.hub.audit(self.audit_id, self.id, betnr, &audit::of_rows(writes), self.clock.now()).await?;
        if !is_first && !self.still_as_planned(writes).await? {
            return Ok(Applied::Overtaken);
        }
        self.lease.check()?;
        let answers = join_all(writes.iter().map(|write| self.write_row(betnr, write))).await;
        let mut failed = None;
        for (write, answer) in writes.iter().zip(answers) {
            match answer {
                Ok(answer) => self.confirmed(write, answer),
                Err(error) => {
                    self.summary.errors += 1;
                    failed = failed.or(Some(error));
                }
            }
        }
        self.remember_begun().await?;
        failed.map_or(Ok(Applied::Whole), |error| Err(error.into()))
    }

    async fn write_row(&self, betnr: BetNr, write: &AdvoWrite) -> Result<KommunikationAnswer, ApiError> {
        let content = KommunikationWrite {
            tlf: write.content.tlf.clone(),
            bemerkung: Some(write.content.bemerkung.clone()),
            komm_kz: write.content.komm_kz.number().into(),
            online: write.content.online,
        };
        match &write.target {
            Target::Row { id, .. } => self.systems.advoware.put_kommunikation(betnr, *id, &content).await,
            Target::New => self.systems.advoware.post_kommunikation(betnr, &content).await,
        }
    }

    fn confirmed(&mut self, write: &AdvoWrite, answer: KommunikationAnswer) {
        self.wrote = true;
        self.progress.made();
        self.summary.count_advo(write);
        // The other variants are counted where their value arrives, in EspoCRM.
        if let Variant::Var1 | Variant::Var2 | Variant::Var5 | Variant::Link | Variant::Online = write.variant {
            count_change(write.variant);
        }
        if write.overwrites {
            self.findings.insert(Finding::on(FindingKind::OverwrittenByEspo, answer.id));
        }
        self.base().learn(answer.id, &write.content);
        // Without a change token one cannot tell a write that was not kept from a user's edit; the next plan judges by content.
        if let Some(row_id) = answer.row_id {
            self.written.push(Written { id: answer.id, row_id, content: write.content.clone() });
        }
    }

    /// Stage 2. What it makes of the rows is remembered before, and confirmed after: whenever the run is cut off, the next one
    /// knows what of EspoCRM's values was its own doing.
    async fn write_espo(&mut self, plan: &Plan, write: &EspoWrite, is_first: bool) -> Result<Applied, Stop> {
        let before = self.loaded.base.clone();
        self.base().intend(plan);
        self.remember_begun().await?;
        let entries = audit::of_espo(write, &self.loaded.espo.view);
        self.systems.hub.audit(self.audit_id, self.id, self.betnr()?, &entries, self.clock.now()).await?;
        if !is_first && !self.still_as_planned(&plan.advo_then).await? {
            self.loaded.base = before;
            return Ok(Applied::Overtaken);
        }
        let mut patch = EspoPatch::new();
        if let Some(mails) = &write.mails {
            patch = patch.mails(mails);
        }
        if let Some(phones) = &write.phones {
            patch = patch.phones(phones);
        }
        if let Applied::Overtaken = self.update_espo(&patch).await? {
            self.loaded.base = before;
            return Ok(Applied::Overtaken);
        }
        self.progress.made();
        self.base().confirm();
        self.remember_begun().await?;
        let view = &mut self.loaded.espo.view;
        view.mails = write.mails.clone().unwrap_or_else(|| std::mem::take(&mut view.mails));
        view.phones = write.phones.clone().unwrap_or_else(|| std::mem::take(&mut view.phones));
        self.summary.count_espo(write);
        write.changes.iter().for_each(|change| count_change(change.variant));
        Ok(Applied::Whole)
    }

    /// Any write to EspoCRM. `X-Version-Number` makes it refuse if a user was faster; where a firm has that switched off, the
    /// record is read again just before (K8b).
    async fn update_espo(&mut self, patch: &EspoPatch) -> Result<Applied, Stop> {
        if self.loaded.espo.version_number.is_none() {
            let now = self.systems.espocrm.get_beteiligte(self.id).await?;
            if !is_unchanged(&now, &self.loaded.espo) {
                return Ok(Applied::Overtaken);
            }
        }
        self.lease.check()?;
        match self.systems.espocrm.update_beteiligte(self.id, patch, self.loaded.espo.version_number).await {
            Ok(UpdateAnswer { version_number, .. }) => {
                self.wrote = true;
                self.loaded.espo.version_number = version_number;
                Ok(Applied::Whole)
            }
            Err(error) if error.kind == ErrorKind::Conflict => Ok(Applied::Overtaken),
            Err(error) => {
                self.summary.errors += 1;
                Err(error.into())
            }
        }
    }

    /// The run's last write (K9). `false`: somebody changed the record meanwhile, look again.
    pub(super) async fn bookkeeping(&mut self, patch: &EspoPatch) -> Result<bool, Stop> {
        Ok(matches!(self.update_espo(patch).await?, Applied::Whole))
    }

    /// K8b: whether the rows that are about to be written, and on whose content an EspoCRM write stands, are as they were planned.
    async fn still_as_planned(&self, writes: &[AdvoWrite]) -> Result<bool, Stop> {
        let advo = self.systems.advoware.get_beteiligte(self.betnr()?).await?;
        Ok(writes.iter().all(|write| is_as_planned(write, &advo.view)))
    }

    fn base(&mut self) -> &mut Base {
        self.loaded.base.get_or_insert_default()
    }

    async fn remember_begun(&mut self) -> Result<(), Stop> {
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

fn count_change(variant: Variant) {
    metrics::counter!("kanzleisync_changes_total", "flow" => "beteiligte", "change" => variant.name()).increment(1);
}

fn is_as_planned(write: &AdvoWrite, advo: &AdvoView) -> bool {
    match &write.target {
        Target::Row { id, row_id, .. } => advo.rows.iter().any(|row| row.id == *id && row.row_id == *row_id),
        Target::New => true,
    }
}

/// Nothing that a run builds on differs. EspoCRM's order of entries means nothing (DOMAIN 5).
fn is_unchanged(now: &EspoBeteiligte, before: &EspoBeteiligte) -> bool {
    let mails = |espo: &EspoBeteiligte| espo.view.mails.iter().cloned().collect::<HashSet<EspoMail>>();
    let phones = |espo: &EspoBeteiligte| espo.view.phones.iter().cloned().collect::<HashSet<EspoPhone>>();
    now.betnr == before.betnr
        && now.sync_status == before.sync_status
        && mails(now) == mails(before)
        && phones(now) == phones(before)
}
