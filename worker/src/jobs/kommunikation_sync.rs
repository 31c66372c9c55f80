//! Applies a Kommunikation plan: three stages, each audited before and checked after (K8-K10).

use std::collections::BTreeSet;

use domain::finding::{Finding, FindingKind};
use domain::ids::{BetNr, KommId};
use domain::kommunikation::{AdvoView, AdvoWrite, EspoWrite, Plan, Target, Variant, Written};
use futures::future::join_all;
use shared::advoware::{KommunikationAnswer, KommunikationWrite, Visit};
use shared::beteiligte::AdvoSide;
use shared::error::{ApiError, Operation, System};
use shared::espocrm::EspoPatch;

use super::audit;
use super::run::{Applied, Run, count_change, gone_or};
use super::stop::Stop;

impl Run<'_> {
    /// `is_first`: nothing was written in this round yet.
    pub(super) async fn apply_kommunikation(&mut self, plan: &Plan, mut is_first: bool) -> Result<Applied, Stop> {
        let mut applied = Applied::Whole;
        if !plan.advo_first.is_empty() {
            applied = self.write_rows(&plan.advo_first).await?;
            is_first = false;
        }
        if let (Applied::Whole, Some(write)) = (applied, &plan.espo) {
            applied = self.write_espo(plan, write, is_first).await?;
        }
        if applied == Applied::Whole && !plan.advo_then.is_empty() {
            applied = self.write_rows(&plan.advo_then).await?;
        }
        Ok(applied)
    }

    /// Writes rows of one stage together, in parts where there are fewer permits. They are independent, so one that fails does not keep
    /// the others from being reached; then the run ends, and the next one plans anew. Each part stands on a look that was taken just before,
    /// under its own permits (K8b).
    async fn write_rows(&mut self, writes: &[AdvoWrite]) -> Result<Applied, Stop> {
        let betnr = self.betnr()?;
        self.audit(&audit::of_rows(writes)).await?;
        let (mut rest, mut failed) = (writes, None);
        let mut known = self.known_rows();
        while !rest.is_empty() && failed.is_none() {
            let visit = self.systems.advoware.visit(Operation::AdvowarePutKommunikation, rest.len()).await?;
            let now = visit.get_beteiligte(betnr).await.map_err(|error| gone_or(error, System::Advoware))?;
            if !rest.iter().all(|write| is_as_planned(write, &now.view, &known)) {
                return Ok(Applied::Overtaken);
            }
            self.lease.check()?;
            let (part, later) = rest.split_at(visit.width().clamp(1, rest.len()));
            let answers = join_all(part.iter().map(|write| write_row(&visit, betnr, write))).await;
            drop(visit);
            for (write, answer) in part.iter().zip(answers) {
                match answer {
                    Ok(answer) => {
                        known.insert(answer.id);
                        self.confirm_row(write, answer);
                    }
                    Err(error) => {
                        self.summary.errors += 1;
                        failed = failed.or(Some(error));
                    }
                }
            }
            self.remember_begun().await?;
            rest = later;
        }
        failed.map_or(Ok(Applied::Whole), |error| Err(gone_or(error, System::Advoware)))
    }

    /// Rows that the plan knew of.
    fn known_rows(&self) -> BTreeSet<KommId> {
        match &self.loaded.advo {
            AdvoSide::Found(advo) => advo.view.rows.iter().map(|row| row.id).collect(),
            AdvoSide::NoBetnr | AdvoSide::Missing(_) | AdvoSide::Failed(_) => BTreeSet::new(),
        }
    }

    fn confirm_row(&mut self, write: &AdvoWrite, answer: KommunikationAnswer) {
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
            self.confirmed.rows.push(Written { id: answer.id, row_id, content: write.content.clone() });
        }
    }

    /// Stage 2. What it makes of the rows is remembered before, and confirmed after: whenever the run is cut off, the next one
    /// knows what of EspoCRM's values was its own doing.
    async fn write_espo(&mut self, plan: &Plan, write: &EspoWrite, is_first: bool) -> Result<Applied, Stop> {
        let before = self.loaded.base.clone();
        self.base().intend(plan);
        self.remember_begun().await?;
        let entries = audit::of_espo(write, &self.loaded.espo.view);
        self.audit(&entries).await?;
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
        if self.update_espo(&patch).await? == Applied::Overtaken {
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

    /// K8b: whether the rows on whose content an EspoCRM write stands are as they were planned.
    async fn still_as_planned(&self, writes: &[AdvoWrite]) -> Result<bool, Stop> {
        let looked = self.systems.advoware.get_beteiligte(self.betnr()?).await;
        let advo = looked.map_err(|error| gone_or(error, System::Advoware))?;
        let known = advo.view.rows.iter().map(|row| row.id).collect();
        Ok(writes.iter().all(|write| is_as_planned(write, &advo.view, &known)))
    }
}

async fn write_row(visit: &Visit, betnr: BetNr, write: &AdvoWrite) -> Result<KommunikationAnswer, ApiError> {
    let content = KommunikationWrite {
        tlf: write.content.tlf.clone(),
        bemerkung: Some(write.content.bemerkung.clone()),
        komm_kz: write.content.komm_kz.number().into(),
        online: write.content.online,
    };
    match &write.target {
        Target::Row { id, .. } => visit.put_kommunikation(betnr, *id, &content).await,
        Target::New => visit.post_kommunikation(betnr, &content).await,
    }
}

/// A row is to be as it was; one that is to be created must not have been created by a user meanwhile.
fn is_as_planned(write: &AdvoWrite, advo: &AdvoView, known: &BTreeSet<KommId>) -> bool {
    match &write.target {
        Target::Row { id, row_id, .. } => advo.rows.iter().any(|row| row.id == *id && row.row_id == *row_id),
        Target::New => advo.rows.iter().all(|row| known.contains(&row.id)),
    }
}
