//! Beteiligte: a person or company taking part in a legal matter.

mod ending;
pub mod stammdaten;
mod status;

pub use ending::{Ending, StatusFields, after};
pub use status::SyncStatus;
