//! The worker process that is measured: the real queue, with a handler that does nothing.
//!
//! It waits until it is told to begin, through a list in the same Redis. A round ends when it has run as many jobs as it was
//! started for, or with SIGTERM; then it prints what it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use serde_json::json;
use shared::queue::{self, DeliverSettings, Outcome, Queue, QueueName};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bench::firm::told;
use crate::{Error, ProcessId, Result, interrupted};

/// One element lets one process begin one round.
pub(super) const BEGIN_KEY: &str = "kanzleisync-bench:begin";
pub(super) const READY: &str = "bench worker ready";

/// `CONCURRENCY JOBS`, and `REDIS_URL` in the environment.
pub(in crate::bench) async fn main(arguments: Vec<String>) -> Result<()> {
    let numbers: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let [concurrency, jobs] = numbers[..] else {
        return Err(Error::new("usage: kanzleisync-bench-queue-worker CONCURRENCY JOBS"));
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the address of the benchmark's own Redis, not a setting of the product"
    )]
    let redis_url = std::env::var("REDIS_URL").map_err(told)?;
    let mut orders = orders(&redis_url).await?;
    let queue = Queue::connect(redis_url.as_str(), QueueName::Beteiligte).await.map_err(told)?;
    let stop = CancellationToken::new();
    tokio::spawn({
        let stop = stop.clone();
        async move { interrupted().await.map(|()| stop.cancel()) }
    });

    println!("{READY}");
    for round in 1.. {
        let mut order = redis::cmd("BLPOP");
        order.arg(BEGIN_KEY).arg(0);
        tokio::select! {
            () = stop.cancelled() => break,
            order = order.query_async::<redis::Value>(&mut orders) => drop(order?),
        }
        let (runs, took) = one_round(&queue, concurrency, jobs as u64, stop.child_token()).await?;
        let peak_kib = ProcessId(std::process::id()).peak_resident_kib();
        let line = json!({"round": round, "runs": runs, "seconds": took.as_secs_f64(), "peak_resident_kib": peak_kib});
        println!("{line}");
    }
    Ok(())
}

/// Works until `jobs` runs have ended, or until `stop`: how many did, and when the last one had.
async fn one_round(queue: &Queue, concurrency: usize, jobs: u64, stop: CancellationToken) -> Result<(u64, Duration)> {
    let runs = Arc::new(AtomicU64::new(0));
    let last_micros = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let handler = {
        let (runs, last_micros, stop) = (runs.clone(), last_micros.clone(), stop.clone());
        move |_| {
            let ended = runs.fetch_add(1, Ordering::Relaxed) + 1;
            let micros = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
            last_micros.fetch_max(micros, Ordering::Relaxed);
            if ended == jobs {
                stop.cancel();
            }
            std::future::ready(Outcome::Done { follow_up: None })
        }
    };
    let settings = DeliverSettings { concurrency, ..DeliverSettings::default() };
    queue::run(queue.clone(), settings, handler, stop).await.map_err(told)?;
    Ok((runs.load(Ordering::Relaxed), Duration::from_micros(last_micros.load(Ordering::Relaxed))))
}

/// A connection that may wait for an answer as long as it takes.
async fn orders(redis_url: &str) -> Result<MultiplexedConnection> {
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    Ok(redis::Client::open(redis_url)?.get_multiplexed_async_connection_with_config(&patient).await?)
}
