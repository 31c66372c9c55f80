//! Queueing every record that EspoCRM has, in the background, when somebody asks over HTTP.

use std::convert::Infallible;
use std::sync::Arc;

use domain::job::Wants;
use domain::kommunikation::Direction;
use shared::espocrm::Espocrm;
use shared::queue::Queue;
use shared::traces::{self, Origin};
use tokio::sync::Notify;

use crate::command::enqueue::enqueue_all;
use crate::listing::Tally;

/// Asks for a sync of every record. Clones ask the same.
#[derive(Clone, Debug, Default)]
pub struct FullSyncRequests(Arc<Notify>);

impl FullSyncRequests {
    /// Asks. Requests that meet are one; one that comes while the list is walked over leads to one more walk.
    pub(super) fn ask(&self) {
        self.0.notify_one();
    }
}

/// Queues every record, one walk over EspoCRM's list at a time.
pub(crate) struct FullSync {
    pub(crate) espocrm: Espocrm,
    pub(crate) queue: Queue,
}

impl FullSync {
    /// Does so whenever it is asked to, until it is dropped.
    pub(crate) async fn serve(self, requests: FullSyncRequests) -> Infallible {
        loop {
            requests.0.notified().await;
            let mut tally = Tally::default();
            let walk = enqueue_all(&self.espocrm, &self.queue, Wants::sync(Direction::Both), &mut tally);
            let walked = traces::begin(Origin::Api, "all beteiligte", walk).await;
            let Tally { queued, new, dead, unreadable, .. } = tally;
            match walked {
                Ok(()) => tracing::info!(queued, new, dead, unreadable, "all records queued"),
                Err(error) => {
                    tracing::warn!(%error, queued, "not all records queued, ask again: those that are queued are merged");
                }
            }
        }
    }
}
