//! A worker in this process, that can be ended as a crash would: between two steps, without a good-bye.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::settings::{Source, WorkerSettings};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::world::World;
use crate::{Error, Result};

/// Longest wait for what an aborted worker leaves: tasks end at their next await, so it takes no time.
const ABORTED_WITHIN: Duration = Duration::from_secs(10);

/// How a worker differs from one that reads [`World::environment`].
#[derive(Clone, Debug)]
pub struct OfficeSettings {
    /// Jobs at once.
    pub concurrency: usize,
    /// Short, so that an aborted worker's jobs are soon taken over.
    pub lease: Duration,
    /// Another way to the hub, as through a proxy.
    pub database_url: Option<String>,
    /// Ids of new events come from this seed, so that two worlds draw the same.
    pub event_id_seed: Option<u64>,
}

impl Default for OfficeSettings {
    fn default() -> Self {
        Self { concurrency: 1, lease: Duration::from_millis(300), database_url: None, event_id_seed: None }
    }
}

/// A worker at work, on a runtime of its own: whatever it has spawned ends with it.
pub struct Office {
    runtime: Option<Runtime>,
    shutdown: CancellationToken,
    ended: oneshot::Receiver<Result<()>>,
}

impl Office {
    /// Returns when everything is connected and jobs are being taken.
    pub async fn open(world: &World, settings: OfficeSettings) -> Result<Self> {
        let event_id_seed = settings.event_id_seed;
        let settings = worker_settings(world, settings)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let shutdown = CancellationToken::new();
        let (tell_open, open) = oneshot::channel();
        let (tell_end, ended) = oneshot::channel();
        let until = shutdown.clone();
        runtime.spawn(async move {
            let jobs = match worker::assemble(&settings).await {
                Ok(jobs) => drawing_from(event_id_seed, jobs),
                Err(error) => return drop(tell_open.send(Err(Error::new(error.to_string())))),
            };
            let _ = tell_open.send(Ok(()));
            let breakers = jobs.beteiligte.breakers.clone();
            tokio::spawn(async move { breakers.keep_fresh().await });
            let hub = jobs.beteiligte.systems.hub.clone();
            let ran = jobs.work(&settings, until).await;
            hub.close().await;
            let _ = tell_end.send(ran.map_err(|error| Error::new(error.to_string())));
        });
        let office = Self { runtime: Some(runtime), shutdown, ended };
        open.await.map_err(|_| Error::new("the worker ended while it started"))??;
        Ok(office)
    }

    /// As `kill -9`: nothing more is sent by anything of it, and its connections are closed. Returns when that is so.
    pub async fn abort(mut self) -> Result<()> {
        let Some(runtime) = self.runtime.take() else { return Ok(()) };
        // Waiting for a runtime's end blocks, and is not allowed on another one's threads.
        let ended = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(ABORTED_WITHIN));
        ended.await.map_err(|error| Error::new(error.to_string()))
    }

    /// As SIGTERM: running jobs end or are handed back.
    pub async fn close(mut self) -> Result<()> {
        self.shutdown.cancel();
        let ended = (&mut self.ended).await.map_err(|_| Error::new("the worker panicked"))?;
        self.abort().await?;
        ended
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn drawing_from(event_id_seed: Option<u64>, mut jobs: worker::Jobs) -> worker::Jobs {
    if let (Some(seed), Some(calendar)) = (event_id_seed, &mut jobs.calendar) {
        let dice = Mutex::new(fastrand::Rng::with_seed(seed));
        calendar.random_id =
            Arc::new(move || dice.lock().unwrap_or_else(PoisonError::into_inner).u128(..).to_be_bytes());
    }
    jobs
}

fn worker_settings(world: &World, wanted: OfficeSettings) -> Result<WorkerSettings> {
    let mut settings: Vec<(&str, String)> = world.environment();
    let mut set = |name: &'static str, value: String| {
        settings.retain(|(known, _)| *known != name);
        settings.push((name, value));
    };
    set("WORKER_CONCURRENCY", wanted.concurrency.to_string());
    set("SYNC_LEASE_SECONDS", wanted.lease.as_secs_f64().to_string());
    if let Some(url) = wanted.database_url {
        set("DATABASE_URL", url);
    }
    let source: Source = settings.into_iter().collect();
    WorkerSettings::read(&source).map_err(|error| Error::new(error.to_string()))
}
