//! `audit rebuild-hub`: rows of a lost hub, back from what stands in both systems. A dry run reads only; with `--apply` a worker finds the same
//! once more under the employee's lease, and writes to the hub alone.

use std::collections::BTreeSet;

use domain::ids::{EventId, FrNr, Kuerzel};
use serde_json::{Value, json};
use shared::calendar::{LostPair, Rebuild};
use shared::hub::calendar::{CalendarAsked, Employee};
use shared::settings::WorkerSettings;

use super::calendar_look::{Looked, Office};
use super::report::Report;
use super::{CommandError, calendar_ask};
use crate::cli::RebuildHub;

/// What is found of one employee.
struct Found {
    report: Report,
    is_rebuildable: bool,
}

pub(super) async fn rebuild(settings: &WorkerSettings, arguments: &RebuildHub) -> Result<Report, CommandError> {
    let office = Office::connect(settings).await?;
    let mut reports = Vec::new();
    for kuerzel in office.everybody(&arguments.kuerzel).await? {
        let Found { mut report, is_rebuildable } = office.lost(&kuerzel).await?;
        if arguments.apply {
            // Policies can be set for whom the hub knows, also where there is nothing to rebuild from yet.
            office.hub().add_employee(&kuerzel).await?;
        }
        let has_unproven = report.json["unproven"].as_array().is_some_and(|unproven| !unproven.is_empty());
        if arguments.apply && is_rebuildable {
            let asked = CalendarAsked::Rebuild;
            let answer = calendar_ask::ask(office.hub(), &settings.redis, &kuerzel, &asked, arguments.wait).await?;
            report.text = format!("{}\n  {}", report.text, answer.text);
            report.json["outcome"] = answer.json;
            report.found_something = answer.found_something || has_unproven;
        } else if arguments.apply {
            report.text = format!("{}\n  nothing is to be rebuilt", report.text);
            report.found_something = has_unproven;
        } else {
            let hint = if is_rebuildable { "\n  give the command again with --apply" } else { "" };
            report.text = format!("{}{hint}", report.text);
            report.found_something = is_rebuildable || has_unproven;
        }
        report.json["applied"] = json!(arguments.apply);
        reports.push(report);
    }
    office.hub().close().await;
    Ok(Report::of_employees(reports))
}

impl Office {
    /// Those that are named; where none is, whom Advoware lists and whom the hub knows: after a loss it knows nobody.
    async fn everybody(&self, named: &[String]) -> Result<Vec<Kuerzel>, CommandError> {
        if !named.is_empty() {
            return self.meant(named).await;
        }
        let listed = self.systems.advoware.list_mitarbeiter().await?;
        let mut everybody: BTreeSet<Kuerzel> = listed.into_iter().map(|mitarbeiter| mitarbeiter.kuerzel).collect();
        everybody.extend(self.meant(&[]).await?);
        Ok(everybody.into_iter().collect())
    }

    async fn lost(&self, kuerzel: &Kuerzel) -> Result<Found, CommandError> {
        let Looked { employee, loaded } = self.look_once(kuerzel, true).await?;
        if employee.calendar.is_none() || employee.has_rows_of_another_calendar() {
            let why = if employee.calendar.is_none() { "no calendar in Google" } else { "rows of another calendar" };
            let json = json!({"kuerzel": kuerzel.as_str(), "pairs": [], "unproven": [], "note": why});
            let text = format!("{kuerzel}: {why}: nothing to rebuild");
            return Ok(Found { report: Report { text, json, found_something: false }, is_rebuildable: false });
        }
        let elsewhere = self.hub().bound_to_others(kuerzel, &loaded.event_ids()).await?;
        let rebuild = loaded.rebuild(&self.identity, kuerzel, &elsewhere);
        let policy_comes_back = rebuild.hides && !self.settings.anonymize && employee.anonymize_set_at.is_none();
        let is_rebuildable = !rebuild.pairs.is_empty();
        let report = report(kuerzel, &employee, loaded.rows.len(), &rebuild, policy_comes_back);
        Ok(Found { report, is_rebuildable })
    }
}

fn report(kuerzel: &Kuerzel, employee: &Employee, rows: usize, rebuild: &Rebuild, policy_comes_back: bool) -> Report {
    let Rebuild { pairs, unproven, lone_events, lone_termine, .. } = rebuild;
    let mut lines = vec![format!("{kuerzel}: {rows} rows are there, {} to rebuild", pairs.len())];
    let pair = |LostPair { frnr, event, evidence }: &LostPair| {
        format!("  Termin {frnr} and event {} ({})", event.as_str(), evidence.name())
    };
    lines.extend(pairs.iter().map(pair));
    if policy_comes_back {
        lines.push("  the employee's copies are anonymised: the policy will say so again".to_owned());
    }
    let unproved = |event: &EventId| {
        format!(
            "  event {} is ours, and its Termin cannot be proven: gone, or named under another ADVOWARE_API_KEY",
            event.as_str()
        )
    };
    lines.extend(unproven.iter().map(unproved));
    // Without a row that it was lost with, this is what any sync finds.
    lines.extend(lone_events.iter().map(|event| {
        format!("  event {} has no Termin that says the same: the next sync takes it for new", event.as_str())
    }));
    lines.extend(lone_termine.iter().map(|frnr| format!("  Termin {frnr} has no copy: the next sync creates one")));
    let policy = &employee.policy;
    if !pairs.is_empty() && policy.strategy.is_none() && policy.advoware_write_allowed.is_none() {
        lines.push(format!(
            "  strategy, permission and a calendar of the firm's own are what the settings say; if they were others: `policy set {kuerzel}` first"
        ));
    }
    let told = |LostPair { frnr, event, evidence }: &LostPair| json!({"frNr": frnr.0, "event": event.as_str(), "evidence": evidence.name(), "source": evidence.source().name()});
    let ids = |events: &[EventId]| -> Vec<Value> { events.iter().map(|event| json!(event.as_str())).collect() };
    let json = json!({
        "kuerzel": kuerzel.as_str(),
        "rows": rows,
        "pairs": pairs.iter().map(told).collect::<Vec<_>>(),
        "unproven": ids(unproven),
        "eventsWithoutTermin": ids(lone_events),
        "termineWithoutCopy": lone_termine.iter().map(|FrNr(number)| *number).collect::<Vec<_>>(),
        "anonymizeComesBack": policy_comes_back,
    });
    Report { text: lines.join("\n"), json, found_something: false }
}
