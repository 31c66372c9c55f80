//! The result, for a terminal and as a document.

use super::case::{Case, Work};
use super::measure::Measured;
use super::reference::Reference;
use crate::table::{Table, grouped};

/// At 100 ms and concurrency 64 a worker with nothing to write comes at least this near to the bound.
const BOUND_SHARE: f64 = 0.8;
/// The most memory a worker may hold.
const PEAK_RESIDENT_MIB: f64 = 60.0;
/// Longest time for a full scan with nothing to do.
const FULL_SCAN_SECONDS: f64 = 20.0;
/// How much worker and producer together may grow in the last three quarters of it.
const FULL_SCAN_GROWTH_MIB: f64 = 4.0;

/// What the columns mean; the same words in both forms.
const LEGEND: [&str; 8] = [
    "*at once*: jobs at once in the one worker process; *ms*: time that every outside call takes.",
    "*bound*: what cannot be beaten. With latency: concurrency / (round trips x latency), one round trip for an unchanged \
     record, seven for one with a change. Without: pairs of plain GETs, sent by the benchmark itself to the same simulator at \
     the same concurrency.",
    "*share*: measured / bound.",
    "*one run*: mean time from claiming a job to its written outcome, by the worker's own histogram; only fetching is outside.",
    "*worker CPU*, *simulator CPU*: processor time per sync. Worker, simulator, Redis, PostgreSQL and the benchmark share the \
     cores, so without latency the worker has only what the others leave.",
    "*peak*: the most memory the worker ever held (resident, start-up included).",
    "*full scan*: a producer is asked to sync everybody (`POST /beteiligte/sync`); the clock runs from the question, over the 51 \
     pages of EspoCRM's list, to the end of the last run.",
    "Every job has a record of its own, all others are enqueued at once, and the simulator's journal is checked: two calls per \
     unchanged record and no write, nine calls per changed one.",
];

#[derive(Default)]
pub(super) struct Report {
    rows: Vec<(Case, Measured, Option<Reference>)>,
}

impl Report {
    pub(super) fn add(&mut self, case: Case, measured: Measured, reference: Option<Reference>) {
        self.rows.push((case, measured, reference));
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn goals_are_met(&self) -> bool {
        self.goals().iter().all(|(_, met)| *met)
    }

    pub(super) fn to_text(&self) -> String {
        let goals: Vec<String> = self.goals().into_iter().map(|(goal, met)| line(&goal, met)).collect();
        format!("{}\n{}\n", self.table().to_text(str::to_owned), goals.join("\n"))
    }

    /// `## Sync` and what belongs below it.
    pub(super) fn to_markdown(&self) -> String {
        let goals: Vec<String> =
            self.goals().into_iter().map(|(goal, met)| format!("- {}", line(&goal, met))).collect();
        let legend: Vec<String> = LEGEND.iter().map(|line| format!("- {line}")).collect();
        format!(
            "## Sync\n\nOne worker process.\n\n{}\n{}\n\n{}\n",
            self.table().to_markdown(),
            goals.join("\n"),
            legend.join("\n"),
        )
    }

    fn table(&self) -> Table {
        let mut table = Table::default();
        table.head([
            "work",
            "at once",
            "ms",
            "jobs",
            "syncs/s",
            "bound",
            "share",
            "one run",
            "worker CPU",
            "simulator CPU",
            "peak",
        ]);
        for (case, measured, reference) in &self.rows {
            let bound = bound(case, *reference);
            table.row([
                case.work.name().to_owned(),
                case.concurrency.to_string(),
                case.latency_milliseconds.to_string(),
                grouped(case.jobs as u64),
                format!("{:.0}", measured.syncs_per_second),
                bound.map_or_else(String::new, |bound| format!("{bound:.0}")),
                bound.map_or_else(String::new, |bound| format!("{:.0} %", 100.0 * measured.syncs_per_second / bound)),
                format!("{:.1} ms", 1000.0 * measured.run.as_secs_f64()),
                format!("{:.2} ms", 1000.0 * measured.worker_time.as_secs_f64()),
                format!("{:.2} ms", 1000.0 * measured.simulator_time.as_secs_f64()),
                format!("{:.1} MiB", mib(measured)),
            ]);
        }
        table
    }

    /// Each goal in words with its figure, and whether it is met.
    fn goals(&self) -> Vec<(String, bool)> {
        let speed = self.rows.iter().find(|(case, ..)| {
            case.work == Work::Unchanged && case.concurrency == 64 && case.latency_milliseconds == 100
        });
        let speed = speed.map(|(case, measured, reference)| {
            let share = bound(case, *reference).map_or(0.0, |bound| measured.syncs_per_second / bound);
            let goal = format!(
                "unchanged, 64 at once, 100 ms: {:.0} % of the bound (goal: at least {:.0} %)",
                100.0 * share,
                100.0 * BOUND_SHARE
            );
            (goal, share >= BOUND_SHARE)
        });
        let peak = self.rows.iter().map(|(_, measured, _)| mib(measured)).fold(0.0, f64::max);
        let memory = (
            format!("memory of the worker: at most {peak:.1} MiB (goal: below {PEAK_RESIDENT_MIB:.0} MiB)"),
            peak < PEAK_RESIDENT_MIB,
        );
        speed.into_iter().chain([memory]).chain(self.full_scan_goals()).collect()
    }

    fn full_scan_goals(&self) -> Vec<(String, bool)> {
        let Some((case, measured, _)) = self.rows.iter().find(|(case, ..)| case.work == Work::FullScan) else {
            return Vec::new();
        };
        let seconds = case.jobs as f64 / measured.syncs_per_second;
        let bound = case.bound_per_second().map_or(0.0, |bound| case.jobs as f64 / bound);
        let growth = measured.growth_kib.map_or(f64::INFINITY, |kib| kib as f64 / 1024.0);
        let jobs = grouped(case.jobs as u64);
        vec![
            (
                format!(
                    "full scan of {jobs} with nothing to do: {seconds:.1} s (goal: at most {FULL_SCAN_SECONDS:.0} s; bound {bound:.1} s)"
                ),
                seconds <= FULL_SCAN_SECONDS,
            ),
            (
                format!(
                    "memory in its last three quarters: worker and producer grew by {growth:.1} MiB (goal: at most \
                     {FULL_SCAN_GROWTH_MIB:.0} MiB)"
                ),
                growth <= FULL_SCAN_GROWTH_MIB,
            ),
        ]
    }
}

fn bound(case: &Case, reference: Option<Reference>) -> Option<f64> {
    case.bound_per_second().or(reference.map(|reference| reference.pairs_per_second))
}

fn mib(measured: &Measured) -> f64 {
    measured.peak_resident_kib as f64 / 1024.0
}

pub(super) fn line(goal: &str, met: bool) -> String {
    format!("{} {goal}", if met { "met:" } else { "MISSED:" })
}
