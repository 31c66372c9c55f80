//! `audit rebuild-hub`: rows of a lost hub, back from what stands in both systems. A dry run reads only; with `--apply` a worker finds the same
//! once more under the employee's lease, and writes to the hub alone.

use std::collections::BTreeSet;

use domain::ids::{EventId, FrNr, Kuerzel};
use serde_json::{Value, json};
use shared::calendar::{LostPair, Rebuild};
use shared::hub::calendar::{CalendarAsked, Employee};
use shared::settings::{RedisSettings, WorkerSettings};

use super::calendar_look::{Looked, Office};
use super::report::Report;
use super::{CommandError, ask, calendar_ask};
use crate::cli::{RebuildHub, Wait};
use crate::operator::Operator;

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
        let has_unproven = report.json["unproven"].as_array().is_some_and(|unproven| !unproven.is_empty());
        if arguments.apply {
            let (is_refused, text) =
                match office.apply(&settings.redis, &kuerzel, is_rebuildable, arguments.wait).await? {
                    Some(answer) => {
                        report.json["outcome"] = answer.json;
                        (answer.found_something, answer.text)
                    }
                    None => (false, "nothing is to be rebuilt".to_owned()),
                };
            report.text = format!("{}\n  {text}", report.text);
            report.found_something = is_refused || has_unproven;
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

    /// Answers what the worker said, where there was something to do for it.
    async fn apply(
        &self,
        redis: &RedisSettings,
        kuerzel: &Kuerzel,
        is_rebuildable: bool,
        wait: Wait,
    ) -> Result<Option<Report>, CommandError> {
        let (hub, asked) = (self.hub(), CalendarAsked::Rebuild);
        let work = async {
            // Policies can be set for whom the hub knows, also where there is nothing to rebuild from yet.
            hub.add_employee(kuerzel).await?;
            if !is_rebuildable {
                return Ok(None);
            }
            calendar_ask::carry_out(hub, redis, kuerzel, &asked, wait).await.map(Some)
        };
        let is_done = |answer: &Option<Report>| answer.as_ref().is_none_or(ask::is_done);
        Operator::of_command(hub).noted_as(vec![calendar_ask::action(kuerzel, &asked)], is_done, work).await
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
