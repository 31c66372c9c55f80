//! What a Termin and an event say, read for scenarios: another reading of DOMAIN 3 and 6 than the programs'.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use serde_json::Value;

/// One entry in comparable form. Times are what a clock in Berlin shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    pub begins: NaiveDateTime,
    /// Of all-day ones the midnight after the last day.
    pub ends: NaiveDateTime,
    pub all_day: bool,
    pub text: String,
    pub notiz: String,
    pub ort: String,
    /// FREQ, INTERVAL and the last day.
    pub series: Option<(String, u64, Option<NaiveDate>)>,
}

impl Entry {
    /// Of a Termin as Advoware holds it; `None` if it does not say when it begins.
    pub fn of_termin(termin: &Value) -> Option<Self> {
        let is_long = termin["dauertermin"].as_i64().unwrap_or_default() == 1;
        let interval = termin["turnus"].as_u64().filter(|turnus| *turnus > 0 && is_long);
        let freq = match termin["turnusArt"].as_u64() {
            Some(1) => Some("DAILY"),
            Some(2) => Some("WEEKLY"),
            Some(3) => Some("MONTHLY"),
            Some(4) => Some("YEARLY"),
            _ => None,
        };
        let first = day(&termin["datum"])?;
        let last = day(&termin["datumBis"]).unwrap_or(first);
        let from = time(&termin["uhrzeitVon"]).unwrap_or(clock(9));
        let to = time(&termin["uhrzeitBis"]).unwrap_or(clock(10));
        let series = interval.zip(freq).map(|(interval, freq)| {
            let until = Some(last).filter(|last| !last.to_string().starts_with("2037"));
            (freq.to_owned(), interval, until)
        });
        let is_whole_day = from == clock(0) && to >= NaiveTime::from_hms_opt(23, 59, 0)?;
        let (begins, ends) =
            (shown(first.and_time(from)), shown(if series.is_some() { first } else { last }.and_time(to)));
        let ends = if ends > begins { ends } else { begins + chrono::TimeDelta::hours(1) };
        let all_day =
            if series.is_some() { is_whole_day } else { is_long || ends - begins > chrono::TimeDelta::days(1) };
        let (begins, ends) = if all_day {
            let last = if series.is_some() {
                first
            } else {
                (ends - chrono::TimeDelta::seconds(1)).date().max(last.min(ends.date()))
            };
            (first.and_time(clock(0)), (last + Days::new(1)).and_time(clock(0)))
        } else {
            (begins, ends)
        };
        let [text, notiz, ort] = ["text", "notiz", "ort"].map(|name| said(&termin[name]));
        Some(Self { begins, ends, all_day, text, notiz, ort, series })
    }

    /// Of a living event; `None` for a changed or cancelled occurrence of a series.
    pub fn of_event(event: &Value) -> Option<Self> {
        if event["status"] == "cancelled" || !event["recurringEventId"].is_null() {
            return None;
        }
        let all_day = event["start"]["date"].is_string();
        let [begins, ends] = ["start", "end"].map(|name| {
            let time = &event[name];
            match time["date"].as_str() {
                Some(date) => date.parse().ok().map(|date: NaiveDate| date.and_time(clock(0))),
                None => DateTime::parse_from_rfc3339(time["dateTime"].as_str()?).ok().map(|at| berlin(at.to_utc())),
            }
        });
        let series = event["recurrence"].as_array().and_then(|lines| lines.first()).and_then(Value::as_str).map(rule);
        let [text, notiz, ort] = ["summary", "description", "location"].map(|name| said(&event[name]));
        Some(Self { begins: begins?, ends: ends?, all_day, text, notiz, ort, series })
    }

    /// The same, with nothing but times (C7).
    #[must_use]
    pub fn blocked(self) -> Self {
        Self { text: "Advoware blocked".to_owned(), notiz: String::new(), ort: String::new(), ..self }
    }
}

fn rule(line: &str) -> (String, u64, Option<NaiveDate>) {
    let part = |name: &str| {
        let parts = line.trim_start_matches("RRULE:").split(';');
        parts.filter_map(|part| part.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    };
    let until = part("UNTIL").and_then(|until| match until.len() {
        8 => NaiveDate::parse_from_str(&until, "%Y%m%d").ok(),
        _ => NaiveDateTime::parse_from_str(&until, "%Y%m%dT%H%M%SZ").ok().map(|at| berlin(at.and_utc()).date()),
    });
    let interval = part("INTERVAL").and_then(|interval| interval.parse().ok()).unwrap_or(1);
    (part("FREQ").unwrap_or_default(), interval, until)
}

fn said(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace("\r\n", "\n").trim_end().to_owned()
}

fn day(value: &Value) -> Option<NaiveDate> {
    value.as_str().and_then(|text| text.get(..10)).and_then(|text| text.parse().ok())
}

fn time(value: &Value) -> Option<NaiveTime> {
    value.as_str().and_then(|text| text.parse().ok())
}

/// What a clock in Berlin shows at a time that it skips in March: an hour later.
fn shown(wall: NaiveDateTime) -> NaiveDateTime {
    match chrono_tz::Europe::Berlin.from_local_datetime(&wall).latest() {
        Some(_) => wall,
        None => wall + chrono::TimeDelta::hours(1),
    }
}

fn clock(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default()
}

/// What a clock in Berlin shows.
pub fn berlin(at: DateTime<Utc>) -> NaiveDateTime {
    chrono_tz::Europe::Berlin.from_utc_datetime(&at.naive_utc()).naive_local()
}

/// A full hour in Berlin as Google writes it.
pub fn rfc3339(day: NaiveDate, hour: u32) -> String {
    let local = chrono_tz::Europe::Berlin.from_local_datetime(&day.and_time(clock(hour)));
    local.latest().map(|at| at.to_rfc3339()).unwrap_or_default()
}
