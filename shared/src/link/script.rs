//! Calling Lua scripts.

use std::sync::LazyLock;
use std::time::Duration;

use redis::{FromRedisValue, RedisError, Script};

use super::Link;

/// Longest that our own calls are repeated while Redis is away.
const PATIENCE: Duration = Duration::from_mins(1);

/// One call of a script.
pub(crate) struct Call {
    script: &'static Script,
    invocation: redis::ScriptInvocation<'static>,
}

impl Call {
    /// A call of `script` with `key`: the key itself, or what all keys of the script begin with.
    pub(crate) fn new(script: &'static LazyLock<Script>, key: &str) -> Self {
        let script: &'static Script = script;
        let invocation = script.key(key);
        Self { script, invocation }
    }

    pub(crate) fn arg(mut self, arg: impl redis::ToRedisArgs) -> Self {
        self.invocation.arg(arg);
        self
    }

    /// Runs it once: no waiting for Redis to come back.
    pub(crate) async fn once<T: FromRedisValue>(&self, link: &Link) -> Result<T, RedisError> {
        self.invocation.invoke_async(&mut link.commands()).await
    }

    /// Runs it, and again while Redis is away. For scripts that bear repetition: a lost answer does no harm.
    pub(crate) async fn patiently<T: FromRedisValue>(&self, link: &Link) -> Result<T, RedisError> {
        let give_up = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.once(link).await {
                Err(error) if passes(&error) && tokio::time::Instant::now() < give_up => {
                    tracing::debug!(script = self.script.get_hash(), "Redis is away, repeating the call");
                    link.wait_until_back(give_up).await?;
                }
                answer => return answer,
            }
        }
    }
}

/// Answer of a master that is told to have a replica for every write (`min-replicas-to-write`) and has none now.
pub(super) const NO_REPLICAS: &str = "NOREPLICAS";

/// Whether an error is of the connection, of a Redis that is starting up, or of a failover; not of the call.
pub(crate) fn passes(error: &redis::RedisError) -> bool {
    use redis::{ErrorKind, ServerErrorKind};
    error.is_io_error()
        || error.is_connection_dropped()
        || error.code() == Some(NO_REPLICAS)
        || matches!(
            error.kind(),
            ErrorKind::MasterNameNotFoundBySentinel
                | ErrorKind::Server(
                    ServerErrorKind::BusyLoading
                        | ServerErrorKind::TryAgain
                        | ServerErrorKind::MasterDown
                        | ServerErrorKind::ReadOnly
                )
        )
}
