//! The queue part: our queue, what Redis itself can do, and other queues, in one run on one Redis.

mod figures;
mod goals;
mod limit;
mod ours;
mod peer;
mod pick_up;
mod plan;
mod rate;
mod report;
mod server;
pub(super) mod worker;
mod workers;

use std::io::IsTerminal as _;

use tokio::time::Instant;

use crate::Result;
use figures::{EnqueueFigures, Figures, PickUpFigures, ProcessFigures};
use peer::Peer;
use plan::{CASES, ENQUEUE_BULK_JOBS, ENQUEUE_SINGLE_JOBS, JOBS_PER_CALL};
pub(super) use report::Report;
use server::Server;

/// Measures everything. What fails of a peer is told in the report; what fails of ours ends it.
pub(super) async fn run(with_peers: bool) -> Result<Report> {
    let started = Instant::now();
    let server = Server::start().await?;
    let enqueue = enqueue(&server).await?;
    let mut processed: Vec<ProcessFigures> = Vec::with_capacity(CASES.len());
    for case in CASES {
        progress(&format!("process, {} at once, backlog {}", case.concurrency, case.backlog));
        let same = |other: &&ProcessFigures| {
            (other.ours.case.processes, other.ours.case.concurrency) == (case.processes, case.concurrency)
        };
        let limit = match processed.iter().find(same) {
            Some(other) => other.limit,
            None => limit::process(&server, case).await?,
        };
        processed.push(ProcessFigures { ours: ours::process(&server, case).await?, limit });
    }
    let pick_up = pick_up(&server).await?;

    let mut peers = Vec::new();
    for peer in Peer::ALL.into_iter().filter(|_| with_peers) {
        progress(peer.name());
        peers.push((peer, peer::measure(&server, peer).await.map_err(|error| error.to_string())));
    }
    progress("");
    Ok(Report::new(Figures { enqueue, processed, pick_up, peers, took: started.elapsed() }))
}

async fn enqueue(server: &Server) -> Result<EnqueueFigures> {
    progress("enqueue");
    Ok(EnqueueFigures {
        single: ours::enqueue_rate(server, ENQUEUE_SINGLE_JOBS, 1).await?,
        single_limit: limit::enqueue_single(server).await?,
        bulk: ours::enqueue_rate(server, ENQUEUE_BULK_JOBS, JOBS_PER_CALL).await?,
        bulk_limit: limit::enqueue_bulk(server).await?,
    })
}

async fn pick_up(server: &Server) -> Result<PickUpFigures> {
    progress("idle pick-up");
    let with_file = pick_up::ours(server).await?;
    server.set_append_only(false).await?;
    let without_file = pick_up::ours(server).await?;
    server.set_append_only(true).await?;
    Ok(PickUpFigures { with_file, without_file })
}

/// For somebody who watches; not part of the result.
fn progress(doing: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[2K{doing}");
    }
}
