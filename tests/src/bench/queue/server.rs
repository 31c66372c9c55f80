//! The one Redis that everything of the queue part runs on, and what it tells about itself.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client};

use crate::{Error, PrivateRedis, Result, eventually};

/// Clearing a million jobs takes a second, rewriting the append-only file some more.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct Server {
    redis: PrivateRedis,
    connection: MultiplexedConnection,
}

impl Server {
    /// Append-only file synced every second, everything else as Redis has it by default.
    pub(super) async fn start() -> Result<Self> {
        let redis = PrivateRedis::start().await?;
        let patient = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        let connection = Client::open(redis.url())?.get_multiplexed_async_connection_with_config(&patient).await?;
        Ok(Self { redis, connection })
    }

    /// Holds the password: for the environment of a process, not for its arguments.
    pub(super) fn url(&self) -> String {
        self.redis.url()
    }

    pub(super) fn port(&self) -> u16 {
        self.redis.port()
    }

    pub(super) fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }

    /// Everything gone, and nothing going on in the background.
    pub(super) async fn clear(&self) -> Result<()> {
        redis::cmd("FLUSHALL").arg("SYNC").query_async::<()>(&mut self.connection()).await?;
        self.settled().await
    }

    /// Waits until the append-only file is not being rewritten: that takes memory, and time of a core.
    pub(super) async fn settled(&self) -> Result<()> {
        eventually(PATIENCE, "Redis is not rewriting its append-only file", async || {
            let about = self.info("persistence").await?;
            let going_on =
                field::<u8>(&about, "aof_rewrite_in_progress")? + field::<u8>(&about, "aof_rewrite_scheduled")?;
            if going_on == 0 { Ok(()) } else { Err(Error::new("it still is")) }
        })
        .await
    }

    /// Processor time of the server so far; that of the process which rewrites the append-only file is not in it.
    pub(super) async fn processor_time(&self) -> Result<Duration> {
        let about = self.info("cpu").await?;
        let seconds = field::<f64>(&about, "used_cpu_sys")? + field::<f64>(&about, "used_cpu_user")?;
        Duration::try_from_secs_f64(seconds).map_err(|error| Error::new(error.to_string()))
    }

    /// Bytes that the server has allocated.
    pub(super) async fn used_memory(&self) -> Result<u64> {
        field(&self.info("memory").await?, "used_memory")
    }

    pub(super) async fn set_append_only(&self, on: bool) -> Result<()> {
        let answer = if on { "yes" } else { "no" };
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg("appendonly").arg(answer).query_async::<()>(&mut self.connection()).await?;
        self.settled().await
    }

    async fn info(&self, section: &str) -> Result<String> {
        Ok(redis::cmd("INFO").arg(section).query_async(&mut self.connection()).await?)
    }
}

/// A number of Redis' report on itself.
fn field<T: std::str::FromStr>(about: &str, name: &str) -> Result<T> {
    let mut fields = about.lines().filter_map(|line| line.trim_end().split_once(':'));
    let value = fields.find(|(known, _)| *known == name).and_then(|(_, value)| value.parse().ok());
    value.ok_or_else(|| Error::new(format!("INFO of this Redis has no number `{name}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let about = "# CPU\r\nused_cpu_user_children:9.5\r\nused_cpu_user:1.25\r\n";
        assert_eq!(field::<f64>(about, "used_cpu_user"), Ok(1.25));
        assert!(field::<f64>(about, "used_cpu").is_err());
    }
}
