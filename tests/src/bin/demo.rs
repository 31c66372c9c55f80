//! `kanzleisync-demo`: the whole product at work on a generated law firm. `--keep` leaves it running until Ctrl-C.

use std::process::ExitCode;

use harness::demo;

#[tokio::main]
async fn main() -> ExitCode {
    demo::main(std::env::args().skip(1).collect()).await
}
