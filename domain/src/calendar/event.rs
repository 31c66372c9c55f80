//! A Google event, and the standard form (DOMAIN 6).
//!
//! An event with times stays one however long it is: only Advoware calls it all-day beyond one day. It is read as it
//! is, and refused when it comes to be written there ([`super::NotRepresentable::LongerThanOneDay`]).

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{Europe::Berlin, Tz};

use super::oddity::{Oddity, Refusal};
use super::recurrence::Series;
use super::standard::{Span, Standard, day_after, normalized};
use super::time::{YEARS, berlin, instant_of};
use crate::ids::EventId;

/// Name of the zone that every event with times is written with; a series keeps the clock of its zone.
pub const TIME_ZONE: &str = "Europe/Berlin";

/// `status` of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EventStatus {
    /// Takes place.
    #[default]
    Confirmed,
    /// Takes place, perhaps; to us the same.
    Tentative,
    /// Deleted (C4).
    Cancelled,
}

/// `transparency` of an event. A user's own choice in Google, which is kept (C10a): a new event is busy by itself (C7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transparency {
    /// Busy.
    #[default]
    Opaque,
    /// Free.
    Transparent,
}

/// `start` or `end` of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventTime {
    /// `date`, of an all-day event.
    Date(NaiveDate),
    /// `dateTime`.
    DateTime(DateTime<Utc>),
}

/// Google's fields, typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventFields {
    /// Whether it exists.
    pub status: EventStatus,
    /// Begin.
    pub start: Option<EventTime>,
    /// End, which no longer belongs to it.
    pub end: Option<EventTime>,
    /// `timeZone` of the begin, in which a series recurs; `None` is Berlin.
    pub time_zone: Option<String>,
    /// Title.
    pub summary: Option<String>,
    /// Note.
    pub description: Option<String>,
    /// Place.
    pub location: Option<String>,
    /// RRULE, EXDATE and the like, a line each.
    pub recurrence: Vec<String>,
    /// The series that it is an exception of.
    pub recurring_event_id: Option<EventId>,
    /// Busy or free.
    pub transparency: Transparency,
    /// Time of the last change.
    pub updated: Option<DateTime<Utc>>,
}

/// What we write of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventContent {
    /// Begin; with times, in [`TIME_ZONE`].
    pub start: EventTime,
    /// End, which no longer belongs to it.
    pub end: EventTime,
    /// Title.
    pub summary: String,
    /// Note.
    pub description: String,
    /// Place.
    pub location: String,
    /// One RRULE, or nothing.
    pub recurrence: Vec<String>,
}

impl EventFields {
    /// What the event says. Without an end it lasts one hour, or one day; an all-day event that ends on its first day
    /// lasts that day.
    pub fn standard(&self) -> Result<Standard, Oddity> {
        match (self.status, &self.recurring_event_id) {
            (EventStatus::Cancelled, _) => return Err(Oddity::Cancelled),
            (EventStatus::Confirmed | EventStatus::Tentative, Some(_)) => return Err(Oddity::SeriesException),
            (EventStatus::Confirmed | EventStatus::Tentative, None) => {}
        }
        let span = self.span()?;
        let series = Series::parse(&self.recurrence, &span)?;
        if let (Some(_), Span::Timed { starts_at, .. }, Some(zone)) = (&series, &span, &self.time_zone)
            && !keeps_the_clock_of_berlin(zone, *starts_at)
        {
            return Err(Refusal::OtherTimeZone.into());
        }
        let [text, notiz, ort] =
            [&self.summary, &self.description, &self.location].map(|text| normalized(text.as_deref()));
        Ok(Standard { span, text, notiz, ort, series })
    }

    fn span(&self) -> Result<Span, Oddity> {
        match (self.start.ok_or(Oddity::NoStart)?, self.end) {
            (EventTime::DateTime(starts_at), None) => timed(starts_at, an_hour_after(starts_at)),
            (EventTime::DateTime(starts_at), Some(EventTime::DateTime(ends_at))) => timed(starts_at, ends_at),
            (EventTime::Date(first), None) => all_day(first, day_after(first)),
            (EventTime::Date(first), Some(EventTime::Date(end))) => all_day(first, end),
            (EventTime::DateTime(_), Some(EventTime::Date(_))) | (EventTime::Date(_), Some(EventTime::DateTime(_))) => {
                Err(Oddity::MixedTimes)
            }
        }
    }
}

/// The event that says what a standard form says. The end of an all-day one is the day after its last.
pub fn project(standard: &Standard) -> EventContent {
    let (start, end) = match standard.span {
        Span::Timed { starts_at, ends_at } => (EventTime::DateTime(starts_at), EventTime::DateTime(ends_at)),
        Span::AllDay { first, last } => (EventTime::Date(first), EventTime::Date(day_after(last))),
    };
    EventContent {
        start,
        end,
        summary: standard.text.clone(),
        description: standard.notiz.clone(),
        location: standard.ort.clone(),
        recurrence: standard.series.iter().map(|series| series.render(&standard.span)).collect(),
    }
}

fn an_hour_after(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant.checked_add_signed(TimeDelta::hours(1)).unwrap_or(instant)
}

fn timed(starts_at: DateTime<Utc>, ends_at: DateTime<Utc>) -> Result<Span, Oddity> {
    let is_in_range = [starts_at, ends_at].iter().all(|instant| YEARS.contains(&berlin(*instant).year()));
    match ends_at {
        _ if !is_in_range => Err(Oddity::YearOutOfRange),
        _ if ends_at < starts_at => Err(Oddity::EndsBeforeStart),
        _ => Ok(Span::Timed { starts_at, ends_at }),
    }
}

fn all_day(first: NaiveDate, end: NaiveDate) -> Result<Span, Oddity> {
    let last = if end == first { first } else { end.pred_opt().unwrap_or(end) };
    if [first, last].iter().any(|day| !YEARS.contains(&day.year())) {
        Err(Oddity::YearOutOfRange)
    } else if last < first {
        Err(Oddity::EndsBeforeStart)
    } else {
        Ok(Span::AllDay { first, last })
    }
}

/// Whether clocks of the zone show what those in Berlin show, in winter and in summer of the year in which a series
/// begins.
fn keeps_the_clock_of_berlin(zone: &str, starts_at: DateTime<Utc>) -> bool {
    let Ok(zone) = zone.parse::<Tz>() else { return false };
    let offset = |tz: Tz, instant: DateTime<Utc>| tz.offset_from_utc_datetime(&instant.naive_utc()).fix();
    let middles = [1, 7].map(|month| NaiveDate::from_ymd_opt(berlin(starts_at).year(), month, 15));
    let instants = middles.into_iter().flatten().map(|day| instant_of(day.and_time(NaiveTime::MIN)));
    instants.chain([starts_at]).all(|instant| offset(zone, instant) == offset(Berlin, instant))
}

#[cfg(test)]
mod tests;
