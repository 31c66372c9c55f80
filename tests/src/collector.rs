//! A collector of traces: takes OTLP over HTTP, in protobuf, and remembers what it was sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio_util::task::AbortOnDropHandle;

use crate::Result;

/// A span as it arrived.
#[derive(Clone, Debug)]
pub struct Told {
    /// The program that sent it.
    pub service: String,
    pub name: String,
    /// Ids in hex.
    pub trace: String,
    pub id: String,
    pub parent: Option<String>,
    /// Traces that it has links to.
    pub links: Vec<String>,
    pub attributes: BTreeMap<String, String>,
}

impl Told {
    /// An attribute as text; empty if there is none of that name.
    pub fn of(&self, attribute: &str) -> &str {
        self.attributes.get(attribute).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct Taken {
    spans: Vec<Told>,
    bytes: Vec<u8>,
    /// `authorization` of the last request.
    log_in: String,
}

/// A collector at work; ends when dropped.
pub struct Collector {
    endpoint: String,
    taken: Arc<Mutex<Taken>>,
    _serving: AbortOnDropHandle<()>,
}

impl Collector {
    pub async fn start() -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let taken = Arc::default();
        let routes = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&taken));
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.expect("the collector serves") });
        Ok(Self { endpoint, taken, _serving: AbortOnDropHandle::new(serving) })
    }

    /// As in `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Told> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).spans.clone()
    }

    /// All bodies so far, as text; what is no text is left out.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.taken.lock().unwrap_or_else(PoisonError::into_inner).bytes).into_owned()
    }

    /// What the programs log in with.
    pub fn log_in(&self) -> String {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).log_in.clone()
    }
}

async fn take(State(taken): State<Arc<Mutex<Taken>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body.clone()) else { return StatusCode::BAD_REQUEST };
    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
    taken.bytes.extend_from_slice(&body);
    let log_in = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    log_in.clone_into(&mut taken.log_in);
    for of_program in request.resource_spans {
        let resource = attributes(of_program.resource.map(|resource| resource.attributes).unwrap_or_default());
        let service = resource.get("service.name").cloned().unwrap_or_default();
        let spans = of_program.scope_spans.into_iter().flat_map(|scope| scope.spans);
        taken.spans.extend(spans.map(|span| told(span, &service)));
    }
    StatusCode::OK
}

fn told(span: Span, service: &str) -> Told {
    Told {
        service: service.to_owned(),
        name: span.name,
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: Some(hex(&span.parent_span_id)).filter(|parent| !parent.is_empty()),
        links: span.links.iter().map(|link| hex(&link.trace_id)).collect(),
        attributes: attributes(span.attributes),
    }
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|pair| (pair.key, pair.value.map_or_else(String::new, text))).collect()
}

fn text(value: AnyValue) -> String {
    match value.value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
