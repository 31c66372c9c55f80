//! Rough numbers, printed. The benchmark proper is `make bench`; this only notices a loss of orders of magnitude.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::job::Wants;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::stage::{Stage, until};
use crate::queue::{Asker, DeliverSettings, NewJob, Outcome, Running, run};

const JOBS: u32 = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_go_in_and_out_by_the_thousands_a_second_and_memory_returns() {
    let stage = Stage::new().await;
    let used_at_start = used_bytes(&stage).await;
    let jobs: Vec<_> =
        (0..JOBS).map(|i| NewJob { entity: format!("65f1a2b3c4d5e{i:04x}"), wants: Wants::from_bits(3) }).collect();
    let began = Instant::now();
    stage.queue.enqueue(&jobs, Asker::Event).await.expect("enqueue");
    let enqueued = began.elapsed();
    let per_job = (used_bytes(&stage).await - used_at_start) / i64::from(JOBS);

    let done = Arc::new(AtomicUsize::new(0));
    let (count, shutdown) = (done.clone(), CancellationToken::new());
    let handler = move |_: Running| {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Outcome::Done { follow_up: None })
    };
    let settings = DeliverSettings { concurrency: 64, ..DeliverSettings::default() };
    let (began, busy_before) = (Instant::now(), redis_busy(&stage).await);
    let worker = tokio::spawn(run(stage.queue.clone(), settings, handler, shutdown.clone()));
    until("all done", || async { (stage.counts().await == [0, 0, 0, 0]).then_some(()) }).await;
    let processed = began.elapsed();
    let busy = redis_busy(&stage).await.saturating_sub(busy_before) / JOBS;
    assert_eq!(done.load(Ordering::Relaxed), JOBS as usize);
    shutdown.cancel();
    worker.await.expect("no panic").expect("stops");

    let rate = |took: Duration| f64::from(JOBS) / took.as_secs_f64();
    println!("enqueue {:.0}/s, process {:.0}/s, {per_job} bytes per queued job", rate(enqueued), rate(processed));
    let left = used_bytes(&stage).await - used_at_start;
    println!("Redis busy for {busy:?} per processed job");
    println!("{left} bytes above the start when all is done");
    // Scripts, buffers and emptied tables stay; nothing that grows with the jobs.
    assert!(left < i64::from(JOBS) * per_job / 4, "{left} bytes are left of {per_job} a job");
    assert!(rate(enqueued) > 2_000.0 && rate(processed) > 500.0);
    assert_eq!(stage.keys().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_worker_is_woken() {
    let stage = Stage::new().await;
    let (picked_up, shutdown) = (Arc::new(Notify::new()), CancellationToken::new());
    let notify = picked_up.clone();
    let handler = move |_: Running| {
        notify.notify_one();
        std::future::ready(Outcome::Done { follow_up: None })
    };
    let worker = tokio::spawn(run(stage.queue.clone(), DeliverSettings::default(), handler, shutdown.clone()));
    let mut waits = Vec::new();
    for i in 0..200 {
        let began = Instant::now();
        stage.trigger(&format!("e{i}"), 1).await;
        picked_up.notified().await;
        waits.push(began.elapsed());
        until("idle", || async { (stage.counts().await == [0, 0, 0, 0]).then_some(()) }).await;
    }
    waits.sort();
    println!("idle pick-up p50 {:?}, p99 {:?}", waits[100], waits[197]);
    assert!(waits[100] < Duration::from_millis(200), "not left to the look once a second: {:?}", waits[100]);
    shutdown.cancel();
    worker.await.expect("no panic").expect("stops");
}

async fn used_bytes(stage: &Stage) -> i64 {
    info(stage, "used_memory:").await.parse().expect("a number")
}

/// Processor time that Redis has used.
async fn redis_busy(stage: &Stage) -> Duration {
    let mut seconds = 0.0;
    for kind in ["used_cpu_user:", "used_cpu_sys:"] {
        seconds += info(stage, kind).await.parse::<f64>().expect("seconds");
    }
    Duration::from_secs_f64(seconds)
}

async fn info(stage: &Stage, name: &str) -> String {
    let info: String = redis::cmd("INFO").query_async(&mut stage.queue.link.commands()).await.expect("info");
    info.lines().find_map(|line| line.strip_prefix(name)).expect("a known name").to_owned()
}
