//! A queue under test, its workers, and their ledger; with verbs: trigger, until quiet, then.

use std::time::Duration;

use domain::job::Wants;
use domain::kommunikation::Direction;
use shared::queue::{Asker, NewJob, Queue, QueueName};

use super::{Audit, Behaviour, Ledger, Skew, WorkerSettings, traces};
use crate::{Error, PrivateRedis, Program, Result, RunningProgram, eventually};

/// Longest wait for anything; a healthy run takes a fraction of it.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A queue on a Redis that faults may hit, and a ledger on one that they must not.
pub struct Stage {
    pub redis: PrivateRedis,
    pub queue: Queue,
    pub ledger: Ledger,
    pub settings: WorkerSettings,
    ledger_redis: PrivateRedis,
    /// Names of keys that a queue with nothing in it keeps.
    quiet_keys: usize,
}

/// Names for `count` entities that behave as the name says: `ok`, `fail-2`, ...
pub fn entities(behaviour: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{behaviour}-{number:06}")).collect()
}

impl Stage {
    pub async fn start(settings: WorkerSettings) -> Result<Self> {
        let (redis, ledger_redis) = tokio::try_join!(PrivateRedis::start(), PrivateRedis::start())?;
        let queue = connect(&redis.url()).await?;
        let ledger = Ledger::connect(&ledger_redis.url()).await?;
        let mut stage = Self { redis, queue, ledger, settings, ledger_redis, quiet_keys: 0 };
        stage.learn_quiet_keys().await?;
        Ok(stage)
    }

    /// As new: both Redis are emptied, and no script is loaded. No worker may be running.
    pub async fn clear(&self) -> Result<()> {
        let mut connection = self.redis.connection().await?;
        redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await?;
        redis::cmd("SCRIPT").arg("FLUSH").query_async::<()>(&mut connection).await?;
        self.ledger.clear().await
    }

    /// What a queue keeps that has worked and is empty again.
    async fn learn_quiet_keys(&mut self) -> Result<()> {
        let worker = self.worker().await?;
        self.trigger(&entities("ok-first", 1)).await?;
        self.until_quiet().await?;
        worker.terminate()?;
        worker.exited(PATIENCE).await?;
        self.quiet_keys = traces::keys(&self.redis).await?.len();
        self.ledger.clear().await
    }

    /// A worker at work.
    pub async fn worker(&self) -> Result<RunningProgram> {
        started(self.program(&self.redis.url())?).await
    }

    /// Several of them, started together.
    pub async fn workers(&self, count: usize) -> Result<Vec<RunningProgram>> {
        futures::future::try_join_all((0..count).map(|_| self.worker())).await
    }

    /// A worker, not started, that finds the queue at `queue_url`: there may be something between it and Redis.
    pub fn program(&self, queue_url: &str) -> Result<Program> {
        let program = Program::built("kanzleisync-ledger-worker")?.envs(self.settings.environment());
        Ok(program.env("LEDGER_QUEUE_URL", queue_url).env("LEDGER_URL", self.ledger_redis.url()))
    }

    /// A worker on a machine whose clock is wrong.
    pub async fn worker_with_skew(&self, skew: &Skew) -> Result<RunningProgram> {
        started(self.program(&self.redis.url())?.envs(skew.environment())).await
    }

    /// Changes these entities and triggers them, as a webhook does.
    pub async fn trigger(&self, entities: &[String]) -> Result<()> {
        self.ledger.want(entities).await?;
        self.enqueue(entities, Asker::Event).await
    }

    /// The same, spread over time: `slices` equal parts, one per `interval`.
    pub async fn trigger_steadily(&self, entities: &[String], slices: usize, interval: Duration) -> Result<()> {
        let mut pace = tokio::time::interval(interval);
        for slice in entities.chunks(entities.len().div_ceil(slices)) {
            pace.tick().await;
            self.trigger(slice).await?;
        }
        Ok(())
    }

    /// What the scan does: whatever lacks its effect is triggered again, except what is dead. Answers how many that were.
    pub async fn scan(&self) -> Result<usize> {
        let missing = self.ledger.missing().await?;
        self.enqueue(&missing, Asker::Scan).await?;
        Ok(missing.len())
    }

    async fn enqueue(&self, entities: &[String], asker: Asker) -> Result<()> {
        let wants = Wants::sync(Direction::Both);
        let jobs: Vec<NewJob> = entities.iter().map(|entity| NewJob { entity: entity.clone(), wants }).collect();
        self.queue.enqueue(&jobs, asker).await.map(drop).map_err(|error| Error::new(error.to_string()))
    }

    /// Waits until that many entities have their effect.
    pub async fn until_effects(&self, count: usize) -> Result<()> {
        eventually(PATIENCE, &format!("{count} entities are done"), async || match self.ledger.effects().await {
            Ok(done) if done >= count => Ok(()),
            Ok(done) => Err(format!("{done}")),
            Err(error) => Err(error.to_string()),
        })
        .await
    }

    /// Waits until no job is ready, delayed or running.
    pub async fn until_quiet(&self) -> Result<()> {
        eventually(PATIENCE, "the queue is quiet", async || match self.queue.counts().await {
            Ok(counts) if counts.ready + counts.delayed + counts.running == 0 => Ok(()),
            Ok(counts) => Err(format!("{counts:?}")),
            Err(error) => Err(error.to_string()),
        })
        .await
    }

    /// Reads what the ledger has told since the last time into `audit`.
    pub async fn read(&self, audit: &mut Audit) -> Result<()> {
        loop {
            let lines = self.ledger.take_lines().await?;
            if lines.is_empty() {
                return Ok(());
            }
            for line in &lines {
                audit.read(line);
            }
        }
    }

    /// The promise, once all is quiet: every entity has its effect or is dead for its reason, no two runs of one overlapped, and
    /// the queue has kept nothing. Tells how many ran again; the bound on them is the fault's.
    pub async fn then_all_done(&self, fault: &str) -> Result<Audit> {
        self.then_all_done_since(fault, Audit::default()).await
    }

    /// The same, where a part of the ledger was read before.
    pub async fn then_all_done_since(&self, fault: &str, mut audit: Audit) -> Result<Audit> {
        self.until_quiet().await?;
        self.read(&mut audit).await?;
        let missing = self.ledger.missing().await?;
        let lost: Vec<&String> = missing.iter().filter(|entity| !Behaviour::of(entity).ends_dead()).collect();
        assert!(lost.is_empty(), "{fault}: {} lost: {lost:?}", lost.len());
        assert!(audit.overlaps.is_empty(), "{fault}: {:?}", audit.overlaps);
        let counts = self.queue.counts().await.map_err(|error| Error::new(error.to_string()))?;
        assert_eq!(counts.dead, u64::try_from(missing.len()).unwrap_or_default(), "{fault}: dead jobs");
        if missing.is_empty() {
            let kept = self.kept().await?;
            assert!(kept.is_empty(), "{fault}: jobs have left {kept:?}");
        }
        println!(
            "{fault}: {} runs, {} effects, {} repeated, {} too late",
            audit.runs,
            audit.fresh,
            audit.repeats.len(),
            audit.too_late
        );
        Ok(audit)
    }

    /// What jobs have left in the queue's Redis: every text that names an entity; and all keys, if they are more than a queue that
    /// has worked and is empty keeps.
    pub async fn kept(&self) -> Result<Vec<String>> {
        let mut kept = traces::of(&self.redis, &self.ledger.wanted().await?).await?;
        let keys = traces::keys(&self.redis).await?;
        if keys.len() > self.quiet_keys {
            kept.extend(keys);
        }
        Ok(kept)
    }
}

/// Starts it and waits for its ready line.
pub async fn started(program: Program) -> Result<RunningProgram> {
    let worker = program.start()?;
    worker.wait_for_line("ledger worker ready", PATIENCE).await?;
    Ok(worker)
}

/// A counter of the queue, as a worker prints them at its orderly end.
pub fn counter(worker: &RunningProgram, name: &str) -> u64 {
    let output = worker.stdout();
    let mut lines = output.lines().filter(|line| line.starts_with(name));
    lines.next().and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
}

async fn connect(url: &str) -> Result<Queue> {
    Queue::connect(url, QueueName::Beteiligte).await.map_err(|error| Error::new(error.to_string()))
}
