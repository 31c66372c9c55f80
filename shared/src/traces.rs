//! Traces (OpenTelemetry): what led to what, from the trigger to the last write.
//!
//! - A trace begins where work begins: [`begin`]. Its context goes with the job through Redis (`queue/traces.rs`).
//! - The run of a job is a span; each call to an outside system and each write to the hub that records an operation is a child of it.
//!
//! Our spans are `tracing` spans with the target [`TARGET`]. Logs never show them, and without `OTEL_EXPORTER_OTLP_ENDPOINT` nobody
//! listens: such a span is then one look at a flag. Attributes are ids, kinds and numbers, from closed lists where there are any (E2).

mod export;

use std::collections::HashMap;
use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Instrument, Level, Span, field};

use crate::error::{ApiError, Operation};

pub(crate) use export::start;

/// Target of the spans that are traced.
pub(crate) const TARGET: &str = "kanzleisync";

/// Header of W3C Trace Context, and the form in which a job carries one.
const TRACEPARENT: &str = "traceparent";

/// Longest and shortest time that the last spans get at the end of a program.
const LONGEST_END: Duration = Duration::from_secs(2);
const SHORTEST_END: Duration = Duration::from_millis(250);

/// The traces of a program; to be ended with it, or its last spans are lost.
#[must_use]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    pub(crate) fn off() -> Self {
        Self(None)
    }

    pub(crate) fn on(provider: SdkTracerProvider) -> Self {
        Self(Some(provider))
    }

    /// Sends the last spans, which may take as long as is `left` of the grace period, but no longer than 2 s. Blocks the thread.
    pub fn end(self, left: Duration) {
        let Some(provider) = self.0 else { return };
        let longest = left.clamp(SHORTEST_END, LONGEST_END);
        if provider.shutdown_with_timeout(longest).is_err() {
            tracing::debug!("the last spans did not reach the collector of traces");
        }
    }
}

/// Where work begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// EspoCRM told of a change.
    Webhook,
    /// Somebody asked over HTTP.
    Api,
    /// The scan found it.
    Scan,
    /// It was its turn.
    Schedule,
    /// Somebody gave a command.
    Command,
}

impl Origin {
    const fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Api => "api",
            Self::Scan => "scan",
            Self::Schedule => "schedule",
            Self::Command => "command",
        }
    }

    /// As OpenTelemetry divides spans.
    const fn kind(self) -> &'static str {
        match self {
            Self::Webhook | Self::Api => "server",
            Self::Scan | Self::Schedule | Self::Command => "internal",
        }
    }
}

/// Does `work` as the beginning of a trace: what is queued meanwhile carries it on. `what` is a name of a closed list.
pub async fn begin<T, E>(origin: Origin, what: &'static str, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let origin_name = origin.name();
    let span = tracing::info_span!(
        target: TARGET,
        parent: None,
        "begin",
        otel.name = %format_args!("{origin_name} {what}"),
        otel.kind = origin.kind(),
        otel.status_code = field::Empty,
        origin = origin_name,
        what,
        outcome = field::Empty,
    );
    let done = work.instrument(span.clone()).await;
    record_outcome(&span, if done.is_ok() { "ok" } else { "failed" }, done.is_err());
    done
}

/// The span of a call to an outside system, repetitions included; none outside of a trace.
pub(crate) fn call(operation: Operation) -> Span {
    if current().is_none() {
        return Span::none();
    }
    let (system, operation) = (operation.system().name(), operation.name());
    tracing::info_span!(
        target: TARGET,
        "call",
        otel.name = %format_args!("{system} {operation}"),
        otel.kind = "client",
        otel.status_code = field::Empty,
        system,
        operation,
        outcome = field::Empty,
        status = field::Empty,
        repeats = field::Empty,
    )
}

/// How a call ended, after so many repetitions.
pub(crate) fn called<T>(span: &Span, repeats: u32, result: &Result<T, ApiError>) {
    let outcome = result.as_ref().map_or_else(|error| error.kind.name(), |_| "ok");
    if let Some(status) = result.as_ref().err().and_then(|error| error.status) {
        span.record("status", status);
    }
    span.record("repeats", repeats);
    record_outcome(span, outcome, result.is_err());
}

/// A write to the hub as a span.
pub(crate) trait HubWrite: Sized {
    /// As the write `operation`; no span outside of a trace.
    fn traced<T, E>(self, operation: &'static str) -> impl Future<Output = Result<T, E>>
    where
        Self: Future<Output = Result<T, E>>;
}

impl<F> HubWrite for F {
    async fn traced<T, E>(self, operation: &'static str) -> Result<T, E>
    where
        Self: Future<Output = Result<T, E>>,
    {
        if current().is_none() {
            return self.await;
        }
        let span = tracing::info_span!(
            target: TARGET,
            "hub",
            otel.name = %format_args!("hub {operation}"),
            otel.kind = "client",
            otel.status_code = field::Empty,
            system = "hub",
            operation,
            outcome = field::Empty,
        );
        let done = self.instrument(span.clone()).await;
        record_outcome(&span, if done.is_ok() { "ok" } else { "failed" }, done.is_err());
        done
    }
}

/// Says on the current span what was queued.
pub(crate) fn tell_queued(queue: &'static str, triggers: usize, only_job: Option<&dyn Display>) {
    if is_on() {
        let count = i64::try_from(triggers).unwrap_or(i64::MAX);
        let mut attributes = vec![KeyValue::new("queue", queue), KeyValue::new("triggers", count)];
        attributes.extend(only_job.map(|job| KeyValue::new("job", job.to_string())));
        Context::current().span().add_event("queued", attributes);
    }
}

/// Notes how the work of a span ended.
pub(crate) fn record_outcome(span: &Span, outcome: &str, has_failed: bool) {
    span.record("outcome", outcome);
    if has_failed {
        span.record("otel.status_code", "ERROR");
    }
}

/// The context of the trace that is going on here; `None` outside of one, and where traces are off.
pub(crate) fn current() -> Option<SpanContext> {
    if !is_on() {
        return None;
    }
    // Not tracing's current span: that may be one of the logs', within ours.
    Some(Context::current().span().span_context().clone()).filter(SpanContext::is_valid)
}

/// A context as text: `traceparent` of W3C Trace Context.
pub(crate) fn to_text(context: &SpanContext) -> String {
    let mut carrier = HashMap::new();
    let context = Context::new().with_remote_span_context(context.clone());
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACEPARENT).unwrap_or_default()
}

/// Reads what [`to_text`] wrote; `None`: it is something else.
pub(crate) fn from_text(text: &str) -> Option<SpanContext> {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), text.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    // The propagator fills short ids up with zeros.
    let is_whole = |context: &SpanContext| context.is_valid() && to_text(context) == text;
    Some(context.span().span_context().clone()).filter(is_whole)
}

/// Whether anybody listens to our spans; the answer is a flag that `tracing` keeps.
fn is_on() -> bool {
    tracing::span_enabled!(target: TARGET, Level::INFO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_read_as_it_is_written_and_nothing_else_is_one() {
        for flags in ["00", "01"] {
            let text = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
            assert_eq!(from_text(&text).map(|context| to_text(&context)), Some(text));
        }
        for text in [
            "",
            "A",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd-b7ad6b7169203331-01",
        ] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }
}
