//! `kanzleisync-worker`: executes jobs until SIGTERM or Ctrl-C. All settings come from the environment.

use std::io::Write;
use std::process::ExitCode;

use shared::settings::{Source, WorkerSettings};
use shared::telemetry;

fn main() -> ExitCode {
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
