//! What a Termin means.

use chrono::Days;

use super::*;

#[test]
fn times_of_day_stand_beside_the_dates_or_within_them() {
    let expected = timed_at("2026-05-04T14:00:00", "2026-05-04T15:30:00");
    assert_eq!(span(&termin(("2026-05-04", "14:00:00"), ("2026-05-04", "15:30:00"))), expected);
    assert_eq!(span(&termin(("2026-05-04T00:00:00", "14:00:00"), ("2026-05-04T00:00:00", "15:30:00"))), expected);
    assert_eq!(span(&termin(("2026-05-04T14:00:00", ""), ("2026-05-04T15:30:00", ""))), expected);
    assert_eq!(span(&termin(("2026-05-04T07:00:00", "14:00:00"), ("2026-05-04T08:00:00", "15:30:00"))), expected);
    assert_eq!(span(&termin(("2026-05-04", "14:00:00.4"), ("2026-05-04", "15:30:00.9"))), expected);
}

#[test]
fn a_missing_begin_is_9_and_a_missing_end_10_or_an_hour_later() {
    for (von, bis, start, end) in [
        ("", "", "09:00:00", "10:00:00"),
        ("", "12:00:00", "09:00:00", "12:00:00"),
        ("08:15:00", "", "08:15:00", "10:00:00"),
        ("09:59:00", "", "09:59:00", "10:00:00"),
        ("10:00:00", "", "10:00:00", "11:00:00"),
        ("14:00:00", "", "14:00:00", "15:00:00"),
    ] {
        let termin = termin(("2026-05-04", von), ("2026-05-04", bis));
        let expected = timed_at(&format!("2026-05-04T{start}"), &format!("2026-05-04T{end}"));
        assert_eq!(span(&termin), expected, "{von} {bis}");
    }
    let next_day = termin(("2026-05-04", "14:00:00"), ("2026-05-05", ""));
    assert_eq!(span(&next_day), timed_at("2026-05-04T14:00:00", "2026-05-05T10:00:00"));
}

#[test]
fn without_datum_bis_it_lasts_an_hour() {
    let expected = timed_at("2026-05-04T14:00:00", "2026-05-04T15:00:00");
    for bis in [("", "18:00:00"), ("", ""), ("0001-01-01T00:00:00", "18:00:00"), ("0001-01-01", "")] {
        assert_eq!(span(&termin(("2026-05-04", "14:00:00"), bis)), expected, "{bis:?}");
    }
    let late = termin(("2026-05-04", "23:30:00"), ("", ""));
    assert_eq!(span(&late), timed_at("2026-05-04T23:30:00", "2026-05-05T00:30:00"));
}

#[test]
fn an_end_that_does_not_follow_the_begin_is_an_hour_later() {
    let expected = timed_at("2026-05-04T14:00:00", "2026-05-04T15:00:00");
    for bis in [("2026-05-04", "14:00:00"), ("2026-05-04", "09:00:00"), ("2026-05-01", "18:00:00")] {
        assert_eq!(span(&termin(("2026-05-04", "14:00:00"), bis)), expected, "{bis:?}");
    }
}

#[test]
fn c8_an_hour_later_is_an_end_that_can_be_written() {
    for (start, hours) in
        [("2026-03-29T01:30:00", 1), ("2026-03-29T02:30:00", 1), ("2026-10-25T01:30:00", 2), ("2026-10-25T02:30:00", 1)]
    {
        let termin = termin((start, ""), ("", ""));
        let Span::Timed { starts_at, ends_at } = span(&termin) else { panic!("has times") };
        assert_eq!(ends_at - starts_at, TimeDelta::hours(hours), "{start}");
        let again = write(&termin.standard().unwrap()).unwrap();
        assert_eq!(span(&stored(&again)), span(&termin), "{start}");
    }
    let skipped = termin(("2026-03-29T02:30:00", ""), ("2026-03-29T03:00:00", ""));
    assert_eq!(span(&skipped), timed_at("2026-03-29T03:30:00", "2026-03-29T04:30:00"), "the end comes first");
}

#[test]
fn a_dauertermin_is_all_day_and_includes_the_day_of_datum_bis() {
    for (bis, last) in [
        (("2026-05-06", "23:59:00"), "2026-05-06"),
        (("2026-05-06T23:59:00", ""), "2026-05-06"),
        (("2026-05-06", "00:00:00"), "2026-05-06"),
        (("2026-05-04", ""), "2026-05-04"),
        (("", ""), "2026-05-04"),
        (("2026-05-01", ""), "2026-05-04"),
    ] {
        let termin = dauertermin(termin(("2026-05-04", "23:30:00"), bis), 0, 0);
        assert_eq!(span(&termin), days("2026-05-04", last), "{bis:?}");
    }
}

#[test]
fn longer_than_a_day_on_the_clock_is_all_day() {
    let from = ("2026-05-04", "10:00:00");
    assert_eq!(span(&termin(from, ("2026-05-05", "10:00:00"))), timed_at("2026-05-04T10:00:00", "2026-05-05T10:00:00"));
    assert_eq!(span(&termin(from, ("2026-05-05", "10:00:01"))), days("2026-05-04", "2026-05-05"));
    assert_eq!(span(&termin(from, ("2026-05-06", "00:00:00"))), days("2026-05-04", "2026-05-05"));
    assert_eq!(span(&termin(from, ("2026-05-06", "00:01:00"))), days("2026-05-04", "2026-05-06"));
    for day_of_a_jump in ["2026-03-29", "2026-10-25"] {
        let next = day(day_of_a_jump) + Days::new(1);
        let whole = termin((day_of_a_jump, "00:00:00"), (&next.to_string(), "00:00:00"));
        assert!(matches!(span(&whole), Span::Timed { .. }), "{day_of_a_jump}");
    }
}

#[test]
fn c9_a_series_is_a_dauertermin_with_both_numbers() {
    let bare = || termin(("2026-05-04", "14:00:00"), ("2026-12-28", "15:30:00"));
    let weekly = dauertermin(bare(), 2, 2).standard().unwrap();
    assert_eq!(weekly.span, timed_at("2026-05-04T14:00:00", "2026-05-04T15:30:00"));
    assert_eq!(weekly.series, Some(series(2, TurnusArt::Weekly, Some("2026-12-28"))));
    for (turnus, art) in [(0, 0), (1, 0), (0, 2), (0, 9)] {
        let all_day = dauertermin(bare(), turnus, art).standard().unwrap();
        assert_eq!((all_day.span, all_day.series), (days("2026-05-04", "2026-12-28"), None), "{turnus} {art}");
    }
    let long = TerminFields { turnus: 1, turnus_art: 2, ..bare() }.standard().unwrap();
    assert_eq!((long.span, long.series), (days("2026-05-04", "2026-12-28"), None));
    for (art, expected) in (1..=4).zip(TurnusArt::ALL) {
        assert_eq!(dauertermin(bare(), 1, art).standard().unwrap().series.unwrap().art, expected);
    }
}

#[test]
fn c9_the_year_2037_is_without_end() {
    for (datum_bis, until) in [
        ("2037-01-01", None),
        ("2037-12-31T23:59:00", None),
        ("2036-12-31", Some("2036-12-31")),
        ("2038-01-01", Some("2038-01-01")),
    ] {
        let endless = dauertermin(termin(("2026-05-04", "14:00:00"), (datum_bis, "15:00:00")), 1, 1);
        assert_eq!(endless.standard().unwrap().series, Some(series(1, TurnusArt::Daily, until)), "{datum_bis}");
    }
}

#[test]
fn c9_an_occurrence_has_the_defaults_of_a_termin_and_may_be_a_whole_day() {
    for (von, bis, expected) in [
        ("", "", timed_at("2026-05-04T09:00:00", "2026-05-04T10:00:00")),
        ("14:00:00", "", timed_at("2026-05-04T14:00:00", "2026-05-04T15:00:00")),
        ("14:00:00", "09:00:00", timed_at("2026-05-04T14:00:00", "2026-05-04T15:00:00")),
        ("00:00:00", "23:59:00", days("2026-05-04", "2026-05-04")),
        ("00:00:00", "23:59:59", days("2026-05-04", "2026-05-04")),
        ("00:00:00", "23:58:59", timed_at("2026-05-04T00:00:00", "2026-05-04T23:58:59")),
    ] {
        let termin = dauertermin(termin(("2026-05-04", von), ("2026-12-28", bis)), 1, 2);
        assert_eq!(span(&termin), expected, "{von} {bis}");
    }
}

#[test]
fn what_makes_no_sense_is_an_oddity() {
    let bare = || termin(("2026-05-04", "14:00:00"), ("2026-12-28", "15:00:00"));
    let from = |datum| TerminFields { datum, ..bare() };
    let odd = |termin: &TerminFields| termin.standard().unwrap_err();
    assert_eq!(odd(&from(None)), Oddity::NoStart);
    assert_eq!(odd(&from(datum("0001-01-01T00:00:00"))), Oddity::NoStart);
    for datum in [datum("0026-05-04"), datum("3000-01-01"), Some(NaiveDateTime::MIN), Some(NaiveDateTime::MAX)] {
        assert_eq!(odd(&from(datum)), Oddity::YearOutOfRange);
        assert_eq!(odd(&TerminFields { datum_bis: datum, ..bare() }), Oddity::YearOutOfRange);
    }
    assert_eq!(odd(&dauertermin(bare(), 1, 5)), Oddity::UnknownTurnusArt);
    assert_eq!(odd(&dauertermin(TerminFields { datum_bis: None, ..bare() }, 1, 1)), Oddity::SeriesEndUnknown);
    let early = TerminFields { datum_bis: datum("2026-05-03"), ..bare() };
    assert_eq!(odd(&dauertermin(early, 1, 1)), Oddity::Recurrence(Refusal::EndsBeforeStart));
    assert_eq!(odd(&dauertermin(from(datum("2026-05-31")), 1, 3)), Oddity::Recurrence(Refusal::DayNotInEveryMonth));
}

#[test]
fn c6_texts_are_read_in_the_form_they_are_compared_in() {
    let termin = TerminFields {
        text: Some("Besprechung Muster ".to_owned()),
        notiz: Some("a\r\nb\r\n".to_owned()),
        ort: None,
        ..termin(("2026-05-04", ""), ("", ""))
    };
    let read = termin.standard().unwrap();
    assert_eq!([read.text, read.notiz, read.ort], ["Besprechung Muster", "a\nb", ""]);
}
