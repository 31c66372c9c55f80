//! Beteiligte: a person or company taking part in a legal matter.

mod policy;
mod status;

pub use policy::ConflictPolicy;
pub use status::SyncStatus;
