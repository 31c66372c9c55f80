//! Which days a series falls on: as much of RFC 5545 as the window of a list and a user's change of an occurrence need.

use std::collections::HashSet;

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveDateTime, Utc, Weekday};
use chrono_tz::Tz;
use serde_json::Value;

use crate::google::refusal::Refusal;
use crate::google::time::Point;

/// More occurrences of one series are not looked at.
const LOOKED_AT_MOST: usize = 20_000;

/// Refuses lines that are no `RRULE`, `EXRULE`, `RDATE` or `EXDATE`, and rules without a known frequency.
pub(crate) fn check(recurrence: &Value) -> Result<(), Refusal> {
    let invalid = || Refusal::invalid("Invalid recurrence rule.");
    for line in recurrence.as_array().ok_or_else(invalid)? {
        let line = line.as_str().ok_or_else(invalid)?;
        let (name, value) = line.split_once(':').ok_or_else(invalid)?;
        match name.split(';').next() {
            Some("RDATE" | "EXDATE") if !value.is_empty() => {}
            Some("RRULE" | "EXRULE") => {
                let parts: Vec<(&str, &str)> =
                    value.split(';').map(|part| part.split_once('=').ok_or_else(invalid)).collect::<Result<_, _>>()?;
                let of = |name: &str| parts.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
                let frequencies = ["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
                let numeric = |name: &str| of(name).is_none_or(|text| text.parse::<u32>().is_ok_and(|n| n > 0));
                let until = of("UNTIL").is_none_or(|text| until(text).is_some());
                if !of("FREQ").is_some_and(|text| frequencies.contains(&text))
                    || !numeric("INTERVAL")
                    || !numeric("COUNT")
                    || !until
                    || (of("UNTIL").is_some() && of("COUNT").is_some())
                {
                    return Err(invalid());
                }
            }
            _ => return Err(invalid()),
        }
    }
    Ok(())
}

/// The order in which Google has been seen to write a rule's parts.
pub(crate) fn reordered(recurrence: &mut Value) {
    let place = |part: &str| {
        let order = ["FREQ", "WKST", "UNTIL", "COUNT", "INTERVAL"];
        let name = part.split('=').next().unwrap_or_default();
        order.iter().position(|known| *known == name).unwrap_or(order.len())
    };
    for line in recurrence.as_array_mut().into_iter().flatten() {
        if let Some((name, rule)) = line.as_str().and_then(|text| text.split_once(':'))
            && name == "RRULE"
        {
            let mut parts: Vec<&str> = rule.split(';').collect();
            parts.sort_by_key(|part| place(part));
            *line = Value::String(format!("RRULE:{}", parts.join(";")));
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Until {
    Day(NaiveDate),
    Instant(DateTime<Utc>),
    Local(NaiveDateTime),
}

fn until(text: &str) -> Option<Until> {
    if let Some(utc) = text.strip_suffix('Z') {
        return NaiveDateTime::parse_from_str(utc, "%Y%m%dT%H%M%S").ok().map(|at| Until::Instant(at.and_utc()));
    }
    match text.len() {
        8 => NaiveDate::parse_from_str(text, "%Y%m%d").ok().map(Until::Day),
        _ => NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").ok().map(Until::Local),
    }
}

/// A series as far as it is understood.
#[derive(Debug)]
pub(crate) struct Series {
    start: Point,
    length: chrono::TimeDelta,
    frequency: String,
    interval: u32,
    count: Option<usize>,
    until: Option<Until>,
    weekdays: Vec<Weekday>,
    /// Local times or dates, and instants, that are left out.
    left_out: HashSet<String>,
    /// False where a part of the rule is not understood: then only its span is known.
    exact: bool,
}

impl Series {
    pub(crate) fn of(start: Point, end: Point, recurrence: &Value) -> Self {
        let length = end.local() - start.local();
        let mut series = Self {
            start,
            length,
            frequency: String::new(),
            interval: 1,
            count: None,
            until: None,
            weekdays: Vec::new(),
            left_out: HashSet::new(),
            exact: true,
        };
        let lines: Vec<&str> = recurrence.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, value) in lines.iter().filter_map(|line| line.split_once(':')) {
            match name.split(';').next() {
                Some("RRULE") if series.frequency.is_empty() => series.take_rule(value),
                Some("EXDATE") => series.left_out.extend(value.split(',').map(str::to_owned)),
                _ => series.exact = false,
            }
        }
        series.exact &= matches!(series.frequency.as_str(), "DAILY" | "WEEKLY" | "MONTHLY" | "YEARLY");
        series
    }

    fn take_rule(&mut self, rule: &str) {
        for (name, value) in rule.split(';').filter_map(|part| part.split_once('=')) {
            match name {
                "FREQ" => value.clone_into(&mut self.frequency),
                "INTERVAL" => self.interval = value.parse().unwrap_or(1),
                "COUNT" => self.count = value.parse().ok(),
                "UNTIL" => self.until = until(value),
                "WKST" => {}
                "BYDAY" => {
                    for day in value.split(',') {
                        match weekday(day) {
                            Some(day) => self.weekdays.push(day),
                            None => self.exact = false,
                        }
                    }
                }
                _ => self.exact = false,
            }
        }
        self.exact &= self.weekdays.is_empty() || self.frequency == "WEEKLY";
    }

    /// True when an occurrence reaches into the open interval.
    pub(crate) fn overlaps(&self, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>, calendar: Tz) -> bool {
        if !self.exact {
            return self.spans(from, to, calendar);
        }
        self.starts()
            .take_while(|start| to.is_none_or(|to| start.instant(calendar) < to))
            .any(|start| from.is_none_or(|from| start.moved_to(start.local() + self.length).instant(calendar) > from))
    }

    fn spans(&self, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>, calendar: Tz) -> bool {
        let ends_before = from.is_some_and(|from| match self.until {
            Some(Until::Instant(until)) => until + self.length <= from,
            Some(Until::Day(day)) => Point::Day(day + Days::new(1)).instant(calendar) + self.length <= from,
            _ => false,
        });
        to.is_none_or(|to| self.start.instant(calendar) < to) && !ends_before
    }

    /// True when the series has an occurrence that starts then (or may have one, where it is not understood).
    pub(crate) fn has(&self, original: Point) -> bool {
        !self.exact || self.starts().take_while(|start| start.local() <= original.local()).any(|one| one == original)
    }

    pub(crate) fn end_of(&self, original: Point) -> Point {
        original.moved_to(original.local() + self.length)
    }

    /// Starts that are not left out, ascending.
    fn starts(&self) -> impl Iterator<Item = Point> + '_ {
        let first = self.start.local();
        let within = |start: &Point| match self.until {
            None => true,
            Some(Until::Day(day)) => start.local().date() <= day,
            Some(Until::Local(local)) => start.local() <= local,
            Some(Until::Instant(until)) => match start {
                Point::Day(day) => *day <= until.date_naive(),
                Point::At { instant, .. } => *instant <= until,
            },
        };
        (0..u32::try_from(LOOKED_AT_MOST).unwrap_or(u32::MAX))
            .flat_map(move |round| self.round(first, round))
            .filter(move |local| *local >= first)
            .take(self.count.unwrap_or(LOOKED_AT_MOST).min(LOOKED_AT_MOST))
            .map(|local| self.start.moved_to(local))
            .take_while(within)
            .filter(|start| !self.is_left_out(*start))
    }

    /// The occurrences of one interval; a day that a month lacks is skipped.
    fn round(&self, first: NaiveDateTime, round: u32) -> Vec<NaiveDateTime> {
        let steps = self.interval.saturating_mul(round);
        let date = first.date();
        let dates: Vec<NaiveDate> = match self.frequency.as_str() {
            "DAILY" => date.checked_add_days(Days::new(steps.into())).into_iter().collect(),
            "WEEKLY" if self.weekdays.is_empty() => {
                date.checked_add_days(Days::new(u64::from(steps) * 7)).into_iter().collect()
            }
            "WEEKLY" => {
                let week = date - Days::new(date.weekday().num_days_from_monday().into());
                let days = (0..7).filter_map(|day| week.checked_add_days(Days::new(u64::from(steps) * 7 + day)));
                days.filter(|day| self.weekdays.contains(&day.weekday())).collect()
            }
            "MONTHLY" => same_day(date, steps).into_iter().collect(),
            _ => same_day(date, steps.saturating_mul(12)).into_iter().collect(),
        };
        dates.into_iter().map(|date| date.and_time(first.time())).collect()
    }

    fn is_left_out(&self, start: Point) -> bool {
        let local = start.local();
        [start.stamp(), local.format("%Y%m%dT%H%M%S").to_string(), local.format("%Y%m%d").to_string()]
            .iter()
            .any(|spelling| self.left_out.contains(spelling))
    }
}

fn same_day(date: NaiveDate, months: u32) -> Option<NaiveDate> {
    date.checked_add_months(Months::new(months)).filter(|moved| moved.day() == date.day())
}

fn weekday(name: &str) -> Option<Weekday> {
    let names = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let at = names.iter().position(|known| *known == name)?;
    Weekday::try_from(u8::try_from(at).ok()?).ok()
}
