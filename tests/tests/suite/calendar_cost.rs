//! What a run costs, and what it says of people: nothing (C2, E2).

use harness::Result;
use harness::calendar::{Calendars, with, writes};
use harness::planted::then_unsaid;
use harness::world::World;
use serde_json::json;
use simulator::{Calls, FaultKind, Operation};

#[tokio::test]
async fn c2_a_run_with_nothing_to_do_costs_one_list_on_each_side_however_many_entries_there_are() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    calendars.given_employee("SB").await?;
    let frnrs: Vec<i64> = (0..300_i64)
        .map(|number| {
            let hour = 8 + u32::try_from(number % 10).unwrap_or_default();
            calendars.given_termin("SB", 1 + number / 10, hour, &format!("Termin {number}"))
        })
        .collect();
    let calls = calendars.sync(&["SB"]).await?;
    let inserted = calls.iter().filter(|call| call.operation == Operation::GoogleEventInsert).count();
    assert_eq!((inserted, writes(&calls).len()), (300, 302), "events, a calendar and a rule");
    // Google tells us our own 300 writes, which are more than a page.
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), []);
    calendars.then_agreed_and_silent("SB").await?;

    let reads = |calls: &[simulator::JournalEntry]| {
        let lists = [Operation::ListTermine, Operation::GoogleEventList];
        calls.iter().filter(|call| !call.mutating && !lists.contains(&call.operation)).count()
    };
    calendars.change_termin(frnrs[17], json!({"text": "Geändert"}));
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!((writes(&calls), reads(&calls), calls.len()), (vec![Operation::GoogleEventPatch], 0, 3), "{calls:?}");
    calendars.then_agreed_and_silent("SB").await?;

    let event = calendars.enter_event("SB", calendars.event_fields(3, 19, "Aus Google"))?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!((writes(&calls), reads(&calls), calls.len()), (vec![Operation::PostTermin], 0, 3), "{calls:?}");
    calendars.change_event("SB", &event, json!({"summary": "Geändert"}))?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!((writes(&calls), reads(&calls), calls.len()), (vec![Operation::PutTermin], 1, 4), "{calls:?}");
    calendars.delete_termin(frnrs[18]);
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!((writes(&calls), reads(&calls), calls.len()), (vec![Operation::GoogleEventDelete], 1, 4), "{calls:?}");
    calendars.delete_event("SB", &event)?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!((writes(&calls), reads(&calls), calls.len()), (vec![Operation::DeleteTermin], 1, 4), "{calls:?}");
    calendars.then_agreed_and_silent("SB").await
}

/// What must not show up anywhere; each in a spelling of its own, so that a find tells where it came from.
const PLANTED: [&str; 7] = [
    "plantedtext",
    "plantednotiz",
    "plantedort",
    "plantedsummary",
    "planteddescription",
    "plantedlocation",
    "plantedguest",
];

#[tokio::test]
async fn e2_what_entries_say_appears_in_no_output_and_no_job() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("RUST_LOG", "trace");
    world.setting("SYNC_RETRY_MINUTES", "0.001");
    world.setting("CALENDAR_SYNC_ADVOWARE_WRITE", "all");
    world.setting("CALENDAR_SYNC_STRATEGY", "last_change_wins");
    let calendars = Calendars::around(world).await?;
    let worker = calendars.world.worker().await?;
    calendars.given_employee("SB").await?;
    let planted = json!({"notiz": "PlantedNotiz", "ort": "PlantedOrt"});
    let frnr = calendars
        .world
        .simulator
        .advoware()
        .seed_termin(with(calendars.termin_fields("SB", 1, 8, "PlantedText"), planted));
    calendars.sync(&["SB"]).await?;
    let said = json!({
        "description": "PlantedDescription", "location": "PlantedLocation", "attendees": [{"email": "plantedguest@example.org"}],
    });
    let event = calendars.enter_event("SB", with(calendars.event_fields(2, 10, "PlantedSummary"), said))?;
    // Neither can be written to the other side.
    let odd = json!({"recurrence": ["RRULE:FREQ=MONTHLY;BYDAY=2TU"]});
    calendars.enter_event("SB", with(calendars.event_fields(3, 10, "PlantedSummary"), odd))?;
    calendars.sync(&["SB"]).await?;
    let copy = calendars.event_of("SB", frnr).await?;
    let refusal = |code| FaultKind::Status {
        code,
        retry_after_seconds: None,
        body: Some("PlantedText PlantedSummary".to_owned()),
    };
    let faults =
        [refusal(400), refusal(500), FaultKind::TruncatedBody, FaultKind::MalformedBody, FaultKind::AnswerLost];
    let operations = [
        Operation::ListTermine,
        Operation::GoogleEventList,
        Operation::PutTermin,
        Operation::GetTermin,
        Operation::GoogleEventPatch,
        Operation::PostTermin,
        Operation::GoogleEventInsert,
    ];
    for (number, operation) in operations.into_iter().enumerate() {
        for (kind_number, kind) in faults.iter().enumerate() {
            calendars.given_faults(Calls::to(operation), kind.clone());
            let text = format!("PlantedText {number} {kind_number}");
            calendars.change_termin(frnr, json!({ "text": text }));
            calendars.change_event(
                "SB",
                &event,
                json!({"summary": format!("PlantedSummary {number} {kind_number}")}),
            )?;
            calendars.given_termin("SB", 4, 12, &text);
            calendars.enter_event(
                "SB",
                calendars.event_fields(5, 12, &format!("PlantedSummary neu {number} {kind_number}")),
            )?;
            calendars.trigger(&["SB"], domain::job::Wants::calendar()).await?;
            calendars.run_until_quiet().await?;
            calendars.world.simulator.faults().clear();
        }
    }
    // The series cannot be written: it stays a finding.
    calendars.requeue("SB").await?;
    assert_eq!(calendars.kinds("SB").await?, [domain::finding::FindingKind::OddEntry]);
    assert!(calendars.event("SB", &copy)?["summary"].as_str().is_some_and(|text| text.starts_with("PlantedText")));
    then_unsaid(&PLANTED, vec![("worker", worker.output()), ("queue", calendars.world.queue_text().await?)]);
    Ok(())
}
