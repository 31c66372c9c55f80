//! The Lua scripts of the book, and the calling of them.

use std::sync::LazyLock;
use std::time::Duration;

use redis::{FromRedisValue, Script};

use super::connection::Link;
use super::error::QueueError;

/// Longest that our own calls are repeated while Redis is away.
const PATIENCE: Duration = Duration::from_mins(1);

macro_rules! scripts {
    ($($name:ident = $file:literal;)*) => {
        $(pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(include_str!("lua/book.lua"), include_str!(concat!("lua/", $file))))
        });)*
    };
}

scripts! {
    ENQUEUE = "enqueue.lua";
    CLAIM = "claim.lua";
    RENEW = "renew.lua";
    FINISH = "finish.lua";
    PROMOTE = "promote.lua";
    HAND_BACK = "hand_back.lua";
    DROP_WAITING = "drop_waiting.lua";
    COUNTS = "counts.lua";
    LIVE = "live.lua";
    REQUEUE = "requeue.lua";
    DELETE_DEAD = "delete_dead.lua";
    SHOW = "show.lua";
}

/// One call of a script.
pub(super) struct Call {
    script: &'static Script,
    invocation: redis::ScriptInvocation<'static>,
}

impl Call {
    /// A call of `script` on the keys that begin with `prefix`.
    pub(super) fn new(script: &'static LazyLock<Script>, prefix: &str) -> Self {
        let script: &'static Script = script;
        let invocation = script.key(prefix);
        Self { script, invocation }
    }

    pub(super) fn arg(mut self, arg: impl redis::ToRedisArgs) -> Self {
        self.invocation.arg(arg);
        self
    }

    /// Runs it once: no waiting for Redis to come back.
    pub(super) async fn once<T: FromRedisValue>(&self, link: &Link) -> Result<T, QueueError> {
        Ok(self.invocation.invoke_async(&mut link.commands()).await?)
    }

    /// Runs it, and again while Redis is away. Every script bears repetition: a lost answer does no harm.
    pub(super) async fn patiently<T: FromRedisValue>(&self, link: &Link) -> Result<T, QueueError> {
        let give_up = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.once(link).await {
                Err(QueueError::Redis(error)) if passes(&error) && tokio::time::Instant::now() < give_up => {
                    tracing::debug!(script = self.script.get_hash(), "Redis is away, repeating the call");
                    link.wait_until_back(give_up).await?;
                }
                answer => return answer,
            }
        }
    }
}

/// Whether an error is of the connection or of a Redis that is starting up, not of the call.
pub(super) fn passes(error: &redis::RedisError) -> bool {
    use redis::{ErrorKind, ServerErrorKind};
    error.is_io_error()
        || error.is_timeout()
        || error.is_connection_dropped()
        || error.is_connection_refusal()
        || matches!(
            error.kind(),
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                    | ServerErrorKind::TryAgain
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::ReadOnly
            )
        )
}
