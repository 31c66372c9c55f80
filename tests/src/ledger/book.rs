//! The ledger itself: what is wanted, what was done, and a line for each begin and end.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Script};

use crate::Result;

/// A worker that was frozen for long must not take its ledger's answer for lost when it goes on.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(1);
/// Lines read at once.
const PAGE: isize = 5000;

const LINES: &str = "lines";
/// Entity -> generation of its last trigger: the truth in the outside systems.
const WANTED: &str = "wanted";
/// Entity -> generation that a run has brought about.
const EFFECTS: &str = "effects";
const RELEASED: &str = "released";

static BEGIN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local t = redis.call('TIME')
         local ms = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
         redis.call('RPUSH', 'lines', table.concat({'begin', ms, ARGV[1], ARGV[2], ARGV[3], ARGV[4]}, ' '))
         return tonumber(redis.call('HGET', 'wanted', ARGV[1]) or '0')",
    )
});

static END: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local t = redis.call('TIME')
         local ms = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
         local effect = 'none'
         if ARGV[3] == '1' and ARGV[4] == '1' then
           if tonumber(redis.call('HGET', 'effects', ARGV[1]) or '0') < tonumber(ARGV[5]) then
             redis.call('HSET', 'effects', ARGV[1], ARGV[5])
             effect = 'fresh'
           else
             effect = 'again'
           end
         end
         redis.call('RPUSH', 'lines', table.concat({'end', ms, ARGV[1], ARGV[2], ARGV[3], effect}, ' '))
         return effect",
    )
});

/// A run, as its handler introduces itself to the ledger.
#[derive(Clone, Debug)]
pub struct Running {
    /// Whom it serves.
    pub entity: String,
    /// Unique among all runs of all processes.
    pub token: String,
    /// Process that runs it.
    pub pid: u32,
    /// Runs begun of the job, this one included, as the queue says.
    pub starts: u32,
}

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// Whether the lease was still held.
    pub held: bool,
    /// Whether it did what was wanted; a run that failed did not.
    pub done: bool,
    /// What was wanted when it began.
    pub generation: u64,
}

/// A connection to the ledger. Clones share it.
#[derive(Clone, Debug)]
pub struct Ledger(MultiplexedConnection);

impl Ledger {
    pub async fn connect(url: &str) -> Result<Self> {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(RESPONSE_TIMEOUT));
        let client = redis::Client::open(url)?;
        Ok(Self(client.get_multiplexed_async_connection_with_config(&config).await?))
    }

    /// Something about each of these entities changed: another run of it is wanted.
    pub async fn want(&self, entities: &[String]) -> Result<()> {
        let mut pipeline = redis::pipe();
        for entity in entities {
            pipeline.cmd("HINCRBY").arg(WANTED).arg(entity).arg(1).ignore();
        }
        Ok(pipeline.query_async(&mut self.0.clone()).await?)
    }

    /// A run begins; answers the generation that is wanted now.
    pub async fn begin(&self, run: &Running) -> Result<u64> {
        let mut call = BEGIN.prepare_invoke();
        call.arg(&run.entity).arg(&run.token).arg(run.pid).arg(run.starts);
        Ok(call.invoke_async(&mut self.0.clone()).await?)
    }

    /// A run ends. Its effect is written with its end, and only if it still held its lease.
    pub async fn end(&self, run: &Running, ended: Ended) -> Result<()> {
        let mut call = END.prepare_invoke();
        call.arg(&run.entity).arg(&run.token).arg(u8::from(ended.held)).arg(u8::from(ended.done));
        call.arg(ended.generation);
        Ok(call.invoke_async::<String>(&mut self.0.clone()).await.map(drop)?)
    }

    /// Lets the first runs of `held-...` entities go on.
    pub async fn release(&self) -> Result<()> {
        Ok(redis::cmd("SET").arg(RELEASED).arg(1).query_async(&mut self.0.clone()).await?)
    }

    pub async fn is_released(&self) -> Result<bool> {
        Ok(redis::cmd("EXISTS").arg(RELEASED).query_async(&mut self.0.clone()).await?)
    }

    /// Entities for which something was done.
    pub async fn effects(&self) -> Result<usize> {
        Ok(redis::cmd("HLEN").arg(EFFECTS).query_async(&mut self.0.clone()).await?)
    }

    /// Entities whose last change was not brought about, in order of their names.
    pub async fn missing(&self) -> Result<Vec<String>> {
        let mut connection = self.0.clone();
        let wanted: HashMap<String, u64> = redis::cmd("HGETALL").arg(WANTED).query_async(&mut connection).await?;
        let effects: HashMap<String, u64> = redis::cmd("HGETALL").arg(EFFECTS).query_async(&mut connection).await?;
        let is_missing = |(entity, generation): (String, u64)| {
            (effects.get(&entity).copied().unwrap_or_default() < generation).then_some(entity)
        };
        let mut missing: Vec<String> = wanted.into_iter().filter_map(is_missing).collect();
        missing.sort();
        Ok(missing)
    }

    /// All entities that were ever wanted.
    pub async fn wanted(&self) -> Result<Vec<String>> {
        Ok(redis::cmd("HKEYS").arg(WANTED).query_async(&mut self.0.clone()).await?)
    }

    /// The ledger's clock, in milliseconds since 1970: the one that its lines carry.
    pub async fn now_ms(&self) -> Result<u64> {
        let (seconds, micros): (u64, u64) = redis::cmd("TIME").query_async(&mut self.0.clone()).await?;
        Ok(seconds * 1000 + micros / 1000)
    }

    /// Takes the oldest lines out of the ledger, some thousands at most; none: it is empty.
    pub async fn take_lines(&self) -> Result<Vec<String>> {
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        pipeline.cmd("LRANGE").arg(LINES).arg(0).arg(PAGE - 1);
        pipeline.cmd("LTRIM").arg(LINES).arg(PAGE).arg(-1).ignore();
        let (lines,): (Vec<String>,) = pipeline.query_async(&mut self.0.clone()).await?;
        Ok(lines)
    }

    /// Forgets everything.
    pub async fn clear(&self) -> Result<()> {
        Ok(redis::cmd("FLUSHDB").query_async(&mut self.0.clone()).await?)
    }
}
