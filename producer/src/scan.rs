//! The scan: finds what no webhook told, because it was lost, refused or never sent (DOMAIN 4, J4).
//!
//! - Records that EspoCRM marks as waiting, failed or given up: [`marked`], decided by `domain::beteiligte::due`.
//! - Records in agreement that nobody has looked at for a day: [`clean`]. Advoware sends no events, so this is how its edits are found.

mod clean;
mod entities;
mod marked;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use domain::beteiligte::{ConflictPolicy, SyncStatus};
use domain::job::Wants;
use domain::kommunikation::Direction;
use shared::clock::Clock;
use shared::espocrm::Espocrm;
use shared::hub::Hub;
use shared::queue::Queue;
use shared::traces::{self, Origin};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::listing::{ListingError, Tally};

pub(crate) use clean::Walk;
pub(crate) use entities::ENTITIES;

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
    pub(crate) hub: Hub,
    pub(crate) queue: Queue,
    pub(crate) clock: Clock,
    /// `BETEILIGTE_SCAN_SECONDS`, from start to start.
    pub(crate) interval: Duration,
    /// `BETEILIGTE_LOOK_HOURS`: how long a record in agreement is left alone.
    pub(crate) look_age: Duration,
    /// `SYNC_AUTO_RESET_HOURS`
    pub(crate) auto_reset: Duration,
    /// `SYNC_CONFLICT_POLICY`
    pub(crate) policy: ConflictPolicy,
    /// Where the walk over records that the hub does not know goes on.
    pub(crate) unknown: Walk,
}

impl Scan {
    /// Scans now, then regularly and when asked, until it is dropped.
    pub(crate) async fn keep_scanning(mut self, requests: ScanRequests) -> Infallible {
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
    async fn scan_and_tell(&mut self) -> Duration {
        match traces::begin(Origin::Scan, "beteiligte", self.scan()).await {
            Ok(tally) => {
                count_scan("beteiligte", "done");
                let Tally { queued, new, unreadable, .. } = tally;
                tracing::info!(queued, new, unreadable, "scan done");
                self.interval
            }
            Err(error) => {
                count_scan("beteiligte", "failed");
                let pause = self.interval.min(RETRY_INTERVAL);
                let next_scan_seconds = pause.as_secs_f64();
                tracing::warn!(%error, next_scan_seconds, "scan broke off, what it queued stays, the next one starts over");
                pause
            }
        }
    }

    async fn scan(&mut self) -> Result<Tally, ListingError> {
        let mut tally = Tally::default();
        self.scan_marked(&mut tally).await?;
        self.scan_clean(&mut tally).await?;
        self.count_entities().await?;
        Ok(tally)
    }
}

/// What a scan asks of a run.
fn wants() -> Wants {
    Wants::sync(Direction::Both)
}

/// Every series exists from the start, at 0 (CONTRACT).
pub(crate) fn register_metrics() {
    for flow in ["beteiligte", "calendar"] {
        for outcome in ["done", "failed"] {
            metrics::counter!(SCANS, "flow" => flow, "outcome" => outcome).increment(0);
        }
    }
    for status in SyncStatus::ALL {
        metrics::gauge!(ENTITIES, "status" => status.name()).set(0.0);
    }
}

/// Of the flow `calendar` the list of employees counts.
pub(crate) fn count_scan(flow: &'static str, outcome: &'static str) {
    metrics::counter!(SCANS, "flow" => flow, "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_that_meet_are_one_and_none_is_lost() {
        let requests = ScanRequests::default();
        requests.ask();
        requests.clone().ask();
        requests.0.notified().await;
        assert!(futures::FutureExt::now_or_never(requests.0.notified()).is_none());
    }
}
