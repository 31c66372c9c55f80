//! The harness: private servers answer, keep to themselves, survive what the fault tests do to them, and go.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use harness::{PrivatePostgres, PrivateRedis, ProcessId, ReservedPort, Result, eventually};
use redis::AsyncCommands;
use sqlx::{Connection, Executor, PgConnection};

const WITHIN: Duration = Duration::from_secs(10);

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

async fn count(url: &str, table: &str) -> Result<i64> {
    let mut connection = PgConnection::connect(url).await?;
    let statement = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    let rows = sqlx::query_scalar(statement).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(rows)
}

async fn execute(url: &str, statement: &'static str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    connection.execute(statement).await?;
    Ok(connection.close().await?)
}

#[tokio::test]
async fn two_of_each_start_at_the_same_time_and_leave_nothing() -> Result<()> {
    let (redis_1, redis_2, postgres_1, postgres_2) = tokio::try_join!(
        PrivateRedis::start(),
        PrivateRedis::start(),
        PrivatePostgres::start(),
        PrivatePostgres::start()
    )?;

    redis_1.connection().await?.set::<_, _, ()>("whose", 1).await?;
    let other: Option<u32> = redis_2.connection().await?.get("whose").await?;
    assert_eq!(other, None, "they are two");
    execute(&postgres_1.url("postgres"), "CREATE TABLE one ()").await?;
    assert!(count(&postgres_2.url("postgres"), "one").await.is_err(), "they are two");

    let servers = [redis_1.pid(), redis_2.pid(), postgres_1.pid(), postgres_2.pid()].map(|pid| pid.unwrap());
    let family: Vec<ProcessId> = servers.into_iter().flat_map(|pid| pid.children().into_iter().chain([pid])).collect();
    let ports = [redis_1.port(), redis_2.port(), postgres_1.port(), postgres_2.port()];
    assert!(family.len() > servers.len(), "PostgreSQL has children");
    // Of the children, a session's may end at any moment.
    assert!(servers.iter().all(|pid| pid.is_alive()));
    assert!(ports.iter().all(|port| listens(*port)));

    drop((redis_1, redis_2, postgres_1, postgres_2));
    assert!(ports.iter().all(|port| !listens(*port)));
    eventually(WITHIN, "all processes are gone", async || family.iter().all(|pid| !pid.is_alive())).await
}

#[tokio::test]
async fn strangers_are_turned_away() -> Result<()> {
    let (redis, postgres) = tokio::try_join!(PrivateRedis::start(), PrivatePostgres::start())?;
    let anonymous = redis::Client::open(format!("redis://127.0.0.1:{}/", redis.port()))?;
    let mut connection = anonymous.get_multiplexed_async_connection().await?;
    assert!(connection.get::<_, Option<u32>>("x").await.is_err());
    let wrong = postgres.url("postgres").replace(postgres.password(), "guess");
    assert!(PgConnection::connect(&wrong).await.is_err());
    Ok(())
}

#[tokio::test]
async fn redis_keeps_port_and_data_when_stopped_killed_or_paused() -> Result<()> {
    let redis = PrivateRedis::start().await?;
    let port = redis.port();
    redis.connection().await?.set::<_, _, ()>("kept", 1).await?;

    redis.stop().await?;
    assert!(!listens(port));
    assert!(redis.pid().is_none());
    assert!(redis.connection().await.is_err());
    redis.start_again().await?;

    redis.kill().await?;
    assert!(!listens(port));
    redis.start_again().await?;
    redis.restart().await?;
    assert_eq!(redis.port(), port);

    let mut connection = redis.connection().await?;
    redis.pause()?;
    assert!(connection.get::<_, u32>("kept").await.is_err(), "frozen, so it times out");
    redis.resume()?;
    let kept: u32 = eventually(WITHIN, "Redis answers again", async || connection.get("kept").await).await?;
    assert_eq!(kept, 1);
    Ok(())
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() -> Result<()> {
    let redis = PrivateRedis::start().await?;
    redis.stop().await?;
    let stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, redis.port()))?;
    let error = redis.start_again().await.unwrap_err().to_string();
    assert!(error.contains("Address already in use"), "{error}");
    drop(stranger);
    redis.start_again().await
}

#[tokio::test]
async fn a_paused_redis_is_ended_too() -> Result<()> {
    let redis = PrivateRedis::start().await?;
    let pid = redis.pid().unwrap();
    redis.pause()?;
    drop(redis);
    assert!(!pid.is_alive());
    Ok(())
}

#[tokio::test]
async fn databases_are_copies_of_the_template_and_separate() -> Result<()> {
    let postgres = PrivatePostgres::start().await?;
    let fill = async |url: String| execute(&url, "CREATE TABLE rule (id int); INSERT INTO rule VALUES (1)").await;
    postgres.prepare_template(fill).await?;
    let (first, second) = tokio::try_join!(postgres.create_database(), postgres.create_database())?;
    execute(&first.url, "INSERT INTO rule VALUES (2)").await?;
    assert_eq!(count(&first.url, "rule").await?, 2);
    assert_eq!(count(&second.url, "rule").await?, 1);
    Ok(())
}

#[tokio::test]
async fn postgres_keeps_port_and_data_when_stopped_or_killed() -> Result<()> {
    let postgres = PrivatePostgres::start().await?;
    let database = postgres.create_database().await?;
    execute(&database.url, "CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)").await?;

    postgres.stop().await?;
    assert!(!listens(postgres.port()));
    assert!(count(&database.url, "kept").await.is_err());
    postgres.start_again().await?;
    assert_eq!(count(&database.url, "kept").await?, 1);

    postgres.kill().await?;
    assert!(!listens(postgres.port()));
    postgres.start_again().await?;
    assert_eq!(count(&database.url, "kept").await?, 1);
    Ok(())
}

#[test]
fn reserved_ports_differ_and_are_free() -> Result<()> {
    let ports = (0..50).map(|_| ReservedPort::reserve()).collect::<Result<Vec<_>>>()?;
    let mut numbers: Vec<u16> = ports.iter().map(ReservedPort::number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 50);
    assert!(numbers.iter().all(|number| !listens(*number)));
    Ok(())
}
