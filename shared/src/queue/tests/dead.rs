//! requeue.lua, delete_dead.lua, show.lua.

use domain::job::Wants;

use super::stage::{LEASE, Stage};
use crate::queue::claim::Claimed;
use crate::queue::{JobId, Outcome};

/// Triggers `entity` and gives its job up.
async fn give_up(stage: &Stage, entity: &str) -> JobId {
    stage.trigger(entity, 1).await;
    let run = stage.start("w", LEASE).await;
    stage.finish("w", &run, Outcome::GiveUp { reason: format!("gave up {entity}") }).await;
    run.job
}

#[tokio::test]
async fn dead_jobs_are_listed_by_pages_latest_first_with_their_reasons() {
    let stage = Stage::new().await;
    for entity in ["a", "b", "c"] {
        give_up(&stage, entity).await;
    }
    let mut seen = Vec::new();
    for offset in [0, 2] {
        let page = stage.queue.dead(offset, 2).await.expect("dead");
        assert!(page.iter().all(|job| job.dead_since_ms.is_some() && job.reason == format!("gave up {}", job.entity)));
        seen.extend(page.into_iter().map(|job| job.entity));
    }
    seen.sort();
    assert_eq!(seen, ["a", "b", "c"]);
    assert_eq!(stage.counts().await, [0, 0, 0, 3]);
}

#[tokio::test]
async fn a_requeued_job_starts_over() {
    let stage = Stage::new().await;
    let job = give_up(&stage, "a").await;
    assert_eq!(stage.queue.requeue(&[job.clone(), JobId::new("1")]).await.expect("requeue"), 1);
    assert_eq!(stage.counts().await, [1, 0, 0, 0]);
    let run = stage.start("w", LEASE).await;
    assert_eq!((run.job.clone(), run.starts, run.failures, run.crashes), (job, 1, 0, 0));
    stage.done("w", &run).await;
    assert_eq!(stage.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn j2_requeueing_beside_a_younger_job_merges_into_it() {
    let stage = Stage::new().await;
    let job = give_up(&stage, "a").await;
    stage.trigger("a", 2).await;
    assert_eq!(stage.queue.requeue(&[job]).await.expect("requeue"), 1);
    assert_eq!(stage.counts().await, [1, 0, 0, 0]);
    let run = stage.start("w", LEASE).await;
    assert_eq!(run.wants, Wants::from_bits(3));
    stage.done("w", &run).await;
    assert_eq!(stage.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn all_dead_jobs_go_back_and_some_can_be_deleted() {
    let stage = Stage::new().await;
    let first = give_up(&stage, "a").await;
    give_up(&stage, "b").await;
    give_up(&stage, "c").await;
    assert_eq!(stage.queue.delete_dead(&[first]).await.expect("delete"), 1);
    assert_eq!(stage.queue.requeue_all().await.expect("requeue"), 2);
    assert_eq!(stage.counts().await, [2, 0, 0, 0]);
    for _ in 0..2 {
        let run = stage.start("w", LEASE).await;
        stage.done("w", &run).await;
    }
    assert_eq!(stage.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_job_that_died_while_its_token_travelled_is_requeued_with_one_token() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w1", LEASE).await;
    stage.declare_dead("w1").await;
    stage.finish("w1", &run, Outcome::GiveUp { reason: "http 400".to_owned() }).await;
    stage.queue.requeue(std::slice::from_ref(&run.job)).await.expect("requeue");
    let again = stage.start("w2", LEASE).await;
    assert_eq!(stage.fetch("w2").await, None);
    stage.finish("w2", &again, Outcome::GiveUp { reason: "http 400".to_owned() }).await;
    stage.queue.delete_dead(&[run.job]).await.expect("delete");
    assert_eq!(stage.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_token_that_meets_a_dead_job_is_taken_off_the_road() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let run = stage.start("w1", LEASE).await;
    stage.declare_dead("w1").await;
    stage.finish("w1", &run, Outcome::GiveUp { reason: "http 400".to_owned() }).await;
    let token = stage.fetch("w2").await.expect("token");
    assert_eq!(stage.claim("w2", &token, LEASE).await, Claimed::Gone);
    assert_eq!(stage.counts().await, [0, 0, 0, 1]);
    stage.queue.delete_dead(&[run.job]).await.expect("delete");
    assert_eq!(stage.keys().await, Vec::<String>::new());
}
