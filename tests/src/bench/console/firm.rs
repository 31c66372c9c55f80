//! A firm of 100,000 Beteiligte and a real producer whose console is asked.

use std::time::Duration;

use domain::job::Wants;
use domain::kommunikation::Direction;
use reqwest::Client;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::Value;
use shared::hub::Hub;
use shared::queue::{Queue, QueueName};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::time::Instant;

use super::hub::{self, STATES};
use super::jobs::{self, Fill, Held};
use crate::bench::firm::{client, settings_of, told};
use crate::world::{PATIENCE, PRODUCER_API_KEY, address_in, install_crypto};
use crate::{Error, PrivatePostgres, PrivateRedis, Program, Result, RunningProgram};

const SEED: u64 = 7;
/// Beteiligte that both systems know: of these a plan can be made. They come on top of the others.
const REAL: usize = 1;
pub(super) const BETEILIGTE: usize = 100_000;
pub(super) const EMPLOYEES: usize = 250;
/// Records whose jobs are dead or delayed.
const FAILED: u32 = 20_000;
pub(super) const JOBS: Fill =
    Fill { dead: 8_000, delayed: FAILED as usize - 8_000, events: 50_000, scans: 30_000, running: 64 };
pub(super) const CALENDAR_JOBS: Fill = Fill { dead: 25, delayed: 50, events: 25, scans: 150, running: 16 };
/// Jobs of the queue whose counts are asked for comparison.
pub(super) const FEW_JOBS: usize = 1_000;
/// Questions for the counts, of which the median is taken.
const COUNTED: usize = 300;

pub(super) struct Firm {
    // Declared, and so ended, before what it works with.
    producer: RunningProgram,
    address: String,
    client: Client,
    cookie: String,
    _held: [Held; 2],
    pub(super) ids: Vec<String>,
    pub(super) kuerzel: Vec<String>,
    /// The record that both systems know.
    pub(super) real: String,
    /// What a queue takes to tell its counts with few jobs, and with all.
    pub(super) counts_took: [Duration; 2],
    /// What the producer counts in the hub once in ten seconds, for all pages.
    pub(super) hub_counts_took: Duration,
    database_url: String,
    _simulator: RunningProgram,
    _folder: TempDir,
    _redis: PrivateRedis,
    _postgres: PrivatePostgres,
}

/// An answer, and how long it took until its last byte was here.
pub(super) struct Answer {
    pub(super) took: Duration,
    pub(super) status: u16,
    pub(super) policy: String,
    pub(super) body: String,
}

impl Firm {
    pub(super) async fn start() -> Result<Self> {
        install_crypto();
        let (redis, postgres) = tokio::join!(PrivateRedis::start(), PrivatePostgres::start());
        let (redis, postgres) = (redis?, postgres?);
        let database = postgres.create_database().await?;
        let hub = Hub::new(database.url.parse()?);
        hub.migrate().await.map_err(told)?;
        let redis_url = redis.url_of_database(1);
        let folder = TempDir::new()?;
        let key = folder.path().join("key.json");
        let (simulator, about) = simulator(&key.to_string_lossy()).await?;
        let kuerzel = kuerzel(&about).await?;
        let ids: Vec<String> = (0..BETEILIGTE).map(id).collect();
        hub::fill(&database.url, &ids, &kuerzel).await?;
        let started = Instant::now();
        hub.count_beteiligte().await.map_err(told)?;
        hub.employees_with_failed_rows().await.map_err(told)?;
        let hub_counts_took = started.elapsed();
        hub.close().await;

        let few = counts_of_few(&redis.url_of_database(2), &ids[..FEW_JOBS]).await?;
        let queue = connect(&redis_url, QueueName::Beteiligte).await?;
        let calendars = connect(&redis_url, QueueName::Calendar).await?;
        let held = [
            jobs::fill(&queue, JOBS, &ids, Wants::sync(Direction::Both)).await?,
            jobs::fill(&calendars, CALENDAR_JOBS, &kuerzel, Wants::calendar()).await?,
        ];
        let many = counts(&queue).await?;

        let mut program = Program::built("kanzleisync-producer")?.arg("serve").env("PRODUCER_LISTEN", "127.0.0.1:0");
        for (name, value) in settings_of(&about) {
            program = program.env(&name, value);
        }
        program = program
            .env("REDIS_URL", redis_url)
            .env("DATABASE_URL", &database.url)
            .env("PRODUCER_API_KEY", PRODUCER_API_KEY)
            .env("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH", key.to_string_lossy())
            // The continuous check would ask the simulator for all of them, whom it does not know.
            .env("VERIFY_SYNC_HOURS", 0);
        let producer = program.start()?;
        let line = producer.wait_for_line("producer ready", PATIENCE).await?;
        producer.wait_for_line("scan done", PATIENCE).await?;
        let address = format!("http://{}", address_in(&line)?);
        let client = visitor()?;
        let cookie = log_in(&client, &address).await?;
        let real = simulator::generate(SEED, REAL).beteiligte.into_iter().next().map(|one| one.espo_id);
        Ok(Self {
            producer,
            address,
            client,
            cookie,
            _held: held,
            ids,
            kuerzel,
            real: real.ok_or_else(|| Error::new("the simulator has no record"))?,
            counts_took: [few, many],
            hub_counts_took,
            database_url: database.url,
            _simulator: simulator,
            _folder: folder,
            _redis: redis,
            _postgres: postgres,
        })
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer> {
        let request = self.client.get(format!("{}{path}", self.address)).header(COOKIE, &self.cookie);
        let started = Instant::now();
        let answer = request.send().await.map_err(told)?;
        let status = answer.status().as_u16();
        let policy = answer.headers().get("content-security-policy").and_then(|policy| policy.to_str().ok());
        let policy = policy.unwrap_or_default().to_owned();
        let body = answer.text().await.map_err(told)?;
        Ok(Answer { took: started.elapsed(), status, policy, body })
    }

    /// One value that the hub has, as text.
    pub(super) async fn value(&self, query: String) -> Result<String> {
        let mut hub = PgConnection::connect(&self.database_url).await?;
        let value = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut hub).await?;
        hub.close().await?;
        Ok(value)
    }

    /// Resident memory of the producer now, and the most that it ever held.
    pub(super) fn memory_kib(&self) -> Result<(u64, u64)> {
        let pid = self.producer.pid();
        let both = pid.resident_kib().zip(pid.peak_resident_kib());
        both.ok_or_else(|| Error::new(format!("the producer has ended: {}", self.producer.output())))
    }
}

/// The first states of the hub are those of the records whose jobs are dead or delayed.
const _: () = assert!(STATES[0].1 + STATES[1].1 + STATES[2].1 + STATES[3].1 == FAILED);

/// The ids of EspoCRM have 17 characters and no order.
fn id(number: usize) -> String {
    /// Odd, so that no two numbers below 2^64 meet.
    const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;
    format!("6{:016x}", (number as u64).wrapping_mul(SCATTER))
}

async fn simulator(key: &str) -> Result<(RunningProgram, Value)> {
    let [seed, size, employees] = [SEED.to_string(), REAL.to_string(), EMPLOYEES.to_string()];
    let simulator = Program::built("kanzleisync-simulator")?
        .args(["--seed", &seed, "--size", &size, "--employees", &employees, "--appointments-each", "0"])
        .args(["--google-key-file", key])
        .start()?;
    let about = simulator.wait_for_line("\"addresses\"", PATIENCE).await?;
    Ok((simulator, serde_json::from_str(&about).map_err(told)?))
}

/// As the simulated Advoware lists them: the producer asks it.
async fn kuerzel(about: &Value) -> Result<Vec<String>> {
    let address = about["addresses"]["control_url"].as_str().unwrap_or_default();
    let answer = client()?.get(format!("{address}state/mitarbeiter")).send().await.map_err(told)?;
    let listed: Vec<Value> = answer.json().await.map_err(told)?;
    Ok(listed.iter().filter_map(|one| one["kuerzel"].as_str().map(str::to_owned)).collect())
}

async fn connect(redis_url: &str, name: QueueName) -> Result<Queue> {
    Queue::connect(redis_url, name).await.map_err(told)
}

async fn counts_of_few(redis_url: &str, ids: &[String]) -> Result<Duration> {
    let queue = connect(redis_url, QueueName::Beteiligte).await?;
    let fill = Fill { dead: 80, delayed: 120, events: 500, scans: 300, running: 64 };
    let _held = jobs::fill(&queue, fill, ids, Wants::sync(Direction::Both)).await?;
    counts(&queue).await
}

/// The median of many questions.
async fn counts(queue: &Queue) -> Result<Duration> {
    let mut took = Vec::with_capacity(COUNTED);
    for _ in 0..COUNTED {
        let started = Instant::now();
        queue.counts().await.map_err(told)?;
        took.push(started.elapsed());
    }
    took.sort_unstable();
    Ok(took[COUNTED / 2])
}

/// As a browser that tells where it is led, and is not led there.
#[expect(clippy::disallowed_methods, reason = "the benchmark's own client must share nothing with what it measures")]
fn visitor() -> Result<Client> {
    Client::builder().no_proxy().redirect(Policy::none()).timeout(PATIENCE).build().map_err(told)
}

/// Through the form, as a person does.
async fn log_in(client: &Client, address: &str) -> Result<String> {
    let form = [("key", PRODUCER_API_KEY), ("next", "/")];
    let answer = client.post(format!("{address}/console/login")).form(&form).send().await.map_err(told)?;
    let cookie = answer.headers().get(SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
    let cookie = cookie.and_then(|cookie| cookie.split(';').next());
    cookie.map(str::to_owned).ok_or_else(|| Error::new(format!("the log-in failed: {}", answer.status())))
}
