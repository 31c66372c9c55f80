//! The right to run a job.

use std::time::Duration;

use domain::job::Wants;

use super::job::JobId;

/// Tells the runs of a job apart. Grows with every claim in the queue; a completion with an old one is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fence(pub(super) String);

/// The right to run a job, until the lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// The job.
    pub(super) job: JobId,
    /// Of this run.
    pub(super) fence: Fence,
    /// The entity whose slot is held.
    pub(super) entity: String,
    /// Everything that was asked for up to now.
    pub(super) wants: Wants,
    /// Runs begun, this one included.
    pub(super) starts: u32,
    /// Runs that ended in a counted failure.
    pub(super) failures: u32,
    /// Runs that ended with their process.
    pub(super) crashes: u32,
    /// From being due to this claim; zero after a crash.
    pub(super) waited: Duration,
    /// The run before this one crashed.
    pub(super) rescued: bool,
}

/// Answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Claimed {
    /// Run it.
    Run(Claim),
    /// Another run is alive, or the job waits: it comes back by itself at this time of Redis, in milliseconds since 1970.
    NotYet(u64),
    /// Finished, dropped, or handed to somebody else: nothing to do.
    Gone,
    /// Crashed too often; it has gone to the dead set for this reason.
    Poison(String),
}

/// Answer to a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finished {
    /// Written (now, or by an earlier call whose answer was lost).
    Written,
    /// Refused: the job's run is another one by now.
    Stale,
}
