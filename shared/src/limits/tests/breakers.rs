//! Breakers as workers see them.

use std::time::Duration;

use redis::AsyncCommands;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::{another, limits, until};
use crate::advoware::private_redis::PrivateRedis;
use crate::clock::Clock;
use crate::error::System;
use crate::limits::{Admission, BreakerSettings, Breakers, Evidence, Limits, Standing, Ticket, Verdict};

const FIRST: Duration = Duration::from_millis(200);
const BETEILIGTE: [System; 2] = [System::Advoware, System::Espocrm];
const CALENDAR: [System; 2] = [System::Advoware, System::Google];

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
        go(&self.breakers, record, &BETEILIGTE).await
    }

    async fn waits(&self, record: &str, systems: &[System]) -> bool {
        matches!(self.breakers.admit(record, systems, 0.0).await, Admission::Wait(_))
    }

    async fn fail(&self, record: &str) -> Verdict {
        self.go(record).await.report(System::Advoware, Evidence::Outage).await
    }

    fn is_up(&self) -> bool {
        self.stands(System::Advoware)
    }

    fn stands(&self, system: System) -> bool {
        self.breakers.standing(system) == Standing::Up
    }

    /// Until `system` may be probed.
    async fn pause_is_over(&self, system: System) {
        until("the pause is over", || async {
            matches!(self.breakers.standing(system), Standing::Down { next_try } if next_try < Clock::system().now())
        })
        .await;
    }
}

async fn go(breakers: &Breakers, record: &str, systems: &[System]) -> Ticket {
    match breakers.admit(record, systems, 0.0).await {
        Admission::Go(ticket) => ticket,
        Admission::Wait(delay) => panic!("has to wait for {delay:?}"),
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
    assert!(one.waits("d", &BETEILIGTE).await);
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
            match one.breakers.admit("a", &BETEILIGTE, 0.0).await {
                Admission::Go(probe) => break probe,
                Admission::Wait(delay) => tokio::time::sleep(delay.min(pause / 10)).await,
            }
        };
        assert!(opened.elapsed() >= pause, "{:?} of {pause:?}", opened.elapsed());
        assert!(other.waits("b", &BETEILIGTE).await, "a probe is under way");
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
                match worker.breakers.admit(record, &BETEILIGTE, 0.0).await {
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
    a_thousand_runs_cost_no_call(&worker, &limits, &BETEILIGTE).await;
    // Nor does one that is open, if the run did not ask for it.
    let _ = go(&worker.breakers, "a", &CALENDAR).await.report(System::Google, Evidence::Refused).await;
    assert!(!worker.stands(System::Google));
    a_thousand_runs_cost_no_call(&worker, &limits, &BETEILIGTE).await;
    worker.pause_is_over(System::Google).await;
    a_thousand_runs_cost_no_call(&worker, &limits, &BETEILIGTE).await;
}

/// None but the look every second.
async fn a_thousand_runs_cost_no_call(worker: &Worker, limits: &Limits, systems: &[System]) {
    let (before, began) = (scripts_called(limits).await, Instant::now());
    for _ in 0..1000 {
        let mut ticket = go(&worker.breakers, "a", systems).await;
        for system in System::ALL {
            assert_eq!(ticket.report(system, Evidence::Answered).await, Verdict::Nothing);
        }
    }
    let calls = scripts_called(limits).await - before;
    assert!(calls <= 1 + began.elapsed().as_secs(), "{calls} script calls for 1000 runs");
}

#[tokio::test]
async fn j5_a_system_that_is_down_holds_up_only_runs_that_asked_for_it() {
    let cases = [(System::Google, [false, true]), (System::Espocrm, [true, false]), (System::Advoware, [true, true])];
    for (down, waits) in cases {
        let (redis, _) = limits().await;
        let (one, other) = (Worker::start(&redis).await, Worker::start(&redis).await);
        // It knows nothing, so each run asks Redis.
        let blind = another(&redis).await.breakers(BreakerSettings::beginning_with(FIRST));
        let verdict = go(&one.breakers, "a", &[down]).await.report(down, Evidence::Refused).await;
        assert!(matches!(verdict, Verdict::Waits { .. }), "{verdict:?}");
        until("the other worker knows", || async { !other.stands(down) }).await;
        for breakers in [&one.breakers, &other.breakers, &blind] {
            for (systems, waits) in [BETEILIGTE, CALENDAR].iter().zip(waits) {
                let admission = breakers.admit("b", systems, 0.0).await;
                assert_eq!(matches!(admission, Admission::Wait(_)), waits, "{systems:?} while {down:?} is down");
            }
        }
    }
}

#[tokio::test]
async fn j4a_a_beteiligte_run_never_becomes_googles_probe() {
    let (redis, _) = limits().await;
    let worker = Worker::start(&redis).await;
    let blind = another(&redis).await.breakers(BreakerSettings::beginning_with(FIRST));
    for system in CALENDAR {
        for record in ["a", "b", "c", "d", "e"] {
            let _ = go(&blind, record, &[system]).await.report(system, Evidence::Outage).await;
        }
    }
    until("the worker knows both", || async { !CALENDAR.iter().any(|system| worker.stands(*system)) }).await;
    for system in CALENDAR {
        worker.pause_is_over(system).await;
    }

    // It probes Advoware, and what it says of Google is not heard, although a probe of Google would be due.
    let mut beteiligter = worker.go("a").await;
    assert!(worker.waits("b", &CALENDAR).await, "Advoware is being probed");
    for evidence in [Evidence::Outage, Evidence::Refused, Evidence::Answered] {
        assert_eq!(beteiligter.report(System::Google, evidence).await, Verdict::Nothing);
    }
    assert_eq!(beteiligter.report(System::Advoware, Evidence::Answered).await, Verdict::Nothing);
    assert!(worker.is_up() && !worker.stands(System::Google));

    // Its ticket is still held: were it the probe, nobody else could be.
    let mut without_redis = worker.go("c").await;
    let mut calendar = go(&worker.breakers, "b", &CALENDAR).await;
    assert!(worker.waits("d", &CALENDAR).await, "Google is being probed");
    assert_eq!(without_redis.report(System::Google, Evidence::Answered).await, Verdict::Nothing);
    assert!(!worker.stands(System::Google));
    assert_eq!(calendar.report(System::Google, Evidence::Answered).await, Verdict::Nothing);
    assert!(worker.stands(System::Google));
}

#[tokio::test]
async fn j4a_failures_that_a_run_did_not_ask_about_open_nothing() {
    let (redis, _) = limits().await;
    let worker = Worker::start(&redis).await;
    for record in ["a", "b", "c", "d", "e", "f"] {
        assert_eq!(worker.go(record).await.report(System::Google, Evidence::Outage).await, Verdict::Nothing);
        assert_eq!(worker.go(record).await.report(System::Google, Evidence::Refused).await, Verdict::Nothing);
    }
    let _ = go(&another(&redis).await.breakers(BreakerSettings::default()), "g", &CALENDAR).await;
    assert!(worker.stands(System::Google));
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
