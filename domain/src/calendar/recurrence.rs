//! Recurrence that both systems know (C9): `turnus` and `turnusArt` of Advoware, FREQ, INTERVAL and UNTIL of an RRULE
//! in Google.

use std::num::NonZeroU32;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc, Weekday};

use super::oddity::Refusal;
use super::standard::{Span, day_after};
use super::time::{YEARS, berlin, instant_of};

mod rule;

use rule::Rule;

/// How an entry recurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Series {
    /// Every so many days, weeks, months or years.
    pub turnus: NonZeroU32,
    /// Of what `turnus` counts.
    pub art: TurnusArt,
    /// Last day in Berlin on which an occurrence may begin; `None`: without end.
    pub until: Option<NaiveDate>,
}

/// `turnusArt` of Advoware (DOMAIN 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TurnusArt {
    /// 1.
    Daily,
    /// 2, on the weekday of the first occurrence.
    Weekly,
    /// 3, on the day of the month of the first occurrence.
    Monthly,
    /// 4, on the day and month of the first occurrence.
    Yearly,
}

impl TurnusArt {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Daily, Self::Weekly, Self::Monthly, Self::Yearly];

    /// Advoware's number.
    pub fn number(self) -> u32 {
        match self {
            Self::Daily => 1,
            Self::Weekly => 2,
            Self::Monthly => 3,
            Self::Yearly => 4,
        }
    }

    /// Reads [`Self::number`].
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|art| art.number() == number)
    }

    fn freq(self) -> &'static str {
        match self {
            Self::Daily => "DAILY",
            Self::Weekly => "WEEKLY",
            Self::Monthly => "MONTHLY",
            Self::Yearly => "YEARLY",
        }
    }
}

impl Series {
    /// Reads Google's `recurrence` of an event whose first occurrence is `span`; `None` where it holds no line. Order
    /// and case are free. A BYDAY, BYMONTHDAY or BYMONTH that repeats what the start says is dropped, WKST means
    /// nothing without one that says more, and COUNT becomes the day of the last occurrence.
    pub fn parse(lines: &[String], span: &Span) -> Result<Option<Self>, Refusal> {
        let Some(text) = the_rule(lines)? else { return Ok(None) };
        let rule = Rule::parse(text)?;
        let first = span.first_day();
        if !repeats_the_start(&rule, first) {
            return Err(Refusal::Selection);
        }
        let (art, turnus) = (rule.art, rule.turnus);
        let until = match (&rule.until, rule.count) {
            (Some(_), Some(_)) => return Err(Refusal::Malformed),
            (Some(until), None) => Some(last_day(until, span)?),
            (None, Some(count)) => Some(nth_day(first, art, turnus, count).ok_or(Refusal::EndOutOfRange)?),
            (None, None) => None,
        };
        let series = Self { turnus, art, until };
        series.check(first)?;
        Ok(Some(series))
    }

    /// The line of Google's `recurrence`. UNTIL has the value type of the start, as RFC 5545 asks: for an event with
    /// times the last second of its last day in Berlin, in UTC.
    pub fn render(&self, span: &Span) -> String {
        let interval = match self.turnus.get() {
            1 => String::new(),
            turnus => format!(";INTERVAL={turnus}"),
        };
        let until = match (self.until, span) {
            (None, _) => String::new(),
            (Some(until), Span::AllDay { .. }) => format!(";UNTIL={}", until.format("%Y%m%d")),
            (Some(until), Span::Timed { .. }) => format!(";UNTIL={}", last_second(until).format("%Y%m%dT%H%M%SZ")),
        };
        format!("RRULE:FREQ={}{interval}{until}", self.art.freq())
    }

    /// Whether both sides mean the same days by it, if it begins on `first`.
    pub(super) fn check(&self, first: NaiveDate) -> Result<(), Refusal> {
        let is_in_every_month = match self.art {
            TurnusArt::Daily | TurnusArt::Weekly => true,
            TurnusArt::Monthly => first.day() <= 28,
            TurnusArt::Yearly => (first.month(), first.day()) != (2, 29),
        };
        match self.until {
            _ if !is_in_every_month => Err(Refusal::DayNotInEveryMonth),
            Some(until) if until < first => Err(Refusal::EndsBeforeStart),
            Some(until) if !YEARS.contains(&until.year()) => Err(Refusal::EndOutOfRange),
            Some(_) | None => Ok(()),
        }
    }
}

fn last_second(day: NaiveDate) -> DateTime<Utc> {
    let midnight = instant_of(day_after(day).and_time(NaiveTime::MIN));
    midnight.checked_sub_signed(TimeDelta::seconds(1)).unwrap_or(midnight)
}

/// The one RRULE among the lines.
fn the_rule(lines: &[String]) -> Result<Option<&str>, Refusal> {
    let mut rule = None;
    for line in lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()) {
        let (property, value) = line.split_once(':').ok_or(Refusal::Malformed)?;
        let name = property.split(';').next().unwrap_or_default();
        match name.to_ascii_uppercase().as_str() {
            "RRULE" if rule.is_some() => return Err(Refusal::SeveralRules),
            "RRULE" => rule = Some(value),
            "EXDATE" | "EXRULE" => return Err(Refusal::ExcludedDates),
            "RDATE" => return Err(Refusal::AddedDates),
            _ => return Err(Refusal::Malformed),
        }
    }
    Ok(rule)
}

/// Whether BYDAY, BYMONTHDAY and BYMONTH choose the days that the start and FREQ choose without them.
fn repeats_the_start(rule: &Rule, first: NaiveDate) -> bool {
    let is_day = |day: &str| day == weekday_code(first.weekday());
    let is_number = |text: &str, number: u32| text.parse() == Ok(number);
    let is_month_day = |day: &str| is_number(day, first.day());
    let is_month = |month: &str| is_number(month, first.month());
    let (day, month_day, month) = (rule.by_day.as_deref(), rule.by_month_day.as_deref(), rule.by_month.as_deref());
    match rule.art {
        TurnusArt::Daily => (day, month_day, month) == (None, None, None),
        TurnusArt::Weekly => day.is_none_or(is_day) && (month_day, month) == (None, None),
        TurnusArt::Monthly => month_day.is_none_or(is_month_day) && (day, month) == (None, None),
        // Without BYMONTH a BYMONTHDAY means that day of every month.
        TurnusArt::Yearly => {
            day.is_none()
                && month.is_none_or(is_month)
                && month_day.is_none_or(|day| month.is_some() && is_month_day(day))
        }
    }
}

fn weekday_code(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "MO",
        Weekday::Tue => "TU",
        Weekday::Wed => "WE",
        Weekday::Thu => "TH",
        Weekday::Fri => "FR",
        Weekday::Sat => "SA",
        Weekday::Sun => "SU",
    }
}

/// Last day in Berlin on which an occurrence begins no later than `until`: a date, a date-time in UTC, or one without
/// zone, which is Berlin's.
fn last_day(until: &str, span: &Span) -> Result<NaiveDate, Refusal> {
    if let (8, Ok(day)) = (until.len(), NaiveDate::parse_from_str(until, "%Y%m%d")) {
        return Ok(day);
    }
    let wall = until.strip_suffix('Z').unwrap_or(until);
    let wall = NaiveDateTime::parse_from_str(wall, "%Y%m%dT%H%M%S").map_err(|_| Refusal::Malformed)?;
    let instant = if until.ends_with('Z') { wall.and_utc() } else { instant_of(wall) };
    let day = berlin(instant).date();
    let begins_by_then = instant_of(day.and_time(span.start_time())) <= instant;
    if begins_by_then { Ok(day) } else { day.pred_opt().ok_or(Refusal::EndOutOfRange) }
}

/// Day of the occurrence with this number, from 1. On a day that every month has, months can be added.
fn nth_day(first: NaiveDate, art: TurnusArt, turnus: NonZeroU32, number: NonZeroU32) -> Option<NaiveDate> {
    let steps = u64::from(turnus.get()) * u64::from(number.get() - 1);
    let months = |steps: u64| u32::try_from(steps).ok().map(Months::new);
    match art {
        TurnusArt::Daily => first.checked_add_days(Days::new(steps)),
        TurnusArt::Weekly => first.checked_add_days(Days::new(steps.checked_mul(7)?)),
        TurnusArt::Monthly => first.checked_add_months(months(steps)?),
        TurnusArt::Yearly => first.checked_add_months(months(steps.checked_mul(12)?)?),
    }
}

#[cfg(test)]
mod tests;
