use proptest::prelude::*;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Monday 2026-05-04, 10:00 to 11:00 in Berlin.
fn monday() -> Span {
    timed("2026-05-04T08:00:00Z")
}

fn timed(starts_at: &str) -> Span {
    let starts_at: DateTime<Utc> = starts_at.parse().unwrap();
    Span::Timed { starts_at, ends_at: starts_at + TimeDelta::hours(1) }
}

fn whole_day(text: &str) -> Span {
    Span::AllDay { first: day(text), last: day(text) }
}

fn series(turnus: u32, art: TurnusArt, until: Option<&str>) -> Series {
    Series { turnus: NonZeroU32::new(turnus).unwrap(), art, until: until.map(day) }
}

fn parse(lines: &[&str], span: &Span) -> Result<Option<Series>, Refusal> {
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    Series::parse(&lines, span)
}

fn read(rule: &str, span: &Span, expected: Series) {
    assert_eq!(parse(&[rule], span), Ok(Some(expected)), "{rule}");
}

fn refused(rules: &[&str], span: &Span, expected: Refusal) {
    for rule in rules {
        assert_eq!(parse(&[rule], span), Err(expected), "{rule}");
    }
}

#[test]
fn c9_order_case_and_blanks_are_free() {
    let fortnightly = series(2, TurnusArt::Weekly, None);
    for rule in [
        "RRULE:FREQ=WEEKLY;INTERVAL=2",
        "rrule:interval=2;freq=weekly",
        " RRULE:INTERVAL=2 ; FREQ=Weekly; ",
        "RRULE:FREQ=WEEKLY;INTERVAL=02;WKST=SU",
        "RRULE:FREQ=WEEKLY;WKST=MO;BYDAY=MO;INTERVAL=2",
    ] {
        read(rule, &monday(), fortnightly);
    }
    read("RRULE:FREQ=DAILY", &monday(), series(1, TurnusArt::Daily, None));
    assert_eq!(parse(&[], &monday()), Ok(None));
    assert_eq!(parse(&["", "RRULE:FREQ=DAILY"], &monday()), Ok(Some(series(1, TurnusArt::Daily, None))));
}

#[test]
fn c9_what_only_repeats_the_start_is_accepted() {
    read("RRULE:FREQ=WEEKLY;BYDAY=MO", &monday(), series(1, TurnusArt::Weekly, None));
    read("RRULE:FREQ=MONTHLY;BYMONTHDAY=4", &monday(), series(1, TurnusArt::Monthly, None));
    read("RRULE:FREQ=YEARLY;BYMONTH=5", &monday(), series(1, TurnusArt::Yearly, None));
    read("RRULE:FREQ=YEARLY;BYMONTH=05;BYMONTHDAY=04", &monday(), series(1, TurnusArt::Yearly, None));
    // 23:30 UTC is already Tuesday in Berlin.
    read("RRULE:FREQ=WEEKLY;BYDAY=TU", &timed("2026-05-04T23:30:00Z"), series(1, TurnusArt::Weekly, None));
}

#[test]
fn c9_what_says_more_than_the_start_is_refused() {
    let rules = [
        "RRULE:FREQ=WEEKLY;BYDAY=TU",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE",
        "RRULE:FREQ=WEEKLY;BYDAY=MO;BYMONTH=5",
        "RRULE:FREQ=DAILY;BYDAY=MO",
        "RRULE:FREQ=DAILY;BYMONTH=5",
        "RRULE:FREQ=MONTHLY;BYDAY=1MO",
        "RRULE:FREQ=MONTHLY;BYDAY=MO",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=5",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=4,18",
        "RRULE:FREQ=MONTHLY;BYMONTH=5",
        "RRULE:FREQ=YEARLY;BYMONTHDAY=4",
        "RRULE:FREQ=YEARLY;BYMONTH=5,6",
        "RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=1MO",
    ];
    refused(&rules, &monday(), Refusal::Selection);
    refused(
        &[
            "RRULE:FREQ=MONTHLY;BYSETPOS=1",
            "RRULE:FREQ=DAILY;BYHOUR=10",
            "RRULE:FREQ=YEARLY;SKIP=OMIT;RSCALE=GREGORIAN",
        ],
        &monday(),
        Refusal::OtherPart,
    );
    refused(&["RRULE:FREQ=HOURLY", "RRULE:FREQ=MINUTELY", "RRULE:FREQ=SECONDLY"], &monday(), Refusal::Frequency);
}

#[test]
fn c9_more_than_one_rule_is_refused() {
    let daily = "RRULE:FREQ=DAILY";
    assert_eq!(parse(&[daily, daily], &monday()), Err(Refusal::SeveralRules));
    for line in ["EXDATE;TZID=Europe/Berlin:20260511T100000", "exdate:20260511T080000Z", "EXRULE:FREQ=WEEKLY"] {
        assert_eq!(parse(&[daily, line], &monday()), Err(Refusal::ExcludedDates));
    }
    assert_eq!(parse(&["RDATE;VALUE=DATE:20260512", daily], &monday()), Err(Refusal::AddedDates));
}

#[test]
fn c9_what_is_no_rule_is_refused_and_never_panics() {
    let rules = [
        "RRULE",
        "FREQ=DAILY",
        "DTSTART:20260504T080000Z",
        "RRULE:",
        "RRULE:FREQ",
        "RRULE:FREQ=",
        "RRULE:FREQ=OFTEN",
        "RRULE:INTERVAL=2",
        "RRULE:FREQ=DAILY;FREQ=DAILY",
        "RRULE:FREQ=DAILY;INTERVAL=0",
        "RRULE:FREQ=DAILY;INTERVAL=-1",
        "RRULE:FREQ=DAILY;INTERVAL=4294967296",
        "RRULE:FREQ=DAILY;COUNT=0",
        "RRULE:FREQ=DAILY;COUNT=3;UNTIL=20260601",
        "RRULE:FREQ=DAILY;UNTIL=morgen",
        "RRULE:FREQ=DAILY;UNTIL=20260230",
        "RRULE:FREQ=DAILY;UNTIL=2026061",
        "RRULE:FREQ=DAILY;UNTIL=20260601T250000Z",
        "RRULE:FREQ=DAILY;WKST=XX",
    ];
    refused(&rules, &monday(), Refusal::Malformed);
}

#[test]
fn c9_days_that_not_every_month_has_are_refused() {
    for first in ["2026-01-29", "2026-01-30", "2026-01-31"] {
        refused(&["RRULE:FREQ=MONTHLY"], &whole_day(first), Refusal::DayNotInEveryMonth);
        read("RRULE:FREQ=YEARLY", &whole_day(first), series(1, TurnusArt::Yearly, None));
    }
    refused(&["RRULE:FREQ=YEARLY"], &whole_day("2028-02-29"), Refusal::DayNotInEveryMonth);
    read("RRULE:FREQ=MONTHLY", &whole_day("2026-01-28"), series(1, TurnusArt::Monthly, None));
}

#[test]
fn c9_until_becomes_the_last_day_in_berlin_on_which_an_occurrence_may_begin() {
    for (until, last) in [
        ("20260511", "2026-05-11"),
        ("20260511T080000Z", "2026-05-11"),
        ("20260511T075959Z", "2026-05-10"),
        ("20260511T215959Z", "2026-05-11"),
        ("20260511T220000Z", "2026-05-11"),
        ("20260511T100000", "2026-05-11"),
        ("20260511T095959", "2026-05-10"),
    ] {
        read(&format!("RRULE:FREQ=DAILY;UNTIL={until}"), &monday(), series(1, TurnusArt::Daily, Some(last)));
    }
    for (until, last) in
        [("20260511", "2026-05-11"), ("20260510T220000Z", "2026-05-11"), ("20260511T000000Z", "2026-05-11")]
    {
        let rule = format!("RRULE:FREQ=DAILY;UNTIL={until}");
        read(&rule, &whole_day("2026-05-04"), series(1, TurnusArt::Daily, Some(last)));
    }
}

#[test]
fn c9_an_end_before_the_start_or_out_of_range_is_refused() {
    refused(
        &["RRULE:FREQ=DAILY;UNTIL=20260503", "RRULE:FREQ=DAILY;UNTIL=20260504T075959Z"],
        &monday(),
        Refusal::EndsBeforeStart,
    );
    let rules = [
        "RRULE:FREQ=DAILY;UNTIL=99991231",
        "RRULE:FREQ=YEARLY;COUNT=4294967295",
        "RRULE:FREQ=WEEKLY;COUNT=4000000;INTERVAL=4000000000",
    ];
    refused(&rules, &monday(), Refusal::EndOutOfRange);
}

#[test]
fn c9_count_becomes_the_day_of_the_last_occurrence() {
    for (rule, last) in [
        ("FREQ=DAILY;COUNT=1", "2026-05-04"),
        ("FREQ=DAILY;COUNT=3;INTERVAL=10", "2026-05-24"),
        ("FREQ=WEEKLY;COUNT=4", "2026-05-25"),
        ("FREQ=MONTHLY;COUNT=9", "2027-01-04"),
        ("FREQ=YEARLY;COUNT=3;INTERVAL=2", "2030-05-04"),
    ] {
        let parsed = parse(&[&format!("RRULE:{rule}")], &monday()).unwrap().unwrap();
        assert_eq!(parsed.until, Some(day(last)), "{rule}");
    }
}

#[test]
fn c9_until_is_rendered_in_the_value_type_of_the_start() {
    let weekly = series(2, TurnusArt::Weekly, Some("2026-06-01"));
    assert_eq!(weekly.render(&monday()), "RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20260601T215959Z");
    assert_eq!(weekly.render(&whole_day("2026-05-04")), "RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20260601");
    let winter = series(1, TurnusArt::Yearly, Some("2027-12-24"));
    assert_eq!(winter.render(&monday()), "RRULE:FREQ=YEARLY;UNTIL=20271224T225959Z");
    assert_eq!(series(1, TurnusArt::Daily, None).render(&monday()), "RRULE:FREQ=DAILY");
}

/// Any start from 1900 to 2999, and a series on it that both sides mean alike.
fn any_series() -> impl Strategy<Value = (Series, Span)> {
    let starts_at = (-2_208_900_000i64..32_500_000_000, any::<bool>());
    let art = proptest::sample::select(&TurnusArt::ALL[..]);
    let turnus = prop_oneof![1u32..5, 1u32..=u32::MAX];
    (starts_at, art, turnus, proptest::option::of(0u64..20_000)).prop_filter_map(
        "both sides mean the same days",
        |((seconds, is_timed), art, turnus, days)| {
            let starts_at = DateTime::from_timestamp(seconds, 0)?;
            let first = berlin(starts_at).date();
            let span = if is_timed {
                Span::Timed { starts_at, ends_at: starts_at }
            } else {
                Span::AllDay { first, last: first }
            };
            let until = days.map(|days| first + Days::new(days));
            let series = Series { turnus: NonZeroU32::new(turnus)?, art, until };
            series.check(first).ok().map(|()| (series, span))
        },
    )
}

/// Anything, and what nearly is a rule.
fn any_line() -> impl Strategy<Value = String> {
    let frequency = "(RRULE:)?(FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY))?";
    let part = "(;(UNTIL|COUNT|INTERVAL|BYDAY)=[0-9TZMO,]{0,16}){0,3}";
    prop_oneof![any::<String>(), (frequency, part).prop_map(|(frequency, part)| frequency + &part)]
}

proptest! {
    #[test]
    fn c9_parse_of_render_is_the_identity((series, span) in any_series()) {
        prop_assert_eq!(Series::parse(&[series.render(&span)], &span), Ok(Some(series)));
    }

    #[test]
    fn c9_any_lines_are_read_or_refused(lines in proptest::collection::vec(any_line(), 0..3)) {
        let _ = Series::parse(&lines, &monday());
    }
}
