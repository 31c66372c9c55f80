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
mod calendar;
mod calendar_blocked;
mod calendar_commands;
mod calendar_converge;
mod calendar_cost;
mod calendar_evidence;
mod calendar_faults;
mod calendar_firm;
mod calendar_kill_sweep;
mod calendar_oddities;
mod calendar_others;
mod calendar_policy;
mod calendar_producer;
mod calendar_race_sweep;
mod calendar_rebuild;
mod calendar_schedule;
mod calendar_times;
mod commands;
mod console_answers;
mod console_browser;
mod console_calendars;
mod console_pages;
mod console_security;
mod converge;
mod creation;
mod doctor;
mod edits;
mod faults;
mod firms;
mod google_client;
mod harness_programs;
mod harness_servers;
mod harness_survivors;
mod harness_worlds;
mod kill_sweep;
mod limits;
mod monitoring;
mod operator_actions;
mod operators;
mod postgres_roles;
mod privacy;
mod queue_faults;
mod queue_kills;
mod race_sweep;
mod races;
mod redis_addresses;
mod scan;
mod stammdaten;
mod stammdaten_writes;
mod sweep;
mod synced;
mod traces;
mod triggers;
mod verify;
mod visitor;
mod webhooks_command;
