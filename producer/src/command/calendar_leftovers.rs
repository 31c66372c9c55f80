//! `audit find-orphaned`, `cleanup-orphaned`, `find-duplicates`, `delete-duplicates`. Finding reads only; what is to be removed is named to a
//! worker, which checks each once more and removes it under the employee's lease.

use domain::ids::{EventId, Kuerzel};
use serde_json::{Value, json};
use shared::calendar::{Alike, AlikeEvent, LoadedCalendar};
use shared::hub::Hub;
use shared::hub::calendar::{CalendarAsked, CalendarRow, Leftover, Removal};
use shared::settings::WorkerSettings;

use super::calendar_look::Office;
use super::calendar_show::{NOTHING, form_object, line, uuid};
use super::report::Report;
use super::{CommandError, calendar_ask};
use crate::cli::{Find, Remove};

/// What was found of one employee, and what of it may go.
struct Found {
    report: Report,
    removal: Removal,
}

pub(super) async fn find(settings: &WorkerSettings, what: Leftover, of: &Find) -> Result<Report, CommandError> {
    let office = Office::connect(settings).await?;
    let mut reports = Vec::new();
    for kuerzel in office.meant(of.kuerzel.as_slice()).await? {
        reports.push(office.leftovers(&kuerzel, what).await?.report);
    }
    office.hub().close().await;
    Ok(Report::of_employees(reports))
}

pub(super) async fn remove(
    settings: &WorkerSettings,
    what: Leftover,
    arguments: &Remove,
) -> Result<Report, CommandError> {
    let office = Office::connect(settings).await?;
    let mut reports = Vec::new();
    for kuerzel in office.meant(arguments.of.kuerzel.as_slice()).await? {
        let Found { mut report, removal } = office.leftovers(&kuerzel, what).await?;
        let (events, rows) = (removal.events.len(), removal.rows.len());
        report.json["removable"] = json!({"events": events, "rows": rows});
        if arguments.apply && !removal.is_empty() {
            let asked = CalendarAsked::Remove(what, removal);
            let answer = calendar_ask::ask(office.hub(), &settings.redis, &kuerzel, &asked, arguments.wait).await?;
            report.text = format!("{}\n  {}", report.text, answer.text);
            report.json["outcome"] = answer.json;
            report.found_something = answer.found_something;
        } else if arguments.apply {
            report.text = format!("{}\n  nothing of it may be removed", report.text);
            report.found_something = false;
        } else {
            let hint = if removal.is_empty() { "" } else { "; give the command again with --apply" };
            report.text = format!("{}\n  would be removed: {events} events, {rows} rows of the hub{hint}", report.text);
            report.found_something = !removal.is_empty();
        }
        report.json["applied"] = json!(arguments.apply);
        reports.push(report);
    }
    office.hub().close().await;
    Ok(Report::of_employees(reports))
}

/// A calendar may have been given to two employees: what another's row binds is no leftover.
async fn is_bound(hub: &Hub, event: &EventId) -> Result<bool, CommandError> {
    Ok(hub.rows_of_event(event).await?.iter().any(|view| !view.deleted))
}

impl Office {
    async fn leftovers(&self, kuerzel: &Kuerzel, what: Leftover) -> Result<Found, CommandError> {
        let loaded = self.look(kuerzel, true).await?.loaded;
        Ok(match what {
            Leftover::Orphaned => self.orphaned(kuerzel, &loaded).await?,
            Leftover::Duplicate => self.alike(kuerzel, &loaded).await?,
        })
    }

    async fn orphaned(&self, kuerzel: &Kuerzel, loaded: &LoadedCalendar) -> Result<Found, CommandError> {
        let (mut lines, mut events, mut rows, mut removal) = (Vec::new(), Vec::new(), Vec::new(), Removal::default());
        for orphan in loaded.orphaned_events(&self.identity, kuerzel) {
            if is_bound(self.hub(), orphan.event).await? {
                continue;
            }
            lines.push(format!(
                "  event {} of ours that no row binds: {}",
                orphan.event.as_str(),
                line(Some(orphan.form))
            ));
            events.push(json!({"event": orphan.event.as_str(), "form": form_object(Some(orphan.form))}));
            removal.events.push(orphan.event.clone());
        }
        for id in loaded.orphaned_rows() {
            let Some(CalendarRow { hub: row, .. }) = loaded.rows.get(&id) else { continue };
            let number = row.frnr.map_or_else(|| NOTHING.to_owned(), |frnr| frnr.to_string());
            let event = row.event.as_ref().map_or(NOTHING, EventId::as_str);
            lines.push(format!("  row {}: Termin {number} and event {event} are both gone", uuid(id)));
            rows.push(json!({"row": uuid(id), "frNr": row.frnr.map(|frnr| frnr.0), "event": row.event.as_ref().map(EventId::as_str)}));
            removal.rows.push(id);
        }
        let count = lines.len();
        lines.insert(0, format!("{kuerzel}: {count} orphaned"));
        let json = json!({"kuerzel": kuerzel.as_str(), "events": events, "rows": rows});
        Ok(Found { report: Report { text: lines.join("\n"), json, found_something: count > 0 }, removal })
    }

    async fn alike(&self, kuerzel: &Kuerzel, loaded: &LoadedCalendar) -> Result<Found, CommandError> {
        let (mut lines, mut google, mut removal) = (Vec::new(), Vec::new(), Removal::default());
        for Alike { form, entries } in loaded.alike_events(&self.identity, kuerzel) {
            let mut told = Vec::new();
            for AlikeEvent { event, is_bound: is_own, is_removable } in entries {
                let may_go = is_removable && !is_bound(self.hub(), event).await?;
                let why = if may_go {
                    "ours, superfluous"
                } else if is_own {
                    "synced"
                } else {
                    "left alone"
                };
                lines.push(format!("  event {} ({why}): {}", event.as_str(), line(Some(form))));
                told.push(json!({"event": event.as_str(), "synced": is_own, "removable": may_go}));
                removal.events.extend(may_go.then(|| event.clone()));
            }
            google.push(json!({"form": form_object(Some(form)), "events": told}));
        }
        let mut advoware: Vec<Value> = Vec::new();
        for Alike { form, entries } in loaded.alike_termine() {
            lines.extend(entries.iter().map(|frnr| format!("  Termin {frnr}: {}", line(Some(form)))));
            advoware.push(json!({"form": form_object(Some(form)), "frNrs": entries}));
        }
        let (groups, found_something) = (google.len() + advoware.len(), !google.is_empty() || !advoware.is_empty());
        lines.insert(0, format!("{kuerzel}: {groups} groups of entries that say the same"));
        let json = json!({"kuerzel": kuerzel.as_str(), "google": google, "advoware": advoware});
        Ok(Found { report: Report { text: lines.join("\n"), json, found_something }, removal })
    }
}
