//! What can go wrong with an outside system, typed by what happens next (E1).
//!
//! An [`ApiError`] names the operation, the kind and the status. It never carries a value, an address with a query or a
//! secret (E2, E3): its text goes to logs, to `syncErrorMessage` and into the dead set.

mod kind;
mod operation;

use std::fmt;
use std::time::Duration;

pub(crate) use kind::OUTCOMES;
pub use kind::{ConnectFault, ErrorKind, Refusal};
pub use operation::{Effect, Operation, System};

/// How long to stay away from a system that refuses our credentials or has locked our address out (J4a).
pub const CREDENTIALS_PAUSE: Duration = Duration::from_mins(5);

/// How long to stay away from a system whose lasting limit is used up: nobody knows when Google lifts it (DOMAIN 6).
pub const QUOTA_PAUSE: Duration = Duration::from_hours(1);

/// An outside call that did not give an answer one can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// What was asked of which system.
    pub operation: Operation,
    /// What went wrong.
    pub kind: ErrorKind,
    /// HTTP status, where an answer arrived.
    pub status: Option<u16>,
}

/// What the caller does after a failed call (E1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Try the whole job again after the back-off; the failure counts.
    Retry,
    /// Wait, without counting a try; the time is the system's wish, where it has one.
    Snooze(Option<Duration>),
    /// Nothing changes by repeating: keep the job with its reason.
    GiveUp,
    /// The write may or may not have happened, or the record moved: load and plan anew before any further write.
    LookFirst,
}

/// Whom a failure is counted against (J4a).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The record alone.
    Record,
    /// The record and the system: several in a row over several records open its breaker.
    System,
    /// The system's credentials: opens its breaker at once.
    Credentials,
    /// Nobody: the call is only too early, or ours was the obstacle.
    Nobody,
}

impl ApiError {
    /// A failure for which no answer arrived.
    pub fn unanswered(operation: Operation, kind: ErrorKind) -> Self {
        Self { operation, kind, status: None }
    }

    /// The system that was asked.
    pub fn system(&self) -> System {
        self.operation.system()
    }

    /// The one table that says what happens next (E1).
    pub fn next(&self) -> Next {
        use ErrorKind as K;
        let is_write = self.operation.effect().is_write();
        let unless_written = |read| if is_write { Next::LookFirst } else { read };
        match &self.kind {
            K::Unreachable(_) | K::CacheUnavailable | K::LimitUnavailable => Next::Retry,
            // A gateway's 502 or 504, or a 500, says nothing about whether the write behind it took place.
            K::TimedOut
            | K::ConnectionLost
            | K::Unavailable { .. }
            | K::ServerFault
            | K::Malformed { .. }
            | K::Truncated => unless_written(Next::Retry),
            K::RateLimited { retry_after } => Next::Snooze(*retry_after),
            K::Oversized | K::UnexpectedStatus => unless_written(Next::GiveUp),
            K::Conflict | K::Duplicate | K::FullSyncRequired => Next::LookFirst,
            K::QuotaExceeded => Next::Snooze(Some(QUOTA_PAUSE)),
            K::CredentialsRefused(_) | K::LockedOut => Next::Snooze(Some(CREDENTIALS_PAUSE)),
            K::Rejected { .. } | K::Forbidden | K::NotFound | K::WrongAddress => Next::GiveUp,
        }
    }

    /// Whom the failure is counted against (J4a).
    pub fn blame(&self) -> Blame {
        use ErrorKind as K;
        match &self.kind {
            K::Unreachable(_) | K::TimedOut | K::ConnectionLost | K::Unavailable { .. } => Blame::System,
            K::CredentialsRefused(_) | K::LockedOut => Blame::Credentials,
            K::RateLimited { .. }
            | K::QuotaExceeded
            | K::CacheUnavailable
            | K::LimitUnavailable
            | K::Conflict
            | K::Duplicate
            | K::FullSyncRequired => Blame::Nobody,
            K::Rejected { .. }
            | K::Forbidden
            | K::NotFound
            | K::WrongAddress
            | K::ServerFault
            | K::Malformed { .. }
            | K::Truncated
            | K::Oversized
            | K::UnexpectedStatus => Blame::Record,
        }
    }

    /// How long the system asked us to stay away: the least wait before the next try, whatever the back-off says (J3).
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.kind {
            ErrorKind::Unavailable { retry_after } | ErrorKind::RateLimited { retry_after } => *retry_after,
            _ => None,
        }
    }

    /// Whether a write may have taken effect although no usable answer arrived.
    pub fn outcome_unknown(&self) -> bool {
        self.operation.effect().is_write()
            && self.next() == Next::LookFirst
            && !matches!(self.kind, ErrorKind::Conflict | ErrorKind::Duplicate | ErrorKind::FullSyncRequired)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.system().title(), self.operation.name())?;
        if let Some(status) = self.status {
            write!(f, "HTTP {status}, ")?;
        }
        write!(f, "{}", self.kind)?;
        if self.outcome_unknown() {
            f.write_str("; it may have been carried out, so the next run looks before it writes")?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(operation: Operation, kind: ErrorKind) -> Next {
        ApiError::unanswered(operation, kind).next()
    }

    #[test]
    fn e1_a_write_without_answer_is_looked_for_and_a_read_is_repeated() {
        let unknown = [
            ErrorKind::TimedOut,
            ErrorKind::ConnectionLost,
            ErrorKind::ServerFault,
            ErrorKind::Unavailable { retry_after: None },
            ErrorKind::Truncated,
            ErrorKind::Malformed { what: "x" },
        ];
        for kind in unknown {
            assert_eq!(next(Operation::AdvowarePostKommunikation, kind.clone()), Next::LookFirst, "{kind:?}");
            assert_eq!(next(Operation::AdvowareGetBeteiligte, kind.clone()), Next::Retry, "{kind:?}");
            assert_eq!(next(Operation::AdvowareToken, kind.clone()), Next::Retry, "{kind:?}");
            assert!(ApiError::unanswered(Operation::EspocrmUpdateBeteiligte, kind).outcome_unknown());
        }
    }

    #[test]
    fn e1_what_was_never_sent_is_simply_tried_again() {
        let error =
            ApiError::unanswered(Operation::AdvowarePutKommunikation, ErrorKind::Unreachable(ConnectFault::Refused));
        assert_eq!(error.next(), Next::Retry);
        assert!(!error.outcome_unknown());
    }

    #[test]
    fn e1_refusals_give_up_and_throttling_waits() {
        let wait = Some(Duration::from_secs(7));
        assert_eq!(next(Operation::EspocrmGetBeteiligte, ErrorKind::NotFound), Next::GiveUp);
        assert_eq!(
            next(Operation::EspocrmUpdateBeteiligte, ErrorKind::Rejected { field: None, rule: None }),
            Next::GiveUp
        );
        assert_eq!(next(Operation::EspocrmUpdateBeteiligte, ErrorKind::Conflict), Next::LookFirst);
        assert_eq!(
            next(Operation::EspocrmGetBeteiligte, ErrorKind::RateLimited { retry_after: wait }),
            Next::Snooze(wait)
        );
        assert_eq!(next(Operation::EspocrmGetBeteiligte, ErrorKind::LockedOut), Next::Snooze(Some(CREDENTIALS_PAUSE)));
    }

    #[test]
    fn j4a_outages_count_for_the_system_and_content_for_the_record() {
        let blame = |kind| ApiError::unanswered(Operation::EspocrmGetBeteiligte, kind).blame();
        assert_eq!(blame(ErrorKind::Unavailable { retry_after: None }), Blame::System);
        assert_eq!(blame(ErrorKind::ServerFault), Blame::Record);
        assert_eq!(blame(ErrorKind::LockedOut), Blame::Credentials);
        assert_eq!(blame(ErrorKind::RateLimited { retry_after: None }), Blame::Nobody);
    }

    #[test]
    fn texts_name_operation_status_and_remedy() {
        let error = ApiError {
            operation: Operation::EspocrmUpdateBeteiligte,
            kind: ErrorKind::Rejected { field: Some("phoneNumberData".into()), rule: Some("valid".into()) },
            status: Some(400),
        };
        assert_eq!(
            error.to_string(),
            "EspoCRM update_beteiligte: HTTP 400, the content was refused (field phoneNumberData, rule valid): correct \
             the record, then requeue it"
        );
    }
}
