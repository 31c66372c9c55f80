//! The standard form of an entry: what both systems can say of it, in the form that the weaker side can hold. Change
//! and equality are decided in it (C6).

use chrono::{DateTime, NaiveDate, NaiveTime, Timelike, Utc};

use super::recurrence::Series;
use super::time::{berlin, instant_of};

/// One entry, or the first occurrence of a series.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Standard {
    /// When it is; of a series, the first occurrence.
    pub span: Span,
    /// Title, as [`normalized`] gives it; so `notiz` and `ort`.
    pub text: String,
    /// Note.
    pub notiz: String,
    /// Place.
    pub ort: String,
    /// How it recurs, if it does.
    pub series: Option<Series>,
}

/// When an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Span {
    /// With times.
    Timed {
        /// Begin.
        starts_at: DateTime<Utc>,
        /// End, which no longer belongs to it.
        ends_at: DateTime<Utc>,
    },
    /// Whole days, wherever one is.
    AllDay {
        /// First day.
        first: NaiveDate,
        /// Last day, which belongs to it.
        last: NaiveDate,
    },
}

impl Span {
    /// The day in Berlin on which it begins.
    pub fn first_day(&self) -> NaiveDate {
        match self {
            Self::Timed { starts_at, .. } => berlin(*starts_at).date(),
            Self::AllDay { first, .. } => *first,
        }
    }

    /// Time of day in Berlin at which it begins, in whole seconds: midnight if all-day.
    pub(super) fn start_time(&self) -> NaiveTime {
        match self {
            Self::Timed { starts_at, .. } => whole_seconds(berlin(*starts_at).time()),
            Self::AllDay { .. } => NaiveTime::MIN,
        }
    }

    fn starts_at(&self) -> DateTime<Utc> {
        match self {
            Self::Timed { starts_at, .. } => *starts_at,
            Self::AllDay { first, .. } => midnight(*first),
        }
    }

    fn ends_at(&self) -> DateTime<Utc> {
        match self {
            Self::Timed { ends_at, .. } => *ends_at,
            Self::AllDay { last, .. } => midnight(day_after(*last)),
        }
    }
}

impl Standard {
    /// Begin of its reach, for the hub's window columns; of a whole day, its first moment in Berlin.
    pub fn starts_at(&self) -> DateTime<Utc> {
        self.span.starts_at()
    }

    /// End of its reach, which no longer belongs to it; `None` for a series without end. A series reaches to the end of
    /// the occurrence that would begin on its last day, whether or not one does.
    pub fn ends_at(&self) -> Option<DateTime<Utc>> {
        let Some(series) = &self.series else { return Some(self.span.ends_at()) };
        let until = series.until?;
        let days = until.signed_duration_since(self.span.first_day());
        let last_end = berlin(self.span.ends_at()).checked_add_signed(days);
        Some(last_end.map_or(self.span.ends_at(), instant_of).max(self.span.ends_at()))
    }

    /// Whether its reach meets the days `from` to `to` in Berlin, both included. Of a series the reach counts, not the
    /// single occurrence, as `datum` and `datumBis` of a Termin do.
    pub fn overlaps(&self, from: NaiveDate, to: NaiveDate) -> bool {
        let (opens, closes) = (midnight(from), midnight(day_after(to)));
        let starts_at = self.starts_at();
        let is_over = self.ends_at().is_some_and(|ends_at| ends_at <= opens) && starts_at < opens;
        starts_at < closes && !is_over
    }
}

/// Nothing, lines and line ends as they are compared: `\r\n` and `\r` are `\n`, white space after the last word is
/// none, nothing is the empty text. U+0000 goes, no system here holds it. All else, leading blanks and lengths too, is
/// content.
pub fn normalized(text: Option<&str>) -> String {
    let text = text.unwrap_or_default().replace('\0', "").replace("\r\n", "\n").replace('\r', "\n");
    text.trim_end().to_owned()
}

pub(super) fn whole_seconds(time: NaiveTime) -> NaiveTime {
    time.with_nanosecond(0).unwrap_or(time)
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    instant_of(day.and_time(NaiveTime::MIN))
}

pub(super) fn day_after(day: NaiveDate) -> NaiveDate {
    day.succ_opt().unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::super::recurrence::TurnusArt;
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn entry(span: Span) -> Standard {
        Standard { span, text: "Muster".to_owned(), notiz: String::new(), ort: String::new(), series: None }
    }

    fn timed(starts_at: &str, ends_at: &str) -> Standard {
        entry(Span::Timed { starts_at: utc(starts_at), ends_at: utc(ends_at) })
    }

    fn all_day(first: &str, last: &str) -> Standard {
        entry(Span::AllDay { first: day(first), last: day(last) })
    }

    fn weekly(entry: Standard, until: Option<&str>) -> Standard {
        let series = Series { turnus: NonZeroU32::MIN, art: TurnusArt::Weekly, until: until.map(day) };
        Standard { series: Some(series), ..entry }
    }

    #[test]
    fn c6_what_either_system_normalises_is_no_change() {
        for text in ["a\r\nb", "a\nb", "a\rb", "a\nb\r\n", "a\nb \t\n\n", "a\nb\0"] {
            assert_eq!(normalized(Some(text)), "a\nb", "{text:?}");
        }
        for nothing in [None, Some(""), Some(" \r\n"), Some("\0")] {
            assert_eq!(normalized(nothing), "", "{nothing:?}");
        }
    }

    #[test]
    fn c6_leading_and_inner_blanks_are_content() {
        assert_eq!(normalized(Some("  a  \r\n\r\n b")), "  a  \n\n b");
        assert_eq!(normalized(Some(&"ä".repeat(9000))).chars().count(), 9000);
    }

    #[test]
    fn c8_a_whole_day_reaches_from_midnight_to_midnight_in_berlin() {
        let days = all_day("2026-03-28", "2026-03-29");
        assert_eq!(days.starts_at(), utc("2026-03-27T23:00:00Z"));
        assert_eq!(days.ends_at(), Some(utc("2026-03-29T22:00:00Z")));
    }

    #[test]
    fn a_series_reaches_to_its_last_day_and_without_one_for_ever() {
        let first = timed("2026-10-05T08:00:00Z", "2026-10-05T09:00:00Z");
        let ends_at = weekly(first.clone(), Some("2026-11-02")).ends_at();
        assert_eq!(ends_at, Some(utc("2026-11-02T10:00:00Z")), "11:00 on the clock, winter or summer");
        assert_eq!(weekly(first.clone(), None).ends_at(), None);
        assert_eq!(weekly(first.clone(), Some("2026-10-01")).ends_at(), first.ends_at(), "never before its first end");
        assert!(weekly(first.clone(), None).overlaps(day("2999-01-01"), day("2999-01-01")));
        assert!(
            weekly(first.clone(), Some("2026-11-02")).overlaps(day("2026-10-20"), day("2026-10-20")),
            "between two"
        );
        assert!(!weekly(first, Some("2026-11-02")).overlaps(day("2026-11-03"), day("2026-11-09")));
        let days = weekly(all_day("2026-10-05", "2026-10-05"), Some("2026-11-02"));
        assert_eq!(days.ends_at(), Some(utc("2026-11-02T23:00:00Z")));
    }

    #[test]
    fn c4_the_window_includes_both_its_days() {
        let meets = |entry: &Standard| entry.overlaps(day("2026-05-04"), day("2026-05-06"));
        assert!(meets(&all_day("2026-05-01", "2026-05-04")));
        assert!(meets(&all_day("2026-05-06", "2026-05-09")));
        assert!(meets(&all_day("2026-05-01", "2026-05-31")));
        assert!(!meets(&all_day("2026-05-01", "2026-05-03")));
        assert!(!meets(&all_day("2026-05-07", "2026-05-07")));
        assert!(meets(&timed("2026-05-03T21:00:00Z", "2026-05-03T22:00:01Z")));
        assert!(!meets(&timed("2026-05-03T21:00:00Z", "2026-05-03T22:00:00Z")), "ends as the window opens");
        assert!(meets(&timed("2026-05-03T22:00:00Z", "2026-05-03T22:00:00Z")), "lasts no time, in it");
        assert!(meets(&timed("2026-05-06T21:59:59Z", "2026-05-06T23:00:00Z")));
        assert!(!meets(&timed("2026-05-06T22:00:00Z", "2026-05-06T23:00:00Z")), "begins as the window closes");
    }

    proptest! {
        #[test]
        fn c6_normalising_twice_is_normalising_once(text in any::<String>(), lines in "[ab \r\n\0]{0,12}") {
            for text in [text, lines] {
                let once = normalized(Some(&text));
                prop_assert_eq!(normalized(Some(&once)), once);
            }
        }

        #[test]
        fn c6_line_ends_of_either_system_say_the_same(lines in proptest::collection::vec("[a-zäß .]{0,5}", 0..5)) {
            let written = [lines.join("\n"), lines.join("\r\n"), lines.join("\r\n") + "\r\n"];
            prop_assert_eq!(normalized(Some(&written[0])), normalized(Some(&written[1])));
            prop_assert_eq!(normalized(Some(&written[0])), normalized(Some(&written[2])));
        }
    }
}
