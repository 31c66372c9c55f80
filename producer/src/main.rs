//! `kanzleisync-producer`: serves webhooks and scans, or carries out one command. All settings come from the environment.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use producer::cli::Cli;
use shared::settings::Source;

fn main() -> ExitCode {
    match producer::execute(Cli::parse(), &Source::environment()) {
        Ok(code) => code,
        Err(error) => {
            // Not to the logs: they may not be set up yet, and a command's message is for the person who gave it.
            let _ = writeln!(std::io::stderr().lock(), "kanzleisync-producer: {error}");
            ExitCode::from(2)
        }
    }
}
