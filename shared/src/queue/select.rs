//! Acting on all jobs that match.

use std::time::Duration;

use super::book::{CHUNK, Queue, millis};
use super::error::QueueError;
use super::job::{JobState, Matching};
use super::script;

/// What is done with what matches.
#[derive(Clone, Copy)]
enum Action {
    Count,
    Delete,
    /// Counters reset; at once, or the next one this much later than the one before.
    Requeue {
        step_ms: f64,
    },
}

impl Queue {
    /// How many jobs match; nothing is changed.
    pub async fn count(&self, matching: &Matching) -> Result<u64, QueueError> {
        self.select(matching, Action::Count).await
    }

    /// Puts all that match back to work, counters reset, evenly over `spread` (zero: at once), so that a system that was down is not
    /// run over by all at once. Answers how many went back. What dies or fails again meanwhile stays.
    pub async fn requeue(&self, matching: &Matching, spread: Duration) -> Result<u64, QueueError> {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds between jobs")]
        let step_ms =
            if spread.is_zero() { 0.0 } else { millis(spread) as f64 / self.count(matching).await?.max(1) as f64 };
        self.select(matching, Action::Requeue { step_ms }).await
    }

    /// Removes the dead jobs that match, for good. Answers how many.
    pub async fn delete(&self, matching: &Matching) -> Result<u64, QueueError> {
        self.select(&Matching { includes_failed: false, ..matching.clone() }, Action::Delete).await
    }

    async fn select(&self, matching: &Matching, action: Action) -> Result<u64, QueueError> {
        let now_ms = self.redis_time_ms().await?;
        let age = |age: Option<Duration>| age.map(|age| now_ms.saturating_sub(millis(age)));
        let from = age(matching.died_within).map_or("-inf".to_owned(), |ms| ms.to_string());
        // What dies from now on is left alone, or requeueing what dies at once would never end.
        let to = age(matching.died_before).unwrap_or(now_ms);
        let mut matched = self.walk(JobState::Dead, &from, to, &matching.reason, action, 0).await?;
        let is_by_age = matching.died_within.is_some() || matching.died_before.is_some();
        if matching.includes_failed && !is_by_age {
            matched += self.walk(JobState::Delayed, "-inf", to, &matching.reason, action, matched).await?;
        }
        Ok(matched)
    }

    async fn walk(
        &self,
        state: JobState,
        from: &str,
        to: u64,
        reason: &str,
        action: Action,
        earlier: u64,
    ) -> Result<u64, QueueError> {
        let counts = self.counts().await?;
        let most = if state == JobState::Dead { counts.dead } else { counts.delayed };
        let (mut looked_at, mut stayed, mut matched) = (0, 0, 0);
        while looked_at <= most {
            let (word, step_ms) = match action {
                Action::Count => ("count", 0.0),
                Action::Delete => ("delete", 0.0),
                Action::Requeue { step_ms } => ("requeue", step_ms),
            };
            #[expect(clippy::cast_precision_loss, reason = "milliseconds until a job is due")]
            let first_ms = step_ms * (earlier + matched) as f64;
            let call = self.call(&script::SELECT).arg(state.letter()).arg(stayed).arg(CHUNK);
            let call = call.arg(from).arg(to).arg(reason).arg(word).arg(first_ms).arg(step_ms);
            let (seen, hits): (u64, u64) = call.once(&self.link).await?;
            looked_at += seen;
            matched += hits;
            stayed += if matches!(action, Action::Count) { seen } else { seen - hits };
            if seen < CHUNK as u64 {
                break;
            }
        }
        Ok(matched)
    }

    async fn redis_time_ms(&self) -> Result<u64, QueueError> {
        let (seconds, micros): (u64, u64) = redis::cmd("TIME").query_async(&mut self.link.commands()).await?;
        Ok(seconds * 1000 + micros / 1000)
    }
}
