//! The connection to Redis, and patience with it.

use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, IntoConnectionInfo, Pipeline, RedisFuture, Value};
use tokio::time::Instant;

use super::error::QueueError;
use super::script::passes;

/// Longest wait for one answer. Redis stalls for seconds while it saves or its machine is busy; the crate's default, half a
/// second, ended workers (QUEUE 3, defect 6).
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);
/// Between two looks whether Redis is back: work goes on within 2 s of it (J4).
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// How long an apalis worker waits for Redis to come back before it ends with the error.
const PATIENCE: Duration = Duration::from_mins(1);

/// A shared connection for commands, and the means to open one that listens. Clones share the connection.
#[derive(Clone)]
pub(super) struct Link {
    client: Client,
    commands: ConnectionManager,
}

impl Link {
    /// Connects; fails if Redis does not answer within some seconds.
    pub(super) async fn connect(redis: impl IntoConnectionInfo) -> Result<Self, QueueError> {
        let client = Client::open(redis)?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_connection_timeout(Some(CONNECTION_TIMEOUT))
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(LOOK_INTERVAL)
            .set_number_of_retries(2);
        let commands = ConnectionManager::new_with_config(client.clone(), config).await?;
        Ok(Self { client, commands })
    }

    pub(super) fn commands(&self) -> ConnectionManager {
        self.commands.clone()
    }

    pub(super) async fn listen(&self) -> Result<redis::aio::PubSub, QueueError> {
        Ok(self.client.get_async_pubsub().await?)
    }

    /// Returns when Redis answers again, or with its error at `give_up`.
    pub(super) async fn wait_until_back(&self, give_up: Instant) -> Result<(), QueueError> {
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let answer: redis::RedisResult<()> = redis::cmd("PING").query_async(&mut self.commands()).await;
            match answer {
                Ok(()) => return Ok(()),
                Err(error) if !passes(&error) || Instant::now() >= give_up => return Err(error.into()),
                Err(_) => {}
            }
        }
    }
}

/// The connection that apalis-redis is given.
///
/// When Redis goes away it waits until it is back and then *reports the error* instead of repeating the command: apalis-redis'
/// fetch is not repeatable (a fetch whose answer was lost has moved ids into this worker's in-flight set, where nobody would
/// look for them while the worker lives). The error ends the apalis worker; [`super::deliver`] starts a new one under a new
/// name, gives the ids back, and running handlers never notice.
#[derive(Clone)]
pub(super) struct Patient(pub(super) Link);

impl Patient {
    async fn after_outage<T>(link: &Link, answer: redis::RedisResult<T>) -> redis::RedisResult<T> {
        if answer.as_ref().is_err_and(passes) {
            // The command's own error is the one to report.
            let _ = link.wait_until_back(Instant::now() + PATIENCE).await;
        }
        answer
    }
}

impl ConnectionLike for Patient {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let answer = self.0.commands.req_packed_command(cmd).await;
            Self::after_outage(&self.0, answer).await
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let answer = self.0.commands.req_packed_commands(pipeline, offset, count).await;
            Self::after_outage(&self.0, answer).await
        })
    }

    fn get_db(&self) -> i64 {
        self.0.commands.get_db()
    }
}
