//! `kanzleisync-converge`: random stories of Beteiligte and of calendars, `--only` one of them. `--seeds N` plays seeds 0 to N-1
//! (1,000), `--seed N` that one alone.

use std::process::ExitCode;

use harness::converge;

#[tokio::main]
async fn main() -> ExitCode {
    converge::main(std::env::args().skip(1).collect()).await
}
