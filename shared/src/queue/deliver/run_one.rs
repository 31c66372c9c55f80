//! One delivery: claim, run with lease and time limit, write the outcome.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::FutureExt;
use tokio::time::Instant;

use super::{Lease, Office, Running};
use crate::queue::claim::{Claim, Claimed, Finished};
use crate::queue::job::{JobId, Outcome};
use crate::queue::metrics;

/// Works on a delivered job, if it is to be run. Whatever happens is written to the book; nothing is left to tell apalis.
pub(super) async fn run_one<H, F>(office: Arc<Office<H>>, worker: String, job: JobId)
where
    H: Fn(Running) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    tokio::select! {
        biased;
        () = office.cut.cancelled() => {}
        () = claim_and_run(&office, &worker, job) => {}
    }
}

async fn claim_and_run<H, F>(office: &Office<H>, worker: &str, job: JobId)
where
    H: Fn(Running) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let Ok(_permit) = office.permits.acquire().await else { return };
    let queue = &office.queue;
    let key = office.deliveries.fetch_add(1, Ordering::Relaxed).to_string();
    // Before the call: the lease runs from when Redis saw it, which is later, so ours ends first.
    let asked_at = Instant::now();
    match queue.claim(worker, &job, &key, office.settings.lease).await {
        Ok(Claimed::Run(claim)) => {
            metrics::claimed(queue.name(), claim.waited, claim.rescued);
            let lease = Lease::from(asked_at, office.settings.lease);
            let outcome = run(office, &claim, lease).await;
            write(office, worker, &claim, &outcome, asked_at).await;
        }
        Ok(Claimed::NotYet(until_ms)) => tracing::debug!(%job, until_ms, "delivered before its time"),
        Ok(Claimed::Gone) => tracing::debug!(%job, "delivered again, nothing left to do"),
        Ok(Claimed::Poison(reason)) => {
            metrics::poisoned(queue.name());
            tracing::error!(%job, reason, "dead");
        }
        // Its id stays in the in-flight set and comes back with the worker's end.
        Err(error) => tracing::error!(%job, %error, "could not be claimed"),
    }
}

async fn run<H, F>(office: &Office<H>, claim: &Claim, lease: Lease) -> Outcome
where
    H: Fn(Running) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let _in_progress = metrics::InProgress::new(office.queue.name());
    let running = Running {
        job: claim.job.clone(),
        entity: claim.entity.clone(),
        wants: claim.wants,
        starts: claim.starts,
        failures: claim.failures,
        crashes: claim.crashes,
        lease: lease.clone(),
    };
    let handled = AssertUnwindSafe(async { (office.handler)(running).await }).catch_unwind();
    tokio::select! {
        // A handler that is done at once costs no timers.
        biased;
        outcome = handled => outcome.unwrap_or_else(|_| failed(office, claim, "panicked")),
        never = lease.keep(&office.queue, claim, office.settings.lease) => match never {},
        () = tokio::time::sleep(office.settings.run_limit) => failed(office, claim, "reached its time limit"),
    }
}

/// The outcome of a run that could not tell its own.
fn failed<H>(office: &Office<H>, claim: &Claim, what: &str) -> Outcome {
    let earlier = usize::try_from(claim.failures).unwrap_or(usize::MAX);
    let reason = format!("the run {what}");
    match office.settings.retry_delays.get(earlier) {
        Some(delay) => Outcome::RetryAfter { delay: *delay, reason },
        None => Outcome::GiveUp { reason },
    }
}

async fn write<H>(office: &Office<H>, worker: &str, claim: &Claim, outcome: &Outcome, began: Instant) {
    let queue = &office.queue;
    let job = &claim.job;
    match queue.finish(worker, claim, outcome).await {
        Ok(Finished::Written) => {
            metrics::finished(queue.name(), outcome, began.elapsed());
            match outcome {
                Outcome::Done { .. } | Outcome::Snooze { .. } => tracing::debug!(%job, ?outcome, "finished"),
                Outcome::RetryAfter { delay, reason } => tracing::warn!(%job, ?delay, reason, "failed"),
                Outcome::GiveUp { reason } => tracing::error!(%job, reason, "dead"),
            }
        }
        Ok(Finished::Stale) => {
            metrics::stale(queue.name());
            tracing::warn!(%job, "outcome refused: another run has taken over");
        }
        // The lease ends, and the job runs again; effects come once (J1).
        Err(error) => tracing::error!(%job, %error, "outcome could not be written"),
    }
}
