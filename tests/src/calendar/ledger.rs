//! What users of both sides did, and whether all of it is accounted for: it stands, users took it away themselves, or the audit keeps it.
//!
//! Every entry has a day of its own, and whatever a user enters has a title or a time of day that nothing else has.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::Value;
use shared::hub::calendar::Employee;
use sqlx::{Connection, PgConnection};

use super::entry::{Entry, berlin};
use super::{Calendars, parsed};
use crate::world::World;
use crate::{Error, Result};

/// Something that a user can enter and lose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    Title(String),
    Begin(NaiveDateTime),
}

/// What users did so far.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// What was entered; false: it may be lost (K8b), for Advoware has no conditional write.
    said: BTreeMap<Said, bool>,
    /// What users replaced or deleted themselves.
    displaced: BTreeSet<Said>,
    /// Days on which something was entered.
    days: BTreeSet<NaiveDate>,
    /// Days whose entry a user deleted, on either side; false: perhaps.
    deleted: BTreeMap<NaiveDate, bool>,
}

/// What the hub's audit keeps.
struct Kept {
    before: BTreeSet<Said>,
    /// Days of entries that a rule created anew.
    recreated: BTreeSet<NaiveDate>,
}

impl Ledger {
    /// A user entered this; `is_safe`: no write that stands on an earlier look can run over it.
    pub fn entered(&mut self, day: NaiveDate, said: impl IntoIterator<Item = Said>, is_safe: bool) {
        self.days.insert(day);
        self.said.extend(said.into_iter().map(|said| (said, is_safe)));
    }

    /// A user replaced this.
    pub fn displaced(&mut self, said: impl IntoIterator<Item = Said>) {
        self.displaced.extend(said);
    }

    /// A user deleted this entry.
    pub fn deleted(&mut self, entry: &Entry, is_safe: bool) {
        self.displaced.extend(said(entry));
        self.deleted.insert(entry.begins.date(), is_safe);
    }

    /// What is wrong at the end of it all; nothing, if all is well.
    pub async fn problems(&self, calendars: &Calendars, employees: &[&str]) -> Result<Vec<String>> {
        let (mut problems, mut standing, kept) = (Vec::new(), Vec::new(), kept(&calendars.world).await?);
        for kuerzel in employees {
            let (termine, events) = (calendars.termine(kuerzel), calendars.events(kuerzel)?);
            let found = agreement(calendars, kuerzel).await?.into_iter().chain(twice(&termine)).chain(twice(&events));
            problems.extend(found.map(|problem| format!("{kuerzel}: {problem}")));
            standing.extend(termine.into_iter().chain(events));
        }
        let stands: BTreeSet<Said> = standing.iter().flat_map(said).collect();
        for (said, is_safe) in &self.said {
            let is_accounted_for = stands.contains(said) || self.displaced.contains(said) || kept.before.contains(said);
            if *is_safe && !is_accounted_for {
                problems.push(format!("{said:?} is lost, and the audit does not know it"));
            }
        }
        let there: BTreeSet<NaiveDate> = standing.iter().map(|entry| entry.begins.date()).collect();
        for day in self.days.iter().filter(|day| !there.contains(day) && !self.deleted.contains_key(day)) {
            problems.push(format!("the entry of {day} is gone, and no user deleted it"));
        }
        for (day, _) in self.deleted.iter().filter(|(day, is_safe)| **is_safe && there.contains(day)) {
            if !kept.recreated.contains(day) {
                problems
                    .push(format!("the entry of {day} was deleted, and stands without a rule that created it anew"));
            }
        }
        Ok(problems)
    }
}

/// Title and begin.
pub fn said(entry: &Entry) -> [Said; 2] {
    [Said::Title(entry.text.clone()), Said::Begin(entry.begins)]
}

/// Entries of one day: there may be one.
fn twice(entries: &[Entry]) -> Vec<String> {
    let mut days = BTreeSet::new();
    let again = entries.iter().filter(|entry| !days.insert(entry.begins.date()));
    again.map(|entry| format!("{:?} is there twice", entry.text)).collect()
}

/// Every Termin and every event belongs to one row, and the two of a row say the same; or a new event was left for want of permission.
async fn agreement(calendars: &Calendars, kuerzel: &str) -> Result<Vec<String>> {
    let (simulator, employee) = (&calendars.world.simulator, calendars.employee(kuerzel).await?);
    let calendar = calendars.calendar_id(kuerzel)?;
    let of_frnr = |frnr: i64| simulator.advoware().termin(frnr).and_then(|termin| Entry::of_termin(&termin));
    let mut termine: BTreeSet<i64> = simulator.advoware().frnrs_seen_by(kuerzel).into_iter().collect();
    let mut events: BTreeMap<String, Entry> = BTreeMap::new();
    for event in simulator.google().events(&calendar) {
        let id = event["id"].as_str().unwrap_or_default().to_owned();
        events.extend(Entry::of_event(&event).map(|entry| (id, entry)));
    }
    let mut problems = Vec::new();
    let rows = calendars.hub.rows_of_employee(&parsed(kuerzel)).await.map_err(|error| Error::new(error.to_string()))?;
    for row in rows {
        let hub = row.row.hub;
        let frnr = hub.frnr.map(|frnr| frnr.0).filter(|frnr| termine.remove(frnr));
        let event = hub.event.as_ref().and_then(|event| events.remove(event.as_str()));
        let hides = employee.policy.anonymize == Some(true) && hub.source.name() == "advoware";
        let wanted = frnr.and_then(of_frnr).map(|entry| if hides { entry.blocked() } else { entry });
        if wanted != event || event.is_none() {
            problems.push(format!("a row has {wanted:?} and {event:?}"));
        }
    }
    problems.extend(termine.into_iter().map(|frnr| format!("Termin {frnr} has no row: {:?}", of_frnr(frnr))));
    let left = if may_write_new(&employee) { events } else { BTreeMap::new() };
    problems.extend(left.into_values().map(|entry| format!("an event has no row: {entry:?}")));
    Ok(problems)
}

/// Without a permission of their own the setting's default lets new events in.
fn may_write_new(employee: &Employee) -> bool {
    employee.policy.advoware_write_allowed.unwrap_or(true)
}

async fn kept(world: &World) -> Result<Kept> {
    let mut hub = PgConnection::connect(&world.database_url).await?;
    let query = "SELECT rule, before, after FROM calendar_sync_audit";
    let rows: Vec<(String, Option<Value>, Option<Value>)> = sqlx::query_as(query).fetch_all(&mut hub).await?;
    hub.close().await?;
    let mut kept = Kept { before: BTreeSet::new(), recreated: BTreeSet::new() };
    for (rule, before, after) in rows {
        if let Some(before) = before {
            kept.before.extend(before["text"].as_str().map(|text| Said::Title(text.to_owned())));
            kept.before.extend(begin(&before).map(Said::Begin));
        }
        if rule.starts_with("recreate") {
            kept.recreated.extend(after.as_ref().and_then(begin).map(|begin| begin.date()));
        }
    }
    Ok(kept)
}

/// Begin of a form as the hub stores it.
fn begin(form: &Value) -> Option<NaiveDateTime> {
    let span = &form["span"];
    match span["timed"]["starts_at"].as_str() {
        Some(at) => DateTime::parse_from_rfc3339(at).ok().map(|at| berlin(at.to_utc())),
        None => span["all_day"]["first"].as_str()?.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0),
    }
}
