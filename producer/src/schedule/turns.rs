//! Whose turn it is, and their jobs.

use std::convert::Infallible;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::Kuerzel;
use domain::job::Wants;
use shared::queue::{Asker, QueueError, Seen};
use shared::traces::{self, Origin};

use super::{Schedule, ScheduleError};
use crate::listing::Tally;

/// Between two looks whose turn it is; shorter where the interval is.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// After a look that failed: whoever is away is not asked every second.
const FAILED_PAUSE: Duration = Duration::from_secs(5);
/// How long Redis may take. Meanwhile the employees' rows are held, and others may want to write them.
const QUEUE_TIME_LIMIT: Duration = Duration::from_secs(10);

impl Schedule {
    pub(super) async fn keep_asking(&self) -> Infallible {
        loop {
            let pause = match self.ask_for_due().await {
                Ok(()) => LOOK_INTERVAL,
                Err(error) => {
                    tracing::warn!(%error, "calendars whose turn it is are not asked for, they stay due");
                    FAILED_PAUSE
                }
            };
            tokio::time::sleep(pause.min(self.interval)).await;
        }
    }

    /// New employees get a turn; those whose turn it is get a job. Whatever breaks off in between, nobody's turn is lost: at worst a job
    /// is asked for twice, which merges.
    async fn ask_for_due(&self) -> Result<(), ScheduleError> {
        let now = self.clock.now();
        self.hub.spread_employees(self.interval, now).await?;
        let Some(due) = self.hub.due_employees(self.interval, self.only.as_ref(), now).await? else { return Ok(()) };
        let enqueue = traces::begin(Origin::Schedule, "calendar", self.enqueue(due.kuerzel(), now));
        let enqueued = tokio::time::timeout(QUEUE_TIME_LIMIT, enqueue).await;
        let Tally { queued, new, dead, .. } = enqueued.map_err(|_| ScheduleError::QueueSlow(QUEUE_TIME_LIMIT))??;
        due.asked_for(now).await?;
        if dead > 0 {
            tracing::info!(
                queued,
                new,
                dead,
                "calendars asked for; jobs of others are dead: `jobs list dead`, then requeue"
            );
        } else {
            tracing::debug!(queued, new, "calendars asked for");
        }
        Ok(())
    }

    /// A dead job stays dead for the schedule (J3), until the time of the automatic reset is over.
    async fn enqueue(&self, kuerzel: &[Kuerzel], now: DateTime<Utc>) -> Result<Tally, QueueError> {
        let entities: Vec<String> = kuerzel.iter().map(Kuerzel::to_string).collect();
        let seen = self.queue.look(&entities).await?;
        let (reset, usual): (Vec<_>, Vec<_>) =
            entities.into_iter().partition(|entity| is_reset(seen.get(entity), self.auto_reset, now));
        let mut tally = Tally::default();
        for (entities, asker) in [(usual, Asker::Scan), (reset, Asker::ScanOfChanged)] {
            tally.enqueue(&self.queue, &entities, Wants::calendar(), asker).await?;
        }
        Ok(tally)
    }
}

/// Whether the job has been dead for so long that it is tried again.
fn is_reset(seen: Option<&Seen>, auto_reset: Duration, now: DateTime<Utc>) -> bool {
    match seen {
        Some(Seen::Dead { since_ms }) => {
            let since = i64::try_from(*since_ms).ok().and_then(DateTime::from_timestamp_millis).unwrap_or(now);
            let auto_reset = TimeDelta::from_std(auto_reset).unwrap_or(TimeDelta::MAX);
            now.signed_duration_since(since) >= auto_reset
        }
        Some(Seen::Waiting | Seen::Running { .. }) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j3_only_a_job_that_is_dead_for_long_is_tried_again() {
        let now = DateTime::from_timestamp_millis(10_000_000).unwrap();
        let dead = |since_ms| Some(Seen::Dead { since_ms });
        let is_reset = |seen: Option<Seen>| is_reset(seen.as_ref(), Duration::from_secs(10), now);
        assert!(is_reset(dead(9_990_000)));
        for seen in [dead(9_990_001), dead(u64::MAX), Some(Seen::Waiting), Some(Seen::Running { is_live: false }), None]
        {
            assert!(!is_reset(seen), "{seen:?}");
        }
    }
}
