//! Breakers as workers see them.

use std::time::Duration;

use redis::AsyncCommands;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::{another, limits, until};
use crate::advoware::private_redis::PrivateRedis;
use crate::error::System;
use crate::limits::{Admission, BreakerSettings, Breakers, Evidence, Limits, Standing, Ticket, Verdict};

const FIRST: Duration = Duration::from_millis(200);

/// A worker's breakers with a view that is kept fresh.
struct Worker {
    breakers: Breakers,
    _fresh: AbortOnDropHandle<()>,
}

impl Worker {
    async fn start(redis: &PrivateRedis) -> Self {
        let limits = another(redis).await;
        let breakers = limits.breakers(BreakerSettings::beginning_with(FIRST));
        let keep = breakers.clone();
        let fresh = AbortOnDropHandle::new(tokio::spawn(async move { match keep.keep_fresh().await {} }));
        Self { breakers, _fresh: fresh }
    }

    async fn go(&self, record: &str) -> Ticket {
        match self.breakers.admit(record, 0.0).await {
            Admission::Go(ticket) => ticket,
            Admission::Wait(delay) => panic!("has to wait for {delay:?}"),
        }
    }

    async fn fail(&self, record: &str) -> Verdict {
        self.go(record).await.report(System::Advoware, Evidence::Outage).await
    }

    fn is_up(&self) -> bool {
        self.breakers.standing(System::Advoware) == Standing::Up
    }
}

fn waits_with(verdict: &Verdict) -> &[String] {
    match verdict {
        Verdict::Waits { give_back, .. } => give_back,
        Verdict::Nothing => panic!("the breaker is closed"),
    }
}

async fn scripts_called(limits: &Limits) -> u64 {
    let info: String = redis::cmd("INFO").arg("commandstats").query_async(&mut limits.link.commands()).await.unwrap();
    let line = info.lines().find(|line| line.starts_with("cmdstat_evalsha:")).unwrap_or_default();
    line.split(['=', ',']).nth(1).and_then(|count| count.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn j4a_the_fifth_failure_opens_for_all_workers_and_gives_the_tries_back() {
    let (redis, _) = limits().await;
    let (one, other) = (Worker::start(&redis).await, Worker::start(&redis).await);
    let late = other.go("late").await;
    for record in ["a", "a", "b", "a"] {
        assert_eq!(one.fail(record).await, Verdict::Nothing);
    }
    // Five, but of two records only.
    assert_eq!(one.fail("b").await, Verdict::Nothing);
    let verdict = other.fail("c").await;
    assert_eq!(waits_with(&verdict), ["a", "a", "b", "a", "b"]);
    assert!(!other.is_up());
    until("the other worker knows", || async { !one.is_up() }).await;
    assert!(matches!(one.breakers.admit("d", 0.5).await, Admission::Wait(_)));
    // A run from before waits, too, and is no failure of its record.
    let mut late = late;
    assert_eq!(waits_with(&late.report(System::Advoware, Evidence::Outage).await), [""; 0]);
}

#[tokio::test]
async fn j4a_a_success_ends_the_streak() {
    let (redis, _) = limits().await;
    let worker = Worker::start(&redis).await;
    for round in 0..3 {
        for record in ["a", "b", "c", "d"] {
            assert_eq!(worker.fail(record).await, Verdict::Nothing, "round {round}");
        }
        let mut ticket = worker.go("e").await;
        assert_eq!(ticket.report(System::Espocrm, Evidence::Answered).await, Verdict::Nothing);
        assert_eq!(ticket.report(System::Advoware, Evidence::Answered).await, Verdict::Nothing);
    }
    assert!(worker.is_up());
}

#[tokio::test]
async fn j4a_one_probe_at_a_time_and_twice_the_pause_after_each_that_fails() {
    let (redis, _) = limits().await;
    let (one, other) = (Worker::start(&redis).await, Worker::start(&redis).await);
    let mut opened = Instant::now();
    for record in ["a", "b", "c", "d", "e"] {
        let _ = one.fail(record).await;
    }
    let mut pause = FIRST;
    for _ in 0..2 {
        let mut probe = loop {
            match one.breakers.admit("a", 0.0).await {
                Admission::Go(probe) => break probe,
                Admission::Wait(delay) => tokio::time::sleep(delay.min(pause / 10)).await,
            }
        };
        assert!(opened.elapsed() >= pause, "{:?} of {pause:?}", opened.elapsed());
        assert!(matches!(other.breakers.admit("b", 0.0).await, Admission::Wait(_)), "a probe is under way");
        let _ = probe.report(System::Espocrm, Evidence::Answered).await;
        opened = Instant::now();
        let Verdict::Waits { delay, .. } = probe.report(System::Advoware, Evidence::Outage).await else {
            panic!("it is still down")
        };
        pause *= 2;
        assert!(delay >= pause, "{delay:?}");
    }
}

#[tokio::test]
async fn j4a_a_probe_that_succeeds_closes_and_one_that_is_cut_off_makes_room() {
    let (redis, _) = limits().await;
    let worker = Worker::start(&redis).await;
    let began = Instant::now();
    let verdict = worker.go("a").await.report(System::Advoware, Evidence::Refused).await;
    assert!(matches!(verdict, Verdict::Waits { delay, .. } if delay >= 10 * FIRST), "{verdict:?}");
    let probe = |record: &'static str| {
        let worker = &worker;
        async move {
            loop {
                match worker.breakers.admit(record, 0.0).await {
                    Admission::Go(probe) => break probe,
                    Admission::Wait(delay) => tokio::time::sleep(delay.min(FIRST / 10)).await,
                }
            }
        }
    };
    drop(probe("b").await);
    assert!(began.elapsed() >= 10 * FIRST, "{:?}", began.elapsed());
    let again = Instant::now();
    let mut second = probe("c").await;
    assert!(again.elapsed() < 10 * FIRST, "the next one probes at once: {:?}", again.elapsed());
    assert!(!worker.is_up());
    let _ = second.report(System::Advoware, Evidence::Answered).await;
    assert!(worker.is_up());
    let _ = worker.go("d").await;
}

#[tokio::test]
async fn j4a_a_closed_breaker_costs_no_call_per_job() {
    let (redis, limits) = limits().await;
    let worker = Worker::start(&redis).await;
    until("the view is known", || async { scripts_called(&limits).await > 0 }).await;
    until("the view is used", || async {
        let before = scripts_called(&limits).await;
        let _ = worker.go("a").await;
        scripts_called(&limits).await == before
    })
    .await;
    let (before, began) = (scripts_called(&limits).await, Instant::now());
    for _ in 0..1000 {
        let mut ticket = worker.go("a").await;
        for system in System::ALL {
            assert_eq!(ticket.report(system, Evidence::Answered).await, Verdict::Nothing);
        }
    }
    let calls = scripts_called(&limits).await - before;
    assert!(calls <= 1 + began.elapsed().as_secs(), "{calls} script calls for 1000 runs");
}

#[tokio::test]
async fn j4a_a_wiped_redis_closes_all_breakers() {
    let (redis, limits) = limits().await;
    let worker = Worker::start(&redis).await;
    let _ = worker.go("a").await.report(System::Advoware, Evidence::Refused).await;
    assert!(!worker.is_up());
    let () = limits.link.commands().flushall().await.unwrap();
    until("it is seen", || async { worker.is_up() }).await;
    let _ = worker.go("a").await;
}
