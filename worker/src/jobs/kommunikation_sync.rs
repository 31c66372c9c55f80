//! Applies a Kommunikation plan: three stages, each audited before and checked after (K8-K10).

use std::collections::BTreeSet;

use domain::beteiligte::SyncStatus;
use domain::finding::{Finding, FindingKind};
use domain::ids::{BetNr, EspoId};
use domain::kommunikation::{
    AdvoView, AdvoWrite, BaseRow, Direction, EspoView, EspoWrite, Plan, Summary, Target, Written, not_kept, plan,
};
use futures::future::join_all;
use shared::advoware::{KommunikationAnswer, KommunikationWrite};
use shared::beteiligte::{AdvoSide, Loaded, Systems};
use shared::clock::Clock;
use shared::error::{ApiError, ErrorKind};
use shared::espocrm::{EspoPatch, UpdateAnswer};
use shared::queue::Lease;
use uuid::Uuid;

use super::audit;
use super::stop::Stop;

/// Plans that one run may make before it gives way: each was overtaken by a user's edit, or found more to do.
pub const MAX_ROUNDS: u32 = 5;

/// One run on one Beteiligte: what it saw last, and what it has done so far.
pub(super) struct Run<'a> {
    pub(super) systems: &'a Systems,
    pub(super) clock: &'a Clock,
    pub(super) lease: &'a Lease,
    pub(super) id: &'a EspoId,
    pub(super) direction: Direction,
    pub(super) approve_deletions: bool,
    /// Under this id the audit keeps what the run changes.
    pub(super) audit_id: Uuid,
    /// Both sides as last seen.
    pub(super) loaded: Loaded,
    /// Something was written to either side.
    pub(super) wrote: bool,
    pub(super) summary: Summary,
    /// Findings of the plans that were carried out, and of the last look.
    pub(super) findings: BTreeSet<Finding>,
    /// Rows that are half written: see [`domain::kommunikation::Seen::settled`].
    settled: Vec<BaseRow>,
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
        lease: &'a Lease,
        id: &'a EspoId,
        wants: domain::job::Wants,
        loaded: Loaded,
    ) -> Self {
        Self {
            systems,
            clock,
            lease,
            id,
            direction: wants.direction(),
            approve_deletions: wants.approves_deletions(),
            audit_id: Uuid::now_v7(),
            loaded,
            wrote: false,
            summary: Summary::default(),
            findings: BTreeSet::new(),
            settled: Vec::new(),
            written: Vec::new(),
        }
    }

    /// Brings both sides into agreement as far as the direction goes; when it returns, the last look found nothing to write.
    pub(super) async fn agree(&mut self) -> Result<(), Stop> {
        for _ in 0..MAX_ROUNDS {
            let plan = self.plan_now()?;
            if plan.is_empty() {
                return Ok(());
            }
            self.apply(&plan).await?;
            self.look_again().await?;
        }
        self.findings.insert(Finding::general(FindingKind::NotAgreed));
        Err(Stop::NotAgreed("the sides kept changing while they were synced"))
    }

    fn plan_now(&mut self) -> Result<Plan, Stop> {
        let seen = self.loaded.seen(&self.settled).ok_or(Stop::NotAgreed("one side disappeared meanwhile"))?;
        let plan = plan(seen, self.direction, self.approve_deletions);
        // What was overwritten happened; everything else is as the latest plan sees it.
        self.findings.retain(|finding| finding.kind == FindingKind::OverwrittenByEspo);
        self.findings
            .extend(plan.findings.iter().copied().filter(|finding| finding.kind != FindingKind::OverwrittenByEspo));
        Ok(plan)
    }

    /// K9: sees both sides again and checks that confirmed writes are there.
    pub(super) async fn look_again(&mut self) -> Result<(), Stop> {
        self.loaded = self.systems.load(self.id).await?;
        let AdvoSide::Found { advo, .. } = &self.loaded.advo else {
            return Err(Stop::NotAgreed("the record lost its partner in Advoware meanwhile"));
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
        if let Applied::Overtaken = self.announce().await? {
            return Ok(Applied::Overtaken);
        }
        self.write_rows(&plan.advo_first).await?;
        if let Some(write) = &plan.espo {
            let is_first = plan.advo_first.is_empty();
            if !is_first && !self.still_as_planned(&plan.advo_then).await? {
                return Ok(Applied::Overtaken);
            }
            if let Applied::Overtaken = self.write_espo(write).await? {
                return Ok(Applied::Overtaken);
            }
            self.settle(plan.settled());
        }
        let is_first = plan.advo_first.is_empty() && plan.espo.is_none();
        if !plan.advo_then.is_empty() {
            if !is_first && !self.still_as_planned(&plan.advo_then).await? {
                return Ok(Applied::Overtaken);
            }
            self.write_rows(&plan.advo_then).await?;
        }
        Ok(Applied::Whole)
    }

    /// B1: `syncing` tells people that the record is being worked on, and brings the version that the next write builds on.
    async fn announce(&mut self) -> Result<Applied, Stop> {
        if self.loaded.espo.sync_status == Some(SyncStatus::Syncing) {
            return Ok(Applied::Whole);
        }
        let patch = EspoPatch::new().sync_status(SyncStatus::Syncing);
        let applied = self.update_espo(&patch).await?;
        if let Applied::Whole = applied {
            self.loaded.espo.sync_status = Some(SyncStatus::Syncing);
        }
        Ok(applied)
    }

    /// Writes rows of one stage together. They are independent, so one that fails does not keep the others from being reached;
    /// then the run ends, and the next one plans anew.
    async fn write_rows(&mut self, writes: &[AdvoWrite]) -> Result<(), Stop> {
        if writes.is_empty() {
            return Ok(());
        }
        let betnr = self.betnr()?;
        self.systems.hub.audit(self.audit_id, self.id, betnr, &audit::of_rows(writes), self.clock.now()).await?;
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
        failed.map_or(Ok(()), |error| Err(error.into()))
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
        self.summary.count_advo(write);
        metrics::counter!("kanzleisync_changes_total", "flow" => "beteiligte", "change" => write.variant.name())
            .increment(1);
        if let (true, Target::Row { id, .. }) = (write.overwrites, &write.target) {
            self.findings.insert(Finding::on(FindingKind::OverwrittenByEspo, *id));
        }
        // Without a change token one cannot tell a write that was not kept from a user's edit; the next plan judges by content.
        if let Some(row_id) = answer.row_id {
            self.written.push(Written { id: answer.id, row_id, content: write.content.clone() });
        }
    }

    /// Stage 2. `X-Version-Number` makes EspoCRM refuse if a user was faster; where a firm has that switched off, the record is
    /// read again just before (K8b).
    async fn write_espo(&mut self, write: &EspoWrite) -> Result<Applied, Stop> {
        if self.loaded.espo.version_number.is_none() {
            let now = self.systems.espocrm.get_beteiligte(self.id).await?;
            if !same_values(&now.view, &self.loaded.espo.view) {
                return Ok(Applied::Overtaken);
            }
        }
        let entries = audit::of_espo(write, &self.loaded.espo.view);
        self.systems.hub.audit(self.audit_id, self.id, self.betnr()?, &entries, self.clock.now()).await?;
        let mut patch = EspoPatch::new();
        if let Some(mails) = &write.mails {
            patch = patch.mails(mails);
        }
        if let Some(phones) = &write.phones {
            patch = patch.phones(phones);
        }
        let applied = self.update_espo(&patch).await?;
        if let Applied::Whole = applied {
            self.summary.count_espo(write);
        }
        Ok(applied)
    }

    /// Any write to EspoCRM, on the version last seen or answered.
    async fn update_espo(&mut self, patch: &EspoPatch) -> Result<Applied, Stop> {
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

    fn settle(&mut self, rows: Vec<BaseRow>) {
        self.settled.retain(|known| rows.iter().all(|row| row.id != known.id));
        self.settled.extend(rows);
    }

    pub(super) fn betnr(&self) -> Result<BetNr, Stop> {
        match &self.loaded.advo {
            AdvoSide::Found { advo, .. } => Ok(advo.bet_nr),
            AdvoSide::NoBetnr | AdvoSide::Missing(_) => Err(Stop::NotAgreed("the record lost its betnr meanwhile")),
        }
    }
}

fn is_as_planned(write: &AdvoWrite, advo: &AdvoView) -> bool {
    match &write.target {
        Target::Row { id, row_id, .. } => advo.rows.iter().any(|row| row.id == *id && row.row_id == *row_id),
        Target::New => true,
    }
}

/// EspoCRM's order of entries means nothing (DOMAIN 5).
fn same_values(one: &EspoView, other: &EspoView) -> bool {
    let mails =
        |view: &EspoView| view.mails.iter().map(|mail| (mail.address.clone(), mail.primary)).collect::<BTreeSet<_>>();
    let phones = |view: &EspoView| {
        view.phones
            .iter()
            .map(|phone| (phone.number.clone(), phone.phone_type.clone(), phone.primary))
            .collect::<BTreeSet<_>>()
    };
    mails(one) == mails(other) && phones(one) == phones(other)
}
