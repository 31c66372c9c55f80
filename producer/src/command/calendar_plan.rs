//! `plan calendar`: what a run would do, and what it leaves and why; written nowhere.

use domain::calendar::Standard;
use domain::calendar::plan::Step;
use domain::ids::{EventId, FrNr, Kuerzel};
use serde_json::{Value, json};
use shared::calendar::{LoadedCalendar, calendar_name};
use shared::hub::calendar::CalendarTarget;
use shared::settings::WorkerSettings;

use super::CommandError;
use super::calendar_look::{Looked, Office};
use super::calendar_show::{NOTHING, finding_line, finding_object, form_object, line, uuid};
use super::report::Report;
use super::table::table;
use crate::cli::PlanCalendar;

/// One step with all that people want to know of it.
struct Planned<'a> {
    step: &'a Step,
    frnr: Option<FrNr>,
    event: Option<&'a EventId>,
    before: Option<&'a Standard>,
    after: Option<&'a Standard>,
}

/// Looks as the job does and plans as the job does. Reads only, within the limits that all workers share.
pub(super) async fn calendar(settings: &WorkerSettings, arguments: &PlanCalendar) -> Result<Report, CommandError> {
    let kuerzel = Kuerzel::parse(&arguments.kuerzel)?;
    let office = Office::connect(settings).await?;
    let looked = office.look(&kuerzel, false).await?;
    office.hub().close().await;
    Ok(report(&kuerzel, &looked))
}

fn report(kuerzel: &Kuerzel, looked: &Looked) -> Report {
    let Looked { employee, loaded } = looked;
    if !employee.enabled || employee.departed_at.is_some() {
        let text = "the employee's calendar is not synced: nothing would be written";
        let json = json!({"kuerzel": kuerzel.as_str(), "steps": [], "findings": [], "note": text});
        return Report { text: text.to_owned(), json, found_something: false };
    }
    let plan = loaded.plan();
    let (stored, steps): (Vec<&Step>, Vec<&Step>) = plan.steps.iter().partition(|step| matches!(step, Step::Store(_)));
    let steps: Vec<Planned<'_>> = steps.into_iter().map(|step| Planned::of(step, loaded)).collect();
    let creates_calendar = employee.calendar.is_none();

    let mut lines = Vec::new();
    if creates_calendar {
        lines.push(format!("the calendar {} would be created in Google", calendar_name(kuerzel)));
    }
    if steps.is_empty() {
        lines.push("no entry would be written".to_owned());
    } else {
        lines.push(table(
            ["STEP", "TERMIN", "EVENT", "BEFORE", "AFTER"],
            &steps.iter().map(Planned::cells).collect::<Vec<_>>(),
        ));
    }
    if !stored.is_empty() {
        lines.push(format!("rows whose sides agree, to be noted in the hub: {}", stored.len()));
    }
    if !plan.findings.is_empty() {
        lines.push("left as it is:".to_owned());
        lines.extend(plan.findings.iter().map(|finding| format!("  {}", finding_line(finding))));
    }
    if plan.held_deletions > 0 {
        let held = plan.held_deletions;
        lines.push(format!(
            "deletions held: {held}; `requeue {kuerzel} --queue calendar --approve-deletions` carries them out"
        ));
    }
    let json = json!({
        "kuerzel": kuerzel.as_str(),
        "createsCalendar": creates_calendar,
        "steps": steps.iter().map(Planned::object).collect::<Vec<_>>(),
        "noted": stored.len(),
        "findings": plan.findings.iter().map(finding_object).collect::<Vec<_>>(),
        "heldDeletions": plan.held_deletions,
    });
    Report { text: lines.join("\n"), json, found_something: creates_calendar || !steps.is_empty() }
}

impl<'a> Planned<'a> {
    fn of(step: &'a Step, loaded: &'a LoadedCalendar) -> Self {
        let row = step.row().and_then(|row| loaded.rows.get(&row));
        let after = match step {
            Step::FinishEvent(_, form)
            | Step::FinishTermin(_, form)
            | Step::CreateEvent(_, form)
            | Step::CreateTermin(_, form)
            | Step::RecreateEvent(_, form)
            | Step::RecreateTermin(_, form)
            | Step::UpdateEvent(_, form)
            | Step::UpdateTermin(_, form) => Some(form),
            Step::AdoptTermin(..)
            | Step::Link(..)
            | Step::Withdraw(_)
            | Step::DeleteEvent(_)
            | Step::DeleteTermin(_)
            | Step::SoftDelete(_)
            | Step::Store(_) => None,
        };
        let replaces = matches!(
            step,
            Step::DeleteEvent(_) | Step::DeleteTermin(_) | Step::UpdateEvent(..) | Step::UpdateTermin(..)
        );
        let before = match target(step) {
            CalendarTarget::Google => row.and_then(|row| loaded.event_form(row)),
            CalendarTarget::Advoware => row.and_then(|row| loaded.termin_form(row)),
        };
        let (frnr, event) = match step {
            Step::CreateEvent(frnr, _) | Step::AdoptTermin(_, frnr) => (Some(*frnr), None),
            Step::CreateTermin(event, _) => (None, Some(event)),
            Step::Link(frnr, event) => (Some(*frnr), Some(event)),
            _ => (None, None),
        };
        Self {
            step,
            frnr: frnr.or_else(|| row.and_then(|row| row.hub.frnr)),
            event: event.or_else(|| row.and_then(|row| row.hub.event.as_ref())),
            before: before.filter(|_| replaces),
            after,
        }
    }

    fn cells(&self) -> [String; 5] {
        [
            self.step.name().to_owned(),
            self.frnr.map_or_else(|| NOTHING.to_owned(), |frnr| frnr.to_string()),
            self.event.map_or(NOTHING, EventId::as_str).to_owned(),
            line(self.before),
            line(self.after),
        ]
    }

    fn object(&self) -> Value {
        json!({
            "step": self.step.name(),
            "target": target(self.step).name(),
            "row": self.step.row().map(uuid),
            "frNr": self.frnr.map(|frnr| frnr.0),
            "event": self.event.map(EventId::as_str),
            "before": form_object(self.before),
            "after": form_object(self.after),
        })
    }
}

/// The side that it is about.
fn target(step: &Step) -> CalendarTarget {
    match step {
        Step::Link(..)
        | Step::FinishEvent(..)
        | Step::CreateEvent(..)
        | Step::RecreateEvent(..)
        | Step::DeleteEvent(_)
        | Step::UpdateEvent(..)
        | Step::Withdraw(_)
        | Step::SoftDelete(_)
        | Step::Store(_) => CalendarTarget::Google,
        Step::AdoptTermin(..)
        | Step::FinishTermin(..)
        | Step::CreateTermin(..)
        | Step::RecreateTermin(..)
        | Step::DeleteTermin(_)
        | Step::UpdateTermin(..) => CalendarTarget::Advoware,
    }
}
