//! `make sweep`: every state of the planner stopped everywhere, every kill, every edit meanwhile. Minutes, all cores.

use std::process::ExitCode;

use harness::sweep::program;

#[tokio::main]
async fn main() -> ExitCode {
    program::main(std::env::args().skip(1).collect()).await
}
