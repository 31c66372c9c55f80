//! What a job says: which entity, what is wanted of its run, and how long it waits after a failure.

mod args;
mod backoff;

pub use args::{BeteiligteSync, Wants};
pub use backoff::Backoff;
