//! Clocks that change, whole days, and what recurs: C8, C9.

use domain::finding::FindingKind;
use harness::Result;
use harness::calendar::{Calendars, with, writes};
use harness::world::World;
use serde_json::{Value, json};
use simulator::{Edit, Operation};

/// An employee whose window holds the days on which the clocks change, and who may write everything.
async fn given_window() -> Result<Calendars> {
    let mut world = World::start().await?;
    world.setting("CALENDAR_SYNC_PAST_DAYS", 400);
    world.setting("CALENDAR_SYNC_ADVOWARE_WRITE", "all");
    let calendars = Calendars::around(world).await?;
    calendars.given_employee("SB").await?;
    calendars.given_termin("SB", 1, 8, "Bleibt");
    Ok(calendars)
}

fn termin(text: &str, first: &str, from: &str, last: &str, to: &str) -> Value {
    json!({
        "datum": first, "datumBis": last, "uhrzeitVon": from, "uhrzeitBis": to, "text": text, "sb": "SB", "anwalt": "SB",
        "dauertermin": 0, "turnus": 0, "turnusArt": 0,
    })
}

/// Begin and end of the event of this title.
fn times(calendars: &Calendars, summary: &str) -> Result<(String, String)> {
    let events = calendars.world.simulator.google().events(&calendars.calendar_id("SB")?);
    let event = events.into_iter().find(|event| event["summary"] == summary).unwrap_or_default();
    let said = |name: &str| {
        let time = &event[name];
        let instant = time["dateTime"].as_str().and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
        instant.map_or_else(
            || time["date"].as_str().unwrap_or_default().to_owned(),
            |at| at.to_utc().format("%Y-%m-%dT%H:%MZ").to_string(),
        )
    };
    Ok((said("start"), said("end")))
}

#[tokio::test]
async fn c8_termine_on_days_when_the_clocks_change_are_at_their_instants_in_google() -> Result<()> {
    let calendars = given_window().await?;
    let _worker = calendars.world.worker().await?;
    let (october, november, march) = ("2026-10-25", "2026-10-26", "2027-03-28");
    // Those that Advoware's own clock shows again as they were written.
    let shown_again = [
        (
            termin("Wiederholte Stunde", october, "02:30:00", october, "03:30:00"),
            "2026-10-25T01:30Z",
            "2026-10-25T02:30Z",
        ),
        (
            termin("Über den Wechsel", october, "01:30:00", october, "03:30:00"),
            "2026-10-24T23:30Z",
            "2026-10-25T02:30Z",
        ),
        (termin("Nachmittag", october, "15:00:00", october, "16:00:00"), "2026-10-25T14:00Z", "2026-10-25T15:00Z"),
        (termin("Über Nacht", october, "22:30:00", november, "01:15:00"), "2026-10-25T21:30Z", "2026-10-26T00:15Z"),
        (termin("Ganzer Tag", october, "00:00:00", october, "23:59:00"), "2026-10-24T22:00Z", "2026-10-25T22:59Z"),
        (
            termin("März über den Wechsel", march, "01:30:00", march, "03:30:00"),
            "2027-03-28T00:30Z",
            "2027-03-28T01:30Z",
        ),
        (
            with(termin("Ganztägig", october, "00:00:00", october, "23:59:00"), json!({"dauertermin": 1})),
            "2026-10-25",
            "2026-10-26",
        ),
        (
            with(termin("Urlaub", march, "00:00:00", "2027-04-02", "23:59:00"), json!({"dauertermin": 1})),
            "2027-03-28",
            "2027-04-03",
        ),
        (termin("Tagung", "2026-12-01", "10:30:00", "2026-12-03", "16:00:00"), "2026-12-01", "2026-12-04"),
    ];
    for (fields, ..) in &shown_again {
        calendars.world.simulator.advoware().seed_termin(fields.clone());
    }
    calendars.sync(&["SB"]).await?;
    for (fields, begins, ends) in &shown_again {
        let text = fields["text"].as_str().unwrap_or_default();
        assert_eq!(times(&calendars, text)?, ((*begins).to_owned(), (*ends).to_owned()), "{text}");
    }
    calendars.then_agreed_and_silent("SB").await?;
    // The skipped hour: the offset before the jump. Advoware keeps its spelling.
    let frnr = calendars.world.simulator.advoware().seed_termin(termin(
        "Ausgefallene Stunde",
        march,
        "02:15:00",
        march,
        "02:45:00",
    ));
    calendars.sync(&["SB"]).await?;
    let expected = ("2027-03-28T01:15Z".to_owned(), "2027-03-28T01:45Z".to_owned());
    assert_eq!(times(&calendars, "Ausgefallene Stunde")?, expected);
    assert_eq!(calendars.termin(frnr)?["uhrzeitVon"], "02:15:00");
    calendars.then_silent("SB").await
}

#[tokio::test]
async fn c8_events_on_days_when_the_clocks_change_are_at_their_wall_times_in_advoware() -> Result<()> {
    let calendars = given_window().await?;
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let timed = |summary: &str, from: &str, to: &str| json!({"summary": summary, "start": {"dateTime": from}, "end": {"dateTime": to}});
    let days =
        |summary: &str, from: &str, to: &str| json!({"summary": summary, "start": {"date": from}, "end": {"date": to}});
    let cases = [
        (
            timed("Zweite", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"),
            ("2026-10-25", "02:30:00"),
            ("2026-10-25", "03:30:00"),
        ),
        (
            timed("Über den Wechsel", "2026-10-25T01:30:00+02:00", "2026-10-25T03:00:00+01:00"),
            ("2026-10-25", "01:30:00"),
            ("2026-10-25", "03:00:00"),
        ),
        (
            timed("März", "2027-03-28T01:30:00+01:00", "2027-03-28T03:30:00+02:00"),
            ("2027-03-28", "01:30:00"),
            ("2027-03-28", "03:30:00"),
        ),
        (
            timed("In UTC", "2027-03-28T21:30:00Z", "2027-03-28T23:15:00Z"),
            ("2027-03-28", "23:30:00"),
            ("2027-03-29", "01:15:00"),
        ),
        (days("Ein Tag", "2026-10-25", "2026-10-26"), ("2026-10-25", "00:00:00"), ("2026-10-25", "23:59:00")),
        (days("Drei Tage", "2027-03-27", "2027-03-30"), ("2027-03-27", "00:00:00"), ("2027-03-29", "23:59:00")),
    ];
    for (event, ..) in &cases {
        calendars.enter_event("SB", event.clone())?;
    }
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::PostTermin; 6]);
    for (event, begins, ends) in &cases {
        let advoware = calendars.world.simulator.advoware();
        let all: Vec<Value> = advoware.frnrs().into_iter().filter_map(|frnr| advoware.termin(frnr)).collect();
        let written = all.iter().find(|termin| termin["text"] == event["summary"]).expect("it was written");
        let said = |date: &str, time: &str| {
            let [date, time] = [date, time].map(|name| written[name].as_str().unwrap_or_default().to_owned());
            (date.get(..10).unwrap_or_default().to_owned(), time)
        };
        let expected = |(date, time): &(&str, &str)| ((*date).to_owned(), (*time).to_owned());
        assert_eq!(said("datum", "uhrzeitVon"), expected(begins), "{event}");
        assert_eq!(said("datumBis", "uhrzeitBis"), expected(ends), "{event}");
    }
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c8_what_advoware_cannot_represent_is_told_and_not_written() -> Result<()> {
    let calendars = given_window().await?;
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let timed = |from: &str, to: &str| json!({"start": {"dateTime": from}, "end": {"dateTime": to}});
    let cases = [
        ("repeated_hour", timed("2026-10-25T02:30:00+02:00", "2026-10-25T03:30:00+01:00")),
        ("longer_than_one_day", timed("2026-12-01T10:00:00+01:00", "2026-12-03T16:00:00+01:00")),
    ];
    for (reason, fields) in cases {
        let event = calendars.enter_event("SB", with(fields.clone(), json!({"summary": reason})))?;
        assert_eq!(writes(&calendars.sync(&["SB"]).await?), [], "{reason}");
        let told = [(FindingKind::NotRepresentable, Some(reason.to_owned()))];
        assert_eq!(calendars.findings("SB").await?, told);
        calendars.then_silent("SB").await?;
        assert_eq!(calendars.findings("SB").await?, told, "it is told as long as it holds");
        // A user moves it: then it is one like any other; and back: then both sides keep what they have.
        calendars.change_event("SB", &event, calendars.event_fields(3, 10, reason))?;
        assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::PostTermin], "{reason}");
        assert_eq!(calendars.findings("SB").await?, []);
        calendars.then_agreed_and_silent("SB").await?;
        let before = calendars.termin(calendars.frnr_of(&event).await?)?;
        calendars.change_event("SB", &event, fields)?;
        assert_eq!(writes(&calendars.sync(&["SB"]).await?), [], "{reason}");
        assert_eq!(calendars.findings("SB").await?, told);
        calendars.then_silent("SB").await?;
        assert_eq!(calendars.findings("SB").await?, told, "it is told as long as it holds");
        assert_eq!(calendars.termin(calendars.frnr_of(&event).await?)?, before);
        calendars.delete_event("SB", &event)?;
        assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::DeleteTermin], "{reason}");
        calendars.then_agreed_and_silent("SB").await?;
    }
    Ok(())
}

#[tokio::test]
async fn c8_an_event_turns_from_whole_days_to_times_and_back() -> Result<()> {
    let calendars = given_window().await?;
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let event = calendars.enter_event("SB", calendars.event_fields(3, 10, "Wandelbar"))?;
    calendars.sync(&["SB"]).await?;
    let frnr = calendars.frnr_of(&event).await?;
    let calendar_id = calendars.calendar_id("SB")?;
    let day = calendars.day(4);
    let (start, end) = (json!({"date": day.to_string()}), json!({"date": calendars.day(6).to_string()}));
    calendars.edit(Edit::GoogleMove { calendar_id, event_id: event.clone(), start, end });
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::PutTermin]);
    calendars.then_agreed_and_silent("SB").await?;
    calendars.change_termin(frnr, with(calendars.termin_fields("SB", 5, 11, "Wandelbar"), json!({"dauertermin": 0})));
    calendars.decide("SB", last_change_wins()).await?;
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::GoogleEventPatch]);
    calendars.then_agreed_and_silent("SB").await
}

fn last_change_wins() -> shared::hub::calendar::PolicyChange {
    let strategy = domain::calendar::policy::SyncStrategy::LastChangeWins;
    shared::hub::calendar::PolicyChange { strategy: Some(Some(strategy)), ..Default::default() }
}

#[tokio::test]
async fn c9_series_go_both_ways() -> Result<()> {
    let calendars = given_window().await?;
    let _worker = calendars.world.worker().await?;
    let day = calendars.day(3);
    let until = calendars.day(300);
    let endless = "2037-12-31".parse().expect("a day");
    for (number, (turnus, art, last)) in
        [(1, 1, until), (2, 2, until), (1, 2, endless), (3, 3, until), (1, 4, endless)].into_iter().enumerate()
    {
        let fields = termin(&format!("Turnus {number}"), "2026-11-27", "09:00:00", &last.to_string(), "10:30:00");
        let fields = with(fields, json!({"dauertermin": 1, "turnus": turnus, "turnusArt": art}));
        calendars.world.simulator.advoware().seed_termin(fields);
    }
    calendars.world.simulator.google().switch(|google| google.rules_reordered = true);
    calendars.sync(&["SB"]).await?;
    calendars.then_agreed_and_silent("SB").await?;
    for (number, rule) in [
        "RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20270301T225959Z",
        "RRULE:FREQ=DAILY;COUNT=5",
        "RRULE:FREQ=YEARLY",
        "RRULE:FREQ=WEEKLY;WKST=MO;COUNT=3",
    ]
    .into_iter()
    .enumerate()
    {
        let event = calendars.event_fields(3, 15, &format!("Regel {number}"));
        calendars.enter_event("SB", with(event, json!({"recurrence": [rule]})))?;
    }
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::PostTermin; 4]);
    let termine = calendars.termine("SB");
    let of_rule = |number: usize| {
        let text = format!("Regel {number}");
        termine.iter().find(|entry| entry.text == text).and_then(|entry| entry.series.clone())
    };
    let last = |days: i64| Some(day + chrono::TimeDelta::days(days));
    assert_eq!(of_rule(1), Some(("DAILY".to_owned(), 1, last(4))));
    assert_eq!(of_rule(2), Some(("YEARLY".to_owned(), 1, None)));
    assert_eq!(of_rule(3), Some(("WEEKLY".to_owned(), 1, last(14))));
    calendars.then_silent("SB").await
}

#[tokio::test]
async fn c9_a_series_that_advoware_cannot_express_is_told_and_not_written() -> Result<()> {
    let calendars = given_window().await?;
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    for (rule, kind, reason) in [
        ("RRULE:FREQ=WEEKLY;BYDAY=MO,TH", FindingKind::OddEntry, "rule_selection"),
        ("RRULE:FREQ=MONTHLY;BYDAY=2TU", FindingKind::OddEntry, "rule_selection"),
        ("RRULE:FREQ=MONTHLY;BYSETPOS=1;BYDAY=MO", FindingKind::OddEntry, "rule_other_part"),
        ("RRULE:FREQ=HOURLY", FindingKind::OddEntry, "rule_frequency"),
    ] {
        let event = calendars.event_fields(3, 10, "Besonders");
        let event = calendars.enter_event("SB", with(event, json!({"recurrence": [rule]})))?;
        assert_eq!(writes(&calendars.sync(&["SB"]).await?), [], "{rule}");
        let told = [(kind, Some(reason.to_owned()))];
        assert_eq!(calendars.findings("SB").await?, told, "{rule}");
        calendars.then_silent("SB").await?;
        assert_eq!(calendars.findings("SB").await?, told, "{rule}: told as long as it holds");
        calendars.delete_event("SB", &event)?;
        assert_eq!(writes(&calendars.sync(&["SB"]).await?), []);
        assert_eq!(calendars.findings("SB").await?, []);
    }
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c9_exceptions_of_a_series_are_told_never_written_and_no_evidence_of_a_deletion() -> Result<()> {
    let calendars = given_window().await?;
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let event = calendars.event_fields(3, 10, "Jour fixe");
    let series = calendars.enter_event("SB", with(event, json!({"recurrence": ["RRULE:FREQ=WEEKLY"]})))?;
    calendars.sync(&["SB"]).await?;
    calendars.then_agreed_and_silent("SB").await?;
    let calendar_id = calendars.calendar_id("SB")?;
    let starts = |weeks: i64| harness::calendar::entry::rfc3339(calendars.day(3 + 7 * weeks), 10);
    let fields = harness::world::fields(json!({"summary": "Verlegt"}));
    let moved = Edit::GoogleChangeOccurrence {
        calendar_id: calendar_id.clone(),
        event_id: series.clone(),
        original_start: starts(1),
        fields,
    };
    let cancelled = Edit::GoogleCancelOccurrence { calendar_id, event_id: series.clone(), original_start: starts(2) };
    for (number, edit) in [moved, cancelled].into_iter().enumerate() {
        calendars.edit(edit);
        for is_whole in [false, true] {
            let calls = if is_whole { calendars.sync_whole("SB").await? } else { calendars.sync(&["SB"]).await? };
            assert_eq!(writes(&calls), []);
            let told = calendars.findings("SB").await?;
            assert_eq!(told.len(), number + 1, "{told:?}");
            let is_exception = |told: &(FindingKind, Option<String>)| told.1.as_deref() == Some("series_exception");
            assert!(told.iter().all(is_exception), "{told:?}");
        }
        calendars.then_agreed_and_silent("SB").await?;
    }
    // Deleted with its series, it is over.
    calendars.delete_event("SB", &series)?;
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::DeleteTermin]);
    calendars.then_agreed_and_silent("SB").await
}
