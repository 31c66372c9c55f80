//! `kanzleisync-converge`: random stories. `--seeds N` plays seeds 0 to N-1 (1,000), `--seed N` that one alone.

use std::process::ExitCode;

use harness::converge;

#[tokio::main]
async fn main() -> ExitCode {
    converge::main(std::env::args().skip(1).collect()).await
}
