//! The queue's metrics (CONTRACT). Labels come from closed sets; every series exists from the start, at 0.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use super::job::{Counts, EnqueueResult, JobState, Outcome};
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
const QUEUE_WORKERS: &str = "kanzleisync_queue_workers";

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

/// Sets the gauges of the queues' depths; for the producer, which tells them for all.
#[expect(clippy::cast_precision_loss, reason = "gauges; nobody queues 2^53 jobs")]
pub fn set_queue_gauges(depths: &[(QueueName, Counts)]) {
    for (queue, counts) in depths {
        let queue = queue.as_str();
        for state in JobState::ALL {
            gauge!(QUEUE_JOBS, "queue" => queue, "state" => state.name()).set(counts.of(state) as f64);
        }
        gauge!(OLDEST, "queue" => queue).set(counts.oldest_ready.as_secs_f64());
        gauge!(PAUSED, "queue" => queue).set(f64::from(u8::from(counts.is_paused)));
        gauge!(QUEUE_WORKERS, "queue" => queue).set(counts.workers as f64);
    }
    // A worker may serve several queues, and is one worker.
    if let Some(workers) = depths.iter().map(|(_, counts)| counts.workers).max() {
        gauge!(WORKERS).set(workers as f64);
    }
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
    counter!(JOBS, "queue" => queue.as_str(), "outcome" => outcome.name()).increment(1);
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
