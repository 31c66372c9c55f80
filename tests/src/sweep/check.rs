//! What must hold in every state.

use domain::kommunikation::model::World;
use domain::kommunikation::{AdvoWrite, Direction};

use super::{Depth, Hub, LETTERS, State};

impl State {
    pub(super) fn check(&self, depth: Depth) {
        let start = self.world();
        let mut end = start.clone();
        let plan = end.run(Direction::Both);
        let again = end.plan(Direction::Both);
        assert!(again.is_empty(), "not quiet after one run: {self}\nfirst {plan:?}\nthen {again:?}");
        self.assert_agreed(&end);
        self.assert_not_resurrected(&start, &end);
        if self.hub == Hub::FirstMeeting {
            self.assert_nothing_lost(&start, &end);
        }
        if depth == Depth::EveryStop {
            self.check_stops(&start, &end);
            self.check_one_way_first(&start, &end);
        }
    }

    /// Invariant 1, read off the raw values: EspoCRM's set is the set of the rows, markers are right, `online` follows primary.
    fn assert_agreed(&self, end: &World) {
        let mut in_espo: Vec<&str> = end.espo.mails.iter().map(|mail| mail.address.as_str()).collect();
        in_espo.extend(end.espo.phones.iter().map(|phone| phone.number.as_str()));
        let mut in_advo: Vec<&str> =
            end.advo.rows.iter().map(|row| row.tlf.as_str()).filter(|tlf| !tlf.is_empty()).collect();
        in_espo.sort_unstable();
        in_advo.sort_unstable();
        in_advo.dedup();
        assert_eq!(in_espo, in_advo, "sides differ: {self}");
        for row in end.advo.rows.iter().filter(|row| !row.tlf.is_empty()) {
            let letter = LETTERS.into_iter().find(|letter| self.sweep.value(*letter) == row.tlf);
            let kinds = self.sweep.kinds().map(|kind| self.marker(letter.unwrap_or_default(), kind));
            let remark = row.bemerkung.as_deref().unwrap_or_default();
            assert!(kinds.iter().any(|marker| remark.starts_with(marker)), "wrong marker {remark}: {self}");
            let primary = end.espo.mails.iter().any(|mail| mail.primary && mail.address == row.tlf);
            assert_eq!(row.online, primary, "online is not primary: {self}");
        }
    }

    /// Invariant 4: what a user deleted on either side, and nobody else carries, is gone from both.
    fn assert_not_resurrected(&self, start: &World, end: &World) {
        for known in start.base.iter().flat_map(|base| &base.rows).filter(|known| !known.value.is_empty()) {
            let value = &known.value;
            let in_espo = |world: &World| {
                world.espo.mails.iter().any(|mail| mail.address == *value)
                    || world.espo.phones.iter().any(|phone| phone.number == *value)
            };
            let carriers = start.advo.rows.iter().filter(|row| row.tlf == *value);
            let row = start.advo.rows.iter().find(|row| row.id == known.id);
            let deleted_in_advo =
                row.is_none_or(|row| row.tlf.is_empty()) && carriers.clone().next().is_none() && in_espo(start);
            let all_known = carriers.clone().all(|row| {
                start.base.iter().flat_map(|base| &base.rows).any(|other| other.id == row.id && other.value == row.tlf)
            });
            let deleted_in_espo = !in_espo(start) && all_known;
            if deleted_in_advo || deleted_in_espo {
                let carried = end.advo.rows.iter().any(|row| row.tlf == *value);
                assert!(!in_espo(end) && !carried, "resurrected a deletion: {self}");
            }
        }
    }

    /// At a first meeting no marker is evidence of an edit or a deletion: whatever either side holds stays.
    fn assert_nothing_lost(&self, start: &World, end: &World) {
        let in_espo = |world: &World| {
            let mails = world.espo.mails.iter().map(|mail| mail.address.clone());
            mails.chain(world.espo.phones.iter().map(|phone| phone.number.clone())).collect::<Vec<_>>()
        };
        let kept = in_espo(end);
        assert!(in_espo(start).iter().all(|value| kept.contains(value)), "EspoCRM lost a value: {self}");
        for row in start.advo.rows.iter().filter(|row| !row.tlf.is_empty()) {
            assert!(end.advo.rows.iter().any(|kept| kept.tlf == row.tlf), "lost {}: {self}", row.tlf);
        }
    }

    /// K8: the run stops after any subset of any stage, and the next run starts from there.
    fn check_stops(&self, start: &World, end: &World) {
        let plan = start.plan(Direction::Both);
        let mut reached = start.clone();
        self.check_subsets(&reached, &plan.advo_first, end);
        plan.advo_first.iter().for_each(|write| reached.write_advo(write));
        if let Some(write) = &plan.espo {
            reached.write_espo(write);
        }
        self.check_subsets(&reached, &plan.advo_then, end);
    }

    fn check_subsets(&self, reached: &World, stage: &[AdvoWrite], end: &World) {
        for subset in 0..1u32 << stage.len() {
            let mut stopped = reached.clone();
            for (bit, write) in stage.iter().enumerate() {
                if subset & (1 << bit) != 0 {
                    stopped.write_advo(write);
                }
            }
            stopped.run(Direction::Both);
            assert_eq!(
                stopped.outcome(),
                end.outcome(),
                "a stop changed the end: {self}, subset {subset:b} of {stage:?}"
            );
            assert!(stopped.plan(Direction::Both).is_empty(), "not quiet after a stop: {self}");
        }
    }

    /// K8a: `to_advoware` first makes no difference; it writes nothing to EspoCRM, and `to_espocrm` leaves EspoCRM's changes alone.
    fn check_one_way_first(&self, start: &World, end: &World) {
        let mut world = start.clone();
        let one_way = world.run(Direction::ToAdvoware);
        assert!(one_way.espo.is_none());
        world.run(Direction::Both);
        assert_eq!(world.outcome(), end.outcome(), "to_advoware first changed the end: {self}\n{one_way:?}");
        let other_way = start.plan(Direction::ToEspocrm);
        assert!(other_way.advo_first.is_empty());
        assert_eq!(other_way.espo, start.plan(Direction::Both).espo);
    }
}
