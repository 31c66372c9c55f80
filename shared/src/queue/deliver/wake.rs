//! Waking an idle worker.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::Notify;

use crate::queue::book::Queue;
use crate::queue::error::QueueError;

/// Before a lost subscription is tried again.
const LISTEN_AGAIN: Duration = Duration::from_millis(250);

/// Rings for new work. A ring that nobody waits for is kept for the next one who does. Clones ring the same.
#[derive(Clone, Default)]
pub(super) struct Bell(Arc<Notify>);

impl Bell {
    pub(super) async fn rung(&self) {
        self.0.notified().await;
    }
}

/// Rings the bell for every wake-up that is published, until it is dropped.
pub(super) async fn listen(queue: Queue, bell: Bell) -> Infallible {
    loop {
        if let Err(error) = listen_once(&queue, &bell).await {
            tracing::debug!(%error, "not listening for wake-ups");
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

async fn listen_once(queue: &Queue, bell: &Bell) -> Result<(), QueueError> {
    let mut subscription = queue.link.listen().await?;
    subscription.subscribe(queue.key("wake")).await?;
    // For what was published while nobody listened.
    bell.0.notify_one();
    let mut wakes = subscription.on_message();
    while wakes.next().await.is_some() {
        bell.0.notify_one();
    }
    Ok(())
}
