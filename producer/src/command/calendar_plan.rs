//! `plan calendar`: what a run would do, and what it leaves and why; written nowhere.

use domain::calendar::plan::Step;
use domain::ids::{EventId, Kuerzel};
use serde_json::{Value, json};
use shared::calendar::calendar_name;
use shared::hub::calendar::CalendarTarget;
use shared::settings::WorkerSettings;

use super::CommandError;
use super::calendar_dry_run::{DryRun, Planned, writes_to};
use super::calendar_look::Office;
use super::calendar_show::{NOTHING, finding_line, finding_object, form_object, line, uuid};
use super::report::Report;
use super::table::table;
use crate::cli::PlanCalendar;

/// Looks as the job does and plans as the job does. Reads only, within the limits that all workers share.
pub(super) async fn calendar(settings: &WorkerSettings, arguments: &PlanCalendar) -> Result<Report, CommandError> {
    let kuerzel = Kuerzel::parse(&arguments.kuerzel)?;
    let office = Office::connect(settings).await?;
    let looked = office.look(&kuerzel, false).await?;
    office.hub().close().await;
    Ok(report(&kuerzel, DryRun::of(&looked).as_ref()))
}

fn report(kuerzel: &Kuerzel, dry_run: Option<&DryRun>) -> Report {
    let Some(DryRun { creates_calendar, steps, noted, findings, held }) = dry_run else {
        let text = "the employee's calendar is not synced: nothing would be written";
        let json = json!({"kuerzel": kuerzel.as_str(), "steps": [], "findings": [], "note": text});
        return Report { text: text.to_owned(), json, found_something: false };
    };
    let mut lines = Vec::new();
    if *creates_calendar {
        lines.push(format!("the calendar {} would be created in Google", calendar_name(kuerzel)));
    }
    if steps.is_empty() {
        lines.push("no entry would be written".to_owned());
    } else {
        lines.push(as_table(steps));
    }
    if *noted > 0 {
        lines.push(format!("rows whose sides agree, to be noted in the hub: {noted}"));
    }
    if !findings.is_empty() {
        lines.push("left as it is:".to_owned());
        lines.extend(findings.iter().map(|finding| format!("  {}", finding_line(finding))));
    }
    if !held.is_empty() {
        lines.push(as_table(held));
        lines.push(format!(
            "deletions held: {}; `requeue {kuerzel} --queue calendar --approve-deletions` carries them out",
            held.len()
        ));
    }
    let json = json!({
        "kuerzel": kuerzel.as_str(),
        "createsCalendar": creates_calendar,
        "steps": steps.iter().map(object).collect::<Vec<_>>(),
        "noted": noted,
        "findings": findings.iter().map(finding_object).collect::<Vec<_>>(),
        "heldDeletions": held.len(),
        "held": held.iter().map(object).collect::<Vec<_>>(),
    });
    let found_something = *creates_calendar || !steps.is_empty() || !held.is_empty();
    Report { text: lines.join("\n"), json, found_something }
}

fn as_table(steps: &[Planned]) -> String {
    table(["STEP", "TERMIN", "EVENT", "BEFORE", "AFTER"], &steps.iter().map(cells).collect::<Vec<_>>())
}

fn cells(planned: &Planned) -> [String; 5] {
    [
        planned.step.name().to_owned(),
        planned.frnr.map_or_else(|| NOTHING.to_owned(), |frnr| frnr.to_string()),
        planned.event.as_ref().map_or(NOTHING, EventId::as_str).to_owned(),
        line(planned.before.as_ref()),
        line(planned.after.as_ref()),
    ]
}

fn object(planned: &Planned) -> Value {
    json!({
        "step": planned.step.name(),
        "why": planned.why.name(),
        "target": about(&planned.step).name(),
        "row": planned.step.row().map(uuid),
        "frNr": planned.frnr.map(|frnr| frnr.0),
        "event": planned.event.as_ref().map(EventId::as_str),
        "before": form_object(planned.before.as_ref()),
        "after": form_object(planned.after.as_ref()),
    })
}

/// The side that a step is about, where it writes to none, too.
fn about(step: &Step) -> CalendarTarget {
    let of_hub = if matches!(step, Step::AdoptTermin(..)) { CalendarTarget::Advoware } else { CalendarTarget::Google };
    writes_to(step).unwrap_or(of_hub)
}
