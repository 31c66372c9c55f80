//! Memory: its level in each minute.

use crate::{Error, PrivateRedis, Result};

/// Growth from the first to the last minute that is no leak: allocators keep some of what a peak took.
const GROWTH: f64 = 1.25;
/// The same for what is small anyway.
const SLACK_BYTES: u64 = 4 << 20;

/// The least memory seen in each minute.
#[derive(Debug, Default)]
pub(super) struct Levels {
    minutes: Vec<Level>,
    now: Option<Level>,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    redis: u64,
    worker: u64,
}

impl Levels {
    /// `redis`: none while it is away.
    pub(super) fn sample(&mut self, redis: Option<u64>, worker: u64) {
        let redis = redis.unwrap_or(u64::MAX);
        let now = self.now.get_or_insert(Level { redis, worker });
        *now = Level { redis: now.redis.min(redis), worker: now.worker.min(worker) };
    }

    /// Ends the minute and tells its level.
    pub(super) fn close_minute(&mut self) -> String {
        let Some(level) = self.now.take() else { return "no sample".to_owned() };
        self.minutes.push(level);
        let minute = self.minutes.len();
        format!("minute {minute}: Redis {}, oldest worker {}", mebibytes(level.redis), mebibytes(level.worker))
    }

    /// Whether the last minute's level is that of the first.
    pub(super) fn assess(&self) -> Result<()> {
        let [first, .., last] = self.minutes.as_slice() else {
            return Err(Error::new("too short to compare memory"));
        };
        for (who, first, last) in [("Redis", first.redis, last.redis), ("worker", first.worker, last.worker)] {
            println!("soak: {who} held {} in the first minute, {} in the last", mebibytes(first), mebibytes(last));
            if !is_level(first, last) {
                return Err(Error::new(format!("memory of {who} grows")));
            }
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
fn is_level(first: u64, last: u64) -> bool {
    last as f64 <= first as f64 * GROWTH + SLACK_BYTES as f64
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn mebibytes(bytes: u64) -> String {
    if bytes == u64::MAX { "away".to_owned() } else { format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)) }
}

/// `used_memory`; `None` while Redis is away.
pub(super) async fn redis_bytes(redis: &PrivateRedis) -> Option<u64> {
    let mut connection = redis.connection().await.ok()?;
    let about: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await.ok()?;
    about.lines().find_map(|line| line.strip_prefix("used_memory:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(worker_mebibytes: &[u64]) -> Levels {
        let mut levels = Levels::default();
        for worker in worker_mebibytes {
            // A peak in the middle of the minute, as after a fault.
            for peak in [0, 500, 1] {
                levels.sample((peak == 0).then_some(1 << 20), (worker + peak) << 20);
            }
            levels.close_minute();
        }
        levels
    }

    #[test]
    fn e4_peaks_are_no_leak_and_a_rising_floor_is() {
        assert!(levels(&[40, 42, 41]).assess().is_ok());
        assert!(levels(&[40, 50, 60]).assess().is_err());
        assert!(levels(&[40]).assess().is_err(), "nothing to compare with");
    }
}
