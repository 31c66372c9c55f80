//! `kanzleisync-bench-queue-worker CONCURRENCY JOBS`: a process that takes jobs off the queue and does nothing for them.

use std::process::ExitCode;

use harness::bench;

#[tokio::main]
async fn main() -> ExitCode {
    bench::queue_worker(std::env::args().skip(1).collect()).await
}
