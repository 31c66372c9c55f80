//! One run: the handler with its time limit; whatever happens becomes an outcome.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;

use super::{DeliverSettings, Lease, Progress, Running};
use crate::queue::job::Outcome;
use crate::queue::turn::Claim;

/// Before a run that reached its limit after progress is continued.
const CONTINUE_AFTER: Duration = Duration::from_secs(1);

pub(super) async fn run_one<H, F>(settings: &DeliverSettings, handler: &H, claim: &Claim, lease: Lease) -> Outcome
where
    H: Fn(Running) -> F,
    F: Future<Output = Outcome>,
{
    let progress = Progress::default();
    let running = Running {
        job: claim.job.clone(),
        entity: claim.job.entity().to_owned(),
        wants: claim.wants,
        starts: claim.starts,
        failures: claim.failures,
        crashes: claim.crashes,
        lease,
        progress: progress.clone(),
    };
    let outcome = AssertUnwindSafe(async { handler(running).await }).catch_unwind();
    tokio::select! {
        // A handler that is done at once costs no timer.
        biased;
        outcome = outcome => outcome.unwrap_or_else(|_| failed(settings, claim, "the run panicked")),
        () = tokio::time::sleep(settings.run_limit) => {
            if progress.is_made() {
                Outcome::Snooze { delay: CONTINUE_AFTER }
            } else {
                failed(settings, claim, "the run reached its time limit")
            }
        }
    }
}

/// The outcome of a run that could not tell its own.
pub(super) fn failed(settings: &DeliverSettings, claim: &Claim, reason: &str) -> Outcome {
    let reason = reason.to_owned();
    match settings.backoff.after(claim.failures + 1, (settings.random)()) {
        Some(delay) => Outcome::RetryAfter { delay, reason },
        None => Outcome::GiveUp { reason },
    }
}
