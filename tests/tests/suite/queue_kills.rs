//! A worker that is killed, or loses its connection, at every single call that it makes to the queue (invariant 6).
//!
//! A first run through a proxy counts the calls. Then, for each of them, the same work meets the fault there: before the call
//! reaches Redis, and after Redis has carried it out but before the worker hears of it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use harness::ledger::{Audit, PATIENCE, Stage, WorkerSettings, started};
use harness::{Error, ProxyCall, ProxyFault, RedisProxy, Result, RunningProgram};

/// Servers side by side, each with one point at a time: most of a point is waiting.
const LANES: usize = 10;
const JOBS: [&str; 4] = ["ok-1", "fail-1-2", "again-3", "slow-4"];

fn settings() -> WorkerSettings {
    WorkerSettings {
        concurrency: 4,
        lease: Duration::from_millis(300),
        delay: Duration::from_millis(20),
        ..WorkerSettings::default()
    }
}

/// One call and what it meets.
#[derive(Clone, Debug)]
struct Point {
    call: ProxyCall,
    fault: ProxyFault,
}

#[tokio::test]
async fn j4_a_worker_killed_before_or_after_any_call_is_replaced() -> Result<()> {
    everywhere(&[ProxyFault::FreezeBefore, ProxyFault::FreezeAfter]).await
}

#[tokio::test]
async fn j4_a_worker_cut_off_before_or_after_any_call_carries_on() -> Result<()> {
    everywhere(&[ProxyFault::CutBefore, ProxyFault::CutAfter]).await
}

async fn everywhere(faults: &[ProxyFault]) -> Result<()> {
    let stages = futures::future::try_join_all((0..LANES).map(|_| Stage::start(settings()))).await?;
    let calls = calls_without_fault(&stages[0]).await?;
    let points = calls.iter().flat_map(|call| faults.iter().map(|fault| Point { call: call.clone(), fault: *fault }));
    let left: Mutex<VecDeque<Point>> = Mutex::new(points.collect());
    let lanes = stages.iter().map(async |stage| {
        let (mut missed, mut failed) = (Vec::new(), Vec::new());
        loop {
            let next = left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(point) = next else { return (missed, failed) };
            match meet(stage, &point).await {
                Ok(true) => {}
                Ok(false) => missed.push(point),
                Err(error) => failed.push(format!("{point:?}: {error}")),
            }
        }
    });
    let (missed, failed): (Vec<_>, Vec<_>) = futures::future::join_all(lanes).await.into_iter().unzip();
    let (missed, failed) = (missed.concat(), failed.concat());
    println!("{} calls, {} points, not reached: {missed:?}", calls.len(), calls.len() * faults.len());
    assert!(failed.is_empty(), "{} points failed:\n{}", failed.len(), failed.join("\n"));
    // How often it looks for work while there is none varies; that it makes each call does not.
    assert!(missed.iter().all(|point| point.call.nth > 1), "{missed:?}");
    Ok(())
}

/// The work without any fault, from the start of the worker to its orderly end.
async fn calls_without_fault(stage: &Stage) -> Result<Vec<ProxyCall>> {
    stage.clear().await?;
    let proxy = RedisProxy::start(&stage.redis, None).await?;
    let worker = started(stage.program(proxy.url())?).await?;
    stage.trigger(&JOBS.map(str::to_owned)).await?;
    stage.then_all_done("no fault").await?;
    worker.terminate()?;
    ended_well(&worker).await?;
    Ok(proxy.calls())
}

/// `false`: the worker did not make that call this time.
async fn meet(stage: &Stage, point: &Point) -> Result<bool> {
    stage.clear().await?;
    let proxy = RedisProxy::start(&stage.redis, Some((point.call.clone(), point.fault))).await?;
    let worker = stage.program(proxy.url())?.start()?;
    tokio::select! {
        ready = worker.wait_for_line("ledger worker ready", PATIENCE) => drop(ready?),
        hit = proxy.until_hit() => hit?,
    }
    stage.trigger(&JOBS.map(str::to_owned)).await?;
    tokio::select! {
        // A cut in its last calls may be told by its end before it is told by the proxy.
        stopped = work_and_stop(stage, &worker) => if !proxy.is_hit() { stopped? },
        hit = proxy.until_hit() => hit?,
    }
    if !proxy.is_hit() {
        return Ok(false);
    }
    let what = format!("{:?} at call {} of {}", point.fault, point.call.nth, point.call.name);
    if matches!(point.fault, ProxyFault::FreezeBefore | ProxyFault::FreezeAfter) {
        // It may have ended by itself, where the fault met a call of its last moment that nobody waited for.
        let _ = worker.kill();
        worker.exited(PATIENCE).await?;
        let other = stage.worker().await?;
        assert_repeats_bounded(&stage.then_all_done(&what).await?, &what);
        other.terminate()?;
        other.exited(PATIENCE).await?;
    } else {
        assert_repeats_bounded(&stage.then_all_done(&what).await?, &what);
        // Where the fault met its last calls it is on its way out already.
        let _ = worker.terminate();
        ended_well(&worker).await?;
    }
    Ok(true)
}

/// What was under way, and a follow-up that then finds nothing new.
fn assert_repeats_bounded(audit: &Audit, what: &str) {
    assert!(audit.repeats.len() <= settings().concurrency + 1, "{what}: {:?}", audit.repeats);
}

async fn work_and_stop(stage: &Stage, worker: &RunningProgram) -> Result<()> {
    stage.until_quiet().await?;
    worker.terminate()?;
    ended_well(worker).await
}

async fn ended_well(worker: &RunningProgram) -> Result<()> {
    let status = worker.exited(PATIENCE).await?;
    if status.success() { Ok(()) } else { Err(Error::new(format!("{status}: {}", worker.stderr()))) }
}
