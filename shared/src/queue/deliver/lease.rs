//! The lease of a run: the right to write to the outside systems for its entity (B1).

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::queue::book::Queue;
use crate::queue::claim::Claim;

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

    /// Renews the lease every third of its length, until it is dropped. Ends never: a run that has lost its lease finds out
    /// from [`Self::check`], and leaves the systems in order.
    pub(super) async fn keep(&self, queue: &Queue, claim: &Claim, length: Duration) -> Infallible {
        let third = length / 3;
        loop {
            tokio::time::sleep(third).await;
            let asked_at = Instant::now();
            let answer = tokio::time::timeout(third, queue.renew(&claim.job, &claim.fence, length)).await;
            match answer {
                Ok(Ok(true)) if self.check().is_ok() => {
                    let ends_after = asked_at.duration_since(self.0.began).saturating_add(length);
                    self.0.ends_after_ms.store(whole_millis(ends_after), Ordering::Release);
                }
                Ok(Ok(false)) => self.0.lost.store(true, Ordering::Release),
                // Redis is away. Whether the lease ends over that is a matter of time alone.
                Ok(Ok(true) | Err(_)) | Err(_) => {}
            }
            if self.check().is_err() {
                tracing::warn!(job = %claim.job, "lease lost");
                std::future::pending::<Infallible>().await;
            }
        }
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
