//! kanzleisync.

pub mod advoware;
pub mod beteiligte;
pub mod calendar;
#[cfg(test)]
mod client_tests;
pub mod clock;
pub mod error;
pub mod espocrm;
pub mod google;
pub mod health;
pub mod http;
pub mod hub;
mod json;
pub mod limits;
mod link;
pub mod queue;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
mod tls;
pub mod traces;
