//! Dates of the Stammdaten: two shapes, and two ways to say that there is none (DOMAIN 2 and 3).

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::advoware::{AdvowareSwitches, DateShape};

pub(super) const DATE_FIELDS: [&str; 1] = ["geburtsdatum"];

/// How Advoware's database spells "no date".
const YEAR_ONE: &str = "0001-01-01";
const MIDNIGHT: &str = "T00:00:00";

/// Whether a write may carry this: a date in either shape, or none.
pub(super) fn is_date(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty() || day(text).is_some(),
        _ => false,
    }
}

/// The stored form of a written date: as written, null where there is none.
pub(super) fn stored(value: Value) -> Value {
    let is_empty = value.as_str().is_some_and(|text| text.is_empty() || text.starts_with(YEAR_ONE));
    if is_empty { Value::Null } else { value }
}

/// A stored date as this installation answers it.
pub(super) fn answered(value: &Value, switches: &AdvowareSwitches) -> Value {
    let Some(day) = value.as_str().and_then(day) else {
        return if switches.empty_date_is_year_one { json!(format!("{YEAR_ONE}{MIDNIGHT}")) } else { value.clone() };
    };
    match switches.date_shape {
        DateShape::AsStored => value.clone(),
        DateShape::Date => json!(day.to_string()),
        DateShape::DateTime => json!(format!("{day}{MIDNIGHT}")),
    }
}

/// Advoware knows no time of birth, but its dates may carry one.
fn day(text: &str) -> Option<NaiveDate> {
    let (day, time) = text.split_once('T').unwrap_or((text, "00:00:00"));
    let is_time = chrono::NaiveTime::parse_from_str(time, "%H:%M:%S%.f").is_ok();
    NaiveDate::parse_from_str(day, "%Y-%m-%d").ok().filter(|_| is_time && day.len() == 10)
}
