//! `kanzleisync-soak`: the queue under load and faults for as long as asked. `--minutes N` (10), `--seed N` repeats the faults of a run.

use std::process::ExitCode;

use harness::soak;

#[tokio::main]
async fn main() -> ExitCode {
    soak::main(std::env::args().skip(1).collect()).await
}
