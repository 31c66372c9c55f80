//! The queue's metrics (CONTRACT). Labels come from closed sets; every series exists from the start, at 0.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use super::job::{Counts, EnqueueResult, Outcome};
use super::name::QueueName;

const ENQUEUED: &str = "kanzleisync_jobs_enqueued_total";
const JOBS: &str = "kanzleisync_jobs_total";
const STALE: &str = "kanzleisync_stale_completions_total";
const RESCUED: &str = "kanzleisync_jobs_rescued_total";
const WAIT: &str = "kanzleisync_job_wait_seconds";
const DURATION: &str = "kanzleisync_job_duration_seconds";
const IN_PROGRESS: &str = "kanzleisync_jobs_in_progress";
const QUEUE_JOBS: &str = "kanzleisync_queue_jobs";
const OLDEST: &str = "kanzleisync_queue_oldest_job_age_seconds";
const PAUSED: &str = "kanzleisync_queue_paused";
const WORKERS: &str = "kanzleisync_workers";

/// Creates every series of a queue.
pub(super) fn register(queue: QueueName) {
    let queue = queue.as_str();
    for result in ["new", "coalesced"] {
        counter!(ENQUEUED, "queue" => queue, "result" => result).increment(0);
    }
    for outcome in ["done", "retry", "snooze", "dead"] {
        counter!(JOBS, "queue" => queue, "outcome" => outcome).increment(0);
    }
    counter!(STALE, "queue" => queue).increment(0);
    counter!(RESCUED, "queue" => queue).increment(0);
    gauge!(IN_PROGRESS, "queue" => queue).increment(0.0);
    let _ = histogram!(WAIT, "queue" => queue);
    let _ = histogram!(DURATION, "queue" => queue);
}

/// Sets the gauges of a queue's depth; for the producer, which tells them for all.
pub fn set_queue_gauges(queue: QueueName, counts: &Counts) {
    let queue = queue.as_str();
    let states =
        [("ready", counts.ready), ("delayed", counts.delayed), ("running", counts.running), ("dead", counts.dead)];
    for (state, jobs) in states {
        #[expect(clippy::cast_precision_loss, reason = "a gauge; nobody queues 2^53 jobs")]
        gauge!(QUEUE_JOBS, "queue" => queue, "state" => state).set(jobs as f64);
    }
    gauge!(OLDEST, "queue" => queue).set(counts.oldest_ready.as_secs_f64());
    gauge!(PAUSED, "queue" => queue).set(f64::from(u8::from(counts.is_paused)));
    // Every worker works on every queue, so any queue tells their number.
    #[expect(clippy::cast_precision_loss, reason = "a gauge; nobody runs 2^53 workers")]
    gauge!(WORKERS).set(counts.workers as f64);
}

pub(super) fn enqueued(queue: QueueName, result: EnqueueResult) {
    let result = match result {
        EnqueueResult::New | EnqueueResult::Revived => "new",
        EnqueueResult::Coalesced | EnqueueResult::BroughtForward | EnqueueResult::FollowUp => "coalesced",
        EnqueueResult::LeftDead => return,
    };
    counter!(ENQUEUED, "queue" => queue.as_str(), "result" => result).increment(1);
}

pub(super) fn taken(queue: QueueName, waited: Duration) {
    histogram!(WAIT, "queue" => queue.as_str()).record(waited.as_secs_f64());
}

pub(super) fn rescued(queue: QueueName, jobs: u64) {
    counter!(RESCUED, "queue" => queue.as_str()).increment(jobs);
}

pub(super) fn finished(queue: QueueName, outcome: &Outcome, took: Duration) {
    let word = match outcome {
        Outcome::Done { .. } => "done",
        Outcome::RetryAfter { .. } => "retry",
        Outcome::Snooze { .. } => "snooze",
        Outcome::GiveUp { .. } => "dead",
    };
    counter!(JOBS, "queue" => queue.as_str(), "outcome" => word).increment(1);
    histogram!(DURATION, "queue" => queue.as_str()).record(took.as_secs_f64());
}

pub(super) fn poisoned(queue: QueueName) {
    counter!(JOBS, "queue" => queue.as_str(), "outcome" => "dead").increment(1);
}

pub(super) fn stale(queue: QueueName) {
    counter!(STALE, "queue" => queue.as_str()).increment(1);
}

/// Counts a job as in progress until it is dropped, also by a cut run.
pub(super) struct InProgress(QueueName);

impl InProgress {
    pub(super) fn new(queue: QueueName) -> Self {
        gauge!(IN_PROGRESS, "queue" => queue.as_str()).increment(1.0);
        Self(queue)
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        gauge!(IN_PROGRESS, "queue" => self.0.as_str()).decrement(1.0);
    }
}
