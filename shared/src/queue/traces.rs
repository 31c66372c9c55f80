//! The trace of a trigger, carried by its job to the run (W3C Trace Context).
//!
//! A job carries at most two contexts, with a space between them: of the trigger that made it, and of the latest that was merged into it
//! (J2); `carry` in `book.lua`. Those in between are dropped: a job can merge any number of triggers and must not grow with them. The run
//! is a child of the first and has a link to the other, so both traces lead to it.
//!
//! A sweep (scan, schedule, or more jobs at once than a webhook brings) is a link only: its runs have nothing to do with each other, and
//! nobody can read a trace of 100,000 runs. Each such run begins a trace of its own.

use tracing::{Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::job::{Asker, Outcome};
use super::name::QueueName;
use super::turn::Claim;
use crate::traces::{self, TARGET};
use opentelemetry::trace::TraceContextExt;

/// Runs that one trace may hold; EspoCRM's webhooks bring 50 records at most.
const MOST_RUNS: usize = 100;
/// In front of the context of a sweep.
const OF_SWEEP: char = '~';

/// What jobs of a trigger given here carry; empty: nothing.
pub(super) fn of_trigger(asker: Asker, jobs: usize) -> String {
    let Some(context) = traces::current() else { return String::new() };
    let is_sweep = match asker {
        Asker::Scan | Asker::ScanOfChanged => true,
        Asker::Event | Asker::Operator | Asker::Requeue => jobs > MOST_RUNS,
    };
    let text = traces::to_text(&context);
    if is_sweep { format!("{OF_SWEEP}{text}") } else { text }
}

/// The span of a run.
pub(super) fn run(queue: QueueName, claim: &Claim) -> Span {
    let entity_kind = match queue {
        QueueName::Beteiligte => "beteiligter",
        QueueName::Calendar => "employee",
    };
    let span = tracing::info_span!(
        target: TARGET,
        parent: None,
        "run",
        otel.name = %format_args!("run {}", queue.as_str()),
        otel.kind = "consumer",
        otel.status_code = field::Empty,
        queue = queue.as_str(),
        job = %claim.job,
        entity.kind = entity_kind,
        entity.id = claim.job.entity(),
        "try" = u64::from(claim.failures) + 1,
        starts = claim.starts,
        crashes = claim.crashes,
        waited_ms = u64::try_from(claim.waited.as_millis()).unwrap_or(u64::MAX),
        outcome = field::Empty,
        reason = field::Empty,
        delay_ms = field::Empty,
    );
    if !span.is_disabled() {
        follow(&span, &claim.traces);
    }
    span
}

fn follow(span: &Span, carried: &str) {
    let mut has_parent = false;
    for text in carried.split(' ') {
        let (is_of_sweep, text) = text.strip_prefix(OF_SWEEP).map_or((false, text), |text| (true, text));
        let Some(context) = traces::from_text(text) else { continue };
        if is_of_sweep || has_parent {
            span.add_link(context);
        } else {
            // Refused only for a span that has begun, which this one has not.
            let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(context));
            has_parent = true;
        }
    }
}

/// How a run ended. One that is cut off says nothing, one that is killed is not sent.
pub(super) fn ended(span: &Span, outcome: &Outcome) {
    let delay = match outcome {
        Outcome::RetryAfter { delay, reason } => {
            span.record("reason", reason);
            Some(*delay)
        }
        Outcome::GiveUp { reason } => {
            span.record("reason", reason);
            None
        }
        Outcome::Snooze { delay } => Some(*delay),
        Outcome::Done { .. } => None,
    };
    if let Some(delay) = delay {
        span.record("delay_ms", u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
    }
    let has_failed = match outcome {
        Outcome::RetryAfter { .. } | Outcome::GiveUp { .. } => true,
        Outcome::Done { .. } | Outcome::Snooze { .. } => false,
    };
    traces::record_outcome(span, outcome.name(), has_failed);
}
