//! Puts the producer together: settings in, webhooks and scans turned into jobs, until it is asked to stop.

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use shared::advoware::{Advoware, TokenCache};
use shared::beteiligte::Systems;
use shared::calendar::CalendarSystems;
use shared::clock::Clock;
use shared::error::System;
use shared::espocrm::Espocrm;
use shared::google::Google;
use shared::health::{self, Health};
use shared::hub::{Hub, HubError};
use shared::limits::{BreakerSettings, Limits};
use shared::queue::{self, Queue, QueueError, QueueName, Retention};
use shared::settings::{ProducerSettings, SettingsError, WorkerSettings};
use shared::telemetry::Metrics;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::{self, Api, FullSync, FullSyncRequests};
use crate::auth::Gate;
use crate::command::calendar_look::Office;
use crate::command::plan::Planner;
use crate::console::{self, Console, Made, Samples};
use crate::quota;
use crate::retention;
use crate::scan::{self, Scan, ScanRequests};
use crate::schedule::{self, Schedule};
use crate::verify::{self, Around, Verify};
use crate::webhook::{self, Intake};

/// The producer could not start, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// A client refuses its settings.
    #[error(transparent)]
    Setup(#[from] shared::http::SetupError),
    /// PostgreSQL is away or not migrated.
    #[error("{}", hub_problem(.0))]
    Hub(#[from] HubError),
    /// Redis is away.
    #[error("{0}: check REDIS_URL or REDIS_HOST, REDIS_PORT and REDIS_PASSWORD")]
    Queue(#[from] QueueError),
    /// Redis, which holds Advoware's token, is away.
    #[error("Redis does not answer ({}): check REDIS_URL or REDIS_HOST, REDIS_PORT and REDIS_PASSWORD", .0.category())]
    Redis(#[from] redis::RedisError),
    /// Redis is away.
    #[error(transparent)]
    Limits(#[from] shared::limits::ConnectError),
    /// The address is taken, or is not this machine's.
    #[error("PRODUCER_LISTEN: cannot listen on {address} ({})", .cause.kind())]
    Listen {
        /// Address that was asked for.
        address: SocketAddr,
        /// Why not.
        cause: std::io::Error,
    },
    /// The listening socket broke.
    #[error("serving HTTP ended ({}): start again", .0.kind())]
    Serve(std::io::Error),
}

/// The hub's own text speaks of jobs that are tried again; here a person waits.
pub(crate) fn hub_problem(error: &HubError) -> String {
    match error {
        HubError::Database(cause) => {
            format!("PostgreSQL: {cause}: check DATABASE_URL or POSTGRES_HOST and POSTGRES_PORT")
        }
        other => other.to_string(),
    }
}

/// All routes of the producer.
pub(crate) fn routes(intake: Intake, api: Api, health: Health, console: Console) -> Router {
    // A panic is a 500, which EspoCRM tries again; a closed connection would lose the events (EspoCRM 10).
    let machines = webhook::routes(intake).merge(api::routes(api)).merge(health::routes(health));
    machines.merge(console::routes(console)).layer(CatchPanicLayer::new())
}

/// Serves and scans until `shutdown`; then lets the requests in flight end within the grace period. `worker` is for the console's dry
/// runs alone: where settings are missing, it says which.
pub async fn run(
    settings: ProducerSettings,
    worker: Result<WorkerSettings, SettingsError>,
    metrics: Metrics,
    shutdown: CancellationToken,
) -> Result<(), ProgramError> {
    scan::register_metrics();
    schedule::register_metrics();
    verify::register_metrics();
    quota::register_metrics();
    let hub = Hub::new(settings.postgres.connect_options());
    hub.check().await?;
    let queue = Queue::connect(settings.redis.queue(), QueueName::Beteiligte).await?;
    let limits = Limits::connect(settings.redis.queue()).await?;
    let breakers = limits.breakers(BreakerSettings::default());
    let calendar = Queue::connect(settings.redis.queue(), QueueName::Calendar).await?;
    let espocrm = Espocrm::new(&settings.espocrm)?;
    let advoware = connect_advoware(&settings, worker.as_ref().ok(), &limits).await?;
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|cause| ProgramError::Listen { address: settings.listen, cause })?;
    let address = listener.local_addr().unwrap_or(settings.listen);

    let full_syncs = FullSyncRequests::default();
    let full_sync = FullSync { espocrm: espocrm.clone(), queue: queue.clone() };
    let _queueing = AbortOnDropHandle::new(tokio::spawn(full_sync.serve(full_syncs.clone())));
    let scans = ScanRequests::default();
    let scan = Scan {
        espocrm: espocrm.clone(),
        hub: hub.clone(),
        queue: queue.clone(),
        clock: Clock::system(),
        interval: settings.beteiligte_scan,
        look_age: settings.beteiligte_look,
        auto_reset: settings.sync.auto_reset,
        policy: settings.sync.conflict_policy,
        unknown: scan::Walk::default(),
    };
    let _scanning = AbortOnDropHandle::new(tokio::spawn(scan.keep_scanning(scans.clone())));
    let schedule =
        settings.calendar.as_ref().zip(advoware.clone()).map(|(of, advoware)| {
            Schedule::new(&settings, of, advoware, breakers.clone(), hub.clone(), calendar.clone())
        });
    let office = connect_office(worker.as_ref(), advoware.clone(), &hub, &limits)?;
    let planner = match (worker, advoware.clone()) {
        (Ok(worker), Some(advoware)) => {
            let systems = Systems { espocrm: espocrm.clone(), advoware, hub: hub.clone() };
            Ok(Planner::new(systems, worker.sync.conflict_policy))
        }
        (Ok(_), None) => Err(Vec::new()),
        (Err(missing), _) => Err(missing.problems().to_vec()),
    };
    let _scheduling = schedule.map(|schedule| AbortOnDropHandle::new(tokio::spawn(schedule.keep())));
    let check = if let Some((check, advoware)) = settings.verify.as_ref().zip(advoware) {
        let (hub, breakers) = (hub.clone(), breakers.clone());
        let (beteiligte, calendar) = (queue.clone(), calendar.clone());
        let around = Around { limits: &limits, breakers, hub, espocrm, advoware, beteiligte, calendar };
        Some(Verify::new(&settings, check, around)?)
    } else {
        tracing::info!("the continuous check is off (VERIFY_SYNC_HOURS), nobody tells what diverges");
        None
    };
    let _checking = check.map(|check| AbortOnDropHandle::new(tokio::spawn(check.keep())));
    let most = quota::Most {
        advoware_parallel: settings.limits.advoware_max_parallel,
        google_per_minute: settings.limits.google_requests_per_minute,
    };
    let _telling = AbortOnDropHandle::new(tokio::spawn(quota::keep_telling(limits.clone(), most)));
    let retention = Retention { time: settings.job_retention, ..Retention::default() };
    let queues = [queue.clone(), calendar];
    let _tending =
        queues.clone().map(|queue| AbortOnDropHandle::new(tokio::spawn(queue::keep_tending(queue, Some(retention)))));
    let tidy = metrics.clone();
    let _tidying = AbortOnDropHandle::new(tokio::spawn(async move { tidy.keep_tidy().await }));
    let fresh = breakers.clone();
    let _looking = AbortOnDropHandle::new(tokio::spawn(async move { fresh.keep_fresh().await }));
    let gate = Arc::new(Gate::new(&settings));
    let retention_task = retention::keep_pruning(hub.clone(), Clock::system(), settings.audit_retention);
    let _pruning = AbortOnDropHandle::new(tokio::spawn(retention_task));
    let intake =
        Intake { queue: queue.clone(), hub: hub.clone(), clock: Clock::system(), gate: Arc::clone(&gate), scans };
    let has_calendars = settings.calendar.is_some();
    let samples = Samples::default();
    let sampling = samples.clone().keep(queues.to_vec(), hub.clone(), Clock::system());
    let _sampling = AbortOnDropHandle::new(tokio::spawn(sampling));
    let made = Made {
        queues: queues.clone().into(),
        hub: hub.clone(),
        breakers: breakers.clone(),
        samples,
        gate: Arc::clone(&gate),
        planner,
        office,
    };
    let console = Console::new(made, &settings);
    let api = Api { queues: queues.clone().into(), hub: hub.clone(), gate, full_syncs, has_calendars };
    let health = Health { queue, hub: hub.clone(), breakers, metrics, told_queues: queues.into() };
    tracing::info!(%address, scan_seconds = settings.beteiligte_scan.as_secs_f64(), "producer ready");

    let service = routes(intake, api, health, console).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    within_grace(serving.into_future(), &shutdown, settings.sync.shutdown_grace).await?;
    hub.close().await;
    tracing::info!("producer stopped");
    Ok(())
}

/// Advoware, for the calendars' schedule and the continuous check: within the limit that all workers share, once for the process.
async fn connect_advoware(
    settings: &ProducerSettings,
    worker: Option<&WorkerSettings>,
    limits: &Limits,
) -> Result<Option<Advoware>, ProgramError> {
    let of_calendar = settings.calendar.as_ref().map(|calendar| &calendar.advoware);
    let of_check = settings.verify.as_ref().map(|check| &check.advoware);
    let of_worker = worker.map(|worker| &worker.advoware);
    let Some(advoware) = of_calendar.or(of_check).or(of_worker) else { return Ok(None) };
    let tokens = TokenCache::connect(&settings.redis).await?;
    let parallel = limits.parallel(System::Advoware, settings.limits.advoware_max_parallel);
    Ok(Some(Advoware::within(parallel, advoware, tokens, Clock::system())?))
}

/// What dry runs of calendars look with, within the limits that all workers share; where settings are missing for them, which.
fn connect_office(
    worker: Result<&WorkerSettings, &SettingsError>,
    advoware: Option<Advoware>,
    hub: &Hub,
    limits: &Limits,
) -> Result<Result<Office, Vec<String>>, ProgramError> {
    let worker = match worker {
        Ok(worker) => worker,
        Err(missing) => return Ok(Err(missing.problems().to_vec())),
    };
    let Some((google, advoware)) = worker.google.as_ref().zip(advoware) else { return Ok(Err(Vec::new())) };
    let rate = limits.rate(System::Google.name(), Google::rate_settings(worker.limits.google_requests_per_minute));
    let google = Google::within(rate, google, Clock::system())?;
    Ok(Ok(Office::new(CalendarSystems { advoware, google, hub: hub.clone() }, worker)))
}

/// Waits for `serving`, but after `shutdown` no longer than `grace`: a request that hangs must not keep us.
async fn within_grace(
    serving: impl Future<Output = std::io::Result<()>>,
    shutdown: &CancellationToken,
    grace: Duration,
) -> Result<(), ProgramError> {
    let grace_over = async {
        shutdown.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        served = serving => served.map_err(ProgramError::Serve),
        () = grace_over => {
            tracing::warn!("grace period over, requests in flight are cut off");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_that_hangs_delays_the_end_by_the_grace_period_only() {
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        let begun = tokio::time::Instant::now();
        within_grace(std::future::pending(), &shutdown, Duration::from_secs(25)).await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 25);
    }
}
