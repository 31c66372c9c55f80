//! Costs that must not grow, and wake-ups. Speed is measured by `make bench`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::stage::{DONE, Stage, job, until};
use crate::queue::{Asker, DeliverSettings, Running, run};

const JOBS: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_a_backlog_takes_little_memory_and_gives_it_back() {
    let stage = Stage::new().await;
    // Scripts, buffers and tables of the first round stay; nothing may grow with the rounds.
    work_off_a_backlog(&stage).await;
    let used_before = used_bytes(&stage).await;
    let per_job = work_off_a_backlog(&stage).await;
    let left = used_bytes(&stage).await - used_before;
    println!("{per_job} bytes per queued job, {left} bytes left of all");
    assert!(per_job < 250, "{per_job} bytes per queued job");
    assert!(left < i64::try_from(JOBS).expect("small") * per_job / 10, "{left} bytes are left of {per_job} a job");
    assert_eq!(stage.keys().await, Vec::<String>::new());
}

/// Answers how many bytes each job took while it waited.
async fn work_off_a_backlog(stage: &Stage) -> i64 {
    let empty_bytes = used_bytes(stage).await;
    let jobs: Vec<_> = (0..JOBS).map(|i| job(&format!("65f1a2b3c4d5e{i:04x}"), 3)).collect();
    stage.queue.enqueue(&jobs, Asker::Event).await.expect("enqueue");
    let full_bytes = used_bytes(stage).await;
    let (shutdown, handler) = (CancellationToken::new(), |_: Running| std::future::ready(DONE));
    let settings = DeliverSettings { concurrency: 64, ..DeliverSettings::default() };
    let worker = tokio::spawn(run(stage.queue.clone(), settings, handler, shutdown.clone()));
    until("all done", || async { (stage.counts().await == [0, 0, 0, 0]).then_some(()) }).await;
    shutdown.cancel();
    worker.await.expect("no panic").expect("stops");
    (full_bytes - empty_bytes) / i64::try_from(JOBS).expect("small")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_worker_is_woken() {
    let stage = Stage::new().await;
    let (picked_up, shutdown) = (Arc::new(Notify::new()), CancellationToken::new());
    let notify = picked_up.clone();
    let handler = move |_: Running| {
        notify.notify_one();
        std::future::ready(DONE)
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

async fn info(stage: &Stage, name: &str) -> String {
    let info: String = redis::cmd("INFO").query_async(&mut stage.queue.link.commands()).await.expect("info");
    info.lines().find_map(|line| line.strip_prefix(name)).expect("a known name").to_owned()
}
