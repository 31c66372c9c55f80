//! Nothing is deleted without evidence, and not too much at once (C4).

use domain::finding::FindingKind;
use domain::job::Wants;
use harness::Result;
use harness::calendar::{Calendars, writes, writes_to};
use harness::world::{PATIENCE, World};
use serde_json::{Value, json};
use simulator::{Calls, FaultKind, GoogleReason, GoogleRole, JournalEntry, Operation, System};

/// An employee with so many Termine, an hour each, copied to Google; numbers of the Termine.
async fn given_termine(calendars: &Calendars, count: i64) -> Result<Vec<i64>> {
    calendars.given_employee("SB").await?;
    let frnrs = (0..count).map(|number| calendars.given_termin("SB", 1 + number, 10, &format!("Termin {number}")));
    let frnrs = frnrs.collect();
    calendars.sync(&["SB"]).await?;
    Ok(frnrs)
}

fn count(calls: &[JournalEntry], operation: Operation) -> usize {
    calls.iter().filter(|call| call.operation == operation).count()
}

#[tokio::test]
async fn c4_an_empty_list_of_advoware_counts_the_second_time() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    let frnrs = given_termine(&calendars, 3).await?;
    calendars.given_fault(Operation::ListTermine, FaultKind::ListCut { kept: 0 });
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), []);
    assert_eq!(calendars.kinds("SB").await?, [FindingKind::EmptyListHeld]);
    calendars.then_agreed_and_silent("SB").await?;
    assert_eq!(calendars.kinds("SB").await?, []);
    // A full list between two empty ones: the count begins anew.
    for frnr in frnrs {
        calendars.delete_termin(frnr);
    }
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), []);
    assert_eq!(calendars.kinds("SB").await?, [FindingKind::EmptyListHeld]);
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::GoogleEventDelete; 3]);
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c4_an_empty_list_of_google_counts_the_second_time() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    let frnrs = given_termine(&calendars, 3).await?;
    calendars.given_fault(Operation::GoogleEventList, FaultKind::ListCut { kept: 0 });
    assert_eq!(writes(&calendars.sync_whole("SB").await?), []);
    assert_eq!(calendars.kinds("SB").await?, [FindingKind::EmptyListHeld]);
    calendars.then_agreed_and_silent("SB").await?;

    // Seen twice it counts: each is asked for by its id, and is there.
    calendars.given_faults(Calls::to(Operation::GoogleEventList).times(2), FaultKind::ListCut { kept: 0 });
    calendars.sync_whole("SB").await?;
    let calls = calendars.sync_whole("SB").await?;
    assert_eq!((count(&calls, Operation::GoogleEventGet), writes(&calls)), (3, vec![]));
    calendars.then_agreed_and_silent("SB").await?;

    // Really deleted, but seen in lists that tell no deletions only.
    for frnr in frnrs {
        calendars.delete_event("SB", &calendars.event_of("SB", frnr).await?)?;
    }
    assert_eq!(writes(&calendars.sync_whole("SB").await?), []);
    assert_eq!(writes(&calendars.sync_whole("SB").await?), [Operation::GoogleEventInsert; 3]);
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c4_what_is_missing_from_a_list_is_asked_for_and_stays_if_it_is_there() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    given_termine(&calendars, 20).await?;
    calendars.given_fault(Operation::ListTermine, FaultKind::ListCut { kept: 1 });
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!((count(&calls, Operation::GetTermin), writes(&calls)), (19, vec![]));
    calendars.then_agreed_and_silent("SB").await?;
    calendars.given_fault(Operation::GoogleEventList, FaultKind::ListCut { kept: 1 });
    let calls = calendars.sync_whole("SB").await?;
    assert_eq!((count(&calls, Operation::GoogleEventGet), writes(&calls)), (19, vec![]));
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c4_a_mass_deletion_in_advoware_is_held_until_a_person_approves_it() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    let frnrs = given_termine(&calendars, 20).await?;
    for frnr in frnrs.iter().take(11) {
        calendars.delete_termin(*frnr);
    }
    calendars.change_termin(frnrs[15], json!({"text": "Geht trotzdem hinüber"}));
    for _ in 0..2 {
        let calls = calendars.sync(&["SB"]).await?;
        assert_eq!(count(&calls, Operation::GoogleEventDelete), 0);
        assert_eq!(calendars.kinds("SB").await?, [FindingKind::MassDeletionHeld]);
        assert_eq!(calendars.employee("SB").await?.held_deletions, 11);
    }
    let events = calendars.events("SB")?;
    assert!(events.iter().any(|event| event.text == "Geht trotzdem hinüber"), "{events:?}");
    let producer = calendars.world.program("kanzleisync-producer")?;
    let shown = producer.clone().args(["policy", "show", "SB"]).run(PATIENCE).await?;
    assert!(shown.stdout.contains("finding: mass_deletion_held"), "{shown:?}");
    let plan = producer.args(["plan", "calendar", "SB", "--json"]);
    let plan: Value = serde_json::from_str(&plan.run(PATIENCE).await?.stdout).expect("JSON");
    let held = plan["held"].as_array().expect("what is to be approved");
    assert!((held.len(), &plan["steps"]) == (11, &json!([])), "{plan}");
    assert_eq!((&held[0]["why"], &held[0]["target"]), (&json!("gone_in_advoware"), &json!("google")));
    assert!(held[0]["before"]["text"].is_string() && held[0]["frNr"] == json!(frnrs[0]), "{}", held[0]);
    let calls = calendars.sync_wanting(&["SB"], Wants::calendar().approving_deletions()).await?;
    assert_eq!(writes(&calls), [Operation::GoogleEventDelete; 11]);
    assert_eq!(calendars.employee("SB").await?.held_deletions, 0);
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c4_a_mass_deletion_in_google_is_held_and_still_known_when_it_is_approved() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("CALENDAR_SYNC_ADVOWARE_WRITE", "all");
    world.setting("CALENDAR_SYNC_STRATEGY", "last_change_wins");
    let calendars = Calendars::around(world).await?;
    let _worker = calendars.world.worker().await?;
    let frnrs = given_termine(&calendars, 20).await?;
    for frnr in frnrs.iter().take(11) {
        calendars.delete_event("SB", &calendars.event_of("SB", *frnr).await?)?;
    }
    for _ in 0..2 {
        assert_eq!(writes(&calendars.sync(&["SB"]).await?), []);
        assert_eq!(calendars.kinds("SB").await?, [FindingKind::MassDeletionHeld]);
    }
    let calls = calendars.sync_wanting(&["SB"], Wants::calendar().approving_deletions()).await?;
    assert_eq!(writes(&calls), [Operation::DeleteTermin; 11]);
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c4_as_many_deletions_as_the_limit_allows_are_done_at_once() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    let frnrs = given_termine(&calendars, 12).await?;
    for frnr in frnrs.iter().take(10) {
        calendars.delete_termin(*frnr);
    }
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::GoogleEventDelete; 10]);
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c4_what_falls_out_of_the_window_stays_on_both_sides() -> Result<()> {
    let calendars = Calendars::start().await?;
    let worker = calendars.world.worker().await?;
    calendars.given_employee("SB").await?;
    let old = calendars.given_termin("SB", -20, 10, "Lange her");
    let ahead = calendars.given_termin("SB", 20, 10, "Weit weg");
    calendars.given_termin("SB", 1, 10, "Morgen");
    calendars.sync(&["SB"]).await?;
    let event = calendars.event_of("SB", old).await?;
    worker.terminate()?;
    worker.exited(harness::world::PATIENCE).await?;

    let mut narrow = calendars;
    narrow.world.setting("CALENDAR_SYNC_PAST_DAYS", 10);
    narrow.world.setting("CALENDAR_SYNC_FUTURE_DAYS", 10);
    let _worker = narrow.world.worker().await?;
    assert_eq!(writes(&narrow.sync(&["SB"]).await?), []);
    narrow.then_agreed_and_silent("SB").await?;
    // Touched by a user, it is looked at, and is no deletion either.
    narrow.change_event("SB", &event, json!({"summary": "Geändert"}))?;
    assert_eq!(writes(&narrow.sync(&["SB"]).await?), [Operation::GoogleEventPatch]);
    narrow.then_agreed_and_silent("SB").await?;
    // New ones that lie outside are nobody's business.
    narrow.enter_event("SB", narrow.event_fields(30, 10, "Zu weit weg"))?;
    narrow.given_termin("SB", -30, 10, "Zu lange her");
    assert_eq!(writes(&narrow.sync(&["SB"]).await?), []);
    narrow.then_silent("SB").await?;
    // Deleted outside the window, it is not seen; it stays.
    narrow.delete_termin(ahead);
    assert_eq!(writes(&narrow.sync(&["SB"]).await?), []);
    narrow.then_silent("SB").await
}

#[tokio::test]
async fn c4_a_termin_that_moves_out_of_the_window_takes_its_event_along() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("CALENDAR_SYNC_FUTURE_DAYS", 30);
    let calendars = Calendars::around(world).await?;
    let _worker = calendars.world.worker().await?;
    calendars.given_employee("SB").await?;
    let frnr = calendars.given_termin("SB", 10, 10, "Wandert");
    calendars.given_termin("SB", 1, 10, "Bleibt");
    calendars.sync(&["SB"]).await?;
    let moved = calendars.termin_fields("SB", 60, 10, "Wandert");
    calendars.change_termin(frnr, moved);
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::GoogleEventPatch]);
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c4_an_error_is_no_evidence() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("SYNC_MAX_TRIES", 2);
    let calendars = Calendars::around(world).await?;
    let _worker = calendars.world.worker().await?;
    let frnrs = given_termine(&calendars, 3).await?;
    let event = calendars.event_of("SB", frnrs[0]).await?;
    let faults = [
        (Operation::ListTermine, FaultKind::status(403)),
        (Operation::ListTermine, FaultKind::status(404)),
        (Operation::GetTermin, FaultKind::status(403)),
        (Operation::GetTermin, FaultKind::status(500)),
        (Operation::GoogleEventList, FaultKind::google(GoogleReason::Forbidden)),
        (Operation::GoogleEventList, FaultKind::google(GoogleReason::BackendError)),
        (Operation::GoogleEventGet, FaultKind::google(GoogleReason::Forbidden)),
        (
            Operation::GoogleEventGet,
            FaultKind::Status { code: 404, retry_after_seconds: None, body: Some("<html>".to_owned()) },
        ),
        (
            Operation::GoogleEventGet,
            FaultKind::Status { code: 410, retry_after_seconds: None, body: Some("<html>".to_owned()) },
        ),
    ];
    for (operation, kind) in faults {
        // What is asked for is missing from the list.
        let list = match operation {
            Operation::GetTermin => Some(Operation::ListTermine),
            Operation::GoogleEventGet => Some(Operation::GoogleEventList),
            _ => None,
        };
        if let Some(list) = list {
            calendars.given_faults(Calls::to(list).always(), FaultKind::ListCut { kept: 1 });
        }
        calendars.given_faults(Calls::to(operation).always(), kind.clone());
        let calls = calendars.sync_whole("SB").await?;
        assert!(count(&calls, operation) > 0, "{operation:?} {kind:?} did not hit");
        assert_eq!(writes(&calls), [], "{operation:?} {kind:?}");
        calendars.world.simulator.faults().clear();
        calendars.then_agreed_and_silent("SB").await?;
    }
    assert_eq!(calendars.event_of("SB", frnrs[0]).await?, event);
    Ok(())
}

#[tokio::test]
async fn c4_a_calendar_that_is_shown_to_us_no_longer_is_no_evidence_and_a_person_is_told() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    let frnrs = given_termine(&calendars, 3).await?;
    let calendar_id = calendars.calendar_id("SB")?;
    calendars.delete_termin(frnrs[0]);
    calendars.world.simulator.google().set_access(&calendar_id, GoogleRole::None);
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), []);
    assert_eq!(calendars.world.simulator.google().calendar_creations(), 1);
    let reason = calendars.reason_of_death("SB").await?;
    assert!(reason.contains("share it with the service account"), "{reason}");
    assert_eq!(calendars.rows("SB").await?.len(), 3);

    calendars.world.simulator.google().set_access(&calendar_id, GoogleRole::Reader);
    calendars.requeue("SB").await?;
    let reason = calendars.reason_of_death("SB").await?;
    assert!(reason.contains("not permitted"), "{reason}");

    calendars.world.simulator.google().set_access(&calendar_id, GoogleRole::Owner);
    calendars.requeue("SB").await?;
    calendars.then_agreed_and_silent("SB").await?;
    assert_eq!(calendars.rows("SB").await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn c4_a_termin_given_to_another_employee_changes_calendars() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    for kuerzel in ["SB", "AI"] {
        calendars.given_employee(kuerzel).await?;
        calendars.given_termin(kuerzel, 1, 8, "Bleibt");
    }
    let frnr = calendars.given_termin("SB", 2, 10, "Wird übergeben");
    calendars.sync(&["SB", "AI"]).await?;
    calendars.change_termin(frnr, json!({"sb": "AI", "anwalt": "AI"}));
    let calls = calendars.sync(&["SB", "AI"]).await?;
    assert_eq!(writes_to(System::Advoware, &calls), []);
    for (kuerzel, expected) in [("SB", 1), ("AI", 2)] {
        assert_eq!(calendars.events(kuerzel)?.len(), expected, "{kuerzel}");
        calendars.then_agreed_and_silent(kuerzel).await?;
    }
    // And back again.
    calendars.change_termin(frnr, json!({"sb": "SB", "anwalt": "SB"}));
    calendars.sync(&["AI", "SB"]).await?;
    for kuerzel in ["SB", "AI"] {
        calendars.then_agreed_and_silent(kuerzel).await?;
    }
    Ok(())
}

#[tokio::test]
async fn c4_a_termin_born_in_google_and_given_away_is_not_created_a_second_time() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    for kuerzel in ["SB", "AI"] {
        calendars.given_employee(kuerzel).await?;
        calendars.given_termin(kuerzel, 1, 8, "Bleibt");
    }
    calendars.sync(&["SB", "AI"]).await?;
    let event = calendars.enter_event("SB", calendars.event_fields(2, 10, "Wird übergeben"))?;
    calendars.sync(&["SB"]).await?;
    let frnr = calendars.frnr_of(&event).await?;
    calendars.change_termin(frnr, json!({"sb": "AI", "anwalt": "AI"}));
    let calls = calendars.sync(&["SB", "AI"]).await?;
    assert_eq!(writes(&calls), [Operation::GoogleEventInsert], "into the other's calendar");
    let calls = calendars.sync(&["SB", "AI"]).await?;
    assert_eq!(writes(&calls), []);
    calendars.then_agreed_and_silent("AI").await?;
    assert_eq!(calendars.world.simulator.advoware().termin_count(), 3);
    Ok(())
}
