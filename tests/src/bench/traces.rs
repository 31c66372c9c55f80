//! What traces cost: the same syncs with `OTEL_EXPORTER_OTLP_ENDPOINT` set and not, in turns, in one run.

use std::time::Duration;

use super::Part;
use super::case::{Case, Work};
use super::firm::Firm;
use super::measure::{self, Measured};
use crate::Result;
use crate::collector::Collector;
use crate::table::{Table, grouped};

/// Each way, so many times.
const TURNS: usize = 3;
const CASE: Case = Case { work: Work::Unchanged, concurrency: 64, latency_milliseconds: 0, jobs: 5_000 };

pub(super) async fn run() -> Result<Part> {
    let mut firm = Firm::start().await?;
    let collector = Collector::start().await?;
    let (mut off, mut on) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        firm.set_traces(None);
        off.push(measure::run(&firm, CASE).await?);
        firm.set_traces(Some(collector.endpoint()));
        on.push(measure::run(&firm, CASE).await?);
    }
    Ok(report(&off, &on, collector.spans().len()))
}

/// Syncs per second, the worker's processor time for each, and the most memory that it held: the median of the turns.
fn medians(of: &[Measured]) -> (f64, Duration, f64) {
    let mut rates: Vec<f64> = of.iter().map(|one| one.syncs_per_second).collect();
    let mut times: Vec<Duration> = of.iter().map(|one| one.worker_time).collect();
    let mut peaks: Vec<u64> = of.iter().map(|one| one.peak_resident_kib).collect();
    rates.sort_by(f64::total_cmp);
    times.sort_unstable();
    peaks.sort_unstable();
    (rates[TURNS / 2], times[TURNS / 2], peaks[TURNS / 2] as f64 / 1024.0)
}

fn report(off: &[Measured], on: &[Measured], spans: usize) -> Part {
    let (off, on) = (medians(off), medians(on));
    let mut table = Table::default();
    table.head(["traces", "syncs/s", "worker CPU", "peak"]);
    for (name, (rate, time, peak)) in [("off", off), ("on", on)] {
        let time = format!("{:.2} ms", 1000.0 * time.as_secs_f64());
        table.row([name.to_owned(), format!("{rate:.0}"), time, format!("{peak:.1} MiB")]);
    }
    let ratio = on.1.as_secs_f64() / off.1.as_secs_f64();
    table.row([
        "on / off".to_owned(),
        format!("{:.2}", on.0 / off.0),
        format!("{ratio:.2}"),
        format!("{:.2}", on.2 / off.2),
    ]);
    let legend = format!(
        "The case “unchanged” of the sync part, {} at once, no latency, {} jobs, {TURNS} times each way in turns; medians. On: every run is \
         traced and sent to a collector that is part of the benchmark and shares the cores; it took {} spans.",
        CASE.concurrency,
        grouped(CASE.jobs as u64),
        grouped(spans as u64)
    );
    Part {
        text: format!("{legend}\n\n{}", table.to_text(str::to_owned)),
        markdown: format!("## Traces\n\n{legend}\n\n{}\n", table.to_markdown()),
        goals_are_met: true,
    }
}
