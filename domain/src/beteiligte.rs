//! Beteiligte: a person or company taking part in a legal matter.

pub mod stammdaten;
mod status;

pub use status::SyncStatus;
