//! Applies a plan for the Stammdaten: one PUT to Advoware, one patch to EspoCRM, each noted before and confirmed after (B2a, K8b, K10).

use domain::beteiligte::stammdaten::{Change, Plan, Side};
use domain::finding::{Finding, FindingKind};
use shared::beteiligte::AdvoSide;
use shared::error::{Operation, System};
use shared::espocrm::EspoPatch;

use super::audit;
use super::run::{Applied, Run, gone_or};
use super::stop::Stop;

impl Run<'_> {
    /// Before the first write of a round: what was decided and what is about to happen, and what it replaces. Whenever the run is cut off,
    /// the next one knows what of the new values was its own doing.
    pub(super) async fn begin_stammdaten(&mut self, plan: &Plan) -> Result<(), Stop> {
        if plan.is_empty() {
            return Ok(());
        }
        self.loaded.stammdaten = plan.decided.clone();
        let mut begun = plan.decided.clone();
        for side in Side::ALL {
            begun.intend(side, plan.changes(side));
        }
        let entries = audit::of_stammdaten(plan);
        self.systems.hub.audit_begun(self.occasion(), &entries, &begun).await?;
        self.loaded.stammdaten = begun;
        Ok(())
    }

    pub(super) async fn apply_stammdaten(&mut self, plan: &Plan) -> Result<Applied, Stop> {
        if !plan.advoware.is_empty() && self.put_to_advoware(&plan.advoware).await? == Applied::Overtaken {
            return Ok(Applied::Overtaken);
        }
        if !plan.espocrm.is_empty() {
            let patch = plan
                .espocrm
                .iter()
                .fold(EspoPatch::new(), |patch, change| patch.field(change.target, change.after.as_deref()));
            if self.update_espo(&patch).await? == Applied::Overtaken {
                return Ok(Applied::Overtaken);
            }
            for change in &plan.espocrm {
                set(&mut self.loaded.espo.stammdaten, change);
            }
            self.confirmed.espocrm.clone_from(&plan.espocrm);
            self.confirm_stammdaten(Side::Espocrm, &plan.espocrm).await?;
        }
        Ok(Applied::Whole)
    }

    /// PUT replaces the whole record (DOMAIN 2), so it starts from a look that was taken just before, under the permit of the PUT itself:
    /// what a user edits in that one round trip is all that can be lost (K8b).
    async fn put_to_advoware(&mut self, changes: &[Change]) -> Result<Applied, Stop> {
        let betnr = self.betnr()?;
        let visit = self.systems.advoware.visit(Operation::AdvowarePutBeteiligte, 1).await?;
        let now = visit.get_beteiligte(betnr).await.map_err(|error| gone_or(error, System::Advoware))?;
        let AdvoSide::Found(seen) = &mut self.loaded.advo else { return Ok(Applied::Overtaken) };
        if now.stammdaten != seen.stammdaten {
            return Ok(Applied::Overtaken);
        }
        let fields: Vec<(&str, Option<&str>)> =
            changes.iter().map(|change| (change.target, change.after.as_deref())).collect();
        self.lease.check()?;
        let answer = visit.put_beteiligte(betnr, &now.record.with(&fields)).await;
        drop(visit);
        let row_id = answer.map_err(|error| {
            self.summary.errors += 1;
            gone_or(error, System::Advoware)
        })?;
        for change in changes {
            set(&mut seen.stammdaten, change);
        }
        self.wrote = true;
        self.confirmed.advoware = changes.to_vec();
        self.confirmed.advoware_row_id = row_id;
        self.confirm_stammdaten(Side::Advoware, changes).await?;
        Ok(Applied::Whole)
    }

    async fn confirm_stammdaten(&mut self, side: Side, changes: &[Change]) -> Result<(), Stop> {
        self.progress.made();
        self.fields_written += changes.len();
        let (name, kind) = match side {
            Side::Espocrm => ("stammdaten_to_espocrm", FindingKind::OverwrittenByAdvoware),
            Side::Advoware => ("stammdaten_to_advoware", FindingKind::OverwrittenByEspo),
        };
        metrics::counter!("kanzleisync_changes_total", "flow" => "beteiligte", "change" => name)
            .increment(changes.len() as u64);
        let overwritten = changes.iter().filter(|change| change.overwrites);
        self.findings.extend(overwritten.map(|change| Finding::in_field(kind, change.field)));
        self.loaded.stammdaten.confirm(side, changes);
        Ok(self.systems.hub.remember_stammdaten(self.id, &self.loaded.stammdaten).await?)
    }
}

fn set(texts: &mut domain::beteiligte::stammdaten::Texts, change: &Change) {
    match &change.after {
        Some(text) => texts.insert(change.target, text.clone()),
        None => texts.remove(change.target),
    };
}
