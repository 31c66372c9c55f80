//! finish.lua, promote.lua.

use std::time::Duration;

use domain::job::Wants;

use super::stage::{LEASE, Stage};
use crate::queue::claim::Finished;
use crate::queue::{Asker, JobState, NewJob, Outcome};

fn retry(delay: Duration) -> Outcome {
    Outcome::RetryAfter { delay, reason: "http 503".to_owned() }
}

#[tokio::test]
async fn e4_a_finished_job_leaves_nothing() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w", LEASE).await;
    stage.done("w", &run).await;
    assert_eq!(stage.keys().await, Vec::<String>::new());
    assert_eq!(stage.queue.show(&run.job).await.expect("show"), None);
}

#[tokio::test]
async fn j3_a_retry_counts_waits_its_time_and_keeps_its_reason() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w", LEASE).await;
    assert_eq!(stage.finish("w", &run, retry(Duration::from_millis(20))).await, Finished::Written);
    assert_eq!(stage.counts().await, [0, 1, 0, 0]);
    let view = stage.queue.show(&run.job).await.expect("show").expect("waits");
    assert_eq!((view.state, view.failures, view.reason.as_str()), (JobState::Waiting, 1, "http 503"));
    stage.promoted(1).await;
    let again = stage.start("w", LEASE).await;
    assert_eq!((again.job, again.failures, again.starts), (run.job, 1, 2));
}

#[tokio::test]
async fn j3_a_snooze_counts_nothing() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w", LEASE).await;
    stage.finish("w", &run, Outcome::Snooze { delay: Duration::from_millis(1) }).await;
    stage.promoted(1).await;
    let again = stage.start("w", LEASE).await;
    assert_eq!((again.failures, again.crashes), (0, 0));
}

#[tokio::test]
async fn an_outcome_written_twice_counts_once() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w", LEASE).await;
    for _ in 0..2 {
        assert_eq!(stage.finish("w", &run, retry(LEASE)).await, Finished::Written);
    }
    assert_eq!(stage.queue.show(&run.job).await.expect("show").expect("waits").failures, 1);
}

#[tokio::test]
async fn j2_a_trigger_during_a_failing_run_joins_its_retry() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w", LEASE).await;
    stage.trigger("a", 2).await;
    stage.finish("w", &run, retry(Duration::from_millis(1))).await;
    assert_eq!(stage.counts().await, [0, 1, 0, 0]);
    stage.promoted(1).await;
    let again = stage.start("w", LEASE).await;
    assert_eq!(again.wants, Wants::from_bits(3));
    stage.done("w", &again).await;
    assert_eq!(stage.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn j2_a_trigger_during_a_run_that_gives_up_gets_a_job_of_its_own() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w", LEASE).await;
    stage.trigger("a", 2).await;
    stage.finish("w", &run, Outcome::GiveUp { reason: "http 400".to_owned() }).await;
    assert_eq!(stage.counts().await, [1, 0, 0, 1]);
    let next = stage.start("w", LEASE).await;
    assert_eq!((next.wants, next.failures, next.starts), (Wants::from_bits(2), 0, 1));
}

#[tokio::test]
async fn k8a_a_run_may_ask_for_its_follow_up_and_it_merges_with_triggers() {
    let stage = Stage::new().await;
    stage.trigger("a", 2).await;
    let run = stage.start("w", LEASE).await;
    stage.trigger("a", 4).await;
    stage.finish("w", &run, Outcome::Done { follow_up: Some(Wants::from_bits(3)) }).await;
    assert_eq!(stage.counts().await, [1, 0, 0, 0], "one follow-up for both");
    assert_eq!(stage.start("w", LEASE).await.wants, Wants::from_bits(7));
}

#[tokio::test]
async fn promotion_takes_at_most_a_thousand_and_leaves_what_is_not_due() {
    let stage = Stage::new().await;
    let jobs: Vec<_> = (0..1200).map(|i| NewJob { entity: format!("e{i}"), wants: Wants::from_bits(1) }).collect();
    stage.queue.enqueue(&jobs, Asker::Event).await.expect("enqueue");
    for i in 0..1200 {
        let run = stage.start("w", LEASE).await;
        let delay = if i == 0 { Duration::from_mins(1) } else { Duration::ZERO };
        stage.finish("w", &run, Outcome::Snooze { delay }).await;
    }
    assert_eq!(stage.counts().await, [0, 1200, 0, 0]);
    assert_eq!(stage.queue.promote().await.expect("promote").0, 1000);
    let (promoted, next_due) = stage.queue.promote().await.expect("promote");
    assert_eq!(promoted, 199);
    assert!(next_due.expect("one waits") > Duration::from_secs(50));
    assert_eq!(stage.counts().await, [1199, 1, 0, 0]);
}
