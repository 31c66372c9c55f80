//! One connection through the proxy. PostgreSQL says once after each point, and after what is none, that it is ready, in their
//! order, so the answer to a point is known by its number.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::message::{Ended, Statements, asks_for_tls, length};
use super::{PostgresHold, Shared};

const NONE: u64 = u64::MAX;
const READY_FOR_QUERY: u8 = b'Z';
/// What is answered to the question for TLS: no, go on in plain.
const NO_TLS: &[u8] = b"N";

/// Carries until an end closes.
pub(super) async fn carry(client: TcpStream, server: TcpStream, shared: Arc<Shared>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Number, on this connection, of the answer that is held.
    let held = AtomicU64::new(NONE);
    let Ok((from_client, to_client, to_server)) = begin(from_client, to_client, to_server).await else { return };
    // Either way's end is the connection's: both halves are dropped with it.
    tokio::select! {
        _ = requests(from_client, to_server, &shared, &held) => {}
        _ = answers(from_server, to_client, &shared, &held) => {}
    }
}

/// The first message, with the question for TLS before it answered here.
async fn begin(
    mut from: OwnedReadHalf,
    mut back: OwnedWriteHalf,
    mut to: OwnedWriteHalf,
) -> io::Result<(OwnedReadHalf, OwnedWriteHalf, OwnedWriteHalf)> {
    loop {
        let mut buffer = vec![0; 4];
        from.read_exact(&mut buffer).await?;
        let size = u32::from_be_bytes([buffer[0], buffer[1], buffer[2], buffer[3]]);
        let size = usize::try_from(size).map_err(io::Error::other)?;
        buffer.resize(size, 0);
        from.read_exact(&mut buffer[4..]).await?;
        if !asks_for_tls(&buffer) {
            to.write_all(&buffer).await?;
            return Ok((from, back, to));
        }
        back.write_all(NO_TLS).await?;
    }
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    held: &AtomicU64,
) -> io::Result<()> {
    let (mut buffer, mut batch, mut sent) = (Vec::new(), Vec::new(), 0);
    let mut statements = Statements::default();
    while from.read_buf(&mut buffer).await? > 0 {
        while let Some(length) = length(&buffer, true) {
            let message: Vec<u8> = buffer.drain(..length).collect();
            let kind = message[0];
            let ended = statements.read(&message);
            batch.extend(message);
            if ended != Ended::Nothing {
                shared.wait_while_held().await;
            }
            if let Ended::Point(statement) = &ended {
                match shared.note(statement) {
                    Some(PostgresHold::Before(_)) => shared.hold().await,
                    Some(PostgresHold::After(_)) => held.store(sent, Ordering::SeqCst),
                    None => {}
                }
            }
            if ended != Ended::Nothing {
                sent += 1;
            }
            // Parts of a point wait for its end; everything else (password, flush, copied data, good-bye) cannot.
            if !matches!(kind, b'P' | b'B' | b'D' | b'E' | b'C') {
                to.write_all(&batch).await?;
                batch.clear();
            }
        }
    }
    Ok(())
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, held: &AtomicU64) -> io::Result<()> {
    let (mut buffer, mut batch) = (Vec::new(), Vec::new());
    // The first "ready" ends the log-in.
    let mut ready: Option<u64> = None;
    while from.read_buf(&mut buffer).await? > 0 {
        while let Some(length) = length(&buffer, true) {
            let kind = buffer[0];
            batch.extend(buffer.drain(..length));
            let is_held = ready.is_some_and(|ready| held.load(Ordering::SeqCst) == ready);
            if kind == READY_FOR_QUERY {
                if is_held {
                    shared.hold().await;
                }
                ready = Some(ready.map_or(0, |ready| ready + 1));
            }
            if kind == READY_FOR_QUERY || !is_held {
                shared.wait_while_held().await;
                to.write_all(&batch).await?;
                batch.clear();
            }
        }
    }
    Ok(())
}
