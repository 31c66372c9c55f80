//! Whole deliveries.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::job::Backoff;
use tokio_util::sync::CancellationToken;

use super::stage::{DONE, Stage, job, jobs, until};
use crate::queue::{Asker, DeliverSettings, JobState, Outcome, Queue, Running, run};

/// What happened to whom.
#[derive(Default)]
struct Ledger {
    runs: AtomicUsize,
    at_once: Mutex<HashMap<String, usize>>,
    doubled: AtomicUsize,
}

impl Ledger {
    fn begin(&self, entity: &str) {
        let mut at_once = self.at_once.lock().expect("ledger");
        let runs = at_once.entry(entity.to_owned()).or_default();
        *runs += 1;
        if *runs > 1 {
            self.doubled.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn end(&self, entity: &str) {
        *self.at_once.lock().expect("ledger").get_mut(entity).expect("began") -= 1;
        self.runs.fetch_add(1, Ordering::SeqCst);
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }
}

fn settings(concurrency: usize) -> DeliverSettings {
    DeliverSettings { concurrency, ..DeliverSettings::default() }
}

fn spawn_worker(
    queue: &Queue,
    settings: DeliverSettings,
    ledger: &Arc<Ledger>,
) -> (CancellationToken, tokio::task::JoinHandle<()>) {
    let (queue, ledger, shutdown) = (queue.clone(), ledger.clone(), CancellationToken::new());
    let token = shutdown.clone();
    let handler = move |running: Running| {
        let ledger = ledger.clone();
        async move {
            ledger.begin(&running.entity);
            tokio::time::sleep(Duration::from_millis(fastrand::u64(0..3))).await;
            ledger.end(&running.entity);
            DONE
        }
    };
    let worker = tokio::spawn(async move { run(queue, settings, handler, token).await.expect("run") });
    (shutdown, worker)
}

async fn lease_end_ms(stage: &Stage, entity: &str) -> u64 {
    stage.show(entity).await.and_then(|job| job.lease_until_ms).expect("a running job")
}

async fn all_quiet(stage: &Stage) {
    until("the queue is empty", || async { (stage.counts().await == [0, 0, 0, 0]).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j1_j2_a_thousand_triggers_of_200_entities_all_served_never_two_runs_of_one_at_once() {
    let stage = Stage::new().await;
    let ledger = Arc::new(Ledger::default());
    let workers = [(); 2].map(|()| spawn_worker(&stage.queue, settings(16), &ledger));
    let jobs: Vec<_> = (0..1000).map(|i| job(&format!("e{}", i % 200), 3)).collect();
    for few in jobs.chunks(50) {
        stage.queue.enqueue(few, Asker::Event).await.expect("enqueue");
    }
    all_quiet(&stage).await;
    assert!(ledger.runs() >= 200);
    assert_eq!(ledger.doubled.load(Ordering::SeqCst), 0);
    for (shutdown, worker) in workers {
        shutdown.cancel();
        worker.await.expect("stops");
    }
    assert_eq!(stage.keys().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j4_jobs_of_a_worker_that_was_dropped_run_again() {
    let stage = Stage::new().await;
    let started = Arc::new(AtomicUsize::new(0));
    let seen = started.clone();
    let hang = move |_: Running| {
        seen.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<Outcome>()
    };
    let queue = stage.queue.clone();
    let dead = tokio::spawn(run(queue, settings(8), hang, CancellationToken::new()));
    stage.queue.enqueue(&jobs(20), Asker::Event).await.expect("enqueue");
    until("eight run", || async { (started.load(Ordering::SeqCst) == 8).then_some(()) }).await;
    dead.abort();
    assert!(dead.await.expect_err("aborted").is_cancelled());

    let ledger = Arc::new(Ledger::default());
    let began = tokio::time::Instant::now();
    let (shutdown, worker) = spawn_worker(&stage.queue, settings(8), &ledger);
    all_quiet(&stage).await;
    assert!(began.elapsed() < Duration::from_secs(10), "took {:?}", began.elapsed());
    assert_eq!((ledger.runs(), ledger.doubled.load(Ordering::SeqCst)), (20, 0));
    shutdown.cancel();
    worker.await.expect("stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j4_a_stopped_worker_finishes_or_gives_back_at_once() {
    let stage = Stage::new().await;
    let shutdown = CancellationToken::new();
    let started = Arc::new(AtomicUsize::new(0));
    let (seen, stop) = (started.clone(), shutdown.clone());
    let handler = move |running: Running| {
        seen.fetch_add(1, Ordering::SeqCst);
        let stop = stop.clone();
        async move {
            if running.entity == "e0" {
                std::future::pending::<()>().await;
            }
            stop.cancelled().await;
            DONE
        }
    };
    stage.queue.enqueue(&jobs(20), Asker::Event).await.expect("enqueue");
    let settings = DeliverSettings { shutdown_grace: Duration::from_millis(200), ..settings(8) };
    let worker = tokio::spawn(run(stage.queue.clone(), settings, handler, shutdown.clone()));
    until("eight run", || async { (started.load(Ordering::SeqCst) == 8).then_some(()) }).await;
    shutdown.cancel();
    worker.await.expect("no panic").expect("stops in order");
    assert_eq!(stage.counts().await, [13, 0, 0, 0], "seven finished, one was cut, twelve never began");
    let first = stage.start("w").await;
    assert_eq!((first.crashes, first.failures), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j3_a_panic_and_an_overlong_run_count_as_failures() {
    let stage = Stage::new().await;
    for entity in ["panics", "hangs"] {
        stage.trigger(entity, 1).await;
    }
    let handler = |running: Running| async move {
        assert!(running.entity != "panics", "as a handler might");
        std::future::pending().await
    };
    let settings = DeliverSettings {
        run_limit: Duration::from_millis(50),
        backoff: Backoff { delays: vec![Duration::from_millis(10)], max_tries: 2 },
        ..settings(4)
    };
    let shutdown = CancellationToken::new();
    let worker = tokio::spawn(run(stage.queue.clone(), settings, handler, shutdown.clone()));
    until("both are dead", || async { (stage.counts().await == [0, 0, 0, 2]).then_some(()) }).await;
    let mut dead: Vec<_> = stage
        .queue
        .list(JobState::Dead, 0, 10)
        .await
        .expect("dead")
        .into_iter()
        .map(|job| (job.reason, job.starts))
        .collect();
    dead.sort();
    assert_eq!(dead, [("the run panicked".to_owned(), 2), ("the run reached its time limit".to_owned(), 2)]);
    shutdown.cancel();
    worker.await.expect("no panic").expect("stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b1_a_long_run_keeps_its_lease_and_its_entity() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let release = CancellationToken::new();
    let held = release.clone();
    let handler = move |running: Running| {
        let held = held.clone();
        async move {
            held.cancelled().await;
            running.lease.check().map_or_else(
                |lost| Outcome::GiveUp { reason: lost.to_string() },
                |()| Outcome::Done { follow_up: None },
            )
        }
    };
    let settings = DeliverSettings { lease: Duration::from_millis(300), ..settings(4) };
    let shutdown = CancellationToken::new();
    let worker = tokio::spawn(run(stage.queue.clone(), settings, handler, shutdown.clone()));
    until("it runs", || async { (stage.counts().await == [0, 0, 1, 0]).then_some(()) }).await;
    let first_end_ms = lease_end_ms(&stage, "a").await;
    until("five leases have passed", || async {
        (lease_end_ms(&stage, "a").await > first_end_ms + 1500).then_some(())
    })
    .await;
    release.cancel();
    all_quiet(&stage).await;
    shutdown.cancel();
    worker.await.expect("no panic").expect("stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j4_the_same_worker_goes_on_after_redis_was_killed_or_wiped() {
    let mut stage = Stage::new().await;
    let ledger = Arc::new(Ledger::default());
    let (shutdown, worker) = spawn_worker(&stage.queue, settings(8), &ledger);
    stage.trigger("before", 1).await;
    until("the first is served", || async { (ledger.runs() == 1).then_some(()) }).await;

    stage.redis.kill();
    stage.redis.start_again();
    stage.trigger("after the restart", 1).await;
    until("the second is served", || async { (ledger.runs() >= 2).then_some(()) }).await;
    all_quiet(&stage).await;

    let () = redis::cmd("FLUSHALL").query_async(&mut stage.queue.link.commands()).await.expect("flush");
    let runs = ledger.runs();
    stage.trigger("after the loss", 1).await;
    until("the third is served", || async { (ledger.runs() > runs).then_some(()) }).await;
    shutdown.cancel();
    worker.await.expect("stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j3_a_run_that_reaches_its_limit_after_progress_goes_on_soon_and_has_not_failed() {
    let stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let handler = |running: Running| async move {
        if running.starts > 1 {
            return DONE;
        }
        running.progress.made();
        std::future::pending().await
    };
    let settings = DeliverSettings { run_limit: Duration::from_millis(50), ..settings(4) };
    let shutdown = CancellationToken::new();
    let worker = tokio::spawn(run(stage.queue.clone(), settings, handler, shutdown.clone()));
    let snoozed = until("it is snoozed", || async {
        stage.show("a").await.filter(|job| job.starts == 1 && job.lease_until_ms.is_none())
    });
    assert_eq!(snoozed.await.failures, 0);
    all_quiet(&stage).await;
    shutdown.cancel();
    worker.await.expect("no panic").expect("stops");
}

/// Panics when it is dropped, as a destructor of a handler might.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "as a destructor might");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j3_a_run_that_panics_while_it_is_dropped_has_its_outcome_and_gives_its_place_back() {
    let stage = Stage::new().await;
    for entity in ["bomb", "next"] {
        stage.trigger(entity, 1).await;
    }
    let handler = |running: Running| async move {
        if running.entity == "next" {
            return DONE;
        }
        let _bomb = Bomb;
        std::future::pending().await
    };
    let settings = DeliverSettings {
        run_limit: Duration::from_millis(50),
        backoff: Backoff { delays: vec![Duration::from_millis(10)], max_tries: 2 },
        ..settings(1)
    };
    let shutdown = CancellationToken::new();
    let worker = tokio::spawn(run(stage.queue.clone(), settings, handler, shutdown.clone()));
    until("the bomb is dead and the next is done", || async { (stage.counts().await == [0, 0, 0, 1]).then_some(()) })
        .await;
    shutdown.cancel();
    worker.await.expect("no panic").expect("stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b1_a_run_that_outlives_an_outage_keeps_its_entity_and_has_not_crashed() {
    let mut stage = Stage::new().await;
    stage.trigger("a", 1).await;
    let release = CancellationToken::new();
    let held = release.clone();
    let starts = Arc::new(AtomicUsize::new(0));
    let seen = starts.clone();
    let handler = move |_: Running| {
        seen.fetch_add(1, Ordering::SeqCst);
        let held = held.clone();
        async move {
            held.cancelled().await;
            DONE
        }
    };
    let settings = DeliverSettings { lease: Duration::from_millis(600), ..settings(4) };
    let shutdown = CancellationToken::new();
    let worker = tokio::spawn(run(stage.queue.clone(), settings, handler, shutdown.clone()));
    until("it runs", || async { (starts.load(Ordering::SeqCst) == 1).then_some(()) }).await;
    stage.redis.kill();
    // Longer than the lease and than the gap that tells an outage.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    stage.redis.start_again();
    let end_ms = until("Redis is back", || async {
        stage.queue.show(&["a".to_owned()]).await.ok().and_then(|jobs| jobs.first()?.lease_until_ms)
    })
    .await;
    // Past the moment from which crashed runs are rescued again.
    let later = until("it is renewed for long", || async {
        stage.show("a").await.filter(|job| job.lease_until_ms.is_none_or(|until_ms| until_ms > end_ms + 4000))
    })
    .await;
    assert_eq!((later.crashes, later.lease_until_ms.is_some(), starts.load(Ordering::SeqCst)), (0, true, 1));
    release.cancel();
    all_quiet(&stage).await;
    assert_eq!(starts.load(Ordering::SeqCst), 1);
    shutdown.cancel();
    worker.await.expect("no panic").expect("stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j4_a_worker_stops_within_its_grace_even_if_redis_does_not_answer() {
    let mut stage = Stage::new().await;
    let settings = DeliverSettings { shutdown_grace: Duration::from_millis(200), ..settings(4) };
    let (shutdown, worker) = {
        let (queue, shutdown) = (stage.queue.clone(), CancellationToken::new());
        let token = shutdown.clone();
        let handler = move |_: Running| std::future::ready(DONE);
        (shutdown, tokio::spawn(run(queue, settings, handler, token)))
    };
    stage.trigger("a", 1).await;
    all_quiet(&stage).await;
    stage.redis.freeze();
    let began = tokio::time::Instant::now();
    shutdown.cancel();
    worker.await.expect("no panic").expect_err("Redis never answered");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}
