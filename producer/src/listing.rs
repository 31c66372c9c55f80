//! Lists of EspoCRM records, page by page, and the count of what was queued of them.

use domain::ids::EspoId;
use domain::job::Wants;
use serde::Serialize;
use shared::error::ApiError;
use shared::espocrm::{Espocrm, Filter, ListPage, PageRequest};
use shared::queue::{Asker, EnqueueResult, Enqueued, NewJob, Queue, QueueError};

/// Records per page: what EspoCRM gives at most (DOMAIN 5).
const PAGE_SIZE: u32 = 200;

/// Walks over a list. One page is in memory at a time.
pub(crate) struct Pages<'a> {
    espocrm: &'a Espocrm,
    filter: Filter,
    walk: Walk,
}

/// Which page comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walk {
    /// The first, which tells how many records there are.
    Count(PageRequest),
    /// This one, then those before it: workers take records out of a scan's list while it is read, and what lies behind them moves
    /// to the front, where this walk still comes by. The other way round it would skip them.
    Down(PageRequest),
    /// This one, then those after it.
    Up(PageRequest),
    /// None.
    Done,
}

/// What became of the records of a list, or of a command's ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    /// Records that are queued now.
    pub(crate) queued: usize,
    /// Of them: those that needed a new job.
    pub(crate) new: usize,
    /// Of them: those whose job waited or ran already.
    pub(crate) merged: usize,
    /// Records that were not queued: their job is dead, and who asked does not change that.
    pub(crate) dead: usize,
    /// List elements without a usable id, which nothing can be done about.
    pub(crate) unreadable: usize,
}

/// The list could not be walked to its end.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// EspoCRM does not give it.
    #[error(transparent)]
    Espocrm(#[from] ApiError),
    /// Redis does not take the jobs.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl<'a> Pages<'a> {
    /// For a list that records leave while it is walked over.
    pub(crate) fn of_shrinking(espocrm: &'a Espocrm, filter: Filter) -> Self {
        Self { espocrm, filter, walk: Walk::Count(PageRequest::first(PAGE_SIZE)) }
    }

    /// Every record there is, oldest first.
    pub(crate) fn of_everything(espocrm: &'a Espocrm) -> Self {
        Self { espocrm, filter: Filter::All, walk: Walk::Up(PageRequest::first(PAGE_SIZE)) }
    }

    /// The next page; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<ListPage>, ApiError> {
        loop {
            let (Walk::Count(request) | Walk::Down(request) | Walk::Up(request)) = self.walk else { return Ok(None) };
            let page = self.espocrm.list_beteiligte(&self.filter, request).await?;
            let only_counted = self.walk.goes_on(&page);
            if !only_counted {
                return Ok(Some(page));
            }
        }
    }
}

impl Walk {
    /// Moves on after `page` has come. Answers whether that page only served to count: it comes again, last.
    fn goes_on(&mut self, page: &ListPage) -> bool {
        let (next, only_counted) = match (*self, page.next, page.total) {
            (Self::Count(first), Some(_), Some(total)) => (Self::Down(first.last(total)), true),
            (Self::Down(request), ..) => (request.before().map_or(Self::Done, Self::Down), false),
            (_, next, _) => (next.map_or(Self::Done, Self::Up), false),
        };
        *self = next;
        only_counted
    }
}

impl Tally {
    /// Queues `ids` and counts what became of them.
    pub(crate) async fn enqueue(
        &mut self,
        queue: &Queue,
        ids: &[EspoId],
        wants: Wants,
        asker: Asker,
    ) -> Result<(), QueueError> {
        let enqueued = queue.enqueue(&jobs(ids, wants), asker).await?;
        self.count(&enqueued);
        Ok(())
    }

    fn count(&mut self, enqueued: &[Enqueued]) {
        for one in enqueued {
            match one.result {
                EnqueueResult::New | EnqueueResult::Revived => self.new += 1,
                EnqueueResult::Coalesced | EnqueueResult::BroughtForward | EnqueueResult::FollowUp => self.merged += 1,
                EnqueueResult::LeftDead => self.dead += 1,
            }
        }
        self.queued = self.new + self.merged;
    }
}

/// A job per record; the entity is the record's id.
pub(crate) fn jobs(ids: &[EspoId], wants: Wants) -> Vec<NewJob> {
    ids.iter().map(|id| NewJob { entity: id.to_string(), wants }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pages that a walk asks for, in order, of a list of `total` records; and which of them are passed on.
    fn walked(mut walk: Walk, records: u32, is_counted: bool) -> (Vec<PageRequest>, usize) {
        let (mut asked, mut passed_on) = (Vec::new(), 0);
        let pages: Vec<_> =
            (0..=records / PAGE_SIZE).map(|n| PageRequest::first(PAGE_SIZE).last(n * PAGE_SIZE + 1)).collect();
        while let Walk::Count(request) | Walk::Down(request) | Walk::Up(request) = walk {
            asked.push(request);
            let next = pages.iter().copied().find(|page| page.before() == Some(request));
            let page = ListPage { records: Vec::new(), unreadable: 0, total: is_counted.then_some(records), next };
            passed_on += usize::from(!walk.goes_on(&page));
        }
        (asked, passed_on)
    }

    #[test]
    fn a_shrinking_list_is_walked_from_its_end_to_its_beginning() {
        let first = PageRequest::first(PAGE_SIZE);
        let (second, third) = (first.last(PAGE_SIZE + 1), first.last(2 * PAGE_SIZE + 1));
        assert_eq!(walked(Walk::Count(first), 500, true), (vec![first, third, second, first], 3));
        assert_eq!(walked(Walk::Count(first), 150, true), (vec![first], 1));
        assert_eq!(walked(Walk::Count(first), 500, false), (vec![first, second, third], 3), "EspoCRM does not count");
        assert_eq!(walked(Walk::Up(first), 500, true), (vec![first, second, third], 3));
    }
}
