//! What a command did, for people and for machines.

use std::io::Write;
use std::process::ExitCode;

use serde_json::Value;

use crate::printable::{visible_json, visible_lines};

/// The outcome of a command.
#[derive(Debug, PartialEq)]
pub(super) struct Report {
    /// One line for people.
    pub(super) text: String,
    /// The same for machines (`--json`).
    pub(super) json: Value,
    /// Whether somebody should look at something: exit code 1.
    pub(super) found_something: bool,
}

impl Report {
    /// One report of several, each about one employee.
    pub(super) fn of_employees(reports: Vec<Self>) -> Self {
        let found_something = reports.iter().any(|report| report.found_something);
        let texts: Vec<&str> = reports.iter().map(|report| report.text.as_str()).collect();
        let text = if texts.is_empty() { "no employee's calendar is synced".to_owned() } else { texts.join("\n") };
        Self { text, json: reports.into_iter().map(|report| report.json).collect(), found_something }
    }

    pub(super) fn print(&self, as_json: bool) -> std::io::Result<()> {
        let mut output = std::io::stdout().lock();
        if as_json {
            writeln!(output, "{}", visible_json(&self.json.to_string()))
        } else {
            writeln!(output, "{}", visible_lines(&self.text))
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(self.found_something))
    }
}
