//! What is measured.

/// One row of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) work: Work,
    /// Jobs at once in the one worker process.
    pub(super) concurrency: usize,
    /// Time that every call to an outside system takes.
    pub(super) latency_milliseconds: u64,
    /// Enough for several seconds.
    pub(super) jobs: usize,
}

/// What each job finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Both sides agree: two calls at the same time.
    Unchanged,
    /// A user changed one mail in Advoware (Var6).
    OneChange,
    /// Both sides agree; a producer walks over all of EspoCRM and queues everybody meanwhile.
    FullScan,
}

impl Work {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::OneChange => "one change",
            Self::FullScan => "full scan",
        }
    }

    /// Calls that cannot go out before the answer of an earlier one has arrived. For a change: load, `syncing`, the
    /// EspoCRM write, re-read, the row's marker, last look, bookkeeping.
    pub(super) fn round_trips(self) -> u64 {
        match self {
            Self::Unchanged | Self::FullScan => 1,
            Self::OneChange => 7,
        }
    }

    /// Both calls of each look at both sides included; pages of lists are not.
    pub(super) fn calls(self) -> usize {
        match self {
            Self::Unchanged | Self::FullScan => 2,
            Self::OneChange => 9,
        }
    }
}

/// Beteiligte in the firm: the most jobs a case may have, as each job needs a record of its own.
pub(super) const FIRM_SIZE: usize = 10_000;
/// Jobs of a case that is to last some seconds.
const MANY: usize = 5_000;

pub(super) const CASES: [Case; 9] = [
    unchanged(1, 0, 3_000),
    unchanged(16, 0, MANY),
    unchanged(64, 0, MANY),
    unchanged(1, 100, 100),
    unchanged(16, 100, 1_000),
    unchanged(64, 100, MANY),
    one_change(16, 100, 200),
    one_change(64, 100, 800),
    Case { work: Work::FullScan, concurrency: 64, latency_milliseconds: 100, jobs: FIRM_SIZE },
];

const fn unchanged(concurrency: usize, latency_milliseconds: u64, jobs: usize) -> Case {
    Case { work: Work::Unchanged, concurrency, latency_milliseconds, jobs }
}

const fn one_change(concurrency: usize, latency_milliseconds: u64, jobs: usize) -> Case {
    Case { work: Work::OneChange, concurrency, latency_milliseconds, jobs }
}

impl Case {
    /// Syncs per second that the latency allows; none without latency.
    pub(super) fn bound_per_second(&self) -> Option<f64> {
        let milliseconds = self.work.round_trips() * self.latency_milliseconds;
        (milliseconds > 0).then(|| 1000.0 * self.concurrency as f64 / milliseconds as f64)
    }
}
