//! The law firm that the calendar's benchmark runs on.

use std::time::Duration;

use chrono::TimeDelta;
use domain::ids::Kuerzel;
use domain::job::Wants;
use futures::StreamExt;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::hub::Hub;
use shared::queue::{Asker, NewJob, Queue, QueueName};
use simulator::{Edit, Mitarbeiter};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::time::Instant;

use super::super::firm::{client, drained, settings_of, told};
use super::super::reference::{advoware_token, read};
use crate::world::{PATIENCE, fields, install_crypto};
use crate::{Error, PrivatePostgres, PrivateRedis, Program, Result, RunningProgram};

const SEED: u64 = 7;
/// Longest wait for all jobs of one case.
const DRAINED_WITHIN: Duration = Duration::from_mins(15);
/// Runs of which the statements are counted.
const RUNS: u32 = 10;
/// An employee with few Termine, beside the others.
const FEW: &str = "ZZ";

pub(super) struct CalendarFirm {
    _redis: PrivateRedis,
    queue: Queue,
    employees: Vec<String>,
    _simulator: RunningProgram,
    client: Client,
    addresses: Value,
    settings: Vec<(String, String)>,
    database_url: String,
    _folder: TempDir,
    _postgres: PrivatePostgres,
}

/// Calls to the outside systems, log-ins aside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calls {
    pub(super) reads: usize,
    pub(super) writes: usize,
}

impl CalendarFirm {
    pub(super) async fn start(employees: usize, termine_each: usize) -> Result<Self> {
        install_crypto();
        let (redis, postgres) = tokio::join!(PrivateRedis::start(), PrivatePostgres::start());
        let (redis, postgres) = (redis?, postgres?);
        let database = postgres.create_database().await?;
        let hub = Hub::new(database.url.parse()?);
        hub.migrate().await.map_err(told)?;
        let redis_url = redis.url_of_database(1);
        let queue = Queue::connect(redis_url.as_str(), QueueName::Calendar).await.map_err(told)?;

        let folder = TempDir::new()?;
        let key = folder.path().join("key.json");
        let numbers = [SEED.to_string(), employees.to_string(), termine_each.to_string()];
        let simulator = Program::built("kanzleisync-simulator")?
            .args([
                "--seed",
                &numbers[0],
                "--size",
                "0",
                "--employees",
                &numbers[1],
                "--appointments-each",
                &numbers[2],
            ])
            .args(["--google-key-file", &key.to_string_lossy()])
            .start()?;
        let about = simulator.wait_for_line("\"addresses\"", PATIENCE).await?;
        let about: Value = serde_json::from_str(&about).map_err(told)?;
        let mut settings = settings_of(&about);
        for (name, value) in [
            ("REDIS_URL", redis_url),
            ("DATABASE_URL", database.url.clone()),
            ("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH", key.to_string_lossy().into_owned()),
            // What is measured is the worker, not its patience with others.
            ("GOOGLE_CALENDAR_REQUESTS_PER_MINUTE", "60000".to_owned()),
            ("ADVOWARE_MAX_PARALLEL", "1024".to_owned()),
            ("WORKER_LISTEN", "127.0.0.1:0".to_owned()),
        ] {
            settings.push((name.to_owned(), value));
        }
        let firm = Self {
            _redis: redis,
            queue,
            employees: Vec::new(),
            _simulator: simulator,
            client: client()?,
            addresses: about["addresses"].clone(),
            settings,
            database_url: database.url,
            _folder: folder,
            _postgres: postgres,
        };
        // The quotas that Google has are the simulator's to keep, too; here they would hide what is measured.
        firm.control(
            Method::PATCH,
            "switches/google",
            Some(json!({"units_per_minute": null, "calendar_creations_most": 1000})),
        )
        .await?;
        let listed = firm.list("state/mitarbeiter").await?;
        let kuerzel = listed.iter().filter_map(|one| one["kuerzel"].as_str());
        let employees: Vec<String> = kuerzel.filter(|kuerzel| *kuerzel != FEW).map(str::to_owned).collect();
        for kuerzel in employees.iter().map(String::as_str).chain([FEW]) {
            hub.add_employee(&Kuerzel::parse(kuerzel).map_err(told)?).await.map_err(told)?;
        }
        hub.close().await;
        Ok(Self { employees, ..firm })
    }

    pub(super) async fn worker(&self, concurrency: usize, log: &str) -> Result<RunningProgram> {
        let mut program = Program::built("kanzleisync-worker")?.env("WORKER_CONCURRENCY", concurrency);
        for (name, value) in &self.settings {
            program = program.env(name, value);
        }
        let worker = program.env("RUST_LOG", format!("{log},worker=info")).start()?;
        worker.wait_for_line("worker ready", PATIENCE).await?;
        Ok(worker)
    }

    pub(super) async fn stop(&self, worker: RunningProgram) -> Result<()> {
        worker.terminate()?;
        worker.exited(PATIENCE).await.map(drop)
    }

    /// Everybody once, without a clock.
    pub(super) async fn sync_all(&self, concurrency: usize) -> Result<()> {
        let worker = self.worker(concurrency, "warn").await?;
        self.enqueue_all().await?;
        self.drained().await?;
        self.stop(worker).await
    }

    pub(super) async fn enqueue_all(&self) -> Result<()> {
        let all: Vec<&str> = self.employees.iter().map(String::as_str).collect();
        self.enqueue(&all).await
    }

    async fn enqueue(&self, employees: &[&str]) -> Result<()> {
        let job = |kuerzel: &&str| NewJob { entity: (*kuerzel).to_owned(), wants: Wants::calendar() };
        let jobs: Vec<NewJob> = employees.iter().map(job).collect();
        self.queue.enqueue(&jobs, Asker::Event).await.map(drop).map_err(told)
    }

    pub(super) async fn drained(&self) -> Result<()> {
        drained(&self.queue, DRAINED_WITHIN).await
    }

    /// Lets a user change the title of so many Termine of each employee.
    pub(super) async fn change_termine(&self, each: usize) -> Result<()> {
        if each == 0 {
            return Ok(());
        }
        let termine = self.list("state/termine").await?;
        let today = Clock::system().now().date_naive().to_string();
        for kuerzel in &self.employees {
            let is_own = |termin: &&Value| {
                let names = |field: &str| termin[field].as_str() == Some(kuerzel.as_str());
                names("sb")
                    && names("anwalt")
                    && termin["frNr"].as_i64().is_some_and(|frnr| frnr > 0)
                    && is_simple(termin, &today)
            };
            for termin in termine.iter().filter(is_own).take(each) {
                let frnr = termin["frNr"].as_i64().unwrap_or_default();
                let edit = Edit::TerminChange { frnr, fields: fields(json!({"text": format!("Bench {frnr}")})) };
                let body = serde_json::to_value(&edit).map_err(told)?;
                self.control(Method::POST, "edits", Some(body)).await?;
            }
        }
        Ok(())
    }

    /// SQL statements of a run with nothing to do, by what PostgreSQL has committed: for an employee with few Termine, and for one with many.
    pub(super) async fn statements_per_run(&self) -> Result<(f64, f64)> {
        let many = self.employees.first().cloned().unwrap_or_default();
        let seeded = Mitarbeiter { kuerzel: FEW.to_owned(), name: "Beispiel".to_owned() };
        self.control(Method::POST, "seed/mitarbeiter", Some(json!(seeded))).await?;
        let mut counted = [0.0; 2];
        for (kuerzel, counted) in [FEW, many.as_str()].into_iter().zip(&mut counted) {
            self.committed_by(kuerzel, 2).await?;
            // What starting and ending a worker costs falls out.
            let (once, more) = (self.committed_by(kuerzel, 1).await?, self.committed_by(kuerzel, 1 + RUNS).await?);
            *counted = (more - once) as f64 / f64::from(RUNS);
        }
        let [few, many] = counted;
        Ok((few, many))
    }

    /// Statements, each a transaction of its own, of a worker that does so many runs. Its connections have told their figures when it
    /// has ended.
    async fn committed_by(&self, kuerzel: &str, runs: u32) -> Result<i64> {
        let before = self.committed().await?;
        let worker = self.worker(4, "warn").await?;
        for _ in 0..runs {
            self.enqueue(&[kuerzel]).await?;
            self.drained().await?;
        }
        self.stop(worker).await?;
        Ok(self.committed().await? - before)
    }

    async fn committed(&self) -> Result<i64> {
        let mut hub = PgConnection::connect(&self.database_url).await?;
        let query = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
        let committed = sqlx::query_scalar(query).fetch_one(&mut hub).await?;
        hub.close().await?;
        Ok(committed)
    }

    /// How much more memory a worker has ever held after runs for everybody than after runs for a fifth of them, one job at a time.
    pub(super) async fn growth_with_employees(&self) -> Result<u64> {
        let worker = self.worker(1, "warn").await?;
        let peak = || worker.pid().peak_resident_kib().ok_or_else(|| Error::new("the worker has ended"));
        let all: Vec<&str> = self.employees.iter().map(String::as_str).collect();
        let (some, others) = all.split_at(all.len() / 5);
        self.enqueue(some).await?;
        self.drained().await?;
        let before = peak()?;
        self.enqueue(others).await?;
        self.drained().await?;
        let growth = peak()?.saturating_sub(before);
        self.stop(worker).await?;
        Ok(growth)
    }

    /// Advoware's list of everybody's window, so many at once, asked by the benchmark itself: what the simulator, and this machine, can do.
    pub(super) async fn lists_alone(&self, at_once: usize) -> Result<Duration> {
        let redis_url = self.setting("REDIS_URL");
        let token = advoware_token(redis_url).await?;
        let today = Clock::system().now().date_naive();
        let (from, to) = (today - TimeDelta::days(30), today + TimeDelta::days(730));
        let address = format!("{}api/v1/advonet/Termine", self.setting("ADVOWARE_API_BASE_URL"));
        let ask = |kuerzel: &String| {
            let query = [("kuerzel", kuerzel.clone()), ("from", from.to_string()), ("to", to.to_string())];
            read(self.client.get(&address).query(&query).bearer_auth(&token))
        };
        let started = Instant::now();
        let mut asked = futures::stream::iter(self.employees.iter().map(ask)).buffer_unordered(at_once);
        while let Some(answer) = asked.next().await {
            answer?;
        }
        Ok(started.elapsed())
    }

    fn setting(&self, name: &str) -> &str {
        self.settings.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub(super) async fn set_latency(&self, latency: Duration) -> Result<()> {
        let milliseconds = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        let body = json!({"advoware_milliseconds": milliseconds, "google_milliseconds": milliseconds});
        self.control(Method::PUT, "latency", Some(body)).await.map(drop)
    }

    pub(super) async fn forget_calls(&self) -> Result<()> {
        self.control(Method::DELETE, "journal", None).await.map(drop)
    }

    pub(super) async fn calls(&self) -> Result<Calls> {
        let calls = self.list("journal").await?;
        let is_log_in = |call: &&Value| matches!(call["operation"].as_str(), Some("advoware.token" | "google.token"));
        let counted: Vec<&Value> = calls.iter().filter(|call| !is_log_in(call)).collect();
        let writes = counted.iter().filter(|call| call["mutating"] == json!(true)).count();
        Ok(Calls { reads: counted.len() - writes, writes })
    }

    async fn list(&self, path: &str) -> Result<Vec<Value>> {
        serde_json::from_str(&self.control(Method::GET, path, None).await?).map_err(told)
    }

    async fn control(&self, method: Method, path: &str, body: Option<Value>) -> Result<String> {
        let address = self.addresses["control_url"].as_str().unwrap_or_default();
        let request = self.client.request(method, format!("{address}{path}"));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.and_then(reqwest::Response::error_for_status).map_err(told)?;
        answer.text().await.map_err(told)
    }
}

/// One that is synced and that both systems can hold: ahead of today, no series, no private or computed entry.
fn is_simple(termin: &Value, today: &str) -> bool {
    let number = |name: &str| termin[name].as_i64().unwrap_or_default();
    let is_ahead = termin["datum"].as_str().is_some_and(|datum| datum > today);
    is_ahead && number("frNr") > 0 && number("turnus") == 0 && number("privat") == 0
}
