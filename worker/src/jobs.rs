//! Job handlers. Each loads, asks the domain for a plan, applies it, records it.

mod audit;
mod beteiligte_sync;
mod kommunikation_sync;
mod outage;
mod stop;

pub use beteiligte_sync::{BeteiligteJobs, MAX_ROUNDS};
