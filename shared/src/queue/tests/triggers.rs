//! enqueue.lua, drop_waiting.lua, counts.lua.

use std::time::Duration;

use domain::job::Wants;

use super::stage::{LEASE, Stage};
use crate::queue::{Asker, EnqueueResult, JobState, NewJob, Outcome};

const SOON: Outcome = Outcome::Snooze { delay: Duration::from_hours(1) };

#[tokio::test]
async fn j2_one_waiting_job_per_entity_and_its_triggers_merge() {
    let stage = Stage::new().await;
    let first = stage.trigger("a", 1).await;
    let second = stage.trigger("a", 2).await;
    let other = stage.trigger("b", 1).await;
    assert_eq!((first.result, second.result), (EnqueueResult::New, EnqueueResult::Coalesced));
    assert_eq!((first.job == second.job, other.result), (true, EnqueueResult::New));
    assert_eq!(stage.counts().await, [2, 0, 0, 0]);
    let view = stage.queue.show(&first.job).await.expect("show").expect("a job");
    assert_eq!((view.state, view.wants), (JobState::Waiting, Wants::from_bits(3)));
    assert_eq!(stage.start("w", LEASE).await.wants, Wants::from_bits(3));
}

#[tokio::test]
async fn j2_wants_keep_all_32_bits() {
    let stage = Stage::new().await;
    stage.trigger("a", 1 << 31).await;
    stage.trigger("a", 1).await;
    assert_eq!(stage.start("w", LEASE).await.wants, Wants::from_bits(1 << 31 | 1));
}

#[tokio::test]
async fn j2_a_trigger_within_a_batch_merges_as_well() {
    let stage = Stage::new().await;
    let job = |bits| NewJob { entity: "a".to_owned(), wants: Wants::from_bits(bits) };
    let enqueued = stage.queue.enqueue(&[job(1), job(2)], Asker::Event).await.expect("enqueue");
    assert_eq!(enqueued.iter().map(|e| e.result).collect::<Vec<_>>(), [EnqueueResult::New, EnqueueResult::Coalesced]);
}

#[tokio::test]
async fn more_jobs_than_a_chunk_holds_are_taken_in_order() {
    let stage = Stage::new().await;
    let jobs: Vec<_> = (0..2345).map(|i| NewJob { entity: format!("e{i}"), wants: Wants::from_bits(3) }).collect();
    let enqueued = stage.queue.enqueue(&jobs, Asker::Event).await.expect("enqueue");
    assert!(enqueued.windows(2).all(|pair| pair[0].job < pair[1].job), "ids grow");
    assert_eq!(stage.counts().await, [2345, 0, 0, 0]);
    assert_eq!(stage.start("w", LEASE).await.entity, "e0");
}

#[tokio::test]
async fn j2_triggers_during_a_run_lead_to_exactly_one_more() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w", LEASE).await;
    for bits in [2, 4] {
        assert_eq!(stage.trigger("a", bits).await.result, EnqueueResult::FollowUp);
    }
    assert_eq!(stage.counts().await, [0, 0, 1, 0]);
    stage.done("w", &run).await;
    assert_eq!(stage.counts().await, [1, 0, 0, 0]);
    let follow_up = stage.start("w", LEASE).await;
    assert_eq!((follow_up.wants, follow_up.job != run.job), (Wants::from_bits(6), true));
    stage.done("w", &follow_up).await;
    assert_eq!(stage.counts().await, [0, 0, 0, 0]);
    assert_eq!(stage.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn j2_back_off_stands_for_events_and_yields_to_operators() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w", LEASE).await;
    stage.finish("w", &run, SOON).await;
    assert_eq!(stage.trigger("a", 2).await.result, EnqueueResult::Coalesced);
    assert_eq!(stage.counts().await, [0, 1, 0, 0]);
    assert_eq!(stage.trigger_as("a", 4, Asker::Operator).await.result, EnqueueResult::BroughtForward);
    assert_eq!(stage.counts().await, [1, 0, 0, 0]);
    assert_eq!(stage.trigger_as("a", 4, Asker::Operator).await.result, EnqueueResult::Coalesced);
    assert_eq!(stage.start("w", LEASE).await.wants, Wants::from_bits(7));
}

#[tokio::test]
async fn dropping_withdraws_ready_delayed_and_follow_up_and_leaves_nothing() {
    let stage = Stage::new().await;
    assert!(!stage.queue.drop_waiting("a").await.expect("drop"));

    stage.trigger("a", 1).await;
    assert!(stage.queue.drop_waiting("a").await.expect("drop"));
    assert_eq!(stage.counts().await, [0, 0, 0, 0]);
    let token = stage.fetch("w").await.expect("the token of the dropped job");
    assert_eq!(stage.claim("w", &token, LEASE).await, crate::queue::claim::Claimed::Gone);

    stage.trigger("a", 1).await;
    let run = stage.start("w", LEASE).await;
    stage.trigger("a", 2).await;
    assert!(stage.queue.drop_waiting("a").await.expect("drop"));
    stage.finish("w", &run, SOON).await;
    assert_eq!(stage.counts().await, [0, 1, 0, 0]);
    assert!(stage.queue.drop_waiting("a").await.expect("drop"));
    assert_eq!(stage.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_entity_dropped_and_triggered_again_runs_once() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    stage.queue.drop_waiting("a").await.expect("drop");
    stage.trigger("a", 2).await;
    let token = stage.fetch("w").await.expect("token");
    assert_eq!(stage.claim("w", &token, LEASE).await, crate::queue::claim::Claimed::Gone);
    let run = stage.start("w", LEASE).await;
    assert_eq!(run.wants, Wants::from_bits(2));
    stage.done("w", &run).await;
    assert_eq!(stage.keys().await, Vec::<String>::new());
}
