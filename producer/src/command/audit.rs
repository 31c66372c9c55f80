//! `audit`: history and restore of either flow; the rest is about calendars.

use chrono::{DateTime, Utc};
use domain::calendar::plan::RowId;
use domain::ids::{EspoId, Kuerzel};
use serde_json::{Value, json};
use shared::hub::calendar::{CalendarAsked, Leftover};
use shared::hub::{Asked, AuditView, Hub};
use shared::settings::{PostgresSettings, RedisSettings, WorkerSettings};
use uuid::Uuid;

use super::calendar_show::{audit_line, audit_object};
use super::report::Report;
use super::{
    CommandError, ask, calendar_ask, calendar_leftovers, calendar_query, calendar_rebuild, calendar_verify, record_ids,
};
use crate::cli::{AuditCalendar, History, Restore};

/// What needs the hub and the queue alone.
pub(super) enum OfStores<'a> {
    History(&'a History),
    Restore(&'a Restore),
}

pub(super) async fn carry_out(
    postgres: &PostgresSettings,
    redis: &RedisSettings,
    what: &OfStores<'_>,
) -> Result<Report, CommandError> {
    let hub = Hub::new(postgres.connect_options());
    hub.check().await?;
    let report = match what {
        OfStores::History(arguments) => history(&hub, arguments).await?,
        OfStores::Restore(arguments) => restore(&hub, redis, arguments).await?,
    };
    hub.close().await;
    Ok(report)
}

/// Looks at both sides of calendars, and needs the settings of a worker for it.
pub(super) async fn of_calendars(settings: &WorkerSettings, what: &AuditCalendar) -> Result<Report, CommandError> {
    match what {
        AuditCalendar::VerifySync(arguments) => calendar_verify::verify(settings, arguments).await,
        AuditCalendar::QueryFrnr(arguments) => calendar_query::by_frnr(settings, arguments).await,
        AuditCalendar::QueryEvent(arguments) => calendar_query::by_event(settings, arguments).await,
        AuditCalendar::FindDuplicates(of) => calendar_leftovers::find(settings, Leftover::Duplicate, of).await,
        AuditCalendar::DeleteDuplicates(of) => calendar_leftovers::remove(settings, Leftover::Duplicate, of).await,
        AuditCalendar::FindOrphaned(of) => calendar_leftovers::find(settings, Leftover::Orphaned, of).await,
        AuditCalendar::RebuildHub(arguments) => calendar_rebuild::rebuild(settings, arguments).await,
        AuditCalendar::CleanupOrphaned(of) => calendar_leftovers::remove(settings, Leftover::Orphaned, of).await,
    }
}

/// A text may name a record, a row and an employee at once: ids of EspoCRM may be UUIDs, and a Kürzel may look like an id.
async fn history(hub: &Hub, arguments: &History) -> Result<Report, CommandError> {
    let (text, limit) = (arguments.id.as_str(), arguments.limit);
    let record = EspoId::parse(text).ok();
    let row = Uuid::parse_str(text).ok().map(|row| RowId(row.as_u128()));
    let employee = Kuerzel::parse(text).ok();
    if record.is_none() && employee.is_none() {
        return Err(record_ids::parse_one(text).err().map_or(CommandError::UnknownEmployee, Into::into));
    }
    let mut entries: Vec<(DateTime<Utc>, String, Value)> = Vec::new();
    if let Some(id) = record {
        entries.extend(hub.history(&id, limit).await?.iter().map(|entry| (entry.at, line(entry), object(entry))));
    }
    let mut of_calendars = Vec::new();
    if let Some(row) = row {
        of_calendars.extend(hub.row_history(row, limit).await?);
    }
    if let Some(kuerzel) = employee {
        of_calendars.extend(hub.employee_history(&kuerzel, limit).await?);
    }
    entries.extend(of_calendars.iter().map(|entry| (entry.at, audit_line(entry), audit_object(entry))));
    // Stable: entries of one moment stay in the order of their source, newest first.
    entries.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let lines: Vec<&str> = entries.iter().map(|(_, line, _)| line.as_str()).collect();
    let text = if lines.is_empty() {
        "nothing was overwritten or removed there, as far as the audit reaches back".to_owned()
    } else {
        lines.join("\n")
    };
    let json = entries.into_iter().map(|(.., object)| object).collect();
    Ok(Report { text, json, found_something: false })
}

async fn restore(hub: &Hub, redis: &RedisSettings, arguments: &Restore) -> Result<Report, CommandError> {
    if let Some(entry) = hub.audit_entry(arguments.entry).await? {
        let id = record_ids::parse_one(&entry.espo_id)?;
        return ask::ask(hub, redis, &id, &Asked::Restore(entry.id), arguments.wait).await;
    }
    if let Some(entry) = hub.calendar_audit_entry(arguments.entry).await? {
        let asked = CalendarAsked::Restore(entry.id);
        return calendar_ask::ask(hub, redis, &entry.kuerzel, &asked, arguments.wait).await;
    }
    let text = "there is no audit entry of this id: `audit history <id>` lists them";
    Ok(Report {
        text: format!("refused: {text}"),
        json: json!({"outcome": "refused", "answer": text}),
        found_something: true,
    })
}

/// Values are shown: they are what is asked for.
fn line(entry: &AuditView) -> String {
    let value = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let about = match (entry.field, entry.komm_id) {
        (Some(field), _) => format!("Stammdaten {}", field.name()),
        (None, Some(komm_id)) => format!("Kommunikation {komm_id}"),
        (None, None) => "new".to_owned(),
    };
    format!(
        "{}  {}  {}  {}  {about}: {} -> {}",
        entry.id,
        entry.at.format("%Y-%m-%d %H:%M:%SZ"),
        entry.target,
        entry.rule,
        value(&entry.before),
        value(&entry.after)
    )
}

fn object(entry: &AuditView) -> Value {
    json!({
        "id": entry.id,
        "run": entry.run_id,
        "at": entry.at.to_rfc3339(),
        "target": entry.target,
        "rule": entry.rule,
        "betnr": entry.betnr.map(|betnr| betnr.0),
        "kommId": entry.komm_id.map(|komm_id| komm_id.0),
        "field": entry.field.map(domain::beteiligte::stammdaten::Field::name),
        "before": entry.before,
        "after": entry.after,
    })
}
