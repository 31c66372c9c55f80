//! HTTP to the outside systems: the one place where clients are built, and the one way to make a call.
//!
//! Invariants: TLS is verified; redirects are not followed, because they would carry credentials elsewhere; answers are
//! bounded; a write whose outcome is unknown is never repeated here, since a user may have edited in between (K8b).
//! Proxies of the environment (`HTTPS_PROXY`, `NO_PROXY`) are used; the library reads them itself.

mod address;
mod answer;
mod clock;
mod metrics;

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use reqwest::{Request, Response};
use tracing::Instrument;

pub use address::{ApiPath, BaseUrl};
pub(crate) use answer::{Answer, kind_of_status, parse_json};
pub use clock::ServerClocks;
pub use metrics::register as register_metrics;
pub use reqwest::Url;

use crate::error::{ApiError, ConnectFault, ErrorKind, Operation, System};
use crate::limits::{LimitAway, Parallel, Permit, Rate, Throttled};
use crate::traces;

/// Largest answer that is read. A Beteiligte with thousands of Kommunikationen stays far below.
pub const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// A system's wish to wait is followed up to here; beyond, its clock or its proxy is wrong.
pub const MAX_RETRY_AFTER: Duration = Duration::from_mins(15);

/// Longest wait for a connection; shorter where the whole call has less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Idle connections kept per host: as many as jobs usually run at once in one process.
const IDLE_CONNECTIONS: usize = 64;

/// Repetitions of one call within a job; after that the job's own back-off takes over.
const REPEATS: usize = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long a call waits for the quota that all workers share; beyond, its job gives way to others.
const LONGEST_QUOTA_WAIT: Duration = Duration::from_secs(20);

/// A client for one outside system. Cloning is cheap and shares the connections.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    /// Bounds the calls of all workers together; taken for each attempt, so that pauses between them hold nothing.
    limit: Option<Parallel>,
    /// Requests per time of all workers together; taken for each attempt, too, for each is a request.
    rate: Option<Rate>,
}

/// A client could not be set up: a fault of the machine, not of a setting.
#[derive(Debug, thiserror::Error)]
#[error("HTTP client cannot be set up: {0}")]
pub struct SetupError(String);

impl SetupError {
    pub(crate) fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl Http {
    /// A client whose calls take at most `timeout`, connecting and reading the answer included.
    pub(crate) fn new(timeout: Duration) -> Result<Self, SetupError> {
        Ok(Self { client: client(timeout, IDLE_CONNECTIONS)?, limit: None, rate: None })
    }

    /// The same client, whose calls wait for a permit of `limit` from now on.
    #[must_use]
    pub(crate) fn within(self, limit: Parallel) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// The same client, whose calls are paced by `rate` from now on.
    #[must_use]
    pub(crate) fn paced(self, rate: Rate) -> Self {
        Self { rate: Some(rate), ..self }
    }

    /// The same client for calls whose permits are held already, see [`Self::permits`].
    #[must_use]
    pub(crate) fn with_permits_held(&self) -> Self {
        Self { limit: None, ..self.clone() }
    }

    /// Permits for up to `most` calls at once: waits for one, takes the others if they are free. `None`: nothing bounds the calls.
    pub(crate) async fn permits(&self, operation: Operation, most: u32) -> Result<Option<Vec<Permit>>, ApiError> {
        let Some(limit) = &self.limit else { return Ok(None) };
        limit.acquire_some_next(most).await.map(Some).map_err(|LimitAway| limit_unavailable(operation))
    }

    /// The client, to build requests with; they are sent by [`Self::call`].
    pub(crate) fn requests(&self) -> &reqwest::Client {
        &self.client
    }

    /// Sends `request` and reads its answer with `read`, which also judges the status.
    ///
    /// Repeats what is safe to repeat (see [`may_repeat`]). Each attempt is counted and timed by itself.
    pub(crate) async fn call<T>(
        &self,
        operation: Operation,
        request: reqwest::RequestBuilder,
        read: impl Fn(&Answer) -> Result<T, ErrorKind>,
    ) -> Result<T, ApiError> {
        // Addresses and header values were checked where they came in, so building does not fail.
        let request = request.build().map_err(|_| {
            ApiError::unanswered(operation, ErrorKind::Malformed { what: "the request cannot be built" })
        })?;
        let span = tracing::info_span!("call", system = operation.system().name(), operation = operation.name());
        let traced = traces::call(operation);
        let mut repeats = 0;
        let attempt = || self.attempt(operation, &request, &read);
        let result = attempt
            .retry(pauses())
            .when(|error| may_repeat(operation, error))
            .notify(|error, pause| {
                repeats += 1;
                tracing::warn!(%error, pause_ms = pause.as_millis(), "call repeated");
            })
            .instrument(span)
            .instrument(traced.clone())
            .await;
        traces::called(&traced, repeats, &result);
        result
    }

    async fn attempt<T>(
        &self,
        operation: Operation,
        request: &Request,
        read: &impl Fn(&Answer) -> Result<T, ErrorKind>,
    ) -> Result<T, ApiError> {
        if let Some(rate) = &self.rate {
            let taken = rate.acquire_several(operation.quota_units(), LONGEST_QUOTA_WAIT).await;
            taken.map_err(|throttled| throttled_by_us(operation, &throttled))?;
        }
        let _permit = match &self.limit {
            Some(limit) => {
                let is_write = operation.effect().is_write();
                let permit = if is_write { limit.acquire_next().await } else { limit.acquire().await };
                Some(permit.map_err(|LimitAway| limit_unavailable(operation))?)
            }
            None => None,
        };
        let started = tokio::time::Instant::now();
        let result = self.exchange(operation, request, read).await;
        let outcome = result.as_ref().map_or_else(|error| error.kind.name(), |_| "ok");
        metrics::record(operation, outcome, started.elapsed());
        result
    }

    async fn exchange<T>(
        &self,
        operation: Operation,
        request: &Request,
        read: &impl Fn(&Answer) -> Result<T, ErrorKind>,
    ) -> Result<T, ApiError> {
        let unanswered = |kind| ApiError::unanswered(operation, kind);
        // Bodies are in memory, so a request can always be cloned.
        let request = request.try_clone().ok_or_else(|| unanswered(ErrorKind::Malformed { what: "request" }))?;
        let response = self.client.execute(request).await.map_err(|error| unanswered(kind_of_failure(&error)))?;
        let status = response.status();
        let failed = |kind| ApiError { operation, kind, status: Some(status.as_u16()) };
        let headers = response.headers().clone();
        let body = match read_bounded(response).await {
            Ok(body) => body,
            // The status says enough; the body of a refusal is a bonus.
            Err(_) if !status.is_success() => Vec::new(),
            Err(kind) => return Err(failed(kind)),
        };
        read(&Answer { status, headers, body }).map_err(failed)
    }
}

/// A client for one call every few seconds, from a thread that tends no connections in between.
pub(crate) fn client_without_idle_connections(timeout: Duration) -> Result<reqwest::Client, SetupError> {
    client(timeout, 0)
}

#[expect(clippy::disallowed_methods, reason = "the one place that builds HTTP clients")]
fn client(timeout: Duration, idle_connections: usize) -> Result<reqwest::Client, SetupError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls_config()?)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .timeout(timeout)
        // Below the whole limit, so that a connect time-out is told from an answer that did not come.
        .connect_timeout(CONNECT_TIMEOUT.min(timeout / 2))
        .pool_max_idle_per_host(idle_connections)
        // A system's own idle limit is often 60 s; a connection it closes while we write is an unknown outcome.
        .pool_idle_timeout(Duration::from_secs(30))
        .user_agent(concat!("kanzleisync/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| SetupError::new(error.without_url()))
}

fn limit_unavailable(operation: Operation) -> ApiError {
    ApiError::unanswered(operation, ErrorKind::LimitUnavailable)
}

/// Nothing was sent.
fn throttled_by_us(operation: Operation, throttled: &Throttled) -> ApiError {
    match throttled {
        Throttled::For(wait) => {
            ApiError::unanswered(operation, ErrorKind::RateLimited { retry_after: Some((*wait).min(MAX_RETRY_AFTER)) })
        }
        Throttled::Away(_) => limit_unavailable(operation),
    }
}

/// Whether a call that ended in `error` is repeated within the same job.
///
/// What was never sent may always be. A read, and a write that takes effect once however often it is sent, may be where the fault is
/// likely to pass within two seconds; a time-out is not, because waiting out the limit again would hold the record for minutes.
fn may_repeat(operation: Operation, error: &ApiError) -> bool {
    use ErrorKind as K;
    let is_repeatable = operation.effect().is_repeatable();
    match &error.kind {
        K::Unreachable(ConnectFault::Network | ConnectFault::Refused) => true,
        K::ConnectionLost | K::Truncated | K::Unavailable { retry_after: None } => is_repeatable,
        // Google's front end has a bad moment now and then; a 500 of the others is about the record.
        K::ServerFault => is_repeatable && operation.system() == System::Google,
        _ => false,
    }
}

/// Exponential pauses with full jitter: workers that failed together do not come back together.
fn pauses() -> impl BackoffBuilder {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_max_times(REPEATS)
        .build()
        .map(|pause| pause.mul_f64(fastrand::f64()))
}

/// The whole body, or why it cannot be had.
async fn read_bounded(mut response: Response) -> Result<Vec<u8>, ErrorKind> {
    let limit = MAX_ANSWER_BYTES as u64;
    if response.content_length().is_some_and(|announced| announced > limit) {
        return Err(ErrorKind::Oversized);
    }
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_ANSWER_BYTES => return Err(ErrorKind::Oversized),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) if error.is_timeout() => return Err(ErrorKind::TimedOut),
            Err(_) => return Err(ErrorKind::Truncated),
        }
    }
}

/// The kind of a failure without answer. The library's own text is dropped: it holds the address.
fn kind_of_failure(error: &reqwest::Error) -> ErrorKind {
    if error.is_connect() {
        ErrorKind::Unreachable(connect_fault(error))
    } else if error.is_timeout() {
        ErrorKind::TimedOut
    } else {
        ErrorKind::ConnectionLost
    }
}

fn connect_fault(error: &reqwest::Error) -> ConnectFault {
    if error.is_timeout() {
        return ConnectFault::TimedOut;
    }
    let mut cause = std::error::Error::source(error);
    while let Some(current) = cause {
        if current.is::<rustls::Error>() {
            return ConnectFault::Tls;
        }
        let io = current.downcast_ref::<std::io::Error>();
        if io.is_some_and(|e| e.kind() == std::io::ErrorKind::ConnectionRefused) {
            return ConnectFault::Refused;
        }
        // An `io::Error` leaves what it wraps out of its sources, and TLS faults come wrapped twice.
        cause = match io.and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => current.source(),
        };
    }
    ConnectFault::Network
}

/// What every client of ours trusts, and the protocols of HTTP.
fn tls_config() -> Result<rustls::ClientConfig, SetupError> {
    let mut config = (*crate::tls::client_config().map_err(SetupError::new)?).clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests;
