//! The connection that apalis-redis is given.

use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{Cmd, Pipeline, RedisFuture, Value};
use tokio::time::Instant;

use crate::link::Link;
use crate::link::script::passes;

/// How long an apalis worker waits for Redis to come back before it ends with the error.
const PATIENCE: Duration = Duration::from_mins(1);

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
            let answer = self.0.commands().req_packed_command(cmd).await;
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
            let answer = self.0.commands().req_packed_commands(pipeline, offset, count).await;
            Self::after_outage(&self.0, answer).await
        })
    }

    fn get_db(&self) -> i64 {
        self.0.commands().get_db()
    }
}
