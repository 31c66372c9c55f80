//! When an entry takes place, in naive Berlin wall time, and whether a window sees it (DOMAIN 3).

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use serde_json::{Map, Value};

/// How Advoware's database spells "no date".
const YEAR_ONE: &str = "0001-01-01";

/// From start to end; a series to the end of its last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: NaiveDateTime,
    pub(super) end: NaiveDateTime,
}

impl Span {
    /// `None` for an entry whose start cannot be read.
    pub(super) fn of(fields: &Map<String, Value>) -> Option<Self> {
        let (first, carried) = moment(text(fields, "datum")?)?;
        let last = text(fields, "datumBis").filter(|text| !is_empty_date(text)).and_then(moment);
        if is_series(fields) {
            let end = last.map_or(NaiveDateTime::MAX, |(day, _)| midnight_after(day));
            return Some(Self { start: first.and_time(start_time(fields, carried)), end });
        }
        if is_all_day(fields) {
            let day = last.map_or(first, |(day, _)| day);
            return Some(Self { start: first.and_time(NaiveTime::MIN), end: midnight_after(day) });
        }
        let start = first.and_time(start_time(fields, carried));
        let hour_later = start + TimeDelta::hours(1);
        let end = match last {
            None => hour_later,
            Some((day, carried)) => match time(fields, "uhrzeitBis").or_else(|| not_midnight(carried)) {
                Some(time) => day.and_time(time),
                None if day == first && start.time() >= ten() => hour_later,
                None => day.and_time(ten()),
            },
        };
        Some(Self { start, end })
    }

    /// Whether it overlaps the days from `from` to `to`, both whole; `None` is no bound.
    pub(super) fn overlaps(self, from: Option<NaiveDate>, to: Option<NaiveDate>) -> bool {
        let begins = from.map_or(NaiveDateTime::MIN, |day| day.and_time(NaiveTime::MIN));
        let ends = to.map_or(NaiveDateTime::MAX, midnight_after);
        self.start < ends && (self.end > begins || self.start >= begins)
    }
}

/// The day and the time of day of a date in either shape; midnight where it carries none.
pub(super) fn moment(text: &str) -> Option<(NaiveDate, NaiveTime)> {
    let (day, time) = text.split_once('T').unwrap_or((text, "00:00:00"));
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok().filter(|_| day.len() == 10)?;
    Some((day, time_of_day(time)?))
}

/// `HH:MM:SS` and nothing else.
pub(super) fn time_of_day(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M:%S").ok().filter(|_| text.len() == 8)
}

pub(super) fn is_empty_date(text: &str) -> bool {
    text.is_empty() || text.starts_with(YEAR_ONE)
}

pub(super) fn is_series(fields: &Map<String, Value>) -> bool {
    number(fields, "dauertermin") == 1 && number(fields, "turnus") > 0 && (1..=4).contains(&number(fields, "turnusArt"))
}

pub(super) fn is_all_day(fields: &Map<String, Value>) -> bool {
    number(fields, "dauertermin") == 1 && !is_series(fields)
}

pub(super) fn time(fields: &Map<String, Value>, name: &str) -> Option<NaiveTime> {
    text(fields, name).and_then(time_of_day)
}

pub(super) fn not_midnight(time: NaiveTime) -> Option<NaiveTime> {
    Some(time).filter(|time| *time != NaiveTime::MIN)
}

/// `uhrzeitVon`, else the time that `datum` carries, else nine o'clock.
fn start_time(fields: &Map<String, Value>, carried: NaiveTime) -> NaiveTime {
    let nine = NaiveTime::MIN + TimeDelta::hours(9);
    time(fields, "uhrzeitVon").or_else(|| not_midnight(carried)).unwrap_or(nine)
}

fn ten() -> NaiveTime {
    NaiveTime::MIN + TimeDelta::hours(10)
}

fn midnight_after(day: NaiveDate) -> NaiveDateTime {
    day.checked_add_days(Days::new(1)).map_or(NaiveDateTime::MAX, |next| next.and_time(NaiveTime::MIN))
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}

fn number(fields: &Map<String, Value>, name: &str) -> i64 {
    fields.get(name).and_then(Value::as_i64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn span(fields: Value) -> String {
        let Value::Object(fields) = fields else { panic!("an object") };
        Span::of(&fields).map_or_else(|| "none".to_owned(), |span| format!("{} to {}", span.start, span.end))
    }

    #[test]
    fn missing_times_have_their_defaults() {
        let day = "2026-12-01";
        let cases = [
            (json!({ "datum": day, "datumBis": day }), "2026-12-01 09:00:00 to 2026-12-01 10:00:00"),
            (json!({ "datum": day }), "2026-12-01 09:00:00 to 2026-12-01 10:00:00"),
            (json!({ "datum": day, "uhrzeitVon": "23:30:00" }), "2026-12-01 23:30:00 to 2026-12-02 00:30:00"),
            (json!({ "datum": day, "datumBis": "0001-01-01T00:00:00" }), "2026-12-01 09:00:00 to 2026-12-01 10:00:00"),
            (
                json!({ "datum": day, "datumBis": day, "uhrzeitVon": "10:00:00" }),
                "2026-12-01 10:00:00 to 2026-12-01 11:00:00",
            ),
            (
                json!({ "datum": "2026-12-01T14:15:00", "datumBis": "2026-12-02T01:00:00" }),
                "2026-12-01 14:15:00 to 2026-12-02 01:00:00",
            ),
            (json!({ "datum": day, "dauertermin": 1 }), "2026-12-01 00:00:00 to 2026-12-02 00:00:00"),
            (json!({ "datum": "1.12.2026" }), "none"),
        ];
        for (fields, expected) in cases {
            assert_eq!(span(fields.clone()), expected, "{fields}");
        }
    }
}
