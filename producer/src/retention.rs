//! The audit holds values, so it is not kept for longer than the firm wants (`AUDIT_RETENTION_DAYS`, E2).

use std::convert::Infallible;
use std::time::Duration;

use shared::clock::Clock;
use shared::hub::{Hub, HubError};

/// Rows per statement: a long deletion would keep others waiting.
const BATCH: u32 = 1000;
/// Between two rounds, unless the audit is kept for less.
const INTERVAL: Duration = Duration::from_hours(1);

/// Removes what is older than `age`, now and every hour, until it is dropped.
pub(crate) async fn keep_pruning(hub: Hub, clock: Clock, age: Duration) -> Infallible {
    loop {
        match prune(&hub, &clock, age).await {
            Ok(0) => {}
            Ok(gone) => {
                tracing::info!(gone, "audit entries, requests and deleted rows are past their retention, removed");
            }
            Err(error) => tracing::warn!(%error, "old audit entries are not removed, tried again in the next round"),
        }
        tokio::time::sleep(INTERVAL.min(age)).await;
    }
}

async fn prune(hub: &Hub, clock: &Clock, age: Duration) -> Result<u64, HubError> {
    let cutoff = clock.now() - age;
    let mut gone = 0;
    loop {
        let (beteiligte, calendar) = (hub.prune(cutoff, BATCH).await?, hub.prune_calendar(cutoff, BATCH).await?);
        gone += beteiligte + calendar;
        if beteiligte.max(calendar) < u64::from(BATCH) {
            return Ok(gone);
        }
    }
}
