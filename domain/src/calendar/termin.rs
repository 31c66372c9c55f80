//! A Termin as Advoware holds it, and the standard form (DOMAIN 3).
//!
//! Reading gives what a Termin means; several Termine mean the same. Writing chooses one of them, and refuses what
//! would read back as something else: [`NotRepresentable`] lists every such shape.

use std::fmt;
use std::num::NonZeroU32;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use super::oddity::{NotRepresentable, Oddity};
use super::recurrence::{Series, TurnusArt};
use super::standard::{Span, Standard, normalized, whole_seconds};
use super::time::{YEARS, berlin, instant_of, wall_of};

/// Advoware's fields, typed. All times are Berlin wall time.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct TerminFields {
    /// Begin; the time of day is midnight where Advoware gave a date alone.
    pub datum: Option<NaiveDateTime>,
    /// End, or the end of the series; as `datum`.
    pub datum_bis: Option<NaiveDateTime>,
    /// Time of day of the begin.
    pub uhrzeit_von: Option<NaiveTime>,
    /// Time of day of the end.
    pub uhrzeit_bis: Option<NaiveTime>,
    /// Title.
    pub text: Option<String>,
    /// Note, with `\r\n`.
    pub notiz: Option<String>,
    /// Place.
    pub ort: Option<String>,
    /// All-day, or a series.
    pub dauertermin: bool,
    /// Every so many; 0: no series.
    pub turnus: u32,
    /// Days, weeks, months, years: 1 to 4; 0: no series.
    pub turnus_art: u32,
    /// Private.
    pub privat: bool,
    /// Number of the case it belongs to, above 0.
    pub nr: i64,
    /// Kürzel of the clerk.
    pub sb: Option<String>,
    /// Kürzel of the lawyer whose Termin it is; empty, `ALLE` or `Allgemein`: everybody's.
    pub anwalt: Option<String>,
    /// Time of the last change; only a hint.
    pub zuletzt_geaendert_am: Option<NaiveDateTime>,
}

/// When a Termin is, as it is written to Advoware: the dates carry the times of day, and these stand beside them too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TerminTimes {
    /// Begin.
    pub datum: NaiveDateTime,
    /// End, or the end of the series.
    pub datum_bis: NaiveDateTime,
    /// Time of day of the begin.
    pub uhrzeit_von: NaiveTime,
    /// Time of day of the end.
    pub uhrzeit_bis: NaiveTime,
    /// All-day, or a series.
    pub dauertermin: bool,
    /// Every so many; 0: no series.
    pub turnus: u32,
    /// Days, weeks, months, years: 1 to 4; 0: no series.
    pub turnus_art: u32,
}

/// What we write of a Termin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TerminContent {
    /// When it is.
    pub times: TerminTimes,
    /// Title; it and the other texts with `\r\n`.
    pub text: String,
    /// Note.
    pub notiz: String,
    /// Place.
    pub ort: String,
}

/// Year that stands for "without end" in the `datumBis` of a series (DOMAIN 3).
const ENDLESS_YEAR: i32 = 2037;
/// Begin without `uhrzeitVon`.
const DEFAULT_VON: NaiveTime = time(9, 0);
/// End without `uhrzeitBis`.
const DEFAULT_BIS: NaiveTime = time(10, 0);
/// End of an all-day Termin on its last day.
const LAST_MINUTE: NaiveTime = time(23, 59);
/// Length of a Termin whose end is missing or not after its begin.
const DEFAULT_LENGTH: TimeDelta = TimeDelta::hours(1);
/// The longest Termin with times; beyond it is all-day.
const ONE_DAY: TimeDelta = TimeDelta::days(1);

const fn time(hour: u32, minute: u32) -> NaiveTime {
    match NaiveTime::from_hms_opt(hour, minute, 0) {
        Some(time) => time,
        None => NaiveTime::MIN,
    }
}

impl TerminFields {
    /// What the Termin says. An end that is missing, or that does not follow the begin, is one hour after it.
    pub fn standard(&self) -> Result<Standard, Oddity> {
        let datum = given(self.datum)?.ok_or(Oddity::NoStart)?;
        let datum_bis = given(self.datum_bis)?;
        let (span, series) = match self.turnus()? {
            Some((turnus, art)) => {
                let end_of_series = datum_bis.ok_or(Oddity::SeriesEndUnknown)?.date();
                let until = (end_of_series.year() != ENDLESS_YEAR).then_some(end_of_series);
                let (span, series) = (self.occurrence(datum), Series { turnus, art, until });
                series.check(span.first_day())?;
                (span, Some(series))
            }
            None if self.dauertermin => {
                let first = datum.date();
                (Span::AllDay { first, last: datum_bis.map_or(first, |end| end.date().max(first)) }, None)
            }
            None => (self.single(datum, datum_bis), None),
        };
        let [text, notiz, ort] = [&self.text, &self.notiz, &self.ort].map(|text| normalized(text.as_deref()));
        Ok(Standard { span, text, notiz, ort, series })
    }

    /// The same Termin, made to say `wanted`. What says so already stays as it is spelled: a change of the title does
    /// not touch a time that reads as more than it says, or that could not be written.
    pub fn saying(&self, wanted: &Standard) -> Result<Self, NotRepresentable> {
        let mut termin = self.clone();
        let is_then = self.standard().is_ok_and(|now| (now.span, now.series) == (wanted.span, wanted.series));
        if !is_then {
            termin.set_times(times(wanted)?);
        }
        for (text, wanted) in
            [(&mut termin.text, &wanted.text), (&mut termin.notiz, &wanted.notiz), (&mut termin.ort, &wanted.ort)]
        {
            if normalized(text.as_deref()) != normalized(Some(wanted)) {
                *text = Some(crlf(wanted));
            }
        }
        Ok(termin)
    }

    /// Whether it was changed last at a known time, and when.
    pub fn changed_at(&self) -> Option<DateTime<Utc>> {
        given(self.zuletzt_geaendert_am).ok().flatten().map(instant_of)
    }

    /// Whether a sync for the employee may change or delete it: nothing private that is another's (C10). A private Termin is its `anwalt`'s, without one its `sb`'s.
    pub fn may_change(&self, kuerzel: &str) -> bool {
        let named = |name: &Option<String>| {
            name.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(str::to_lowercase)
        };
        let owner = named(&self.anwalt).or(named(&self.sb));
        !self.privat || owner == Some(kuerzel.trim().to_lowercase())
    }

    /// Whether it is in the calendar of this Kürzel: named by `anwalt` or `sb`, or everybody's (DOMAIN 3). Of a Termin that is missing
    /// from a list this tells that it was given to somebody else.
    pub fn concerns(&self, kuerzel: &str) -> bool {
        let names = |field: &Option<String>| -> Vec<String> {
            let names = field.iter().flat_map(|names| names.split(','));
            names.map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty()).collect()
        };
        let (anwalt, wanted) = (names(&self.anwalt), kuerzel.trim().to_lowercase());
        let is_everybodys =
            anwalt.is_empty() || anwalt.iter().any(|name| matches!(name.as_str(), "alle" | "allgemein"));
        is_everybodys || anwalt.contains(&wanted) || names(&self.sb).contains(&wanted)
    }

    /// How it recurs: only a `dauertermin` does, and only with both numbers.
    fn turnus(&self) -> Result<Option<(NonZeroU32, TurnusArt)>, Oddity> {
        match (NonZeroU32::new(self.turnus), self.turnus_art) {
            (Some(turnus), art @ 1..) if self.dauertermin => {
                TurnusArt::from_number(art).map(|art| Some((turnus, art))).ok_or(Oddity::UnknownTurnusArt)
            }
            (Some(_) | None, _) => Ok(None),
        }
    }

    fn single(&self, datum: NaiveDateTime, datum_bis: Option<NaiveDateTime>) -> Span {
        let start = self.start(datum);
        let end = datum_bis.map_or(start, |end| at(end, self.uhrzeit_bis, DEFAULT_BIS));
        if length(start, end) > ONE_DAY {
            // An end at midnight does not touch the day that begins then.
            let last = end.checked_sub_signed(TimeDelta::seconds(1)).unwrap_or(end).date();
            return Span::AllDay { first: start.date(), last };
        }
        timed(start, end)
    }

    /// One occurrence of a series: from `uhrzeitVon` to `uhrzeitBis` of one day.
    fn occurrence(&self, datum: NaiveDateTime) -> Span {
        let start = self.start(datum);
        let end = self.uhrzeit_bis.map_or(DEFAULT_BIS, whole_seconds);
        if is_whole_day(start.time(), end) {
            return Span::AllDay { first: start.date(), last: start.date() };
        }
        timed(start, start.date().and_time(end))
    }

    /// Its begin, as a clock in Berlin shows it: not within the hour that is skipped in March.
    fn start(&self, datum: NaiveDateTime) -> NaiveDateTime {
        berlin(instant_of(at(datum, self.uhrzeit_von, DEFAULT_VON)))
    }

    fn set_times(&mut self, times: TerminTimes) {
        let TerminTimes { datum, datum_bis, uhrzeit_von, uhrzeit_bis, dauertermin, turnus, turnus_art } = times;
        (self.datum, self.datum_bis) = (Some(datum), Some(datum_bis));
        (self.uhrzeit_von, self.uhrzeit_bis) = (Some(uhrzeit_von), Some(uhrzeit_bis));
        (self.dauertermin, self.turnus, self.turnus_art) = (dauertermin, turnus, turnus_art);
    }
}

impl fmt::Debug for TerminFields {
    /// Of what people write, the length only (E2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = |text: &Option<String>| text.as_ref().map_or(0, |text| text.chars().count());
        f.debug_struct("TerminFields")
            .field("datum", &self.datum)
            .field("datum_bis", &self.datum_bis)
            .field("uhrzeit_von", &self.uhrzeit_von)
            .field("uhrzeit_bis", &self.uhrzeit_bis)
            .field("text_chars", &length(&self.text))
            .field("notiz_chars", &length(&self.notiz))
            .field("ort_chars", &length(&self.ort))
            .field("dauertermin", &self.dauertermin)
            .field("turnus", &self.turnus)
            .field("turnus_art", &self.turnus_art)
            .field("privat", &self.privat)
            .field("zuletzt_geaendert_am", &self.zuletzt_geaendert_am)
            .finish_non_exhaustive()
    }
}

/// What is written to Advoware for a standard form; refused if it would read back as another.
pub fn write(standard: &Standard) -> Result<TerminContent, NotRepresentable> {
    let [text, notiz, ort] = [&standard.text, &standard.notiz, &standard.ort].map(|text| crlf(text));
    Ok(TerminContent { times: times(standard)?, text, notiz, ort })
}

fn times(standard: &Standard) -> Result<TerminTimes, NotRepresentable> {
    let (start, end) = walls(&standard.span)?;
    let is_all_day = matches!(standard.span, Span::AllDay { .. });
    let once = TerminTimes {
        datum: start,
        datum_bis: end,
        uhrzeit_von: start.time(),
        uhrzeit_bis: end.time(),
        dauertermin: is_all_day,
        turnus: 0,
        turnus_art: 0,
    };
    match &standard.series {
        None if !is_all_day && length(start, end) > ONE_DAY => Err(NotRepresentable::LongerThanOneDay),
        None => Ok(once),
        Some(_) if start.date() != end.date() => Err(NotRepresentable::OccurrenceOverMidnight),
        Some(_) if !is_all_day && is_whole_day(start.time(), end.time()) => Err(NotRepresentable::ReadsAsAllDay),
        Some(series) => {
            series.check(start.date())?;
            Ok(TerminTimes {
                datum_bis: end_of_series(series, start.date())?.and_time(end.time()),
                dauertermin: true,
                turnus: series.turnus.get(),
                turnus_art: series.art.number(),
                ..once
            })
        }
    }
}

/// First and last moment on the clock, both representable and in order.
fn walls(span: &Span) -> Result<(NaiveDateTime, NaiveDateTime), NotRepresentable> {
    match span {
        Span::Timed { starts_at, ends_at } => {
            let (start, end) = (wall_of(*starts_at)?, wall_of(*ends_at)?);
            if starts_at < ends_at { Ok((start, end)) } else { Err(NotRepresentable::Empty) }
        }
        Span::AllDay { first, last } if !(YEARS.contains(&first.year()) && YEARS.contains(&last.year())) => {
            Err(NotRepresentable::YearOutOfRange)
        }
        Span::AllDay { first, last } if first > last => Err(NotRepresentable::Empty),
        Span::AllDay { first, last } => Ok((first.and_time(NaiveTime::MIN), last.and_time(LAST_MINUTE))),
    }
}

fn end_of_series(series: &Series, first: NaiveDate) -> Result<NaiveDate, NotRepresentable> {
    let end = series.until.or(NaiveDate::from_ymd_opt(ENDLESS_YEAR, 12, 31)).unwrap_or(first);
    let says_endless = end.year() == ENDLESS_YEAR;
    if says_endless == series.until.is_none() && first <= end { Ok(end) } else { Err(NotRepresentable::EndsIn2037) }
}

/// A date that is none may be spelled `0001-01-01` (DOMAIN 3).
fn given(date: Option<NaiveDateTime>) -> Result<Option<NaiveDateTime>, Oddity> {
    match date {
        Some(date) if date.year() == 1 => Ok(None),
        Some(date) if !YEARS.contains(&date.year()) => Err(Oddity::YearOutOfRange),
        Some(_) | None => Ok(date),
    }
}

/// The time of day beside a date goes before one within it. A date at midnight is a date alone.
fn at(date: NaiveDateTime, time: Option<NaiveTime>, default: NaiveTime) -> NaiveDateTime {
    let within = (date.time() != NaiveTime::MIN).then_some(date.time());
    date.date().and_time(whole_seconds(time.or(within).unwrap_or(default)))
}

/// `start` is a time that a clock in Berlin shows; of `end` this is not known. An hour is added on the clock, for what
/// that leads to can be written again (C8).
fn timed(start: NaiveDateTime, end: NaiveDateTime) -> Span {
    let (starts_at, ends_at) = (instant_of(start), instant_of(end));
    let an_hour_later = || start.checked_add_signed(DEFAULT_LENGTH).map_or(ends_at, instant_of);
    Span::Timed { starts_at, ends_at: if ends_at > starts_at { ends_at } else { an_hour_later() } }
}

/// Length on the clock, as people count days: on two days of the year it is an hour off.
fn length(start: NaiveDateTime, end: NaiveDateTime) -> TimeDelta {
    end.signed_duration_since(start)
}

/// Whether an occurrence of a series with these times is a whole day: Advoware has no other sign for it, `dauertermin`
/// means the series.
fn is_whole_day(von: NaiveTime, bis: NaiveTime) -> bool {
    von == NaiveTime::MIN && bis >= LAST_MINUTE
}

fn crlf(text: &str) -> String {
    normalized(Some(text)).replace('\n', "\r\n")
}

#[cfg(test)]
mod tests;
