//! Calls that fail in the middle of a calendar's run: never a duplicate, nothing lost, and the end is agreement (C3, E1).

use harness::calendar::{Calendars, writes};
use harness::world::{PATIENCE, World};
use harness::{Result, eventually};
use serde_json::json;
use shared::queue::JobState;
use simulator::{Calls, Edit, FaultKind, GoogleReason, Moment, Operation};

/// What users do before the run; each leads to one write.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Work {
    NewTermin,
    ChangedTermin,
    DeletedTermin,
    NewEvent,
    ChangedEvent,
    DeletedEvent,
}

impl Work {
    const ALL: [Self; 6] = [
        Self::NewTermin,
        Self::ChangedTermin,
        Self::DeletedTermin,
        Self::NewEvent,
        Self::ChangedEvent,
        Self::DeletedEvent,
    ];

    fn write(self) -> Operation {
        match self {
            Self::NewTermin => Operation::GoogleEventInsert,
            Self::ChangedTermin => Operation::GoogleEventPatch,
            Self::DeletedTermin => Operation::GoogleEventDelete,
            Self::NewEvent => Operation::PostTermin,
            Self::ChangedEvent => Operation::PutTermin,
            Self::DeletedEvent => Operation::DeleteTermin,
        }
    }
}

/// An employee who may write everything, with a pair of each source that edits go to, and one of each that stays.
struct Pair {
    termin: i64,
    event: String,
}

async fn given_pair(calendars: &Calendars, number: usize) -> Result<Pair> {
    let termin = calendars.given_termin("SB", 2, 10, &format!("Termin {number}"));
    let event = calendars.enter_event("SB", calendars.event_fields(3, 10, &format!("Eintrag {number}")))?;
    calendars.sync(&["SB"]).await?;
    Ok(Pair { termin, event })
}

fn do_work(calendars: &Calendars, work: Work, pair: &Pair, number: usize) -> Result<()> {
    match work {
        Work::NewTermin => drop(calendars.given_termin("SB", 4, 10, &format!("Neuer Termin {number}"))),
        Work::ChangedTermin => calendars.change_termin(pair.termin, json!({"text": "Geändert", "ort": "Saal 3"})),
        Work::DeletedTermin => calendars.delete_termin(pair.termin),
        Work::NewEvent => {
            let event = calendars.event_fields(5, 10, &format!("Neuer Eintrag {number}"));
            drop(calendars.enter_event("SB", event)?);
        }
        Work::ChangedEvent => calendars.change_event("SB", &pair.event, json!({"summary": "Geändert"}))?,
        Work::DeletedEvent => calendars.delete_event("SB", &pair.event)?,
    }
    Ok(())
}

async fn given_office() -> Result<Calendars> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    calendars.given_termin("SB", 1, 8, "Bleibt");
    Ok(calendars)
}

/// Every kind of fault at the write of every kind of work.
async fn at_every_write(kinds: &[FaultKind]) -> Result<()> {
    let calendars = given_office().await?;
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let mut number = 0;
    for work in Work::ALL {
        for kind in kinds {
            number += 1;
            let pair = given_pair(&calendars, number).await?;
            let before = (calendars.termine("SB").len(), calendars.events("SB")?.len());
            assert_eq!(before.0, before.1, "before {work:?} {kind:?}");
            do_work(&calendars, work, &pair, number)?;
            calendars.given_fault(work.write(), kind.clone());
            calendars.settle("SB").await?;
            assert_eq!(calendars.world.simulator.faults().armed(), [], "{work:?} {kind:?} did not hit");
            let expected = match work {
                Work::NewTermin | Work::NewEvent => before.0 + 1,
                Work::ChangedTermin | Work::ChangedEvent => before.0,
                Work::DeletedTermin | Work::DeletedEvent => before.0 - 1,
            };
            assert_eq!(calendars.termine("SB").len(), expected, "{work:?} {kind:?}");
            assert_eq!(calendars.rows("SB").await?.len(), expected, "{work:?} {kind:?}");
            calendars.then_agreed_and_silent("SB").await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn c3_a_write_whose_answer_is_lost_is_not_repeated_blindly() -> Result<()> {
    at_every_write(&[
        FaultKind::AnswerLost,
        FaultKind::AppliedThenStatus { code: 500 },
        FaultKind::AppliedThenStatus { code: 503 },
    ])
    .await
}

#[tokio::test]
async fn c3_a_write_whose_answer_cannot_be_read_is_not_repeated_blindly() -> Result<()> {
    at_every_write(&[FaultKind::TruncatedBody, FaultKind::EmptyBody, FaultKind::MalformedBody]).await
}

#[tokio::test]
async fn c3_a_write_that_did_not_happen_is_made_up_for() -> Result<()> {
    at_every_write(&[FaultKind::CutBefore, FaultKind::status(500), FaultKind::status(503), FaultKind::status(400)])
        .await
}

#[tokio::test]
async fn e1_a_write_that_came_too_fast_waits_as_long_as_the_system_wishes() -> Result<()> {
    let soon = |reason| FaultKind::Google { reason, retry_after_seconds: Some(0), applied: false };
    let calendars = given_office().await?;
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let kinds =
        [GoogleReason::RateLimitExceeded, GoogleReason::UserRateLimitExceeded, GoogleReason::TooManyRequests].map(soon);
    for (number, kind) in kinds.into_iter().enumerate() {
        for work in [Work::NewTermin, Work::ChangedTermin, Work::DeletedTermin] {
            let pair = given_pair(&calendars, number).await?;
            do_work(&calendars, work, &pair, number)?;
            calendars.given_fault(work.write(), kind.clone());
            calendars.sync(&["SB"]).await?;
            assert_eq!(calendars.world.simulator.faults().armed(), [], "{work:?} {kind:?} did not hit");
            calendars.then_agreed_and_silent("SB").await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn e1_a_lasting_limit_pauses_the_job_for_an_hour_and_counts_no_failure() -> Result<()> {
    let calendars = given_office().await?;
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    calendars.given_termin("SB", 2, 10, "Neu");
    calendars.given_fault(Operation::GoogleEventInsert, FaultKind::google(GoogleReason::QuotaExceeded));
    calendars.trigger(&["SB"], domain::job::Wants::calendar()).await?;
    let job = eventually(PATIENCE, "the job waits", async || {
        calendars.job("SB").await.ok().flatten().filter(|job| job.state == JobState::Delayed)
    })
    .await?;
    assert_eq!(job.failures, 0, "{job:?}");
    let is_an_hour = |ms: u64| (3_500_000..=3_700_000).contains(&ms);
    let now = u64::try_from(chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).timestamp_millis());
    assert!(is_an_hour(job.since_ms - now.unwrap_or_default()), "{job:?}");
    calendars.requeue("SB").await?;
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c3_a_post_without_a_number_is_found_by_what_it_says_however_many_there_are() -> Result<()> {
    let calendars = given_office().await?;
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    // Two of them say the same.
    for (day, text) in [(2, "Gleich"), (2, "Gleich"), (3, "Eins"), (4, "Zwei"), (5, "Drei"), (6, "Vier")] {
        calendars.enter_event("SB", calendars.event_fields(day, 10, text))?;
    }
    calendars.given_faults(Calls::to(Operation::PostTermin).times(6), FaultKind::NullFrnr);
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), [Operation::PostTermin; 6]);
    let mut bound: Vec<i64> =
        calendars.rows("SB").await?.iter().filter_map(|row| row.row.hub.frnr).map(|frnr| frnr.0).collect();
    bound.sort_unstable();
    bound.dedup();
    assert_eq!(bound.len(), 7, "each row has a Termin of its own");
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c3_an_event_that_is_edited_or_deleted_before_its_termin_is_found_is_followed() -> Result<()> {
    let calendars = given_office().await?;
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let calendar_id = calendars.calendar_id("SB")?;
    for is_deleted in [false, true] {
        let event = calendars.enter_event("SB", calendars.event_fields(2, 10, "Neu"))?;
        let edit = if is_deleted {
            Edit::GoogleDelete { calendar_id: calendar_id.clone(), event_id: event.clone() }
        } else {
            let fields = harness::world::fields(json!({"summary": "Geändert"}));
            Edit::GoogleSet { calendar_id: calendar_id.clone(), event_id: event.clone(), fields }
        };
        calendars.world.simulator.edit_at(Moment::after(Calls::to(Operation::PostTermin)), edit);
        calendars.given_fault(Operation::PostTermin, FaultKind::AnswerLost);
        calendars.settle("SB").await?;
        calendars.then_agreed_and_silent("SB").await?;
        assert_eq!(calendars.termine("SB").len(), 2, "one that stays and one that was only changed");
    }
    Ok(())
}

/// A worker that ends between its insert and the hub's note of it, and a user who deletes the event before the next one works.
async fn deleted_by_a_user_meanwhile(permission: Option<bool>, is_full_list: bool) -> Result<Calendars> {
    let calendars = given_office().await?;
    calendars.permit("SB", permission).await?;
    calendars.decide("SB", last_change_wins()).await?;
    let killed = calendars.world.worker().await?;
    if !is_full_list {
        calendars.sync(&["SB"]).await?;
    }
    let frnr = calendars.given_termin("SB", 2, 10, "Neu");
    let nth = if is_full_list { 2 } else { 1 };
    let held = calendars.world.simulator.pause_at(Moment::after(Calls::to(Operation::GoogleEventInsert).nth(nth)));
    calendars.trigger(&["SB"], domain::job::Wants::calendar()).await?;
    held.reached().await;
    killed.kill()?;
    killed.exited(PATIENCE).await?;
    held.release();
    let event = eventually(PATIENCE, "the event is there", async || {
        let google = calendars.world.simulator.google();
        let events = google.events(&calendars.calendar_id("SB").ok()?);
        let found = events.iter().find(|event| event["summary"] == "Neu")?;
        found["id"].as_str().map(str::to_owned)
    })
    .await?;
    calendars.delete_event("SB", &event)?;
    let worker = calendars.world.worker().await?;
    calendars.run_until_quiet().await?;
    calendars.settle("SB").await?;
    let is_kept = permission != Some(true);
    assert_eq!(calendars.termin(frnr).is_ok(), is_kept);
    assert_eq!(calendars.event("SB", &event)?["status"], "cancelled", "a deleted id is not used again");
    calendars.then_agreed_and_silent("SB").await?;
    worker.terminate()?;
    worker.exited(PATIENCE).await?;
    Ok(calendars)
}

fn last_change_wins() -> shared::hub::calendar::PolicyChange {
    let strategy = domain::calendar::policy::SyncStrategy::LastChangeWins;
    shared::hub::calendar::PolicyChange { strategy: Some(Some(strategy)), ..Default::default() }
}

#[tokio::test]
async fn c3_an_inserted_event_that_a_user_deleted_before_we_knew_is_inserted_anew_where_google_may_not_win()
-> Result<()> {
    deleted_by_a_user_meanwhile(None, false).await.map(drop)
}

#[tokio::test]
async fn c3_the_same_in_a_list_that_tells_no_deletions() -> Result<()> {
    deleted_by_a_user_meanwhile(None, true).await.map(drop)
}

#[tokio::test]
async fn c3_an_inserted_event_that_a_user_deleted_before_we_knew_takes_its_termin_along_where_google_may_win()
-> Result<()> {
    deleted_by_a_user_meanwhile(Some(true), false).await.map(drop)
}

#[tokio::test]
async fn c3_the_same_with_permission_in_a_list_that_tells_no_deletions() -> Result<()> {
    deleted_by_a_user_meanwhile(Some(true), true).await.map(drop)
}

#[tokio::test]
async fn c10a_an_event_that_a_user_edits_between_look_and_write_is_looked_at_again() -> Result<()> {
    let calendars = given_office().await?;
    let _worker = calendars.world.worker().await?;
    calendars.permit("SB", Some(true)).await?;
    calendars.decide("SB", last_change_wins()).await?;
    let frnr = calendars.given_termin("SB", 2, 10, "Neu");
    calendars.sync(&["SB"]).await?;
    let (calendar_id, event_id) = (calendars.calendar_id("SB")?, calendars.event_of("SB", frnr).await?);
    for (number, operation) in [Operation::GoogleEventPatch, Operation::GoogleEventDelete].into_iter().enumerate() {
        let summary = format!("Jünger {number}");
        let fields = harness::world::fields(json!({ "summary": summary }));
        let edit = Edit::GoogleSet { calendar_id: calendar_id.clone(), event_id: event_id.clone(), fields };
        if operation == Operation::GoogleEventPatch {
            calendars.change_termin(frnr, json!({"text": "Älter"}));
        } else {
            calendars.delete_termin(calendars.row_of("SB", frnr).await?.row.hub.frnr.expect("it has one").0);
        }
        calendars.world.simulator.clock().advance_seconds(5);
        calendars.world.simulator.edit_at(Moment::before(Calls::to(operation)), edit);
        let calls = calendars.sync(&["SB"]).await?;
        let refused = calls.iter().find(|call| call.operation == operation).expect("it was tried");
        assert_eq!(refused.status, Some(412), "{refused:?}");
        let texts: Vec<String> = calendars.termine("SB").into_iter().map(|entry| entry.text).collect();
        assert!(texts.contains(&summary), "the user's edit goes before: {texts:?}");
        calendars.then_agreed_and_silent("SB").await?;
        if operation == Operation::GoogleEventPatch {
            assert_eq!(calendars.row_of("SB", frnr).await?.row.hub.frnr.map(|frnr| frnr.0), Some(frnr));
        }
    }
    Ok(())
}

#[tokio::test]
async fn c3_an_event_that_is_gone_already_when_it_is_to_be_deleted_is_what_was_wanted() -> Result<()> {
    let calendars = given_office().await?;
    let _worker = calendars.world.worker().await?;
    let frnr = calendars.given_termin("SB", 2, 10, "Neu");
    calendars.sync(&["SB"]).await?;
    let event_id = calendars.event_of("SB", frnr).await?;
    calendars.delete_termin(frnr);
    let edit = Edit::GoogleDelete { calendar_id: calendars.calendar_id("SB")?, event_id };
    calendars.world.simulator.edit_at(Moment::before(Calls::to(Operation::GoogleEventDelete)), edit);
    let calls = calendars.sync(&["SB"]).await?;
    let deleted: Vec<_> = calls.iter().filter(|call| call.mutating).map(|call| call.status).collect();
    assert_eq!(deleted, [Some(410)]);
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c2_a_sync_token_that_google_no_longer_knows_costs_one_more_list() -> Result<()> {
    let calendars = given_office().await?;
    let _worker = calendars.world.worker().await?;
    let frnr = calendars.given_termin("SB", 2, 10, "Neu");
    calendars.sync(&["SB"]).await?;
    calendars.world.simulator.google().expire_sync_tokens();
    calendars.delete_event("SB", &calendars.event_of("SB", frnr).await?)?;
    let calls = calendars.sync(&["SB"]).await?;
    let lists = calls.iter().filter(|call| call.operation == Operation::GoogleEventList).map(|call| call.status);
    assert_eq!(lists.collect::<Vec<_>>(), [Some(410), Some(200)]);
    assert_eq!(writes(&calls), [Operation::GoogleEventInsert], "the deletion is seen by its id");
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c2_a_sync_token_that_google_refuses_in_other_words_costs_one_more_list_too() -> Result<()> {
    let calendars = given_office().await?;
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let answers = [
        FaultKind::google(GoogleReason::FullSyncRequired),
        FaultKind::google(GoogleReason::Invalid),
        FaultKind::Status { code: 410, retry_after_seconds: None, body: Some("<html>Gone</html>".to_owned()) },
    ];
    for answer in answers {
        calendars.given_fault(Operation::GoogleEventList, answer);
        let calls = calendars.sync(&["SB"]).await?;
        let lists = calls.iter().filter(|call| call.operation == Operation::GoogleEventList);
        assert_eq!((lists.count(), writes(&calls)), (2, vec![]));
        calendars.then_agreed_and_silent("SB").await?;
    }
    Ok(())
}

#[tokio::test]
async fn e1_a_fault_at_any_read_of_a_run_costs_a_try_and_nothing_else() -> Result<()> {
    let mut world = World::start().await?;
    // More kinds of faults than a job has tries.
    world.setting("SYNC_MAX_TRIES", "9");
    let calendars = Calendars::around(world).await?;
    calendars.given_employee("SB").await?;
    calendars.given_termin("SB", 1, 8, "Bleibt");
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let reads = [Operation::ListTermine, Operation::GoogleEventList, Operation::GetTermin, Operation::GoogleEventGet];
    for read in reads {
        for kind in [
            FaultKind::status(500),
            FaultKind::status(503),
            FaultKind::AnswerLost,
            FaultKind::TruncatedBody,
            FaultKind::MalformedBody,
            FaultKind::ExpiredToken,
        ] {
            let pair = given_pair(&calendars, 1).await?;
            let copy = calendars.event_of("SB", pair.termin).await?;
            calendars.change_event("SB", &pair.event, json!({"summary": "Geändert"}))?;
            calendars.world.simulator.google().expire_sync_tokens();
            calendars.delete_event("SB", &copy)?;
            // The first list is the one that is refused for its token.
            let nth = if read == Operation::GoogleEventList { 2 } else { 1 };
            calendars.given_faults(Calls::to(read).nth(nth), kind.clone());
            calendars.settle("SB").await?;
            assert_eq!(calendars.world.simulator.faults().armed(), [], "{read:?} {kind:?} did not hit");
            assert_eq!(calendars.kinds("SB").await?, [], "{read:?} {kind:?}");
            calendars.then_agreed_and_silent("SB").await?;
        }
    }
    assert_eq!(calendars.termine("SB").len(), 1 + 2 * 24, "nothing was lost");
    Ok(())
}
