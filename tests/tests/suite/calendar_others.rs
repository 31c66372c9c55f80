//! What belongs to others: computed and private Termine, what Google holds beyond ours, Termine of everybody, other rows of the same
//! run, calendars that people give (C10-C11, DOMAIN 6).

use domain::finding::FindingKind;
use domain::ids::CalendarId;
use harness::calendar::entry::Entry;
use harness::calendar::{Calendars, OWNER, parsed, with, writes, writes_to};
use harness::world::World;
use harness::{Error, Result, eventually};
use serde_json::{Value, json};
use shared::hub::calendar::{PolicyChange, RowStatus};
use simulator::{Calls, FaultKind, GoogleRole, Moment, Operation, System};

async fn given_two(write: &str) -> Result<Calendars> {
    let mut world = World::start().await?;
    world.setting("CALENDAR_SYNC_ADVOWARE_WRITE", write);
    world.setting("CALENDAR_SYNC_STRATEGY", "last_change_wins");
    let calendars = Calendars::around(world).await?;
    for kuerzel in ["SB", "AI"] {
        calendars.given_employee(kuerzel).await?;
        calendars.given_termin(kuerzel, 1, 8, "Bleibt");
    }
    Ok(calendars)
}

#[tokio::test]
async fn c10_computed_entries_are_never_touched() -> Result<()> {
    let calendars = given_two("all").await?;
    let _worker = calendars.world.worker().await?;
    let computed = with(calendars.termin_fields("SB", 2, 7, "Anfahrt"), json!({"frNr": -4711, "special": 1}));
    calendars.world.simulator.advoware().seed_termin(computed);
    let prepared = with(calendars.termin_fields("SB", 3, 10, "Verhandlung"), json!({"vorbereitungsDauer": "00:30:00"}));
    calendars.world.simulator.advoware().seed_termin(prepared);
    calendars.sync(&["SB"]).await?;
    assert_eq!(calendars.events("SB")?.len(), 2, "without the computed ones");
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c10_anothers_private_termin_is_not_changed() -> Result<()> {
    let calendars = given_two("all").await?;
    let _worker = calendars.world.worker().await?;
    let fields = with(calendars.termin_fields("SB", 2, 10, "Privat"), json!({"anwalt": "AI", "sb": "SB", "privat": 1}));
    let frnr = calendars.world.simulator.advoware().seed_termin(fields);
    calendars.sync(&["SB", "AI"]).await?;
    let before = calendars.termin(frnr)?;
    let event = calendars.event_of("SB", frnr).await?;
    calendars.change_event("SB", &event, json!({"summary": "Geändert"}))?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes_to(System::Advoware, &calls), []);
    assert_eq!(calendars.kinds("SB").await?, [FindingKind::OthersPrivate]);
    calendars.delete_event("SB", &event)?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes_to(System::Advoware, &calls), []);
    assert_eq!(calendars.termin(frnr)?, before);
    // The owner may.
    let own = calendars.event_of("AI", frnr).await?;
    calendars.change_event("AI", &own, json!({"summary": "Vom Eigentümer"}))?;
    assert_eq!(writes_to(System::Advoware, &calendars.sync(&["AI"]).await?), [Operation::PutTermin]);
    calendars.then_agreed_and_silent("AI").await
}

#[tokio::test]
async fn c10a_what_google_holds_beyond_our_fields_stays() -> Result<()> {
    let calendars = given_two("all").await?;
    let _worker = calendars.world.worker().await?;
    let frnr = calendars.given_termin("SB", 2, 10, "Besprechung");
    calendars.sync(&["SB"]).await?;
    let event = calendars.event_of("SB", frnr).await?;
    let beyond = json!({
        "attendees": [{"email": "gast@example.org"}], "colorId": "7", "transparency": "transparent",
        "reminders": {"useDefault": false, "overrides": [{"method": "popup", "minutes": 30}]},
        "extendedProperties": {"private": {"fremd": "bleibt"}}, "visibility": "private",
    });
    calendars.change_event("SB", &event, beyond)?;
    calendars.sync(&["SB"]).await?;
    let before = calendars.event("SB", &event)?;
    calendars.change_termin(frnr, json!({"text": "Geändert", "ort": "Saal 3", "notiz": ""}));
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), [Operation::GoogleEventPatch]);
    let patch = calls.iter().find(|call| call.mutating).expect("a patch");
    assert_eq!(patch.if_match.as_deref(), before["etag"].as_str());
    let after = calendars.event("SB", &event)?;
    assert_eq!(after["summary"], "Geändert");
    for field in ["attendees", "colorId", "transparency", "reminders", "extendedProperties", "visibility", "iCalUID"] {
        assert_eq!(after[field], before[field], "{field}");
        assert!(!before[field].is_null(), "{field}");
    }
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c10a_what_advoware_holds_beyond_our_fields_stays() -> Result<()> {
    let calendars = given_two("all").await?;
    let _worker = calendars.world.worker().await?;
    let beyond = json!({"nr": 4711, "privat": 1, "vorbereitungsDauer": "00:30:00", "eigenesFeld": "bleibt"});
    let frnr = calendars
        .world
        .simulator
        .advoware()
        .seed_termin(with(calendars.termin_fields("SB", 2, 10, "Besprechung"), beyond));
    calendars.sync(&["SB"]).await?;
    let before = calendars.termin(frnr)?;
    calendars.change_event("SB", &calendars.event_of("SB", frnr).await?, json!({"summary": "Geändert"}))?;
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::PutTermin]);
    let after = calendars.termin(frnr)?;
    assert_eq!(after["text"], "Geändert");
    for field in
        ["nr", "privat", "vorbereitungsDauer", "eigenesFeld", "sb", "anwalt", "datum", "datumBis", "uhrzeitVon"]
    {
        assert_eq!(after[field], before[field], "{field}");
    }
    calendars.then_agreed_and_silent("SB").await
}

/// A Termin of everybody, copied into two calendars.
async fn given_termin_of_everybody(calendars: &Calendars) -> Result<(i64, [String; 2])> {
    let fields = with(calendars.termin_fields("SB", 2, 10, "Kanzleibesprechung"), json!({"anwalt": "ALLE", "sb": ""}));
    let frnr = calendars.world.simulator.advoware().seed_termin(fields);
    calendars.sync(&["SB", "AI"]).await?;
    Ok((frnr, [calendars.event_of("SB", frnr).await?, calendars.event_of("AI", frnr).await?]))
}

#[tokio::test]
async fn c10b_a_termin_of_everybody_changed_in_one_calendar_comes_into_the_other() -> Result<()> {
    let calendars = given_two("all").await?;
    let _worker = calendars.world.worker().await?;
    let (frnr, [event, other]) = given_termin_of_everybody(&calendars).await?;
    assert_ne!(event, other);
    calendars.change_event("SB", &event, json!({"summary": "Verlegt"}))?;
    calendars.sync(&["SB"]).await?;
    calendars.sync(&["AI"]).await?;
    for kuerzel in ["SB", "AI"] {
        calendars.then_agreed_and_silent(kuerzel).await?;
    }
    assert_eq!(calendars.termin(frnr)?["anwalt"], "ALLE");
    assert_eq!(calendars.event("AI", &other)?["summary"], "Verlegt");
    calendars.delete_event("AI", &other)?;
    calendars.sync(&["AI"]).await?;
    calendars.sync(&["SB"]).await?;
    for kuerzel in ["SB", "AI"] {
        calendars.then_agreed_and_silent(kuerzel).await?;
        assert_eq!(calendars.events(kuerzel)?.len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn c10b_two_runs_that_write_the_same_termin_at_once_do_so_one_after_the_other() -> Result<()> {
    let calendars = given_two("all").await?;
    let _workers = (calendars.world.worker().await?, calendars.world.worker().await?);
    let (frnr, [event, other]) = given_termin_of_everybody(&calendars).await?;
    calendars.change_event("SB", &event, json!({"summary": "Von SB"}))?;
    calendars.change_event("AI", &other, json!({"location": "Von AI"}))?;
    let held = calendars.world.simulator.pause_at(Moment::before(Calls::to(Operation::PutTermin)));
    let before = calendars.world.simulator.journal().last_sequence();
    calendars.trigger(&["SB", "AI"], domain::job::Wants::calendar()).await?;
    held.reached().await;
    // The other one has looked and wants to write, too: it waits for its turn.
    eventually(harness::world::PATIENCE, "both have looked", async || {
        let calls = calendars.world.simulator.journal().since(before);
        calls.iter().filter(|call| call.operation == Operation::GoogleEventList).count() >= 2
    })
    .await?;
    let puts =
        |calls: &[simulator::JournalEntry]| calls.iter().filter(|call| call.operation == Operation::PutTermin).count();
    assert_eq!(puts(&calendars.world.simulator.journal().since(before)), 1);
    held.release();
    calendars.run_until_quiet().await?;
    for _ in 0..2 {
        calendars.sync(&["SB"]).await?;
        calendars.sync(&["AI"]).await?;
    }
    for kuerzel in ["SB", "AI"] {
        calendars.then_agreed_and_silent(kuerzel).await?;
    }
    assert_eq!(calendars.world.simulator.advoware().termin_count(), 3, "{frnr}");
    Ok(())
}

#[tokio::test]
async fn c11_one_row_that_is_refused_stops_no_other_and_is_tried_again_in_its_time() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("CALENDAR_SYNC_ADVOWARE_WRITE", "all");
    world.setting("CALENDAR_SYNC_STRATEGY", "last_change_wins");
    world.setting("SYNC_RETRY_MINUTES", "0.02,0.02");
    let calendars = Calendars::around(world).await?;
    let _worker = calendars.world.worker().await?;
    calendars.given_employee("SB").await?;
    let frnrs: Vec<i64> =
        (0..6).map(|number| calendars.given_termin("SB", 1 + number, 10, &format!("Termin {number}"))).collect();
    calendars.sync(&["SB"]).await?;
    let mut events = Vec::new();
    for frnr in &frnrs {
        events.push(calendars.event_of("SB", *frnr).await?);
    }
    for (number, event) in events.iter().enumerate() {
        calendars.change_event("SB", event, json!({"summary": format!("Geändert {number}")}))?;
    }
    let refusal = FaultKind::Status { code: 400, retry_after_seconds: None, body: Some("Geändert 2".to_owned()) };
    calendars.given_faults(Calls::to(Operation::PutTermin).with_key(frnrs[2]).always(), refusal);
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), [Operation::PutTermin; 6]);
    let refused = calendars.row_of("SB", frnrs[2]).await?;
    assert_eq!((refused.row.status, refused.row.retry.failures), (RowStatus::Failed, 1));
    let reason = refused.row.retry.reason.unwrap_or_default();
    assert!(reason.contains("HTTP 400") && !reason.contains("Geändert"), "{reason}");
    for (number, frnr) in frnrs.iter().enumerate().filter(|(number, _)| *number != 2) {
        assert_eq!(calendars.termin(*frnr)?["text"], format!("Geändert {number}"));
    }
    // Before its time it is left alone, and told.
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), []);
    assert_eq!(calendars.findings("SB").await?, [(FindingKind::WriteRefused, Some(reason))]);
    // When it has come it is tried again, and counted; a user's edit is tried at once.
    eventually(harness::world::PATIENCE, "it is tried again", async || {
        calendars.sync(&["SB"]).await.map_err(|error| error.to_string())?;
        let row = calendars.row_of("SB", frnrs[2]).await.map_err(|error| error.to_string())?;
        if row.row.retry.failures >= 2 { Ok(()) } else { Err(format!("{:?}", row.row.retry)) }
    })
    .await?;
    calendars.change_event("SB", &events[2], json!({"summary": "Noch einmal geändert"}))?;
    calendars.world.simulator.faults().clear();
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::PutTermin]);
    assert_eq!(calendars.kinds("SB").await?, []);
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c11_one_employee_whose_calendar_is_gone_stops_no_other() -> Result<()> {
    let calendars = given_two("all").await?;
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB", "AI"]).await?;
    calendars.world.simulator.google().remove_calendar(&calendars.calendar_id("SB")?);
    calendars.given_termin("AI", 2, 10, "Neu");
    calendars.sync(&["SB", "AI"]).await?;
    calendars.then_agreed_and_silent("AI").await?;
    assert!(calendars.reason_of_death("SB").await?.contains("no calendar"));
    // A person decides that it is to be made anew.
    let anew = PolicyChange { calendar: Some(None), ..PolicyChange::default() };
    calendars.decide("SB", anew).await?;
    calendars.requeue("SB").await?;
    calendars.settle("SB").await?;
    assert_eq!(calendars.world.simulator.google().calendar_creations(), 3);
    calendars.then_agreed_and_silent("SB").await
}

fn rules(calendars: &Calendars, calendar_id: &str) -> Vec<Value> {
    calendars.world.simulator.google().rules(calendar_id)
}

#[tokio::test]
async fn a_calendar_that_a_person_gives_is_used_and_neither_created_nor_shared() -> Result<()> {
    let calendars = given_two("all").await?;
    let _worker = calendars.world.worker().await?;
    let given = calendars.world.simulator.google().share_calendar("AW-SB", "Europe/Berlin", GoogleRole::Writer);
    let before = rules(&calendars, &given);
    let calendar = CalendarId::parse(&given).expect("an id");
    calendars.decide("SB", PolicyChange { calendar: Some(Some(calendar)), ..PolicyChange::default() }).await?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), [Operation::GoogleEventInsert]);
    assert!(calls.iter().all(|call| call.operation != Operation::GoogleCalendarList), "{calls:?}");
    assert_eq!(calendars.world.simulator.google().calendar_creations(), 0);
    assert_eq!(rules(&calendars, &given), before);
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c3_a_calendar_whose_creation_got_no_answer_is_found_by_its_name() -> Result<()> {
    for kind in [FaultKind::AnswerLost, FaultKind::AppliedThenStatus { code: 500 }, FaultKind::TruncatedBody] {
        let calendars = given_two("all").await?;
        let _worker = calendars.world.worker().await?;
        calendars.given_fault(Operation::GoogleCalendarInsert, kind.clone());
        calendars.sync(&["SB"]).await?;
        assert_eq!(calendars.world.simulator.google().calendar_creations(), 1, "{kind:?}");
        let owners: Vec<Value> = rules(&calendars, &calendars.calendar_id("SB")?);
        let is_shared = owners.iter().any(|rule| rule["role"] == "owner" && rule["scope"]["value"] == OWNER);
        assert!(is_shared, "{owners:?}");
        calendars.then_agreed_and_silent("SB").await?;
    }
    Ok(())
}

#[tokio::test]
async fn c3_sharing_that_got_no_answer_is_made_up_for_once() -> Result<()> {
    let calendars = given_two("all").await?;
    let _worker = calendars.world.worker().await?;
    calendars.given_fault(Operation::GoogleAclInsert, FaultKind::AnswerLost);
    calendars.sync(&["SB"]).await?;
    let shared = calendars.world.simulator.journal().count(Operation::GoogleAclInsert);
    assert_eq!((shared, calendars.world.simulator.google().calendar_creations()), (1, 1));
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c4_another_calendar_is_no_evidence_that_anything_was_deleted() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    calendars.given_termin("SB", 1, 9, "Aus Advoware");
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    calendars.enter_event("SB", calendars.event_fields(2, 10, "Aus Google"))?;
    calendars.sync(&["SB"]).await?;
    let termine = calendars.termine("SB");
    assert_eq!(termine.len(), 2);

    let google = calendars.world.simulator.google();
    let other = google.share_calendar("Kanzlei SB", "Europe/Berlin", GoogleRole::Writer);
    google.seed(&other, calendars.event_fields(3, 11, "Schon im neuen")).expect("Google takes the event");
    let given = CalendarId::parse(&other).expect("an id");
    let change = PolicyChange { calendar: Some(Some(given)), ..PolicyChange::default() };
    calendars.hub.set_policy(&parsed("SB"), &change).await.map_err(|error| Error::new(error.to_string()))?;
    for _ in 0..3 {
        let calls = calendars.sync(&["SB"]).await?;
        assert!(!writes(&calls).contains(&Operation::DeleteTermin), "{calls:?}");
    }
    assert_eq!(calendars.termine("SB").len(), 3, "both are kept, and the new calendar's event is a Termin");
    let events: Vec<_> = google.events(&other).iter().filter_map(Entry::of_event).collect();
    assert_eq!(events.len(), 3, "{events:?}");
    Ok(())
}
