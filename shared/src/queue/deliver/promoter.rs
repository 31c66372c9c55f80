//! Making delayed jobs ready when they are due.

use std::convert::Infallible;
use std::time::Duration;

use crate::queue::book::Queue;

/// Longest time between two looks. A job delayed for less than this may be late by as much.
const LONGEST_INTERVAL: Duration = Duration::from_millis(250);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(5);

/// Promotes due jobs until it is dropped. Any number of processes may do so; a look that finds nothing costs microseconds.
/// [`run`](super::run) does it by itself; the producer may do it too, so that delayed jobs show as ready while no worker is up.
pub async fn keep_promoting(queue: Queue) -> Infallible {
    loop {
        let pause = match queue.promote().await {
            Ok((_, next_due)) => {
                next_due.map_or(LONGEST_INTERVAL, |due| due.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL))
            }
            Err(error) => {
                tracing::debug!(%error, "could not look for due jobs");
                LONGEST_INTERVAL
            }
        };
        tokio::time::sleep(pause).await;
    }
}
