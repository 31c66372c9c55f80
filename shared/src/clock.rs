//! The one clock. Everything that needs the time of day is handed a [`Clock`], so that tests can move it.
//!
//! Waiting is not its business: timeouts use `tokio::time`, which tests pause by other means.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// Tells the time of day. Clones tell the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    /// Microseconds since 1970-01-01 UTC.
    ByHand(Arc<AtomicI64>),
}

/// Moves the clock it was made with; for tests.
#[derive(Clone, Debug)]
pub struct ClockHand(Arc<AtomicI64>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until its hand is moved.
    pub fn by_hand(start: DateTime<Utc>) -> (Self, ClockHand) {
        let micros = Arc::new(AtomicI64::new(start.timestamp_micros()));
        (Self(Source::ByHand(Arc::clone(&micros))), ClockHand(micros))
    }

    /// The time now.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => system_now(),
            Source::ByHand(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or_default()
            }
        }
    }
}

impl ClockHand {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn system_now() -> DateTime<Utc> {
    // chrono's own `Utc::now` needs its feature `clock`, which this workspace leaves off.
    DateTime::from(std::time::SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_clock_move_together() {
        let (clock, hand) = Clock::by_hand(DateTime::UNIX_EPOCH);
        let other = clock.clone();
        hand.advance(Duration::from_millis(1500));
        assert_eq!(other.now().timestamp_millis(), 1500);
    }
}
