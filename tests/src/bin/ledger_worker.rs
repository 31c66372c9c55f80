//! `kanzleisync-ledger-worker`: a worker on a private queue whose jobs write to a ledger, for the tests of the queue under faults.

use harness::{Result, ledger};

#[tokio::main]
async fn main() -> Result<()> {
    ledger::main().await
}
