//! What is written, and what is refused.

use super::*;

fn refused(span: Span, series: impl Into<Option<Series>>, expected: NotRepresentable) {
    let standard = standard(span, series.into());
    assert_eq!(write(&standard), Err(expected), "{standard:?}");
}

#[test]
fn a_termin_with_times() {
    let content = write(&standard(timed_at("2026-05-04T14:00:00", "2026-05-05T00:00:00"), None)).unwrap();
    let expected = termin(("2026-05-04T14:00:00", "14:00:00"), ("2026-05-05T00:00:00", "00:00:00"));
    let texts = (Some("Besprechung Muster"), Some("a\r\n\r\nb"), Some(""));
    let read = stored(&content);
    assert_eq!((read.text.as_deref(), read.notiz.as_deref(), read.ort.as_deref()), texts);
    assert_eq!(TerminFields { text: None, notiz: None, ort: None, ..read }, expected);
}

#[test]
fn c8_all_day_ends_in_the_last_minute_of_its_last_day() {
    let times = write(&standard(days("2026-05-04", "2026-05-06"), None)).unwrap().times;
    let mut written = TerminFields::default();
    written.set_times(times);
    let expected = termin(("2026-05-04T00:00:00", "00:00:00"), ("2026-05-06T23:59:00", "23:59:00"));
    assert_eq!(written, dauertermin(expected, 0, 0));
}

#[test]
fn c9_a_series_ends_on_its_last_day_or_in_2037() {
    let hour = timed_at("2026-05-04T14:00:00", "2026-05-04T15:00:00");
    let times = |series| write(&standard(hour, Some(series))).unwrap().times;
    let with_end = times(series(3, TurnusArt::Monthly, Some("2026-12-04")));
    assert_eq!(Some(with_end.datum_bis), datum("2026-12-04T15:00:00"));
    assert_eq!((with_end.dauertermin, with_end.turnus, with_end.turnus_art), (true, 3, 3));
    assert_eq!(Some(times(series(1, TurnusArt::Yearly, None)).datum_bis), datum("2037-12-31T15:00:00"));
}

#[test]
fn every_shape_that_would_read_back_as_another_is_refused() {
    let hour = timed_at("2026-05-04T14:00:00", "2026-05-04T15:00:00");
    let weekly = series(1, TurnusArt::Weekly, None);
    let from_to = |starts_at, ends_at| Span::Timed { starts_at: utc(starts_at), ends_at: utc(ends_at) };

    refused(from_to("2026-10-25T00:30:00Z", "2026-10-25T03:00:00Z"), None, NotRepresentable::RepeatedHour);
    refused(from_to("2026-10-24T22:00:00Z", "2026-10-25T00:00:00Z"), None, NotRepresentable::RepeatedHour);
    refused(from_to("2026-05-04T08:00:00Z", "2026-05-04T08:30:00.5Z"), None, NotRepresentable::SubSecond);
    refused(days("2999-12-31", "3000-01-01"), None, NotRepresentable::YearOutOfRange);
    refused(from_to("2026-05-04T08:00:00Z", "2026-05-04T08:00:00Z"), None, NotRepresentable::Empty);
    refused(from_to("2026-05-04T08:00:00Z", "2026-05-04T07:00:00Z"), None, NotRepresentable::Empty);
    refused(days("2026-05-04", "2026-05-03"), None, NotRepresentable::Empty);
    refused(timed_at("2026-05-04T14:00:00", "2026-05-05T14:00:01"), None, NotRepresentable::LongerThanOneDay);
    let over_midnight = timed_at("2026-05-04T22:00:00", "2026-05-05T00:00:00");
    refused(over_midnight, weekly, NotRepresentable::OccurrenceOverMidnight);
    refused(days("2026-05-04", "2026-05-05"), weekly, NotRepresentable::OccurrenceOverMidnight);
    for end in ["2026-05-04T23:59:00", "2026-05-04T23:59:59"] {
        refused(timed_at("2026-05-04T00:00:00", end), weekly, NotRepresentable::ReadsAsAllDay);
    }
    refused(hour, series(1, TurnusArt::Weekly, Some("2037-05-04")), NotRepresentable::EndsIn2037);
    refused(timed_at("2038-05-04T14:00:00", "2038-05-04T15:00:00"), weekly, NotRepresentable::EndsIn2037);
    let early = series(1, TurnusArt::Weekly, Some("2026-05-03"));
    refused(hour, early, NotRepresentable::Recurrence(Refusal::EndsBeforeStart));
    let thirty_first = timed_at("2026-05-31T14:00:00", "2026-05-31T15:00:00");
    let monthly = series(1, TurnusArt::Monthly, None);
    refused(thirty_first, monthly, NotRepresentable::Recurrence(Refusal::DayNotInEveryMonth));
}

#[test]
fn shapes_beside_the_refused_ones_are_written() {
    let weekly = series(1, TurnusArt::Weekly, None);
    for (span, series) in [
        (timed_at("2026-05-04T14:00:00", "2026-05-05T14:00:00"), None),
        (timed_at("2026-05-04T00:00:00", "2026-05-05T00:00:00"), None),
        (timed_at("2026-05-04T00:00:00", "2026-05-04T23:59:00"), None),
        (timed_at("2026-05-04T00:00:00", "2026-05-04T23:58:59"), Some(weekly)),
        (timed_at("2026-10-25T01:59:59", "2026-10-25T02:00:00"), None),
        (timed_at("2026-03-29T01:59:59", "2026-03-29T03:00:00"), None),
        (timed_at("2037-05-04T14:00:00", "2037-05-04T15:00:00"), Some(weekly)),
        (days("1900-01-01", "2999-12-31"), None),
        (days("2026-05-04", "2026-05-04"), Some(weekly)),
    ] {
        let standard = standard(span, series);
        assert_eq!(stored(&write(&standard).unwrap()).standard().as_ref(), Ok(&standard));
    }
}

#[test]
fn a_changed_title_leaves_the_spelling_of_the_times_alone() {
    let long = termin(("2026-05-04", "10:00:00"), ("2026-05-06", "12:00:00"));
    let wanted = Standard { text: "Neu".to_owned(), ..long.standard().unwrap() };
    assert_eq!(long.saying(&wanted), Ok(TerminFields { text: Some("Neu".to_owned()), ..long.clone() }));
    let late = dauertermin(termin(("2026-05-04", "23:30:00"), ("2026-12-28", "")), 1, 2);
    let wanted = Standard { ort: "Saal 1".to_owned(), ..late.standard().unwrap() };
    assert_eq!(times(&wanted), Err(NotRepresentable::OccurrenceOverMidnight));
    assert_eq!(late.saying(&wanted), Ok(TerminFields { ort: Some("Saal 1".to_owned()), ..late.clone() }));
}
