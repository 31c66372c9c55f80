//! The integration suite: one binary, one module per subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a broken assumption should fail the test"
)]

mod bad_input;
mod edits;
mod faults;
mod harness_programs;
mod harness_servers;
mod harness_survivors;
mod operators;
mod privacy;
mod races;
mod sweep;
mod synced;
mod triggers;
