//! `kanzleisync-worker`: executes jobs until SIGTERM or Ctrl-C. All settings come from the environment.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use shared::settings::{Source, WorkerSettings};
use shared::telemetry;

/// Executes the jobs of the queue until SIGTERM or Ctrl-C.
///
/// It takes no arguments: settings come from the environment, docs/reference.md lists them. A setting that is missing or malformed is told
/// at the start, all at once. Any number of workers may run, on any machine that reaches Redis, PostgreSQL and the systems.
#[derive(Parser)]
#[command(name = "kanzleisync-worker", version)]
struct Arguments {}

fn main() -> ExitCode {
    // Answers --help and --version, and refuses what it does not know.
    let Arguments {} = Arguments::parse();
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Before the logs are set up, and for people who started it by hand.
            let _ = writeln!(std::io::stderr().lock(), "kanzleisync-worker: {error}");
            ExitCode::from(2)
        }
    }
}

fn start() -> Result<(), Box<dyn std::error::Error>> {
    let settings = WorkerSettings::read(&Source::environment())?;
    let traces = telemetry::init(&settings.log, "kanzleisync-worker")?;
    let metrics = telemetry::install_metrics()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let grace = settings.sync.shutdown_grace;
    let ended = runtime.block_on(async {
        let shutdown = shared::shutdown::on_signal()?;
        Ok(worker::run(settings, metrics, shutdown).await?)
    });
    traces.end(shared::shutdown::grace_left(grace));
    ended
}
