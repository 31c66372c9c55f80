//! Starts and ends: read in every form Google takes, answered in the calendar's zone (reference G7).

use chrono::{
    DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, SubsecRound, TimeDelta, Utc,
};
use chrono::{Offset as _, TimeZone as _};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use crate::google::GoogleReason;
use crate::google::refusal::Refusal;

/// A start or an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// All-day; an end is exclusive.
    Day(NaiveDate),
    /// Whole seconds. The zone is the event's own, not the one it is answered in.
    At { instant: DateTime<Utc>, zone: Tz },
}

impl Point {
    /// Reads `start` or `end`. A series needs a named zone; a lone date-time needs a zone or an offset, of which the offset
    /// counts.
    pub(crate) fn read(body: &Map<String, Value>, field: &str, calendar: Tz, series: bool) -> Result<Self, Refusal> {
        let missing = || Refusal::from(GoogleReason::Required).saying(format!("Missing {field} time."));
        let invalid = || Refusal::invalid(format!("Invalid {field} time."));
        let given = match body.get(field) {
            None | Some(Value::Null) => return Err(missing()),
            Some(Value::Object(given)) => given,
            Some(_) => return Err(invalid()),
        };
        let text = |name: &str| match given.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(invalid()),
        };
        let zone = match text("timeZone")? {
            Some(name) => Some(name.parse::<Tz>().map_err(|_| Refusal::invalid("Invalid time zone definition."))?),
            None => None,
        };
        match (text("date")?, text("dateTime")?) {
            (Some(_), Some(_)) => Err(invalid()),
            (None, None) => Err(missing()),
            (Some(date), None) => date_of(date).map(Self::Day).ok_or_else(invalid),
            (None, Some(text)) => {
                let zoneless = || {
                    let message = format!("Missing time zone definition for {field} time.");
                    Refusal::from(GoogleReason::Required).saying(message)
                };
                if series && zone.is_none() {
                    return Err(zoneless());
                }
                let instant = match (instant_of(text), text.parse::<NaiveDateTime>().ok()) {
                    (Some(instant), _) => instant,
                    (None, Some(local)) => instant_at(zone.ok_or_else(zoneless)?, local),
                    (None, None) => return Err(invalid()),
                };
                Ok(Self::At { instant: instant.trunc_subsecs(0), zone: zone.unwrap_or(calendar) })
            }
        }
    }

    pub(crate) fn is_day(self) -> bool {
        matches!(self, Self::Day(_))
    }

    pub(crate) fn show(self, answered_in: Tz) -> Value {
        match self {
            Self::Day(date) => json!({ "date": date.format("%Y-%m-%d").to_string() }),
            Self::At { instant, zone } => {
                let local = instant.with_timezone(&answered_in);
                json!({ "dateTime": local.to_rfc3339_opts(SecondsFormat::Secs, true), "timeZone": zone.name() })
            }
        }
    }

    /// The instant; a day begins at midnight of the calendar's zone.
    pub(crate) fn instant(self, calendar: Tz) -> DateTime<Utc> {
        match self {
            Self::Day(date) => instant_at(calendar, date.and_time(NaiveTime::MIN)),
            Self::At { instant, .. } => instant,
        }
    }

    /// The wall time in the event's own zone, in which a series repeats.
    pub(crate) fn local(self) -> NaiveDateTime {
        match self {
            Self::Day(date) => date.and_time(NaiveTime::MIN),
            Self::At { instant, zone } => instant.with_timezone(&zone).naive_local(),
        }
    }

    /// The point of another wall time, in the same zone.
    pub(crate) fn moved_to(self, local: NaiveDateTime) -> Self {
        match self {
            Self::Day(_) => Self::Day(local.date()),
            Self::At { zone, .. } => Self::At { instant: instant_at(zone, local), zone },
        }
    }

    /// The same time of day, so many days later.
    pub(crate) fn days_later(self, days: usize) -> Self {
        let days = u64::try_from(days).unwrap_or(0);
        self.local().checked_add_days(Days::new(days)).map_or(self, |local| self.moved_to(local))
    }

    /// How an occurrence's id spells its original start.
    pub(crate) fn stamp(self) -> String {
        match self {
            Self::Day(date) => date.format("%Y%m%d").to_string(),
            Self::At { instant, .. } => instant.format("%Y%m%dT%H%M%SZ").to_string(),
        }
    }
}

pub(crate) fn date_of(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10)
}

/// RFC 3339 with its mandatory offset.
pub(crate) fn instant_of(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

/// Of a repeated hour the first pass; a skipped time keeps the offset from before the jump.
pub(crate) fn instant_at(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => {
            let before = zone.offset_from_utc_datetime(&(local - TimeDelta::days(1))).fix();
            (local - before).and_utc()
        }
    }
}

/// Google's spelling of a change time.
pub(crate) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
