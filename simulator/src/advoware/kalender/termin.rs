//! A Termin: what a write must bring, what is kept of it, and how it looks on the wire (DOMAIN 3).

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Europe::Berlin;
use serde_json::{Map, Value, json};

use crate::advoware::AdvowareSwitches;
use crate::advoware::kalender::span::{self, Span, is_all_day, is_empty_date, is_series, moment, time_of_day};
use crate::advoware::kalender::switches::{ChangeTime, TerminDateShape};
use crate::dice::Dice;

const DATES: [&str; 2] = ["datum", "datumBis"];
const TIMES: [&str; 3] = ["uhrzeitVon", "uhrzeitBis", "vorbereitungsDauer"];
const TEXTS: [&str; 5] = ["text", "notiz", "ort", "sb", "anwalt"];
/// Numbers with the largest value a write may carry.
const NUMBERS: [(&str, i64); 6] =
    [("dauertermin", 1), ("turnus", 999), ("turnusArt", 4), ("privat", 1), ("nr", i64::MAX), ("special", i64::MAX)];
const CHANGE_TIME: &str = "zuletztGeaendertAm";
const NO_PREPARATION: &str = "00:00:00";

/// Which question an answer answers: one entry may look different in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    List,
    One,
}

/// Why a write is a bad request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) field: &'static str,
    pub(crate) kind: &'static str,
}

#[derive(Debug, Clone)]
pub(crate) struct Termin {
    /// Negative for a computed entry.
    pub(crate) frnr: i64,
    /// As last written or seeded, unknown fields included; empty ones are not there. A change time is in it only when it
    /// was seeded, and then it is answered as it is.
    pub(crate) fields: Map<String, Value>,
    pub(crate) changed_at: DateTime<Utc>,
}

impl Termin {
    /// What a write keeps of a body. Notes use CRLF.
    pub(crate) fn writable(mut body: Map<String, Value>) -> Map<String, Value> {
        for owned in ["frNr", "frnr", CHANGE_TIME] {
            body.remove(owned);
        }
        if let Some(Value::String(notiz)) = body.get_mut("notiz") {
            *notiz = notiz.replace("\r\n", "\n").replace('\n', "\r\n");
        }
        body.retain(|name, value| match value {
            Value::Null => false,
            Value::String(text) if DATES.contains(&name.as_str()) => !is_empty_date(text),
            Value::String(text) => !text.is_empty(),
            _ => true,
        });
        body
    }

    /// A body as the API takes it: whole, every field of its kind, and no end before the start.
    pub(crate) fn check(body: &Map<String, Value>) -> Result<(), Unfit> {
        Self::check_kinds(body)?;
        let start = body.get("datum").and_then(Value::as_str).filter(|text| !is_empty_date(text));
        let Some((first, _)) = start.and_then(moment) else { return Err(Unfit { field: "datum", kind: "required" }) };
        let last = body.get("datumBis").and_then(Value::as_str).filter(|text| !is_empty_date(text)).and_then(moment);
        let days_only = is_series(body) || is_all_day(body);
        let backwards = last.is_some_and(|(last, _)| last < first)
            || (!days_only && Span::of(body).is_some_and(|span| span.end < span.start));
        if backwards { Err(Unfit { field: "datumBis", kind: "range" }) } else { Ok(()) }
    }

    /// Every given field of its kind; what is absent is not missed.
    pub(crate) fn check_kinds(body: &Map<String, Value>) -> Result<(), Unfit> {
        let given = |name: &str| body.get(name).filter(|value| !value.is_null());
        let all = |names: &[&'static str], fits: fn(&Value) -> bool| {
            let bad = names.iter().find(|name| given(name).is_some_and(|value| !fits(value)));
            bad.map_or(Ok(()), |field| Err(Unfit { field, kind: "valid" }))
        };
        all(&DATES, |value| value.as_str().is_some_and(|text| is_empty_date(text) || moment(text).is_some()))?;
        all(&TIMES, |value| value.as_str().is_some_and(|text| text.is_empty() || time_of_day(text).is_some()))?;
        all(&TEXTS, Value::is_string)?;
        for (field, largest) in NUMBERS {
            let fits = |value: &Value| {
                value.as_i64().is_some_and(|number| (0..=largest).contains(&number))
                    || (field == "privat" && value.is_boolean())
            };
            if given(field).is_some_and(|value| !fits(value)) {
                return Err(Unfit { field, kind: "valid" });
            }
        }
        Ok(())
    }

    /// Whether the owner of this Kürzel sees it: named by `sb` or `anwalt`, or an entry of everybody.
    pub(crate) fn is_seen_by(&self, kuerzel: &str) -> bool {
        let names = |field: &str| {
            let text = self.fields.get(field).and_then(Value::as_str).unwrap_or_default();
            text.split(',').map(str::trim).filter(|name| !name.is_empty())
        };
        let wanted = kuerzel.trim();
        let is_wanted = |name: &str| name == wanted || name.to_lowercase() == wanted.to_lowercase();
        let is_everybody = |name: &str| name.eq_ignore_ascii_case("alle") || name.eq_ignore_ascii_case("allgemein");
        names("anwalt").next().is_none()
            || names("anwalt").any(|name| is_wanted(name) || is_everybody(name))
            || names("sb").any(is_wanted)
    }

    /// The computed entry of the preparation before this one; `None` where there is none.
    pub(crate) fn preparation(&self) -> Option<Self> {
        let duration = span::time(&self.fields, "vorbereitungsDauer").and_then(span::not_midnight)?;
        if self.frnr <= 0 || is_all_day(&self.fields) {
            return None;
        }
        let start = Span::of(&self.fields)?.start;
        let begins = start - duration.signed_duration_since(chrono::NaiveTime::MIN);
        let mut fields = self.fields.clone();
        fields.retain(|name, _| {
            matches!(name.as_str(), "sb" | "anwalt" | "dauertermin" | "turnus" | "turnusArt" | "datumBis" | "privat")
        });
        if !is_series(&self.fields) {
            fields.insert("datumBis".to_owned(), json!(start.date().to_string()));
        }
        fields.insert("datum".to_owned(), json!(begins.date().to_string()));
        fields.insert("uhrzeitVon".to_owned(), json!(begins.time().to_string()));
        fields.insert("uhrzeitBis".to_owned(), json!(start.time().to_string()));
        fields.insert("text".to_owned(), json!("Vorbereitung"));
        fields.insert("special".to_owned(), json!(1));
        Some(Self { frnr: -self.frnr, fields, changed_at: self.changed_at })
    }

    /// A stored entry that is neither computed nor a series.
    pub(crate) fn is_single(&self) -> bool {
        let special = self.fields.get("special").and_then(Value::as_i64).unwrap_or(0);
        self.frnr > 0 && special == 0 && !is_series(&self.fields)
    }

    /// When it begins, in Berlin's wall time; `None` where that cannot be read.
    pub(crate) fn begins(&self) -> Option<NaiveDateTime> {
        Span::of(&self.fields).map(|span| span.start)
    }

    pub(crate) fn to_wire(&self, switches: &AdvowareSwitches, asked: Asked) -> Value {
        let mut wire = self.fields.clone();
        for field in DATES {
            let answered = self.answered_date(field, switches, asked);
            wire.insert(field.to_owned(), answered);
        }
        for field in TEXTS.into_iter().chain(["uhrzeitVon", "uhrzeitBis"]) {
            wire.entry(field).or_insert(Value::Null);
        }
        for (field, _) in NUMBERS {
            wire.entry(field).or_insert(json!(0));
        }
        wire.entry("vorbereitungsDauer").or_insert(json!(NO_PREPARATION));
        wire.insert("frNr".to_owned(), json!(self.frnr));
        if let Some(told) = self.change_time(switches, asked) {
            wire.entry(CHANGE_TIME).or_insert(json!(told));
        }
        if switches.termine.empty_fields_left_out {
            wire.retain(|_, value| !value.is_null());
        }
        Value::Object(wire)
    }

    /// The answer to a write: no change time to rely on.
    pub(crate) fn to_write_answer(&self, switches: &AdvowareSwitches) -> Map<String, Value> {
        let Value::Object(mut wire) = self.to_wire(switches, Asked::One) else { return Map::new() };
        wire.remove(CHANGE_TIME);
        wire
    }

    fn answered_date(&self, field: &str, switches: &AdvowareSwitches, asked: Asked) -> Value {
        let shape = switches.termine.date_shape;
        let is_mixed = shape == TerminDateShape::Mixed;
        let mut dice = self.dice(field, asked);
        let Some(stored) = self.fields.get(field).filter(|stored| !stored.is_null()) else {
            let is_year_one = if is_mixed { dice.percent(50) } else { switches.empty_date_is_year_one };
            return if is_year_one { json!("0001-01-01T00:00:00") } else { Value::Null };
        };
        let Some((day, carried)) = stored.as_str().and_then(moment) else { return stored.clone() };
        let clock_field = if field == "datum" { "uhrzeitVon" } else { "uhrzeitBis" };
        let time = span::time(&self.fields, clock_field);
        // Any other shape would lose the only time there is.
        if time.is_none() && span::not_midnight(carried).is_some() {
            return stored.clone();
        }
        match (shape, if is_mixed { dice.below(3) } else { 0 }) {
            (TerminDateShape::AsStored, _) => stored.clone(),
            (TerminDateShape::Date, _) | (TerminDateShape::Mixed, 0) => json!(day.to_string()),
            (TerminDateShape::Mixed, 1) => json!(format!("{day}T{}", time.unwrap_or_default())),
            (TerminDateShape::DateTime | TerminDateShape::Mixed, _) => json!(format!("{day}T00:00:00")),
        }
    }

    fn change_time(&self, switches: &AdvowareSwitches, asked: Asked) -> Option<String> {
        let digits = match switches.termine.change_time {
            ChangeTime::Digits(digits) => usize::from(digits.min(7)),
            ChangeTime::Mixed => Some(self.dice(CHANGE_TIME, asked).below(9)).filter(|digits| *digits <= 7)?,
            ChangeTime::Missing => return None,
        };
        let full = self.changed_at.with_timezone(&Berlin).format("%Y-%m-%dT%H:%M:%S%.9f").to_string();
        let length = if digits == 0 { 19 } else { 20 + digits };
        full.get(..length).map(str::to_owned)
    }

    /// The same for every reading of the same state.
    fn dice(&self, field: &str, asked: Asked) -> Dice {
        let name = field.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let state = self.changed_at.timestamp_millis().unsigned_abs().wrapping_mul(1_000_003);
        Dice::new(state ^ self.frnr.unsigned_abs() ^ (name << 24) ^ (u64::from(asked == Asked::List) << 60))
    }
}
