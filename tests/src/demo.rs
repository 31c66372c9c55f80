//! `make demo`: the whole product at work on a generated law firm, told for somebody who sees it for the first time.
//!
//! Everything is real but the outside systems: two workers and the producer are the programs that would be deployed, with
//! Redis and PostgreSQL of their own. At the end both sides are compared from the outside, by the simulator's state alone.

mod agreement;
mod arrival;
mod calendar;
mod firm;
mod phases;
mod progress;
mod report;
mod tally;

use std::process::ExitCode;

use crate::{Result, interrupted};
use firm::Firm;
use progress::Progress;

/// What shells report for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Runs the demo: exit code 0 when both sides agree and the last run wrote nothing, else 1; 130 after Ctrl-C.
pub async fn main(arguments: Vec<String>) -> ExitCode {
    let keep = match arguments.as_slice() {
        [] => false,
        [flag] if flag == "--keep" => true,
        _ => {
            eprintln!("usage: kanzleisync-demo [--keep]");
            return ExitCode::FAILURE;
        }
    };
    // Whichever comes first, everything that was started is dropped with the future that holds it.
    let outcome = tokio::select! {
        outcome = run() => outcome,
        signal = interrupted() => {
            eprintln!("\nkanzleisync-demo: interrupted; what it had started is ended");
            return signal.map_or(ExitCode::FAILURE, |()| ExitCode::from(INTERRUPTED));
        }
    };
    let kept = match outcome {
        Ok((firm, is_fine)) if keep => firm.keep_until_interrupted().await.map(|()| is_fine),
        Ok((_, is_fine)) => Ok(is_fine),
        Err(error) => Err(error),
    };
    match kept {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("kanzleisync-demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers with all that is running, and whether it is as it should be.
async fn run() -> Result<(Firm, bool)> {
    let progress = Progress::start();
    let mut firm = Firm::start(&progress).await?;
    let phases = phases::all(&mut firm, &progress).await?;
    let agreement = agreement::compare(&firm).await?;
    let calendars = calendar::run(&firm, &progress).await?;
    let is_fine = report::tell(&phases, &agreement, &calendars, &progress);
    Ok((firm, is_fine))
}
