//! Guard against mass deletion (C4).

/// How many deletions one run of one employee may do: the greater of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeletionLimit {
    /// Part of the employee's rows, in percent (`SYNC_MAX_DELETE_PERCENT`).
    pub percent: u32,
    /// Number (`SYNC_MAX_DELETE_COUNT`).
    pub count: u64,
}

impl Default for DeletionLimit {
    fn default() -> Self {
        Self { percent: 20, count: 10 }
    }
}

impl DeletionLimit {
    /// Whether the run's deletions are held: there are too many of them, and then none is done. `rows` are the
    /// employee's live rows before the run, on whichever side the deletions are.
    pub fn holds(self, planned: u64, rows: u64) -> bool {
        let is_above_percent = u128::from(planned) * 100 > u128::from(self.percent) * u128::from(rows);
        planned > self.count && is_above_percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(planned: u64, rows: u64) -> bool {
        DeletionLimit::default().holds(planned, rows)
    }

    #[test]
    fn c4_up_to_the_count_nothing_is_held_however_few_rows_there_are() {
        assert!(!held(0, 0));
        assert!(!held(10, 10));
        assert!(held(11, 11));
        assert!(held(11, 0));
    }

    #[test]
    fn c4_above_the_count_the_percentage_decides() {
        assert!(!held(20, 100));
        assert!(held(21, 100));
        assert!(!held(11, 55));
        assert!(held(11, 54), "20 % of 54 are 10.8");
    }

    #[test]
    fn c4_either_limit_can_be_switched_off() {
        let only_percent = DeletionLimit { percent: 20, count: 0 };
        assert!(only_percent.holds(1, 4));
        assert!(!only_percent.holds(1, 5));
        let only_count = DeletionLimit { percent: 0, count: 3 };
        assert!(!only_count.holds(3, 1000));
        assert!(only_count.holds(4, 1000));
        assert!(!DeletionLimit { percent: 100, count: 0 }.holds(1000, 1000));
        assert!(DeletionLimit { percent: 0, count: 0 }.holds(1, 1000));
    }

    #[test]
    fn c4_the_largest_numbers_do_not_overflow() {
        assert!(held(u64::MAX, u64::MAX));
        assert!(!DeletionLimit { percent: u32::MAX, count: 0 }.holds(u64::MAX, u64::MAX));
    }
}
