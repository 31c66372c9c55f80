//! Every way to reach Redis that production asks for, and a master that is replaced under way.

use std::time::Duration;

use domain::job::Wants;
use domain::kommunikation::Direction;
use harness::world::{PATIENCE, World, install_crypto, mail, row};
use harness::{Certificates, Finished, PrivateRedis, PrivateSentinels, Program, RedisOptions, Result, eventually};
use redis::AsyncCommands;
use serde_json::json;
use shared::queue::{Asker, NewJob, Queue, QueueError, QueueName};
use tokio::time::Instant;

/// From the Sentinels' naming another master to work's going on (J4).
const GOES_ON_WITHIN: Duration = Duration::from_secs(2);

async fn connect(url: &str) -> std::result::Result<Queue, QueueError> {
    install_crypto();
    Queue::connect(url, QueueName::Beteiligte).await
}

async fn trigger(queue: &Queue, entity: &str) -> std::result::Result<(), QueueError> {
    let job = NewJob { entity: entity.to_owned(), wants: Wants::sync(Direction::Both) };
    queue.enqueue(&[job], Asker::Event).await.map(drop)
}

/// The producer queues one record, as an operator has it do.
async fn enqueue_by_command(url: &str, authority: Option<&Certificates>) -> Result<Finished> {
    let mut producer = Program::built("kanzleisync-producer")?.args(["enqueue", "beteiligte", "0123456789abcdef0"]);
    if let Some(authority) = authority {
        producer = producer.env("SSL_CERT_FILE", authority.authority().display());
    }
    producer.env("REDIS_URL", url).run(PATIENCE).await
}

async fn keys(redis: &PrivateRedis) -> Result<u64> {
    let mut connection = redis.connection().await?;
    redis::cmd("SELECT").arg(1).exec_async(&mut connection).await?;
    Ok(redis::cmd("DBSIZE").query_async(&mut connection).await?)
}

#[tokio::test]
async fn e3_tls_trusts_the_machines_authority_and_no_other() -> Result<()> {
    let certificates = Certificates::make()?;
    let redis = PrivateRedis::start_with(RedisOptions { tls: Some(&certificates), replica_of: None }).await?;
    let url = redis.url_of_database(1);

    let done = enqueue_by_command(&url, Some(&certificates)).await?;
    assert_eq!(done.code(), Some(0), "{}", done.stderr);
    assert!(keys(&redis).await? > 0);

    for (url, expected) in [(&url, "certificate"), (&url.replace("rediss:", "redis:"), "redis")] {
        let refused = enqueue_by_command(url, None).await?;
        assert_eq!(refused.code(), Some(2), "{}", refused.stderr);
        assert!(refused.stderr.contains(expected) && !refused.stderr.contains(redis.password()), "{}", refused.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn a_user_with_rights_to_our_keys_only_is_enough() -> Result<()> {
    let redis = PrivateRedis::start().await?;
    let rules = ["on", ">p@ss:w/rd", "~*kanzleisync:*", "&*kanzleisync:*", "+@all", "-@dangerous", "-@admin"];
    redis::cmd("ACL").arg("SETUSER").arg("queue").arg(&rules).exec_async(&mut redis.connection().await?).await?;

    let queue = connect(&format!("redis://queue:p%40ss:w%2Frd@127.0.0.1:{}/1", redis.port())).await.unwrap();
    trigger(&queue, "one").await.unwrap();
    assert_eq!(queue.counts().await.unwrap().ready, 1);
    Ok(())
}

#[tokio::test]
async fn e3_a_wrong_password_is_told_without_it() -> Result<()> {
    let redis = PrivateRedis::start().await?;
    for login in ["queue:planted-secret", ":planted-secret"] {
        let url = format!("redis://{login}@127.0.0.1:{}/1", redis.port());
        let refused = enqueue_by_command(&url, None).await?;
        assert_eq!(refused.code(), Some(2));
        assert!(refused.stderr.contains("refuses this user or password"), "{}", refused.stderr);
        assert!(!refused.stderr.contains("planted-secret"), "{}", refused.stderr);
    }
    let none = connect(&format!("redis://127.0.0.1:{}/1", redis.port())).await.err().unwrap().to_string();
    assert!(none.contains("Authentication required"), "{none}");
    Ok(())
}

#[tokio::test]
async fn a_unix_socket_is_an_address_too() -> Result<()> {
    let redis = PrivateRedis::start().await?;
    let url = format!("redis+unix://{}?db=1&pass={}", redis.socket().display(), redis.password());
    let queue = connect(&url).await.unwrap();
    trigger(&queue, "one").await.unwrap();
    assert_eq!(queue.counts().await.unwrap().ready, 1);
    assert!(keys(&redis).await? > 0);
    Ok(())
}

/// All that the master has acknowledged is on the replica as well; a failover loses what is not, as Redis has it.
async fn replicated(servers: &PrivateSentinels) -> Result<()> {
    let mut master = servers.master().await?.connection().await?;
    // A write of this very connection, for WAIT looks at no other's.
    let () = master.set("replicated", "up to here").await?;
    let replicas: u64 = redis::cmd("WAIT").arg(1).arg(400).query_async(&mut master).await?;
    if replicas == 1 { Ok(()) } else { Err(harness::Error::new("no replica has followed")) }
}

/// One more trigger is queued, soon after the Sentinels' naming another master than `old_port`'s.
async fn goes_on(servers: &PrivateSentinels, queue: &Queue, old_port: u16) -> Result<()> {
    let began = Instant::now();
    let named = async {
        let is_another =
            async || servers.named_port().await.is_ok_and(|port| port.is_some_and(|port| port != old_port));
        eventually(PATIENCE, "the Sentinels name the other", is_another).await.map(|()| began.elapsed())
    };
    let queued = async { trigger(queue, "after").await.map(|()| began.elapsed()) };
    let (named, queued) = tokio::join!(named, queued);
    let named = named.map_err(|error| error.while_doing(&servers.log()))?;
    let queued = queued.unwrap();
    println!("another master was named {named:?} after the old one was gone, work went on {queued:?} after it");
    assert!(queued < named + GOES_ON_WITHIN);
    Ok(())
}

#[tokio::test]
async fn j4_work_goes_on_with_the_replica_when_the_master_is_killed() -> Result<()> {
    let servers = PrivateSentinels::start().await?;
    let queue = connect(&servers.url_of_database(1)).await.unwrap();
    trigger(&queue, "before").await.unwrap();
    eventually(PATIENCE, "the replica has it", async || replicated(&servers).await).await?;

    let master = servers.master().await?;
    master.kill().await?;
    goes_on(&servers, &queue, master.port()).await?;
    assert_eq!(queue.counts().await.unwrap().ready, 2);

    // It comes back as a replica; nobody is drawn back to it.
    master.start_again().await?;
    trigger(&queue, "later").await.unwrap();
    assert_eq!(queue.counts().await.unwrap().ready, 3);
    Ok(())
}

#[tokio::test]
async fn j4_work_goes_on_with_the_replica_when_the_master_hangs() -> Result<()> {
    let servers = PrivateSentinels::start().await?;
    let queue = connect(&servers.url_of_database(1)).await.unwrap();
    trigger(&queue, "before").await.unwrap();
    eventually(PATIENCE, "the replica has it", async || replicated(&servers).await).await?;

    let master = servers.master().await?;
    master.pause()?;
    goes_on(&servers, &queue, master.port()).await?;
    master.resume()?;
    eventually(PATIENCE, "both jobs are at the new master", async || {
        queue.counts().await.is_ok_and(|counts| counts.ready == 2)
    })
    .await
}

#[tokio::test]
async fn j4_a_master_that_is_replaced_while_it_is_well_is_left() -> Result<()> {
    let servers = PrivateSentinels::start().await?;
    let queue = connect(&servers.url_of_database(1)).await.unwrap();
    trigger(&queue, "before").await.unwrap();
    eventually(PATIENCE, "the replica has it", async || replicated(&servers).await).await?;

    let before = servers.master().await?.port();
    servers.swap().await?;
    eventually(PATIENCE, "the other is the master", async || {
        servers.master().await.is_ok_and(|master| master.port() != before)
    })
    .await?;
    trigger(&queue, "after").await.unwrap();
    let is_there = async || queue.counts().await.is_ok_and(|counts| counts.ready == 2);
    eventually(Duration::from_secs(5), "both jobs are at the new master", is_there).await
}

#[tokio::test]
async fn j4_a_worker_goes_on_after_a_failover() -> Result<()> {
    let servers = PrivateSentinels::start().await?;
    let mut world = World::start().await?;
    world.setting("REDIS_URL", servers.url_of_database(1));
    world.queue = connect(&servers.url_of_database(1)).await.unwrap();
    let [one, other] = [104_860, 104_861].map(|betnr| {
        let address = format!("{betnr}@example.org");
        world.given(betnr, json!([mail(&address, true)]), json!([]), vec![row(4, &address, None)])
    });
    let worker = world.worker().await?;
    world.sync(&[&one.id]).await?;

    servers.master().await?.kill().await?;
    world.sync(&[&other.id]).await?;
    world.then_agreed_and_silent(&[&one, &other]).await?;
    assert!(worker.is_running());
    Ok(())
}

#[tokio::test]
async fn sentinels_and_servers_may_speak_tls() -> Result<()> {
    let certificates = Certificates::make()?;
    let servers = PrivateSentinels::start_with(Some(&certificates)).await?;
    let done = enqueue_by_command(&servers.url_of_database(1), Some(&certificates)).await?;
    assert_eq!(done.code(), Some(0), "{}", done.stderr);
    assert!(keys(servers.master().await?).await? > 0);

    let stranger = enqueue_by_command(&servers.url_of_database(1), None).await?;
    assert_eq!(stranger.code(), Some(2));
    assert!(stranger.stderr.contains("certificate"), "{}", stranger.stderr);
    Ok(())
}
