//! The one place that knows apalis. See the table in [`super`] for what each setting keeps away.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{BackendExt, TaskId, WorkerBuilder, WorkerBuilderExt};
use apalis_redis::{Config, RedisStorage};
use tokio_util::task::TaskTracker;

use super::wake::{Bell, Wakeful};
use super::{METADATA_INTERVAL, Office, Running, run_one};
use crate::queue::book::Queue;
use crate::queue::error::QueueError;
use crate::queue::job::{JobId, Outcome};
use crate::queue::patient::Patient;

/// A worker is dead to the others after three of these: its jobs run again within 10 s (J4).
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(2);
const MISSED_HEARTBEATS: usize = 3;
/// Ids fetched at once, at most. What waits in one worker's buffer cannot be taken by an idle one.
const LARGEST_BATCH: usize = 16;
/// How long the metadata of a worker outlives it.
const METADATA_LIFE: Duration = Duration::from_mins(1);

/// How apalis-redis is set up for a queue; the layout test uses it too.
pub(in crate::queue) fn config(prefix: &str, concurrency: usize) -> Config {
    Config::default()
        .queue(prefix)
        .batch_size((concurrency / 4).clamp(1, LARGEST_BATCH))
        .heartbeat_interval(HEARTBEAT_INTERVAL)
        .missed_heartbeats(MISSED_HEARTBEATS)
        .lock_tasks(false)
        .persist_results(false)
        .emit_events(false)
}

/// One life of an apalis worker. Ends only with an error of Redis (or of apalis).
pub(super) async fn work<H, F>(name: String, office: Arc<Office<H>>, runs: TaskTracker, bell: Bell)
where
    H: Fn(Running) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let concurrency = office.settings.concurrency.max(1);
    let storage = RedisStorage::<u8, Patient>::new(Patient(office.queue.link.clone()))
        .with_config(config(&office.queue.prefix, concurrency));
    let worker_name = name.clone();
    let worker = WorkerBuilder::new(name.as_str())
        .backend(storage.poll_with_strategy(Wakeful::new(bell)))
        .concurrency(concurrency)
        .build(move |_: u8, id: TaskId| {
            let run = run_one::run_one(office.clone(), worker_name.clone(), JobId(id.to_string()));
            let run = runs.spawn(run);
            async move {
                // The outcome is written by the run itself. Apalis only learns that the place is free.
                let _ = run.await;
            }
        });
    if let Err(error) = worker.run().await {
        tracing::warn!(worker = name, %error, "apalis worker ended");
    }
}

impl Queue {
    /// Sees to it that the metadata key of a worker, which apalis-redis never deletes, does not outlive it by more than a minute.
    pub(super) async fn keep_metadata_mortal(&self, worker: &str) -> Infallible {
        let mut interval = tokio::time::interval(METADATA_INTERVAL);
        loop {
            interval.tick().await;
            let mut expire = redis::cmd("EXPIRE");
            expire.arg(self.metadata_key(worker)).arg(METADATA_LIFE.as_secs());
            // Next time, then.
            let _: Result<(), _> = expire.query_async(&mut self.link.commands()).await;
        }
    }

    /// Removes what apalis-redis keeps of a worker that has stopped and holds nothing.
    pub(super) async fn forget_worker(&self, worker: &str) -> Result<(), QueueError> {
        let mut both = redis::pipe();
        both.zrem(format!("{}:workers", self.prefix), worker).ignore();
        both.del(self.metadata_key(worker)).ignore();
        Ok(both.query_async(&mut self.link.commands()).await?)
    }

    fn metadata_key(&self, worker: &str) -> String {
        format!("{}:workers:metadata:{worker}", self.prefix)
    }
}
