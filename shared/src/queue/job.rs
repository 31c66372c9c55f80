//! What goes into the book and what comes out of it.

use std::fmt;
use std::time::Duration;

use domain::job::Wants;

/// A job's id: Redis' time in microseconds at which it was made, moved on where two fall together. Unique in its queue for ever.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub(super) String);

impl JobId {
    /// An id as a person or a stored record gives it; whether such a job exists is for the queue to say.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When the job was made, by Redis' clock, in milliseconds since 1970. `None` if this is no id of ours.
    pub fn made_at_ms(&self) -> Option<u64> {
        self.0.parse::<u64>().ok().map(|micros| micros / 1000)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One trigger: this entity wants a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Id of the record or employee; one run of it at a time, anywhere. No personal data (E2).
    pub entity: String,
    /// What the run is asked to do; triggers that meet are merged bit by bit.
    pub wants: Wants,
}

/// Who asks, as far as it matters to a job that waits in back-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A webhook, the schedule or another run: the back-off stands.
    Event,
    /// A person: the job is brought forward.
    Operator,
}

/// What became of a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// The job that serves it.
    pub job: JobId,
    /// How.
    pub result: EnqueueResult,
}

/// How a trigger is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnqueueResult {
    /// By a new job.
    New,
    /// By a job that waits already, into which it was merged.
    Coalesced,
    /// By a job that waited in back-off and was brought forward for an operator.
    BroughtForward,
    /// By one more run after the one that is going on.
    FollowUp,
}

/// How a handler's run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The work is done.
    Done {
        /// One more run, asked for by this one (K8a).
        follow_up: Option<Wants>,
    },
    /// It failed in a way that may pass; counts as a failure.
    RetryAfter {
        /// Until the next run.
        delay: Duration,
        /// Short, without personal data.
        reason: String,
    },
    /// It could not go on now, through no fault of the record; counts nothing.
    Snooze {
        /// Until the next run.
        delay: Duration,
    },
    /// Repeating changes nothing; the job is kept in the dead set.
    GiveUp {
        /// Short, without personal data.
        reason: String,
    },
}

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Ready, or delayed until it is due.
    Waiting,
    /// A worker runs it, or ran it when it crashed.
    Running,
    /// In the dead set.
    Dead,
}

/// A job as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// Its id.
    pub job: JobId,
    /// Where it is.
    pub state: JobState,
    /// Whom it serves.
    pub entity: String,
    /// What it was asked to do.
    pub wants: Wants,
    /// When it is, or became, due; milliseconds since 1970, Redis' clock.
    pub due_ms: u64,
    /// Runs begun.
    pub starts: u32,
    /// Runs that ended in a counted failure.
    pub failures: u32,
    /// Runs that ended with their process.
    pub crashes: u32,
    /// Of the last failure; empty if there was none.
    pub reason: String,
    /// Since when it is dead; milliseconds since 1970, Redis' clock.
    pub dead_since_ms: Option<u64>,
}

/// How many jobs a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting and due.
    pub ready: u64,
    /// Waiting for their time.
    pub delayed: u64,
    /// Running.
    pub running: u64,
    /// Given up.
    pub dead: u64,
    /// Age of the oldest ready job.
    pub oldest_ready: Duration,
    /// Worker processes that take jobs of this queue; one that was killed is counted for some seconds more.
    pub workers: u64,
}
