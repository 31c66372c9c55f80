//! Job handlers. Each loads, asks the domain for a plan, applies it, records it.

mod audit;
mod beteiligte_sync;
mod calendar_sync;
mod creation;
mod kommunikation_sync;
mod outage;
mod request;
mod restore;
mod run;
mod stammdaten_sync;
mod stop;
mod telling;

pub use beteiligte_sync::{BeteiligteJobs, MAX_ROUNDS};
pub use calendar_sync::CalendarJobs;
