//! A firm whose calendars a producer serves, for tests.

use std::collections::BTreeMap;

use domain::ids::Kuerzel;
use domain::job::Wants;
use harness::world::{PATIENCE, PRODUCER_API_KEY, World};
use harness::{Finished, Result, eventually};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use shared::hub::Hub;
use shared::queue::{self, Asker, Counts, DeliverSettings, JobState, JobView, NewJob, Outcome, Queue, QueueName};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// A firm with these employees, and a way into its hub and its calendars' queue.
pub(crate) struct Firm {
    pub(crate) world: World,
    pub(crate) queue: Queue,
    pub(crate) pool: PgPool,
}

impl Firm {
    /// Nobody is scheduled again within a test.
    pub(crate) async fn with(kuerzel: &[&str]) -> Result<Self> {
        let mut world = World::start().await?;
        world.setting("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH", "/run/secrets/service-account.json");
        world.setting("CALENDAR_SYNC_SECONDS", "3600");
        for one in kuerzel {
            world.simulator.advoware().seed_mitarbeiter(one, &format!("Merle Beispiel {one}"));
        }
        let redis = world.environment_of("REDIS_URL");
        let queue = Queue::connect(redis.as_str(), QueueName::Calendar).await.expect("Redis answers");
        let pool = PgPool::connect(&world.database_url).await?;
        Ok(Self { world, queue, pool })
    }

    /// As after the schedule has met them, without a producer.
    pub(crate) async fn that_knows(kuerzel: &[&str]) -> Result<Self> {
        let firm = Self::with(kuerzel).await?;
        let hub = firm.hub();
        for one in kuerzel {
            hub.add_employee(&Kuerzel::parse(one).expect("a Kürzel")).await.expect("PostgreSQL answers");
        }
        hub.close().await;
        Ok(firm)
    }

    pub(crate) fn hub(&self) -> Hub {
        Hub::new(self.world.database_url.parse().expect("an address of PostgreSQL"))
    }

    pub(crate) async fn counts(&self) -> Counts {
        self.queue.counts().await.expect("Redis answers")
    }

    /// The job that waits for an employee.
    pub(crate) async fn job(&self, kuerzel: &str) -> Option<JobView> {
        self.queue.show(&[kuerzel.to_owned()]).await.expect("Redis answers").pop()
    }

    pub(crate) async fn waiting(&self) -> Vec<String> {
        let jobs = self.queue.list(JobState::Ready, 0, 1000).await.expect("Redis answers");
        let mut kuerzel: Vec<String> = jobs.into_iter().map(|job| job.entity).collect();
        kuerzel.sort();
        kuerzel
    }

    /// How long ago each was scheduled, in seconds.
    pub(crate) async fn scheduled(&self) -> Result<BTreeMap<String, f64>> {
        let query = "SELECT kuerzel, extract(epoch FROM now() - scheduled_at)::float8 FROM calendar_employee WHERE scheduled_at IS NOT NULL";
        Ok(sqlx::query_as::<_, (String, f64)>(query).fetch_all(&self.pool).await?.into_iter().collect())
    }

    pub(crate) async fn sql(&self, statement: &'static str) -> Result<()> {
        sqlx::raw_sql(statement).execute(&self.pool).await?;
        Ok(())
    }

    pub(crate) async fn anonymize(&self, kuerzel: &str) -> Result<Option<bool>> {
        let query = "SELECT anonymize FROM calendar_employee WHERE kuerzel = $1";
        Ok(sqlx::query_scalar(query).bind(kuerzel).fetch_one(&self.pool).await?)
    }

    pub(crate) async fn command(&self, line: &str) -> Result<Finished> {
        self.world.program("kanzleisync-producer")?.args(line.split(' ')).run(PATIENCE).await
    }

    /// Runs a command with `--json`; what it prints, after it ended with this code.
    pub(crate) async fn ends_with(&self, code: i32, line: &str) -> Result<Value> {
        let finished = self.command(&format!("{line} --json")).await?;
        assert_eq!(finished.code(), Some(code), "{line}: {}{}", finished.stdout, finished.stderr);
        Ok(serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("{line}: no JSON: {}", finished.stdout)))
    }

    /// A command that cannot be carried out says what to do.
    pub(crate) async fn refuses(&self, line: &str, told: &str) -> Result<()> {
        let finished = self.command(line).await?;
        assert_eq!(finished.code(), Some(2), "{line}: {}", finished.stdout);
        assert!(finished.stderr.contains(told), "{line}: {}", finished.stderr);
        Ok(())
    }
}

pub(crate) async fn metric(address: &str, series: &str) -> u64 {
    let answer = reqwest::get(format!("{address}/metrics")).await.expect("the producer answers");
    let text = answer.text().await.expect("metrics are text");
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("{series} is missing in\n{text}"))
}

/// How often this producer asked for a calendar.
pub(crate) async fn asked(address: &str) -> u64 {
    let of = |result| format!("kanzleisync_jobs_enqueued_total{{queue=\"calendar\",result=\"{result}\"}}");
    metric(address, &of("new")).await + metric(address, &of("coalesced")).await
}

pub(crate) async fn post(address: &str, route: &str, body: &str) -> (StatusCode, Value) {
    let request = Client::builder().build().expect("a client").post(format!("{address}{route}"));
    let answer = request.header("apikey", PRODUCER_API_KEY).body(body.to_owned()).send().await;
    let answer = answer.expect("the producer answers");
    (answer.status(), answer.json().await.unwrap_or_default())
}

pub(crate) async fn trigger(address: &str, body: &str) -> (StatusCode, Value) {
    post(address, "/advoware/calendar/sync", body).await
}

/// A calendar's job that a worker has given up.
pub(crate) async fn given_dead(firm: &Firm, kuerzel: &str) -> Result<()> {
    let job = NewJob { entity: kuerzel.to_owned(), wants: Wants::calendar() };
    firm.queue.enqueue(&[job], Asker::Scan).await.expect("Redis answers");
    let settings = DeliverSettings { concurrency: 1, ..DeliverSettings::default() };
    let gives_up = |_| async { Outcome::GiveUp { reason: "calendar refused".to_owned() } };
    let shutdown = CancellationToken::new();
    let worker = tokio::spawn(queue::run(firm.queue.clone(), settings, gives_up, shutdown.clone()));
    eventually(PATIENCE, "it is dead", async || firm.job(kuerzel).await.is_some_and(|job| job.state == JobState::Dead))
        .await?;
    shutdown.cancel();
    worker.await.expect("the worker ends").expect("in order");
    Ok(())
}
