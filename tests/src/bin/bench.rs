//! `kanzleisync-bench`: how fast one worker is, and how much memory it takes. `--markdown FILE` keeps the result.

use std::process::ExitCode;

use harness::bench;

#[tokio::main]
async fn main() -> ExitCode {
    bench::main(std::env::args().skip(1).collect()).await
}
