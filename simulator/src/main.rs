//! The simulator as a program: a generated law firm behind both systems, for demos and for trying things by hand.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use serde_json::json;
use simulator::{Simulator, SimulatorConfig, generate, generate_calendar};
use tokio::signal::unix::{SignalKind, signal};

/// Stand-ins for Advoware, EspoCRM and Google Calendar. Prints one line of JSON with addresses and test credentials, then
/// serves.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, env = "SIMULATOR_LISTEN", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Seed of the generated law firm.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of Beteiligte.
    #[arg(long, default_value_t = 300)]
    size: usize,
    /// Number of employees with a calendar.
    #[arg(long, default_value_t = 0)]
    employees: usize,
    /// Termine of each employee.
    #[arg(long, default_value_t = 150)]
    appointments_each: usize,
    /// Time every call takes.
    #[arg(long, default_value_t = 0)]
    latency_milliseconds: u64,
    /// Where to write the key file of Google's service account.
    #[arg(long)]
    google_key_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::WARN).init();
    let arguments = Arguments::parse();
    let sim = Simulator::start(SimulatorConfig {
        listen: arguments.listen,
        seed: arguments.seed,
        advoware_latency_milliseconds: arguments.latency_milliseconds,
        espocrm_latency_milliseconds: arguments.latency_milliseconds,
        google_latency_milliseconds: arguments.latency_milliseconds,
        ..SimulatorConfig::default()
    })
    .await?;
    sim.load(&generate(arguments.seed, arguments.size));
    let today = sim.clock().now().date_naive();
    sim.load_calendar(&generate_calendar(arguments.seed, arguments.employees, arguments.appointments_each, today));
    if let Some(path) = &arguments.google_key_file {
        sim.google().write_service_account(path)?;
    }
    let about = json!({ "addresses": sim.addresses(), "credentials": sim.credentials() });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{about}")?;
    out.flush()?;
    drop(out);

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    sim.stop().await;
    Ok(())
}
