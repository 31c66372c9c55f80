//! Acting on all jobs that match: found first, page by page, then acted on by name, so that what is moved cannot come by again.

use std::time::Duration;

use super::book::{CHUNK, Queue, millis};
use super::error::QueueError;
use super::job::{Asker, JobId, JobState, Matching};
use super::{script, traces};

impl Queue {
    /// How many jobs match; nothing is changed.
    pub async fn count(&self, matching: &Matching) -> Result<u64, QueueError> {
        Ok(self.find(matching).await?.len() as u64)
    }

    /// Puts all that match now back to work, counters reset, evenly over `spread` (zero: at once), so that a system that was down is
    /// not run over by all at once. Answers how many went back. On an error a part may have gone back: the rest still matches.
    pub async fn requeue(&self, matching: &Matching, spread: Duration) -> Result<u64, QueueError> {
        let jobs = self.find(matching).await?;
        let carried = traces::of_trigger(Asker::Requeue, jobs.len());
        let total = u64::try_from(jobs.len()).unwrap_or(u64::MAX).max(1);
        let (mut requeued, mut position) = (0, 0);
        for chunk in jobs.chunks(CHUNK) {
            let mut call = self.call(&script::REQUEUE).arg(&carried);
            for job in chunk {
                let wait_ms = u128::from(millis(spread)) * u128::from(position) / u128::from(total);
                call = call.arg(job.entity()).arg(job.number).arg(u64::try_from(wait_ms).unwrap_or(u64::MAX));
                position += 1_u64;
            }
            requeued += call.once::<u64>(&self.link).await?;
        }
        crate::traces::tell_queued(self.name.as_str(), jobs.len(), None);
        Ok(requeued)
    }

    /// Removes the dead jobs that match, for good. Answers how many.
    pub async fn delete(&self, matching: &Matching) -> Result<u64, QueueError> {
        let dead = Matching { includes_failed: false, ..matching.clone() };
        self.delete_dead(&self.find(&dead).await?).await
    }

    /// Some tens of bytes per job that matches are in memory until all are acted on.
    async fn find(&self, matching: &Matching) -> Result<Vec<JobId>, QueueError> {
        let now_ms = self.redis_time_ms().await?;
        let age = |age: Option<Duration>| age.map(|age| now_ms.saturating_sub(millis(age)));
        let from = age(matching.died_within).map_or("-inf".to_owned(), |ms| ms.to_string());
        let to = age(matching.died_before).unwrap_or(now_ms);
        let mut found = self.pages(JobState::Dead, &from, to, &matching.reason).await?;
        let is_by_age = matching.died_within.is_some() || matching.died_before.is_some();
        if matching.includes_failed && !is_by_age {
            found.extend(self.pages(JobState::Delayed, "-inf", to, &matching.reason).await?);
        }
        Ok(found)
    }

    async fn pages(&self, state: JobState, from: &str, to: u64, reason: &str) -> Result<Vec<JobId>, QueueError> {
        let mut found = Vec::new();
        for offset in (0_usize..).step_by(CHUNK) {
            let call = self.call(&script::FIND).arg(state.letter()).arg(offset).arg(CHUNK);
            let call = call.arg(from).arg(to).arg(reason);
            let (looked_at, page): (usize, Vec<(String, u64)>) = call.once(&self.link).await?;
            found.extend(page.into_iter().map(|(entity, number)| JobId { entity, number }));
            if looked_at < CHUNK {
                break;
            }
        }
        Ok(found)
    }

    async fn redis_time_ms(&self) -> Result<u64, QueueError> {
        let (seconds, micros): (u64, u64) = redis::cmd("TIME").query_async(&mut self.link.commands()).await?;
        Ok(seconds * 1000 + micros / 1000)
    }
}
