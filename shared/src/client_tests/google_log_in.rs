//! The service account's token, and the quota that all workers share, against the simulator.

use super::google::{Desk, id, meeting, window};
use super::*;
use crate::google::Google;
use crate::limits::Limits;

#[tokio::test]
async fn tasks_share_one_log_in() {
    let desk = Desk::open().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (google, calendar) = (desk.google.clone(), desk.calendar.clone());
        tasks.spawn(async move { google.find_calendar(&calendar).await.unwrap().is_some() });
    }
    assert!(tasks.join_all().await.into_iter().all(|found| found));
    assert_eq!(desk.sent(Call::GoogleToken), 1);
}

#[tokio::test]
async fn a_refused_token_costs_one_log_in_and_one_repetition() {
    let desk = Desk::open().await;
    let made = desk.inserted(1).await;
    desk.simulator.google().revoke_tokens();
    desk.google.patch_event(&desk.calendar, &id(1), &made.etag.unwrap(), &meeting()).await.unwrap();
    assert_eq!((desk.sent(Call::GoogleToken), desk.sent(Call::GoogleEventPatch)), (2, 2));
}

#[tokio::test]
async fn e1_a_fresh_token_that_is_refused_ends_the_asking() {
    let desk = Desk::open().await;
    desk.arm(Call::GoogleEventList, FaultKind::ExpiredToken);
    for _ in 0..3 {
        let error = desk.google.list_events(&desk.calendar, &window()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::CredentialsRefused(Refusal::ServiceTokenRejected));
        assert!(matches!(error.next(), Next::Snooze(Some(_))), "{error}");
    }
    assert_eq!((desk.sent(Call::GoogleToken), desk.sent(Call::GoogleEventList)), (2, 2));
}

#[tokio::test]
async fn e1_a_refused_account_is_asked_for_once() {
    let desk = Desk::open().await;
    desk.simulator.google().switch(|switches| switches.refuse_account = true);
    for _ in 0..3 {
        let error = desk.google.find_calendar(&desk.calendar).await.unwrap_err();
        let kind = ErrorKind::CredentialsRefused(Refusal::ServiceAccountRefused);
        assert_eq!((error.operation, error.kind), (Operation::GoogleToken, kind));
    }
    assert_eq!((desk.sent(Call::GoogleToken), desk.sent(Call::GoogleCalendarGet)), (1, 0));
}

#[tokio::test]
async fn a_log_in_without_answer_is_tried_again_by_the_next_call() {
    let desk = Desk::open().await;
    desk.arm_once(Call::GoogleToken, FaultKind::status(503));
    let error = desk.google.find_calendar(&desk.calendar).await.unwrap_err();
    assert_eq!((error.operation, error.next()), (Operation::GoogleToken, Next::Retry));
    assert!(desk.google.find_calendar(&desk.calendar).await.unwrap().is_some());
}

#[tokio::test]
async fn a_token_is_replaced_two_minutes_before_its_end() {
    let desk = Desk::open().await;
    desk.simulator.google().switch(|switches| switches.token_lifetime_seconds = 3000);
    let (clock, hand) = Clock::by_hand(Clock::system().now());
    let google = desk.another(clock);
    for (advanced_seconds, log_ins) in [(0, 1), (3000 - 121, 1), (2, 2)] {
        hand.advance(Duration::from_secs(advanced_seconds));
        desk.simulator.clock().advance_seconds(i64::try_from(advanced_seconds).unwrap());
        google.find_calendar(&desk.calendar).await.unwrap();
        assert_eq!(desk.sent(Call::GoogleToken), log_ins);
    }
}

#[tokio::test]
async fn e3_neither_key_nor_token_shows() {
    let desk = Desk::open().await;
    let text = format!("{:?}", desk.settings());
    assert!(!text.contains("PRIVATE") && !text.contains("iam.gserviceaccount") && text.contains("token_uri"), "{text}");
}

#[tokio::test]
async fn j5_all_workers_share_the_quota_and_a_patch_counts_three() {
    let desk = Desk::open().await;
    let redis = PrivateRedis::start().await;
    let settings = crate::limits::RateSettings { per_minute: 1, burst: 5 };
    let mut workers = Vec::new();
    for _ in 0..2 {
        let limits = Limits::connect(redis.url().as_str()).await.unwrap();
        workers.push(Google::within(limits.rate("google", settings), desk.settings(), Clock::system()).unwrap());
    }
    let made = workers[0].insert_event(&desk.calendar, &id(1), &meeting()).await.unwrap();
    let etag = made.etag.unwrap();
    workers[1].patch_event(&desk.calendar, &id(1), &etag, &meeting()).await.unwrap();
    workers[0].get_event(&desk.calendar, &id(1)).await.unwrap();
    let error = workers[1].get_event(&desk.calendar, &id(1)).await.unwrap_err();
    assert!(matches!(error.next(), Next::Snooze(Some(wait)) if wait > Duration::from_secs(20)), "{error}");
    assert_eq!(desk.sent(Call::GoogleEventGet), 1);
}

#[test]
fn j5_no_minute_holds_more_than_the_quota_whenever_it_begins() {
    for per_minute in [1, 2, 3, 10, 600, 60_000] {
        let rate = Google::rate_settings(per_minute);
        assert!(rate.burst >= 1 && rate.per_minute >= 1);
        assert!(per_minute < 2 || rate.per_minute + rate.burst <= per_minute, "{per_minute}: {rate:?}");
    }
    let rate = Google::rate_settings(600);
    assert_eq!((rate.per_minute, rate.burst), (540, 60));
}
