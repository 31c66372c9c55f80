//! What time brings: delayed jobs become due, leases run out, dead jobs are forgotten.

use std::convert::Infallible;
use std::time::Duration;

use crate::queue::book::Queue;
use crate::queue::metrics;
use crate::queue::turn::{Retention, Tended};

/// Longest time between two looks. A job delayed for less than this may be late by as much.
const LONGEST_INTERVAL: Duration = Duration::from_millis(250);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(5);

/// Tends the queue until it is dropped. Any number of processes may do so; a look that finds nothing costs microseconds.
/// [`run`](super::run) does it by itself; the producer does it too, so that the queue is in order while no worker is up, and it alone
/// forgets dead jobs (`retention`).
pub async fn keep_tending(queue: Queue, retention: Option<Retention>) -> Infallible {
    loop {
        let pause = match queue.tend(retention).await {
            Ok(tended) => {
                tell(&queue, &tended);
                tended.next.map_or(LONGEST_INTERVAL, |next| next.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL))
            }
            Err(error) => {
                tracing::debug!(%error, "the queue could not be tended");
                LONGEST_INTERVAL
            }
        };
        tokio::time::sleep(pause).await;
    }
}

fn tell(queue: &Queue, tended: &Tended) {
    if tended.rescued > 0 {
        metrics::rescued(queue.name(), tended.rescued);
        tracing::warn!(jobs = tended.rescued, "leases ran out, the jobs run again");
    }
    for job in &tended.poisoned {
        metrics::poisoned(queue.name());
        tracing::error!(%job, "dead: its runs crashed");
    }
}
