//! What can go wrong with the queue itself.

/// The queue could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Redis could not be reached, or refused. Jobs are where they were.
    #[error("redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// Redis did not answer while this process was ending; what it held is taken up by others.
    #[error("redis did not answer: what this process held is taken up by others within seconds")]
    Away,
    /// A script answered something that is not in its contract: the keys were written by somebody else, or by a later version.
    #[error("the queue's script `{0}` gave an unknown answer")]
    Answer(&'static str),
}
