//! Leases: the right of a run to write to the outside systems for its entity (B1).

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::queue::book::Queue;

/// Before the next try where Redis did not answer.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// The run's lease has ended: somebody else may be working on the entity. Stop before the next write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lease was lost")]
pub struct LeaseLost;

/// Tells a run whether it still holds its entity. Clones tell the same.
#[derive(Clone, Debug)]
pub struct Lease(Arc<State>);

#[derive(Debug)]
struct State {
    began: Instant,
    /// Milliseconds after `began`, by our own monotonic clock: if Redis does not answer, the lease ends all the same.
    ends_after_ms: AtomicU64,
    lost: AtomicBool,
}

impl Lease {
    /// A lease of `length`, counted from `began`.
    pub(super) fn from(began: Instant, length: Duration) -> Self {
        let ends_after_ms = AtomicU64::new(whole_millis(length));
        Self(Arc::new(State { began, ends_after_ms, lost: AtomicBool::new(false) }))
    }

    /// A lease that never ends: for runs outside the queue, a dry run or a test of a handler.
    pub fn unlimited() -> Self {
        Self::from(Instant::now(), Duration::MAX)
    }

    /// A lease that is lost already, to test that a handler stops.
    pub fn lost() -> Self {
        Self::from(Instant::now(), Duration::ZERO)
    }

    /// To be asked before every write. Once lost it stays lost.
    pub fn check(&self) -> Result<(), LeaseLost> {
        let state = &self.0;
        if state.lost.load(Ordering::Acquire)
            || whole_millis(state.began.elapsed()) >= state.ends_after_ms.load(Ordering::Acquire)
        {
            state.lost.store(true, Ordering::Release);
            return Err(LeaseLost);
        }
        Ok(())
    }

    fn extend(&self, asked_at: Instant, length: Duration) {
        let ends_after = asked_at.duration_since(self.0.began).saturating_add(length);
        self.0.ends_after_ms.store(whole_millis(ends_after), Ordering::Release);
    }

    fn lose(&self) {
        self.0.lost.store(true, Ordering::Release);
    }
}

/// The leases of all runs of a worker. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Leases(Arc<Shared>);

#[derive(Default)]
struct Shared {
    by_fence: Mutex<HashMap<u64, (String, Lease)>>,
    at_once: Notify,
}

impl Leases {
    pub(super) fn add(&self, entity: &str, fence: u64, lease: Lease) {
        self.by_fence().insert(fence, (entity.to_owned(), lease));
    }

    pub(super) fn remove(&self, fence: u64) {
        self.by_fence().remove(&fence);
    }

    /// Asks for a renewal before the next is due: Redis was away.
    pub(super) fn renew_at_once(&self) {
        self.0.at_once.notify_one();
    }

    /// Renews every third of the `length`, until it is dropped; also without any run: it is the worker's sign of life. A run that
    /// has lost its lease finds out from [`Lease::check`], and leaves the systems in order.
    /// A run that is older than `longest_run` and yet has not ended hangs: its lease is let go.
    pub(super) async fn keep(
        self,
        queue: Queue,
        worker: String,
        length: Duration,
        longest_run: Duration,
    ) -> Infallible {
        let third = length / 3;
        loop {
            self.let_go_of_hanging(longest_run + length);
            let pause = if self.renew(&queue, &worker, length, third).await { third } else { third.min(TRY_AGAIN) };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.0.at_once.notified() => {}
            }
        }
    }

    /// Whether Redis answered within `limit`.
    async fn renew(&self, queue: &Queue, worker: &str, length: Duration, limit: Duration) -> bool {
        let runs: Vec<(u64, String, Lease)> =
            self.by_fence().iter().map(|(fence, (entity, lease))| (*fence, entity.clone(), lease.clone())).collect();
        let pairs: Vec<(String, u64)> = runs.iter().map(|(fence, entity, _)| (entity.clone(), *fence)).collect();
        // Before the call: the lease runs from when Redis saw it, which is later, so ours ends first.
        let asked_at = Instant::now();
        let Ok(answer) = tokio::time::timeout(limit, queue.renew(worker, length, &pairs)).await else {
            // A connection that is silent for this long would cost all leases before its own limit.
            queue.link.leave_connection().await;
            return false;
        };
        let Ok(held) = answer else { return false };
        for ((fence, entity, lease), is_held) in runs.iter().zip(held) {
            if !is_held {
                lease.lose();
                // A run that has ended meanwhile is not missed.
                if self.by_fence().remove(fence).is_some() {
                    tracing::warn!(entity, "lease lost");
                }
            } else if lease.check().is_ok() {
                lease.extend(asked_at, length);
            }
            // Else it ended by our clock while Redis was away. The run stops before its next write, and until it has ended nobody
            // else begins.
        }
        true
    }

    fn let_go_of_hanging(&self, longest: Duration) {
        self.by_fence().retain(|_, (entity, lease)| {
            let hangs = lease.0.began.elapsed() > longest;
            if hangs {
                lease.lose();
                tracing::error!(entity, "a run does not end, its lease is let go");
            }
            !hangs
        });
    }

    fn by_fence(&self) -> std::sync::MutexGuard<'_, HashMap<u64, (String, Lease)>> {
        self.0.by_fence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn b1_a_lease_ends_by_our_own_clock_even_if_redis_never_answers() {
        let lease = Lease::from(Instant::now(), Duration::from_secs(6));
        tokio::time::advance(Duration::from_millis(5999)).await;
        assert_eq!(lease.check(), Ok(()));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(lease.check(), Err(LeaseLost));
        assert_eq!(Lease::unlimited().check(), Ok(()));
    }
}
