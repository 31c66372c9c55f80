//! Puts the worker together: settings in, jobs executed, until it is asked to stop.

use domain::finding::FindingKind;
use domain::job::Backoff;
use domain::kommunikation::Variant;
use shared::advoware::{Advoware, TokenCache};
use shared::beteiligte::Systems;
use shared::clock::Clock;
use shared::error::System;
use shared::espocrm::Espocrm;
use shared::health::{self, Health};
use shared::hub::Hub;
use shared::limits::{BreakerSettings, Limits};
use shared::queue::{self, DeliverSettings, Queue, QueueName};
use shared::settings::{SyncSettings, WorkerSettings};
use shared::telemetry::Metrics;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::jobs::BeteiligteJobs;

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
    #[error("Redis does not answer ({}): check REDIS_URL or REDIS_HOST and REDIS_PORT", .0.category())]
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

/// Everything that jobs need, connected as `settings` say; what [`run`] executes.
pub async fn assemble(settings: &WorkerSettings) -> Result<BeteiligteJobs, ProgramError> {
    let clock = Clock::system();
    let hub = Hub::new(settings.postgres.connect_options());
    hub.check().await?;
    let queue = Queue::connect(settings.redis.queue(), QueueName::Beteiligte).await?;
    let tokens = TokenCache::connect(&settings.redis).await?;
    let limits = Limits::connect(settings.redis.queue()).await?;
    let breakers = limits.breakers(BreakerSettings::beginning_with(settings.limits.breaker));
    let parallel = limits.parallel(System::Advoware, settings.limits.advoware_max_parallel);
    let systems = Systems {
        espocrm: Espocrm::new(&settings.espocrm)?,
        advoware: Advoware::within(parallel, &settings.advoware, tokens, clock.clone())?,
        hub: hub.clone(),
    };
    Ok(BeteiligteJobs {
        systems,
        clock,
        breakers: breakers.clone(),
        queue: queue.clone(),
        backoff: backoff(&settings.sync),
        auto_reset: settings.sync.auto_reset,
        policy: settings.sync.conflict_policy,
        random: fastrand::f64,
    })
}

/// Executes jobs until `shutdown`; then lets the running ones end within the grace period.
pub async fn run(settings: WorkerSettings, metrics: Metrics, shutdown: CancellationToken) -> Result<(), ProgramError> {
    register_metrics();
    let jobs = assemble(&settings).await?;
    let (hub, queue, breakers) = (jobs.systems.hub.clone(), jobs.queue.clone(), jobs.breakers.clone());
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|cause| ProgramError::Listen { address: settings.listen, cause })?;
    let address = listener.local_addr().unwrap_or(settings.listen);
    let health = Health {
        queue: queue.clone(),
        hub: hub.clone(),
        breakers: breakers.clone(),
        metrics: metrics.clone(),
        told_queues: Vec::new(),
    };
    let routes = health::routes(health);
    let serving = tokio::spawn(async move { axum::serve(listener, routes).await });
    let tidying = tokio::spawn(async move { metrics.keep_tidy().await });
    let looking = tokio::spawn(async move { breakers.keep_fresh().await });
    tracing::info!(%address, concurrency = settings.concurrency, "worker ready");

    let handler = move |running| jobs.clone().run(running);
    queue::run(queue, deliver_settings(&settings), handler, shutdown).await?;
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
    for kind in FindingKind::ALL {
        metrics::counter!("kanzleisync_findings_total", "flow" => "beteiligte", "kind" => kind.name()).increment(0);
    }
    metrics::gauge!("kanzleisync_last_success_timestamp_seconds", "flow" => "beteiligte").set(0.0);
}
