//! The last hour, as this producer saw it: depth and age of the queues, and counts that are too dear for every page. In memory only: what
//! is older belongs to Prometheus.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use shared::clock::Clock;
use shared::hub::{Counted, Hub, HubError, LastSuccess};
use shared::queue::{Counts, Queue, QueueName};

const INTERVAL: Duration = Duration::from_secs(10);
/// One hour.
const KEPT: usize = 360;
/// A store that hangs makes a gap, not a halt.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// What is remembered. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Arc<Mutex<VecDeque<Sample>>>);

/// One moment.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// Every queue that answered.
    pub(crate) depths: Vec<(QueueName, Counts)>,
    /// What the hub said; `None`: it did not answer.
    pub(crate) hub: Option<OfHub>,
}

/// What the hub knows of all records together.
#[derive(Clone, Debug, Default)]
pub(crate) struct OfHub {
    /// Records by state.
    pub(crate) counted: Counted,
    /// When each flow last succeeded.
    pub(crate) last_success: LastSuccess,
    /// Deletions of calendars that wait for approval.
    pub(crate) held_deletions: u64,
    /// Records, and entries of calendars, that differ although they count as in sync (`VERIFY_SYNC_HOURS`).
    pub(crate) divergent: u64,
    /// Employees of whose calendars some entries could not be written.
    pub(crate) with_failed_rows: u64,
}

impl Samples {
    /// The latest moment; `None` before the first.
    pub(crate) fn latest(&self) -> Option<Sample> {
        self.lock().back().cloned()
    }

    /// One figure of a queue over the last hour, oldest first.
    pub(crate) fn series(&self, queue: QueueName, figure: impl Fn(&Counts) -> f64) -> Vec<(DateTime<Utc>, f64)> {
        let of = |sample: &Sample| {
            let counts = sample.depths.iter().find(|(name, _)| *name == queue);
            counts.map(|(_, counts)| (sample.at, figure(counts)))
        };
        self.lock().iter().filter_map(of).collect()
    }

    /// The earliest moment after `after` at which a queue had work: waiting, running, or put off after a failure.
    pub(crate) fn work_since(&self, queue: QueueName, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let has_work = |sample: &Sample| {
            let counts = sample.depths.iter().find(|(name, _)| *name == queue);
            counts.is_some_and(|(_, counts)| counts.ready + counts.running + counts.delayed > 0)
        };
        self.lock().iter().find(|sample| sample.at > after && has_work(sample)).map(|sample| sample.at)
    }

    /// Looks every ten seconds until it is dropped.
    pub(crate) async fn keep(self, queues: Vec<Queue>, hub: Hub, clock: Clock) -> Infallible {
        loop {
            let sample = look(&queues, &hub, &clock).await;
            {
                let mut kept = self.lock();
                kept.push_back(sample);
                while kept.len() > KEPT {
                    kept.pop_front();
                }
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Sample>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look(queues: &[Queue], hub: &Hub, clock: &Clock) -> Sample {
    let mut depths = Vec::new();
    for queue in queues {
        if let Ok(Ok(counts)) = tokio::time::timeout(TIME_LIMIT, queue.counts()).await {
            depths.push((queue.name(), counts));
        }
    }
    let hub = tokio::time::timeout(TIME_LIMIT, of_hub(hub)).await;
    Sample { at: clock.now(), depths, hub: hub.ok().and_then(Result::ok) }
}

async fn of_hub(hub: &Hub) -> Result<OfHub, HubError> {
    Ok(OfHub {
        counted: hub.count_beteiligte().await?,
        last_success: hub.last_success().await?,
        held_deletions: hub.held_deletions().await?,
        divergent: hub.count_divergent_records().await? + hub.count_divergent_entries().await?,
        with_failed_rows: hub.employees_with_failed_rows().await?.len() as u64,
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn work_is_found_after_a_moment_in_its_own_queue_only() {
        let at = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let sample =
            |seconds, counts| Sample { at: at(seconds), depths: vec![(QueueName::Calendar, counts)], hub: None };
        let samples = Samples::default();
        let delayed = Counts { delayed: 1, ..Counts::default() };
        let dead = Counts { dead: 1, ..Counts::default() };
        samples.lock().extend([sample(0, delayed), sample(10, dead), sample(20, delayed), sample(30, delayed)]);
        assert_eq!(samples.work_since(QueueName::Calendar, at(-1)), Some(at(0)));
        assert_eq!(samples.work_since(QueueName::Calendar, at(0)), Some(at(20)), "what is dead is no work");
        assert_eq!(samples.work_since(QueueName::Calendar, at(30)), None);
        assert_eq!(samples.work_since(QueueName::Beteiligte, at(-1)), None);
    }
}
