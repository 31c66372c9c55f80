//! Our own queue: enqueueing, working off a backlog, picking up one job.

use std::time::Duration;

use domain::job::Wants;
use domain::kommunikation::Direction;
use shared::queue::{Asker, Counts, NewJob, Queue, QueueName};
use tokio::time::Instant;

use super::plan::{Case, JOBS_PER_CALL};
use super::rate::{Rate, measured};
use super::server::Server;
use super::workers::{ROUND_WITHIN, Round, Workers};
use crate::bench::firm::told;
use crate::{Error, Result, eventually};

/// What the workers did with one backlog.
#[derive(Debug, Clone, Copy)]
pub(super) struct Processed {
    pub(super) case: Case,
    pub(super) rate: Rate,
    pub(super) bytes_per_job: f64,
    /// Bytes that Redis holds more than before, when all is done and the workers have ended.
    pub(super) left_bytes: u64,
    /// The most memory that one of the worker processes ever held, in KiB.
    pub(super) peak_resident_kib: u64,
}

pub(super) async fn connect(server: &Server) -> Result<Queue> {
    Queue::connect(server.url().as_str(), QueueName::Beteiligte).await.map_err(told)
}

/// The ids of EspoCRM have 17 characters and no order.
pub(super) fn job(number: usize) -> NewJob {
    /// Odd, so that no two numbers below 2^64 meet.
    const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;
    NewJob { entity: format!("6{:016x}", (number as u64).wrapping_mul(SCATTER)), wants: Wants::sync(Direction::Both) }
}

/// One after the other, `per_call` in each call.
pub(super) async fn enqueue(queue: &Queue, jobs: usize, per_call: usize) -> Result<Duration> {
    let started = Instant::now();
    for first in (0..jobs).step_by(per_call) {
        let call: Vec<NewJob> = (first..jobs.min(first + per_call)).map(job).collect();
        queue.enqueue(&call, Asker::Event).await.map_err(told)?;
    }
    Ok(started.elapsed())
}

pub(super) async fn enqueue_rate(server: &Server, jobs: usize, per_call: usize) -> Result<Rate> {
    server.clear().await?;
    let queue = connect(server).await?;
    // The script is known to Redis when it counts.
    enqueue(&queue, 1, 1).await?;
    let (took, redis_time) = measured(server, enqueue(&queue, jobs, per_call)).await?;
    Ok(Rate { jobs: jobs as u64, took, redis_time })
}

pub(super) async fn process(server: &Server, case: Case) -> Result<Processed> {
    server.clear().await?;
    let queue = connect(server).await?;
    let empty_bytes = server.used_memory().await?;
    let mut workers = Workers::start(server, case.processes, case.concurrency, case.backlog).await?;
    let mut rate = Rate::default();
    let (mut full_bytes, mut peak_resident_kib) = (0, 0);
    for _ in 0..case.rounds {
        enqueue(&queue, case.backlog, JOBS_PER_CALL).await?;
        server.settled().await?;
        full_bytes = server.used_memory().await?;
        let (round, redis_time) = measured(server, one_round(server, &queue, &mut workers)).await?;
        if round.runs != case.backlog as u64 {
            return Err(Error::new(format!("{} runs for {} jobs: {case:?}", round.runs, case.backlog)));
        }
        rate.add(Rate { jobs: round.runs, took: round.took, redis_time });
        peak_resident_kib = round.peak_resident_kib;
        expect_drained(&queue).await?;
    }
    workers.end().await?;
    server.settled().await?;
    Ok(Processed {
        case,
        rate,
        bytes_per_job: full_bytes.saturating_sub(empty_bytes) as f64 / case.backlog as f64,
        left_bytes: server.used_memory().await?.saturating_sub(empty_bytes),
        peak_resident_kib,
    })
}

async fn one_round(server: &Server, queue: &Queue, workers: &mut Workers) -> Result<Round> {
    workers.begin(server).await?;
    if workers.processes() > 1 {
        // None of them knows the others' share.
        eventually(ROUND_WITHIN, "all jobs are done", async || expect_drained(queue).await).await?;
        workers.terminate()?;
    }
    workers.ended().await
}

/// A job that failed or is left falsifies the figures.
async fn expect_drained(queue: &Queue) -> Result<()> {
    let counts = queue.counts().await.map_err(told)?;
    let Counts { ready, delayed, running, dead, .. } = counts;
    if ready + delayed + running + dead == 0 { Ok(()) } else { Err(Error::new(format!("jobs are left: {counts:?}"))) }
}
