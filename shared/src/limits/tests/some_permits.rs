//! Several permits at a time.

use std::time::Duration;

use super::{another, limits, until};
use crate::error::{Blame, ErrorKind, Next, Operation};
use crate::http::Http;
use crate::limits::Limits;
use crate::limits::parallel::{LIVENESS, LimitAway, Parallel};

fn of(limits: &Limits, most: u32) -> Parallel {
    Parallel::start(limits.link.clone(), "advoware", most, LIVENESS)
}

#[tokio::test]
async fn k8b_what_is_free_is_taken_and_nothing_is_waited_for() {
    let (_redis, limits) = limits().await;
    let parallel = of(&limits, 3);
    for (likes, got) in [(0, 1), (1, 1), (2, 2), (3, 3), (9, 3)] {
        assert_eq!(parallel.acquire_some_next(likes).await.unwrap().len(), got, "{likes}");
    }
    let held = parallel.acquire_some_next(2).await.unwrap();
    let last = parallel.acquire_some_next(2).await.unwrap();
    assert_eq!((held.len(), last.len()), (2, 1));
    assert!(tokio::time::timeout(Duration::from_millis(50), parallel.acquire_some_next(2)).await.is_err());
    drop(held);
    assert_eq!(parallel.acquire_some_next(2).await.unwrap().len(), 2);
}

#[tokio::test]
async fn k8b_permits_that_were_liked_and_not_free_are_not_kept_for_anybody() {
    let (redis, limits) = limits().await;
    let (one, other) = (of(&limits, 2), of(&another(&redis).await, 2));
    let held = other.acquire().await.unwrap();
    let visit = one.acquire_some_next(2).await.unwrap();
    assert_eq!(visit.len(), 1);
    // `one` holds as many as `other` and has waited longer, if anybody believes that it still waits.
    drop(held);
    let got = other.acquire_some_next(1).await.unwrap();
    assert_eq!(got.len(), 1);
    drop((visit, got));
    until("all permits have come back", || async { one.acquire_some_next(2).await.unwrap().len() == 2 }).await;
}

#[tokio::test]
async fn j5_without_redis_several_permits_fail_in_time() {
    let (mut redis, limits) = limits().await;
    let patience = Duration::from_millis(100);
    let parallel = Parallel::start_patiently(limits.link.clone(), "advoware", 2, LIVENESS, patience);
    redis.kill();
    assert_eq!(parallel.acquire_some_next(2).await.expect_err("nobody counts"), LimitAway);
    let http = Http::new(Duration::from_secs(5)).unwrap().within(parallel);
    let error = http.permits(Operation::AdvowarePutKommunikation, 2).await.unwrap_err();
    assert_eq!(
        (error.kind.clone(), error.next(), error.blame(), error.outcome_unknown()),
        (ErrorKind::LimitUnavailable, Next::Retry, Blame::Nobody, false)
    );
}
