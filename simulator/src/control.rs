//! The control interface over HTTP, for what runs outside this process. Not part of the journal.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::advoware::NewKommunikation;
use crate::agenda::Moment;
use crate::control_termine;
use crate::edit::{self, Edit, EditOutcome, EditRefused};
use crate::fault::Fault;
use crate::firm::generate;
use crate::google::{GoogleHandle, GoogleRole};
use crate::handles::{AdvowareHandle, EspoHandle, WebhooksHandle};
use crate::journal::JournalEntry;
use crate::script::{self, CalendarScriptEdit, CalendarScriptOutcome, ScriptEdit, ScriptOutcome};
use crate::script::{calendar_edit_script, edit_script};
use crate::server::load;
use crate::stage::{Stage, locked};
use crate::webhook::{DeliveryReport, WebhookTarget};

type Held = State<Arc<Stage>>;
type Refused = (StatusCode, String);

pub(crate) fn router() -> Router<Arc<Stage>> {
    Router::new()
        .route("/", get(overview))
        .route("/about", get(about))
        .route("/state/advoware", get(all_advoware))
        .route("/state/advoware/{betnr}", get(one_advoware))
        .route("/state/espocrm", get(all_espocrm))
        .route("/state/espocrm/{id}", get(one_espocrm))
        .route("/state/notes", get(notes))
        .route("/state/google", get(google_calendars))
        .route("/state/google/{calendar}", get(google_events))
        .route("/seed/google_calendar", post(seed_google_calendar))
        .route("/seed/google_event", post(seed_google_event))
        .route("/google/service_account", get(google_service_account))
        .route("/google/sync_tokens", delete(expire_google_sync_tokens))
        .route("/seed/firm", post(seed_firm))
        .route("/seed/advoware", post(seed_advoware))
        .route("/seed/espocrm", post(seed_espocrm))
        .route("/edits", post(edit_now))
        .route("/schedule", post(schedule).get(scheduled).delete(clear_schedule))
        .route("/script", post(make_script))
        .route("/script/apply", post(apply_script))
        .route("/script/calendar", post(make_calendar_script))
        .route("/script/calendar/apply", post(apply_calendar_script))
        .route("/faults", post(arm).get(armed).delete(disarm))
        .route("/journal", get(journal).delete(clear_journal))
        .route("/latency", put(latency))
        .route("/clock", put(set_clock).get(clock))
        .route("/switches/advoware", get(advoware_switches).patch(switch_advoware))
        .route("/switches/espocrm", get(espo_switches).patch(switch_espo))
        .route("/switches/google", get(google_switches).patch(switch_google))
        .route("/webhooks", post(add_webhook).get(webhooks).delete(clear_webhooks))
        .route("/webhooks/deliver", post(deliver))
        .route("/webhooks/job", put(webhook_job))
        .merge(control_termine::router())
}

fn absent() -> Refused {
    (StatusCode::NOT_FOUND, "no such record".to_owned())
}

fn refused(reason: &EditRefused) -> Refused {
    (StatusCode::CONFLICT, reason.to_string())
}

/// What can be done here, for whoever opens the address that the demo prints.
pub(crate) async fn overview() -> &'static str {
    include_str!("control/overview.txt")
}

async fn about(State(stage): Held) -> Json<Value> {
    Json(json!({ "addresses": stage.addresses, "credentials": stage.credentials }))
}

async fn all_advoware(State(stage): Held) -> Json<Vec<Value>> {
    let handle = AdvowareHandle::new(&stage);
    Json(handle.betnrs().into_iter().filter_map(|betnr| handle.beteiligter(betnr)).collect())
}

async fn one_advoware(State(stage): Held, Path(betnr): Path<i64>) -> Result<Json<Value>, Refused> {
    AdvowareHandle::new(&stage).beteiligter(betnr).map(Json).ok_or_else(absent)
}

async fn all_espocrm(State(stage): Held) -> Json<Vec<Map<String, Value>>> {
    let handle = EspoHandle::new(&stage);
    Json(handle.ids().iter().filter_map(|id| handle.record(id)).collect())
}

async fn one_espocrm(State(stage): Held, Path(id): Path<String>) -> Result<Json<Map<String, Value>>, Refused> {
    EspoHandle::new(&stage).record(&id).map(Json).ok_or_else(absent)
}

async fn notes(State(stage): Held) -> Json<Value> {
    Json(json!(EspoHandle::new(&stage).notes()))
}

#[derive(Deserialize)]
struct FirmSize {
    seed: u64,
    size: usize,
}

async fn seed_firm(State(stage): Held, Json(wanted): Json<FirmSize>) -> Json<Value> {
    let firm = generate(wanted.seed, wanted.size);
    load(&stage, &firm);
    Json(json!({ "beteiligte": firm.beteiligte.len() }))
}

#[derive(Deserialize)]
struct AdvowareSeed {
    betnr: i64,
    fields: Value,
    #[serde(default)]
    rows: Vec<NewKommunikation>,
}

async fn seed_advoware(State(stage): Held, Json(seed): Json<AdvowareSeed>) -> Json<Value> {
    Json(json!({ "komm_ids": AdvowareHandle::new(&stage).seed(seed.betnr, seed.fields, seed.rows) }))
}

#[derive(Deserialize)]
struct EspoSeed {
    id: String,
    fields: Value,
}

async fn seed_espocrm(State(stage): Held, Json(seed): Json<EspoSeed>) -> Result<Json<Value>, Refused> {
    EspoHandle::new(&stage).seed(&seed.id, seed.fields).map_err(|reason| refused(&reason))?;
    Ok(Json(json!({ "id": seed.id })))
}

async fn google_service_account(State(stage): Held) -> Json<Value> {
    Json(GoogleHandle::new(&stage).service_account())
}

async fn google_calendars(State(stage): Held) -> Json<Vec<Value>> {
    Json(GoogleHandle::new(&stage).calendars())
}

/// Deleted events, too.
async fn google_events(State(stage): Held, Path(calendar): Path<String>) -> Json<Vec<Value>> {
    Json(GoogleHandle::new(&stage).all_events(&calendar))
}

async fn expire_google_sync_tokens(State(stage): Held) {
    GoogleHandle::new(&stage).expire_sync_tokens();
}

/// With `shared_as` a person's, shared with the service account in that role; without, the service account's own.
#[derive(Deserialize)]
struct GoogleCalendarSeed {
    summary: String,
    zone: String,
    shared_as: Option<GoogleRole>,
}

async fn seed_google_calendar(State(stage): Held, Json(seed): Json<GoogleCalendarSeed>) -> Json<Value> {
    let handle = GoogleHandle::new(&stage);
    let id = match seed.shared_as {
        Some(role) => handle.share_calendar(&seed.summary, &seed.zone, role),
        None => handle.seed_calendar(&seed.summary, &seed.zone),
    };
    Json(json!({ "calendar_id": id }))
}

#[derive(Deserialize)]
struct GoogleEventSeed {
    calendar_id: String,
    event: Value,
}

async fn seed_google_event(State(stage): Held, Json(seed): Json<GoogleEventSeed>) -> Result<Json<Value>, Refused> {
    let id = GoogleHandle::new(&stage).seed(&seed.calendar_id, seed.event).map_err(|reason| refused(&reason))?;
    Ok(Json(json!({ "event_id": id })))
}

async fn edit_now(State(stage): Held, Json(wanted): Json<Edit>) -> Result<Json<EditOutcome>, Refused> {
    let now = stage.clock.now();
    edit::apply(&mut locked(&stage.world), &wanted, now).map(Json).map_err(|reason| refused(&reason))
}

#[derive(Deserialize)]
struct Scheduled {
    moment: Moment,
    edit: Edit,
}

async fn schedule(State(stage): Held, Json(wanted): Json<Scheduled>) -> StatusCode {
    stage.agenda.edit_at(wanted.moment, wanted.edit);
    StatusCode::ACCEPTED
}

async fn scheduled(State(stage): Held) -> Json<Vec<Value>> {
    let outcomes = stage.agenda.outcomes().into_iter();
    let told = outcomes.map(|outcome| match outcome {
        Ok(outcome) => json!({ "done": outcome }),
        Err(reason) => json!({ "refused": reason }),
    });
    Json(told.collect())
}

async fn clear_schedule(State(stage): Held) {
    stage.agenda.clear();
}

#[derive(Deserialize)]
struct ScriptSize {
    seed: u64,
    length: usize,
}

async fn make_script(Json(wanted): Json<ScriptSize>) -> Json<Vec<ScriptEdit>> {
    Json(edit_script(wanted.seed, wanted.length))
}

/// `null` where no Beteiligter is suitable.
async fn apply_script(State(stage): Held, Json(line): Json<ScriptEdit>) -> Json<Option<ScriptOutcome>> {
    let now = stage.clock.now();
    Json(script::apply(&mut locked(&stage.world), &line, &mut locked(&stage.scripted), now))
}

async fn make_calendar_script(Json(wanted): Json<ScriptSize>) -> Json<Vec<CalendarScriptEdit>> {
    Json(calendar_edit_script(wanted.seed, wanted.length))
}

/// `null` where no entry is suitable.
async fn apply_calendar_script(
    State(stage): Held,
    Json(line): Json<CalendarScriptEdit>,
) -> Json<Option<CalendarScriptOutcome>> {
    let (now, used) = (stage.clock.now(), &mut locked(&stage.scripted_begins));
    Json(script::apply_to_calendar(&mut locked(&stage.world), &line, used, now))
}

async fn arm(State(stage): Held, Json(fault): Json<Fault>) -> StatusCode {
    stage.faults.arm(fault);
    StatusCode::CREATED
}

async fn armed(State(stage): Held) -> Json<Vec<Fault>> {
    Json(stage.faults.armed())
}

async fn disarm(State(stage): Held) {
    stage.faults.clear();
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

async fn journal(State(stage): Held, Query(from): Query<Since>) -> Json<Vec<JournalEntry>> {
    Json(stage.journal.since(from.since))
}

async fn clear_journal(State(stage): Held) {
    stage.journal.clear();
}

#[expect(clippy::struct_field_names, reason = "the unit belongs in the name")]
#[derive(Deserialize)]
struct Waits {
    advoware_milliseconds: Option<u64>,
    espocrm_milliseconds: Option<u64>,
    google_milliseconds: Option<u64>,
}

async fn latency(State(stage): Held, Json(wanted): Json<Waits>) {
    if let Some(milliseconds) = wanted.advoware_milliseconds {
        stage.latency.advoware_milliseconds.store(milliseconds, Ordering::Relaxed);
    }
    if let Some(milliseconds) = wanted.espocrm_milliseconds {
        stage.latency.espocrm_milliseconds.store(milliseconds, Ordering::Relaxed);
    }
    if let Some(milliseconds) = wanted.google_milliseconds {
        stage.latency.google_milliseconds.store(milliseconds, Ordering::Relaxed);
    }
}

#[derive(Serialize, Deserialize)]
struct Offset {
    offset_milliseconds: i64,
}

async fn clock(State(stage): Held) -> Json<Offset> {
    Json(Offset { offset_milliseconds: stage.clock.offset_milliseconds() })
}

async fn set_clock(State(stage): Held, Json(wanted): Json<Offset>) {
    stage.clock.set_offset_milliseconds(wanted.offset_milliseconds);
}

/// Lays the given keys over a switch set; unknown keys are refused.
fn overlay<T: Serialize + DeserializeOwned>(current: &T, given: Map<String, Value>) -> Result<T, Refused> {
    let bad = |error: serde_json::Error| (StatusCode::BAD_REQUEST, error.to_string());
    let mut merged = serde_json::to_value(current).map_err(bad)?;
    if let Value::Object(map) = &mut merged {
        map.extend(given);
    }
    serde_json::from_value(merged).map_err(bad)
}

async fn advoware_switches(State(stage): Held) -> Json<Value> {
    Json(json!(AdvowareHandle::new(&stage).switches()))
}

async fn switch_advoware(State(stage): Held, Json(given): Json<Map<String, Value>>) -> Result<Json<Value>, Refused> {
    let handle = AdvowareHandle::new(&stage);
    let merged = overlay(&handle.switches(), given)?;
    handle.switch(|switches| *switches = merged);
    Ok(Json(json!(handle.switches())))
}

async fn espo_switches(State(stage): Held) -> Json<Value> {
    Json(json!(EspoHandle::new(&stage).switches()))
}

async fn switch_espo(State(stage): Held, Json(given): Json<Map<String, Value>>) -> Result<Json<Value>, Refused> {
    let handle = EspoHandle::new(&stage);
    let merged = overlay(&handle.switches(), given)?;
    handle.switch(|switches| *switches = merged);
    Ok(Json(json!(handle.switches())))
}

async fn google_switches(State(stage): Held) -> Json<Value> {
    Json(json!(GoogleHandle::new(&stage).switches()))
}

async fn switch_google(State(stage): Held, Json(given): Json<Map<String, Value>>) -> Result<Json<Value>, Refused> {
    let handle = GoogleHandle::new(&stage);
    let merged = overlay(&handle.switches(), given)?;
    handle.switch(|switches| *switches = merged);
    Ok(Json(json!(handle.switches())))
}

async fn add_webhook(State(stage): Held, Json(target): Json<WebhookTarget>) -> StatusCode {
    WebhooksHandle::new(&stage).add(target);
    StatusCode::CREATED
}

async fn webhooks(State(stage): Held) -> Json<Vec<WebhookTarget>> {
    Json(WebhooksHandle::new(&stage).targets())
}

async fn clear_webhooks(State(stage): Held) {
    WebhooksHandle::new(&stage).clear();
}

async fn deliver(State(stage): Held) -> Json<DeliveryReport> {
    Json(WebhooksHandle::new(&stage).deliver().await)
}

#[derive(Deserialize)]
struct Job {
    interval_milliseconds: Option<u64>,
    twice: Option<bool>,
}

async fn webhook_job(State(stage): Held, Json(wanted): Json<Job>) {
    let handle = WebhooksHandle::new(&stage);
    if let Some(milliseconds) = wanted.interval_milliseconds {
        handle.set_interval_milliseconds(milliseconds);
    }
    if let Some(twice) = wanted.twice {
        handle.set_twice(twice);
    }
}
