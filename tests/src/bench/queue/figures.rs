//! Everything that was measured.

use std::time::Duration;

use super::ours::Processed;
use super::peer::{Peer, PeerFigures};
use super::plan::{Case, LARGE_BACKLOG, SMALL_BACKLOG};
use super::rate::{Latencies, Rate};

pub(super) struct Figures {
    pub(super) enqueue: EnqueueFigures,
    pub(super) processed: Vec<ProcessFigures>,
    pub(super) pick_up: PickUpFigures,
    /// Or why there are none.
    pub(super) peers: Vec<(Peer, Result<PeerFigures, String>)>,
    /// The whole part.
    pub(super) took: Duration,
}

pub(super) struct EnqueueFigures {
    pub(super) single: Rate,
    pub(super) single_limit: Rate,
    pub(super) bulk: Rate,
    pub(super) bulk_limit: Rate,
}

pub(super) struct ProcessFigures {
    pub(super) ours: Processed,
    pub(super) limit: Rate,
}

/// With and without an append-only file.
pub(super) struct PickUpFigures {
    pub(super) with_file: Latencies,
    pub(super) without_file: Latencies,
}

impl Figures {
    pub(super) fn of_case(&self, case: Case) -> Option<&Processed> {
        self.processed.iter().map(|figures| &figures.ours).find(|ours| ours.case == case)
    }

    /// One process with so many jobs at once and the usual kind of backlog.
    pub(super) fn at(&self, concurrency: usize) -> Option<&Processed> {
        self.one_process().find(|ours| ours.case.concurrency == concurrency)
    }

    /// One process at the concurrency at which it is fastest.
    pub(super) fn best(&self) -> Option<&Processed> {
        self.one_process().max_by(|one, other| one.rate.per_second().total_cmp(&other.rate.per_second()))
    }

    fn one_process(&self) -> impl Iterator<Item = &Processed> {
        let usual = |case: Case| case.processes == 1 && case != SMALL_BACKLOG && case != LARGE_BACKLOG;
        self.processed.iter().map(|figures| &figures.ours).filter(move |ours| usual(ours.case))
    }

    pub(super) fn of_peer(&self, wanted: Peer) -> Option<&PeerFigures> {
        self.peers.iter().find(|(peer, _)| *peer == wanted)?.1.as_ref().ok()
    }
}
