//! Reading a request's body, bounded in size and time.

use std::time::Duration;

use axum::body::Body;
use futures::StreamExt;

/// How large a body may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    /// What is taken.
    pub(crate) taken_bytes: usize,
    /// How much of a larger one is still read, and thrown away: a sender whose connection is cut while it writes does not see the
    /// answer.
    pub(crate) drained_bytes: usize,
}

/// EspoCRM gives a whole exchange 10 s.
const TIME_LIMIT: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// More than is taken.
    TooLarge,
    /// The sender went away.
    Incomplete,
    /// Not there within the time limit.
    TooSlow,
}

/// The whole body.
pub(crate) async fn read(body: Body, limits: BodyLimits) -> Result<Vec<u8>, BodyError> {
    tokio::time::timeout(TIME_LIMIT, collect(body, limits)).await.unwrap_or(Err(BodyError::TooSlow))
}

async fn collect(body: Body, limits: BodyLimits) -> Result<Vec<u8>, BodyError> {
    let BodyLimits { taken_bytes, drained_bytes } = limits;
    let mut chunks = body.into_data_stream();
    let (mut kept, mut received_bytes) = (Vec::new(), 0);
    while let Some(chunk) = chunks.next().await {
        // What was too large before the connection broke is too large all the same.
        let Ok(chunk) = chunk else {
            return Err(if received_bytes > taken_bytes { BodyError::TooLarge } else { BodyError::Incomplete });
        };
        received_bytes += chunk.len();
        if received_bytes <= taken_bytes {
            kept.extend_from_slice(&chunk);
        } else if received_bytes <= drained_bytes {
            kept = Vec::new();
        } else {
            break;
        }
    }
    if received_bytes > taken_bytes { Err(BodyError::TooLarge) } else { Ok(kept) }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io;

    use futures::stream;

    use super::*;

    const LIMITS: BodyLimits = BodyLimits { taken_bytes: 3 * 1024 * 1024, drained_bytes: 16 * 1024 * 1024 };

    /// A body of chunks of 1 MiB and a rest.
    fn body_of(bytes: usize) -> Body {
        let chunk = 1024 * 1024;
        let sizes = std::iter::repeat_n(chunk, bytes / chunk).chain([bytes % chunk]);
        Body::from_stream(stream::iter(sizes.map(|size| Ok::<_, Infallible>(vec![b' '; size]))))
    }

    #[tokio::test]
    async fn bodies_up_to_the_limit_are_taken_whole() {
        assert_eq!(read(Body::empty(), LIMITS).await, Ok(Vec::new()));
        assert_eq!(read(body_of(LIMITS.taken_bytes), LIMITS).await.map(|body| body.len()), Ok(LIMITS.taken_bytes));
    }

    #[tokio::test]
    async fn larger_ones_are_told_apart_also_endless_ones() {
        assert_eq!(read(body_of(LIMITS.taken_bytes + 1), LIMITS).await, Err(BodyError::TooLarge));
        let endless = stream::repeat_with(|| Ok::<_, Infallible>(vec![b' '; 1024 * 1024]));
        assert_eq!(read(Body::from_stream(endless), LIMITS).await, Err(BodyError::TooLarge));
    }

    #[tokio::test]
    async fn a_sender_that_goes_away_is_told_from_a_body_that_is_done() {
        let broken = || Err(io::Error::from(io::ErrorKind::ConnectionReset));
        let cut = stream::iter([Ok(vec![b'[']), broken()]);
        assert_eq!(read(Body::from_stream(cut), LIMITS).await, Err(BodyError::Incomplete));
        let cut = stream::iter([Ok(vec![b' '; LIMITS.taken_bytes + 1]), broken()]);
        assert_eq!(read(Body::from_stream(cut), LIMITS).await, Err(BodyError::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_that_stalls_is_not_waited_for() {
        let stalled = stream::pending::<Result<Vec<u8>, Infallible>>();
        assert_eq!(read(Body::from_stream(stalled), LIMITS).await, Err(BodyError::TooSlow));
    }
}
