//! The console of a large firm: every page of it, asked of a real producer while 100,000 jobs wait.

mod firm;
mod hub;
mod jobs;
mod outside;
mod pages;

use std::time::Duration;

use super::Part;
use super::report::line;
use crate::table::{Table, grouped};
use crate::{Error, Result};
use firm::{Answer, BETEILIGTE, EMPLOYEES, FEW_JOBS, Firm, JOBS};
use hub::{ACTIONS, ENTRIES_EACH, LONG_HISTORY, REQUESTS, ROWS_EACH};
use pages::Page;

/// Questions for each page, after one that warms it up.
const ASKED: usize = 30;
/// No page may take longer, whichever of its answers.
const WORST: Duration = Duration::from_millis(50);
/// How much longer a queue may take to tell its counts with all jobs than with few.
const COUNTS_RATIO: f64 = 2.0;

/// One row of the result.
struct Measured {
    name: String,
    /// In order, the shortest first.
    took: Vec<Duration>,
    bytes: usize,
}

struct Figures {
    pages: Vec<Measured>,
    /// Where a page leads or loads from outside.
    outside: Vec<String>,
    counts_took: [Duration; 2],
    hub_counts_took: Duration,
    /// Resident memory of the producer before the first page, after the last, and the most ever.
    memory_kib: [u64; 3],
}

pub(super) async fn run() -> Result<Part> {
    let firm = Firm::start().await?;
    let pages = pages::all(&firm).await?;
    let (before_kib, _) = firm.memory_kib()?;
    let mut measured = Vec::new();
    let mut outside = Vec::new();
    for page in &pages {
        let warm = asked(&firm, page).await?;
        outside.extend(outside_of(page, &warm));
        let mut took = Vec::with_capacity(ASKED);
        for _ in 0..ASKED {
            took.push(asked(&firm, page).await?.took);
        }
        took.sort_unstable();
        measured.push(Measured { name: page.name.clone(), took, bytes: warm.body.len() });
    }
    let (after_kib, peak_kib) = firm.memory_kib()?;
    Ok(report(&Figures {
        pages: measured,
        outside,
        counts_took: firm.counts_took,
        hub_counts_took: firm.hub_counts_took,
        memory_kib: [before_kib, after_kib, peak_kib],
    }))
}

/// A fast answer that is not the page would be no achievement.
async fn asked(firm: &Firm, page: &Page) -> Result<Answer> {
    let answer = firm.get(&page.path).await?;
    if answer.status == page.status && answer.body.contains(&page.says) {
        return Ok(answer);
    }
    Err(Error::new(format!("{page:?}: {}: {}", answer.status, answer.body)))
}

fn outside_of(page: &Page, answer: &Answer) -> Vec<String> {
    let found = match page.path.rsplit_once('.').map(|(_, kind)| kind) {
        Some(kind) if kind.starts_with("css") => outside::of_style(&answer.body),
        Some(kind) if kind.starts_with("js") => outside::of_script(&answer.body),
        _ => outside::of_page(&answer.body),
    };
    found.into_iter().chain(outside::of_policy(&answer.policy)).map(|what| format!("{}: {what}", page.name)).collect()
}

fn report(figures: &Figures) -> Part {
    let goals = goals(figures);
    let lines: Vec<String> = goals.iter().map(|(goal, met)| line(goal, *met)).collect();
    let listed: Vec<String> = lines.iter().map(|line| format!("- {line}")).collect();
    let [before, after, peak] = figures.memory_kib.map(|kib| kib as f64 / 1024.0);
    let memory = format!(
        "memory of the producer: {before:.1} MiB before the first page, {after:.1} MiB after the last, {peak:.1} MiB at most"
    );
    let counts = format!(
        "what pages show of the hub's counts is as old as ten seconds: the producer takes them once for all pages, in {:.0} ms",
        milliseconds(figures.hub_counts_took)
    );
    let legend = legend();
    let table = table(&figures.pages);
    Part {
        text: format!("{legend}\n\n{}\n{}\n{memory}\n{counts}\n", table.to_text(str::to_owned), lines.join("\n")),
        markdown: format!(
            "## Console\n\n{legend}\n\n{}\n{}\n\n- {memory}\n- {counts}\n",
            table.to_markdown(),
            listed.join("\n")
        ),
        goals_are_met: goals.iter().all(|(_, met)| *met),
    }
}

fn legend() -> String {
    format!(
        "{} jobs of Beteiligte in Redis ({} ready, {} running, {} delayed, {} dead), brought there by the queue itself. In PostgreSQL {} \
         Beteiligte in all states with {} audit entries, {} requests and {} actions of operators, the first one with {} of each; {EMPLOYEES} \
         employees with {} rows and as many audit entries each. One producer, logged in to by its form; each page asked for {ASKED} times, one \
         after the other, until its last byte was here. The plan of a record asks the simulated Advoware and EspoCRM, which answer at once.",
        grouped(JOBS.jobs() as u64),
        grouped((JOBS.events + JOBS.scans - JOBS.running) as u64),
        JOBS.running,
        grouped(JOBS.delayed as u64),
        grouped(JOBS.dead as u64),
        grouped(BETEILIGTE as u64),
        grouped(BETEILIGTE as u64 * ENTRIES_EACH as u64),
        grouped(REQUESTS as u64),
        grouped(ACTIONS as u64),
        grouped(LONG_HISTORY as u64),
        grouped(ROWS_EACH as u64),
    )
}

fn table(pages: &[Measured]) -> Table {
    let mut table = Table::default();
    table.head(["page", "median ms", "p95 ms", "worst ms", "KiB"]);
    for page in pages {
        table.row([
            page.name.clone(),
            format!("{:.1}", milliseconds(page.took[ASKED / 2])),
            format!("{:.1}", milliseconds(page.took[ASKED * 95 / 100])),
            format!("{:.1}", milliseconds(page.worst())),
            format!("{:.1}", page.bytes as f64 / 1024.0),
        ]);
    }
    table
}

impl Measured {
    fn worst(&self) -> Duration {
        self.took.last().copied().unwrap_or(Duration::MAX)
    }
}

fn goals(figures: &Figures) -> Vec<(String, bool)> {
    let slowest = figures.pages.iter().max_by_key(|page| page.worst());
    let slowest = slowest.map(|page| {
        let goal = format!(
            "slowest page's worst: {:.1} ms, {} (goal: at most {} ms)",
            milliseconds(page.worst()),
            page.name,
            WORST.as_millis()
        );
        (goal, page.worst() <= WORST)
    });
    let [few, all] = figures.counts_took.map(milliseconds);
    let counts = format!(
        "counts of a queue: {few:.2} ms with {} jobs, {all:.2} ms with {}, median (goal: at most {COUNTS_RATIO:.0} times as long)",
        grouped(FEW_JOBS as u64),
        grouped(JOBS.jobs() as u64)
    );
    let outside = if figures.outside.is_empty() { "nothing".to_owned() } else { figures.outside.join("; ") };
    let outside_goal = format!(
        "loaded from outside, or leading there but to a record in EspoCRM, on {} pages: {outside} (goal: nothing)",
        figures.pages.len()
    );
    slowest
        .into_iter()
        .chain([(counts, all <= few * COUNTS_RATIO), (outside_goal, figures.outside.is_empty())])
        .collect()
}

fn milliseconds(of: Duration) -> f64 {
    1000.0 * of.as_secs_f64()
}
