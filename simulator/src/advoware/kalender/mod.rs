//! Termine and Mitarbeiter (DOMAIN 3).

pub(crate) mod edit;
mod handle;
mod route;
mod span;
mod switches;
mod termin;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(crate) use route::kalender_route;
pub use switches::{ChangeTime, FrnrSpelling, TerminDateShape, TerminSwitches};
pub(crate) use termin::{Asked, Termin, Unfit};

use crate::advoware::kalender::span::Span;
use crate::advoware::{AdvowareSwitches, bad_request, not_found};
use crate::call::{Answer, Call};
use crate::dice::Dice;
use crate::operation::{Operation, Route};

/// An employee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mitarbeiter {
    /// Initials, unique.
    pub kuerzel: String,
    /// Full name.
    pub name: String,
}

/// All appointments and who has them.
#[derive(Debug)]
pub(crate) struct Kalender {
    termine: BTreeMap<i64, Termin>,
    mitarbeiter: BTreeMap<String, String>,
    last_frnr: i64,
    dice: Dice,
}

impl Kalender {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            termine: BTreeMap::new(),
            mitarbeiter: BTreeMap::new(),
            last_frnr: 85_860,
            dice: Dice::new(seed ^ 0x5445_524D),
        }
    }

    pub(crate) fn answer(
        &mut self,
        call: &Call,
        route: &Route,
        switches: &AdvowareSwitches,
        now: DateTime<Utc>,
    ) -> Answer {
        let frnr: Option<i64> = route.keys.first().and_then(|key| key.parse().ok());
        match (route.operation, frnr) {
            (Operation::ListMitarbeiter, _) => Answer::ok(&json!(self.mitarbeiter().collect::<Vec<_>>())),
            (Operation::ListTermine, _) => self.list(call, switches),
            (Operation::GetTermin, Some(frnr)) => self.get(frnr, switches),
            (Operation::PostTermin, _) => self.post(call, switches, now),
            (Operation::PutTermin, Some(frnr)) => self.put(frnr, call, switches, now),
            (Operation::DeleteTermin, Some(frnr)) => self.delete(frnr, switches),
            _ => bad_request(),
        }
    }

    fn list(&self, call: &Call, switches: &AdvowareSwitches) -> Answer {
        let kuerzel = call.query_value("kuerzel");
        let bound = |name: &str| match call.query_value(name) {
            Some(text) => NaiveDate::parse_from_str(&text, "%Y-%m-%d").map(Some),
            None => Ok(None),
        };
        let (Ok(from), Ok(to)) = (bound("from"), bound("to")) else { return bad_request() };
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            return bad_request();
        }
        let is_shown = |termin: &Termin| {
            kuerzel.as_deref().is_none_or(|kuerzel| termin.is_seen_by(kuerzel))
                // What cannot be placed is in every window: a list must not hide it.
                && Span::of(&termin.fields).is_none_or(|span| span.overlaps(from, to))
        };
        let wire = |termin: &Termin| termin.to_wire(switches, Asked::List);
        let stored = self.termine.values().filter(|termin| is_shown(termin)).map(wire);
        let computed = self.termine.values().filter_map(|termin| self.preparation(termin, switches));
        let computed = computed.filter(is_shown).map(|termin| wire(&termin));
        Answer::ok(&Value::Array(stored.chain(computed).collect()))
    }

    fn get(&self, frnr: i64, switches: &AdvowareSwitches) -> Answer {
        let computed = || self.preparation(self.termine.get(&frnr.checked_neg()?)?, switches);
        match self.termine.get(&frnr).cloned().or_else(computed) {
            Some(termin) => {
                let wire = termin.to_wire(switches, Asked::One);
                Answer::ok(&if switches.termine.array_of_one { json!([wire]) } else { wire })
            }
            None if switches.termine.unknown_is_empty_array => Answer::ok(&json!([])),
            None => not_found(),
        }
    }

    fn post(&mut self, call: &Call, switches: &AdvowareSwitches, now: DateTime<Utc>) -> Answer {
        let Some(body) = body(call) else { return bad_request() };
        let frnr = self.create(body, now);
        let is_null = self.dice.percent(usize::from(switches.termine.null_frnr_percent));
        let Some(termin) = self.termine.get(&frnr) else { return bad_request() };
        let spelled = match switches.termine.frnr_spelling {
            FrnrSpelling::Frnr => "frnr",
            FrnrSpelling::FrNr => "frNr",
        };
        let mut wire = termin.to_write_answer(switches);
        wire.remove("frNr");
        wire.insert(spelled.to_owned(), if is_null { Value::Null } else { json!(frnr) });
        Answer::ok(&Value::Object(wire))
    }

    fn put(&mut self, frnr: i64, call: &Call, switches: &AdvowareSwitches, now: DateTime<Utc>) -> Answer {
        let Some(body) = body(call).filter(|_| frnr > 0) else { return bad_request() };
        let Some(termin) = self.replace(frnr, body, now) else { return not_found() };
        Answer::ok(&Value::Object(termin.to_write_answer(switches)))
    }

    fn delete(&mut self, frnr: i64, switches: &AdvowareSwitches) -> Answer {
        if frnr <= 0 {
            return bad_request();
        }
        let Some(gone) = self.remove(frnr) else { return not_found() };
        if switches.termine.delete_answers_json {
            Answer::ok(&Value::Object(gone.to_write_answer(switches)))
        } else {
            Answer::empty(StatusCode::OK)
        }
    }

    /// The computed entry that answers show beside this one; one that was seeded under its number stands before it.
    fn preparation(&self, termin: &Termin, switches: &AdvowareSwitches) -> Option<Termin> {
        let computed = termin.preparation().filter(|_| switches.termine.preparation_shown)?;
        Some(computed).filter(|computed| !self.termine.contains_key(&computed.frnr))
    }

    pub(crate) fn termine(&self) -> impl Iterator<Item = &Termin> {
        self.termine.values()
    }

    pub(crate) fn termin(&self, frnr: i64) -> Option<&Termin> {
        self.termine.get(&frnr)
    }

    /// Stores a new entry under the next number; numbers are never used again.
    pub(crate) fn create(&mut self, body: Map<String, Value>, now: DateTime<Utc>) -> i64 {
        self.last_frnr += 1;
        let frnr = self.last_frnr;
        self.termine.insert(frnr, Termin { frnr, fields: Termin::writable(body), changed_at: now });
        frnr
    }

    /// Stores an entry exactly as given, unchecked, under its `frNr` (an earlier one is replaced) or the next number.
    pub(crate) fn seed(&mut self, mut fields: Map<String, Value>, now: DateTime<Utc>) -> i64 {
        let given = fields.remove("frNr").and_then(|number| number.as_i64());
        let frnr = given.unwrap_or(self.last_frnr + 1);
        self.last_frnr = self.last_frnr.max(frnr);
        self.termine.insert(frnr, Termin { frnr, fields, changed_at: now });
        frnr
    }

    /// Replaces all fields; what is absent is emptied. The change time moves even when nothing differs.
    pub(crate) fn replace(&mut self, frnr: i64, body: Map<String, Value>, now: DateTime<Utc>) -> Option<&Termin> {
        let termin = self.termine.get_mut(&frnr)?;
        termin.fields = Termin::writable(body);
        termin.changed_at = now;
        Some(termin)
    }

    pub(crate) fn remove(&mut self, frnr: i64) -> Option<Termin> {
        self.termine.remove(&frnr)
    }

    pub(crate) fn mitarbeiter(&self) -> impl Iterator<Item = Mitarbeiter> {
        let known = self.mitarbeiter.iter();
        known.map(|(kuerzel, name)| Mitarbeiter { kuerzel: kuerzel.clone(), name: name.clone() })
    }

    /// Adds an employee, or renames one.
    pub(crate) fn join(&mut self, who: Mitarbeiter) {
        self.mitarbeiter.insert(who.kuerzel, who.name);
    }

    /// Removes an employee; the Termine stay. False when there is none.
    pub(crate) fn leave(&mut self, kuerzel: &str) -> bool {
        self.mitarbeiter.remove(kuerzel).is_some()
    }
}

fn body(call: &Call) -> Option<Map<String, Value>> {
    let Some(Value::Object(body)) = call.json() else { return None };
    Termin::check(&body).is_ok().then_some(body)
}
