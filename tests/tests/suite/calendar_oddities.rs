//! Entries and answers that make no sense, employees who are not synced, events that wander (C4, C11, E1).

use domain::finding::FindingKind;
use domain::job::Wants;
use harness::Result;
use harness::calendar::{Calendars, with, writes, writes_to};
use serde_json::json;
use shared::hub::calendar::PolicyChange;
use simulator::{Calls, Edit, FaultKind, JournalEntry, Operation, System};

async fn given_office() -> Result<(Calendars, i64, String)> {
    let calendars = Calendars::start().await?;
    for kuerzel in ["SB", "AI"] {
        calendars.given_employee(kuerzel).await?;
        calendars.given_termin(kuerzel, 1, 8, "Bleibt");
    }
    let worker = calendars.world.worker().await?;
    let frnr = calendars.given_termin("SB", 2, 10, "Termin");
    calendars.sync(&["SB", "AI"]).await?;
    let event = calendars.enter_event("SB", calendars.event_fields(3, 10, "Eintrag"))?;
    calendars.sync(&["SB"]).await?;
    calendars.then_agreed_and_silent("SB").await?;
    worker.terminate()?;
    worker.exited(harness::world::PATIENCE).await?;
    Ok((calendars, frnr, event))
}

fn count(calls: &[JournalEntry], operation: Operation) -> usize {
    calls.iter().filter(|call| call.operation == operation).count()
}

#[tokio::test]
async fn c4_termine_without_a_number_are_told_and_nothing_counts_as_gone() -> Result<()> {
    let (calendars, frnr, _) = given_office().await?;
    let _worker = calendars.world.worker().await?;
    calendars.delete_termin(frnr);
    calendars.given_fault(Operation::ListTermine, FaultKind::NullField { field: "frNr".to_owned() });
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), []);
    assert_eq!(calendars.kinds("SB").await?, [FindingKind::UnreadableEntry]);
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::GoogleEventDelete]);
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c4_events_that_cannot_be_read_are_left_alone_and_seen_again() -> Result<()> {
    for is_whole in [false, true] {
        let (calendars, frnr, event) = given_office().await?;
        let _worker = calendars.world.worker().await?;
        let copy = calendars.event_of("SB", frnr).await?;
        // The copy was touched, so a write on its last known version would be refused, again and again.
        calendars.change_event("SB", &copy, json!({"colorId": "3"}))?;
        calendars.change_event("SB", &event, json!({"summary": "Eintrag geändert"}))?;
        calendars.change_termin(frnr, json!({"text": "Termin geändert"}));
        let new = calendars.enter_event("SB", calendars.event_fields(4, 10, "Neuer Eintrag"))?;
        let unreadable = FaultKind::NullField { field: "etag".to_owned() };
        calendars.given_faults(Calls::to(Operation::GoogleEventList).times(3), unreadable.clone());
        calendars.given_faults(Calls::to(Operation::GoogleEventGet).always(), unreadable);
        for _ in 0..3 {
            let calls = if is_whole { calendars.sync_whole("SB").await? } else { calendars.sync(&["SB"]).await? };
            assert_eq!(writes(&calls), [], "whole: {is_whole}");
            let kinds = calendars.kinds("SB").await?;
            assert!(kinds.iter().all(|kind| *kind == FindingKind::UnreadableEntry) && !kinds.is_empty(), "{kinds:?}");
            assert_eq!(calendars.job("SB").await?.map(|job| job.reason), None);
        }
        calendars.world.simulator.faults().clear();
        let mut written = writes(&calendars.sync(&["SB"]).await?);
        written.sort_by_key(|operation| format!("{operation:?}"));
        let expected = [Operation::GoogleEventPatch, Operation::PostTermin, Operation::PutTermin];
        assert_eq!(written, expected, "whole: {is_whole}");
        assert!(calendars.frnr_of(&new).await.is_ok());
        assert_eq!(calendars.kinds("SB").await?, []);
        calendars.then_agreed_and_silent("SB").await?;
    }
    Ok(())
}

#[tokio::test]
async fn c11_a_termin_that_makes_no_sense_is_told_and_stops_no_other() -> Result<()> {
    let (calendars, frnr, _) = given_office().await?;
    let _worker = calendars.world.worker().await?;
    let advoware = calendars.world.simulator.advoware();
    advoware.seed_termin(json!({"text": "Ohne Tag", "sb": "SB", "anwalt": "SB"}));
    let fields = calendars.termin_fields("SB", 4, 10, "Endlos falsch");
    advoware.seed_termin(with(fields, json!({"dauertermin": 1, "turnus": 1, "turnusArt": 7})));
    // One that is synced becomes one that says nothing: its event stays as it was.
    let mut nothing = calendars.termin(frnr)?;
    nothing["datum"] = json!(null);
    advoware.seed_termin(nothing);
    calendars.given_termin("SB", 5, 10, "Neu");
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::GoogleEventInsert]);
    assert_eq!(calendars.kinds("SB").await?, [FindingKind::OddEntry; 3]);
    assert_eq!(calendars.events("SB")?.len(), 4);
    calendars.then_silent("SB").await?;
    assert_eq!(calendars.kinds("SB").await?, [FindingKind::OddEntry; 3]);
    // Put right, it goes on.
    calendars.change_termin(frnr, calendars.termin_fields("SB", 2, 11, "Wieder da"));
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::GoogleEventPatch]);
    calendars.then_silent("SB").await
}

#[tokio::test]
async fn an_employee_who_is_switched_off_or_has_left_costs_no_call_and_loses_nothing() -> Result<()> {
    let (calendars, frnr, _) = given_office().await?;
    let _worker = calendars.world.worker().await?;
    let enabled = |enabled| PolicyChange { enabled: Some(enabled), ..PolicyChange::default() };
    calendars.decide("SB", enabled(false)).await?;
    calendars.delete_termin(frnr);
    assert_eq!(calendars.sync(&["SB"]).await?.len(), 0);
    assert_eq!(calendars.rows("SB").await?.len(), 3);
    calendars.decide("SB", enabled(true)).await?;
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::GoogleEventDelete]);
    let now = chrono::DateTime::from(std::time::SystemTime::now());
    calendars.hub.note_staff(&[harness::calendar::parsed("AI")], now).await.expect("the hub notes it");
    calendars.given_termin("SB", 5, 10, "Neu");
    assert_eq!(calendars.sync(&["SB"]).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn an_employee_whom_the_hub_does_not_know_is_looked_for_in_advoware() -> Result<()> {
    let (calendars, ..) = given_office().await?;
    let _worker = calendars.world.worker().await?;
    calendars.world.simulator.advoware().seed_mitarbeiter("NEU", "Beispiel");
    calendars.given_termin("NEU", 1, 10, "Erster");
    let calls = calendars.sync(&["NEU"]).await?;
    assert_eq!(count(&calls, Operation::ListMitarbeiter), 1);
    calendars.then_agreed_and_silent("NEU").await?;
    let calls = calendars.sync(&["WEG"]).await?;
    assert_eq!(writes(&calls), []);
    let reason = calendars.reason_of_death("WEG").await?;
    assert!(reason.contains("no employee with this Kürzel"), "{reason}");
    Ok(())
}

#[tokio::test]
async fn c7_a_copy_that_a_user_moves_into_another_calendar_is_no_new_termin_there() -> Result<()> {
    let (calendars, frnr, event) = given_office().await?;
    let _worker = calendars.world.worker().await?;
    let (calendar_id, to_calendar_id) = (calendars.calendar_id("SB")?, calendars.calendar_id("AI")?);
    let copy = calendars.event_of("SB", frnr).await?;
    let moved = |event_id: &str| Edit::GoogleMoveToCalendar {
        calendar_id: calendar_id.clone(),
        event_id: event_id.to_owned(),
        to_calendar_id: to_calendar_id.clone(),
    };
    calendars.edit(moved(&copy));
    let calls = calendars.sync(&["SB", "AI"]).await?;
    assert_eq!(writes(&calls), [Operation::GoogleEventInsert], "Advoware wins, so it is there again");
    assert_eq!(calendars.kinds("AI").await?, [FindingKind::OddEntry]);
    calendars.then_agreed_and_silent("SB").await?;
    // One that was born in Google goes with its event.
    calendars.edit(moved(&event));
    let calls = calendars.sync(&["AI", "SB"]).await?;
    let mut written = writes_to(System::Advoware, &calls);
    written.sort_by_key(|operation| format!("{operation:?}"));
    assert_eq!(written, [Operation::DeleteTermin, Operation::PostTermin]);
    calendars.then_agreed_and_silent("SB").await?;
    assert_eq!((calendars.termine("SB").len(), calendars.termine("AI").len()), (2, 2));
    calendars.then_silent("AI").await
}

#[tokio::test]
async fn c5_an_event_brought_back_from_the_bin_is_new_again() -> Result<()> {
    let (calendars, _, event) = given_office().await?;
    let _worker = calendars.world.worker().await?;
    calendars.delete_event("SB", &event)?;
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::DeleteTermin]);
    let calendar_id = calendars.calendar_id("SB")?;
    calendars.edit(Edit::GoogleRestore { calendar_id, event_id: event.clone() });
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::PostTermin]);
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn j2_a_trigger_for_everything_at_once_is_one_run_that_honours_all() -> Result<()> {
    let (calendars, frnr, _) = given_office().await?;
    for wants in [
        Wants::calendar(),
        Wants::calendar().with_full_content(true),
        Wants::calendar().with_full_content(false),
        Wants::calendar().listing_all(),
    ] {
        calendars.trigger(&["SB"], wants).await?;
    }
    let before = calendars.world.simulator.journal().last_sequence();
    let _worker = calendars.world.worker().await?;
    calendars.run_until_quiet().await?;
    let calls = calendars.world.simulator.journal().since(before);
    assert_eq!((count(&calls, Operation::ListTermine), count(&calls, Operation::GoogleEventList)), (1, 1));
    let copy = calendars.event_of("SB", frnr).await?;
    assert_eq!(calendars.event("SB", &copy)?["summary"], "Advoware blocked", "of two wishes the stricter");
    calendars.then_silent("SB").await
}
