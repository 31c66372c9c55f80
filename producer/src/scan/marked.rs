//! Records that EspoCRM marks as waiting, failed or given up.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use domain::beteiligte::{Due, Ending, Queued, Scanned, StatusFields, SyncStatus, after, due};
use domain::ids::EspoId;
use shared::error::{Blame, ErrorKind};
use shared::espocrm::{EspoPatch, Filter, ListedBeteiligte};
use shared::queue::{Asker, Seen};

use super::{Scan, wants};
use crate::listing::{ListingError, Pages, Tally};

impl Scan {
    pub(super) async fn scan_marked(&self, tally: &mut Tally) -> Result<(), ListingError> {
        self.act_on_all(marked(self.clock.now()), tally).await
    }

    /// Does with every record that the filter lets through what [`due`] says, page by page.
    pub(super) async fn act_on_all(&self, filter: Filter, tally: &mut Tally) -> Result<(), ListingError> {
        let mut pages = Pages::of(&self.espocrm, filter);
        while let Some(page) = pages.next().await? {
            tally.unreadable += page.unreadable as usize;
            self.act_on(page.records, tally).await?;
        }
        Ok(())
    }

    async fn act_on(&self, records: Vec<ListedBeteiligte>, tally: &mut Tally) -> Result<(), ListingError> {
        let entities: Vec<String> = records.iter().map(|record| record.id.to_string()).collect();
        let seen = self.queue.look(&entities).await?;
        let (now, mut found) = (self.clock.now(), Found::default());
        for record in records {
            let decision = due(scanned(&record, &seen), now);
            found.put(decision, record);
        }
        tally.enqueue(&self.queue, &found.sync, wants(), Asker::Scan).await?;
        tally.enqueue(&self.queue, &found.revive, wants(), Asker::ScanOfChanged).await?;
        for record in &found.reset {
            if self.write(record, Ending::Reset, now, None).await? {
                found.requeue.push(record.id.clone());
            }
        }
        tally.enqueue(&self.queue, &found.requeue, wants(), Asker::Requeue).await?;
        self.tell(&found.tell).await
    }

    /// What nobody could tell when the job died: a poison job takes its process along, and another's last write may have failed.
    async fn tell(&self, records: &[ListedBeteiligte]) -> Result<(), ListingError> {
        let entities: Vec<String> = records.iter().map(|record| record.id.to_string()).collect();
        let jobs = self.queue.show(&entities).await?;
        for record in records {
            let Some(job) = jobs.iter().find(|job| job.entity == record.id.as_str()) else { continue };
            let failures = job.failures.max(job.crashes);
            // Its reset counts from its death, however late the scan is.
            let died_at = job.dead_since_ms.map_or_else(|| self.clock.now(), time);
            if self.write(record, Ending::GivenUp { failures }, died_at, Some(&job.reason)).await? {
                tracing::warn!(id = %record.id, "a dead job was not told on its record, now it is");
            }
        }
        Ok(())
    }

    /// `false`: somebody was faster, or the record is gone; the next scan sees what became of it.
    async fn write(
        &self,
        record: &ListedBeteiligte,
        ending: Ending,
        at: DateTime<Utc>,
        reason: Option<&str>,
    ) -> Result<bool, ListingError> {
        let StatusFields { status, retry_count, next_retry, auto_reset_at } = after(ending, at, self.auto_reset);
        let mut patch = EspoPatch::new()
            .sync_status(status)
            .sync_retry_count(retry_count)
            .sync_next_retry(next_retry)
            .sync_auto_reset_at(auto_reset_at);
        if reason.is_some() {
            patch = patch.sync_error_message(reason);
        }
        match self.espocrm.update_beteiligte(&record.id, &patch, record.version_number).await {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound) => Ok(false),
            // What EspoCRM refuses for one record must not keep the scan from the others (J6).
            Err(error) if error.blame() == Blame::Record => {
                tracing::warn!(id = %record.id, %error, "the scan could not write a status, tried again by the next");
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The records of a page by what is done with them.
#[derive(Default)]
struct Found {
    sync: Vec<EspoId>,
    revive: Vec<EspoId>,
    requeue: Vec<EspoId>,
    reset: Vec<ListedBeteiligte>,
    tell: Vec<ListedBeteiligte>,
}

impl Found {
    fn put(&mut self, decision: Due, record: ListedBeteiligte) {
        match decision {
            Due::No => {}
            Due::Sync => self.sync.push(record.id),
            Due::Revive => self.revive.push(record.id),
            Due::FinishReset => self.requeue.push(record.id),
            Due::Reset => self.reset.push(record),
            Due::Tell => self.tell.push(record),
        }
    }
}

/// Those that may be due; what is not due yet stays out of the list.
fn marked(now: DateTime<Utc>) -> Filter {
    // EspoCRM keeps whole seconds: what falls due within this one is due.
    let now = now + Duration::from_secs(1);
    Filter::Or(vec![
        Filter::StatusIn(vec![SyncStatus::PendingSync, SyncStatus::Dirty, SyncStatus::Syncing]),
        Filter::And(vec![Filter::StatusIn(vec![SyncStatus::Failed]), Filter::RetryDue(now)]),
        Filter::And(vec![Filter::StatusIn(vec![SyncStatus::PermanentlyFailed]), Filter::ResetDue(now)]),
    ])
}

/// Milliseconds since 1970.
fn time(ms: u64) -> DateTime<Utc> {
    i64::try_from(ms).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default()
}

fn scanned(record: &ListedBeteiligte, seen: &HashMap<String, Seen>) -> Scanned<DateTime<Utc>> {
    Scanned {
        status: record.sync_status,
        next_retry: record.sync_next_retry,
        auto_reset_at: record.sync_auto_reset_at,
        modified_at: record.modified_at,
        queued: match seen.get(record.id.as_str()) {
            None => Queued::Nothing,
            Some(Seen::Waiting) => Queued::Waiting,
            Some(Seen::Running { is_live: true }) => Queued::Running,
            Some(Seen::Running { is_live: false }) => Queued::Crashed,
            Some(Seen::Dead { since_ms }) => Queued::Dead { since: time(*since_ms).trunc_subsecs(0) },
        },
    }
}
