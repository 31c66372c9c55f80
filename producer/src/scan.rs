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
//! | any | holds a dead job of it, and the record was modified since | yes: the dead job goes back to work |

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use domain::beteiligte::SyncStatus;
use domain::job::Wants;
use domain::kommunikation::Direction;
use shared::espocrm::{Espocrm, Filter, ListedBeteiligte};
use shared::queue::{Asker, Queue, Seen};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::listing::{ListingError, Pages, Tally};

const STATUSES: [SyncStatus; 3] = [SyncStatus::PendingSync, SyncStatus::Dirty, SyncStatus::Syncing];

/// Between two scans that were asked for: whoever can make us ask cannot make us flood EspoCRM.
const ASKED_INTERVAL: Duration = Duration::from_mins(1);

/// Longest wait after a failed scan.
const RETRY_INTERVAL: Duration = Duration::from_mins(1);

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
        let mut tally = Tally::default();
        let mut pages = Pages::of_shrinking(&self.espocrm, Filter::StatusIn(STATUSES.to_vec()));
        while let Some(page) = pages.next().await? {
            let entities: Vec<String> = page.records.iter().map(|record| record.id.to_string()).collect();
            let seen = self.queue.look(&entities).await?;
            let mut due = [(Asker::Scan, Vec::new()), (Asker::ScanOfChanged, Vec::new())];
            for record in page.records {
                let asker = due_for(&record, seen.get(record.id.as_str()).copied());
                if let Some((_, ids)) = due.iter_mut().find(|(known, _)| Some(*known) == asker) {
                    ids.push(record.id);
                }
            }
            for (asker, ids) in due {
                tally.enqueue(&self.queue, &ids, Wants::sync(Direction::Both), asker).await?;
            }
            tally.unreadable += page.unreadable as usize;
        }
        Ok(tally)
    }
}

/// The table above: who asks for the record, if anybody does. `modifiedAt` is only a hint, but one that every edit of fields moves
/// (DOMAIN 5); should the clocks of EspoCRM and Redis be apart by more than an edit took, its webhook still queues it.
fn due_for(record: &ListedBeteiligte, seen: Option<Seen>) -> Option<Asker> {
    match seen {
        Some(Seen::Running { is_live: true }) if record.sync_status == Some(SyncStatus::Syncing) => None,
        Some(Seen::Dead { since_ms }) => {
            let died = i64::try_from(since_ms).ok().and_then(DateTime::from_timestamp_millis);
            record.modified_at.filter(|modified| Some(*modified) > died).map(|_| Asker::ScanOfChanged)
        }
        Some(Seen::Running { .. } | Seen::Waiting) | None => Some(Asker::Scan),
    }
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
    use domain::ids::EspoId;

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
        let dead = |since_ms| Some(Seen::Dead { since_ms });
        let cases = [
            (PendingSync, at(10), None, Some(Asker::Scan)),
            (Dirty, None, Some(Seen::Waiting), Some(Asker::Scan)),
            (Dirty, at(10), Some(Seen::Running { is_live: true }), Some(Asker::Scan)),
            (Syncing, at(10), Some(Seen::Running { is_live: true }), None),
            (Syncing, at(10), Some(Seen::Running { is_live: false }), Some(Asker::Scan)),
            (Syncing, at(10), None, Some(Asker::Scan)),
            (Syncing, at(10), dead(11_000), None),
            (Dirty, at(10), dead(11_000), None),
            (Dirty, at(10), dead(10_000), None),
            (Dirty, None, dead(11_000), None),
            (Dirty, at(12), dead(11_000), Some(Asker::ScanOfChanged)),
            (Syncing, at(12), dead(11_000), Some(Asker::ScanOfChanged)),
        ];
        for case in cases {
            let (status, modified_at, seen, expected) = case;
            assert_eq!(due_for(&record(status, modified_at), seen), expected, "{case:?}");
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
