//! The connection that callers hold.

use redis::aio::ConnectionLike;
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, ServerError, ServerErrorKind, Value};

use super::{Link, Open};

/// Sends commands over whatever connection its link has at present. Clones share it.
///
/// Each command is sent once at most: after an error it may have been carried out or not, and the caller knows whether it
/// bears repetition. The next command finds a new connection where the error says that the old one is of no use.
#[derive(Clone)]
pub(crate) struct Commands(pub(super) Link);

impl ConnectionLike for Commands {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let open = self.0.open().await?;
            let mut connection = open.connection();
            let answer = self.unless_replaced(&open, connection.req_packed_command(cmd)).await;
            if answer.as_ref().map_or_else(spoils, is_of_no_master) {
                open.leave();
            }
            answer
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let open = self.0.open().await?;
            let mut connection = open.connection();
            let answer = self.unless_replaced(&open, connection.req_packed_commands(pipeline, offset, count)).await;
            if answer.as_ref().map_or_else(spoils, |values| values.iter().any(is_of_no_master)) {
                open.leave();
            }
            answer
        })
    }

    fn get_db(&self) -> i64 {
        self.0.address().database().unwrap_or_default()
    }
}

impl Commands {
    /// The answer, or an error as soon as the Sentinels have replaced a server that does not give it: one that hangs is
    /// given up before the limit for answers, which allows for stalls.
    async fn unless_replaced<T>(&self, open: &Open, answer: RedisFuture<'_, T>) -> Result<T, RedisError> {
        tokio::select! {
            biased;
            answer = answer => answer,
            () = self.0.replaced(open) => {
                open.cut();
                Err((ErrorKind::Io, "the Sentinels have replaced a server that does not answer").into())
            }
        }
    }
}

/// Whether the connection is lost, out of step, or to a server that has stopped answering: one that is gone without a word
/// would otherwise be waited for as long as TCP does.
fn spoils(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error()
}

fn is_of_no_master(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if tells_of_no_master(error))
}

/// Whether another server may have taken over: this one was demoted, is cut off from its replicas, or is only starting.
fn tells_of_no_master(error: &ServerError) -> bool {
    use ServerErrorKind::{BusyLoading, MasterDown, ReadOnly};
    matches!(error.kind(), Some(ReadOnly | MasterDown | BusyLoading)) || error.code() == super::script::NO_REPLICAS
}
