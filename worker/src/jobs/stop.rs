//! Why a run stopped before its end, and what the queue does about it (E1).

use std::time::Duration;

use domain::job::Backoff;
use shared::beteiligte::LoadError;
use shared::error::{ApiError, Next};
use shared::hub::HubError;
use shared::queue::{LeaseLost, Outcome};

/// A run stopped before its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    /// An outside call failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The hub failed.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// Another worker may be at work on the record: nothing more is written (B1).
    #[error(transparent)]
    LeaseLost(#[from] LeaseLost),
    /// After the run both sides do not agree, or do not carry what was written (K9).
    #[error("not agreed: {0}; the record is tried again")]
    NotAgreed(&'static str),
    /// The record was deleted in EspoCRM: there is nothing left to sync.
    #[error("the record is deleted in EspoCRM")]
    Deleted,
    /// Whether the record was created in Advoware is not known (B2b).
    #[error(
        "whether the record was created in Advoware is not known: enter its betnr if Advoware has it, else `requeue <id> --create-again`"
    )]
    CreationHeld,
    /// Another employee's run is writing the same Termin (C10b).
    #[error("another run is writing the same Termin; tried again in some seconds")]
    Busy,
    /// A job that can never succeed.
    #[error("{0}")]
    Hopeless(&'static str),
}

impl From<LoadError> for Stop {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Espocrm(error) => Self::Api(error),
            LoadError::Hub(error) => Self::Hub(error),
        }
    }
}

/// Wait when a run gave way to another one: long enough for that one to end.
const GIVE_WAY: Duration = Duration::from_secs(2);
/// Wait where a system asked for patience without naming a time.
const DEFAULT_SNOOZE: Duration = Duration::from_mins(1);

/// A system's wish to wait is followed up to here where the try does not count. Pauses of our own (refused credentials, Google's lasting
/// limit) are kept whole: to come back earlier is just what they are to prevent.
const LONGEST_SNOOZE: Duration = Duration::from_mins(10);
/// A wish to wait is followed up to this multiple of our own wait where the try counts.
const LONGEST_WISH: u32 = 10;

impl Stop {
    /// What the queue does. `failures`: counted ones before this run; `random` in 0 to 1.
    pub(super) fn outcome(&self, backoff: &Backoff, failures: u32, random: f64) -> Outcome {
        let next = match self {
            Self::Api(error) => error.next(),
            Self::Deleted => return Outcome::Done { follow_up: None },
            Self::Hub(HubError::Unreadable(_)) | Self::CreationHeld | Self::Hopeless(_) => Next::GiveUp,
            Self::Hub(_) | Self::NotAgreed(_) => Next::Retry,
            Self::LeaseLost(_) | Self::Busy => Next::Snooze(Some(GIVE_WAY)),
        };
        let reason = self.to_string();
        match next {
            Next::Snooze(pause) => {
                let longest = self.wish().map_or(Duration::MAX, |_| LONGEST_SNOOZE);
                Outcome::Snooze { delay: pause.unwrap_or(DEFAULT_SNOOZE).min(longest) }
            }
            Next::GiveUp => Outcome::GiveUp { reason },
            Next::Retry | Next::LookFirst => match backoff.after(failures + 1, random) {
                Some(own) => {
                    Outcome::RetryAfter { delay: self.wish().unwrap_or(own).clamp(own, own * LONGEST_WISH), reason }
                }
                None => Outcome::GiveUp { reason },
            },
        }
    }

    /// The wait that the system itself asked for, where it named one.
    fn wish(&self) -> Option<Duration> {
        match self {
            Self::Api(error) => error.retry_after(),
            Self::Hub(_)
            | Self::LeaseLost(_)
            | Self::NotAgreed(_)
            | Self::Busy
            | Self::Deleted
            | Self::CreationHeld
            | Self::Hopeless(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::error::{CREDENTIALS_PAUSE, ErrorKind, Operation, QUOTA_PAUSE};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn outcome(kind: ErrorKind) -> Outcome {
        let backoff = Backoff { delays: vec![60 * SECOND], max_tries: 5 };
        Stop::from(ApiError::unanswered(Operation::AdvowareGetBeteiligte, kind)).outcome(&backoff, 0, 0.5)
    }

    #[test]
    fn j3_a_wish_to_wait_is_followed_between_one_and_ten_times_our_own_wait() {
        let delay = |wish: Option<u32>| match outcome(ErrorKind::Unavailable { retry_after: wish.map(|n| n * SECOND) })
        {
            Outcome::RetryAfter { delay, .. } => delay.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!([None, Some(7), Some(90), Some(86_400)].map(delay), [60, 60, 90, 600]);
    }

    #[test]
    fn j4a_too_many_requests_wait_as_wished_up_to_ten_minutes_and_count_nothing() {
        let delay = |wish: Option<u32>| match outcome(ErrorKind::RateLimited { retry_after: wish.map(|n| n * SECOND) })
        {
            Outcome::Snooze { delay } => delay.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!([None, Some(7), Some(86_400)].map(delay), [60, 7, 600]);
    }

    #[test]
    fn j4a_a_pause_of_our_own_is_kept_whole_and_counts_nothing() {
        assert_eq!(outcome(ErrorKind::QuotaExceeded), Outcome::Snooze { delay: QUOTA_PAUSE });
        assert_eq!(outcome(ErrorKind::LockedOut), Outcome::Snooze { delay: CREDENTIALS_PAUSE });
        assert!(QUOTA_PAUSE > LONGEST_SNOOZE, "a cut would show");
    }
}
