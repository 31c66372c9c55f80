//! Logs, metrics and traces of a program. Logs go to stderr; metrics are rendered where the program serves HTTP; traces go to a
//! collector where one is set.
//!
//! No personal data reaches any of them (E2): our own events carry ids, kinds and lengths; libraries that would print what
//! passes through them are kept quiet here whatever `RUST_LOG` says.

use std::io::IsTerminal;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider;
use tracing::Level;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::{Filter, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::settings::{LogFormat, LogSettings};
use crate::traces::{self, Traces};

/// Libraries whose debug output quotes headers, bodies, statements or commands.
const TALKATIVE: [&str; 8] = ["hyper", "hyper_util", "h2", "reqwest", "rustls", "sqlx", "redis", "tower_http"];

/// Upper bounds of the duration histograms, in seconds: from a no-op against a near system to the longest time limit.
const DURATION_BUCKETS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];

/// How often metrics are folded together when nobody fetches them; without it, samples would pile up (E4).
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `RUST_LOG` is not a filter.
    #[error("RUST_LOG is no filter: expected e.g. `info` or `info,worker=debug`")]
    Filter,
    /// Somebody else has set up logs or metrics in this process.
    #[error("{0} are already set up in this process")]
    AlreadySet(&'static str),
    /// The recorder's own settings do not fit.
    #[error("metrics cannot be set up")]
    Metrics,
    /// The collector's settings do not fit.
    #[error("traces cannot be set up: {0}; look at the variables that begin with OTEL_")]
    Traces(String),
}

/// The program's metrics. Clones are the same.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

/// Starts logs and traces; once per process, before anything else. The collector of traces knows it as `program`.
pub fn init(settings: &LogSettings, program: &'static str) -> Result<Traces, TelemetryError> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(|_| TelemetryError::Filter)?;
    let output: Box<dyn Layer<Registry> + Send + Sync> = match settings.format {
        LogFormat::Text => fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
    };
    let output = output.with_filter(told(filter));
    let registry = tracing_subscriber::registry().with(output);
    let Some(settings) = &settings.traces else {
        registry.try_init().map_err(|_| TelemetryError::AlreadySet("logs"))?;
        return Ok(Traces::off());
    };
    let provider = traces::start(settings, program).map_err(|error| TelemetryError::Traces(error.to_string()))?;
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("kanzleisync"))
        .with_location(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(|of| of.is_span() && of.target() == traces::TARGET));
    registry.with(spans).try_init().map_err(|_| TelemetryError::AlreadySet("logs"))?;
    Ok(Traces::on(provider))
}

/// Starts the metrics; once per process, before the first is counted.
pub fn install_metrics() -> Result<Metrics, TelemetryError> {
    let recorder = recorder()?;
    let metrics = Metrics { handle: recorder.handle() };
    metrics::set_global_recorder(recorder).map_err(|_| TelemetryError::AlreadySet("metrics"))?;
    crate::http::register_metrics();
    Ok(metrics)
}

impl Metrics {
    /// All metrics in Prometheus text form.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Keeps memory flat while nobody fetches the metrics; runs until it is dropped.
    pub async fn keep_tidy(&self) {
        let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
        loop {
            interval.tick().await;
            self.handle.run_upkeep();
        }
    }
}

fn recorder() -> Result<metrics_exporter_prometheus::PrometheusRecorder, TelemetryError> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &DURATION_BUCKETS)
        .map_err(|_| TelemetryError::Metrics)?;
    Ok(builder.build_recorder())
}

/// What the logs tell. One filter, not one in the other: only so is a span that nobody wants refused once and for all.
fn told<S>(filter: EnvFilter) -> impl Filter<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    filter.and(filter_fn(|of| may_be_told(of.target(), *of.level())))
}

fn may_be_told(target: &str, level: Level) -> bool {
    let library = target.split("::").next().unwrap_or_default();
    target != traces::TARGET && (level <= Level::INFO || !TALKATIVE.contains(&library))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e2_libraries_are_kept_from_printing_what_passes_through_them() {
        assert!(!may_be_told("hyper_util::client::legacy::pool", Level::DEBUG));
        assert!(!may_be_told("sqlx::query", Level::TRACE));
        assert!(may_be_told("sqlx::query", Level::WARN));
        assert!(may_be_told("shared::http", Level::TRACE));
    }

    #[test]
    fn spans_of_traces_are_refused_once_and_for_all_where_nobody_wants_traces() {
        let logs = || fmt::layer().with_writer(std::io::sink).with_filter(told(EnvFilter::new("trace")));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(logs()), || {
            assert!(!tracing::span_enabled!(target: traces::TARGET, Level::INFO));
            assert!(tracing::span_enabled!(target: "shared::http", Level::INFO));
            assert!(crate::traces::current().is_none());
        });
    }

    #[test]
    fn every_series_of_outside_calls_exists_from_the_start() {
        let recorder = recorder().unwrap();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, crate::http::register_metrics);
        let text = handle.render();
        for expected in [
            "kanzleisync_api_requests_total{system=\"advoware\",operation=\"put_kommunikation\",outcome=\"timed_out\"} 0",
            "kanzleisync_api_requests_total{system=\"espocrm\",operation=\"list_beteiligte\",outcome=\"ok\"} 0",
            "kanzleisync_api_request_duration_seconds_count{system=\"advoware\",operation=\"token\"} 0",
        ] {
            assert!(text.contains(expected), "{expected} is missing in\n{text}");
        }
    }
}
