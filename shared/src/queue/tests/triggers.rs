//! enqueue.lua, drop_waiting.lua, counts.lua, look.lua.

use std::time::Duration;

use domain::job::Wants;

use super::stage::{Stage, job, jobs, retry, until};
use crate::queue::{Asker, EnqueueResult, JobState, Outcome, Seen};

const LATER: Outcome = Outcome::Snooze { delay: Duration::from_hours(1) };

#[tokio::test]
async fn j2_one_waiting_job_per_entity_and_its_triggers_merge() {
    let stage = Stage::new().await;
    let first = stage.trigger("a", 1).await;
    let second = stage.trigger("a", 2).await;
    let other = stage.trigger("b", 1).await;
    assert_eq!((first.result, second.result), (EnqueueResult::New, EnqueueResult::Coalesced));
    assert_eq!((first.job == second.job, other.result), (true, EnqueueResult::New));
    assert_eq!(stage.counts().await, [2, 0, 0, 0]);
    let view = stage.show("a").await.expect("a job");
    assert_eq!((view.state, view.wants), (JobState::Ready, Wants::from_bits(3)));
    assert_eq!(stage.start("w").await.wants, Wants::from_bits(3));
}

#[tokio::test]
async fn j2_wants_keep_all_32_bits() {
    let stage = Stage::new().await;
    stage.trigger("a", 1 << 31).await;
    stage.trigger("a", 1).await;
    assert_eq!(stage.start("w").await.wants, Wants::from_bits(1 << 31 | 1));
}

#[tokio::test]
async fn j2_a_trigger_within_a_batch_merges_as_well() {
    let stage = Stage::new().await;
    let enqueued = stage.queue.enqueue(&[job("a", 1), job("a", 2)], Asker::Event).await.expect("enqueue");
    assert_eq!(enqueued.iter().map(|e| e.result).collect::<Vec<_>>(), [EnqueueResult::New, EnqueueResult::Coalesced]);
    assert_eq!((stage.start("w").await.wants, stage.counts().await), (Wants::from_bits(3), [0, 0, 1, 0]));
}

#[tokio::test]
async fn more_jobs_than_a_chunk_holds_are_taken_in_order() {
    let stage = Stage::new().await;
    let enqueued = stage.queue.enqueue(&jobs(2345), Asker::Event).await.expect("enqueue");
    let numbers: Vec<_> = enqueued.iter().map(|one| one.job.number).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "numbers grow");
    assert_eq!(stage.counts().await, [2345, 0, 0, 0]);
    assert_eq!(stage.start("w").await.job, enqueued[0].job);
}

#[tokio::test]
async fn j2_triggers_during_a_run_lead_to_exactly_one_more() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w").await;
    for bits in [2, 4] {
        assert_eq!(stage.trigger("a", bits).await.result, EnqueueResult::FollowUp);
    }
    assert_eq!(stage.counts().await, [0, 0, 1, 0]);
    stage.done("w", &run).await;
    assert_eq!(stage.counts().await, [1, 0, 0, 0]);
    let follow_up = stage.start("w").await;
    assert_eq!((follow_up.wants, follow_up.job != run.job, follow_up.starts), (Wants::from_bits(6), true, 1));
    stage.done("w", &follow_up).await;
    stage.then_empty().await;
}

#[tokio::test]
async fn j2_back_off_stands_for_scans_and_events_and_yields_to_operators() {
    let stage = Stage::new().await;
    for (asker, result) in [
        (Asker::Scan, EnqueueResult::Coalesced),
        (Asker::ScanOfChanged, EnqueueResult::Coalesced),
        (Asker::Event, EnqueueResult::Coalesced),
        (Asker::Operator, EnqueueResult::BroughtForward),
        (Asker::Requeue, EnqueueResult::BroughtForward),
    ] {
        stage.trigger("a", 1).await;
        let run = stage.start("w").await;
        stage.finish("w", &run, retry(Duration::from_hours(1))).await;
        assert_eq!(stage.trigger_as("a", 2, asker).await.result, result, "{asker:?}");
        let is_forward = result == EnqueueResult::BroughtForward;
        assert_eq!(stage.counts().await, if is_forward { [1, 0, 0, 0] } else { [0, 1, 0, 0] }, "{asker:?}");
        if !is_forward {
            stage.due("a").await;
        }
        let again = stage.start("w").await;
        let failures = u32::from(asker != Asker::Requeue);
        assert_eq!((again.wants, again.failures), (Wants::from_bits(3), failures), "{asker:?}");
        stage.done("w", &again).await;
    }
    stage.then_empty().await;
}

#[tokio::test]
async fn j2_an_operator_who_asks_during_a_run_does_not_wait_for_its_back_off() {
    let stage = Stage::new().await;
    for (asker, counts, failures) in
        [(Asker::Event, [0, 1, 0, 0], 1), (Asker::Operator, [1, 0, 0, 0], 1), (Asker::Requeue, [1, 0, 0, 0], 0)]
    {
        stage.trigger("a", 1).await;
        let run = stage.start("w").await;
        stage.trigger_as("a", 1, asker).await;
        stage.finish("w", &run, retry(Duration::from_hours(1))).await;
        assert_eq!(stage.counts().await, counts, "{asker:?}");
        assert_eq!(stage.show("a").await.expect("waits").failures, failures, "{asker:?}");
        stage.queue.drop_waiting("a").await.expect("drop");
    }
}

#[tokio::test]
async fn dropping_withdraws_ready_delayed_and_follow_up_and_leaves_nothing() {
    let stage = Stage::new().await;
    assert!(!stage.queue.drop_waiting("a").await.expect("drop"));

    stage.trigger("a", 1).await;
    assert!(stage.queue.drop_waiting("a").await.expect("drop"));
    stage.then_empty().await;

    stage.trigger("a", 1).await;
    let run = stage.start("w").await;
    stage.trigger("a", 2).await;
    assert!(stage.queue.drop_waiting("a").await.expect("drop"));
    assert!(!stage.queue.drop_waiting("a").await.expect("drop"), "the run itself goes on");
    stage.finish("w", &run, LATER).await;
    assert_eq!(stage.counts().await, [0, 1, 0, 0]);
    assert!(stage.queue.drop_waiting("a").await.expect("drop"));
    stage.then_empty().await;
}

#[tokio::test]
async fn an_entity_dropped_and_triggered_again_runs_once() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    stage.queue.drop_waiting("a").await.expect("drop");
    stage.trigger("a", 2).await;
    let taken = stage.take("w", 5).await;
    assert_eq!(taken.iter().map(|run| run.wants).collect::<Vec<_>>(), [Wants::from_bits(2)]);
    stage.done("w", &taken[0]).await;
    stage.then_empty().await;
}

#[tokio::test]
async fn the_scan_sees_what_waits_runs_and_is_dead() {
    let stage = Stage::new().await;
    stage.give_up("dead").await;
    stage.trigger("runs", 1).await;
    stage.start("w").await;
    stage.trigger("expired", 1).await;
    stage.start("w").await;
    stage.time_comes("running", "expired").await;
    stage.trigger("waits", 1).await;
    let entities = ["runs", "expired", "waits", "dead", "unknown"].map(str::to_owned);
    let seen = stage.queue.look(&entities).await.expect("look");
    assert_eq!(seen.len(), 4);
    assert_eq!(seen["runs"], Seen::Running { is_live: true });
    assert_eq!(seen["expired"], Seen::Running { is_live: false });
    assert_eq!(seen["waits"], Seen::Waiting);
    let since = stage.show("dead").await.and_then(|job| job.dead_since_ms).expect("dead");
    assert_eq!(seen["dead"], Seen::Dead { since_ms: since });
}

#[tokio::test]
async fn the_age_of_the_oldest_ready_job_grows_from_its_time() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    until("it has aged", || async {
        (stage.queue.counts().await.expect("counts").oldest_ready.as_millis() >= 5).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_fresh_wake_up_is_published_only_when_the_line_was_empty() {
    let stage = Stage::new().await;
    let mut wakes = stage.queue.link.listen().await.expect("listen");
    wakes.subscribe(stage.queue.key("wake")).await.expect("subscribe");
    let mut wakes = wakes.into_on_message();
    for entity in ["a", "b", "c"] {
        stage.trigger(entity, 1).await;
    }
    stage.take("w", 3).await;
    stage.trigger("d", 1).await;
    // A mark at the end: what was published before has arrived when it has.
    let mut publish = redis::cmd("PUBLISH");
    publish.arg(stage.queue.key("wake")).arg("end");
    let () = publish.query_async(&mut stage.queue.link.commands()).await.expect("publish");
    let mut texts = Vec::new();
    while texts.last().is_none_or(|text| text != "end") {
        let message = futures::StreamExt::next(&mut wakes).await.expect("a message");
        texts.push(message.get_payload::<String>().expect("text"));
    }
    assert_eq!(texts, ["1", "1", "end"]);
}

#[tokio::test]
async fn a_job_carries_the_first_trace_and_the_latest_that_was_merged() {
    let stage = Stage::new().await;
    let trigger = async |trace: &str| {
        stage.queue.enqueue_carrying(&[job("a", 1)], Asker::Event, trace).await.expect("enqueue");
    };
    for trace in ["A", "B", "", "C"] {
        trigger(trace).await;
    }
    let run = stage.start("w").await;
    assert_eq!(run.traces, "A C");

    // What is asked for during a run is told apart from what it was begun for, unless both are done in one.
    trigger("D").await;
    trigger("E").await;
    assert!(stage.finish("w", &run, retry(Duration::ZERO)).await);
    stage.tend().await;
    let again = stage.start("w").await;
    assert_eq!(again.traces, "A E");
    trigger("F").await;
    stage.done("w", &again).await;
    let follow_up = stage.start("w").await;
    assert_eq!(follow_up.traces, "F");

    // What a dead job was once asked for is over.
    assert!(stage.finish("w", &follow_up, Outcome::GiveUp { reason: "no".to_owned() }).await);
    trigger("G").await;
    let revived = stage.start("w").await;
    assert_eq!(revived.traces, "G");
    stage.done("w", &revived).await;
    trigger("").await;
    assert_eq!(stage.start("w").await.traces, "");
}
