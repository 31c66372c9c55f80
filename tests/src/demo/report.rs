//! What a person wants to know at the end.

use std::time::Duration;

use simulator::Variant;

use super::agreement::Agreement;
use super::calendar::Calendars;
use super::firm::LATENCY_MILLISECONDS;
use super::phases::{Phase, Phases};
use super::progress::Progress;
use super::tally::Calls;
use crate::table::{Table, grouped};

/// More differences than that would hide the verdict.
const DIFFERENCES_SHOWN: usize = 10;

/// The rules' cases as people would say them: words, the audit's name, and the side where such a change arrives.
const CHANGES: [(&str, &str, &str); 12] = [
    ("created in Advoware", "created", "advoware"),
    ("Stammdaten: fields EspoCRM -> Advoware", "espocrm_changed", "advoware"),
    ("Stammdaten: fields Advoware -> EspoCRM", "advoware_changed", "espocrm"),
    ("new in EspoCRM -> Advoware (Var1)", "var1", "advoware"),
    ("deleted in EspoCRM -> slot in Advoware (Var2)", "var2", "advoware"),
    ("deleted in Advoware -> EspoCRM (Var3)", "var3", "espocrm"),
    ("new in Advoware -> EspoCRM (Var4)", "var4", "espocrm"),
    ("changed in EspoCRM -> Advoware (Var5)", "var5", "advoware"),
    ("changed in Advoware -> EspoCRM (Var6)", "var6", "espocrm"),
    ("changed on both sides: EspoCRM won", "overwritten_by_espo", "advoware"),
    ("other main mail address -> Advoware", "online", "advoware"),
    ("same on both sides: only marked", "link", "advoware"),
];

/// A line of the report, and how its cell is had from a phase.
type Figure<T, V> = (&'static str, fn(&T) -> V);

const CALLS: [Figure<Calls, u64>; 6] = [
    ("EspoCRM: records read", |calls| calls.espocrm_reads),
    ("EspoCRM: writes", |calls| calls.espocrm_writes),
    ("EspoCRM: list pages of the producer", |calls| calls.list_pages),
    ("Advoware: records read", |calls| calls.advoware_reads),
    ("Advoware: writes", |calls| calls.advoware_writes),
    ("Advoware: log-ins", |calls| calls.log_ins),
];

const TIMES: [Figure<Phase, String>; 3] = [
    ("whole phase", |phase| format!("{:.1} s", phase.wall.as_secs_f64())),
    ("one sync, half of them within (p50)", |phase| milliseconds(phase.runs.percentile(50))),
    ("one sync, 99 % of them within (p99)", |phase| milliseconds(phase.runs.percentile(99))),
];

/// What the tables take for granted.
const WORDS: [(&str, &str); 6] = [
    ("Beteiligte", "the parties of the firm's cases"),
    ("Stammdaten", "a party's name, form of address, birthday, legal form, register number"),
    ("row", "one phone number or mail address in Advoware"),
    ("slot", "a row that was emptied and waits for the next value: Advoware cannot delete one"),
    ("Termin", "an appointment in Advoware; in Google it is an event"),
    ("finding", "what was left alone on purpose, and a person may want to know"),
];

/// What must hold of one flow.
pub(super) struct Verdict {
    /// Which flow.
    pub(super) of: &'static str,
    /// In words, and whether it does.
    pub(super) checks: Vec<(bool, String)>,
    /// What is not as it should be, one by one.
    pub(super) wrong: Vec<String>,
}

impl Verdict {
    fn is_met(&self) -> bool {
        self.checks.iter().all(|(is_met, _)| *is_met)
    }

    fn tell(&self, progress: &Progress) {
        println!("{}", progress.strong(self.of));
        for (is_met, text) in &self.checks {
            let mark = if *is_met { progress.good("ok") } else { progress.bad("!!") };
            println!("{mark}  {text}");
        }
        for one in self.wrong.iter().take(DIFFERENCES_SHOWN) {
            println!("      {one}");
        }
        let more = self.wrong.len().saturating_sub(DIFFERENCES_SHOWN);
        if more > 0 {
            println!("      and {more} more");
        }
        println!();
    }
}

/// Prints the report, what counts last. Answers whether all is as it should be.
pub(super) fn tell(phases: &Phases, agreement: &Agreement, calendars: &Calendars, progress: &Progress) -> bool {
    let strong = |line: &str| progress.strong(line);
    println!();
    for (word, meaning) in WORDS {
        println!("{word:12}{meaning}");
    }
    println!("\n{}", edits(phases).to_text(strong));
    println!("{}", figures(phases).to_text(strong));
    println!("{}", progress.quiet(&explanation()));
    println!("\n{}", left_alone(agreement).to_text(strong));
    for table in calendars.tables() {
        println!("{}", table.to_text(strong));
    }
    let verdicts = [verdict(phases, agreement), calendars.verdict()];
    for verdict in &verdicts {
        verdict.tell(progress);
    }
    let is_fine = verdicts.iter().all(Verdict::is_met);
    let seconds = progress.elapsed().as_secs_f64();
    let verdict =
        if is_fine { progress.good("Advoware, EspoCRM and Google agree") } else { progress.bad("Not as it should be") };
    println!("{verdict} after {seconds:.0} s.");
    is_fine
}

fn verdict(phases: &Phases, agreement: &Agreement) -> Verdict {
    let wrong = phases.not_arrived.iter().chain(&agreement.differences).cloned().collect();
    Verdict { of: "Beteiligte", checks: checks(phases, agreement), wrong }
}

fn edits(phases: &Phases) -> Table {
    let mut table = Table::default();
    table.head(["What users did", "times"]);
    for variant in Variant::ALL {
        let times = phases.done.iter().filter(|line| line.variant == variant).count();
        table.row([in_words(variant), &times.to_string()]);
    }
    table
}

fn in_words(variant: Variant) -> &'static str {
    match variant {
        Variant::EspoAdded => "EspoCRM: a new number or mail address",
        Variant::EspoRemoved => "EspoCRM: one deleted",
        Variant::EspoChanged => "EspoCRM: one changed",
        Variant::PrimaryChanged => "EspoCRM: another mail address made the main one",
        Variant::SlotReuse => "EspoCRM: a new one where Advoware has an empty row of its kind",
        Variant::AdvowareAdded => "Advoware: a new row",
        Variant::AdvowareEmptied => "Advoware: a row emptied",
        Variant::AdvowareRowRemoved => "Advoware: a row deleted",
        Variant::AdvowareChanged => "Advoware: a row changed",
        Variant::RemarkEdited => "Advoware: a remark edited (nothing to sync)",
        Variant::Conflict => "both: the same one changed differently",
        Variant::EspoStammdaten => "EspoCRM: another name",
        Variant::AdvowareStammdaten => "Advoware: another name",
        Variant::BothStammdaten => "both: different fields of the Stammdaten",
        Variant::StammdatenConflict => "both: the name changed differently",
    }
}

fn figures(phases: &Phases) -> Table {
    let all = [&phases.first, &phases.edits, &phases.last];
    let mut table = Table::default();
    let with_head = |table: &mut Table, name: &'static str| {
        table.head([name].into_iter().chain(all.map(|phase| phase.name)));
    };
    with_head(&mut table, "Changes");
    for (words, rule, side) in CHANGES {
        table.row([words.to_owned()].into_iter().chain(all.map(|phase| grouped(phase.changes.count(side, rule)))));
    }
    with_head(&mut table, "Calls");
    for (words, count) in CALLS {
        table.row([words.to_owned()].into_iter().chain(all.map(|phase| grouped(count(&phase.calls)))));
    }
    with_head(&mut table, "Time");
    for (words, time) in TIMES {
        table.row([words.to_owned()].into_iter().chain(all.map(time)));
    }
    table
}

fn milliseconds(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{} ms", time.as_millis()))
}

fn explanation() -> String {
    format!(
        "Changes are those of the audit, counted where they arrive; Var1 to Var6 are cases of rule K6 in\n\
         docs/rules.md. Calls, and the time of one sync from its first call to its last answer, are from\n\
         the simulator's journal; every call takes {LATENCY_MILLISECONDS} ms. Where there was something to write, only the syncs\n\
         that wrote are timed."
    )
}

fn left_alone(agreement: &Agreement) -> Table {
    let mut table = Table::default();
    table.head(["What is left", "count"]);
    table.row(["numbers and mail addresses on both sides".to_owned(), grouped(agreement.on_both_sides)]);
    table.row(["fields of the Stammdaten on both sides".to_owned(), grouped(agreement.fields_on_both_sides)]);
    table.row(["web addresses, which only Advoware has a place for".to_owned(), grouped(agreement.web_addresses)]);
    table.row(["empty rows of Advoware, slots among them".to_owned(), grouped(agreement.slots)]);
    table
        .row(["rows that EspoCRM cannot hold, told as findings".to_owned(), grouped(agreement.held_by_advoware_alone)]);
    for (kind, count) in &agreement.findings {
        table.row([format!("findings of the last run: {kind}"), grouped(*count)]);
    }
    table
}

/// What must hold, in words, and whether it does.
fn checks(phases: &Phases, agreement: &Agreement) -> Vec<(bool, String)> {
    let last = &phases.last.calls;
    let differences = agreement.differences.len();
    let expected_reads = 2 * agreement.compared;
    let edited = phases.done.len();
    let gone = phases.not_arrived.len();
    vec![
        (gone == 0, format!("edits that stand on both sides: {} of {edited}", edited - gone)),
        (
            differences == 0,
            format!(
                "both sides compared for all {} Beteiligte: {} differences",
                grouped(agreement.compared),
                grouped(differences as u64)
            ),
        ),
        (last.writes() == 0, format!("writes of the last run, in which nothing was new: {}", grouped(last.writes()))),
        (
            last.reads() == expected_reads,
            format!("its reads: {} (one per side and Beteiligter)", grouped(last.reads())),
        ),
        (agreement.dead_jobs == 0, format!("dead jobs: {}", grouped(agreement.dead_jobs))),
        (
            phases.webhooks_refused == 0,
            format!(
                "signed webhooks delivered: {}, refused: {}",
                grouped(phases.webhooks_delivered as u64),
                grouped(phases.webhooks_refused as u64)
            ),
        ),
    ]
}
