//! The book: who waits, who runs, who is dead. Each operation is one Lua script.

use std::collections::HashSet;
use std::time::Duration;

use domain::job::Wants;

use super::claim::{Claim, Claimed, Fence, Finished};
use super::error::QueueError;
use super::job::{Asker, Counts, EnqueueResult, Enqueued, JobId, JobState, JobView, NewJob, Outcome};
use super::metrics;
use super::name::QueueName;
use super::script;
use crate::link::script::Call;
use crate::link::{AddressError, Link, RedisAddress};

/// Jobs per script call: Redis serves nobody else while a script runs.
const CHUNK: usize = 1000;

/// Crashed runs after which a job is poison (J3).
pub(super) const CRASH_LIMIT: u32 = 3;

/// A handle on one queue. Clones share the connection.
#[derive(Clone)]
pub struct Queue {
    pub(super) name: QueueName,
    pub(super) prefix: String,
    pub(super) link: Link,
}

/// Texts of one job in the answer of `show.lua`.
type ShowRow = (String, String, String, String, String, String, String, String, String, String);

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
    pub async fn enqueue(&self, jobs: &[NewJob], asker: Asker) -> Result<Vec<Enqueued>, QueueError> {
        let mut enqueued = Vec::with_capacity(jobs.len());
        for chunk in jobs.chunks(CHUNK) {
            let mut call = self.call(&script::ENQUEUE).arg(u8::from(asker == Asker::Operator));
            for job in chunk {
                call = call.arg(&job.entity).arg(job.wants.bits());
            }
            let answer: Vec<(String, String)> = call.patiently(&self.link).await?;
            for (result, job) in answer {
                let result = enqueue_result(&result)?;
                metrics::enqueued(self.name, result);
                enqueued.push(Enqueued { job: JobId(job), result });
            }
        }
        Ok(enqueued)
    }

    /// Withdraws what waits for `entity`: its waiting job, or the follow-up of its running one. Tells whether there was any.
    pub async fn drop_waiting(&self, entity: &str) -> Result<bool, QueueError> {
        Ok(self.call(&script::DROP_WAITING).arg(entity).patiently(&self.link).await?)
    }

    /// Asks to run `job`, whose token `worker` holds. `key` is unique per delivery.
    pub(super) async fn claim(
        &self,
        worker: &str,
        job: &JobId,
        key: &str,
        lease: Duration,
    ) -> Result<Claimed, QueueError> {
        let call = self.call(&script::CLAIM).arg(worker).arg(job.as_str()).arg(key).arg(millis(lease)).arg(CRASH_LIMIT);
        let answer: Vec<String> = call.patiently(&self.link).await?;
        let unknown = QueueError::Answer("claim");
        let answer: Vec<&str> = answer.iter().map(String::as_str).collect();
        match answer.as_slice() {
            ["claimed", fence, entity, wants, starts, failures, crashes, waited_ms, rescued] => {
                Ok(Claimed::Run(Claim {
                    job: job.clone(),
                    fence: Fence((*fence).to_owned()),
                    entity: (*entity).to_owned(),
                    wants: Wants::from_bits(number(wants).ok_or(unknown)?),
                    starts: number(starts).unwrap_or_default(),
                    failures: number(failures).unwrap_or_default(),
                    crashes: number(crashes).unwrap_or_default(),
                    waited: Duration::from_millis(number(waited_ms).unwrap_or_default()),
                    rescued: *rescued == "1",
                }))
            }
            ["not_yet", until_ms] => Ok(Claimed::NotYet(number(until_ms).ok_or(unknown)?)),
            ["gone"] => Ok(Claimed::Gone),
            ["poison", reason] => Ok(Claimed::Poison((*reason).to_owned())),
            _ => Err(unknown),
        }
    }

    /// Extends the lease of a run from now; `false`: it is lost. Does not wait for a Redis that is away, the lease would not
    /// live to see it.
    pub(super) async fn renew(&self, job: &JobId, fence: &Fence, lease: Duration) -> Result<bool, QueueError> {
        Ok(self.call(&script::RENEW).arg(job.as_str()).arg(&fence.0).arg(millis(lease)).once(&self.link).await?)
    }

    /// Writes the outcome of a run.
    pub(super) async fn finish(&self, worker: &str, claim: &Claim, outcome: &Outcome) -> Result<Finished, QueueError> {
        let (word, delay, reason, follow_up) = match outcome {
            Outcome::Done { follow_up } => ("done", Duration::ZERO, "", *follow_up),
            Outcome::RetryAfter { delay, reason } => ("retry", *delay, reason.as_str(), None),
            Outcome::Snooze { delay } => ("snooze", *delay, "", None),
            Outcome::GiveUp { reason } => ("dead", Duration::ZERO, reason.as_str(), None),
        };
        let follow_up = follow_up.map(|wants| wants.bits().to_string()).unwrap_or_default();
        let call = self.call(&script::FINISH).arg(worker).arg(claim.job.as_str()).arg(&claim.fence.0);
        let call = call.arg(word).arg(millis(delay)).arg(reason).arg(follow_up);
        let answer: String = call.patiently(&self.link).await?;
        match answer.as_str() {
            "finished" | "again" => Ok(Finished::Written),
            "stale" => Ok(Finished::Stale),
            _ => Err(QueueError::Answer("finish")),
        }
    }

    /// Makes due jobs ready, at most 1,000. Answers how many, and how long until the next is due (`None`: none waits).
    pub(super) async fn promote(&self) -> Result<(u64, Option<Duration>), QueueError> {
        let (promoted, next_ms): (u64, i64) = self.call(&script::PROMOTE).arg(CHUNK).once(&self.link).await?;
        Ok((promoted, u64::try_from(next_ms).ok().map(Duration::from_millis)))
    }

    /// Gives back what `worker` holds: prefetched jobs, and with `runs_too` those whose runs have been cut off.
    pub(super) async fn hand_back(&self, worker: &str, runs_too: bool) -> Result<u64, QueueError> {
        Ok(self.call(&script::HAND_BACK).arg(worker).arg(u8::from(runs_too)).once(&self.link).await?)
    }

    /// How many jobs are in which state. Costs the same whatever the backlog.
    pub async fn counts(&self) -> Result<Counts, QueueError> {
        let answer: (u64, u64, u64, u64, u64, u64) = self.call(&script::COUNTS).once(&self.link).await?;
        let (ready, delayed, running, dead, oldest_ms, workers) = answer;
        Ok(Counts { ready, delayed, running, dead, oldest_ready: Duration::from_millis(oldest_ms), workers })
    }

    /// Those of `entities` that a run is working on now: its lease has not run out.
    pub async fn live(&self, entities: &[String]) -> Result<HashSet<String>, QueueError> {
        let mut live = HashSet::new();
        for chunk in entities.chunks(CHUNK) {
            let call = chunk.iter().fold(self.call(&script::LIVE), Call::arg);
            let answer: Vec<bool> = call.once(&self.link).await?;
            live.extend(chunk.iter().zip(answer).filter(|(_, is_live)| *is_live).map(|(entity, _)| entity.clone()));
        }
        Ok(live)
    }

    /// A job that waits, runs or is dead. `None`: there is none of that id, finished ones leave nothing.
    pub async fn show(&self, job: &JobId) -> Result<Option<JobView>, QueueError> {
        Ok(self.shown(self.call(&script::SHOW).arg("ids").arg(job.as_str())).await?.pop())
    }

    /// Dead jobs, latest first; at most 1,000 a page.
    pub async fn dead(&self, offset: usize, limit: usize) -> Result<Vec<JobView>, QueueError> {
        self.shown(self.call(&script::SHOW).arg("dead").arg(offset).arg(limit.min(CHUNK))).await
    }

    /// Puts dead jobs back to work at once, counters reset; those that are not dead are skipped. Answers how many went back.
    pub async fn requeue(&self, jobs: &[JobId]) -> Result<u64, QueueError> {
        self.for_dead(&script::REQUEUE, jobs).await
    }

    /// Puts all jobs that are dead now back to work; those that die again meanwhile stay.
    pub async fn requeue_all(&self) -> Result<u64, QueueError> {
        let key = format!("{}:book:dead", self.prefix);
        let ids: Vec<String> =
            redis::cmd("ZRANGE").arg(key).arg(0).arg(-1).query_async(&mut self.link.commands()).await?;
        let ids: Vec<JobId> = ids.into_iter().map(JobId).collect();
        self.requeue(&ids).await
    }

    /// Removes dead jobs for good. Answers how many.
    pub async fn delete_dead(&self, jobs: &[JobId]) -> Result<u64, QueueError> {
        self.for_dead(&script::DELETE_DEAD, jobs).await
    }

    async fn for_dead(
        &self,
        script: &'static std::sync::LazyLock<redis::Script>,
        jobs: &[JobId],
    ) -> Result<u64, QueueError> {
        let mut done = 0;
        for chunk in jobs.chunks(CHUNK) {
            let call = chunk.iter().fold(self.call(script), |call, job| call.arg(job.as_str()));
            done += call.patiently::<u64>(&self.link).await?;
        }
        Ok(done)
    }

    async fn shown(&self, call: Call) -> Result<Vec<JobView>, QueueError> {
        let rows: Vec<ShowRow> = call.once(&self.link).await?;
        rows.into_iter().map(|row| view(row).ok_or(QueueError::Answer("show"))).collect()
    }

    fn call(&self, script: &'static std::sync::LazyLock<redis::Script>) -> Call {
        Call::new(script, &self.prefix)
    }
}

fn view(row: ShowRow) -> Option<JobView> {
    let (job, state, entity, wants, due_ms, starts, failures, crashes, reason, dead_since_ms) = row;
    let state = match state.as_str() {
        "w" => JobState::Waiting,
        "x" => JobState::Running,
        "k" => JobState::Dead,
        _ => return None,
    };
    Some(JobView {
        job: JobId(job),
        state,
        entity,
        wants: Wants::from_bits(number(&wants)?),
        due_ms: number(&due_ms)?,
        starts: number(&starts)?,
        failures: number(&failures)?,
        crashes: number(&crashes)?,
        reason,
        dead_since_ms: number(&dead_since_ms).filter(|ms| *ms > 0),
    })
}

fn enqueue_result(word: &str) -> Result<EnqueueResult, QueueError> {
    match word {
        "new" => Ok(EnqueueResult::New),
        "waiting" => Ok(EnqueueResult::Coalesced),
        "forward" => Ok(EnqueueResult::BroughtForward),
        "running" => Ok(EnqueueResult::FollowUp),
        _ => Err(QueueError::Answer("enqueue")),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// Milliseconds, rounded up: a lease or a delay never becomes zero by rounding.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}
