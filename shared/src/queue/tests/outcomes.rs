//! work.lua: outcomes of runs.

use std::time::Duration;

use domain::job::Wants;

use super::stage::{DONE, LEASE, Stage, caller, jobs, retry};
use crate::queue::turn::Ended;
use crate::queue::{Asker, EnqueueResult, JobState, Outcome};

fn give_up() -> Outcome {
    Outcome::GiveUp { reason: "http 400".to_owned() }
}

#[tokio::test]
async fn e4_a_finished_job_leaves_nothing() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w").await;
    stage.done("w", &run).await;
    assert_eq!(stage.show("a").await, None);
    stage.then_empty().await;
}

#[tokio::test]
async fn j3_a_retry_counts_waits_its_time_and_keeps_its_reason() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w").await;
    assert!(stage.finish("w", &run, retry(Duration::from_hours(1))).await);
    assert_eq!(stage.counts().await, [0, 1, 0, 0]);
    let view = stage.show("a").await.expect("waits");
    assert_eq!((view.state, view.failures, view.reason.as_str()), (JobState::Delayed, 1, "http 503"));
    let next = stage.tend().await.next.expect("one waits");
    assert!(next > Duration::from_mins(59) && next <= Duration::from_hours(1), "{next:?}");
    assert_eq!(stage.take("w", 1).await, [], "its time has not come");
    stage.due("a").await;
    let again = stage.start("w").await;
    assert_eq!((again.job, again.failures, again.starts), (run.job, 1, 2));
}

#[tokio::test]
async fn j3_a_snooze_counts_nothing() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w").await;
    stage.finish("w", &run, Outcome::Snooze { delay: LEASE }).await;
    stage.due("a").await;
    let again = stage.start("w").await;
    assert_eq!((again.failures, again.crashes), (0, 0));
}

#[tokio::test]
async fn an_outcome_whose_answer_was_lost_is_written_once_and_told_as_written() {
    let stage = Stage::new().await;
    for outcome in [retry(LEASE), Outcome::Snooze { delay: LEASE }, give_up(), DONE] {
        stage.trigger_as("a", 1, Asker::Requeue).await;
        let run = stage.start("w").await;
        assert!(stage.finish("w", &run, outcome.clone()).await);
        let before = stage.show("a").await;
        let ended = [Ended { claim: run, outcome }];
        let repeated = stage.queue.work(&caller("w"), LEASE, 0, 0, &ended, true).await.expect("work");
        assert_eq!((repeated.written, stage.show("a").await), (vec![true], before));
    }
    stage.then_empty().await;
}

#[tokio::test]
async fn j2_a_trigger_during_a_failing_run_joins_its_retry() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w").await;
    stage.trigger("a", 2).await;
    stage.finish("w", &run, retry(LEASE)).await;
    assert_eq!(stage.counts().await, [0, 1, 0, 0]);
    stage.due("a").await;
    let again = stage.start("w").await;
    assert_eq!(again.wants, Wants::from_bits(3));
    stage.done("w", &again).await;
    stage.then_empty().await;
}

#[tokio::test]
async fn j2_a_trigger_during_a_run_that_gives_up_gets_its_run() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w").await;
    stage.trigger("a", 2).await;
    stage.finish("w", &run, give_up()).await;
    assert_eq!(stage.counts().await, [1, 0, 0, 0]);
    let next = stage.start("w").await;
    assert_eq!((next.wants, next.failures, next.starts), (Wants::from_bits(3), 0, 1));
    stage.trigger_as("a", 2, Asker::Scan).await;
    stage.finish("w", &next, give_up()).await;
    let last = stage.start("w").await;
    stage.finish("w", &last, give_up()).await;
    assert_eq!(stage.counts().await, [0, 0, 0, 1]);
}

#[tokio::test]
async fn a_call_that_arrives_after_a_later_one_does_nothing() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let late = caller("w");
    let runs = stage.take("w", 1).await;
    stage.trigger("b", 1).await;
    stage.queue.work(&late, LEASE, 5, 0, &[], false).await.expect_err("too late");
    stage.queue.hand_back(&late, false, &[]).await.expect_err("too late");
    assert_eq!(stage.counts().await, [1, 0, 1, 0]);
    stage.done("w", &runs[0]).await;
    assert_eq!(stage.turn("other", 1, 0, &[]).await.taken.len(), 1, "another worker counts for itself");
}

#[tokio::test]
async fn j4a_a_job_that_an_outage_has_killed_waits_again() {
    let stage = Stage::new().await;
    stage.give_up("a").await;
    assert_eq!(stage.queue.give_back_tries(&["a".to_owned()]).await.expect("give back"), 1);
    assert_eq!(stage.counts().await, [0, 1, 0, 0]);
    assert_eq!(stage.show("a").await.expect("waits").failures, 0);
}

#[tokio::test]
async fn k8a_a_run_may_ask_for_its_follow_up_and_it_merges_with_triggers() {
    let stage = Stage::new().await;
    stage.trigger("a", 2).await;
    let run = stage.start("w").await;
    stage.trigger("a", 4).await;
    stage.finish("w", &run, Outcome::Done { follow_up: Some(Wants::from_bits(3)) }).await;
    assert_eq!(stage.counts().await, [1, 0, 0, 0], "one follow-up for both");
    assert_eq!(stage.start("w").await.wants, Wants::from_bits(7));
}

#[tokio::test]
async fn outcomes_and_takes_of_one_turn_go_together() {
    let stage = Stage::new().await;
    stage.queue.enqueue(&jobs(6), Asker::Event).await.expect("enqueue");
    let first = stage.take("w", 3).await;
    let outcomes = [DONE, retry(LEASE), give_up()];
    let ended: Vec<_> = first.into_iter().zip(outcomes).map(|(claim, outcome)| Ended { claim, outcome }).collect();
    let turn = stage.turn("w", 2, 0, &ended).await;
    assert_eq!(turn.written, [true; 3]);
    assert_eq!(turn.taken.iter().map(|run| run.job.entity()).collect::<Vec<_>>(), ["e3", "e4"]);
    assert_eq!(stage.counts().await, [1, 1, 2, 1]);
}

#[tokio::test]
async fn a_follow_up_is_taken_in_the_turn_that_makes_it() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w").await;
    stage.trigger("a", 2).await;
    let turn = stage.turn("w", 1, 0, &[Ended { claim: run, outcome: DONE }]).await;
    assert_eq!(turn.taken.iter().map(|run| run.wants).collect::<Vec<_>>(), [Wants::from_bits(2)]);
    stage.done("w", &turn.taken[0]).await;
    stage.then_empty().await;
}

#[tokio::test]
async fn j3_a_dead_job_stays_dead_for_the_scan_and_comes_back_for_all_others() {
    let stage = Stage::new().await;
    stage.give_up("a").await;
    assert_eq!(stage.trigger_as("a", 2, Asker::Scan).await.result, EnqueueResult::LeftDead);
    assert_eq!(stage.counts().await, [0, 0, 0, 1]);
    for asker in Asker::ALL.into_iter().filter(|asker| *asker != Asker::Scan) {
        assert_eq!(stage.trigger_as("a", 2, asker).await.result, EnqueueResult::Revived, "{asker:?}");
        let run = stage.start("w").await;
        // Of what it was asked for before its death nothing is left.
        assert_eq!((run.wants, run.failures, run.starts), (Wants::from_bits(2), 0, 1), "{asker:?}");
        stage.finish("w", &run, give_up()).await;
    }
    assert_eq!(stage.counts().await, [0, 0, 0, 1], "one dead job per entity");
}

#[tokio::test]
async fn j4a_tries_given_back_are_not_counted_whether_or_not_the_outcome_is_written() {
    let stage = Stage::new().await;
    for entity in ["written", "not yet"] {
        stage.trigger(entity, 1).await;
    }
    let runs = stage.take("w", 2).await;
    let entities: Vec<String> = runs.iter().map(|run| run.job.entity().to_owned()).chain(["x".to_owned()]).collect();
    stage.finish("w", &runs[0], retry(LEASE)).await;
    assert_eq!(stage.queue.give_back_tries(&entities).await.expect("give back"), 2);
    stage.finish("w", &runs[1], retry(LEASE)).await;
    for run in &runs {
        assert_eq!(stage.show(run.job.entity()).await.expect("waits").failures, 0);
    }
    assert_eq!(stage.queue.give_back_tries(&entities).await.expect("give back"), 0, "not below zero");
}
