//! One log-in for all workers, against a real Redis and a gateway that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use domain::ids::BetNr;
use serde_json::json;

use super::*;
use crate::advoware::Advoware;
use crate::advoware::private_redis::PrivateRedis;
use crate::clock::ClockHand;
use crate::error::Refusal;
use crate::settings::Source;

/// A gateway and an API in one; tokens are `t1`, `t2`, ... in the order of log-ins.
struct Gateway {
    address: String,
    log_ins: Arc<AtomicUsize>,
}

impl Gateway {
    /// `log_in` answers the nth log-in, counted from 1. The API takes tokens from `t<from>` on.
    async fn start(from: usize, log_in: fn(usize) -> (StatusCode, serde_json::Value)) -> Self {
        let log_ins = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&log_ins);
        let token = post(move || {
            let n = counter.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let (status, body) = log_in(n);
                (status, Json(body))
            }
        });
        let beteiligte = axum::routing::get(move |headers: axum::http::HeaderMap| async move {
            let token = headers["authorization"].to_str().unwrap().strip_prefix("Bearer t").unwrap().to_owned();
            if token.parse::<usize>().unwrap() >= from {
                (StatusCode::OK, Json(json!({"betNr": 7, "kommunikation": []})))
            } else {
                (StatusCode::UNAUTHORIZED, Json(json!({})))
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let routes = Router::new()
            .route("/api/v1/Token", token)
            .route("/api/v1/advonet/Beteiligte/{betnr}", beteiligte)
            .route("/api/Url", configurator(address.clone()));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, log_ins }
    }

    fn log_ins(&self) -> usize {
        self.log_ins.load(Ordering::SeqCst)
    }

    /// A worker of its own: nothing but Redis is shared with the others.
    async fn worker(&self, redis: &PrivateRedis, password: &str) -> (Advoware, ClockHand) {
        self.worker_with(redis, password, [("ADVOWARE_API_BASE_URL", self.address.as_str())]).await
    }

    async fn worker_with<const N: usize>(
        &self,
        redis: &PrivateRedis,
        password: &str,
        more: [(&str, &str); N],
    ) -> (Advoware, ClockHand) {
        let own = [
            ("ADVOWARE_AUTH_URL", self.address.as_str()),
            ("ADVOWARE_APP_ID", "app"),
            ("ADVOWARE_API_KEY", "dGVzdC1zZWNyZXQta2V5"),
            ("ADVOWARE_KANZLEI", "kanzlei"),
            ("ADVOWARE_DATABASE", "db"),
            ("ADVOWARE_USER", "SB"),
            ("ADVOWARE_PASSWORD", password),
        ];
        let source: Source = own.into_iter().chain(more).collect();
        let (clock, hand) = Clock::by_hand(DateTime::UNIX_EPOCH);
        let settings = AdvowareSettings::read(&source).unwrap();
        (Advoware::new(&settings, redis.cache().await, clock).unwrap(), hand)
    }
}

/// Knows one firm, which has no connector of its own.
fn configurator(relay: String) -> axum::routing::MethodRouter {
    axum::routing::get(move |axum::extract::RawQuery(query): axum::extract::RawQuery| async move {
        match query.as_deref() {
            Some("Kanzlei=kanzlei") => (StatusCode::OK, Json(json!({"relayUrl": relay, "connectorUrl": null}))),
            _ => (StatusCode::NOT_FOUND, Json(json!({"Message": "Die Kanzlei ist nicht registriert."}))),
        }
    })
}

fn granted(n: usize) -> (StatusCode, serde_json::Value) {
    (StatusCode::OK, json!({"access_token": format!("t{n}"), "expires_in": 3300}))
}

fn wrong_password(_: usize) -> (StatusCode, serde_json::Value) {
    (StatusCode::UNAUTHORIZED, json!({"Message": "Falscher Name oder falsches Kennwort"}))
}

fn down(_: usize) -> (StatusCode, serde_json::Value) {
    (StatusCode::SERVICE_UNAVAILABLE, json!({}))
}

/// Four workers with five tasks each ask at once.
async fn ask_at_once(gateway: &Gateway, redis: &PrivateRedis) -> Vec<Result<(), ApiError>> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (advoware, _) = gateway.worker(redis, "p").await;
        for _ in 0..5 {
            let advoware = advoware.clone();
            tasks.spawn(async move { advoware.get_beteiligte(BetNr(7)).await.map(drop) });
        }
    }
    tasks.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_workers_share_one_log_in() {
    let (redis, gateway) = (PrivateRedis::start().await, Gateway::start(1, granted).await);
    assert!(ask_at_once(&gateway, &redis).await.iter().all(Result::is_ok));
    assert_eq!(gateway.log_ins(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_replaced_once_for_all() {
    let (redis, gateway) = (PrivateRedis::start().await, Gateway::start(2, granted).await);
    assert!(ask_at_once(&gateway, &redis).await.iter().all(Result::is_ok));
    assert_eq!(gateway.log_ins(), 2);
}

#[tokio::test]
async fn a_second_refusal_ends_the_call() {
    let (redis, gateway) = (PrivateRedis::start().await, Gateway::start(99, granted).await);
    let (advoware, _) = gateway.worker(&redis, "p").await;
    let error = advoware.get_beteiligte(BetNr(7)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::CredentialsRefused(Refusal::TokenRejected));
    assert_eq!(gateway.log_ins(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_sent_once_and_a_corrected_one_at_once() {
    let (redis, gateway) = (PrivateRedis::start().await, Gateway::start(1, wrong_password).await);
    for result in ask_at_once(&gateway, &redis).await {
        assert_eq!(result.unwrap_err().kind, ErrorKind::CredentialsRefused(Refusal::WrongPassword));
    }
    assert_eq!(gateway.log_ins(), 1);
    let (corrected, _) = gateway.worker(&redis, "other").await;
    assert!(corrected.get_beteiligte(BetNr(7)).await.is_err());
    assert_eq!(gateway.log_ins(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_waited_for_a_failed_log_in_do_not_try_in_turn() {
    let (redis, gateway) = (PrivateRedis::start().await, Gateway::start(1, down).await);
    for result in ask_at_once(&gateway, &redis).await {
        assert_eq!(result.unwrap_err().kind, ErrorKind::Unavailable { retry_after: None });
    }
    assert!(gateway.log_ins() <= 4, "at most once per worker: {}", gateway.log_ins());
}

#[tokio::test]
async fn a_token_is_replaced_two_minutes_before_its_end() {
    let (redis, gateway) = (PrivateRedis::start().await, Gateway::start(1, granted).await);
    let (advoware, hand) = gateway.worker(&redis, "p").await;
    advoware.get_beteiligte(BetNr(7)).await.unwrap();
    hand.advance(Duration::from_secs(3300 - 121));
    advoware.get_beteiligte(BetNr(7)).await.unwrap();
    assert_eq!(gateway.log_ins(), 1);
    hand.advance(Duration::from_secs(2));
    advoware.get_beteiligte(BetNr(7)).await.unwrap();
    assert_eq!(gateway.log_ins(), 2);
}

#[tokio::test]
async fn without_redis_the_call_fails_as_such() {
    let (redis, gateway) = (PrivateRedis::start().await, Gateway::start(1, granted).await);
    let (advoware, _) = gateway.worker(&redis, "p").await;
    drop(redis);
    let error = advoware.get_beteiligte(BetNr(7)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::CacheUnavailable);
    assert_eq!(gateway.log_ins(), 0);
}

#[tokio::test]
async fn the_apis_address_is_looked_up_where_it_is_not_configured() {
    let (redis, gateway) = (PrivateRedis::start().await, Gateway::start(1, granted).await);
    let configurator = ("ADVOWARE_CONFIGURATOR_URL", gateway.address.as_str());
    let (advoware, _) = gateway.worker_with(&redis, "p", [configurator]).await;
    assert!(advoware.get_beteiligte(BetNr(7)).await.is_ok());

    let (advoware, _) = gateway.worker_with(&redis, "p", [configurator, ("ADVOWARE_KANZLEI", "other")]).await;
    let error = advoware.get_beteiligte(BetNr(7)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::CredentialsRefused(Refusal::NotRegistered));
    assert_eq!(error.operation, Operation::AdvowareUrl);
}
