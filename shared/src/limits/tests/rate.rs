//! Requests per time.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::time::Instant;

use super::{another, limits, until};
use crate::error::System;
use crate::limits::{Rate, RateSettings, Throttled, Usage};

const FOREVER: Duration = Duration::from_hours(1);

async fn take_at(rate: &Rate, now_us: u64, longest: Duration) -> (u32, u64, u32) {
    rate.call_at(&now_us.to_string(), longest, 1).once(rate.link()).await.expect("Redis answers")
}

/// No window of `times` holds more than what the even pace brings in it, plus the burst.
fn assert_within(times: &[u64], settings: RateSettings) {
    let interval_us = 60_000_000 / u64::from(settings.per_minute);
    for (first, from) in times.iter().enumerate() {
        for (last, to) in times.iter().enumerate().skip(first) {
            let count = (last - first + 1) as u64;
            let allowed = (to - from) / interval_us + u64::from(settings.burst);
            assert!(count <= allowed, "{count} requests in {} us, {allowed} are allowed", to - from);
        }
    }
}

#[test]
fn j5_no_window_holds_more_than_the_rate_and_one_burst() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_redis, limits) = runtime.block_on(limits());
    let case = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let strategy = (1_u32..=1200, 1_u32..=20, prop::collection::vec((0_u64..400_000, any::<bool>()), 1..60));
    runner
        .run(&strategy, |(per_minute, burst, steps)| {
            case.set(case.get() + 1);
            let settings = RateSettings { per_minute, burst };
            let name: &'static str = Box::leak(format!("case {}", case.get()).into_boxed_str());
            let rate = limits.rate(name, settings);
            let mut now_us = 1_700_000_000_000_000;
            let mut granted_at = Vec::new();
            for (passed, is_patient) in steps {
                now_us += passed;
                let longest = if is_patient { FOREVER } else { Duration::ZERO };
                let (granted, wait_us, used) = runtime.block_on(take_at(&rate, now_us, longest));
                prop_assert!(used <= 1000);
                prop_assert!(is_patient || granted == 0 || wait_us == 0);
                if granted == 1 {
                    granted_at.push(now_us + wait_us);
                }
            }
            // Whoever waits longer than others was booked later.
            prop_assert!(granted_at.is_sorted());
            assert_within(&granted_at, settings);
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn j5_a_quiet_time_gives_one_burst_and_then_the_even_pace() {
    let (_redis, limits) = limits().await;
    let rate = limits.rate("google", RateSettings { per_minute: 600, burst: 3 });
    let mut waits = Vec::new();
    for _ in 0..6 {
        waits.push(take_at(&rate, 1_000_000, FOREVER).await.1 / 1000);
    }
    assert_eq!(waits, [0, 0, 0, 100, 200, 300]);
    let (granted, wait_us, used) = take_at(&rate, 1_000_000, Duration::from_millis(399)).await;
    assert_eq!((granted, wait_us, used), (0, 400_000, 1000), "not booked, so the next one waits no longer");
    assert_eq!(take_at(&rate, 1_000_000, FOREVER).await.1, 400_000);
}

#[tokio::test]
async fn j5_what_counts_three_waits_for_three() {
    let (_redis, limits) = limits().await;
    let rate = limits.rate("google", RateSettings { per_minute: 600, burst: 4 });
    rate.acquire_several(3, Duration::ZERO).await.unwrap();
    assert!(matches!(rate.acquire_several(3, Duration::ZERO).await, Err(Throttled::For(_))));
    rate.acquire_several(1, Duration::ZERO).await.unwrap();
    assert!(matches!(rate.acquire_several(1, Duration::ZERO).await, Err(Throttled::For(_))));
}

#[tokio::test]
async fn j5_processes_together_never_exceed_the_rate() {
    let settings = RateSettings { per_minute: 6000, burst: 10 };
    let (redis, _) = limits().await;
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let rate = another(&redis).await.rate("google", settings);
        for _ in 0..8 {
            let rate = rate.clone();
            tasks.spawn(async move {
                let mut times = Vec::new();
                for _ in 0..5 {
                    rate.acquire(FOREVER).await.expect("Redis answers");
                    times.push(began.elapsed());
                }
                times
            });
        }
    }
    let mut times: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    times.sort();
    assert_eq!(times.len(), 160);
    // 160 requests of which 10 are free, one per 10 ms. Only the beginning is sure to be free of delays of the machine.
    assert!(times[159] >= Duration::from_millis(1490), "{:?}", times[159]);
    for (n, time) in (0_u32..).zip(&times) {
        let earliest = Duration::from_millis(10) * n.saturating_sub(10);
        assert!(*time + Duration::from_millis(1) >= earliest, "{n}: {time:?}");
    }
    let used = another(&redis).await.rate("google", settings).used_ratio().await.unwrap();
    assert!(used > 0.0 && used <= 1.0, "{used}");
}

#[tokio::test]
async fn what_is_in_use_is_told_over_all_processes_and_the_last_minute() {
    let (redis, limits) = limits().await;
    let usage = async |now_us: u64| another(&redis).await.usage_at(&now_us.to_string()).await.unwrap();
    assert_eq!(usage(0).await, Usage { advoware_calls: 0, google_requests: 0 });
    let rate = limits.rate("google", RateSettings { per_minute: 600, burst: 60 });
    let minute = 60_000_000;
    for _ in 0..30 {
        take_at(&rate, 100 * minute, FOREVER).await;
    }
    assert_eq!(take_at(&rate, 100 * minute, Duration::ZERO).await.0, 1);
    assert_eq!(usage(100 * minute + minute / 2).await.google_requests, 31);
    assert_eq!(usage(101 * minute + minute / 2).await.google_requests, 16, "half of the last minute is over");
    assert_eq!(usage(103 * minute).await.google_requests, 0);
    let calls = limits.parallel(System::Advoware, 4);
    let (one, _other) = (calls.acquire().await.unwrap(), calls.acquire().await.unwrap());
    until("two calls are told", async || limits.usage().await.unwrap().advoware_calls == 2).await;
    drop(one);
    until("one call is told", async || limits.usage().await.unwrap().advoware_calls == 1).await;
}

#[tokio::test]
async fn j5_a_rate_without_redis_fails_instead_of_waiting() {
    let (mut redis, limits) = limits().await;
    let rate = limits.rate("google", RateSettings { per_minute: 600, burst: 1 });
    rate.acquire(FOREVER).await.unwrap();
    assert!(matches!(rate.take(Duration::ZERO).await, Err(Throttled::For(wait)) if !wait.is_zero()));
    redis.kill();
    assert!(matches!(rate.acquire(FOREVER).await, Err(Throttled::Away(_))));
}
