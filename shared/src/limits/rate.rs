//! Requests per time, over all workers.

use std::fmt;
use std::time::Duration;

use redis::RedisError;

use super::{PREFIX, script};
use crate::link::Link;
use crate::link::script::Call;

/// A rate, and how far it may be overdrawn for a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateSettings {
    /// Requests per minute, at least 1.
    pub per_minute: u32,
    /// Requests that may go out at once after a quiet time, at least 1. Over any window, the rate is exceeded by no more than this.
    pub burst: u32,
}

/// Requests to one system, bounded over all processes. Cheap to clone.
#[derive(Clone)]
pub struct Rate {
    link: Link,
    key: String,
    settings: RateSettings,
}

/// A request that must not go out yet.
#[derive(Debug, thiserror::Error)]
pub enum Throttled {
    /// It would have to wait longer than its caller can; nothing was booked. Snooze the job for this time.
    #[error("the shared request quota is used up for {} s: tried again later, without counting", .0.as_secs_f64().ceil())]
    For(Duration),
    /// Redis, which counts, does not answer. Try again later.
    #[error("Redis, which counts the requests of all workers, does not answer: tried again later")]
    Away(#[from] RedisError),
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rate").field("key", &self.key).field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Rate {
    pub(super) fn new(link: Link, system: &str, settings: RateSettings) -> Self {
        Self { link, key: format!("{PREFIX}:rate:{system}"), settings }
    }

    /// Books one request and answers how long it has to wait before it goes out; at most `longest`. Who books and then does not send
    /// has wasted a request of the quota, no more.
    pub async fn take(&self, longest: Duration) -> Result<Duration, Throttled> {
        self.take_several(1, longest).await
    }

    async fn take_several(&self, requests: u32, longest: Duration) -> Result<Duration, Throttled> {
        let (granted, wait_us, _): (u32, u64, u32) = self.call(longest, requests).once(&self.link).await?;
        let wait = Duration::from_micros(wait_us);
        if granted == 1 { Ok(wait) } else { Err(Throttled::For(wait)) }
    }

    /// Books one request and waits until it may go out, at most `longest`. First come, first served.
    pub async fn acquire(&self, longest: Duration) -> Result<(), Throttled> {
        self.acquire_several(1, longest).await
    }

    /// As [`Self::acquire`], for what counts as `requests` of them.
    pub async fn acquire_several(&self, requests: u32, longest: Duration) -> Result<(), Throttled> {
        let wait = self.take_several(requests.max(1), longest).await?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// How much of the burst is in use, 0 to 1; 1 while requests have to wait.
    pub async fn used_ratio(&self) -> Result<f64, RedisError> {
        let (_, _, thousandths): (u32, u64, u32) = self.call(Duration::ZERO, 0).once(&self.link).await?;
        Ok(f64::from(thousandths) / 1000.0)
    }

    fn call(&self, longest: Duration, requests: u32) -> Call {
        self.call_at("", longest, requests)
    }

    #[cfg(test)]
    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// `now_us`: Redis' time, or another one in tests.
    pub(super) fn call_at(&self, now_us: &str, longest: Duration, requests: u32) -> Call {
        // Rounded up: the rate is never higher than asked for.
        let interval_us = 60_000_000_u64.div_ceil(u64::from(self.settings.per_minute.max(1)));
        Call::new(&script::RATE, &self.key)
            .arg(now_us)
            .arg(interval_us)
            .arg(self.settings.burst.max(1))
            .arg(u64::try_from(longest.as_micros()).unwrap_or(u64::MAX))
            .arg(requests)
    }
}
