//! Liveness, readiness and metrics over HTTP, the same for every program (CONTRACT).

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use chrono::SecondsFormat;
use futures::future::join_all;
use metrics::gauge;
use serde_json::{Map, Value, json};

use crate::error::System;
use crate::hub::Hub;
use crate::limits::{Breakers, Standing, UP};
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

/// What no program can work without, as it answers now: `None` if it does, else why not.
struct Stores {
    redis: Option<String>,
    postgres: Option<String>,
}

impl Health {
    async fn stores(&self) -> Stores {
        let redis = tokio::time::timeout(CHECK_TIMEOUT, self.queue.counts());
        let postgres = tokio::time::timeout(CHECK_TIMEOUT, self.hub.check());
        let (redis, postgres) = tokio::join!(redis, postgres);
        let silent = || Some(format!("no answer within {} s", CHECK_TIMEOUT.as_secs()));
        Stores {
            redis: redis.map_or_else(|_| silent(), |asked| asked.err().map(|error| error.to_string())),
            postgres: postgres.map_or_else(|_| silent(), |asked| asked.err().map(|error| error.to_string())),
        }
    }
}

/// Not ready only for Redis and PostgreSQL: an outside system that is down is no reason to restart a program.
async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    let Stores { redis, postgres } = health.stores().await;
    let is_ready = redis.is_none() && postgres.is_none();
    let told = |problem: Option<String>| problem.unwrap_or_else(|| "ready".to_owned());
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let systems: Map<String, Value> = System::ALL
        .iter()
        .map(|system| (system.name().to_owned(), standing(health.breakers.standing(*system))))
        .collect();
    let word = if is_ready { "ready" } else { "not ready" };
    (status, Json(json!({"status": word, "redis": told(redis), "postgres": told(postgres), "systems": systems})))
}

fn standing(standing: Standing) -> Value {
    match standing {
        Standing::Up => json!("up"),
        Standing::Down { next_try } => {
            json!(format!("down, next try at {}", next_try.to_rfc3339_opts(SecondsFormat::Secs, true)))
        }
    }
}

/// Gauges of the queues, and whether Redis and PostgreSQL are there, are looked up when somebody asks: they cost nothing in between.
/// All at once, so that an answer takes no longer than one check although nobody answers us.
async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    let depths = join_all(health.told_queues.iter().map(async |queue| {
        let counts = tokio::time::timeout(CHECK_TIMEOUT, queue.counts()).await.ok()?.ok()?;
        Some((queue.name(), counts))
    }));
    let (depths, stores) = tokio::join!(depths, health.stores());
    let depths: Vec<_> = depths.into_iter().flatten().collect();
    crate::queue::set_queue_gauges(&depths);
    // Known by the names that alerts and dashboard have for them.
    for (store, problem) in [("redis", &stores.redis), ("postgres", &stores.postgres)] {
        gauge!(UP, "system" => store).set(if problem.is_none() { 1.0 } else { 0.0 });
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], health.metrics.render())
}
