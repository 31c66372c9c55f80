//! How soon an idle worker starts a job: producer and worker in one process, so that one clock tells both.

use std::time::Duration;

use shared::queue::{self, Asker, DeliverSettings, Outcome};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::ours::{connect, job};
use super::plan::{PICK_UP_CONCURRENCY, PICK_UP_SAMPLES};
use super::rate::Latencies;
use super::server::Server;
use crate::bench::firm::told;
use crate::{Error, Result};

const STARTED_WITHIN: Duration = Duration::from_secs(30);

pub(super) async fn ours(server: &Server) -> Result<Latencies> {
    server.clear().await?;
    let queue = connect(server).await?;
    let (tell, mut started) = mpsc::unbounded_channel();
    let handler = move |_| {
        let _ = tell.send(Instant::now());
        std::future::ready(Outcome::Done { follow_up: None })
    };
    let stop = CancellationToken::new();
    let settings = DeliverSettings { concurrency: PICK_UP_CONCURRENCY, ..DeliverSettings::default() };
    let worker = tokio::spawn(queue::run(queue.clone(), settings, handler, stop.clone()));

    let mut samples_ms = Vec::with_capacity(PICK_UP_SAMPLES);
    // The first one waits for the worker to come up, and is left out.
    for number in 0..=PICK_UP_SAMPLES {
        sleep(pause(number)).await;
        let enqueued = Instant::now();
        queue.enqueue(&[job(number)], Asker::Event).await.map_err(told)?;
        let began = timeout(STARTED_WITHIN, started.recv()).await.ok().flatten();
        let began: Instant = began.ok_or_else(|| Error::new("the worker did not start a job that was enqueued"))?;
        if number > 0 {
            samples_ms.push(1000.0 * began.duration_since(enqueued).as_secs_f64());
        }
    }
    stop.cancel();
    worker.await.map_err(told)?.map_err(told)?;
    Latencies::of(samples_ms)
}

/// 8 to 16 ms: long enough for the worker to be idle again, uneven so that no timer keeps step with it.
fn pause(number: usize) -> Duration {
    Duration::from_micros(8_000 + (number as u64 * 2_971) % 8_000)
}
