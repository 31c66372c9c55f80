//! Entries, rows and findings of calendars, for people and for machines. Values are shown: they are what is asked for.

use chrono::{DateTime, NaiveDateTime, Utc};
use domain::calendar::plan::RowId;
use domain::calendar::{Span, Standard, TurnusArt, berlin};
use domain::ids::EventId;
use serde_json::{Value, json};
use shared::hub::calendar::{CalendarAuditView, CalendarFinding, RowView, from_standard};
use uuid::Uuid;

use crate::printable::one_line;

pub(super) const NOTHING: &str = "-";

pub(super) fn form_object(form: Option<&Standard>) -> Value {
    form.map_or(Value::Null, from_standard)
}

/// When it is, as a clock in Berlin shows it, and how it is repeated.
pub(crate) fn when(form: &Standard) -> String {
    let span = span(form);
    let Some(series) = &form.series else { return span };
    let unit = match series.art {
        TurnusArt::Daily => "day",
        TurnusArt::Weekly => "week",
        TurnusArt::Monthly => "month",
        TurnusArt::Yearly => "year",
    };
    let every = match series.turnus.get() {
        1 => format!("every {unit}"),
        turnus => format!("every {turnus} {unit}s"),
    };
    let until = series.until.map_or_else(|| "for ever".to_owned(), |until| format!("until {until}"));
    format!("{span}, {every}, {until}")
}

/// When it is the first time.
pub(crate) fn span(form: &Standard) -> String {
    let minute = |at: NaiveDateTime| at.format("%Y-%m-%d %H:%M").to_string();
    match form.span {
        Span::Timed { starts_at, ends_at } => {
            let (from, to) = (berlin(starts_at), berlin(ends_at));
            let is_one_day = from.date() == to.date();
            format!("{}-{}", minute(from), if is_one_day { to.format("%H:%M").to_string() } else { minute(to) })
        }
        Span::AllDay { first, last } if first == last => first.to_string(),
        Span::AllDay { first, last } => format!("{first} - {last}"),
    }
}

/// When, what and where, in one line.
pub(super) fn line(form: Option<&Standard>) -> String {
    let Some(form) = form else { return NOTHING.to_owned() };
    let said = [("ort", &form.ort), ("notiz", &form.notiz)].into_iter().filter(|(_, text)| !text.is_empty());
    let line = format!("{} \"{}\"", when(form), one_line(&form.text));
    said.fold(line, |line, (name, text)| format!("{line}, {name} \"{}\"", one_line(text)))
}

pub(super) fn finding_object(finding: &CalendarFinding) -> Value {
    json!({
        "kind": finding.kind.name(),
        "frNr": finding.frnr.map(|frnr| frnr.0),
        "event": finding.event.as_ref().map(EventId::as_str),
        "reason": finding.reason,
    })
}

pub(super) fn finding_line(finding: &CalendarFinding) -> String {
    let mut line = finding.kind.name().to_owned();
    line.extend(finding.frnr.map(|frnr| format!(", Termin {frnr}")));
    line.extend(finding.event.as_ref().map(|event| format!(", event {}", event.as_str())));
    line.extend(finding.reason.as_ref().map(|reason| format!(": {reason}")));
    line
}

pub(super) fn uuid(row: RowId) -> Uuid {
    Uuid::from_u128(row.0)
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

pub(super) fn row_object(view: &RowView) -> Value {
    let hub = &view.row.hub;
    json!({
        "row": uuid(view.id),
        "kuerzel": view.kuerzel,
        "deleted": view.deleted,
        "source": hub.source.name(),
        "status": view.row.status.name(),
        "reason": view.row.retry.reason,
        "nextTry": view.row.retry.due_at.map(|at| at.to_rfc3339()),
        "frNr": hub.frnr.map(|frnr| frnr.0),
        "event": hub.event.as_ref().map(EventId::as_str),
        "hasBegunWrite": hub.intent.is_some(),
        "advowareBase": form_object(hub.advoware_base.as_ref()),
        "googleBase": form_object(hub.google_base.as_ref()),
        "lastSync": view.last_sync.map(|at| at.to_rfc3339()),
    })
}

pub(super) fn row_line(view: &RowView) -> String {
    let hub = &view.row.hub;
    let number = hub.frnr.map_or_else(|| NOTHING.to_owned(), |frnr| frnr.to_string());
    let event = hub.event.as_ref().map_or(NOTHING, |event| event.as_str());
    let life = if view.deleted { "deleted" } else { view.row.status.name() };
    let reason = view.row.retry.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let last = hub.google_base.as_ref().or(hub.advoware_base.as_ref());
    format!(
        "row {}  {}  {life}{reason}  born in {}  Termin {number}  event {event}: last agreed {}",
        uuid(view.id),
        view.kuerzel,
        hub.source.name(),
        line(last)
    )
}

pub(super) fn audit_object(entry: &CalendarAuditView) -> Value {
    json!({
        "id": entry.id,
        "run": entry.run_id,
        "at": entry.at.to_rfc3339(),
        "target": entry.target.name(),
        "rule": entry.rule,
        "action": entry.action,
        "kuerzel": entry.kuerzel.as_str(),
        "row": uuid(entry.row),
        "frNr": entry.frnr.map(|frnr| frnr.0),
        "event": entry.event.as_ref().map(EventId::as_str),
        "before": form_object(entry.before.as_ref()),
        "after": form_object(entry.after.as_ref()),
        "confirmedAt": entry.confirmed_at.map(|at| at.to_rfc3339()),
    })
}

pub(super) fn audit_line(entry: &CalendarAuditView) -> String {
    let number = entry.frnr.map(|frnr| format!("Termin {frnr}  ")).unwrap_or_default();
    let event = entry.event.as_ref().map(|event| format!("event {}  ", event.as_str())).unwrap_or_default();
    let confirmed = if entry.confirmed_at.is_some() { "" } else { "  (begun, outcome not known)" };
    format!(
        "{}  {}  {}  {}  {number}{event}{} -> {}{confirmed}",
        entry.id,
        time(entry.at),
        entry.target.name(),
        entry.rule,
        line(entry.before.as_ref()),
        line(entry.after.as_ref())
    )
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use domain::calendar::Series;

    use super::*;

    #[test]
    fn an_entry_is_one_line_whatever_it_says() {
        let instant = |text: &str| text.parse().unwrap();
        let (starts_at, ends_at) = (instant("2026-07-01T07:00:00Z"), instant("2026-07-01T08:30:00Z"));
        let span = Span::Timed { starts_at, ends_at };
        let (text, ort) = ("Müller\n\u{1b}[2J".to_owned(), "Saal 1".to_owned());
        let timed = Standard { span, text, notiz: String::new(), ort, series: None };
        assert_eq!(line(Some(&timed)), "2026-07-01 09:00-10:30 \"Müller  [2J\", ort \"Saal 1\"");
        let day = |text: &str| text.parse().unwrap();
        let span = Span::AllDay { first: day("2026-07-01"), last: day("2026-07-03") };
        let series = Series { turnus: NonZeroU32::new(2).unwrap(), art: TurnusArt::Weekly, until: None };
        let days = Standard { span, series: Some(series), ..timed };
        assert_eq!(when(&days), "2026-07-01 - 2026-07-03, every 2 weeks, for ever");
        assert_eq!(line(None), "-");
    }
}
