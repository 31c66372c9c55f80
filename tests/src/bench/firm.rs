//! The law firm that the benchmarks run on: simulator, Redis and PostgreSQL, each a process of its own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::job::Wants;
use domain::kommunikation::Direction;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use shared::hub::Hub;
use shared::queue::{Asker, Counts, NewJob, Queue, QueueName};
use simulator::{Edit, FirmBeteiligter};
use tokio::time::Instant;

use super::case::FIRM_SIZE;
use crate::world::{PATIENCE, address_in, install_crypto};
use crate::{Error, PrivatePostgres, PrivateRedis, Program, Result, RunningProgram};

const SEED: u64 = 7;
/// Longest wait for all jobs of one case; the slowest takes some twenty seconds.
const DRAINED_WITHIN: Duration = Duration::from_mins(3);
/// How exactly the end of a case is seen: within half a percent, and rarely enough not to take part in the contest.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Concurrency of the worker that makes everybody agree first.
const SET_UP_CONCURRENCY: usize = 32;

pub(super) struct Firm {
    _redis: PrivateRedis,
    pub(super) queue: Queue,
    pub(super) beteiligte: Vec<FirmBeteiligter>,
    pub(super) simulator: RunningProgram,
    pub(super) client: Client,
    addresses: Value,
    settings: Vec<(String, String)>,
    set_up: Duration,
    /// Makes values that no earlier case has used.
    numbers: AtomicU64,
    _postgres: PrivatePostgres,
}

impl Firm {
    /// Starts everything and syncs everybody once, so that both sides agree.
    pub(super) async fn start() -> Result<Self> {
        install_crypto();
        let (redis, postgres) = tokio::join!(PrivateRedis::start(), PrivatePostgres::start());
        let (redis, postgres) = (redis?, postgres?);
        let database = postgres.create_database().await?;
        let hub = Hub::new(database.url.parse()?);
        hub.migrate().await.map_err(told)?;
        hub.close().await;
        let redis_url = redis.url_of_database(1);
        let queue = Queue::connect(redis_url.as_str(), QueueName::Beteiligte).await.map_err(told)?;

        let size = FIRM_SIZE.to_string();
        let seed = SEED.to_string();
        let simulator = Program::built("kanzleisync-simulator")?.args(["--seed", &seed, "--size", &size]).start()?;
        let about = simulator.wait_for_line("\"addresses\"", PATIENCE).await?;
        let about: Value = serde_json::from_str(&about).map_err(told)?;
        let mut settings = settings_of(&about);
        settings.push(("REDIS_URL".to_owned(), redis_url));
        settings.push(("DATABASE_URL".to_owned(), database.url));
        // What is measured is the worker, not the patience with Advoware.
        settings.push(("ADVOWARE_MAX_PARALLEL".to_owned(), "1024".to_owned()));
        settings.push(("WORKER_LISTEN".to_owned(), "127.0.0.1:0".to_owned()));

        let mut firm = Self {
            _redis: redis,
            queue,
            beteiligte: simulator::generate(SEED, FIRM_SIZE).beteiligte,
            simulator,
            client: client()?,
            addresses: about["addresses"].clone(),
            settings,
            set_up: Duration::ZERO,
            numbers: AtomicU64::new(1),
            _postgres: postgres,
        };
        firm.set_up = firm.first_sync().await?;
        Ok(firm)
    }

    async fn first_sync(&self) -> Result<Duration> {
        let worker = self.worker(SET_UP_CONCURRENCY).await?;
        let started = Instant::now();
        self.enqueue(FIRM_SIZE).await?;
        self.drained().await?;
        let took = started.elapsed();
        self.stop(worker).await?;
        Ok(took)
    }

    pub(super) fn set_up_line(&self) -> String {
        let per_second = FIRM_SIZE as f64 / self.set_up.as_secs_f64();
        let seconds = self.set_up.as_secs_f64();
        format!(
            "set up: first sync of {FIRM_SIZE} Beteiligte in {seconds:.1} s ({per_second:.0} per second at concurrency \
             {SET_UP_CONCURRENCY}, no latency)"
        )
    }

    pub(super) async fn worker(&self, concurrency: usize) -> Result<RunningProgram> {
        let mut program = Program::built("kanzleisync-worker")?.env("WORKER_CONCURRENCY", concurrency);
        for (name, value) in &self.settings {
            program = program.env(name, value);
        }
        let worker = program.start()?;
        worker.wait_for_line("worker ready", PATIENCE).await?;
        Ok(worker)
    }

    /// A producer that has done its first scan, and its address.
    pub(super) async fn producer(&self) -> Result<(RunningProgram, String)> {
        let mut program = Program::built("kanzleisync-producer")?.arg("serve").env("PRODUCER_LISTEN", "127.0.0.1:0");
        for (name, value) in &self.settings {
            program = program.env(name, value);
        }
        let producer = program.start()?;
        let line = producer.wait_for_line("producer ready", PATIENCE).await?;
        producer.wait_for_line("scan done", PATIENCE).await?;
        Ok((producer, format!("http://{}", address_in(&line)?)))
    }

    /// Lets a producer begin to queue everybody.
    pub(super) async fn sync_all(&self, producer: &str) -> Result<()> {
        let request = self.client.post(format!("{producer}/beteiligte/sync")).json(&json!({"all": true}));
        request.send().await.and_then(reqwest::Response::error_for_status).map(drop).map_err(told)
    }

    /// All that a worker counts, in Prometheus' text form.
    pub(super) async fn metrics_of(&self, worker: &RunningProgram) -> Result<String> {
        let ready = worker.wait_for_line("worker ready", PATIENCE).await?;
        let address = address_in(&ready)?;
        let answer = self.client.get(format!("http://{address}/metrics")).send().await.map_err(told)?;
        answer.text().await.map_err(told)
    }

    /// Ends a worker as an operator would, so that the next one finds nothing of it.
    pub(super) async fn stop(&self, worker: RunningProgram) -> Result<()> {
        worker.terminate()?;
        worker.exited(PATIENCE).await.map(drop)
    }

    /// One job for each of the first `jobs` Beteiligte.
    pub(super) async fn enqueue(&self, jobs: usize) -> Result<()> {
        self.enqueue_these(&self.beteiligte[..jobs]).await
    }

    pub(super) async fn enqueue_these(&self, beteiligte: &[FirmBeteiligter]) -> Result<()> {
        let job = |one: &FirmBeteiligter| NewJob { entity: one.espo_id.clone(), wants: Wants::sync(Direction::Both) };
        let jobs: Vec<NewJob> = beteiligte.iter().map(job).collect();
        self.queue.enqueue(&jobs, Asker::Event).await.map(drop).map_err(told)
    }

    pub(super) async fn drained(&self) -> Result<()> {
        drained(&self.queue, DRAINED_WITHIN).await
    }

    /// Every call takes this long from now on, on both sides.
    pub(super) async fn set_latency(&self, milliseconds: u64) -> Result<()> {
        let body = json!({"advoware_milliseconds": milliseconds, "espocrm_milliseconds": milliseconds});
        self.control(Method::PUT, "latency", Some(body)).await.map(drop)
    }

    pub(super) async fn edit(&self, edit: &Edit) -> Result<()> {
        let body = serde_json::to_value(edit).map_err(told)?;
        self.control(Method::POST, "edits", Some(body)).await.map(drop)
    }

    /// The record as Advoware would answer it, with the real kommKz.
    pub(super) async fn advoware(&self, betnr: i64) -> Result<Value> {
        let body = self.control(Method::GET, &format!("state/advoware/{betnr}"), None).await?;
        serde_json::from_str(&body).map_err(told)
    }

    pub(super) async fn forget_calls(&self) -> Result<()> {
        self.control(Method::DELETE, "journal", None).await.map(drop)
    }

    /// How many calls there were since `forget_calls`, and how many of them may change something.
    pub(super) async fn calls(&self) -> Result<(usize, usize)> {
        let body = self.control(Method::GET, "journal", None).await?;
        let calls: Vec<Value> = serde_json::from_str(&body).map_err(told)?;
        let writes = calls.iter().filter(|call| call["mutating"] == json!(true)).count();
        Ok((calls.len(), writes))
    }

    pub(super) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether the programs started from now on send traces, and where to.
    pub(super) fn set_traces(&mut self, endpoint: Option<&str>) {
        let name = "OTEL_EXPORTER_OTLP_ENDPOINT";
        self.settings.retain(|(known, _)| known != name);
        self.settings.extend(endpoint.map(|endpoint| (name.to_owned(), endpoint.to_owned())));
    }

    pub(super) fn address(&self, name: &str) -> &str {
        self.addresses[name].as_str().unwrap_or_default()
    }

    pub(super) fn setting(&self, name: &str) -> &str {
        self.settings.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    async fn control(&self, method: Method, path: &str, body: Option<Value>) -> Result<String> {
        let request = self.client.request(method, format!("{}{path}", self.address("control_url")));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.and_then(reqwest::Response::error_for_status).map_err(told)?;
        answer.text().await.map_err(told)
    }
}

/// Waits until every job is done. One that failed falsifies the figures, so it ends the benchmark.
pub(super) async fn drained(queue: &Queue, within: Duration) -> Result<()> {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let deadline = Instant::now() + within;
    loop {
        looks.tick().await;
        let Counts { ready, delayed, running, dead, .. } = queue.counts().await.map_err(told)?;
        if dead + delayed > 0 {
            return Err(Error::new(format!("{dead} jobs are dead and {delayed} wait for another try")));
        }
        if ready + running == 0 {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Error::new(format!("{ready} jobs still wait after {within:?}")));
        }
    }
}

/// The simulator names its addresses and credentials after the settings they are meant for.
pub(super) fn settings_of(about: &Value) -> Vec<(String, String)> {
    let parts = ["addresses", "credentials"].into_iter().filter_map(|part| about[part].as_object());
    let named = parts.flatten().filter(|(name, _)| *name != "control_url");
    named
        .map(|(name, value)| (name.to_uppercase(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "the benchmark's own client must share nothing with what it measures")]
pub(super) fn client() -> Result<Client> {
    Client::builder().no_proxy().build().map_err(told)
}

pub(super) fn told(error: impl std::fmt::Display) -> Error {
    Error::new(error.to_string())
}
