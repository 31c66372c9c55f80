//! The producer: turns events into jobs. Webhooks of EspoCRM, a scan that finds what they missed, the calendars' schedule, and the
//! command line.

mod api;
mod auth;
mod body;
pub mod cli;
mod command;
mod console;
mod listing;
mod operator;
mod printable;
mod program;
mod quota;
mod retention;
mod scan;
mod schedule;
mod verify;
mod webhook;

pub use api::{Api, FullSyncRequests, MAX_API_BODY_BYTES};
pub use auth::Gate;
pub use command::{CommandError, execute};
pub use program::{ProgramError, run};
pub use scan::ScanRequests;
pub use webhook::{Intake, MAX_BODY_BYTES};
