//! claim.lua, renew.lua, hand_back.lua.

use domain::job::Wants;

use super::stage::{LEASE, SHORT, Stage, until};
use crate::queue::claim::{Claimed, Finished};
use crate::queue::{EnqueueResult, JobState, Outcome};

const DONE: Outcome = Outcome::Done { follow_up: None };

#[tokio::test]
async fn a_claim_whose_answer_was_lost_gets_the_same_answer() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let job = stage.fetch("w").await.expect("job");
    let first = stage.queue.claim("w", &job, "1", LEASE).await.expect("claim");
    let again = stage.queue.claim("w", &job, "1", LEASE).await.expect("claim");
    let (Claimed::Run(first), Claimed::Run(again)) = (first, again) else { panic!("both run") };
    assert_eq!((&first.fence, first.starts), (&again.fence, again.starts));
    stage.done("w", &again).await;
}

#[tokio::test]
async fn only_the_holder_of_the_token_may_claim() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let job = stage.fetch("w").await.expect("job");
    assert_eq!(stage.claim("other", &job, LEASE).await, Claimed::Gone);
    assert_eq!(stage.start_job("w", &job, LEASE).await.starts, 1);
}

#[tokio::test]
async fn j1_redelivery_during_a_live_run_waits_for_the_lease_and_is_cleared_by_finish() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w1", LEASE).await;
    stage.declare_dead("w1").await;
    let job = stage.fetch("w2").await.expect("delivered again");
    assert!(matches!(stage.claim("w2", &job, LEASE).await, Claimed::NotYet(_)));
    stage.done("w1", &run).await;
    assert_eq!(stage.counts().await, [0, 0, 0, 0]);
    assert_eq!(stage.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn j1_a_run_that_ends_while_its_token_travels_leaves_nothing_in_the_end() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w1", LEASE).await;
    stage.declare_dead("w1").await;
    stage.done("w1", &run).await;
    let job = stage.fetch("w2").await.expect("delivered again");
    assert_eq!(stage.claim("w2", &job, LEASE).await, Claimed::Gone);
    assert_eq!(stage.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn j1_a_retry_written_while_its_token_travels_keeps_its_delay() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w1", LEASE).await;
    stage.declare_dead("w1").await;
    stage.finish("w1", &run, Outcome::RetryAfter { delay: LEASE, reason: "timeout".to_owned() }).await;
    let job = stage.fetch("w2").await.expect("delivered again");
    assert!(matches!(stage.claim("w2", &job, LEASE).await, Claimed::NotYet(_)));
    assert_eq!(stage.counts().await, [0, 1, 0, 0]);
}

#[tokio::test]
async fn b1_renewing_holds_the_entity_and_a_lost_lease_is_told() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let first = stage.start("w1", SHORT).await;
    assert!(stage.queue.renew(&first.job, &first.fence, LEASE).await.expect("renew"));
    stage.declare_dead("w1").await;
    let job = stage.fetch("w2").await.expect("delivered again");
    assert!(matches!(stage.claim("w2", &job, LEASE).await, Claimed::NotYet(_)), "the renewal counts");
    stage.done("w1", &first).await;
    assert!(!stage.queue.renew(&first.job, &first.fence, LEASE).await.expect("renew"));
}

#[tokio::test]
async fn b1_an_entity_is_live_while_a_run_of_it_holds_its_lease() {
    let stage = Stage::new().await;
    let entities = ["runs", "expired", "waits", "unknown"].map(str::to_owned);
    assert!(stage.queue.live(&entities).await.expect("live").is_empty());
    stage.trigger("runs", 1).await;
    let run = stage.start("w", LEASE).await;
    stage.trigger("expired", 1).await;
    stage.start("w", SHORT).await;
    stage.trigger("waits", 1).await;
    let live = || async { stage.queue.live(&entities).await.expect("live") };
    let only_runs = |live: &std::collections::HashSet<String>| live.len() == 1 && live.contains("runs");
    until("the short lease ends", || async { only_runs(&live().await).then_some(()) }).await;
    stage.done("w", &run).await;
    assert!(live().await.is_empty());
}

/// Claims the job again after its run crashed: the worker is declared dead and the lease runs out.
async fn crash_and_claim(stage: &Stage, dead: &str, next: &str) -> Claimed {
    stage.declare_dead(dead).await;
    let job = stage.fetch(next).await.expect("delivered again");
    match stage.claim(next, &job, SHORT).await {
        Claimed::NotYet(_) => {
            stage.promoted(1).await;
            let job = stage.fetch(next).await.expect("due");
            stage.claim(next, &job, SHORT).await
        }
        claimed => claimed,
    }
}

#[tokio::test]
async fn b1_a_stale_completion_is_refused_and_changes_nothing() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let first = stage.start("w1", SHORT).await;
    let Claimed::Run(second) = crash_and_claim(&stage, "w1", "w2").await else { panic!("runs again") };
    assert!(second.fence.0 > first.fence.0 && second.rescued);
    assert_eq!(stage.finish("w1", &first, Outcome::GiveUp { reason: "late".to_owned() }).await, Finished::Stale);
    assert!(!stage.queue.renew(&first.job, &first.fence, LEASE).await.expect("renew"));
    assert_eq!(stage.counts().await, [0, 0, 1, 0]);
    stage.done("w2", &second).await;
    assert_eq!(stage.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn j3_the_third_crash_is_poison_and_kept_with_its_reason() {
    let stage = Stage::new().await;
    let job = stage.trigger("a", 1).await.job;
    stage.start("w1", SHORT).await;
    stage.trigger("a", 2).await;
    let Claimed::Run(second) = crash_and_claim(&stage, "w1", "w2").await else { panic!("runs again") };
    assert_eq!(
        (second.starts, second.crashes, second.wants),
        (2, 1, Wants::from_bits(3)),
        "triggers of the crashed run count"
    );
    let Claimed::Run(third) = crash_and_claim(&stage, "w2", "w3").await else { panic!("runs again") };
    assert_eq!((third.starts, third.crashes), (3, 2));
    let Claimed::Poison(reason) = crash_and_claim(&stage, "w3", "w4").await else { panic!("poison") };
    assert_eq!(stage.counts().await, [0, 0, 0, 1]);
    let dead = stage.queue.show(&job).await.expect("show").expect("kept");
    assert_eq!((dead.state, dead.crashes, dead.reason), (JobState::Dead, 3, reason));
    assert_eq!(stage.finish("w3", &third, DONE).await, Finished::Stale);
    assert_eq!(stage.trigger("a", 1).await.result, EnqueueResult::New, "the entity is free");
}

#[tokio::test]
async fn j4_a_stopping_worker_gives_back_what_it_did_not_start_and_counts_no_crash() {
    let stage = Stage::new().await;
    stage.trigger("runs", 1).await;
    stage.trigger("prefetched", 1).await;
    stage.trigger("waits", 1).await;
    let run = stage.start("w", LEASE).await;
    stage.fetch("w").await.expect("prefetched");
    assert_eq!(stage.queue.hand_back("w", false).await.expect("hand back"), 1);
    assert_eq!(stage.counts().await, [2, 0, 1, 0]);
    assert_eq!(stage.start("w2", LEASE).await.entity, "prefetched", "it goes to the head of the line");
    assert_eq!(stage.queue.hand_back("w", true).await.expect("hand back"), 1);
    assert_eq!(stage.finish("w", &run, DONE).await, Finished::Stale);
    let again = stage.start("w2", LEASE).await;
    assert_eq!((again.entity.as_str(), again.starts, again.crashes), ("runs", 2, 0));
}

#[tokio::test]
async fn fences_and_ids_grow_even_if_the_counter_was_lost() {
    let stage = Stage::new().await;
    let before = stage.trigger("a", 1).await.job;
    let run = stage.start("w", LEASE).await;
    let () = redis::cmd("FLUSHALL").query_async(&mut stage.queue.link.commands()).await.expect("flush");
    let after = stage.trigger("a", 1).await.job;
    assert!(after > before);
    assert!(stage.start("w", LEASE).await.fence.0 > run.fence.0);
    assert_eq!(stage.finish("w", &run, DONE).await, Finished::Stale);
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
