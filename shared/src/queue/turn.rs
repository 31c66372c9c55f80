//! The book, as a worker uses it.

use std::time::Duration;

use domain::job::Wants;

use super::book::{CHUNK, Queue, millis};
use super::error::QueueError;
use super::job::{JobId, Outcome};
use super::script;

/// The right to run a job, until the lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) job: JobId,
    /// Tells the runs of an entity apart. Grows with every claim in the queue; an outcome with an old one is refused.
    pub(super) fence: u64,
    /// Everything that was asked for up to now.
    pub(super) wants: Wants,
    /// Runs begun, this one included.
    pub(super) starts: u32,
    /// Runs that ended in a counted failure.
    pub(super) failures: u32,
    /// Runs that ended with their process.
    pub(super) crashes: u32,
    /// From being due to this claim.
    pub(super) waited: Duration,
    /// Where its triggers' traces stand, see `queue/traces.rs`.
    pub(super) traces: String,
}

/// A run that has ended and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) claim: Claim,
    pub(super) outcome: Outcome,
}

/// What the queue says about taking more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// Nothing special.
    None,
    /// The job that was taken runs alone: take no other until it has ended (J3).
    Alone,
    /// A job waits to run alone: take none until no run is left.
    Drain,
    /// Nobody takes jobs at present.
    Paused,
    /// The search was broken off, there may be more: take again.
    More,
}

/// Answer to a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// For each ended run: whether its outcome was written. If not, another run had begun.
    pub(super) written: Vec<bool>,
    pub(super) taken: Vec<Claim>,
    pub(super) note: Note,
}

/// What time has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tended {
    /// Delayed jobs made ready.
    pub(super) due: u64,
    /// Jobs of crashed runs, made ready.
    pub(super) rescued: u64,
    /// Jobs that crashed too often, now dead.
    pub(super) poisoned: Vec<JobId>,
    /// Until the next one is due; `None`: none waits.
    pub(super) next: Option<Duration>,
}

/// How long dead jobs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Longest time (`JOB_RETENTION_HOURS`).
    pub time: Duration,
    /// Most of them; the oldest go first.
    pub count: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { time: Duration::from_hours(24), count: 100_000 }
    }
}

/// Who calls. Calls are numbered: one that arrives late, over a connection that was given up, must not act any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller<'a> {
    /// The worker.
    pub(super) name: &'a str,
    /// Grows with every call.
    pub(super) call: u64,
}

/// A job in the answer of `work.lua`.
type TakenRow = (String, u64, u64, u32, u32, u32, u32, u64, String);

impl Queue {
    /// Writes outcomes (at most 1,000), then takes up to `wanted` jobs for `worker`, in which `busy` runs go on. `is_repeated`: the
    /// answer to a call with these outcomes was lost. Not repeated here: taking is not repeatable.
    pub(super) async fn work(
        &self,
        worker: &Caller<'_>,
        lease: Duration,
        wanted: usize,
        busy: usize,
        ended: &[Ended],
        is_repeated: bool,
    ) -> Result<Turn, QueueError> {
        let mut call = self
            .call(&script::WORK)
            .arg(worker.name)
            .arg(worker.call)
            .arg(millis(lease))
            .arg(wanted.min(CHUNK))
            .arg(busy);
        call = call.arg(u8::from(is_repeated));
        for Ended { claim, outcome } in ended {
            let (word, delay, reason, follow_up) = match outcome {
                Outcome::Done { follow_up } => ("done", Duration::ZERO, "", *follow_up),
                Outcome::RetryAfter { delay, reason } => ("retry", *delay, reason.as_str(), None),
                Outcome::Snooze { delay } => ("snooze", *delay, "", None),
                Outcome::GiveUp { reason } => ("dead", Duration::ZERO, reason.as_str(), None),
            };
            call = call.arg(claim.job.entity()).arg(claim.fence).arg(word).arg(millis(delay)).arg(reason);
            call = match follow_up {
                Some(wants) => call.arg(wants.bits()),
                None => call.arg(""),
            };
        }
        let (written, taken, note): (Vec<bool>, Vec<TakenRow>, u8) = call.once(&self.link).await?;
        let note = match note {
            0 => Note::None,
            1 => Note::Alone,
            2 => Note::Drain,
            3 => Note::Paused,
            4 => Note::More,
            _ => return Err(QueueError::Answer("work")),
        };
        Ok(Turn { written, taken: taken.into_iter().map(claim).collect(), note })
    }

    /// The worker's sign of life: extends the leases of its runs from now. For each run whether it is still held. Does not wait for a
    /// Redis that is away, the lease would not live to see it.
    pub(super) async fn renew(
        &self,
        worker: &str,
        lease: Duration,
        runs: &[(String, u64)],
    ) -> Result<Vec<bool>, QueueError> {
        let mut held = Vec::with_capacity(runs.len());
        let mut rest = runs;
        loop {
            let (chunk, later) = rest.split_at(rest.len().min(CHUNK));
            let call = self.call(&script::RENEW).arg(worker).arg(millis(lease));
            let call = chunk.iter().fold(call, |call, (entity, fence)| call.arg(entity).arg(*fence));
            held.extend(call.once::<Vec<bool>>(&self.link).await?);
            if later.is_empty() {
                return Ok(held);
            }
            rest = later;
        }
    }

    /// Gives back all runs of `worker` (at most 1,000) but `kept`, without counting a crash; `leaves`: the worker ends.
    pub(super) async fn hand_back(
        &self,
        worker: &Caller<'_>,
        leaves: bool,
        kept: &[(String, u64)],
    ) -> Result<u64, QueueError> {
        let call = self.call(&script::HAND_BACK).arg(worker.name).arg(worker.call).arg(u8::from(leaves));
        let call = kept.iter().fold(call, |call, (entity, fence)| call.arg(entity).arg(*fence));
        Ok(call.once(&self.link).await?)
    }

    /// Moves on what time has brought. Without `retention` no dead job is forgotten.
    pub(super) async fn tend(&self, retention: Option<Retention>) -> Result<Tended, QueueError> {
        let call = self.call(&script::TEND).arg(CHUNK);
        let call = match retention {
            Some(Retention { time, count }) => call.arg(millis(time)).arg(count),
            None => call.arg("").arg(""),
        };
        let answer: (u64, u64, u64, i64, Vec<(String, u64)>) = call.once(&self.link).await?;
        let (due, rescued_jobs, _, next_ms, poisoned) = answer;
        let poisoned = poisoned.into_iter().map(|(entity, number)| JobId { entity, number }).collect();
        Ok(Tended {
            due,
            rescued: rescued_jobs,
            poisoned,
            next: u64::try_from(next_ms).ok().map(Duration::from_millis),
        })
    }
}

fn claim(row: TakenRow) -> Claim {
    let (entity, number, fence, wants, starts, failures, crashes, waited_ms, traces) = row;
    Claim {
        job: JobId { entity, number },
        fence,
        wants: Wants::from_bits(wants),
        starts,
        failures,
        crashes,
        waited: Duration::from_millis(waited_ms),
        traces,
    }
}
