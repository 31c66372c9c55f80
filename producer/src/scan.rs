//! The scan: finds what no webhook told, because it was lost, refused or never sent (DOMAIN 4, J4).
//!
//! It looks for records that EspoCRM marks as waiting for a sync. Not all of them are queued:
//!
//! | status | the queue | queued? |
//! | --- | --- | --- |
//! | `pending_sync`, `dirty` | | yes; what waits is merged, what runs is followed by one more run (J2) |
//! | `syncing` | its run is alive | no |
//! | `syncing` | no live run: its worker died or was cut off | yes |
//! | any | holds a dead job of it, and the record was not modified since | no: a person requeues it (J3) |

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::beteiligte::SyncStatus;
use domain::ids::EspoId;
use domain::job::Wants;
use domain::kommunikation::Direction;
use shared::espocrm::{Espocrm, Filter, ListedBeteiligte};
use shared::queue::{Asker, Queue, QueueError};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::listing::{ListingError, Pages, Tally};

const STATUSES: [SyncStatus; 3] = [SyncStatus::PendingSync, SyncStatus::Dirty, SyncStatus::Syncing];

/// Between two scans that were asked for: whoever can make us ask cannot make us flood EspoCRM.
const ASKED_INTERVAL: Duration = Duration::from_mins(1);

/// Longest wait after a failed scan.
const RETRY_INTERVAL: Duration = Duration::from_mins(1);

/// Dead jobs that a scan looks at, latest first. With more of them something is wrong at large; what is then queued in vain dies
/// again and stays visible.
const MAX_DEAD_JOBS: usize = 10_000;
const DEAD_PAGE: usize = 1000;

const SCANS: &str = "kanzleisync_scans_total";

/// Asks for a scan before the next is due. Clones ask the same.
#[derive(Clone, Debug, Default)]
pub struct ScanRequests(Arc<Notify>);

impl ScanRequests {
    /// Asks; requests that meet are one.
    pub fn ask(&self) {
        self.0.notify_one();
    }
}

/// Scans EspoCRM into the queue.
pub(crate) struct Scan {
    pub(crate) espocrm: Espocrm,
    pub(crate) queue: Queue,
    /// `BETEILIGTE_SCAN_SECONDS`, from start to start.
    pub(crate) interval: Duration,
}

impl Scan {
    /// Scans now, then regularly and when asked, until it is dropped.
    pub(crate) async fn keep_scanning(self, requests: ScanRequests) -> Infallible {
        let mut last_asked: Option<Instant> = None;
        loop {
            let begun = Instant::now();
            let pause = self.scan_and_tell().await;
            let asked = async {
                requests.0.notified().await;
                if let Some(last) = last_asked {
                    tokio::time::sleep_until(last + ASKED_INTERVAL).await;
                }
            };
            tokio::select! {
                () = tokio::time::sleep_until(begun + pause) => {}
                () = asked => last_asked = Some(Instant::now()),
            }
        }
    }

    /// One scan; answers when the next is due, from the start of this one.
    async fn scan_and_tell(&self) -> Duration {
        match self.scan().await {
            Ok(tally) => {
                count_scan("done");
                let Tally { queued, new, unreadable, .. } = tally;
                tracing::info!(queued, new, unreadable, "scan done");
                self.interval
            }
            Err(error) => {
                count_scan("failed");
                let pause = self.interval.min(RETRY_INTERVAL);
                let next_scan_seconds = pause.as_secs_f64();
                tracing::warn!(%error, next_scan_seconds, "scan broke off, what it queued stays, the next one starts over");
                pause
            }
        }
    }

    async fn scan(&self) -> Result<Tally, ListingError> {
        let dead = self.dead_since().await?;
        let mut tally = Tally::default();
        let mut pages = Pages::of_shrinking(&self.espocrm, Filter::StatusIn(STATUSES.to_vec()));
        while let Some(page) = pages.next().await? {
            let live = self.live(&page.records).await?;
            let is_due = |record: &ListedBeteiligte| {
                is_due(record, live.contains(record.id.as_str()), dead.get(record.id.as_str()).copied())
            };
            let due: Vec<EspoId> = page.records.into_iter().filter(is_due).map(|record| record.id).collect();
            tally.enqueue(&self.queue, &due, Wants::sync(Direction::Both), Asker::Event).await?;
            tally.unreadable += page.unreadable as usize;
        }
        Ok(tally)
    }

    /// Of the records that EspoCRM shows as `syncing`: those whose run is alive.
    async fn live(&self, records: &[ListedBeteiligte]) -> Result<HashSet<String>, QueueError> {
        let syncing = records.iter().filter(|record| record.sync_status == Some(SyncStatus::Syncing));
        let entities: Vec<String> = syncing.map(|record| record.id.to_string()).collect();
        self.queue.live(&entities).await
    }

    /// When the latest dead job of an entity died.
    async fn dead_since(&self) -> Result<HashMap<String, DateTime<Utc>>, QueueError> {
        let mut since = HashMap::new();
        for offset in (0..MAX_DEAD_JOBS).step_by(DEAD_PAGE) {
            let page = self.queue.dead(offset, DEAD_PAGE).await?;
            let is_last = page.len() < DEAD_PAGE;
            for job in page {
                let died = job.dead_since_ms.and_then(|ms| DateTime::from_timestamp_millis(i64::try_from(ms).ok()?));
                // Latest first: an older death of the same entity does not count.
                since.entry(job.entity).or_insert(died.unwrap_or_default());
            }
            if is_last {
                break;
            }
        }
        Ok(since)
    }
}

/// The table above. `modifiedAt` is only a hint, but one that every edit of fields moves (DOMAIN 5); should the clocks of EspoCRM
/// and Redis be apart by more than an edit took, its webhook still queues it.
fn is_due(record: &ListedBeteiligte, is_live: bool, dead_since: Option<DateTime<Utc>>) -> bool {
    let is_running = record.sync_status == Some(SyncStatus::Syncing) && is_live;
    let is_given_up = dead_since.is_some_and(|died| record.modified_at.is_none_or(|modified| modified <= died));
    !is_running && !is_given_up
}

/// Every series exists from the start, at 0 (CONTRACT).
pub(crate) fn register_metrics() {
    for outcome in ["done", "failed"] {
        metrics::counter!(SCANS, "flow" => "beteiligte", "outcome" => outcome).increment(0);
    }
}

fn count_scan(outcome: &'static str) {
    metrics::counter!(SCANS, "flow" => "beteiligte", "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use SyncStatus::{Dirty, PendingSync, Syncing};

    use super::*;

    #[test]
    fn what_is_due_follows_the_table() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        let record = |status, modified_at| ListedBeteiligte {
            id: EspoId::parse("65f1a2b3c4d5e6f70").unwrap(),
            betnr: None,
            sync_status: Some(status),
            sync_next_retry: None,
            modified_at,
        };
        let cases = [
            (PendingSync, at(10), false, None, true),
            (Dirty, None, false, None, true),
            (Dirty, at(10), true, None, true),
            (Syncing, at(10), true, None, false),
            (Syncing, at(10), false, None, true),
            (Syncing, at(10), false, at(11), false),
            (Dirty, at(10), false, at(11), false),
            (Dirty, at(10), false, at(10), false),
            (Dirty, None, false, at(11), false),
            (Dirty, at(12), false, at(11), true),
            (Syncing, at(12), true, at(11), false),
        ];
        for case in cases {
            let (status, modified_at, is_live, dead_since, expected) = case;
            assert_eq!(is_due(&record(status, modified_at), is_live, dead_since), expected, "{case:?}");
        }
    }

    #[tokio::test]
    async fn requests_that_meet_are_one_and_none_is_lost() {
        let requests = ScanRequests::default();
        requests.ask();
        requests.clone().ask();
        requests.0.notified().await;
        assert!(futures::FutureExt::now_or_never(requests.0.notified()).is_none());
    }
}
