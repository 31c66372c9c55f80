//! Reading Termine: tolerant in form (both spellings of dates and of the number, numbers as texts, switches as numbers, fields left
//! out), but what cannot be read never looks empty, and an entry that cannot be read never looks absent (C4).

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use domain::calendar::termin::TerminFields;
use domain::ids::FrNr;
use serde_json::Value;

use super::super::fields::Fields;
use super::super::map::wall_time;
use super::super::wire::{malformed, only_object};
use super::{AdvoTermin, TerminList, TerminRecord};
use crate::error::ErrorKind;
use crate::json::{NoText, integer, written};

/// An entry that cannot be read.
struct Unreadable {
    frnr: Option<FrNr>,
    /// Why; a fixed text.
    what: &'static str,
}

/// Reads the answer to a question for a window. Null is no empty list: that would be evidence of deletions.
pub(in crate::advoware) fn list(answer: Value) -> Result<TerminList, ErrorKind> {
    let Value::Array(entries) = answer else { return malformed("the list of Termine is no array") };
    let mut nameless = 0;
    // `None`: unreadable.
    let mut by_number: BTreeMap<FrNr, Option<AdvoTermin>> = BTreeMap::new();
    for entry in entries {
        let (frnr, termin) = match termin(entry) {
            Ok(termin) => (termin.frnr, Some(termin)),
            Err(Unreadable { frnr: Some(frnr), .. }) => (frnr, None),
            Err(Unreadable { frnr: None, .. }) => {
                nameless += 1;
                continue;
            }
        };
        // Where two entries of one number differ, neither is known to be the true one.
        let kept = by_number.entry(frnr).or_insert_with(|| termin.clone());
        if *kept != termin {
            *kept = None;
        }
    }
    let mut list = TerminList { termine: Vec::new(), unreadable: vec![None; nameless] };
    for (frnr, termin) in by_number {
        match termin {
            Some(termin) => list.termine.push(termin),
            None => list.unreadable.push(Some(frnr)),
        }
    }
    Ok(list)
}

/// Reads the answer to a question for `asked`: an object, or an array of one; `None` for an empty array or null.
pub(in crate::advoware) fn one(answer: Value, asked: FrNr) -> Result<Option<AdvoTermin>, ErrorKind> {
    match &answer {
        Value::Null => return Ok(None),
        Value::Array(entries) if entries.is_empty() => return Ok(None),
        _ => {}
    }
    let entry = Value::Object(only_object(answer)?);
    let termin = termin(entry).map_err(|Unreadable { what, .. }| ErrorKind::Malformed { what })?;
    // A filter that was not understood is ignored (F, DOMAIN 3): another entry must not pass for this one.
    if termin.frnr == asked { Ok(Some(termin)) } else { malformed("frNr is not the one asked for") }
}

/// Reads the answer to a POST; `None` where it does not tell the number, as Advoware sometimes does (F, DOMAIN 3).
pub(in crate::advoware) fn new_frnr(answer: Value) -> Result<Option<FrNr>, ErrorKind> {
    if answer.is_null() {
        return Ok(None);
    }
    let frnr = TerminRecord(Fields(only_object(answer)?)).frnr();
    Ok(frnr.filter(|frnr| !frnr.is_computed()))
}

fn termin(entry: Value) -> Result<AdvoTermin, Unreadable> {
    let Value::Object(fields) = entry else { return Err(Unreadable { frnr: None, what: "an entry is no object" }) };
    let record = TerminRecord(Fields(fields));
    let Some(frnr) = record.frnr() else { return Err(Unreadable { frnr: None, what: "frNr is missing" }) };
    let fields = raw(&record.0).map_err(|what| Unreadable { frnr: Some(frnr), what })?;
    Ok(AdvoTermin { frnr, fields, record })
}

fn raw(fields: &Fields) -> Result<TerminFields, &'static str> {
    let text = |name: &str| written(fields.get(name)).map_err(|NoText| "a text of a Termin is none");
    let turnus =
        |name: &str| u32::try_from(number(fields.get(name))?).map_err(|_| "turnus or turnusArt is out of range");
    Ok(TerminFields {
        datum: date(fields.get("datum"))?,
        datum_bis: date(fields.get("datumBis"))?,
        uhrzeit_von: time_of_day(fields.get("uhrzeitVon"))?,
        uhrzeit_bis: time_of_day(fields.get("uhrzeitBis"))?,
        text: text("text")?,
        notiz: text("notiz")?,
        ort: text("ort")?,
        sb: text("sb")?,
        anwalt: text("anwalt")?,
        dauertermin: number(fields.get("dauertermin"))? != 0,
        turnus: turnus("turnus")?,
        turnus_art: turnus("turnusArt")?,
        privat: number(fields.get("privat"))? != 0,
        nr: number(fields.get("nr"))?,
        zuletzt_geaendert_am: fields.text("zuletztGeaendertAm").and_then(wall_time).filter(is_told),
    })
}

/// `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SS`; an empty one is null, absent, an empty text or a day of the year 1 (F, DOMAIN 3).
fn date(value: &Value) -> Result<Option<NaiveDateTime>, &'static str> {
    let Some(text) = filled_in(value)? else { return Ok(None) };
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|day| day.and_time(NaiveTime::MIN));
    let date = wall_time(text).or_else(day).ok_or("a date of a Termin cannot be read")?;
    Ok(Some(date).filter(is_told))
}

fn is_told(date: &NaiveDateTime) -> bool {
    date.year() != 1
}

/// `HH:MM:SS`; null, absent and empty are none.
fn time_of_day(value: &Value) -> Result<Option<NaiveTime>, &'static str> {
    let Some(text) = filled_in(value)? else { return Ok(None) };
    let time = NaiveTime::parse_from_str(text, "%H:%M:%S%.f");
    time.map(Some).map_err(|_| "a time of a Termin cannot be read")
}

fn filled_in(value: &Value) -> Result<Option<&str>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        _ => Err("a date or time of a Termin is no text"),
    }
}

/// A number or a switch: 0 where null, absent or an empty text. A private entry must not look public, so nothing else is off.
fn number(value: &Value) -> Result<i64, &'static str> {
    match value {
        Value::Null => Ok(0),
        Value::Bool(on) => Ok(i64::from(*on)),
        Value::String(text) if text.is_empty() => Ok(0),
        other => integer(other).ok_or("a number of a Termin is none"),
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
