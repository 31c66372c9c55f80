//! How a run ended, and what it leaves on the record (B2, DOMAIN 4).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::status::SyncStatus;

/// How a run ended, as the record tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Both sides agree.
    Agreed,
    /// A one-way run left something for the next one.
    Left,
    /// Both sides touched one field, and a person must decide (policy `manual`).
    Undecided,
    /// Another EspoCRM record is synced with its number, and a person must say whose it is.
    NumberTaken,
    /// Advoware has no such record.
    Missing,
    /// It failed, and another try follows.
    Failed {
        /// Failures in a row, this one included.
        failures: u32,
        /// Until the next try: the queue's own wait, jitter included.
        wait: Duration,
    },
    /// It failed for the last time, or in a way that repeating does not change.
    GivenUp {
        /// Failures in a row, this one included.
        failures: u32,
    },
    /// Whether the record was created in Advoware is not known: it waits for a person, and is not reset by itself (B2b).
    CreationHeld {
        /// Failures in a row, this one included.
        failures: u32,
    },
    /// The automatic reset is due: it goes back to work as if it had never failed.
    Reset,
}

/// What an ending leaves on the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusFields {
    /// `syncStatus`
    pub status: SyncStatus,
    /// `syncRetryCount`
    pub retry_count: u32,
    /// `syncNextRetry`
    pub next_retry: Option<DateTime<Utc>>,
    /// `syncAutoResetAt`
    pub auto_reset_at: Option<DateTime<Utc>>,
}

/// The table. `auto_reset`: how long a record that was given up stays so (`SYNC_AUTO_RESET_HOURS`).
pub fn after(ending: Ending, now: DateTime<Utc>, auto_reset: Duration) -> StatusFields {
    let (status, retry_count, next_retry, auto_reset_at) = match ending {
        Ending::Agreed => (SyncStatus::Clean, 0, None, None),
        Ending::Left => (SyncStatus::Dirty, 0, None, None),
        Ending::Undecided | Ending::NumberTaken => (SyncStatus::Conflict, 0, None, None),
        Ending::Missing => (SyncStatus::DeletedInAdvoware, 0, None, None),
        Ending::Failed { failures, wait } => (SyncStatus::Failed, failures, later(now, wait), None),
        Ending::GivenUp { failures } => (SyncStatus::PermanentlyFailed, failures, None, later(now, auto_reset)),
        Ending::CreationHeld { failures } => (SyncStatus::PermanentlyFailed, failures, None, None),
        Ending::Reset => (SyncStatus::Failed, 0, Some(now), None),
    };
    StatusFields { status, retry_count, next_retry, auto_reset_at }
}

fn later(now: DateTime<Utc>, wait: Duration) -> Option<DateTime<Utc>> {
    now.checked_add_signed(TimeDelta::from_std(wait).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn b2_every_ending_leaves_its_fields_on_the_record() {
        let wait = Duration::from_mins(1);
        let cases = [
            (Ending::Agreed, (SyncStatus::Clean, 0, None, None)),
            (Ending::Left, (SyncStatus::Dirty, 0, None, None)),
            (Ending::Undecided, (SyncStatus::Conflict, 0, None, None)),
            (Ending::NumberTaken, (SyncStatus::Conflict, 0, None, None)),
            (Ending::Missing, (SyncStatus::DeletedInAdvoware, 0, None, None)),
            (Ending::Failed { failures: 3, wait }, (SyncStatus::Failed, 3, Some(at(160)), None)),
            (Ending::GivenUp { failures: 5 }, (SyncStatus::PermanentlyFailed, 5, None, Some(at(86_500)))),
            (Ending::CreationHeld { failures: 1 }, (SyncStatus::PermanentlyFailed, 1, None, None)),
            (Ending::Reset, (SyncStatus::Failed, 0, Some(at(100)), None)),
        ];
        for (ending, (status, retry_count, next_retry, auto_reset_at)) in cases {
            let expected = StatusFields { status, retry_count, next_retry, auto_reset_at };
            assert_eq!(after(ending, at(100), Duration::from_hours(24)), expected, "{ending:?}");
        }
    }
}
