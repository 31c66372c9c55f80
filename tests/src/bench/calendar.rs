//! Calendars: a firm of 50 employees with 1,000 Termine each, synced for the first time, with nothing to do, and with one in a hundred
//! changed.

mod firm;

use std::time::Duration;

use tokio::time::Instant;

use super::Part;
use crate::table::{Table, grouped};
use crate::{Error, Result};
use firm::{CalendarFirm, Calls};

const EMPLOYEES: usize = 50;
const TERMINE_EACH: usize = 1_000;
/// Of each employee's Termine.
const CHANGED_EACH: usize = TERMINE_EACH / 100;
/// `WORKER_CONCURRENCY`: a quarter of it are calendar jobs.
const CONCURRENCY: usize = 64;
const AT_ONCE: usize = CONCURRENCY / 4;
/// Rows that one job writes at once.
const ROWS_AT_ONCE: usize = 4;
const LATENCY: Duration = Duration::from_millis(100);
/// A run with nothing to do comes at least this near to what the lists alone take.
const BOUND_SHARE: f64 = 0.5;
/// How much more memory five times as many employees may take, one job at a time.
const GROWTH_MIB: f64 = 4.0;

/// One row of the result.
struct Measured {
    work: &'static str,
    took: Duration,
    bound: Duration,
    calls: Calls,
    worker_time: Duration,
    peak_kib: u64,
}

pub(super) async fn run() -> Result<Part> {
    let firm = CalendarFirm::start(EMPLOYEES, TERMINE_EACH).await?;
    let mut rows = Vec::new();
    rows.push(firm_case(&firm, "first sync", 0).await?);
    // Google tells our own first writes once more; from here on there is nothing.
    firm.sync_all(CONCURRENCY).await?;
    rows.push(firm_case(&firm, "nothing to do", 0).await?);
    rows.push(firm_case(&firm, "one in a hundred changed", CHANGED_EACH).await?);
    firm.sync_all(CONCURRENCY).await?;
    let lists_alone = firm.lists_alone(AT_ONCE).await?;
    let statements = firm.statements_per_run().await?;
    let growth_kib = firm.growth_with_employees().await?;
    Ok(report(&rows, lists_alone, statements, growth_kib))
}

async fn firm_case(firm: &CalendarFirm, work: &'static str, changed_each: usize) -> Result<Measured> {
    let worker = firm.worker(CONCURRENCY, "warn").await?;
    firm.change_termine(changed_each).await?;
    firm.set_latency(LATENCY).await?;
    firm.forget_calls().await?;
    let worker_before = super::machine::processor_time(worker.pid());
    let started = Instant::now();
    firm.enqueue_all().await?;
    firm.drained().await?;
    let took = started.elapsed();
    let worker_time = super::machine::processor_time(worker.pid()).saturating_sub(worker_before);
    let peak_kib = worker.pid().peak_resident_kib().ok_or_else(|| Error::new("the worker has ended"))?;
    firm.set_latency(Duration::ZERO).await?;
    let calls = firm.calls().await?;
    firm.stop(worker).await?;
    // Jobs one after the other in so many rooms: a look, then their writes, so many at once.
    let writes_each = calls.writes.div_ceil(EMPLOYEES);
    let in_a_row = rounds(EMPLOYEES, AT_ONCE) * (1 + rounds(writes_each, ROWS_AT_ONCE));
    Ok(Measured { work, took, bound: LATENCY * in_a_row, calls, worker_time, peak_kib })
}

fn rounds(calls: usize, at_once: usize) -> u32 {
    u32::try_from(calls.div_ceil(at_once)).unwrap_or(u32::MAX)
}

fn report(rows: &[Measured], lists_alone: Duration, statements: (f64, f64), growth_kib: u64) -> Part {
    let mut table = Table::default();
    table.head(["work", "seconds", "bound", "share", "reads", "writes", "worker CPU", "peak"]);
    for row in rows {
        table.row([
            row.work.to_owned(),
            format!("{:.1}", row.took.as_secs_f64()),
            format!("{:.1}", row.bound.as_secs_f64()),
            format!("{:.0} %", 100.0 * share(row)),
            grouped(row.calls.reads as u64),
            grouped(row.calls.writes as u64),
            format!("{:.1} s", row.worker_time.as_secs_f64()),
            format!("{:.1} MiB", row.peak_kib as f64 / 1024.0),
        ]);
    }
    let goals = goals(rows, lists_alone, statements, growth_kib);
    let lines: Vec<String> = goals.iter().map(|(goal, met)| super::report::line(goal, *met)).collect();
    let legend = format!(
        "{EMPLOYEES} employees with {} Termine each and those of everybody, {} ms for every outside call; one worker, {CONCURRENCY} jobs at once, a \
         quarter of them calendars; Google's quota and Advoware's limit wide open. *bound*: calls that must follow each other x latency, with \
         {AT_ONCE} jobs of {ROWS_AT_ONCE} writes at once.",
        grouped(TERMINE_EACH as u64),
        LATENCY.as_millis()
    );
    let listed: Vec<String> = lines.iter().map(|line| format!("- {line}")).collect();
    Part {
        text: format!("{legend}\n\n{}\n{}\n", table.to_text(str::to_owned), lines.join("\n")),
        markdown: format!("## Calendar\n\n{legend}\n\n{}\n{}\n", table.to_markdown(), listed.join("\n")),
        goals_are_met: goals.iter().all(|(_, met)| *met),
    }
}

fn share(row: &Measured) -> f64 {
    row.bound.as_secs_f64() / row.took.as_secs_f64()
}

fn goals(rows: &[Measured], lists_alone: Duration, (few, many): (f64, f64), growth_kib: u64) -> Vec<(String, bool)> {
    let mut goals = Vec::new();
    for row in rows {
        match row.work {
            "nothing to do" => {
                let per_run = row.calls.reads as f64 / EMPLOYEES as f64;
                let is_met = row.calls.writes == 0 && row.calls.reads == 2 * EMPLOYEES;
                goals.push((format!("nothing to do: {per_run:.1} calls per employee, no write (goal: 2)"), is_met));
                // Without latency, as the simulator has to search all Termine of the firm for each list.
                let share = lists_alone.as_secs_f64() / row.took.as_secs_f64();
                let goal = format!(
                    "nothing to do: {:.0} % of what Advoware's lists alone take, asked by the benchmark itself in {:.1} s (goal: at least {:.0} %)",
                    100.0 * share,
                    lists_alone.as_secs_f64(),
                    100.0 * BOUND_SHARE
                );
                goals.push((goal, share >= BOUND_SHARE));
            }
            "one in a hundred changed" => {
                let writes = EMPLOYEES * CHANGED_EACH;
                let is_met = row.calls.writes == writes && row.calls.reads == 2 * EMPLOYEES;
                goals
                    .push((format!("{writes} changed: {} writes (goal: one each, no read)", row.calls.writes), is_met));
            }
            _ => {}
        }
    }
    goals.push((
        format!("SQL statements of a run with nothing to do: {few:.0} with few rows, {many:.0} with {TERMINE_EACH} (goal: as many)"),
        (few - many).abs() < 0.5,
    ));
    let growth = growth_kib as f64 / 1024.0;
    goals.push((
        format!(
            "memory, one job at a time: {growth:.1} MiB more for {EMPLOYEES} employees than for {} (goal: at most {GROWTH_MIB:.0} MiB)",
            EMPLOYEES / 5
        ),
        growth <= GROWTH_MIB,
    ));
    goals
}
