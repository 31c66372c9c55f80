//! `audit query-frnr`, `audit query-event`: all that the hub and both sides know of one entry.

use domain::calendar::Standard;
use domain::ids::{CalendarId, EventId, FrNr, Kuerzel};
use serde_json::{Value, json};
use shared::error::ErrorKind;
use shared::google::GoogleEvent;
use shared::hub::calendar::{CalendarAuditView, RowView};
use shared::settings::WorkerSettings;

use super::CommandError;
use super::calendar_look::Office;
use super::calendar_show::{audit_line, audit_object, form_object, line, row_line, row_object};
use super::report::Report;
use crate::cli::{QueryEvent, QueryFrnr};

/// Entries of the audit that are shown of each row.
const MOST_ENTRIES: u32 = 50;

/// What a side answers now about an entry.
struct Live {
    /// Number or id.
    id: String,
    /// In words: there, deleted, not there.
    state: &'static str,
    /// What it says; `None` where it is gone or makes no sense.
    form: Option<Standard>,
}

/// All that is known of one entry.
#[derive(Default)]
struct Known {
    rows: Vec<RowView>,
    advoware: Vec<Live>,
    google: Vec<Live>,
    history: Vec<CalendarAuditView>,
}

pub(super) async fn by_frnr(settings: &WorkerSettings, arguments: &QueryFrnr) -> Result<Report, CommandError> {
    let office = Office::connect(settings).await?;
    let frnr = FrNr(arguments.frnr);
    let mut known = Known { rows: office.hub().rows_of_frnr(frnr).await?, ..Known::default() };
    known.advoware.push(office.termin(frnr).await?);
    let calendars = office.calendars().await?;
    for view in &known.rows {
        let Some(event) = &view.row.hub.event else { continue };
        let calendar = calendars.iter().find(|(kuerzel, _)| kuerzel.as_str() == view.kuerzel);
        if let Some((_, calendar)) = calendar
            && !known.google.iter().any(|live| live.id == event.as_str())
        {
            known.google.push(office.event(calendar, event).await?);
        }
    }
    known.history = office.history(&known.rows).await?;
    office.hub().close().await;
    Ok(known.report())
}

pub(super) async fn by_event(settings: &WorkerSettings, arguments: &QueryEvent) -> Result<Report, CommandError> {
    let event = EventId::parse(&arguments.event)?;
    let office = Office::connect(settings).await?;
    let mut known = Known { rows: office.hub().rows_of_event(&event).await?, ..Known::default() };
    // An event that no row knows may be in anybody's calendar.
    for (kuerzel, calendar) in office.calendars().await? {
        let is_candidate = known.rows.is_empty() || known.rows.iter().any(|view| view.kuerzel == kuerzel.as_str());
        if is_candidate {
            let live = office.event(&calendar, &event).await?;
            if live.state != NOT_THERE || !known.rows.is_empty() {
                known.google.push(live);
            }
        }
    }
    let mut frnrs: Vec<FrNr> = known.rows.iter().filter_map(|view| view.row.hub.frnr).collect();
    frnrs.sort_unstable();
    frnrs.dedup();
    for frnr in frnrs {
        known.advoware.push(office.termin(frnr).await?);
    }
    known.history = office.history(&known.rows).await?;
    office.hub().close().await;
    Ok(known.report())
}

const NOT_THERE: &str = "not there";

impl Office {
    async fn calendars(&self) -> Result<Vec<(Kuerzel, CalendarId)>, CommandError> {
        let employees = self.hub().employees().await?.into_iter();
        Ok(employees.filter_map(|employee| Some((employee.kuerzel, employee.calendar?))).collect())
    }

    async fn termin(&self, frnr: FrNr) -> Result<Live, CommandError> {
        let found = self.systems.advoware.get_termin(frnr).await?;
        let form = found.as_ref().and_then(|termin| termin.fields.standard().ok());
        let state = match (&found, &form) {
            (None, _) => NOT_THERE,
            (Some(_), None) => "there, makes no sense",
            (Some(_), Some(_)) => "there",
        };
        Ok(Live { id: frnr.to_string(), state, form })
    }

    async fn event(&self, calendar: &CalendarId, event: &EventId) -> Result<Live, CommandError> {
        let id = event.as_str().to_owned();
        match self.systems.google.get_event(calendar, event).await {
            Ok(found) => {
                let form = found.fields.standard().ok();
                Ok(Live { id, state: state(&found, form.as_ref()), form })
            }
            Err(error) if error.kind == ErrorKind::NotFound => Ok(Live { id, state: NOT_THERE, form: None }),
            Err(error) => Err(error.into()),
        }
    }

    async fn history(&self, rows: &[RowView]) -> Result<Vec<CalendarAuditView>, CommandError> {
        let mut entries = Vec::new();
        for view in rows {
            entries.extend(self.hub().row_history(view.id, MOST_ENTRIES).await?);
        }
        Ok(entries)
    }
}

fn state(event: &GoogleEvent, form: Option<&Standard>) -> &'static str {
    match (event.fields.status, form) {
        (domain::calendar::event::EventStatus::Cancelled, _) => "deleted",
        (_, Some(_)) => "there",
        (_, None) => "there, makes no sense or is part of a series",
    }
}

impl Known {
    fn report(&self) -> Report {
        let is_there = |live: &&Live| live.state != NOT_THERE;
        let is_known = !self.rows.is_empty() || self.advoware.iter().chain(&self.google).any(|live| is_there(&live));
        let mut lines = Vec::new();
        if !is_known {
            lines.push("nobody knows such an entry: neither the hub nor the sides".to_owned());
        }
        lines.extend(self.rows.iter().map(row_line));
        lines.extend(self.advoware.iter().map(|live| told("Advoware", live)));
        lines.extend(self.google.iter().map(|live| told("Google", live)));
        lines.extend(self.history.iter().map(audit_line));
        let json = json!({
            "rows": self.rows.iter().map(row_object).collect::<Vec<_>>(),
            "advoware": self.advoware.iter().map(object).collect::<Vec<_>>(),
            "google": self.google.iter().map(object).collect::<Vec<_>>(),
            "history": self.history.iter().map(audit_object).collect::<Vec<_>>(),
        });
        Report { text: lines.join("\n"), json, found_something: !is_known }
    }
}

fn told(side: &str, live: &Live) -> String {
    format!("{side} {}: {}: {}", live.id, live.state, line(live.form.as_ref()))
}

fn object(live: &Live) -> Value {
    json!({"id": live.id, "state": live.state, "form": form_object(live.form.as_ref())})
}
