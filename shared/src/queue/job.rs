//! What goes into the book and what comes out of it.

use std::fmt;
use std::time::Duration;

use domain::job::Wants;

/// A job's id, as text `<entity>.<number>`. The number is Redis' time in microseconds at which the job was made, moved on where two
/// fall together: never given twice in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId {
    pub(super) entity: String,
    pub(super) number: u64,
}

impl JobId {
    /// An id as a person or a record gives it; whether such a job exists is for the queue to say. `None`: not of that form.
    pub fn parse(text: &str) -> Option<Self> {
        let (entity, number) = text.rsplit_once('.')?;
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|_| is_number && !entity.is_empty())?;
        Some(Self { entity: entity.to_owned(), number })
    }

    /// Whom the job serves.
    pub fn entity(&self) -> &str {
        &self.entity
    }

    /// When the job was made, by Redis' clock, in milliseconds since 1970.
    pub fn made_at_ms(&self) -> u64 {
        self.number / 1000
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.entity, self.number)
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

/// Who asks: decides who comes first, whether a back-off stands, and whether a dead job goes back to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The scan or the schedule: after all others. The back-off stands, and what is dead stays dead (J3).
    Scan,
    /// The scan, of a record that has changed since its job died.
    ScanOfChanged,
    /// A webhook or another run: the back-off stands.
    Event,
    /// A person: a job in back-off is brought forward.
    Operator,
    /// A person who requeues: also the counters start anew.
    Requeue,
}

impl Asker {
    /// Every asker.
    pub const ALL: [Self; 5] = [Self::Scan, Self::ScanOfChanged, Self::Event, Self::Operator, Self::Requeue];

    /// As `book.lua` knows it.
    pub(super) const fn rank(self) -> u8 {
        match self {
            Self::Scan | Self::ScanOfChanged => 0,
            Self::Event => 1,
            Self::Operator => 2,
            Self::Requeue => 3,
        }
    }

    /// Whether a dead job goes back to work.
    pub(super) const fn revives(self) -> bool {
        !matches!(self, Self::Scan)
    }
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
    /// By its dead job, which is back at work.
    Revived,
    /// Not at all: its job is dead, and a scan does not change that.
    LeftDead,
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

impl Outcome {
    /// As in metrics and traces.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Done { .. } => "done",
            Self::RetryAfter { .. } => "retry",
            Self::Snooze { .. } => "snooze",
            Self::GiveUp { .. } => "dead",
        }
    }
}

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Waits for a worker.
    Ready,
    /// Waits for its time.
    Delayed,
    /// A worker runs it, or ran it when it crashed.
    Running,
    /// In the dead set.
    Dead,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Ready, Self::Delayed, Self::Running, Self::Dead];

    /// As in commands, metrics and pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Delayed => "delayed",
            Self::Running => "running",
            Self::Dead => "dead",
        }
    }

    /// As in the record of a job.
    pub(super) const fn letter(self) -> &'static str {
        match self {
            Self::Ready => "r",
            Self::Delayed => "d",
            Self::Running => "x",
            Self::Dead => "k",
        }
    }
}

/// What the queue has for an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A job that is ready or delayed.
    Waiting,
    /// A run; it is alive if its lease has not run out.
    Running {
        /// Whether its lease holds.
        is_live: bool,
    },
    /// A dead job.
    Dead {
        /// Milliseconds since 1970, Redis' clock.
        since_ms: u64,
    },
}

/// Which jobs an operator means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// Text that the reason of the last failure holds; empty: any.
    pub reason: String,
    /// Died no longer ago than this.
    pub died_within: Option<Duration>,
    /// Died longer ago than this.
    pub died_before: Option<Duration>,
    /// Beside dead jobs those in back-off after a failure; none of them if an age is given.
    pub includes_failed: bool,
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
    /// Only the scan asked for it: it comes after all others.
    pub is_from_scan: bool,
    /// When it is, or became, due; milliseconds since 1970, Redis' clock.
    pub since_ms: u64,
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
    /// Until when its run holds the entity; milliseconds since 1970, Redis' clock.
    pub lease_until_ms: Option<u64>,
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
    /// Nobody takes jobs.
    pub is_paused: bool,
}

impl Counts {
    /// How many jobs are in this state.
    pub fn of(&self, state: JobState) -> u64 {
        match state {
            JobState::Ready => self.ready,
            JobState::Delayed => self.delayed,
            JobState::Running => self.running,
            JobState::Dead => self.dead,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_is_read_as_it_is_written_even_with_points_in_the_entity() {
        for text in ["65f1a2b3c4d5e6f70.1763758235123456", "a.b.7"] {
            assert_eq!(JobId::parse(text).map(|job| job.to_string()).as_deref(), Some(text));
        }
        for text in ["", "65f1a2b3c4d5e6f70", "a.", ".7", "a.+7", "a.99999999999999999999999"] {
            assert_eq!(JobId::parse(text), None, "{text}");
        }
    }
}
