//! Bringing ready jobs to a handler: one loop per process that writes what ended and takes what it has room for, in one call.
//!
//! Nothing is fetched ahead: what a worker holds, it runs. So a worker that dies takes only its runs with it, a stopping one has
//! nothing to give back, and an idle one finds everything that waits. Under load outcomes and takes gather while a call is on its
//! way, and the next call carries them all: the busier the queue, the less each job costs.

mod lease;
mod run_one;
mod tend;
mod wake;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::job::{Backoff, Wants};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::book::Queue;
use super::error::QueueError;
use super::job::{JobId, Outcome};

pub use lease::{Lease, LeaseLost};
pub use tend::keep_tending;
use worker::Worker;

/// How a process works on a queue.
#[derive(Clone, Debug)]
pub struct DeliverSettings {
    /// Runs at once in this process (`WORKER_CONCURRENCY`).
    pub concurrency: usize,
    /// How long a run is taken for alive after its last renewal (`SYNC_LEASE_SECONDS`); renewed every third of it.
    pub lease: Duration,
    /// Longest run (`SYNC_RUN_LIMIT_SECONDS`).
    pub run_limit: Duration,
    /// How long running jobs may go on after the shutdown was asked for (`SHUTDOWN_GRACE_SECONDS`).
    pub shutdown_grace: Duration,
    /// Waits and tries where the handler could not say: it panicked or reached the limit (`SYNC_RETRY_MINUTES`, `SYNC_MAX_TRIES`).
    pub backoff: Backoff,
    /// Draws in 0 to 1, for the jitter of these waits.
    pub random: fn() -> f64,
}

impl Default for DeliverSettings {
    fn default() -> Self {
        let minute = Duration::from_mins(1);
        Self {
            concurrency: 16,
            lease: Duration::from_secs(6),
            run_limit: 15 * minute,
            shutdown_grace: Duration::from_secs(25),
            backoff: Backoff { delays: [1, 5, 15, 60, 240].map(|minutes| minutes * minute).to_vec(), max_tries: 5 },
            random: fastrand::f64,
        }
    }
}

/// A run, as its handler gets it.
#[derive(Clone, Debug)]
pub struct Running {
    /// The job.
    pub job: JobId,
    /// Whom it serves; nobody else works on it while the lease is held.
    pub entity: String,
    /// What is asked for.
    pub wants: Wants,
    /// Runs begun, this one included.
    pub starts: u32,
    /// Runs before this one that ended in a counted failure.
    pub failures: u32,
    /// Runs before this one that ended with their process.
    pub crashes: u32,
    /// To be checked before every write.
    pub lease: Lease,
    /// To be told of every step that need not be done again.
    pub progress: Progress,
}

/// Whether a run got anywhere: one that reaches its time limit after progress is continued soon and has not failed (J3). Clones tell
/// the same.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<AtomicBool>);

impl Progress {
    /// A step is done that the next run finds done.
    pub fn made(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_made(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Works on the queue until `shutdown`: running jobs then finish within the grace period; runs that are cut off go back without a
/// crash being counted. Outages of Redis are sat out, however long. An error tells that Redis could not be reached at the very end,
/// for some seconds beyond the grace period; what this process held is then taken up by others.
///
/// Dropping the future is like killing the process: its jobs run again when their leases have ended.
pub async fn run<H, F>(
    queue: Queue,
    settings: DeliverSettings,
    handler: H,
    shutdown: CancellationToken,
) -> Result<(), QueueError>
where
    H: Fn(Running) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let bell = wake::Bell::default();
    let mut attendants = JoinSet::new();
    attendants.spawn(wake::listen(queue.clone(), bell.clone()));
    attendants.spawn(tend::keep_tending(queue.clone(), None));
    let worker = Worker::new(queue, settings, handler, bell);
    attendants.spawn(worker.renewing());
    worker.work_until(shutdown).await
}
