//! The program `kanzleisync-ledger-worker`: a worker whose jobs write to the ledger and to nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::job::{Backoff, Wants};
use domain::kommunikation::Direction;
use shared::queue::{self, Asker, DeliverSettings, NewJob, Outcome, Queue, QueueName};
use shared::settings::{LogFormat, LogSettings};
use shared::telemetry;

use super::{Behaviour, Ended, Ledger, Running};
use crate::{Error, Result};

/// Between two looks of a held run whether it may go on.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// How a ledger worker is set up.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    pub concurrency: usize,
    pub lease: Duration,
    pub grace: Duration,
    /// A run takes this, and up to 3 ms more by its entity's number.
    pub work: Duration,
    /// Until a run that failed or snoozed is repeated.
    pub delay: Duration,
}

impl Default for WorkerSettings {
    /// 16 jobs of 2 to 5 ms at once, with the lease that the product has by default.
    fn default() -> Self {
        Self {
            concurrency: 16,
            lease: Duration::from_secs(6),
            grace: Duration::from_secs(10),
            work: Duration::from_millis(2),
            delay: Duration::from_millis(50),
        }
    }
}

impl WorkerSettings {
    /// As the program finds them in its environment.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("LEDGER_CONCURRENCY", self.concurrency.to_string()),
            ("LEDGER_LEASE_MS", self.lease.as_millis().to_string()),
            ("LEDGER_GRACE_MS", self.grace.as_millis().to_string()),
            ("LEDGER_WORK_MS", self.work.as_millis().to_string()),
            ("LEDGER_DELAY_MS", self.delay.as_millis().to_string()),
        ]
    }

    fn read() -> Self {
        let millis = |name| Duration::from_millis(setting(name).parse().expect("milliseconds"));
        Self {
            concurrency: setting("LEDGER_CONCURRENCY").parse().expect("a number"),
            lease: millis("LEDGER_LEASE_MS"),
            grace: millis("LEDGER_GRACE_MS"),
            work: millis("LEDGER_WORK_MS"),
            delay: millis("LEDGER_DELAY_MS"),
        }
    }
}

/// Works until SIGTERM. Prints a ready line, and at its orderly end the counters of the queue.
pub async fn main() -> Result<()> {
    let failed = |error: &dyn std::fmt::Display| Error::new(error.to_string());
    let _off = telemetry::init(
        &LogSettings { format: LogFormat::Text, filter: "info".to_owned(), traces: None },
        "ledger-worker",
    )
    .map_err(|error| failed(&error))?;
    let metrics = telemetry::install_metrics().map_err(|error| failed(&error))?;
    let shutdown = shared::shutdown::on_signal()?;
    let settings = WorkerSettings::read();
    let ledger = Ledger::connect(&setting("LEDGER_URL")).await?;
    let queue = Queue::connect(setting("LEDGER_QUEUE_URL").as_str(), QueueName::Beteiligte)
        .await
        .map_err(|error| failed(&error))?;
    let desk = Arc::new(Desk { ledger, queue: queue.clone(), settings: settings.clone(), runs: AtomicU64::new(0) });
    let tidying = tokio::spawn({
        let metrics = metrics.clone();
        async move { metrics.keep_tidy().await }
    });
    println!("ledger worker ready");
    let handler = move |running| Arc::clone(&desk).run(running);
    let ended = queue::run(queue, deliver_settings(&settings), handler, shutdown).await;
    tidying.abort();
    let counters = metrics.render();
    counters.lines().filter(|line| line.contains("_total{queue=")).for_each(|line| println!("{line}"));
    println!("ledger worker stopped");
    ended.map_err(|error| failed(&error))
}

fn deliver_settings(settings: &WorkerSettings) -> DeliverSettings {
    DeliverSettings {
        concurrency: settings.concurrency,
        lease: settings.lease,
        shutdown_grace: settings.grace,
        backoff: Backoff { delays: vec![settings.delay], max_tries: 5 },
        ..DeliverSettings::default()
    }
}

#[expect(clippy::disallowed_methods, reason = "settings of a program of the tests, not of the product")]
fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

struct Desk {
    ledger: Ledger,
    queue: Queue,
    settings: WorkerSettings,
    runs: AtomicU64,
}

impl Desk {
    async fn run(self: Arc<Self>, running: queue::Running) -> Outcome {
        let pid = std::process::id();
        let token = format!("{pid}.{}", self.runs.fetch_add(1, Ordering::Relaxed));
        let run = Running { entity: running.entity.clone(), token, pid, starts: running.starts };
        let generation = self.ledger.begin(&run).await.unwrap_or_else(|error| without_ledger(&error));
        let behaviour = Behaviour::of(&run.entity);
        self.work(behaviour, &running, generation).await;
        let held = running.lease.check().is_ok();
        // Without the lease it has no effect, so it must not say that it is done: it gives way, as the product's handlers do.
        let outcome = if held { self.outcome(behaviour, &running) } else { Some(self.snooze()) };
        let done = matches!(outcome, Some(Outcome::Done { .. }));
        let ended = Ended { held, done, generation };
        self.ledger.end(&run, ended).await.unwrap_or_else(|error| without_ledger(&error));
        outcome.unwrap_or_else(|| panic!("as asked"))
    }

    async fn work(&self, behaviour: Behaviour, running: &queue::Running, generation: u64) {
        tokio::time::sleep(self.settings.work + more_work(&running.entity)).await;
        match behaviour {
            Behaviour::Abort => std::process::abort(),
            Behaviour::Hang => std::future::pending().await,
            Behaviour::Held if running.starts == 1 => {
                while !self.ledger.is_released().await.unwrap_or_else(|error| without_ledger(&error)) {
                    tokio::time::sleep(LOOK_INTERVAL).await;
                }
            }
            Behaviour::Slow => tokio::time::sleep(self.settings.lease / 2).await,
            Behaviour::Again if generation == 1 => self.trigger_again(&running.entity).await,
            _ => {}
        }
    }

    /// As a webhook for a record that changes while it is synced. Killed before the trigger is taken, the run is repeated.
    async fn trigger_again(&self, entity: &str) {
        let entities = [entity.to_owned()];
        self.ledger.want(&entities).await.unwrap_or_else(|error| without_ledger(&error));
        let job = NewJob { entity: entity.to_owned(), wants: Wants::sync(Direction::Both) };
        self.queue.enqueue(&[job], Asker::Event).await.expect("the queue takes a trigger");
    }

    fn snooze(&self) -> Outcome {
        Outcome::Snooze { delay: self.settings.delay }
    }

    /// `None`: it panics.
    fn outcome(&self, behaviour: Behaviour, running: &queue::Running) -> Option<Outcome> {
        let delay = self.settings.delay;
        match behaviour {
            Behaviour::Fail(times) if running.failures < times => {
                Some(Outcome::RetryAfter { delay, reason: "as asked".to_owned() })
            }
            Behaviour::Snooze(times) if running.starts <= times => Some(self.snooze()),
            Behaviour::Panic(times) if running.failures < times => None,
            Behaviour::GiveUp => Some(Outcome::GiveUp { reason: "as asked".to_owned() }),
            _ => Some(Outcome::Done { follow_up: None }),
        }
    }
}

/// 0 to 3 ms, by the number at the end of the name: runs that began together do not end together.
fn more_work(entity: &str) -> Duration {
    let number: u64 = entity.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or_default();
    Duration::from_millis(number % 4)
}

/// No fault reaches the ledger. If it fails all the same, nothing that the test says would hold.
fn without_ledger(error: &Error) -> ! {
    eprintln!("the ledger does not answer: {error}");
    std::process::exit(3)
}
