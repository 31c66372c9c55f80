//! Whatever Termin or standard form there is.

use chrono::Days;
use proptest::prelude::*;

use super::*;

fn any_wall() -> impl Strategy<Value = NaiveDateTime> {
    let seconds = prop_oneof![
        3 => (20_000i64..30_000, 0i64..48).prop_map(|(day, half_hour)| day * 86_400 + half_hour * 1800),
        // Around both jumps of 2026.
        1 => 1_774_740_000i64..1_774_760_000,
        1 => 1_792_880_000i64..1_792_900_000,
        1 => -2_208_900_000i64..32_500_000_000,
    ];
    seconds.prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap().naive_utc())
}

fn any_time() -> impl Strategy<Value = NaiveTime> {
    prop_oneof![
        Just(NaiveTime::MIN),
        Just(LAST_MINUTE),
        (0u32..86_400, 0u32..2_000_000_000).prop_filter_map("a time", |(seconds, nanoseconds)| {
            NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanoseconds)
        }),
        (0u32..48).prop_filter_map("a half hour", |half| NaiveTime::from_hms_opt(half / 2, half % 2 * 30, 0)),
    ]
}

fn any_span() -> impl Strategy<Value = Span> {
    let seconds = prop_oneof![-3600i64..100_000, (0i64..60).prop_map(|half_hours| half_hours * 1800)];
    prop_oneof![
        (any_wall(), seconds).prop_map(|(start, seconds)| {
            let starts_at = instant_of(start);
            Span::Timed { starts_at, ends_at: starts_at + TimeDelta::seconds(seconds) }
        }),
        (any_wall(), 0u64..4)
            .prop_map(|(start, days)| { Span::AllDay { first: start.date(), last: start.date() + Days::new(days) } }),
    ]
}

fn any_standard() -> impl Strategy<Value = Standard> {
    let turnus = (1u32..=u32::MAX).prop_filter_map("above 0", NonZeroU32::new);
    let series = (turnus, proptest::sample::select(&TurnusArt::ALL[..]), proptest::option::of(0u64..10_000));
    let texts = proptest::array::uniform3("[a-zäß \r\n]{0,12}");
    (any_span(), proptest::option::of(series), texts).prop_map(|(span, series, texts)| {
        let series = series.map(|(turnus, art, days)| {
            let until = days.map(|days| span.first_day() + Days::new(days));
            Series { turnus, art, until }
        });
        let [text, notiz, ort] = texts.map(|text| normalized(Some(&text)));
        Standard { span, text, notiz, ort, series }
    })
}

fn any_termin() -> impl Strategy<Value = TerminFields> {
    let dates = (proptest::option::weighted(0.9, any_wall()), -2i64..5, any::<bool>());
    let times = proptest::array::uniform2(proptest::option::weighted(0.8, any_time()));
    let texts = proptest::array::uniform3(proptest::option::of(any::<String>()));
    (dates, times, any::<bool>(), 0u32..4, 0u32..7, texts).prop_map(
        |((datum, days, has_end), [uhrzeit_von, uhrzeit_bis], dauertermin, turnus, turnus_art, texts)| {
            let datum_bis = datum.filter(|_| has_end).map(|datum| datum + TimeDelta::days(days));
            let [text, notiz, ort] = texts;
            let numbers = TerminFields { dauertermin, turnus, turnus_art, ..TerminFields::default() };
            TerminFields { datum, datum_bis, uhrzeit_von, uhrzeit_bis, text, notiz, ort, ..numbers }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(standard in any_standard()) {
        if let Ok(content) = write(&standard) {
            prop_assert_eq!(stored(&content).standard(), Ok(standard));
        }
    }

    #[test]
    fn what_is_laid_over_a_termin_is_what_it_says_then(termin in any_termin(), standard in any_standard()) {
        if let Ok(changed) = termin.saying(&standard) {
            prop_assert_eq!(changed.standard(), Ok(standard));
        }
    }

    #[test]
    fn a_termin_that_already_says_it_is_left_alone(termin in any_termin()) {
        if let Ok(standard) = termin.standard() {
            prop_assert_eq!(termin.saying(&standard), Ok(termin));
        }
    }

    #[test]
    fn a_single_termin_can_always_be_written_back(termin in any_termin()) {
        match termin.standard() {
            Ok(standard) if standard.series.is_none() => prop_assert!(write(&standard).is_ok(), "{standard:?}"),
            Ok(_) | Err(_) => {}
        }
    }
}
