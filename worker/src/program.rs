//! Puts the worker together: settings in, jobs executed, until it is asked to stop.

use std::sync::Arc;

use domain::calendar::plan::Step;
use domain::finding::FindingKind;
use domain::job::Backoff;
use domain::kommunikation::Variant;
use shared::advoware::{Advoware, TokenCache};
use shared::beteiligte::Systems;
use shared::calendar::{CalendarSystems, Identity};
use shared::clock::Clock;
use shared::error::System;
use shared::espocrm::Espocrm;
use shared::google::Google;
use shared::health::{self, Health};
use shared::http::SetupError;
use shared::hub::Hub;
use shared::hub::calendar::Leftover;
use shared::limits::{BreakerSettings, Limits};
use shared::queue::{self, DeliverSettings, Queue, QueueError, QueueName};
use shared::settings::{GoogleSettings, SyncSettings, WorkerSettings};
use shared::telemetry::Metrics;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::jobs::{BeteiligteJobs, CalendarJobs};

/// The worker could not start, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// A client refuses its settings.
    #[error(transparent)]
    Setup(#[from] shared::http::SetupError),
    /// PostgreSQL is away or not migrated.
    #[error(transparent)]
    Hub(#[from] shared::hub::HubError),
    /// Redis is away.
    #[error(transparent)]
    Queue(#[from] shared::queue::QueueError),
    /// Redis is away.
    #[error("Redis does not answer ({}): check REDIS_URL or REDIS_HOST, REDIS_PORT and REDIS_PASSWORD", .0.category())]
    Redis(#[from] redis::RedisError),
    /// Redis is away.
    #[error(transparent)]
    Limits(#[from] shared::limits::ConnectError),
    /// The address for metrics and health is taken.
    #[error("WORKER_LISTEN: cannot listen on {address} ({})", .cause.kind())]
    Listen {
        /// Address that was asked for.
        address: std::net::SocketAddr,
        /// Why not.
        cause: std::io::Error,
    },
}

/// All handlers of a worker.
#[derive(Clone)]
pub struct Jobs {
    /// `beteiligte.sync`
    pub beteiligte: BeteiligteJobs,
    /// `calendar.sync`; `None` where no service account is set.
    pub calendar: Option<CalendarJobs>,
}

/// Longer than a look and a write of one Termin may take, waits of the HTTP client included.
const TERMIN_LEASE_PER_CALL: u32 = 4;

/// Everything that jobs need, connected as `settings` say; what [`run`] executes.
pub async fn assemble(settings: &WorkerSettings) -> Result<Jobs, ProgramError> {
    let clock = Clock::system();
    let hub = Hub::new(settings.postgres.connect_options());
    hub.check().await?;
    let queue = Queue::connect(settings.redis.queue(), QueueName::Beteiligte).await?;
    let mut queues = vec![queue.clone()];
    let tokens = TokenCache::connect(&settings.redis).await?;
    let limits = Limits::connect(settings.redis.queue()).await?;
    let breakers = limits.breakers(BreakerSettings::beginning_with(settings.limits.breaker));
    let parallel = limits.parallel(System::Advoware, settings.limits.advoware_max_parallel);
    let advoware = Advoware::within(parallel, &settings.advoware, tokens, clock.clone())?;
    let calendar = match &settings.google {
        Some(google) => {
            let systems = CalendarSystems {
                advoware: advoware.clone(),
                google: connect_google(google, settings, &limits, clock.clone())?,
                hub: hub.clone(),
            };
            let of_calendar = Queue::connect(settings.redis.queue(), QueueName::Calendar).await?;
            queues.push(of_calendar.clone());
            Some(CalendarJobs {
                systems,
                settings: settings.calendar.clone(),
                owner: google.owner.clone(),
                leases: limits.termin_leases(TERMIN_LEASE_PER_CALL * settings.advoware.timeout),
                identity: Identity::new(settings.advoware.api_key.clone()),
                clock: clock.clone(),
                breakers: breakers.clone(),
                queue: of_calendar,
                queues: queues.clone(),
                backoff: backoff(&settings.sync),
                auto_reset: settings.sync.auto_reset,
                random: fastrand::f64,
                random_id: Arc::new(|| uuid::Uuid::new_v4().into_bytes()),
            })
        }
        None => None,
    };
    let systems = Systems { espocrm: Espocrm::new(&settings.espocrm)?, advoware, hub };
    let beteiligte = BeteiligteJobs {
        systems,
        clock,
        breakers,
        queue,
        queues,
        backoff: backoff(&settings.sync),
        auto_reset: settings.sync.auto_reset,
        policy: settings.sync.conflict_policy,
        random: fastrand::f64,
    };
    Ok(Jobs { beteiligte, calendar })
}

fn connect_google(
    google: &GoogleSettings,
    settings: &WorkerSettings,
    limits: &Limits,
    clock: Clock,
) -> Result<Google, SetupError> {
    let rate = Google::rate_settings(settings.limits.google_requests_per_minute);
    Google::within(limits.rate(System::Google.name(), rate), google, clock)
}

impl Jobs {
    /// Works on all queues until `shutdown`. Each has room of its own in the process, so that neither kind of job waits for the other (J6).
    pub async fn work(self, settings: &WorkerSettings, shutdown: CancellationToken) -> Result<(), QueueError> {
        let Self { beteiligte, calendar } = self;
        let all = settings.concurrency.max(1);
        let of_calendar = if calendar.is_some() { (all / CALENDAR_PART).max(1) } else { 0 };
        let of_beteiligte = all.saturating_sub(of_calendar).max(1);
        let handler = {
            let jobs = beteiligte.clone();
            move |running| jobs.clone().run(running)
        };
        let with = |concurrency| DeliverSettings { concurrency, ..deliver_settings(settings) };
        let first = queue::run(beteiligte.queue, with(of_beteiligte), handler, shutdown.clone());
        let second = async {
            let Some(jobs) = calendar else { return Ok(()) };
            let queue = jobs.queue.clone();
            queue::run(queue, with(of_calendar), move |running| jobs.clone().run(running), shutdown).await
        };
        let (first, second) = tokio::join!(first, second);
        first.and(second)
    }
}

/// One in so many of a process's jobs is a calendar's: they are few, long, and hold a whole calendar in memory.
const CALENDAR_PART: usize = 4;

/// Executes jobs until `shutdown`; then lets the running ones end within the grace period.
pub async fn run(settings: WorkerSettings, metrics: Metrics, shutdown: CancellationToken) -> Result<(), ProgramError> {
    register_metrics();
    let jobs = assemble(&settings).await?;
    let Jobs { beteiligte, .. } = &jobs;
    let (hub, queue, breakers) =
        (beteiligte.systems.hub.clone(), beteiligte.queue.clone(), beteiligte.breakers.clone());
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|cause| ProgramError::Listen { address: settings.listen, cause })?;
    let address = listener.local_addr().unwrap_or(settings.listen);
    let health = Health {
        queue,
        hub: hub.clone(),
        breakers: breakers.clone(),
        metrics: metrics.clone(),
        told_queues: Vec::new(),
    };
    let routes = health::routes(health);
    let serving = tokio::spawn(async move { axum::serve(listener, routes).await });
    let tidying = tokio::spawn(async move { metrics.keep_tidy().await });
    let looking = tokio::spawn(async move { breakers.keep_fresh().await });
    tracing::info!(%address, concurrency = settings.concurrency, calendars = settings.google.is_some(), "worker ready");

    jobs.work(&settings, shutdown).await?;
    serving.abort();
    tidying.abort();
    looking.abort();
    hub.close().await;
    tracing::info!("worker stopped");
    Ok(())
}

fn backoff(sync: &SyncSettings) -> Backoff {
    Backoff { delays: sync.retry.clone(), max_tries: sync.max_tries }
}

/// How jobs are delivered to them.
pub fn deliver_settings(settings: &WorkerSettings) -> DeliverSettings {
    DeliverSettings {
        concurrency: settings.concurrency,
        lease: settings.sync.lease,
        run_limit: settings.sync.run_limit,
        shutdown_grace: settings.sync.shutdown_grace,
        backoff: backoff(&settings.sync),
        random: fastrand::f64,
    }
}

/// Every series exists from the start, at 0 (CONTRACT).
fn register_metrics() {
    shared::http::register_metrics();
    for variant in Variant::ALL {
        metrics::counter!("kanzleisync_changes_total", "flow" => "beteiligte", "change" => variant.name()).increment(0);
    }
    for change in ["stammdaten_to_espocrm", "stammdaten_to_advoware", "created"] {
        metrics::counter!("kanzleisync_changes_total", "flow" => "beteiligte", "change" => change).increment(0);
    }
    let by_operators = Leftover::ALL.map(Leftover::rule).into_iter().chain(["restore"]);
    for change in Step::NAMES.into_iter().chain(by_operators) {
        metrics::counter!("kanzleisync_changes_total", "flow" => "calendar", "change" => change).increment(0);
    }
    for flow in ["beteiligte", "calendar"] {
        for kind in FindingKind::ALL {
            metrics::counter!("kanzleisync_findings_total", "flow" => flow, "kind" => kind.name()).increment(0);
        }
        metrics::gauge!("kanzleisync_last_success_timestamp_seconds", "flow" => flow).set(0.0);
    }
}
