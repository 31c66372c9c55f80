//! One connection through the proxy. Requests and replies are told apart, because Redis answers each connection in order:
//! the reply of a number belongs to the request of that number.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::resp::message_length;
use super::{ProxyFault, Shared, Verdict};

const NONE: u64 = u64::MAX;

/// Carries until an end closes, or the fault cuts it. After a freeze it stays open for ever, and nothing passes.
pub(super) async fn carry(client: TcpStream, server: TcpStream, shared: Arc<Shared>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Number of the request whose reply does not arrive.
    let swallowed = AtomicU64::new(NONE);
    // Either way's end is the connection's: both halves are dropped with it.
    tokio::select! {
        _ = requests(from_client, to_server, &shared, &swallowed) => {}
        _ = replies(from_server, to_client, &shared, &swallowed) => {}
    }
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    swallowed: &AtomicU64,
) -> io::Result<()> {
    let (mut buffer, mut sent) = (Vec::new(), 0);
    while from.read_buf(&mut buffer).await? > 0 {
        while let Some(length) = message_length(&buffer) {
            stand_still_if_frozen(shared).await;
            let request: Vec<u8> = buffer.drain(..length).collect();
            match shared.judge(&request) {
                Verdict::Pass => {}
                Verdict::Fault(fault) if fault.is_after() => swallowed.store(sent, Ordering::SeqCst),
                Verdict::Fault(fault) => return happen(shared, fault).await,
            }
            sent += 1;
            to.write_all(&request).await?;
        }
    }
    Ok(())
}

async fn replies(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    swallowed: &AtomicU64,
) -> io::Result<()> {
    let (mut buffer, mut received) = (Vec::new(), 0);
    while from.read_buf(&mut buffer).await? > 0 {
        while let Some(length) = message_length(&buffer) {
            stand_still_if_frozen(shared).await;
            let reply: Vec<u8> = buffer.drain(..length).collect();
            if swallowed.load(Ordering::SeqCst) == received
                && let Some((_, fault)) = &shared.fault
            {
                return happen(shared, *fault).await;
            }
            received += 1;
            to.write_all(&reply).await?;
        }
    }
    Ok(())
}

/// Tells that the fault has happened; returns if it cuts the connection.
async fn happen(shared: &Shared, fault: ProxyFault) -> io::Result<()> {
    shared.hit.send_replace(true);
    if fault.freezes() {
        std::future::pending::<()>().await;
    }
    Ok(())
}

async fn stand_still_if_frozen(shared: &Shared) {
    if shared.is_frozen() {
        std::future::pending::<()>().await;
    }
}
