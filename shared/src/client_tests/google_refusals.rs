//! What Google refuses or leaves open, and what becomes of it (E1), against the simulator.

use domain::ids::CalendarId;
use simulator::{GoogleReason, GoogleRole};

use super::google::{Desk, id, meeting, window};
use super::*;
use crate::error::QUOTA_PAUSE;
use crate::google::{EventBody, EventQuery};

fn google(reason: GoogleReason) -> FaultKind {
    FaultKind::Google { reason, retry_after_seconds: Some(7), applied: false }
}

#[tokio::test]
async fn e1_throttling_snoozes_for_as_long_as_google_asks() {
    let desk = Desk::open().await;
    for reason in [GoogleReason::RateLimitExceeded, GoogleReason::UserRateLimitExceeded, GoogleReason::TooManyRequests]
    {
        desk.simulator.journal().clear();
        desk.arm(Call::GoogleEventInsert, google(reason));
        let error = desk.google.insert_event(&desk.calendar, &id(1), &meeting()).await.unwrap_err();
        assert_eq!(error.next(), Next::Snooze(Some(Duration::from_secs(7))), "{error}");
        assert!(!error.outcome_unknown());
        assert_eq!(desk.sent(Call::GoogleEventInsert), 1);
    }
}

#[tokio::test]
async fn e1_a_lasting_limit_pauses_long() {
    let desk = Desk::open().await;
    desk.simulator.google().switch(|switches| switches.calendar_creations_most = 1);
    desk.google.create_calendar("AW-AI").await.unwrap();
    let error = desk.google.create_calendar("AW-XY").await.unwrap_err();
    assert_eq!((&error.kind, error.next()), (&ErrorKind::QuotaExceeded, Next::Snooze(Some(QUOTA_PAUSE))));
}

#[tokio::test]
async fn c10a_a_change_in_between_stops_patch_and_deletion() {
    let desk = Desk::open().await;
    let seen = desk.inserted(1).await.etag.unwrap();
    let body = EventBody::new().summary("x");
    let now = desk.google.patch_event(&desk.calendar, &id(1), &seen, &body).await.unwrap();
    let error = desk.google.patch_event(&desk.calendar, &id(1), &seen, &body).await.unwrap_err();
    assert_eq!((&error.kind, error.next()), (&ErrorKind::Conflict, Next::LookFirst));
    let error = desk.google.delete_event(&desk.calendar, &id(1), &seen).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert_eq!(desk.google.get_event(&desk.calendar, &id(1)).await.unwrap(), now);
}

#[tokio::test]
async fn c3_an_id_that_is_taken_is_told_apart_also_by_a_deleted_event() {
    let desk = Desk::open().await;
    let etag = desk.inserted(1).await.etag.unwrap();
    for _ in 0..2 {
        let error = desk.google.insert_event(&desk.calendar, &id(1), &meeting()).await.unwrap_err();
        assert_eq!((&error.kind, error.next()), (&ErrorKind::Duplicate, Next::LookFirst));
        assert!(!error.outcome_unknown());
        // The second time it is taken by a deleted one, or gone already.
        let _ = desk.google.delete_event(&desk.calendar, &id(1), &etag).await;
    }
}

#[tokio::test]
async fn c4_what_is_gone_is_told_as_such() {
    let desk = Desk::open().await;
    let etag = desk.inserted(1).await.etag.unwrap();
    desk.google.delete_event(&desk.calendar, &id(1), &etag).await.unwrap();
    let error = desk.google.delete_event(&desk.calendar, &id(1), &etag).await.unwrap_err();
    assert_eq!((&error.kind, error.status), (&ErrorKind::NotFound, Some(410)));
    let error = desk.google.get_event(&desk.calendar, &id(2)).await.unwrap_err();
    assert_eq!((&error.kind, error.status), (&ErrorKind::NotFound, Some(404)));
}

#[tokio::test]
async fn c4_a_404_that_is_not_googles_is_no_evidence() {
    let desk = Desk::open().await;
    let fault = FaultKind::Status { code: 404, retry_after_seconds: None, body: Some("<html>proxy</html>".into()) };
    desk.arm(Call::GoogleEventGet, fault);
    let error = desk.google.get_event(&desk.calendar, &id(1)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::WrongAddress);
}

#[tokio::test]
async fn a_sync_token_that_lost_its_worth_is_told_apart() {
    let desk = Desk::open().await;
    let token = desk.list(&window()).await.next_sync_token.unwrap();
    desk.simulator.google().expire_sync_tokens();
    let error = desk.google.list_events(&desk.calendar, &EventQuery::Since(token)).await.unwrap_err();
    assert_eq!((&error.kind, error.status), (&ErrorKind::FullSyncRequired, Some(410)));
    assert!(desk.google.list_events(&desk.calendar, &window()).await.is_ok());
}

#[tokio::test]
async fn c3_an_insert_whose_answer_was_lost_is_repeated_and_found_to_be_there() {
    let desk = Desk::open().await;
    let applied = FaultKind::Google { reason: GoogleReason::BackendError, retry_after_seconds: None, applied: true };
    for (number, fault) in [(1, applied), (2, FaultKind::AnswerLost), (3, FaultKind::AppliedThenStatus { code: 503 })] {
        desk.simulator.journal().clear();
        desk.arm_once(Call::GoogleEventInsert, fault);
        let error = desk.google.insert_event(&desk.calendar, &id(number), &meeting()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Duplicate);
        assert_eq!(desk.sent(Call::GoogleEventInsert), 2);
        assert!(desk.google.get_event(&desk.calendar, &id(number)).await.is_ok());
    }
    assert_eq!(desk.list(&window()).await.events.len(), 3);
}

#[tokio::test]
async fn c3_an_insert_that_was_not_carried_out_succeeds_when_repeated() {
    let desk = Desk::open().await;
    desk.arm_once(Call::GoogleEventInsert, google_once(GoogleReason::BackendError));
    assert_eq!(desk.inserted(1).await.id, id(1));
    assert_eq!(desk.sent(Call::GoogleEventInsert), 2);
}

fn google_once(reason: GoogleReason) -> FaultKind {
    FaultKind::Google { reason, retry_after_seconds: None, applied: false }
}

#[tokio::test]
async fn e1_a_write_that_stays_without_answer_leaves_its_outcome_open() {
    let desk = Desk::open().await;
    let etag = desk.inserted(1).await.etag.unwrap();
    for (fault, sent) in [(FaultKind::status(500), 3), (FaultKind::status(503), 3), (FaultKind::AppliedThenHang, 1)] {
        desk.simulator.journal().clear();
        desk.arm(Call::GoogleEventPatch, fault.clone());
        let error = desk.google.patch_event(&desk.calendar, &id(1), &etag, &meeting()).await.unwrap_err();
        assert!(error.outcome_unknown(), "{fault:?}: {error}");
        assert_eq!(desk.sent(Call::GoogleEventPatch), sent, "{fault:?}");
    }
}

#[tokio::test]
async fn c10a_a_patch_whose_answer_was_lost_is_found_changed_and_not_done_twice() {
    let desk = Desk::open().await;
    let etag = desk.inserted(1).await.etag.unwrap();
    desk.arm_once(Call::GoogleEventPatch, FaultKind::AnswerLost);
    let body = EventBody::new().summary("x");
    let error = desk.google.patch_event(&desk.calendar, &id(1), &etag, &body).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    let now = desk.google.get_event(&desk.calendar, &id(1)).await.unwrap();
    assert_eq!(now.fields.summary.as_deref(), Some("x"));
}

#[tokio::test]
async fn a_calendar_is_never_created_twice_for_a_lost_answer() {
    let desk = Desk::open().await;
    desk.arm_once(Call::GoogleCalendarInsert, FaultKind::AppliedThenStatus { code: 500 });
    let error = desk.google.create_calendar("AW-AI").await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
    assert_eq!((desk.sent(Call::GoogleCalendarInsert), desk.simulator.google().calendar_creations()), (1, 1));
}

#[tokio::test]
async fn a_reader_may_not_write() {
    let desk = Desk::open().await;
    let shared = desk.simulator.google().share_calendar("AW-XY", "Europe/Berlin", GoogleRole::Reader);
    let error = desk.google.insert_event(&CalendarId::parse(&shared).unwrap(), &id(1), &meeting()).await.unwrap_err();
    assert_eq!((&error.kind, error.next()), (&ErrorKind::Forbidden, Next::GiveUp));
}

#[tokio::test]
async fn e2_a_refused_value_names_the_rule_only() {
    let desk = Desk::open().await;
    let body = meeting().recurrence(&["RRULE:FREQ=GEHEIM".to_owned()]);
    let error = desk.google.insert_event(&desk.calendar, &id(1), &body).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Rejected { rule: Some(_), .. }), "{error}");
    assert!(!error.to_string().contains("GEHEIM") && !error.to_string().contains("Besprechung"), "{error}");
}

#[tokio::test]
async fn ids_are_encoded_in_the_address() {
    let desk = Desk::open().await;
    let odd = CalendarId::parse("de.german#holiday?x/../y@group.calendar.google.com").unwrap();
    assert_eq!(desk.google.find_calendar(&odd).await.unwrap(), None);
    let entry = desk.simulator.journal().entries().pop().unwrap();
    assert_eq!((entry.operation, entry.keys), (Call::GoogleCalendarGet, vec![odd.to_string()]));
}

#[tokio::test]
async fn e1_every_fault_of_a_read_is_told_and_repeated_where_it_may_pass() {
    let desk = Desk::open().await;
    desk.inserted(1).await;
    let faults = faults().into_iter().filter(|(fault, ..)| !matches!(fault, FaultKind::MissingField { .. }));
    for (fault, kind, sent) in faults {
        desk.simulator.journal().clear();
        desk.arm(Call::GoogleEventGet, fault.clone());
        let error = desk.google.get_event(&desk.calendar, &id(1)).await.unwrap_err();
        assert_eq!(error.kind, kind, "{fault:?}");
        let sent = if kind == ErrorKind::ServerFault { 3 } else { sent };
        assert_eq!(desk.sent(Call::GoogleEventGet), sent, "{fault:?}");
    }
}

#[tokio::test]
async fn c3_no_fault_makes_a_write_take_effect_twice() {
    let desk = Desk::open().await;
    let applied = FaultKind::AppliedThenStatus { code: 504 };
    let faults = faults().into_iter().map(|(fault, ..)| fault);
    let faults = faults.filter(|fault| !matches!(fault, FaultKind::MissingField { .. })).chain([applied]);
    for (number, fault) in (1..).zip(faults) {
        desk.arm(Call::GoogleEventInsert, fault.clone());
        desk.simulator.journal().clear();
        let error = desk.google.insert_event(&desk.calendar, &id(number), &meeting()).await.unwrap_err();
        assert_eq!(error.next(), Next::LookFirst, "insert, {fault:?}: {error}");
        assert!(took_effect(&desk) <= 1, "insert, {fault:?}");

        desk.simulator.faults().clear();
        let etag = desk.inserted(number + 100).await.etag.unwrap();
        desk.arm(Call::GoogleEventPatch, fault.clone());
        desk.simulator.journal().clear();
        let body = EventBody::new().summary("x");
        let error = desk.google.patch_event(&desk.calendar, &id(number + 100), &etag, &body).await.unwrap_err();
        assert_eq!(error.next(), Next::LookFirst, "patch, {fault:?}: {error}");
        assert!(took_effect(&desk) <= 1, "patch, {fault:?}");
    }
}

/// Writes to Google that did something.
fn took_effect(desk: &Desk) -> usize {
    desk.simulator.journal().entries().iter().filter(|entry| entry.applied).count()
}
