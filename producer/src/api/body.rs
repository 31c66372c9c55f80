//! A request's body: bounded in size and time, then read strictly. A misspelt field must not widen what is done.

use std::time::Duration;

use axum::body::Body;
use futures::StreamExt;
use serde::de::DeserializeOwned;

use super::Refusal;

/// Largest body that is taken: ids of some 50,000 records.
pub const MAX_API_BODY_BYTES: usize = 1024 * 1024;

/// How much of a larger one is still read: a sender whose connection is cut while it writes does not see the answer.
const MAX_READ_BYTES: usize = 8 * MAX_API_BODY_BYTES;

const TIME_LIMIT: Duration = Duration::from_secs(15);

/// The whole body.
pub(super) async fn read(body: Body) -> Result<Vec<u8>, Refusal> {
    tokio::time::timeout(TIME_LIMIT, collect(body)).await.unwrap_or(Err(Refusal::TooSlow))
}

async fn collect(body: Body) -> Result<Vec<u8>, Refusal> {
    let mut chunks = body.into_data_stream();
    let (mut kept, mut received_bytes) = (Vec::new(), 0);
    while received_bytes <= MAX_READ_BYTES
        && let Some(chunk) = chunks.next().await
    {
        let chunk = chunk.map_err(|_| Refusal::Incomplete)?;
        received_bytes += chunk.len();
        if received_bytes <= MAX_API_BODY_BYTES {
            kept.extend_from_slice(&chunk);
        }
    }
    if received_bytes > MAX_API_BODY_BYTES { Err(Refusal::TooLarge) } else { Ok(kept) }
}

/// The object in a body, which should have been as `expected` says.
pub(super) fn object<T: DeserializeOwned>(body: &[u8], expected: &str) -> Result<T, Refusal> {
    // The library would also take the fields without their names, as an array.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Refusal::Invalid(format!("the body is no JSON object: {expected}")));
    }
    // Its own text may quote what was sent; the place is enough to find it.
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Refusal::Invalid(format!("the body is not understood from line {line}, column {column} on: {expected}"))
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io;

    use futures::stream;

    use super::*;

    #[tokio::test]
    async fn bodies_up_to_the_limit_are_taken_whole_and_larger_ones_are_told_apart() {
        let of = |bytes: usize| Body::from(vec![b' '; bytes]);
        assert_eq!(read(of(MAX_API_BODY_BYTES)).await.map(|body| body.len()), Ok(MAX_API_BODY_BYTES));
        assert_eq!(read(of(MAX_API_BODY_BYTES + 1)).await, Err(Refusal::TooLarge));
        let endless = stream::repeat_with(|| Ok::<_, Infallible>(vec![b' '; 1024 * 1024]));
        assert_eq!(read(Body::from_stream(endless)).await, Err(Refusal::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_that_goes_away_or_stalls_is_told_from_a_body_that_is_done() {
        let cut = stream::iter([Ok(vec![b'{']), Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
        assert_eq!(read(Body::from_stream(cut)).await, Err(Refusal::Incomplete));
        let stalled = stream::pending::<Result<Vec<u8>, Infallible>>();
        assert_eq!(read(Body::from_stream(stalled)).await, Err(Refusal::TooSlow));
    }
}
