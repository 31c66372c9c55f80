//! `doctor`: looks at everything that a sync stands on, at once, and says of each what is wrong and what to do. Writes nothing anywhere but
//! Advoware's token, which all share, into Redis.

mod facts;
mod finding;
mod judge;
mod look;
mod trouble;

use serde_json::json;
use shared::settings::{LogFormat, LogSettings, Source};

use super::report::Report;
use super::table::table;
use super::{CommandError, block_on};
use crate::cli::Doctor;
use finding::{Finding, Level};
use look::Settings;

/// Wrong settings do not stop it: what they leave out is told, and the rest is looked at.
pub(super) fn look_at_everything(source: &Source, arguments: &Doctor) -> Result<Report, CommandError> {
    let log = LogSettings::read(source);
    let log = log.unwrap_or_else(|_| LogSettings { format: LogFormat::Text, filter: "warn".to_owned(), traces: None });
    let settings = Settings::read(source);
    block_on(&log, async {
        let facts = Box::pin(look::everything(&settings, arguments.timeout)).await;
        Ok(report(&judge::findings(&facts)))
    })
}

fn report(findings: &[Finding]) -> Report {
    let count = |level: Level| findings.iter().filter(|finding| finding.level == level).count();
    let (ok, warnings, problems) = (count(Level::Ok), count(Level::Warning), count(Level::Problem));
    let row = |finding: &Finding| {
        [finding.level.name().to_owned(), finding.area.name().to_owned(), finding.found.clone(), finding.advice.clone()]
    };
    let rows: Vec<_> = findings.iter().map(row).collect();
    let lines = [
        table(["STATE", "OF", "FOUND", "WHAT TO DO"], &rows),
        format!("{}, {}, {ok} fine", counted(problems, "problem"), counted(warnings, "warning")),
    ];
    Report {
        text: lines.join("\n"),
        json: json!({"problems": problems, "warnings": warnings, "ok": ok, "findings": findings}),
        found_something: problems + warnings > 0,
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
