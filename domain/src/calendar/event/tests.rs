use std::num::NonZeroU32;

use chrono::Days;
use proptest::prelude::*;

use super::super::oddity::NotRepresentable;
use super::super::recurrence::TurnusArt;
use super::super::termin::write;
use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// `2026-05-04` or `2026-05-04T08:00:00Z`.
fn time(text: &str) -> EventTime {
    text.parse().map_or_else(|_| EventTime::DateTime(utc(text)), EventTime::Date)
}

fn event(start: &str, end: &str) -> EventFields {
    EventFields { start: Some(time(start)), end: Some(time(end)), ..EventFields::default() }
}

fn recurring(rule: &str, event: EventFields) -> EventFields {
    EventFields { recurrence: vec![rule.to_owned()], ..event }
}

fn all_day_span(first: &str, last: &str) -> Span {
    Span::AllDay { first: day(first), last: day(last) }
}

/// What Google answers to a write.
fn stored(content: EventContent) -> EventFields {
    EventFields {
        start: Some(content.start),
        end: Some(content.end),
        time_zone: Some(TIME_ZONE.to_owned()),
        summary: Some(content.summary),
        description: Some(content.description),
        location: Some(content.location).filter(|location| !location.is_empty()),
        recurrence: content.recurrence,
        ..EventFields::default()
    }
}

#[test]
fn c8_the_end_of_an_all_day_event_is_exclusive() {
    assert_eq!(event("2026-05-04", "2026-05-05").span(), Ok(all_day_span("2026-05-04", "2026-05-04")));
    assert_eq!(event("2026-05-04", "2026-05-07").span(), Ok(all_day_span("2026-05-04", "2026-05-06")));
    assert_eq!(event("2026-05-04", "2026-05-04").span(), Ok(all_day_span("2026-05-04", "2026-05-04")));
    let span = all_day_span("2026-05-04", "2026-05-06");
    let standard = Standard { span, text: "Urlaub".to_owned(), notiz: String::new(), ort: String::new(), series: None };
    let content = project(&standard);
    assert_eq!((content.start, content.end), (time("2026-05-04"), time("2026-05-07")));
}

#[test]
fn a_long_event_with_times_is_not_all_day_and_cannot_go_to_advoware() {
    let conference = event("2026-05-04T08:00:00Z", "2026-05-06T15:00:00Z").standard().unwrap();
    assert!(matches!(conference.span, Span::Timed { .. }));
    assert_eq!(write(&conference), Err(NotRepresentable::LongerThanOneDay));
}

#[test]
fn c4_a_cancelled_event_is_no_content_whatever_it_still_holds() {
    let event = EventFields { status: EventStatus::Cancelled, ..event("2026-05-04", "2026-05-05") };
    assert_eq!(event.standard(), Err(Oddity::Cancelled));
    let exception = EventFields { recurring_event_id: Some(EventId::parse("abc12").unwrap()), ..event };
    assert_eq!(exception.standard(), Err(Oddity::Cancelled));
    assert_eq!(
        EventFields { status: EventStatus::Cancelled, ..EventFields::default() }.standard(),
        Err(Oddity::Cancelled)
    );
}

#[test]
fn c9_a_moved_occurrence_is_reported() {
    let moved =
        EventFields { recurring_event_id: Some(EventId::parse("abc12").unwrap()), ..event("2026-05-04", "2026-05-05") };
    assert_eq!(moved.standard(), Err(Oddity::SeriesException));
}

#[test]
fn what_makes_no_sense_is_an_oddity() {
    for (event, expected) in [
        (EventFields::default(), Oddity::NoStart),
        (event("2026-05-04", "2026-05-04T08:00:00Z"), Oddity::MixedTimes),
        (event("2026-05-04T08:00:00Z", "2026-05-04"), Oddity::MixedTimes),
        (event("2026-05-04T08:00:00Z", "2026-05-04T07:59:59Z"), Oddity::EndsBeforeStart),
        (event("2026-05-04", "2026-05-03"), Oddity::EndsBeforeStart),
        (event("0026-05-04", "2026-05-05"), Oddity::YearOutOfRange),
        (event("2026-05-04", "9999-12-31"), Oddity::YearOutOfRange),
        (event("2026-05-04T08:00:00Z", "9999-05-04T08:00:00Z"), Oddity::YearOutOfRange),
        (recurring("RRULE:FREQ=HOURLY", event("2026-05-04", "2026-05-05")), Oddity::Recurrence(Refusal::Frequency)),
    ] {
        assert_eq!(event.standard(), Err(expected), "{event:?}");
    }
    for start in [
        EventTime::DateTime(DateTime::<Utc>::MAX_UTC),
        EventTime::Date(NaiveDate::MAX),
        EventTime::Date(NaiveDate::MIN),
    ] {
        let edge = EventFields { start: Some(start), ..EventFields::default() };
        assert_eq!(edge.standard(), Err(Oddity::YearOutOfRange));
    }
}

#[test]
fn without_an_end_it_lasts_an_hour_or_a_day() {
    let begins = |start| EventFields { end: None, ..event(start, start) }.span();
    assert_eq!(begins("2026-05-04T08:00:00Z"), event("2026-05-04T08:00:00Z", "2026-05-04T09:00:00Z").span());
    assert_eq!(begins("2026-05-04"), Ok(all_day_span("2026-05-04", "2026-05-04")));
}

#[test]
fn c9_a_series_follows_the_clock_of_berlin() {
    let series = |zone: &str| {
        let event = recurring("RRULE:FREQ=WEEKLY", event("2026-05-04T08:00:00Z", "2026-05-04T09:00:00Z"));
        EventFields { time_zone: Some(zone.to_owned()), ..event }.standard().map(|read| read.series.is_some())
    };
    for zone in ["Europe/Berlin", "Europe/Vienna", "Europe/Paris"] {
        assert_eq!(series(zone), Ok(true), "{zone}");
    }
    for zone in ["UTC", "Europe/London", "Africa/Lagos", "Europe/Kaliningrad", "America/New_York", "Nirgendwo"] {
        assert_eq!(series(zone), Err(Oddity::Recurrence(Refusal::OtherTimeZone)), "{zone}");
    }
    let once =
        EventFields { time_zone: Some("UTC".to_owned()), ..event("2026-05-04T08:00:00Z", "2026-05-04T09:00:00Z") };
    assert!(once.standard().is_ok(), "a single event is an instant");
}

#[test]
fn a_series_is_projected_with_its_line() {
    let weekly = Series { turnus: NonZeroU32::MIN, art: TurnusArt::Weekly, until: Some(day("2026-06-01")) };
    let event = event("2026-05-04T08:00:00Z", "2026-05-04T09:00:00Z");
    let standard = Standard { series: Some(weekly), ..event.standard().unwrap() };
    assert_eq!(project(&standard).recurrence, ["RRULE:FREQ=WEEKLY;UNTIL=20260601T215959Z"]);
}

fn any_standard() -> impl Strategy<Value = Standard> {
    let turnus = (1u32..=u32::MAX).prop_filter_map("above 0", NonZeroU32::new);
    let series = (turnus, proptest::sample::select(&TurnusArt::ALL[..]), proptest::option::of(0u64..10_000));
    let span = (-2_208_900_000i64..32_400_000_000, 0i64..400_000, any::<bool>());
    let texts = proptest::array::uniform3(any::<String>());
    (span, proptest::option::of(series), texts).prop_filter_map(
        "both sides mean the same days",
        |((seconds, length, is_timed), series, texts)| {
            let starts_at = DateTime::from_timestamp(seconds, 0)?;
            let (ends_at, first) = (starts_at + TimeDelta::seconds(length), berlin(starts_at).date());
            let last = berlin(ends_at).date();
            let span = if is_timed { Span::Timed { starts_at, ends_at } } else { Span::AllDay { first, last } };
            let series = series.map(|(turnus, art, days)| Series {
                turnus,
                art,
                until: days.map(|days| first + Days::new(days)),
            });
            let [text, notiz, ort] = texts.map(|text| normalized(Some(&text)));
            series.is_none_or(|series| series.check(first).is_ok()).then_some(Standard {
                span,
                text,
                notiz,
                ort,
                series,
            })
        },
    )
}

proptest! {
    #[test]
    fn what_is_projected_reads_back_the_same(standard in any_standard()) {
        prop_assert_eq!(stored(project(&standard)).standard(), Ok(standard));
    }
}
