//! What an entry may say where its content is not to be seen (C7).

use super::standard::Standard;

/// Title of an anonymised copy.
pub const PLACEHOLDER: &str = "Advoware blocked";

/// The copy that tells when, and how it recurs, and nothing else.
pub fn anonymized(original: &Standard) -> Standard {
    let Standard { span, text: _, notiz: _, ort: _, series } = original;
    Standard { span: *span, text: PLACEHOLDER.to_owned(), notiz: String::new(), ort: String::new(), series: *series }
}

/// Whether a copy says nothing but when.
pub fn is_blocked(copy: &Standard) -> bool {
    copy.text == PLACEHOLDER && copy.notiz.is_empty() && copy.ort.is_empty()
}

/// What flows back from an anonymised copy: its times and recurrence. Its texts never do, whether the placeholder or a
/// user's.
pub fn merge_back(original: &Standard, copy: &Standard) -> Standard {
    let Standard { text, notiz, ort, span: _, series: _ } = original.clone();
    Standard { span: copy.span, text, notiz, ort, series: copy.series }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use chrono::{DateTime, Days, TimeDelta};
    use proptest::prelude::*;

    use super::super::recurrence::{Series, TurnusArt};
    use super::super::standard::Span;
    use super::*;

    fn any_standard() -> impl Strategy<Value = Standard> {
        let series = (1u32..9, proptest::sample::select(&TurnusArt::ALL[..]), proptest::option::of(0u64..900));
        let span = (0i64..4_000_000_000, any::<bool>());
        (span, proptest::array::uniform3(any::<String>()), proptest::option::of(series)).prop_map(
            |((seconds, is_timed), [text, notiz, ort], series)| {
                let starts_at = DateTime::from_timestamp(seconds, 0).unwrap();
                let (ends_at, first) = (starts_at + TimeDelta::hours(1), starts_at.date_naive());
                let span =
                    if is_timed { Span::Timed { starts_at, ends_at } } else { Span::AllDay { first, last: first } };
                let series = series.map(|(turnus, art, days)| Series {
                    turnus: NonZeroU32::new(turnus).unwrap(),
                    art,
                    until: days.map(|days| first + Days::new(days)),
                });
                Standard { span, text, notiz, ort, series }
            },
        )
    }

    proptest! {
        #[test]
        fn c7_originals_that_differ_only_in_content_look_alike(
            one in any_standard(),
            [text, notiz, ort] in proptest::array::uniform3(any::<String>()),
        ) {
            let other = Standard { text, notiz, ort, ..one.clone() };
            prop_assert_eq!(anonymized(&one), anonymized(&other));
        }

        #[test]
        fn c7_only_times_and_recurrence_leave(original in any_standard()) {
            let copy = anonymized(&original);
            prop_assert_eq!((copy.text.as_str(), copy.notiz.as_str(), copy.ort.as_str()), ("Advoware blocked", "", ""));
            prop_assert_eq!((copy.span, copy.series), (original.span, original.series));
        }

        #[test]
        fn c7_only_times_and_recurrence_flow_back(original in any_standard(), copy in any_standard()) {
            let merged = merge_back(&original, &copy);
            prop_assert_eq!((merged.text, merged.notiz, merged.ort), (original.text, original.notiz, original.ort));
            prop_assert_eq!((merged.span, merged.series), (copy.span, copy.series));
        }

        #[test]
        fn c7_an_untouched_copy_changes_nothing(original in any_standard()) {
            prop_assert_eq!(merge_back(&original, &anonymized(&original)), original);
        }
    }
}
