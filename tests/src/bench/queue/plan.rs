//! What is measured, and with how many jobs: each enough for a second or more, all together a few minutes.

/// An unoptimised build only shows that everything works, in a minute; its figures mean nothing.
pub(super) const ONLY_SHOWN_TO_WORK: bool = cfg!(debug_assertions);
const SHARE: usize = if ONLY_SHOWN_TO_WORK { 20 } else { 1 };

/// Jobs in one call, ours and the peers'.
pub(super) const JOBS_PER_CALL: usize = 1_000;
pub(super) const ENQUEUE_SINGLE_JOBS: usize = 10_000 / SHARE;
pub(super) const ENQUEUE_BULK_JOBS: usize = 200_000 / SHARE;
/// Of one job to an idle worker.
pub(super) const PICK_UP_SAMPLES: usize = 200;
/// Concurrency of the worker that picks them up.
pub(super) const PICK_UP_CONCURRENCY: usize = 16;

/// What a peer processes at each concurrency, and what it enqueues in bulk, after which its memory is looked at.
pub(super) const PEER_PROCESS_JOBS: usize = 40_000 / SHARE;
pub(super) const PEER_ENQUEUE_BULK_JOBS: usize = 100_000 / SHARE;
pub(super) const PEER_CONCURRENCIES: [usize; 3] = [16, 64, 256];

/// Jobs that wait, and workers that then begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) processes: usize,
    /// Jobs at once in each process.
    pub(super) concurrency: usize,
    pub(super) backlog: usize,
    pub(super) rounds: usize,
}

/// The one that costs and memory are judged by.
pub(super) const USUAL: Case = one_process(64, 100_000 / SHARE);
pub(super) const SMALL_BACKLOG: Case = Case { rounds: 100 / SHARE, ..one_process(64, 1_000) };
pub(super) const LARGE_BACKLOG: Case = one_process(64, 1_000_000 / SHARE);

pub(super) const CASES: [Case; 7] = [
    one_process(1, 10_000 / SHARE),
    one_process(16, 50_000 / SHARE),
    USUAL,
    one_process(256, 100_000 / SHARE),
    Case { processes: 2, ..USUAL },
    SMALL_BACKLOG,
    LARGE_BACKLOG,
];

const fn one_process(concurrency: usize, backlog: usize) -> Case {
    Case { processes: 1, concurrency, backlog, rounds: 1 }
}
