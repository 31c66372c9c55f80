//! `make bench`: syncs per second and memory of one worker process, beside the bounds that physics sets.
//!
//! The worker is the real program. The simulator is a process of its own, and so are Redis and PostgreSQL; all of them
//! share the machine's cores with the worker, which is why every row also tells what the worker itself used of them.
#![expect(clippy::cast_precision_loss, reason = "counts of jobs and KiB, for people: far below 2^52")]

mod case;
mod firm;
mod machine;
mod measure;
mod reference;
mod report;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::{Error, Result, interrupted};
use case::CASES;
use firm::Firm;
use machine::Machine;
use reference::Reference;
use report::Report;

/// Where the result goes beside standard output.
#[derive(Debug, Default)]
struct Options {
    markdown: Option<PathBuf>,
}

/// Runs the benchmarks: exit code 0 when every goal is met, 1 when one is missed, 2 when they could not be run.
pub async fn main(arguments: Vec<String>) -> ExitCode {
    let outcome = tokio::select! {
        outcome = run(&arguments) => outcome,
        signal = interrupted() => {
            eprintln!("interrupted{}", signal.err().map(|error| format!(": {error}")).unwrap_or_default());
            return ExitCode::from(130);
        }
    };
    match outcome {
        Ok(report) if report.goals_are_met() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("kanzleisync-bench: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: &[String]) -> Result<Report> {
    let options = read_options(arguments)?;
    let machine = Machine::look()?.with_versions().await?;
    println!("{}\n", machine.line());
    let firm = Firm::start().await?;
    println!("{}", firm.set_up_line());

    let mut report = Report::new(machine);
    for case in CASES {
        let measured = measure::run(&firm, case).await?;
        let reference = match case.latency_milliseconds {
            0 => Some(Reference::measure(&firm, case).await?),
            _ => None,
        };
        report.add(case, measured, reference);
        if std::io::stderr().is_terminal() {
            eprint!("\r{} of {} measured", report.rows(), CASES.len());
        }
    }
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[2K");
    }
    println!("\n{}", report.to_text());
    if let Some(path) = options.markdown {
        std::fs::write(&path, report.to_markdown())?;
        println!("written to {}", path.display());
    }
    Ok(report)
}

fn read_options(arguments: &[String]) -> Result<Options> {
    match arguments {
        [] => Ok(Options::default()),
        [flag, path] if flag == "--markdown" => Ok(Options { markdown: Some(path.into()) }),
        _ => Err(Error::new("usage: kanzleisync-bench [--markdown FILE]")),
    }
}
