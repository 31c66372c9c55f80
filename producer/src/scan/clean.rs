//! Records in agreement that nobody has looked at for a day, and those whose number another record had. Spread over the scans of that day, so
//! that 100,000 of them cost each scan little.

use std::time::Duration;

use domain::beteiligte::{ConflictPolicy, SyncStatus};
use domain::ids::EspoId;
use shared::espocrm::Filter;
use shared::queue::{Asker, Seen};

use super::{Scan, wants};
use crate::listing::{ListingError, Pages, Tally};

/// A scan queues at least so many, where so many are due.
const LEAST_PER_SCAN: u64 = 500;
/// And at most so many: ids of them are in memory at once.
const MOST_PER_SCAN: u64 = 50_000;
/// Ids in one address: up to 90 characters each (PHP's brackets, percent-encoded, and a UUID), and servers take some 8,000 in all.
const IDS_PER_QUESTION: usize = 50;
/// Scans that fail, and records that come in crowds, must not make the day too short.
const RESERVE: u64 = 2;

/// The walk over EspoCRM's records in agreement, for those that the hub has lost or never knew. One round a day; after a start, from the
/// beginning.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    after: Option<EspoId>,
    /// Pages of the last whole round; `None` before one is complete.
    round: Option<u64>,
    pages: u64,
}

impl Scan {
    pub(super) async fn scan_clean(&mut self, tally: &mut Tally) -> Result<(), ListingError> {
        let scans = scans_in(self.look_age, self.interval);
        let cutoff = self.clock.now() - self.look_age;
        let known = self.hub.count_clean().await?;
        let limit = share(known, scans).clamp(LEAST_PER_SCAN, MOST_PER_SCAN);
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let mut stale = self.hub.stale_clean(cutoff, limit).await?;
        stale.extend(self.hub.stale_number_taken(cutoff, limit).await?);
        self.look_at_again(stale, tally).await?;
        self.walk_over_unknown(scans, tally).await
    }

    async fn walk_over_unknown(&mut self, scans: u64, tally: &mut Tally) -> Result<(), ListingError> {
        // Before the first round is complete its length is not known: it is walked at once, page by page.
        let most = self.unknown.round.map_or(u64::MAX, |pages| share(pages, scans));
        // But for a policy that leaves conflicts to people, `conflict` says that another record has the number.
        let waiting = (self.policy != ConflictPolicy::Manual).then_some(SyncStatus::Conflict);
        let filter = Filter::StatusIn([SyncStatus::Clean].into_iter().chain(waiting).collect());
        let mut pages = Pages::after(&self.espocrm, filter, self.unknown.after.clone());
        for _ in 0..most {
            let Some(page) = pages.next().await? else { break };
            let ids: Vec<EspoId> = page.records.into_iter().map(|record| record.id).collect();
            let unknown = self.hub.never_looked_at(&ids).await?;
            self.look_at_again(unknown, tally).await?;
            tally.unreadable += page.unreadable as usize;
            self.unknown.pages += 1;
            self.unknown.after = ids.last().cloned();
            if page.next.is_none() {
                self.unknown = Walk { after: None, round: Some(self.unknown.pages), pages: 0 };
                break;
            }
        }
        Ok(())
    }

    /// Queues them, but for those whose job is dead: a poison job can die before it has written a status, so nobody was told.
    async fn look_at_again(&self, ids: Vec<EspoId>, tally: &mut Tally) -> Result<(), ListingError> {
        let entities: Vec<String> = ids.iter().map(EspoId::to_string).collect();
        let seen = self.queue.look(&entities).await?;
        let is_dead = |id: &EspoId| matches!(seen.get(id.as_str()), Some(Seen::Dead { .. }));
        let (dead, others): (Vec<_>, Vec<_>) = ids.into_iter().partition(is_dead);
        tally.enqueue(&self.queue, &others, wants(), Asker::Scan).await?;
        for some in dead.chunks(IDS_PER_QUESTION) {
            let clean = Filter::StatusIn(vec![SyncStatus::Clean]);
            self.act_on_all(Filter::And(vec![clean, Filter::IdIn(some.to_vec())]), tally).await?;
        }
        Ok(())
    }
}

/// Scans within the age; at least one.
fn scans_in(age: Duration, interval: Duration) -> u64 {
    let interval = interval.as_secs().max(1);
    (age.as_secs() / interval).max(1)
}

/// What one scan takes on of `all`, so that all have their turn in time; at least one.
fn share(all: u64, scans: u64) -> u64 {
    (all * RESERVE).div_ceil(scans).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_are_spread_over_the_day_with_room_to_spare() {
        let scans = scans_in(Duration::from_hours(24), Duration::from_mins(15));
        assert_eq!(scans, 96);
        assert_eq!(share(100_000, scans), 2084);
        assert!(share(100_000, scans) * scans > 100_000);
        assert_eq!((share(0, scans), share(7, 1)), (1, 14));
        assert_eq!(scans_in(Duration::from_millis(10), Duration::from_millis(10)), 1);
    }
}
