//! Calls at once, over all workers.
//!
//! Each process has one *office*: a task that alone talks to Redis about this limit. Calls queue up at the office, writes first,
//! else first come, first served; it tells Redis what the process holds and wants, all in one script call, and hands out what it gets. So the number of
//! script calls is at most two per permit and far fewer under load, a process has one voice however many calls wait in it, and
//! whatever goes wrong on the way is put right by the next telling.

mod office;

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::link::Link;
use office::{Asking, Line, Office, Request};

/// How long a process that does not call is believed alive. It calls every third of it while it holds or wants a permit.
pub(super) const LIVENESS: Duration = Duration::from_secs(6);

/// How long calls wait for a Redis that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Permits to call one system. Clones share them.
#[derive(Clone, Debug)]
pub struct Parallel {
    requests: mpsc::UnboundedSender<Request>,
}

/// The right to make one call. Given back when dropped, also by a run that was cut off.
#[derive(Debug)]
pub struct Permit {
    requests: mpsc::UnboundedSender<Request>,
}

/// Redis, which holds the permits, did not answer for some seconds. Nothing was sent; try again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Redis, which counts the calls of all workers, does not answer: tried again later")]
pub struct LimitAway;

impl Parallel {
    pub(super) fn start(link: Link, system: &str, most: u32, liveness: Duration) -> Self {
        Self::start_patiently(link, system, most, liveness, PATIENCE)
    }

    pub(super) fn start_patiently(link: Link, system: &str, most: u32, liveness: Duration, patience: Duration) -> Self {
        let (requests, inbox) = mpsc::unbounded_channel();
        let office = Office::new(link, system, most, liveness, patience, requests.downgrade());
        // Ends by itself when the last handle and the last permit are gone.
        tokio::spawn(office.work(inbox));
        Self { requests }
    }

    /// Waits for a permit: as long as others make calls, but not for a Redis that is away.
    pub async fn acquire(&self) -> Result<Permit, LimitAway> {
        self.one(Line::Second).await
    }

    /// The same, before all others of this process that wait: a write stands on what was read just before, and every wait widens the
    /// window in which that changes (K8b).
    pub async fn acquire_next(&self) -> Result<Permit, LimitAway> {
        self.one(Line::First).await
    }

    /// Waits for one permit as [`Self::acquire_next`] does, and takes up to `most` of those that are free at that moment. It never
    /// waits while it holds some, so callers cannot wait for each other; at least one permit comes back.
    pub async fn acquire_some_next(&self, most: u32) -> Result<Vec<Permit>, LimitAway> {
        self.ask(Line::First, most.max(1)).await
    }

    async fn one(&self, line: Line) -> Result<Permit, LimitAway> {
        self.ask(line, 1).await?.pop().ok_or(LimitAway)
    }

    async fn ask(&self, line: Line, likes: u32) -> Result<Vec<Permit>, LimitAway> {
        let (waiting, answer) = oneshot::channel();
        self.requests.send(Request::Permits(Asking { line, likes, waiting })).map_err(|_| LimitAway)?;
        answer.await.unwrap_or(Err(LimitAway))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // Without an office there is nobody who counts.
        let _ = self.requests.send(Request::Release);
    }
}
