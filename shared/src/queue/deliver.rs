//! Bringing ready jobs to a handler, through apalis-redis, with its defects kept away (QUEUE 3).
//!
//! | defect | what is done here |
//! | --- | --- |
//! | 1 push and schedule choke on 8,000 due ids | neither is called: the book writes the active list itself |
//! | 2 lost wake-ups of `poll_with_interval` | own strategy ([`wake`]): pub/sub, and an interval polled until `Pending` |
//! | 3 `lock_tasks` costs O(backlog) | off; the entity's slot in the book is the lock |
//! | 4, 5 attempts, delays, time-outs | counted and kept in the book; the time limit is inside [`run_one`] |
//! | 6 a short stall ends the worker | [`Patient`](super::patient::Patient), and a new worker behind it |
//! | 7 a worker's name is refused after a restart | a new UUID for every worker |
//! | 8-11 retention, idempotency keys, counts | not used |
//! | 13 an ack stops at the first foreign id; done sets grow | no acks (`persist_results(false)`): `finish` takes the id away |
//! | 15 handlers share the worker's task | every run is a task of its own |
//!
//! Found on the way: closing never removes the worker (it asks `ZREM` for the in-flight key), its metadata key stays for ever,
//! and heartbeats are told by the machines' clocks, so a skew of more than 6 s makes workers take each other for dead. The
//! first two are cleaned up here; the third costs re-deliveries, which the claim makes harmless.
//!
//! apalis' `Monitor` is not used: after an error it must first give back what the old worker had prefetched, and it waits for
//! running handlers before prefetched jobs go back. The loop in [`run`] does what it would do.

mod apalis;
mod lease;
mod promoter;
mod run_one;
mod wake;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use domain::job::Wants;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use uuid::Uuid;

use super::book::Queue;
use super::error::QueueError;
use super::job::{JobId, Outcome};

#[cfg(test)]
pub(super) use apalis::config as apalis_config;
pub use lease::{Lease, LeaseLost};
pub use promoter::keep_promoting;

/// Between the end of an apalis worker and its successor.
const RESTART_PAUSE: Duration = Duration::from_millis(100);
/// How often the metadata key of the worker is given another minute to live.
const METADATA_INTERVAL: Duration = Duration::from_secs(5);

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
    /// Wait after failure n, where the handler could not say: it panicked or reached the limit (`SYNC_RETRY_MINUTES`). A failure
    /// beyond the last entry ends in the dead set.
    pub retry_delays: Vec<Duration>,
}

impl Default for DeliverSettings {
    fn default() -> Self {
        let minute = Duration::from_mins(1);
        Self {
            concurrency: 16,
            lease: Duration::from_secs(6),
            run_limit: 15 * minute,
            shutdown_grace: Duration::from_secs(25),
            retry_delays: [1, 5, 15, 60, 240].map(|minutes| minutes * minute).to_vec(),
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
}

/// What the runs of one process share.
struct Office<H> {
    queue: Queue,
    settings: DeliverSettings,
    handler: H,
    /// Bounds the runs also while those of a worker that ended overlap with its successor's.
    permits: Semaphore,
    /// Tells deliveries to this process apart.
    deliveries: AtomicU64,
    /// Ends the runs without an outcome: the grace period is over, or [`run`] was dropped.
    cut: CancellationToken,
}

/// Works on the queue until `shutdown`: running jobs then finish within the grace period, prefetched ones go back at once, and
/// runs that are cut off go back without a crash being counted. Outages of Redis are sat out. An error tells that Redis could not
/// be reached at the very end; what this process held is then taken up by others some seconds later.
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
    let grace = settings.shutdown_grace;
    let cut = CancellationToken::new();
    let _cut_when_dropped = cut.clone().drop_guard();
    let office = Arc::new(Office {
        permits: Semaphore::new(settings.concurrency.max(1)),
        deliveries: AtomicU64::new(0),
        cut: cut.clone(),
        queue: queue.clone(),
        settings,
        handler,
    });
    let runs = TaskTracker::new();
    let bell = wake::Bell::default();
    let mut attendants = JoinSet::new();
    attendants.spawn(wake::listen(queue.clone(), bell.clone()));
    attendants.spawn(promoter::keep_promoting(queue.clone()));

    let name = deliver_until(&shutdown, &office, &runs, &bell).await;

    // The worker is gone; what it had fetched and not yet started goes back before we wait for the rest.
    log_failure("giving prefetched jobs back", queue.hand_back(&name, false).await);
    runs.close();
    if tokio::time::timeout(grace, runs.wait()).await.is_err() {
        tracing::warn!(queue = queue.name().as_str(), runs = runs.len(), "grace period over, runs are cut off");
        cut.cancel();
        runs.wait().await;
    }
    // Forgotten only when it holds nothing: what is in the in-flight set of an unknown worker is never recovered.
    queue.hand_back(&name, true).await?;
    queue.forget_worker(&name).await
}

/// Keeps an apalis worker going, one after the other. Answers the name of the last one, which is stopped.
async fn deliver_until<H, F>(
    shutdown: &CancellationToken,
    office: &Arc<Office<H>>,
    runs: &TaskTracker,
    bell: &wake::Bell,
) -> String
where
    H: Fn(Running) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    loop {
        let name = Uuid::now_v7().simple().to_string();
        // A task of its own: apalis panics where it does not expect a state, which must not end us.
        let mut worker = AbortOnDropHandle::new(tokio::spawn(apalis::work(
            name.clone(),
            office.clone(),
            runs.clone(),
            bell.clone(),
        )));
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {
                worker.abort();
                // Its last fetch, if one is under way, is on the wire before whatever we send from here on.
                let _ = worker.await;
                return name;
            }
            ended = &mut worker => {
                let queue = office.queue.name().as_str();
                tracing::warn!(queue, worker = name, panicked = ended.is_err(), "delivery ended, starting anew");
            }
            never = office.queue.keep_metadata_mortal(&name) => match never {},
        }
        // Runs of the old worker go on. Its in-flight ids of those stay, for the orphan recovery, should we die now.
        log_failure("giving prefetched jobs back", office.queue.hand_back(&name, false).await);
        tokio::time::sleep(RESTART_PAUSE).await;
    }
}

fn log_failure<T>(doing: &'static str, result: Result<T, QueueError>) {
    if let Err(error) = result {
        tracing::warn!(doing, %error, "left to the recovery of orphans");
    }
}
