//! What people entered on both sides is one entry, not two.

use std::collections::BTreeSet;

use super::{EventId, FrNr, Planner, Standard, Step};

impl<'a> Planner<'a> {
    /// A Termin and an event that no row knows and that say the same become a pair, without a write: typed twice before the first sync,
    /// or left by a hub that was lost. Not where copies are anonymised: what is sent to Google must not depend on texts (C7).
    pub(super) fn link_pairs(&mut self) {
        if self.policy.anonymize {
            return;
        }
        let rows = self.snapshot.rows.values();
        let bound: BTreeSet<&EventId> = rows.filter_map(|row| row.event.as_ref()).collect();
        let events = self.seen().iter().filter(|(id, _)| !bound.contains(id));
        let mut free: Vec<(&'a EventId, &'a Standard)> =
            events.filter_map(|(id, event)| Some((id, event.form.as_ref().ok()?))).collect();
        for (frnr, form) in self.free_termine() {
            let Some(at) = free.iter().position(|(_, said)| form == *said) else {
                continue;
            };
            let (event, _) = free.swap_remove(at);
            self.claimed.insert(frnr);
            self.claimed_events.insert(event.clone());
            self.plan.steps.push(Step::Link(frnr, event.clone()));
        }
    }

    fn free_termine(&self) -> Vec<(FrNr, &'a Standard)> {
        let bound: BTreeSet<FrNr> = self.snapshot.rows.values().filter_map(|row| row.frnr).collect();
        let is_free = |frnr: FrNr| !frnr.is_computed() && !bound.contains(&frnr) && !self.claimed.contains(&frnr);
        let termine = self.snapshot.termine.iter().filter(|(frnr, _)| is_free(**frnr));
        termine.filter_map(|(frnr, termin)| Some((*frnr, termin.form.as_ref().ok()?))).collect()
    }
}
