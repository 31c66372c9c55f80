//! Beteiligte: a person or company taking part in a legal matter.

mod status;

pub use status::SyncStatus;
