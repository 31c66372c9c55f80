//! The limits against a Redis of their own.

mod breaker_model;
mod breakers;
mod parallel;
mod permits;
mod rate;
mod some_permits;

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::Limits;
use crate::advoware::private_redis::PrivateRedis;

const DEADLINE: Duration = Duration::from_secs(30);

async fn limits() -> (PrivateRedis, Limits) {
    let redis = PrivateRedis::start().await;
    let limits = another(&redis).await;
    (redis, limits)
}

/// What another process has: a connection of its own.
async fn another(redis: &PrivateRedis) -> Limits {
    Limits::connect(redis.url().as_str()).await.expect("Redis answers")
}

/// Asks until it is so; fails after a deadline that no healthy machine reaches.
async fn until<F: Future<Output = bool>>(what: &str, ask: impl Fn() -> F) {
    let deadline = Instant::now() + DEADLINE;
    while !ask().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
