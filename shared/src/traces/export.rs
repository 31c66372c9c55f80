//! Sends spans to a collector: OTLP over HTTP, in protobuf.
//!
//! A thread of its own gathers and sends them, with a runtime of its own, so a collector that hangs holds nobody up. What does not fit
//! into its queue, or does not arrive at the first try, is dropped. Sampling, sizes and pauses are OpenTelemetry's, with the variables
//! of its specification: `OTEL_TRACES_SAMPLER`, `OTEL_BSP_...`, `OTEL_RESOURCE_ATTRIBUTES`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use secrecy::ExposeSecret;
use tokio::runtime::Runtime;

use crate::settings::TraceSettings;

/// Longest try to deliver.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Traces cannot be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// A variable of OpenTelemetry is wrong.
    #[error(transparent)]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// TLS or the client.
    #[error(transparent)]
    Client(#[from] crate::http::SetupError),
    /// The operating system gives no runtime.
    #[error("the operating system refused ({})", .0.kind())]
    System(#[from] std::io::Error),
}

/// Starts sending, as this program.
pub(crate) fn start(settings: &TraceSettings, program: &'static str) -> Result<SdkTracerProvider, SetupError> {
    let headers = settings.headers.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned()));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(settings.endpoint.at(&["v1", "traces"]))
        .with_headers(headers.collect())
        .with_timeout(TIMEOUT)
        // A second try would hold the queue up for a batch that nobody waits for.
        .with_retry_policy(RetryPolicy::disabled())
        .with_http_client(Collector::new()?)
        .build()?;
    let service = settings.service.clone().unwrap_or_else(|| program.to_owned());
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build())
}

/// The way to the collector.
#[derive(Debug)]
struct Collector {
    client: reqwest::Client,
    runtime: Runtime,
    /// What was told last of it.
    is_away: AtomicBool,
}

impl Collector {
    fn new() -> Result<Self, SetupError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = crate::http::client_without_idle_connections(TIMEOUT)?;
        Ok(Self { client, runtime, is_away: AtomicBool::new(false) })
    }

    /// Tells once that the collector is away, and once that it is back.
    fn tell(&self, is_away: bool) {
        let was_away = self.is_away.swap(is_away, Ordering::Relaxed);
        if is_away && !was_away {
            tracing::warn!(
                "the collector of traces takes no spans, they are dropped until it does; nothing else is affected"
            );
        } else if was_away && !is_away {
            tracing::info!("the collector of traces takes spans again");
        }
    }
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    /// Blocks: it is called on the exporter's thread, which does nothing else.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        // Inside the runtime from the start: the client sets its timers when it is called.
        let answer = self.runtime.block_on(async { self.client.execute(request).await });
        let answer = answer.map_err(reqwest::Error::without_url);
        self.tell(answer.as_ref().map_or(true, |answer| !answer.status().is_success()));
        // What the body of an answer says would be for nobody.
        Ok(Response::builder().status(answer?.status()).body(Bytes::new())?)
    }
}
