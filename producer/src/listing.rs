//! Lists of EspoCRM records, page by page, and the count of what was queued of them.

use std::fmt::Display;

use domain::ids::EspoId;
use domain::job::Wants;
use serde::Serialize;
use shared::error::ApiError;
use shared::espocrm::{Espocrm, Filter, ListPage, PageRequest};
use shared::hub::HubError;
use shared::queue::{Asker, EnqueueResult, Enqueued, NewJob, Queue, QueueError};

use crate::program::hub_problem;

/// Records per page: what EspoCRM gives at most (DOMAIN 5).
pub(crate) const PAGE_SIZE: u32 = 200;

/// Walks over a list in the order of the ids. One page is in memory at a time.
pub(crate) struct Pages<'a> {
    espocrm: &'a Espocrm,
    filter: Filter,
    next: Option<PageRequest>,
}

/// What became of the records of a list, of employees, or of a command's ids.
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
    /// PostgreSQL does not say what was looked at.
    #[error("{}", hub_problem(.0))]
    Hub(#[from] HubError),
}

impl<'a> Pages<'a> {
    /// All records that the filter lets through.
    pub(crate) fn of(espocrm: &'a Espocrm, filter: Filter) -> Self {
        Self::after(espocrm, filter, None)
    }

    /// Those of them that come after this one.
    pub(crate) fn after(espocrm: &'a Espocrm, filter: Filter, id: Option<EspoId>) -> Self {
        Self { espocrm, filter, next: Some(PageRequest::after(id, PAGE_SIZE)) }
    }

    /// The next page; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<ListPage>, ApiError> {
        let Some(request) = self.next.take() else { return Ok(None) };
        let page = self.espocrm.list_beteiligte(&self.filter, &request).await?;
        self.next.clone_from(&page.next);
        Ok(Some(page))
    }
}

impl Tally {
    /// Queues `ids` and counts what became of them.
    pub(crate) async fn enqueue(
        &mut self,
        queue: &Queue,
        ids: &[impl Display],
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

/// A job per record or employee; the entity is the record's id, or the Kürzel.
pub(crate) fn jobs(ids: &[impl Display], wants: Wants) -> Vec<NewJob> {
    ids.iter().map(|id| NewJob { entity: id.to_string(), wants }).collect()
}
