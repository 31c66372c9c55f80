//! The queue under faults, with real worker processes: nothing is lost, effects come once, and what ran again is told and bounded.
//!
//! Handlers write to a ledger in a second Redis that no fault touches; its clock and its order are the tests'.

use std::time::Duration;

use harness::ledger::{Audit, PATIENCE, Skew, Stage, WorkerSettings, counter, entities};
use harness::{Result, RunningProgram, eventually};
use shared::queue::JobState;

const JOBS: usize = 2000;
const WORKERS: usize = 3;
/// A fault comes when this many of the jobs are done.
const MIDDLE: usize = 500;
/// A killed worker's jobs run again within this (J4).
const RERUN_WITHIN_MS: u64 = 10_000;
/// Work goes on this long after Redis is back.
const RESUMED_WITHIN_MS: u64 = 2_000;
/// Redis writes its log before it answers, but while a sync to disk is under way it may hold back for this long.
const UNWRITTEN_MS: u64 = 2_000;

fn short_lease() -> WorkerSettings {
    WorkerSettings { lease: Duration::from_secs(2), ..WorkerSettings::default() }
}

/// Every run that can be under way at one moment.
fn in_flight(stage: &Stage) -> usize {
    stage.settings.concurrency * WORKERS
}

fn assert_repeats_at_most(audit: &Audit, limit: usize) {
    assert!(audit.repeats.len() <= limit, "{} runs repeated, at most {limit} were in flight", audit.repeats.len());
}

/// Nobody ended, and after `since_ms` each began another run.
fn assert_all_carried_on(workers: &[RunningProgram], audit: &Audit, since_ms: u64) {
    for worker in workers {
        assert!(worker.is_running(), "a worker ended: {}", worker.output());
        let pid = worker.pid().0;
        assert!(audit.begins.iter().any(|(ms, of)| *of == pid && *ms >= since_ms), "worker {pid} works no more");
    }
}

async fn stopped(worker: &RunningProgram) -> Result<()> {
    worker.terminate()?;
    let status = worker.exited(PATIENCE).await?;
    assert!(status.success(), "{status:?}: {}", worker.output());
    Ok(())
}

#[tokio::test]
async fn the_ledger_sees_what_is_not_done_and_what_is_left() -> Result<()> {
    let stage = Stage::start(short_lease()).await?;
    assert!(stage.kept().await?.is_empty());
    let jobs = entities("ok", 3);
    stage.trigger(&jobs).await?;
    assert_eq!(stage.ledger.missing().await?, jobs);
    let kept = stage.kept().await?;
    assert!(jobs.iter().all(|job| kept.iter().any(|text| text.contains(job))), "{kept:?}");
    Ok(())
}

#[tokio::test]
async fn j4_jobs_of_a_killed_worker_run_again_within_10_seconds() -> Result<()> {
    // The lease that the product has by default: the promise is about that one.
    let stage = Stage::start(WorkerSettings::default()).await?;
    let workers = stage.workers(WORKERS).await?;
    stage.trigger(&entities("ok", JOBS)).await?;
    stage.until_effects(MIDDLE).await?;
    let killed_ms = stage.ledger.now_ms().await?;
    workers[0].kill()?;
    let audit = stage.then_all_done("a worker killed").await?;
    let last_ms = audit.repeats.iter().map(|repeat| repeat.began_ms).max().expect("the kill met a run");
    println!("a worker killed: the last of its runs began again after {} ms", last_ms - killed_ms);
    assert!(last_ms - killed_ms < RERUN_WITHIN_MS, "{:?}", audit.repeats);
    assert_repeats_at_most(&audit, stage.settings.concurrency);
    Ok(())
}

#[tokio::test]
async fn j4_a_terminated_worker_finishes_its_runs_and_nothing_is_repeated() -> Result<()> {
    let stage = Stage::start(short_lease()).await?;
    let workers = stage.workers(WORKERS).await?;
    stage.trigger(&entities("ok", JOBS)).await?;
    stage.until_effects(MIDDLE).await?;
    stopped(&workers[0]).await?;
    let audit = stage.then_all_done("a worker terminated").await?;
    assert_repeats_at_most(&audit, 0);
    assert_eq!(audit.too_late, 0);
    Ok(())
}

#[tokio::test]
async fn j4_a_rolling_restart_under_load_loses_and_doubles_nothing() -> Result<()> {
    let stage = Stage::start(short_lease()).await?;
    let jobs = entities("ok", JOBS);
    let mut workers = stage.workers(WORKERS).await?;
    let load = stage.trigger_steadily(&jobs, 40, Duration::from_millis(50));
    let restarts = async {
        for worker in &mut workers {
            stopped(worker).await?;
            *worker = stage.worker().await?;
        }
        Ok(())
    };
    tokio::try_join!(load, restarts)?;
    let audit = stage.then_all_done("a rolling restart").await?;
    assert_repeats_at_most(&audit, 0);
    Ok(())
}

#[tokio::test]
async fn j4_an_orderly_restart_of_redis_loses_nothing() -> Result<()> {
    let stage = Stage::start(short_lease()).await?;
    let workers = stage.workers(WORKERS).await?;
    stage.trigger(&entities("ok", JOBS)).await?;
    stage.until_effects(MIDDLE).await?;
    stage.redis.restart().await?;
    let back_ms = stage.ledger.now_ms().await?;
    let audit = stage.then_all_done("Redis restarted").await?;
    assert_repeats_at_most(&audit, in_flight(&stage));
    assert_all_carried_on(&workers, &audit, back_ms);
    Ok(())
}

/// The log is synced to disk once a second. A killed process loses at most what Redis had not yet handed to the kernel; a power
/// cut may lose the last second. Either way the scan finds what is missing, and what is there twice has its effect once.
#[tokio::test]
async fn j4_a_killed_redis_loses_nothing_that_the_scan_does_not_find() -> Result<()> {
    let stage = Stage::start(short_lease()).await?;
    let workers = stage.workers(WORKERS).await?;
    stage.trigger(&entities("ok", JOBS)).await?;
    stage.until_effects(MIDDLE).await?;
    let killed_ms = stage.ledger.now_ms().await?;
    stage.redis.kill().await?;
    stage.redis.start_again().await?;
    stage.until_quiet().await?;
    println!("Redis killed: the scan found {} lost", stage.scan().await?);
    let audit = stage.then_all_done("Redis killed").await?;
    let unwritten = audit.begins.iter().filter(|(ms, _)| (killed_ms - UNWRITTEN_MS..killed_ms).contains(ms)).count();
    assert_repeats_at_most(&audit, in_flight(&stage) + unwritten);
    assert!(workers.iter().all(RunningProgram::is_running));
    Ok(())
}

#[tokio::test]
async fn j4_a_stall_of_redis_of_3_seconds_repeats_nothing() -> Result<()> {
    let stage = Stage::start(WorkerSettings::default()).await?;
    let workers = stage.workers(WORKERS).await?;
    stage.trigger(&entities("ok", JOBS)).await?;
    stage.until_effects(MIDDLE).await?;
    stage.redis.pause()?;
    // The fault's length; nothing is waited for.
    tokio::time::sleep(Duration::from_secs(3)).await;
    stage.redis.resume()?;
    let back_ms = stage.ledger.now_ms().await?;
    let audit = stage.then_all_done("a stall of 3 s").await?;
    // Shorter than the lease: whoever held a job holds it still.
    assert_repeats_at_most(&audit, 0);
    assert_all_carried_on(&workers, &audit, back_ms);
    assert_resumed(&audit, back_ms);
    Ok(())
}

fn assert_resumed(audit: &Audit, back_ms: u64) {
    let resumed_ms = audit.first_begin_since(back_ms).expect("work goes on") - back_ms;
    println!("Redis is back: the first run began after {resumed_ms} ms");
    assert!(resumed_ms < RESUMED_WITHIN_MS, "{resumed_ms} ms");
}

#[tokio::test]
async fn j4_an_outage_longer_than_the_lease_ends_no_worker_and_loses_nothing() -> Result<()> {
    let stage = Stage::start(WorkerSettings::default()).await?;
    let workers = stage.workers(WORKERS).await?;
    stage.trigger(&entities("ok", JOBS)).await?;
    stage.until_effects(MIDDLE).await?;
    stage.redis.stop().await?;
    // The fault's length; nothing is waited for.
    tokio::time::sleep(stage.settings.lease * 2).await;
    stage.redis.start_again().await?;
    let back_ms = stage.ledger.now_ms().await?;
    let audit = stage.then_all_done("an outage of 12 s").await?;
    assert_repeats_at_most(&audit, in_flight(&stage));
    assert_all_carried_on(&workers, &audit, back_ms);
    assert_resumed(&audit, back_ms);
    Ok(())
}

#[tokio::test]
async fn j4_connections_cut_again_and_again_lose_nothing() -> Result<()> {
    let stage = Stage::start(short_lease()).await?;
    let jobs = entities("ok", JOBS);
    let workers = stage.workers(WORKERS).await?;
    let cuts = 10;
    let load = stage.trigger_steadily(&jobs, 40, Duration::from_millis(50));
    let cutting = async {
        let mut admin = stage.redis.connection().await?;
        let mut pace = tokio::time::interval(Duration::from_millis(200));
        for _ in 0..cuts {
            pace.tick().await;
            for kind in ["normal", "pubsub"] {
                let mut kill = redis::cmd("CLIENT");
                kill.arg("KILL").arg("TYPE").arg(kind).arg("SKIPME").arg("yes");
                kill.query_async::<u64>(&mut admin).await?;
            }
        }
        stage.ledger.now_ms().await
    };
    let ((), cut_ms) = tokio::try_join!(load, cutting)?;
    stage.until_quiet().await?;
    // All of them must hear of new work, those that were cut off from the channel too.
    stage.trigger(&entities("ok-later", JOBS / 4)).await?;
    let audit = stage.then_all_done("connections cut").await?;
    assert_repeats_at_most(&audit, cuts * in_flight(&stage));
    assert_all_carried_on(&workers, &audit, cut_ms);
    Ok(())
}

#[tokio::test]
async fn j4_a_wiped_redis_is_filled_again_by_the_scan() -> Result<()> {
    let stage = Stage::start(short_lease()).await?;
    let workers = stage.workers(WORKERS).await?;
    stage.trigger(&entities("ok", JOBS)).await?;
    stage.until_effects(MIDDLE).await?;
    redis::cmd("FLUSHALL").query_async::<()>(&mut stage.redis.connection().await?).await?;
    let wiped_ms = stage.ledger.now_ms().await?;
    // Leases are wiped too, so runs that are under way could meet the scan's. The scan of the product comes minutes later.
    let mut audit = Audit::default();
    eventually(PATIENCE, "the runs that were under way have ended", async || {
        stage.read(&mut audit).await.is_ok() && !audit.any_open()
    })
    .await?;
    let found = stage.scan().await?;
    assert!(found > in_flight(&stage), "the wipe came too late to lose anything: {found}");
    let audit = stage.then_all_done_since("Redis wiped", audit).await?;
    assert_repeats_at_most(&audit, in_flight(&stage));
    assert_all_carried_on(&workers, &audit, wiped_ms);
    Ok(())
}

#[tokio::test]
async fn b1_a_worker_frozen_for_longer_than_its_lease_comes_too_late() -> Result<()> {
    let stage = Stage::start(short_lease()).await?;
    let frozen = stage.worker().await?;
    let held = entities("held", stage.settings.concurrency);
    stage.trigger(&held).await?;
    let mut audit = Audit::default();
    let pid = frozen.pid().0;
    // Every run is under way, so that none is met between its last look at the lease and its effect.
    eventually(PATIENCE, "all runs are under way", async || {
        stage.read(&mut audit).await.is_ok() && audit.open_in(pid).len() == held.len()
    })
    .await?;
    frozen.pause()?;
    let _others = (stage.worker().await?, stage.worker().await?);
    stage.trigger(&entities("ok", JOBS)).await?;
    stage.until_effects(JOBS + held.len()).await?;
    stage.ledger.release().await?;
    frozen.resume()?;
    eventually(PATIENCE, "the late runs have ended", async || {
        stage.read(&mut audit).await.is_ok() && audit.too_late == held.len() as u64
    })
    .await?;
    assert_eq!((audit.repeats.len(), audit.overlaps.len()), (held.len(), 0));
    stage.then_all_done_since("a worker frozen", audit).await?;
    stopped(&frozen).await?;
    let refused = counter(&frozen, "kanzleisync_stale_completions_total");
    println!("a worker frozen: {refused} late completions refused");
    assert_eq!(refused, held.len() as u64);
    Ok(())
}

#[tokio::test]
async fn j3_a_poison_job_dies_after_3_crashes_and_takes_nobody_along() -> Result<()> {
    let settings = WorkerSettings { lease: Duration::from_millis(500), ..WorkerSettings::default() };
    let stage = Stage::start(settings).await?;
    let mut workers = stage.workers(2).await?;
    stage.trigger(&entities("ok", 250)).await?;
    stage.trigger(&entities("abort", 1)).await?;
    stage.trigger(&entities("ok-later", 250)).await?;
    let mut crashes = 0;
    loop {
        let counts = stage.queue.counts().await.expect("Redis is up");
        if counts.ready + counts.delayed + counts.running == 0 {
            break;
        }
        let restart = eventually(PATIENCE, "a worker crashes, or all is done", async || {
            let counts = stage.queue.counts().await.expect("Redis is up");
            let ended = workers.iter().position(|worker| !worker.is_running());
            (ended.is_some() || counts.ready + counts.delayed + counts.running == 0).then_some(ended)
        });
        if let Some(ended) = restart.await? {
            crashes += 1;
            workers[ended] = stage.worker().await?;
        }
    }
    let audit = stage.then_all_done("a poison job").await?;
    assert_eq!(crashes, 3);
    let dead = stage.queue.list(JobState::Dead, 0, 10).await.expect("Redis is up");
    println!("a poison job: {}", dead[0].reason);
    assert_eq!((dead[0].entity.as_str(), dead[0].crashes), ("abort-000000", 3));
    assert!(dead[0].reason.contains("crash"), "{}", dead[0].reason);
    assert_repeats_at_most(&audit, 3 * stage.settings.concurrency);
    Ok(())
}

#[tokio::test]
async fn j3_failures_panics_snoozes_and_refusals_end_as_they_should() -> Result<()> {
    let stage = Stage::start(short_lease()).await?;
    let _workers = stage.workers(2).await?;
    for (behaviour, count) in
        [("fail-2", 100), ("panic-1", 100), ("snooze-2", 100), ("again", 100), ("giveup", 20), ("ok", 500)]
    {
        stage.trigger(&entities(behaviour, count)).await?;
    }
    let audit = stage.then_all_done("failing jobs").await?;
    assert_eq!(audit.runs, 100 * (3 + 2 + 3 + 2) + 20 + 500);
    assert_repeats_at_most(&audit, 0);
    assert_eq!(stage.queue.list(JobState::Dead, 0, 100).await.expect("Redis is up").len(), 20);
    Ok(())
}

/// Times in the queue are Redis' own, so clocks of the machines may differ.
#[tokio::test]
async fn j4_clocks_that_differ_by_ten_minutes_repeat_nothing() -> Result<()> {
    let stage = Stage::start(short_lease()).await?;
    let skews = [Skew::seconds(300)?, Skew::seconds(-300)?];
    let now_seconds = i64::try_from(stage.ledger.now_ms().await? / 1000).unwrap_or_default();
    for (skew, expected) in skews.iter().zip([300, -300]) {
        assert!((skew.now_seconds().await? - now_seconds - expected).abs() < 10, "the clock is not wrong at all");
    }
    let workers = [stage.worker_with_skew(&skews[0]).await?, stage.worker_with_skew(&skews[1]).await?];
    // Long enough for each to look several times whether the other is alive, and for leases to be renewed.
    let long = entities("held", 8);
    stage.trigger(&long).await?;
    stage.trigger(&entities("fail-1", 100)).await?;
    stage.trigger_steadily(&entities("ok", JOBS), 80, Duration::from_millis(100)).await?;
    stage.ledger.release().await?;
    let audit = stage.then_all_done("clocks 10 min apart").await?;
    assert_repeats_at_most(&audit, 0);
    assert_eq!(audit.too_late, 0);
    for worker in &workers {
        assert!(audit.begins.iter().any(|(_, pid)| *pid == worker.pid().0), "both work");
    }
    Ok(())
}
