//! Asking the Sentinels who is the master.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisError, Value};
use tokio_util::task::AbortOnDropHandle;

use super::address::{Endpoint, Sentinels};
use super::{stream, within};

/// Asks all at once; the first that knows the service decides. What it says may be old: see [`expect_master`].
pub(super) async fn master(sentinels: &Sentinels, limit: Duration) -> Result<Endpoint, RedisError> {
    let asked = sentinels.endpoints.iter().map(|sentinel| async move {
        let answer = within(limit, ask(sentinels, sentinel, limit)).await;
        (sentinel, answer)
    });
    let mut answers: FuturesUnordered<_> = asked.collect();
    let mut refusals = Vec::new();
    while let Some((sentinel, answer)) = answers.next().await {
        match answer {
            Ok(Some((host, port))) => return Ok(Endpoint::Tcp { host, port, tls: sentinels.tls }),
            Ok(None) => refusals.push(format!("{sentinel} does not know {}", sentinels.service)),
            Err(error) => refusals.push(format!("{sentinel}: {error}")),
        }
    }
    Err((ErrorKind::MasterNameNotFoundBySentinel, "no Sentinel names a master", refusals.join("; ")).into())
}

async fn ask(sentinels: &Sentinels, sentinel: &Endpoint, limit: Duration) -> Result<Option<(String, u16)>, RedisError> {
    let stream = stream::open(sentinel).await?;
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(limit));
    let (mut connection, driver) =
        MultiplexedConnection::new_with_config(&sentinels.greeting(), stream, config).await?;
    let _driver = AbortOnDropHandle::new(tokio::spawn(driver));
    redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(&sentinels.service).query_async(&mut connection).await
}

/// Fails unless the server is a master: after a failover a Sentinel may name the old one for some seconds.
pub(super) async fn expect_master(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let role: Vec<Value> = redis::cmd("ROLE").query_async(connection).await?;
    match role.first() {
        Some(Value::BulkString(role)) if role == b"master" => Ok(()),
        _ => Err((ErrorKind::Io, "the server that Sentinel names is not a master now").into()),
    }
}
