//! Beteiligte: a person or company taking part in a legal matter.

mod ending;
mod policy;
pub mod stammdaten;
mod status;

pub use ending::{Ending, StatusFields, after};
pub use policy::ConflictPolicy;
pub use status::SyncStatus;
