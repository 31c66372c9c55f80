//! When a difference between the sides counts as divergence: not what a sync has still to settle, but what outlives it.
//!
//! A difference that one look finds may be a minute old. So it counts at a second look: if a run has looked in between and left just this
//! difference, or if no run has come in a time in which one must have.

use chrono::{DateTime, TimeDelta, Utc};

/// What the sides differed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Names what differs, and how, without saying it.
    pub digest: String,
    /// When it was first seen.
    pub since: DateTime<Utc>,
    /// A second look has found that it is not a sync's to settle.
    pub is_divergent: bool,
}

impl Difference {
    /// What a look makes of a difference. `before`: what the look before this one found; `was_synced`: a run has looked since then;
    /// `patience`: the time in which one must have.
    pub fn seen(
        before: Option<&Self>,
        digest: String,
        was_synced: bool,
        now: DateTime<Utc>,
        patience: TimeDelta,
    ) -> Self {
        match before {
            Some(before) if was_synced && before.digest == digest => {
                Self { digest, since: before.since, is_divergent: true }
            }
            Some(before) if !was_synced => {
                let since = before.since;
                let is_over = now.signed_duration_since(since) >= patience;
                Self { digest, since, is_divergent: before.is_divergent || is_over }
            }
            // The run has settled the former one; this one is new.
            Some(_) | None => Self { digest, since: now, is_divergent: false },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minute * 60, 0).unwrap()
    }

    fn seen(before: Option<&Difference>, digest: &str, was_synced: bool, minute: i64) -> Difference {
        Difference::seen(before, digest.to_owned(), was_synced, at(minute), TimeDelta::minutes(30))
    }

    #[test]
    fn one_look_alone_never_tells() {
        let first = seen(None, "a", false, 10);
        assert_eq!(first, Difference { digest: "a".to_owned(), since: at(10), is_divergent: false });
        assert!(!seen(None, "a", true, 10).is_divergent);
    }

    #[test]
    fn what_no_run_settles_in_its_time_is_told_since_it_was_first_seen() {
        let first = seen(None, "a", false, 10);
        let early = seen(Some(&first), "b", false, 39);
        assert_eq!((early.is_divergent, early.since), (false, at(10)), "edited once more, still waiting");
        let late = seen(Some(&early), "b", false, 40);
        assert_eq!((late.is_divergent, late.since), (true, at(10)));
    }

    #[test]
    fn what_a_run_left_as_it_was_is_told_at_once_and_another_difference_is_not() {
        let first = seen(None, "a", false, 10);
        let left = seen(Some(&first), "a", true, 11);
        assert_eq!((left.is_divergent, left.since), (true, at(10)));
        let still = seen(Some(&left), "a", false, 12);
        assert_eq!((still.is_divergent, still.since), (true, at(10)), "until a run has looked again");
        let edited_since = seen(Some(&left), "b", true, 60);
        assert_eq!((edited_since.is_divergent, edited_since.since), (false, at(60)));
    }
}
