//! Beteiligte: a person or company taking part in a legal matter.

mod due;
mod ending;
mod policy;
pub mod stammdaten;
mod status;

pub use due::{Due, Queued, Scanned, due};
pub use ending::{Ending, StatusFields, after};
pub use policy::ConflictPolicy;
pub use status::SyncStatus;
