//! The simulator's clock: the real one plus an offset that tests move.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;

/// Real time plus an offset. Token expiry, change times, retry of webhooks and the lock-out all read it;
/// latency and delays do not.
#[derive(Debug, Default)]
pub struct Clock {
    offset_milliseconds: AtomicI64,
}

impl Clock {
    /// The simulated instant.
    pub fn now(&self) -> DateTime<Utc> {
        Self::real() + TimeDelta::milliseconds(self.offset_milliseconds.load(Ordering::Relaxed))
    }

    /// The instant on the machine's clock, which the programs under test live by.
    pub(crate) fn real() -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "the simulator's one home of the system clock")]
        let real = SystemTime::now();
        real.into()
    }

    /// How far the simulated time is ahead of the real one.
    pub fn offset_milliseconds(&self) -> i64 {
        self.offset_milliseconds.load(Ordering::Relaxed)
    }

    /// Sets the offset to the real clock.
    pub fn set_offset_milliseconds(&self, milliseconds: i64) {
        self.offset_milliseconds.store(milliseconds, Ordering::Relaxed);
    }

    /// Moves the simulated time on (or back, when negative).
    pub fn advance_seconds(&self, seconds: i64) {
        self.offset_milliseconds.fetch_add(seconds.saturating_mul(1000), Ordering::Relaxed);
    }
}

/// Advoware's spelling of an instant: naive Berlin wall time with milliseconds (DOMAIN 2, assumption).
pub(crate) fn berlin_wall_time(at: DateTime<Utc>) -> String {
    at.with_timezone(&Berlin).format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

/// EspoCRM's spelling of an instant: UTC, one-second resolution, no zone (DOMAIN 5).
pub(crate) fn espo_time(at: DateTime<Utc>) -> String {
    at.trunc_subsecs(0).format("%Y-%m-%d %H:%M:%S").to_string()
}
