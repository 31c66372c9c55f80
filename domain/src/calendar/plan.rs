//! The four phases of one employee's run, planned on one snapshot (C2).
//!
//! What a run has begun and not confirmed comes first: it is finished, adopted or withdrawn before anything counts as new (C3). The
//! steps of a plan do not depend on each other, but for two on one row, which stand in their order.

mod link;
mod question;
mod same;
mod snapshot;
mod step;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::anonymize::{anonymized, is_blocked, merge_back};
use super::oddity::Oddity;
use super::policy::{Newer, Row as Case, Side, Source, Verdict, verdict};
use super::standard::Standard;
use super::termin;
use crate::ids::{EventId, FrNr};

pub use question::questions;
pub use snapshot::{Events, HubRow, Intent, Policy, RowId, SeenEvent, SeenTermin, Snapshot};
pub use step::{Left, Plan, Step};

/// Plans a run.
pub fn plan(snapshot: &Snapshot, policy: Policy) -> Plan {
    let mut planner = Planner {
        snapshot,
        policy,
        plan: Plan::default(),
        claimed: BTreeSet::new(),
        claimed_events: BTreeSet::new(),
        deletions: Vec::new(),
    };
    planner.finish_what_was_begun();
    planner.link_pairs();
    planner.create_events();
    planner.create_termine();
    let (deletions, updates) = planner.compare_rows();
    planner.delete_within_limits(deletions);
    planner.plan.steps.extend(updates);
    planner.plan
}

/// A side of a row as it was found.
struct Found<'a> {
    side: Side,
    /// What it says; `None` if it is missing.
    form: Option<&'a Standard>,
    at: Option<DateTime<Utc>>,
    /// Something was begun with it, or it has another version: to be stored.
    is_news: bool,
}

struct Planner<'a> {
    snapshot: &'a Snapshot,
    policy: Policy,
    plan: Plan,
    /// Termine that a row has just taken for its own.
    claimed: BTreeSet<FrNr>,
    /// Events likewise.
    claimed_events: BTreeSet<EventId>,
    /// Deletions that were found before the rows were compared.
    deletions: Vec<Step>,
}

impl<'a> Planner<'a> {
    fn seen(&self) -> &'a BTreeMap<EventId, SeenEvent> {
        match &self.snapshot.events {
            Events::Complete(seen) | Events::Changes(seen) => seen,
        }
    }

    /// What an event says that copies a Termin.
    fn projected(&self, source: Source, form: &Standard) -> Standard {
        match source {
            Source::Advoware if self.policy.anonymize => anonymized(form),
            Source::Advoware | Source::Google => form.clone(),
        }
    }

    fn may_write(&self, source: Source) -> bool {
        self.policy.write.allowed(source, self.policy.write_override)
    }

    fn finish_what_was_begun(&mut self) {
        for (&id, row) in &self.snapshot.rows {
            let steps = match &row.intent {
                Some(Intent::CreateEvent(form)) => self.finish_event(id, row, form).into_iter().collect(),
                Some(Intent::CreateTermin(form)) => self.finish_termin(id, row, form),
                Some(Intent::UpdateEvent(_) | Intent::UpdateTermin(_) | Intent::DeleteEvent | Intent::DeleteTermin)
                | None => Vec::new(),
            };
            self.plan.steps.extend(steps);
        }
    }

    /// If the event is there, or was and is deleted, the row is compared like any other: a deleted id cannot be inserted again (DOMAIN 6).
    fn finish_event(&self, id: RowId, row: &HubRow, form: &Standard) -> Option<Step> {
        let event = row.event.as_ref()?;
        if self.is_known(event) {
            return None;
        }
        let frnr = row.frnr?;
        match self.snapshot.termine.get(&frnr).map(|termin| &termin.form) {
            // Inserting what is there already is answered by 409: so a run that saw less than there is does no harm.
            Some(Ok(now)) => Some(Step::FinishEvent(id, self.projected(row.source, now))),
            Some(Err(_)) => Some(Step::FinishEvent(id, self.projected(row.source, form))),
            None => self.snapshot.gone_termine.contains(&frnr).then_some(Step::Withdraw(id)),
        }
    }

    /// Whether Google has, or had, this event.
    fn is_known(&self, event: &EventId) -> bool {
        self.seen().contains_key(event) || self.snapshot.gone_events.contains(event)
    }

    fn finish_termin(&mut self, id: RowId, row: &HubRow, form: &Standard) -> Vec<Step> {
        let is_free = |frnr: &FrNr| !self.claimed.contains(frnr) && !self.is_bound(*frnr);
        let says_it = |termin: &SeenTermin| termin.form.as_ref() == Ok(form);
        let twin = self.snapshot.termine.iter().find(|(frnr, termin)| says_it(termin) && is_free(frnr));
        if let Some((&frnr, _)) = twin {
            self.claimed.insert(frnr);
            let rewritten = self.blocked_again(id, row, form);
            return [Step::AdoptTermin(id, frnr)].into_iter().chain(rewritten).collect();
        }
        let Some(event) = &row.event else { return Vec::new() };
        if self.snapshot.gone_events.contains(event) {
            return vec![Step::Withdraw(id)];
        }
        if !self.may_write(row.source) {
            return self.given_up(id, row, event);
        }
        let now = self.seen().get(event).and_then(|seen| seen.form.as_ref().ok());
        let wanted = now.filter(|now| row.source == Source::Google && termin::write(now).is_ok()).unwrap_or(form);
        let rewritten = self.blocked_again(id, row, wanted);
        [Step::FinishTermin(id, wanted.clone())].into_iter().chain(rewritten).collect()
    }

    /// Writing was allowed when the Termin was begun, and is no more. Advoware wins (C5): a copy whose Termin is gone goes with it; a user's
    /// event stays, and is told.
    fn given_up(&mut self, id: RowId, row: &HubRow, event: &EventId) -> Vec<Step> {
        match row.source {
            Source::Advoware => self.deletions.push(Step::DeleteEvent(id)),
            Source::Google => self.plan.left.push(Left::NoPermission(event.clone())),
        }
        Vec::new()
    }

    /// What users wrote over a blocked copy goes, as its Termin is created again (C7).
    fn blocked_again(&self, id: RowId, row: &HubRow, form: &Standard) -> Option<Step> {
        let copy = self.seen().get(row.event.as_ref()?)?.form.as_ref().ok()?;
        let event = self.projected(row.source, form);
        (row.source == Source::Advoware && event != *copy).then_some(Step::UpdateEvent(id, event))
    }

    fn is_bound(&self, frnr: FrNr) -> bool {
        self.snapshot.rows.values().any(|row| row.frnr == Some(frnr))
    }

    /// Phase 1.
    fn create_events(&mut self) {
        let bound: BTreeSet<FrNr> = self.snapshot.rows.values().filter_map(|row| row.frnr).collect();
        for (&frnr, termin) in &self.snapshot.termine {
            if frnr.is_computed() || bound.contains(&frnr) || self.claimed.contains(&frnr) {
                continue;
            }
            match &termin.form {
                Ok(form) => self.plan.steps.push(Step::CreateEvent(frnr, self.projected(Source::Advoware, form))),
                Err(oddity) => self.plan.left.push(Left::OddTermin(frnr, *oddity)),
            }
        }
    }

    /// Phase 2.
    fn create_termine(&mut self) {
        let bound: BTreeSet<&EventId> = self.snapshot.rows.values().filter_map(|row| row.event.as_ref()).collect();
        for (id, event) in self.seen() {
            if bound.contains(id) || self.claimed_events.contains(id) {
                continue;
            }
            let form = match &event.form {
                Ok(form) => form,
                Err(oddity) => {
                    self.plan.left.push(Left::OddEvent(id.clone(), *oddity));
                    continue;
                }
            };
            match termin::write(form) {
                // The placeholder never reaches Advoware, whoever left it there (C7).
                _ if is_blocked(form) => self.plan.left.push(Left::OddEvent(id.clone(), Oddity::Placeholder)),
                _ if !self.may_write(Source::Google) => self.plan.left.push(Left::NoPermission(id.clone())),
                Ok(_) => self.plan.steps.push(Step::CreateTermin(id.clone(), form.clone())),
                Err(reason) => self.plan.left.push(Left::NotRepresentable(id.clone(), reason)),
            }
        }
    }

    /// Phases 3 and 4: first what is missing, then what differs.
    fn compare_rows(&mut self) -> (Vec<Step>, Vec<Step>) {
        let (mut deletions, mut updates) = (std::mem::take(&mut self.deletions), Vec::new());
        for (&id, row) in &self.snapshot.rows {
            if !self.has_both(row) {
                continue;
            }
            let (advoware, google) = (self.termin_of(row), self.event_of(row));
            let (Some(advoware), Some(google)) = (advoware, &google) else {
                updates.extend(google.as_ref().and_then(|google| self.blocked_alone(id, row, google)));
                continue;
            };
            let case = self.case(row, &advoware, google);
            for step in self.steps(id, row, case, &advoware, google) {
                match step {
                    Step::DeleteEvent(_) | Step::DeleteTermin(_) => deletions.push(step),
                    Step::RecreateEvent(..) | Step::RecreateTermin(..) | Step::SoftDelete(_) => {
                        self.plan.steps.push(step);
                    }
                    _ => updates.push(step),
                }
            }
        }
        (deletions, updates)
    }

    /// What is still to be created was dealt with before.
    fn has_both(&self, row: &HubRow) -> bool {
        match (&row.intent, &row.event) {
            (Some(Intent::CreateTermin(_)), _) | (_, None) => false,
            (Some(Intent::CreateEvent(_)), Some(event)) => self.is_known(event),
            (
                Some(Intent::UpdateEvent(_) | Intent::UpdateTermin(_) | Intent::DeleteEvent | Intent::DeleteTermin)
                | None,
                Some(_),
            ) => true,
        }
    }

    fn case(&self, row: &HubRow, advoware: &Found<'_>, google: &Found<'_>) -> Case {
        let newer = match (advoware.at, google.at) {
            (Some(advoware), Some(google)) if advoware > google => Newer::Advoware,
            (Some(advoware), Some(google)) if advoware < google => Newer::Google,
            (Some(_) | None, Some(_) | None) => Newer::Unknown,
        };
        let agree = advoware.form.map(|form| self.projected(row.source, form)).as_ref() == google.form;
        Case {
            advoware: advoware.side,
            google: google.side,
            source: row.source,
            strategy: self.policy.strategy,
            advoware_write_allowed: self.may_write(row.source),
            newer,
            agree,
        }
    }

    /// `None`: nothing is known of it, or it makes no sense.
    fn termin_of(&mut self, row: &'a HubRow) -> Option<Found<'a>> {
        let frnr = row.frnr?;
        let Some(seen) = self.snapshot.termine.get(&frnr) else {
            let is_gone = self.snapshot.gone_termine.contains(&frnr);
            return is_gone.then_some(Found { side: Side::Missing, form: None, at: None, is_news: false });
        };
        let form = seen.form.as_ref().map_err(|oddity| self.plan.left.push(Left::OddTermin(frnr, *oddity))).ok()?;
        let side = if self.is_same_termin(row, form) { Side::Same } else { Side::Changed };
        Some(Found { side, form: Some(form), at: seen.changed_at, is_news: row.intent.is_some() })
    }

    fn event_of(&mut self, row: &'a HubRow) -> Option<Found<'a>> {
        let id = row.event.as_ref()?;
        let Some(seen) = self.seen().get(id) else {
            if self.snapshot.gone_events.contains(id) {
                return Some(Found { side: Side::Missing, form: None, at: None, is_news: false });
            }
            let is_unchanged = matches!(self.snapshot.events, Events::Changes(_));
            let form = row.google_base.as_ref().filter(|_| is_unchanged)?;
            return Some(Found { side: Side::Same, form: Some(form), at: None, is_news: false });
        };
        let form =
            seen.form.as_ref().map_err(|oddity| self.plan.left.push(Left::OddEvent(id.clone(), *oddity))).ok()?;
        let side = if self.is_same_event(row, form) { Side::Same } else { Side::Changed };
        Some(Found { side, form: Some(form), at: seen.updated, is_news: row.etag.as_ref() != Some(&seen.etag) })
    }

    fn steps(&mut self, id: RowId, row: &HubRow, case: Case, advoware: &Found<'_>, google: &Found<'_>) -> Vec<Step> {
        match (verdict(case), advoware.form, google.form) {
            (Verdict::SoftDelete, ..) => vec![Step::SoftDelete(id)],
            (Verdict::StoreBases, ..) => vec![Step::Store(id)],
            (Verdict::DeleteGoogle, ..) => vec![Step::DeleteEvent(id)],
            (Verdict::DeleteAdvoware, ..) => self.if_changeable(row, Step::DeleteTermin(id)),
            (Verdict::RecreateGoogle, Some(form), _) => {
                vec![Step::RecreateEvent(id, self.projected(row.source, form))]
            }
            (Verdict::RecreateAdvoware, _, Some(form)) => self.recreate_termin(id, row, form),
            (Verdict::UpdateGoogle, Some(form), Some(_)) => {
                vec![Step::UpdateEvent(id, self.projected(row.source, form))]
            }
            (Verdict::UpdateAdvoware, Some(now), Some(copy)) => self.update_termin(id, row, now, copy),
            (Verdict::Nothing, Some(form), Some(copy)) if self.is_to_be_rewritten(row, form, copy) => {
                vec![Step::UpdateEvent(id, self.projected(row.source, form))]
            }
            (Verdict::Nothing, ..) if advoware.is_news || google.is_news => {
                vec![Step::Store(id)]
            }
            (
                Verdict::Nothing
                | Verdict::RecreateGoogle
                | Verdict::RecreateAdvoware
                | Verdict::UpdateGoogle
                | Verdict::UpdateAdvoware,
                ..,
            ) => Vec::new(),
        }
    }

    /// A copy whose Termin is not known, outside the window for one, loses its text all the same (C7). It is blocked as it was last agreed:
    /// whether a user's change of it counts cannot be told without the Termin, and a change that is written back would count as agreed. The
    /// audit keeps it.
    fn blocked_alone(&self, id: RowId, row: &HubRow, google: &Found<'_>) -> Option<Step> {
        let copy = google.form?;
        if row.source != Source::Advoware || !self.policy.anonymize || is_blocked(copy) {
            return None;
        }
        let agreed = match google.side {
            Side::Changed => row.google_base.as_ref().unwrap_or(copy),
            Side::Same | Side::Missing => copy,
        };
        Some(Step::UpdateEvent(id, anonymized(agreed)))
    }

    /// Anonymising was switched on or off since the copy was written (C7).
    fn is_to_be_rewritten(&self, row: &HubRow, form: &Standard, copy: &Standard) -> bool {
        let is_due = match (self.policy.anonymize, is_blocked(copy)) {
            (true, is_blocked_copy) => !is_blocked_copy,
            (false, is_blocked_copy) => is_blocked_copy && !is_blocked(form),
        };
        row.source == Source::Advoware && is_due
    }

    /// What is blocked in the copy never flows back, only its times do (C7).
    fn update_termin(&mut self, id: RowId, row: &HubRow, now: &Standard, copy: &Standard) -> Vec<Step> {
        let hides = row.source == Source::Advoware && (self.is_hidden(row) || is_blocked(copy));
        let wanted = if hides { merge_back(now, copy) } else { copy.clone() };
        let mut steps = Vec::new();
        if wanted != *now {
            // Times that stay are not written, so they may be such as could not be.
            let has_new_times = (wanted.span, wanted.series) != (now.span, now.series);
            if let (true, Err(reason)) = (has_new_times, termin::write(&wanted)) {
                self.plan.left.extend(row.event.clone().map(|event| Left::NotRepresentable(event, reason)));
                return Vec::new();
            }
            steps = self.if_changeable(row, Step::UpdateTermin(id, wanted.clone()));
            if steps.is_empty() {
                return steps;
            }
        }
        let event = self.projected(row.source, &wanted);
        if event != *copy {
            steps.push(Step::UpdateEvent(id, event));
        }
        steps
    }

    fn recreate_termin(&mut self, id: RowId, row: &HubRow, copy: &Standard) -> Vec<Step> {
        // Of a blocked copy the hub still knows what it said (C7).
        let wanted = match &row.advoware_base {
            Some(base) if row.source == Source::Advoware && (self.policy.anonymize || is_blocked(copy)) => {
                merge_back(base, copy)
            }
            Some(_) | None => copy.clone(),
        };
        match termin::write(&wanted) {
            Ok(_) => {
                let event = self.projected(row.source, &wanted);
                let rewritten = (event != *copy).then_some(Step::UpdateEvent(id, event));
                [Step::RecreateTermin(id, wanted)].into_iter().chain(rewritten).collect()
            }
            Err(reason) => {
                self.plan.left.extend(row.event.clone().map(|event| Left::NotRepresentable(event, reason)));
                Vec::new()
            }
        }
    }

    fn if_changeable(&mut self, row: &HubRow, step: Step) -> Vec<Step> {
        let others = row.frnr.filter(|frnr| self.snapshot.termine.get(frnr).is_some_and(|termin| !termin.may_change));
        match others {
            Some(frnr) => {
                self.plan.left.push(Left::OthersPrivate(frnr));
                Vec::new()
            }
            None => vec![step],
        }
    }

    fn delete_within_limits(&mut self, deletions: Vec<Step>) {
        let planned = deletions.len() as u64;
        let is_held = self.policy.limit.holds(planned, self.snapshot.rows.len() as u64);
        if is_held && !self.policy.deletions_are_approved {
            self.plan.left.push(Left::MassDeletionHeld(planned));
            self.plan.held = deletions;
        } else {
            self.plan.steps.extend(deletions);
        }
    }
}

#[cfg(test)]
mod tests;
