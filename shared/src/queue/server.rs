//! What the queue's Redis tells of itself: whether what is queued outlives a restart, and what time it is there.

use chrono::{DateTime, Utc};
use redis::{InfoDict, RedisError};

use super::{Queue, QueueError};

/// A Redis server, or one that speaks its language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisServer {
    /// Its clock, to which all leases and delays are measured.
    pub time: DateTime<Utc>,
    /// What it says of its set-up; `None` where our account may not ask (`INFO`).
    pub set_up: Option<RedisSetUp>,
}

/// How a server is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedisSetUp {
    /// Version of Redis, or of the Redis that it claims to be.
    pub version: String,
    /// Whether it writes an append-only file.
    pub has_append_only_file: bool,
    /// Whether the last write of it succeeded.
    pub append_only_file_is_written: bool,
    /// `maxmemory-policy`: what it gives up when memory is short.
    pub eviction: String,
    /// Whether it takes writes: a replica does not.
    pub is_master: bool,
}

impl Queue {
    /// Asks the queue's Redis about itself. Changes nothing.
    pub async fn server(&self) -> Result<RedisServer, QueueError> {
        let mut commands = self.link.commands();
        let (seconds, micros): (i64, u32) = redis::cmd("TIME").query_async(&mut commands).await?;
        let time = DateTime::from_timestamp(seconds, micros.saturating_mul(1000)).unwrap_or_default();
        let info: Result<InfoDict, RedisError> = redis::cmd("INFO").query_async(&mut commands).await;
        let set_up = match info {
            Ok(info) => Some(set_up(&info)),
            Err(error) if error.code() == Some("NOPERM") => None,
            Err(error) => return Err(error.into()),
        };
        Ok(RedisServer { time, set_up })
    }
}

fn set_up(info: &InfoDict) -> RedisSetUp {
    let of = |name: &str| info.get::<String>(name).unwrap_or_default();
    RedisSetUp {
        version: of("redis_version"),
        has_append_only_file: of("aof_enabled") == "1",
        append_only_file_is_written: of("aof_last_write_status") == "ok",
        eviction: of("maxmemory_policy"),
        is_master: of("role") == "master",
    }
}
