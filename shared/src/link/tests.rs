//! How a link heals, on real servers.

use std::time::Duration;

use redis::{AsyncCommands, ErrorKind, RedisError, ServerErrorKind};
use tokio::time::Instant;

use super::private_redis::PrivateRedis;
use super::{Limits, Link};

/// Limits that pass within a test.
const SHORT: Limits = Limits { connect: Duration::from_millis(300), answer: Duration::from_millis(100) };
const DEADLINE: Duration = Duration::from_secs(30);

async fn short_link(redis: &PrivateRedis) -> Link {
    Link::connect_within(SHORT, redis.url().as_str().try_into().unwrap()).await.unwrap()
}

async fn client_id(link: &Link) -> i64 {
    redis::cmd("CLIENT").arg("ID").query_async(&mut link.commands()).await.unwrap()
}

async fn set(link: &Link) -> Result<(), RedisError> {
    link.commands().set("key", "value").await
}

#[tokio::test]
async fn j4_a_command_whose_answer_is_lost_is_not_sent_again() {
    let redis = PrivateRedis::start().await;
    let link = short_link(&redis).await;
    redis.signal("-STOP");
    let lost: Result<i64, RedisError> = link.commands().incr("sent", 1).await;
    assert!(lost.unwrap_err().is_timeout());
    redis.signal("-CONT");
    link.wait_until_back(Instant::now() + DEADLINE).await.unwrap();

    let deadline = Instant::now() + DEADLINE;
    let mut sent = 0;
    // Redis has the command in its socket's buffer still, and takes it up in its own time.
    while sent == 0 && Instant::now() < deadline {
        sent = link.commands().get::<_, Option<i64>>("sent").await.unwrap().unwrap_or_default();
    }
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn j4_a_restarted_redis_is_found_by_the_next_command() {
    let mut redis = PrivateRedis::start().await;
    let link = Link::connect(redis.url().as_str()).await.unwrap();
    set(&link).await.unwrap();
    redis.kill();
    assert!(set(&link).await.unwrap_err().is_io_error());
    assert!(set(&link).await.unwrap_err().is_io_error());
    redis.start_again().await;
    let back = Instant::now();
    link.wait_until_back(back + DEADLINE).await.unwrap();
    set(&link).await.unwrap();
    assert!(back.elapsed() < Duration::from_secs(1), "{:?}", back.elapsed());
}

#[tokio::test]
async fn j4_a_stall_of_three_seconds_costs_no_command() {
    let redis = PrivateRedis::start().await;
    let link = Link::connect(redis.url().as_str()).await.unwrap();
    let before = client_id(&link).await;
    redis.signal("-STOP");
    let command = tokio::spawn({
        let link = link.clone();
        async move { set(&link).await }
    });
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!command.is_finished());
    redis.signal("-CONT");
    command.await.unwrap().unwrap();
    assert_eq!(client_id(&link).await, before);
}

#[tokio::test]
async fn j4_those_who_wait_for_a_connection_share_one_attempt() {
    let redis = PrivateRedis::start().await;
    let link = short_link(&redis).await;
    redis.signal("-STOP");
    set(&link).await.unwrap_err();

    let began = Instant::now();
    let all = futures::future::join_all((0..100).map(|_| set(&link))).await;
    let took = began.elapsed();
    assert!(all.iter().all(|answer| answer.as_ref().is_err_and(RedisError::is_timeout)));
    assert!((SHORT.connect..SHORT.connect * 2).contains(&took), "{took:?}");

    redis.signal("-CONT");
    link.wait_until_back(Instant::now() + DEADLINE).await.unwrap();
}

#[tokio::test]
async fn j4_a_demoted_master_is_left_though_its_connection_works() {
    let redis = PrivateRedis::start().await;
    let link = Link::connect(redis.url().as_str()).await.unwrap();
    let before = client_id(&link).await;
    let replica_of = async |host: &str, port: &str| {
        let command = redis::cmd("REPLICAOF").arg(host).arg(port).to_owned();
        let () = command.query_async(&mut link.commands()).await.unwrap();
    };
    replica_of("127.0.0.1", "1").await;
    let refused = set(&link).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Server(ServerErrorKind::ReadOnly));
    assert_ne!(client_id(&link).await, before);

    replica_of("NO", "ONE").await;
    set(&link).await.unwrap();
}

#[tokio::test]
async fn j4_the_wait_for_redis_ends_in_time() {
    let mut redis = PrivateRedis::start().await;
    let link = Link::connect(redis.url().as_str()).await.unwrap();
    redis.kill();
    let began = Instant::now();
    link.wait_until_back(began + Duration::from_millis(400)).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}
