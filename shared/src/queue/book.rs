//! The book, as producers and operators use it: who waits, who runs, who is dead. Each operation is one Lua script.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::LazyLock;
use std::time::Duration;

use domain::job::Wants;
use redis::Script;

use super::error::QueueError;
use super::job::{Asker, Counts, EnqueueResult, Enqueued, JobId, JobState, JobView, NewJob, Seen};
use super::metrics;
use super::name::QueueName;
use super::{script, traces};
use crate::link::script::Call;
use crate::link::{AddressError, Link, RedisAddress};

/// Jobs per script call: Redis serves nobody else while a script runs.
pub(super) const CHUNK: usize = 1000;

/// A handle on one queue. Clones share the connection.
#[derive(Clone)]
pub struct Queue {
    pub(super) name: QueueName,
    pub(super) prefix: String,
    pub(super) link: Link,
}

/// A job in the answer of `show.lua`.
type ShowRow = (String, u64, String, u32, u8, u64, u32, u32, u32, String, u64);

impl Queue {
    /// Connects to that Redis: an address, or its URL. Fails if it does not answer.
    pub async fn connect(
        redis: impl TryInto<RedisAddress, Error: Into<AddressError>>,
        name: QueueName,
    ) -> Result<Self, QueueError> {
        metrics::register(name);
        Ok(Self { name, prefix: name.prefix(), link: Link::connect(redis).await? })
    }

    /// Which queue this is.
    pub fn name(&self) -> QueueName {
        self.name
    }

    /// Takes triggers in, in order; when it returns `Ok`, all are durably queued (as durably as Redis writes its log). Waits up
    /// to a minute for a Redis that is away. On an error a first part may have been taken: triggering again is harmless.
    /// The jobs carry on the trace that is going on here.
    pub async fn enqueue(&self, jobs: &[NewJob], asker: Asker) -> Result<Vec<Enqueued>, QueueError> {
        let enqueued = self.enqueue_carrying(jobs, asker, &traces::of_trigger(asker, jobs.len())).await?;
        let only: Option<&dyn Display> = if let [one] = &*enqueued { Some(&one.job) } else { None };
        crate::traces::tell_queued(self.name.as_str(), enqueued.len(), only);
        Ok(enqueued)
    }

    pub(super) async fn enqueue_carrying(
        &self,
        jobs: &[NewJob],
        asker: Asker,
        carried: &str,
    ) -> Result<Vec<Enqueued>, QueueError> {
        let mut enqueued = Vec::with_capacity(jobs.len());
        for chunk in jobs.chunks(CHUNK) {
            let mut call = self.call(&script::ENQUEUE).arg(asker.rank()).arg(u8::from(asker.revives())).arg(carried);
            for job in chunk {
                call = call.arg(&job.entity).arg(job.wants.bits());
            }
            let answer: Vec<(u8, u64)> = call.patiently(&self.link).await?;
            for ((result, number), job) in answer.into_iter().zip(chunk) {
                let result = enqueue_result(result)?;
                metrics::enqueued(self.name, result);
                enqueued.push(Enqueued { job: JobId { entity: job.entity.clone(), number }, result });
            }
        }
        Ok(enqueued)
    }

    /// Withdraws what waits for `entity`: its waiting job, or the follow-up of its running one. Tells whether there was any.
    pub async fn drop_waiting(&self, entity: &str) -> Result<bool, QueueError> {
        Ok(self.call(&script::DROP_WAITING).arg(entity).patiently(&self.link).await?)
    }

    /// Takes a counted failure off the job of each of `entities`, once per mention: it was an outside system's, whose breaker has
    /// opened (J4a). Answers how many were taken off. Not repeated while Redis is away.
    pub async fn give_back_tries(&self, entities: &[String]) -> Result<u64, QueueError> {
        let mut lowered = 0;
        for chunk in entities.chunks(CHUNK) {
            let call = chunk.iter().fold(self.call(&script::GIVE_BACK_TRIES), Call::arg);
            lowered += call.once::<u64>(&self.link).await?;
        }
        Ok(lowered)
    }

    /// No worker takes jobs any more, anywhere; running ones end, new ones are queued.
    pub async fn pause(&self) -> Result<(), QueueError> {
        Ok(redis::cmd("SET").arg(self.key("paused")).arg(1).query_async(&mut self.link.commands()).await?)
    }

    /// The end of a pause.
    pub async fn resume(&self) -> Result<(), QueueError> {
        let mut both = redis::pipe();
        both.atomic().del(self.key("paused")).ignore().publish(self.key("wake"), 1).ignore();
        Ok(both.query_async(&mut self.link.commands()).await?)
    }

    /// How many jobs are in which state. Costs the same whatever the backlog.
    pub async fn counts(&self) -> Result<Counts, QueueError> {
        let answer: (u64, u64, u64, u64, u64, u64, bool) = self.call(&script::COUNTS).once(&self.link).await?;
        let (ready, delayed, running, dead, oldest_ms, workers, is_paused) = answer;
        let oldest_ready = Duration::from_millis(oldest_ms);
        Ok(Counts { ready, delayed, running, dead, oldest_ready, workers, is_paused })
    }

    /// What the queue has for each of `entities`; those that it does not know are left out.
    pub async fn look(&self, entities: &[String]) -> Result<HashMap<String, Seen>, QueueError> {
        let mut seen = HashMap::new();
        for chunk in entities.chunks(CHUNK) {
            let call = chunk.iter().fold(self.call(&script::LOOK), Call::arg);
            let answer: Vec<(String, u64)> = call.once(&self.link).await?;
            for (entity, (state, detail)) in chunk.iter().zip(answer) {
                let one = match state.as_str() {
                    "" => continue,
                    "w" => Seen::Waiting,
                    "x" => Seen::Running { is_live: detail == 1 },
                    "k" => Seen::Dead { since_ms: detail },
                    _ => return Err(QueueError::Answer("look")),
                };
                seen.insert(entity.clone(), one);
            }
        }
        Ok(seen)
    }

    /// The job of each of these entities; those without one are left out, finished jobs leave nothing.
    pub async fn show(&self, entities: &[String]) -> Result<Vec<JobView>, QueueError> {
        let mut shown = Vec::new();
        for chunk in entities.chunks(CHUNK) {
            shown.extend(self.shown(chunk.iter().fold(self.call(&script::SHOW).arg("of"), Call::arg)).await?);
        }
        Ok(shown)
    }

    /// A page of the jobs in one state, at most 1,000: ready and delayed ones next first, running ones by the end of their lease,
    /// dead ones latest first.
    pub async fn list(&self, state: JobState, offset: usize, limit: usize) -> Result<Vec<JobView>, QueueError> {
        self.shown(self.call(&script::SHOW).arg(state.letter()).arg(offset).arg(limit.clamp(1, CHUNK))).await
    }

    /// Removes dead jobs for good. Answers how many.
    pub async fn delete_dead(&self, jobs: &[JobId]) -> Result<u64, QueueError> {
        let mut removed = 0;
        for chunk in jobs.chunks(CHUNK) {
            let call = chunk
                .iter()
                .fold(self.call(&script::DELETE_DEAD), |call, job| call.arg(job.entity.as_str()).arg(job.number));
            removed += call.patiently::<u64>(&self.link).await?;
        }
        Ok(removed)
    }

    async fn shown(&self, call: Call) -> Result<Vec<JobView>, QueueError> {
        let rows: Vec<ShowRow> = call.once(&self.link).await?;
        rows.into_iter().map(|row| view(row).ok_or(QueueError::Answer("show"))).collect()
    }

    pub(super) fn call(&self, script: &'static LazyLock<Script>) -> Call {
        Call::new(script, &self.prefix)
    }

    pub(super) fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }
}

fn view(row: ShowRow) -> Option<JobView> {
    let (entity, number, state, wants, rank, since_ms, starts, failures, crashes, reason, at_ms) = row;
    let state = JobState::ALL.into_iter().find(|known| known.letter() == state)?;
    Some(JobView {
        job: JobId { entity: entity.clone(), number },
        state,
        entity,
        wants: Wants::from_bits(wants),
        is_from_scan: rank == Asker::Scan.rank(),
        since_ms,
        starts,
        failures,
        crashes,
        reason,
        dead_since_ms: Some(at_ms).filter(|_| state == JobState::Dead),
        lease_until_ms: Some(at_ms).filter(|_| state == JobState::Running),
    })
}

fn enqueue_result(code: u8) -> Result<EnqueueResult, QueueError> {
    match code {
        0 => Ok(EnqueueResult::New),
        1 => Ok(EnqueueResult::Coalesced),
        2 => Ok(EnqueueResult::BroughtForward),
        3 => Ok(EnqueueResult::FollowUp),
        4 => Ok(EnqueueResult::Revived),
        5 => Ok(EnqueueResult::LeftDead),
        _ => Err(QueueError::Answer("enqueue")),
    }
}

/// Milliseconds, rounded up: a lease or a delay never becomes zero by rounding.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}
