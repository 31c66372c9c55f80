//! The way every call takes: fault, agenda, latency, the system itself, and what becomes of the answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use futures::StreamExt as _;
use futures::stream;
use serde_json::Value;

use crate::agenda::Task;
use crate::call::{Answer, Call};
use crate::clock::Clock;
use crate::edit;
use crate::fault::FaultKind;
use crate::google::{self, GoogleReason};
use crate::operation::{Operation, Route, System};
use crate::stage::{Outage, Stage, locked};
use crate::wire::Wire;

/// Size of the pieces of an oversized body.
const PIECE: &[u8] = &[b' '; 65_536];

/// Long enough for the first half of a truncated body to leave before the connection breaks.
const FLUSH_WAIT: Duration = Duration::from_millis(10);

/// Handles a call to its end even if the client goes away: a real server applies what has arrived.
pub(crate) async fn pass(stage: Arc<Stage>, wire: Wire, call: Call, route: Route) -> Response {
    let cut = wire.clone();
    match tokio::spawn(async move { handle(&stage, &wire, &call, &route).await }).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "handler failed");
            cut.cut();
            Response::default()
        }
    }
}

async fn handle(stage: &Stage, wire: &Wire, call: &Call, route: &Route) -> Response {
    let fault = stage.faults.take(route);
    let tasks = stage.agenda.take(route);
    let sequence = stage.journal.begin(call, route, fault.as_ref().map(FaultKind::name));
    let system = route.operation.system();
    wait_half(stage, system).await;
    run_tasks(stage, &tasks.before).await;

    let outcome = match before(stage, wire, call, route.operation, fault.as_ref()).await {
        Early::GoOn => {
            let answer = attempt(stage, call, route, fault.as_ref());
            if answer.as_ref().is_some_and(|answer| answer.status.is_success()) {
                stage.journal.applied(sequence);
            }
            answer
        }
        Early::Answer(answer) => Some(answer),
        Early::Cut => None,
    };
    run_tasks(stage, &tasks.after).await;
    wait_half(stage, system).await;
    let response = match outcome.map(|answer| dated(stage, answer)) {
        Some(answer) => after(stage, wire, system, answer, fault.as_ref()).await,
        None => None,
    };
    stage.journal.finish(sequence, response.as_ref().map(|response| response.status().as_u16()));
    response.unwrap_or_else(|| {
        wire.cut();
        Response::default()
    })
}

enum Early {
    GoOn,
    Answer(Answer),
    Cut,
}

async fn before(stage: &Stage, wire: &Wire, call: &Call, operation: Operation, fault: Option<&FaultKind>) -> Early {
    let system = operation.system();
    match fault {
        Some(FaultKind::Status { code, retry_after_seconds, body }) => {
            let mut answer = bare(system, *code);
            if let Some(body) = body {
                answer.body = Bytes::from(body.clone());
            }
            Early::Answer(retried_after(answer, *retry_after_seconds))
        }
        Some(FaultKind::Google { reason, retry_after_seconds, applied: false }) => {
            Early::Answer(refused(*reason, *retry_after_seconds))
        }
        Some(FaultKind::Delay { milliseconds }) => {
            tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
            Early::GoOn
        }
        Some(FaultKind::Hang) => {
            stage.stop.cancelled().await;
            Early::Cut
        }
        Some(FaultKind::CutBefore) => {
            wire.cut();
            Early::Cut
        }
        // A log-in presents no token: there is none to expire.
        Some(FaultKind::ExpiredToken) if !matches!(operation, Operation::AdvowareToken | Operation::GoogleToken) => {
            let mut world = locked(&stage.world);
            match system {
                System::Google => world.google.tokens.revoke(call),
                System::Advoware | System::Espocrm => world.advoware.gateway.revoke(call),
            }
            drop(world);
            Early::Answer(bare(system, StatusCode::UNAUTHORIZED.as_u16()))
        }
        _ => Early::GoOn,
    }
}

/// A status in the system's usual shape: empty, or Google's JSON.
fn bare(system: System, code: u16) -> Answer {
    match system {
        System::Google => google::of_status(code),
        System::Advoware | System::Espocrm => {
            Answer::empty(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        }
    }
}

fn refused(reason: GoogleReason, retry_after_seconds: Option<u64>) -> Answer {
    retried_after(google::refused(reason), retry_after_seconds)
}

fn retried_after(answer: Answer, seconds: Option<u64>) -> Answer {
    match seconds {
        Some(seconds) => answer.with_header("retry-after", seconds.to_string()),
        None => answer,
    }
}

/// The system's own answer; `None` where an outage closes the connection.
fn attempt(stage: &Stage, call: &Call, route: &Route, fault: Option<&FaultKind>) -> Option<Answer> {
    let now = stage.clock.now();
    let mut world = locked(&stage.world);
    match world.outage(route.operation.system()) {
        Outage::None => {}
        Outage::ServiceUnavailable => {
            return Some(bare(route.operation.system(), StatusCode::SERVICE_UNAVAILABLE.as_u16()));
        }
        Outage::Cut => return None,
    }
    let answer = match route.operation {
        Operation::AdvowareUrl => world.advoware.locate(call, &stage.addresses),
        Operation::AdvowareToken => world.advoware.token(call, now),
        Operation::GoogleToken => world.google.token(call, now, Clock::real()),
        operation => match operation.system() {
            System::Advoware => world.advoware.answer(call, route, now),
            System::Espocrm => world
                .espocrm
                .answer_webhooks(&stage.webhooks, call, route, now)
                .unwrap_or_else(|| world.espocrm.answer(call, route, now)),
            System::Google => {
                let page_most = match fault {
                    Some(FaultKind::ShortPage { events }) => Some(*events),
                    _ => None,
                };
                world.google.answer(call, route, page_most, now)
            }
        },
    };
    drop(world);
    Some(answer)
}

/// What leaves for the client; `None` where the answer is lost.
async fn after(
    stage: &Stage,
    wire: &Wire,
    system: System,
    mut answer: Answer,
    fault: Option<&FaultKind>,
) -> Option<Response> {
    match fault {
        Some(FaultKind::AnswerLost) => return None,
        Some(FaultKind::AppliedThenHang) => {
            stage.stop.cancelled().await;
            wire.cut();
            return None;
        }
        Some(FaultKind::AppliedThenStatus { code }) => answer = bare(system, *code),
        Some(FaultKind::Google { reason, retry_after_seconds, applied: true }) => {
            answer = refused(*reason, *retry_after_seconds);
        }
        Some(FaultKind::EmptyBody) => answer.body = Bytes::new(),
        Some(FaultKind::MalformedBody) => answer.body = Bytes::from_static(b"{\"id\": <html>"),
        Some(FaultKind::NullField { field }) => reshape(&mut answer, field, false),
        Some(FaultKind::MissingField { field }) => reshape(&mut answer, field, true),
        Some(FaultKind::ListCut { kept }) => cut_list(&mut answer, *kept),
        Some(FaultKind::NullFrnr) => ["frnr", "frNr"].iter().for_each(|field| reshape(&mut answer, field, false)),
        Some(FaultKind::TruncatedBody) => return Some(truncated(&answer)),
        Some(FaultKind::OversizedBody { bytes }) => return Some(oversized(answer, *bytes)),
        _ => {}
    }
    Some(respond(answer))
}

/// Each system tells its own time, which a test may have set wrong.
fn dated(stage: &Stage, answer: Answer) -> Answer {
    answer.with_header("date", stage.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

fn respond(answer: Answer) -> Response {
    with_head(answer.status, &answer.headers, Body::from(answer.body))
}

fn with_head(status: StatusCode, headers: &[(&'static str, String)], body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(*name, value);
        }
    }
    response
}

/// Announces the whole length, sends half, breaks the connection.
fn truncated(answer: &Answer) -> Response {
    let announced = answer.body.len().max(2);
    let half = answer.body.slice(..answer.body.len() / 2);
    let pieces = stream::once(async move { Ok::<_, std::io::Error>(half) }).chain(stream::once(async {
        tokio::time::sleep(FLUSH_WAIT).await;
        Err(std::io::ErrorKind::ConnectionReset.into())
    }));
    let mut response = with_head(answer.status, &answer.headers, Body::from_stream(pieces));
    response.headers_mut().insert("content-length", HeaderValue::from(announced));
    response
}

/// Still valid JSON, behind far too many blanks; no announced length to be warned by.
fn oversized(answer: Answer, bytes: u64) -> Response {
    let blanks = stream::unfold(bytes, |left| async move {
        let piece = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE.len());
        (left > 0).then(|| (Ok::<_, std::io::Error>(Bytes::from_static(&PIECE[..piece])), left - piece as u64))
    });
    let pieces = blanks.chain(stream::once(async move { Ok(answer.body) }));
    with_head(answer.status, &answer.headers, Body::from_stream(pieces))
}

fn reshape(answer: &mut Answer, field: &str, remove: bool) {
    if let Some(mut body) = answer.body_json() {
        blank_out(&mut body, field, remove);
        answer.body = Bytes::from(body.to_string());
    }
}

/// Advoware's lists are bare, Google's stand in `items`.
fn cut_list(answer: &mut Answer, kept: usize) {
    let Some(mut body) = answer.body_json() else { return };
    let items = if body.is_array() { Some(&mut body) } else { body.get_mut("items") };
    if let Some(Value::Array(items)) = items {
        items.truncate(kept);
        answer.body = Bytes::from(body.to_string());
    }
}

fn blank_out(value: &mut Value, field: &str, remove: bool) {
    match value {
        Value::Object(map) => {
            if remove {
                map.remove(field);
            } else if let Some(inner) = map.get_mut(field) {
                *inner = Value::Null;
            }
            map.values_mut().for_each(|inner| blank_out(inner, field, remove));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| blank_out(inner, field, remove)),
        _ => {}
    }
}

async fn run_tasks(stage: &Stage, tasks: &[Task]) {
    for task in tasks {
        match task {
            Task::Edit(edit) => {
                let outcome = edit::apply(&mut locked(&stage.world), edit, stage.clock.now());
                stage.agenda.record(outcome);
            }
            Task::Pause(gate) => gate.pass(&stage.stop).await,
        }
    }
}

async fn wait_half(stage: &Stage, system: System) {
    let whole = match system {
        System::Advoware => &stage.latency.advoware_milliseconds,
        System::Espocrm => &stage.latency.espocrm_milliseconds,
        System::Google => &stage.latency.google_milliseconds,
    }
    .load(Ordering::Relaxed);
    if whole > 0 {
        tokio::time::sleep(Duration::from_micros(whole.saturating_mul(500))).await;
    }
}
