//! Waking an idle worker.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use apalis_core::backend::ext::poll_strategy::{PollSnapshot, PollStrategy};
use futures::StreamExt;
use futures::task::AtomicWaker;
use tokio::time::{Interval, MissedTickBehavior};

use crate::queue::book::Queue;
use crate::queue::error::QueueError;

/// Looks without being woken: for wake-ups that were published while we were not listening.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// A wake-up that falls into a fetch which has already found nothing is lost on it; so it is repeated once, this much later.
const ECHO: Duration = Duration::from_millis(5);
/// Before a lost subscription is tried again.
const LISTEN_AGAIN: Duration = Duration::from_millis(250);

/// Wakes the worker that waits at present. Clones ring the same.
#[derive(Clone, Default)]
pub(super) struct Bell(Arc<AtomicWaker>);

/// When to look for jobs: when the bell rings, and once a second.
pub(super) struct Wakeful {
    bell: Bell,
    interval: Interval,
}

impl Wakeful {
    pub(super) fn new(bell: Bell) -> Self {
        let mut interval = tokio::time::interval(LOOK_INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { bell, interval }
    }
}

impl PollStrategy for Wakeful {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        self.bell.0.register(cx.waker());
        // Until it is pending: a tick that is ready leaves no waker behind, and nobody would ask again (QUEUE 3, defect 2).
        while self.interval.poll_tick(cx).is_ready() {}
        Poll::Pending
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
    subscription.subscribe(format!("{}:wake", queue.prefix)).await?;
    bell.0.wake();
    let mut wakes = subscription.on_message();
    let mut echo_due = true;
    loop {
        let wake = if echo_due { tokio::time::timeout(ECHO, wakes.next()).await } else { Ok(wakes.next().await) };
        match wake {
            Ok(None) => return Ok(()),
            Ok(Some(_)) => echo_due = true,
            Err(_) => echo_due = false,
        }
        bell.0.wake();
    }
}
