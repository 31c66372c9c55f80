//! The part of the control interface that deals with Termine and Mitarbeiter.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{Datelike as _, NaiveDate};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::advoware::Mitarbeiter;
use crate::firm::generate_calendar;
use crate::handles::AdvowareHandle;
use crate::server::load_calendar;
use crate::stage::Stage;

type Held = State<Arc<Stage>>;

pub(crate) fn router() -> Router<Arc<Stage>> {
    Router::new()
        .route("/state/termine", get(all_termine))
        .route("/state/termine/{frnr}", get(one_termin))
        .route("/state/mitarbeiter", get(all_mitarbeiter))
        .route("/seed/termin", post(seed_termin))
        .route("/seed/mitarbeiter", post(seed_mitarbeiter))
        .route("/seed/calendar", post(seed_calendar))
}

async fn all_termine(State(stage): Held) -> Json<Vec<Value>> {
    let handle = AdvowareHandle::new(&stage);
    Json(handle.frnrs().into_iter().filter_map(|frnr| handle.termin(frnr)).collect())
}

async fn one_termin(State(stage): Held, Path(frnr): Path<i64>) -> Result<Json<Value>, StatusCode> {
    AdvowareHandle::new(&stage).termin(frnr).map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn all_mitarbeiter(State(stage): Held) -> Json<Vec<Mitarbeiter>> {
    Json(AdvowareHandle::new(&stage).mitarbeiter())
}

async fn seed_termin(State(stage): Held, Json(fields): Json<Value>) -> Json<Value> {
    Json(json!({ "frNr": AdvowareHandle::new(&stage).seed_termin(fields) }))
}

async fn seed_mitarbeiter(State(stage): Held, Json(who): Json<Mitarbeiter>) -> StatusCode {
    AdvowareHandle::new(&stage).seed_mitarbeiter(&who.kuerzel, &who.name);
    StatusCode::CREATED
}

#[derive(Deserialize)]
struct CalendarSize {
    seed: u64,
    employees: usize,
    appointments_each: usize,
    /// The simulator's own day where none is given.
    today: Option<NaiveDate>,
}

async fn seed_calendar(State(stage): Held, Json(wanted): Json<CalendarSize>) -> Result<Json<Value>, StatusCode> {
    let today = wanted.today.unwrap_or_else(|| stage.clock.now().date_naive());
    // Beyond these years the window would leave the calendar.
    if !(1900..=2200).contains(&today.year()) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let calendar = generate_calendar(wanted.seed, wanted.employees, wanted.appointments_each, today);
    load_calendar(&stage, &calendar);
    Ok(Json(json!({ "mitarbeiter": calendar.mitarbeiter.len(), "termine": calendar.termine.len() })))
}
