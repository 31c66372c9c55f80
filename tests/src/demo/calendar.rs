//! The calendars of the firm: everybody for the first time, two employees anonymised and edits on both sides, and a run in which nothing
//! changed. Compared from the outside, by the simulator's state and the findings that the product itself tells.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use simulator::{CalendarVariant, JournalEntry, Operation, System, calendar_edit_script};

use super::firm::{Firm, SEED};
use super::progress::{Progress, Step};
use super::report::Verdict;
use crate::calendar::entry::Entry;
use crate::table::{Table, grouped};
use crate::{Error, Result, eventually};

pub(super) const EMPLOYEES: usize = 12;
pub(super) const TERMINE_EACH: usize = 150;
/// Each kind of edit four times.
const SCRIPT_LENGTH: usize = 44;
/// Employees whose copies say only when.
const ANONYMIZED: usize = 2;
/// Employees whose edits in Google count as much as those in Advoware.
const WRITING: usize = 6;
/// Longest wait for a phase; a slow machine needs a quarter of it.
const PHASE_WITHIN: Duration = Duration::from_mins(5);

/// What was seen of a phase.
struct Phase {
    name: &'static str,
    wall: Duration,
    google_reads: u64,
    google_writes: u64,
    advoware_reads: u64,
    advoware_writes: u64,
}

/// A line of the report, and how its cell is had from a phase.
type Figure = (&'static str, fn(&Phase) -> String);

/// What was seen of the calendars.
pub(super) struct Calendars {
    phases: Vec<Phase>,
    done: Vec<CalendarVariant>,
    /// Entries that both sides have.
    on_both_sides: u64,
    blocked: u64,
    /// Entries of one side alone, each told as a finding.
    told: u64,
    findings: BTreeMap<String, u64>,
    differences: Vec<String>,
    dead_jobs: u64,
}

pub(super) async fn run(firm: &Firm, progress: &Progress) -> Result<Calendars> {
    let employees = known(firm).await?;
    for kuerzel in employees.iter().take(WRITING) {
        let policy = ["--strategy", "last_change_wins", "--advoware-write", "on"];
        firm.producer_command(&[&["policy", "set", kuerzel.as_str()], policy.as_slice()].concat()).await?;
    }
    let mut phases = Vec::new();
    let step = progress.begin("calendars", None);
    phases.push(phase(firm, "first sync", step, 0).await?);

    for kuerzel in employees.iter().take(ANONYMIZED) {
        firm.producer_command(&["policy", "set", kuerzel, "--anonymize", "on"]).await?;
    }
    let mut step = progress.begin("their edits", Some(SCRIPT_LENGTH as u64));
    let before = firm.world().simulator.journal().last_sequence();
    let done = edit(firm, &mut step)?;
    // Of a Termin that several see, what one of them changed in Google reaches the others with their next run.
    firm.producer_command(&["enqueue", "calendar", "--all"]).await?;
    firm.calendars.run_until_quiet().await?;
    phases.push(phase(firm, "edits", step, before).await?);

    let step = progress.begin("nothing new", None);
    let before = firm.world().simulator.journal().last_sequence();
    phases.push(phase(firm, "nothing new", step, before).await?);
    compare(firm, &employees, phases, done).await
}

/// The producer asks Advoware who works there as soon as it serves.
async fn known(firm: &Firm) -> Result<Vec<String>> {
    let hub = &firm.calendars.hub;
    let known = eventually(PHASE_WITHIN, "the employees are known", async || {
        let employees = hub.employees().await.map_err(|error| Error::new(error.to_string()))?;
        if employees.len() == EMPLOYEES {
            return Ok(employees);
        }
        Err(Error::new(format!("{} employees are known", employees.len())))
    });
    Ok(known.await?.into_iter().map(|employee| employee.kuerzel.to_string()).collect())
}

async fn phase(firm: &Firm, name: &'static str, step: Step<'_>, since: u64) -> Result<Phase> {
    firm.producer_command(&["enqueue", "calendar", "--all"]).await?;
    firm.calendars.run_until_quiet().await?;
    let calls = firm.world().simulator.journal().since(since);
    let is_of_calendar = |call: &&JournalEntry| {
        matches!(
            call.operation,
            Operation::ListTermine
                | Operation::GetTermin
                | Operation::PostTermin
                | Operation::PutTermin
                | Operation::DeleteTermin
        ) || (call.system == System::Google && call.operation != Operation::GoogleToken)
    };
    let count = |system: System, writes: bool| {
        let calls = calls.iter().filter(is_of_calendar);
        calls.filter(|call| call.system == system && call.mutating == writes).count() as u64
    };
    let (google_reads, google_writes) = (count(System::Google, false), count(System::Google, true));
    let (advoware_reads, advoware_writes) = (count(System::Advoware, false), count(System::Advoware, true));
    let reads = google_reads + advoware_reads;
    let wall = step.end(&format!("{reads} reads, {} writes", google_writes + advoware_writes));
    Ok(Phase { name, wall, google_reads, google_writes, advoware_reads, advoware_writes })
}

fn edit(firm: &Firm, step: &mut Step<'_>) -> Result<Vec<CalendarVariant>> {
    let mut done = Vec::new();
    for line in calendar_edit_script(SEED, SCRIPT_LENGTH) {
        let outcome = firm.world().simulator.apply_calendar_script_edit(&line);
        let outcome = outcome.ok_or_else(|| Error::new(format!("no entry suits {line:?}")))?;
        done.push(outcome.variant);
        step.at(done.len() as u64);
    }
    Ok(done)
}

async fn compare(
    firm: &Firm,
    employees: &[String],
    phases: Vec<Phase>,
    done: Vec<CalendarVariant>,
) -> Result<Calendars> {
    let counts = firm.calendars.queue.counts().await.map_err(|error| Error::new(error.to_string()))?;
    let mut seen = Calendars {
        phases,
        done,
        on_both_sides: 0,
        blocked: 0,
        told: 0,
        findings: BTreeMap::new(),
        differences: Vec::new(),
        dead_jobs: counts.dead,
    };
    for (at, kuerzel) in employees.iter().enumerate() {
        seen.add(firm, kuerzel, at < ANONYMIZED).await?;
    }
    Ok(seen)
}

impl Calendars {
    async fn add(&mut self, firm: &Firm, kuerzel: &str, is_anonymized: bool) -> Result<()> {
        let employee = firm.calendars.employee(kuerzel).await?;
        let told_termine: BTreeSet<i64> =
            employee.findings.iter().filter_map(|one| one.frnr).map(|frnr| frnr.0).collect();
        let told_events: BTreeSet<String> =
            employee.findings.iter().filter_map(|one| one.event.as_ref()).map(ToString::to_string).collect();
        for finding in &employee.findings {
            *self.findings.entry(finding.kind.name().to_owned()).or_default() += 1;
        }
        let born_in_google = born_in_google(firm, kuerzel).await?;
        let advoware = firm.world().simulator.advoware();
        let mut expected: BTreeMap<Entry, i64> = BTreeMap::new();
        for frnr in advoware.frnrs_seen_by(kuerzel).into_iter().filter(|frnr| *frnr > 0) {
            if told_termine.contains(&frnr) {
                self.told += 1;
                continue;
            }
            let Some(entry) = advoware.termin(frnr).as_ref().and_then(Entry::of_termin) else { continue };
            let is_blocked = is_anonymized && !born_in_google.contains(&frnr);
            self.blocked += u64::from(is_blocked);
            *expected.entry(if is_blocked { entry.blocked() } else { entry }).or_default() += 1;
        }
        for event in firm.world().simulator.google().events(&firm.calendars.calendar_id(kuerzel)?) {
            if event["id"].as_str().is_some_and(|id| told_events.contains(id)) {
                self.told += 1;
                continue;
            }
            let Some(entry) = Entry::of_event(&event) else { continue };
            *expected.entry(entry).or_default() -= 1;
            self.on_both_sides += 1;
        }
        for (entry, surplus) in expected.into_iter().filter(|(_, surplus)| *surplus != 0) {
            let side = if surplus > 0 { "Google lacks" } else { "Advoware lacks" };
            self.differences.push(format!("{kuerzel}: {side} an entry of {}", entry.begins.date()));
        }
        Ok(())
    }

    pub(super) fn tables(&self) -> [Table; 2] {
        [self.edits(), self.figures()]
    }

    pub(super) fn verdict(&self) -> Verdict {
        Verdict { of: "Calendars", checks: self.checks(), wrong: self.differences.clone() }
    }

    fn edits(&self) -> Table {
        let mut table = Table::default();
        table.head(["What users did in their calendars", "times"]);
        for variant in CalendarVariant::ALL {
            let times = self.done.iter().filter(|done| **done == variant).count();
            table.row([in_words(variant), &times.to_string()]);
        }
        table.row(["set: copies in Google say only when, so each is rewritten (employees)", &ANONYMIZED.to_string()]);
        table
    }

    fn figures(&self) -> Table {
        let mut table = Table::default();
        table.head(["Calls of the calendars"].into_iter().chain(self.phases.iter().map(|phase| phase.name)));
        let figures: [Figure; 5] = [
            ("Advoware: reads", |phase| grouped(phase.advoware_reads)),
            ("Advoware: writes", |phase| grouped(phase.advoware_writes)),
            ("Google: reads", |phase| grouped(phase.google_reads)),
            ("Google: writes", |phase| grouped(phase.google_writes)),
            ("whole phase", |phase| format!("{:.1} s", phase.wall.as_secs_f64())),
        ];
        for (words, figure) in figures {
            table.row([words.to_owned()].into_iter().chain(self.phases.iter().map(figure)));
        }
        table.head(["What is left in the calendars", "count"]);
        table.row(["entries in both".to_owned(), grouped(self.on_both_sides)]);
        table.row(["of them anonymised in Google".to_owned(), grouped(self.blocked)]);
        table.row(["entries of one side, told as findings".to_owned(), grouped(self.told)]);
        for (kind, count) in &self.findings {
            table.row([format!("findings of the last run: {kind}"), grouped(*count)]);
        }
        table
    }

    fn checks(&self) -> Vec<(bool, String)> {
        let differences = self.differences.len();
        let last = self.phases.last();
        let (reads, writes) = last.map_or((0, 0), |last| {
            (last.google_reads + last.advoware_reads, last.google_writes + last.advoware_writes)
        });
        vec![
            (differences == 0, format!("both sides of {EMPLOYEES} calendars compared: {differences} differences")),
            (writes == 0, format!("writes of the last run, in which nothing was new: {writes}")),
            (reads == 2 * EMPLOYEES as u64, format!("its reads: {reads} (one list per side and employee)")),
            (self.dead_jobs == 0, format!("dead jobs: {}", self.dead_jobs)),
        ]
    }
}

/// Termine that this employee entered in Google: they are never anonymised (C7).
async fn born_in_google(firm: &Firm, kuerzel: &str) -> Result<BTreeSet<i64>> {
    let mut hub = firm.hub().await?;
    let born: Vec<i64> = sqlx::query_scalar(
        "SELECT advoware_frnr FROM calendar_sync
         WHERE employee_kuerzel = $1 AND source_system = 'google' AND deleted = FALSE AND advoware_frnr IS NOT NULL",
    )
    .bind(kuerzel)
    .fetch_all(&mut hub)
    .await?;
    super::tally::close(hub).await?;
    Ok(born.into_iter().collect())
}

fn in_words(variant: CalendarVariant) -> &'static str {
    match variant {
        CalendarVariant::TerminEntered => "Advoware: a new Termin",
        CalendarVariant::TerminMoved => "Advoware: a Termin moved",
        CalendarVariant::TerminMovedToClockChange => "Advoware: a Termin moved into a week in which the clocks change",
        CalendarVariant::TerminRetitled => "Advoware: a Termin renamed",
        CalendarVariant::TerminDeleted => "Advoware: a Termin deleted",
        CalendarVariant::GoogleEntered => "Google: a new event",
        CalendarVariant::GoogleEnteredAtClockChange => "Google: a new event in a week in which the clocks change",
        CalendarVariant::GoogleMoved => "Google: an event moved",
        CalendarVariant::GoogleMovedToClockChange => "Google: an event moved into a week in which the clocks change",
        CalendarVariant::GoogleRetitled => "Google: an event renamed",
        CalendarVariant::GoogleDeleted => "Google: an event deleted",
    }
}
