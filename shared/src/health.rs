//! Liveness, readiness and metrics over HTTP, the same for every program (CONTRACT).

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use crate::error::System;
use crate::hub::Hub;
use crate::limits::{Breakers, Standing};
use crate::queue::Queue;
use crate::telemetry::Metrics;

/// A probe must answer before its caller gives up; kubelet's default is 1 s, most others wait longer.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// What a program needs to be ready, and what it measured.
#[derive(Clone)]
pub struct Health {
    /// The queue's Redis.
    pub queue: Queue,
    /// The hub's PostgreSQL.
    pub hub: Hub,
    /// How the outside systems stand.
    pub breakers: Breakers,
    /// The program's metrics.
    pub metrics: Metrics,
    /// Queues whose depth it tells: the producer all, a worker none; from every worker too, sums would be wrong.
    pub told_queues: Vec<Queue>,
}

/// `/healthz`, `/readyz`, `/metrics`.
pub fn routes(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(|| async { Json(json!({"status": "alive"})) }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(health)
}

/// Not ready only for Redis and PostgreSQL: an outside system that is down is no reason to restart a program.
async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    let redis = tokio::time::timeout(CHECK_TIMEOUT, health.queue.counts());
    let postgres = tokio::time::timeout(CHECK_TIMEOUT, health.hub.check());
    let (redis, postgres) = tokio::join!(redis, postgres);
    let told = |result: Result<Option<String>, _>| match result {
        Ok(None) => json!("ready"),
        Ok(Some(error)) => json!(error),
        Err(_) => json!(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())),
    };
    let redis = told(redis.map(|result| result.err().map(|error| error.to_string())));
    let postgres = told(postgres.map(|result| result.err().map(|error| error.to_string())));
    let is_ready = redis == "ready" && postgres == "ready";
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let systems: Map<String, Value> = System::ALL
        .iter()
        .map(|system| (system.name().to_owned(), standing(health.breakers.standing(*system))))
        .collect();
    let word = if is_ready { "ready" } else { "not ready" };
    (status, Json(json!({"status": word, "redis": redis, "postgres": postgres, "systems": systems})))
}

fn standing(standing: Standing) -> Value {
    match standing {
        Standing::Up => json!("up"),
        Standing::Down { next_try } => {
            json!(format!("down, next try at {}", next_try.to_rfc3339_opts(SecondsFormat::Secs, true)))
        }
    }
}

/// Queue gauges are read when somebody asks, so they cost nothing in between.
async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    let mut depths = Vec::new();
    for queue in &health.told_queues {
        if let Ok(Ok(counts)) = tokio::time::timeout(CHECK_TIMEOUT, queue.counts()).await {
            depths.push((queue.name(), counts));
        }
    }
    crate::queue::set_queue_gauges(&depths);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], health.metrics.render())
}
