//! Why an entry is left alone, from closed lists: it cannot be read, recurs in its own way, or Advoware cannot hold it.
//! Kinds only, never values (E2).

/// What an entry says makes no sense to us: it is reported and left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Oddity {
    /// It does not say when it begins.
    NoStart,
    /// It lies outside [`super::YEARS`].
    YearOutOfRange,
    /// A Google event ends before it begins.
    EndsBeforeStart,
    /// A Google event begins with a date and ends with a time, or the other way round.
    MixedTimes,
    /// A Google event is deleted: evidence (C4), not content.
    Cancelled,
    /// A moved or cancelled occurrence of a series, which is an event of its own in Google (C9).
    SeriesException,
    /// An event says no more than that something is blocked, and copies no Termin that we know (C7).
    Placeholder,
    /// A series in Advoware with a `turnusArt` above 4.
    UnknownTurnusArt,
    /// A series in Advoware without `datumBis`. A series without end would say so with the year 2037 (DOMAIN 3).
    SeriesEndUnknown,
    /// It recurs as the other side cannot.
    Recurrence(Refusal),
}

impl Oddity {
    /// Name in logs and stored findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoStart => "no_start",
            Self::YearOutOfRange => "year_out_of_range",
            Self::EndsBeforeStart => "ends_before_start",
            Self::MixedTimes => "mixed_times",
            Self::Cancelled => "cancelled",
            Self::SeriesException => "series_exception",
            Self::Placeholder => "placeholder",
            Self::UnknownTurnusArt => "unknown_turnus_art",
            Self::SeriesEndUnknown => "series_end_unknown",
            Self::Recurrence(refusal) => refusal.name(),
        }
    }
}

impl From<Refusal> for Oddity {
    fn from(refusal: Refusal) -> Self {
        Self::Recurrence(refusal)
    }
}

/// Why a standard form cannot be written to Advoware: every shape that would read back as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotRepresentable {
    /// It begins or ends in the first 02:00-02:59 of the day in October; Advoware's wall time means the second (C8).
    RepeatedHour,
    /// It begins or ends within a second; Advoware holds whole ones.
    SubSecond,
    /// It lies outside [`super::YEARS`].
    YearOutOfRange,
    /// It does not end after it begins; an end that is none reads back as one hour, or one day.
    Empty,
    /// It has times and is longer than one day on the clock; that reads back as all-day (DOMAIN 3).
    LongerThanOneDay,
    /// An occurrence of the series ends on another day than it begins; Advoware holds its two times of day alone.
    OccurrenceOverMidnight,
    /// A series from 00:00 to 23:59, which reads back as all-day.
    ReadsAsAllDay,
    /// The series ends in 2037, or begins later and has no end: Advoware writes 2037 for "without end".
    EndsIn2037,
    /// The series recurs as the other side cannot.
    Recurrence(Refusal),
}

impl NotRepresentable {
    /// Name in logs and stored findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::RepeatedHour => "repeated_hour",
            Self::SubSecond => "sub_second",
            Self::YearOutOfRange => "year_out_of_range",
            Self::Empty => "empty",
            Self::LongerThanOneDay => "longer_than_one_day",
            Self::OccurrenceOverMidnight => "occurrence_over_midnight",
            Self::ReadsAsAllDay => "reads_as_all_day",
            Self::EndsIn2037 => "ends_in_2037",
            Self::Recurrence(refusal) => refusal.name(),
        }
    }
}

impl From<Refusal> for NotRepresentable {
    fn from(refusal: Refusal) -> Self {
        Self::Recurrence(refusal)
    }
}

/// Why a recurrence is not one that both sides know: FREQ, INTERVAL and UNTIL (C9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No RRULE by RFC 5545, or a line that is none of RRULE, EXRULE, RDATE, EXDATE.
    Malformed,
    /// More than one RRULE.
    SeveralRules,
    /// Occurrences are taken out (EXDATE, EXRULE).
    ExcludedDates,
    /// Occurrences are added (RDATE).
    AddedDates,
    /// Several times a day.
    Frequency,
    /// BYDAY, BYMONTHDAY or BYMONTH say more than the start does.
    Selection,
    /// Another part, as BYSETPOS or BYHOUR.
    OtherPart,
    /// Monthly on the 29th to 31st, or yearly on 29 February: Google leaves months out, of Advoware it is not known.
    DayNotInEveryMonth,
    /// It ends before its first occurrence.
    EndsBeforeStart,
    /// Its end lies outside [`super::YEARS`].
    EndOutOfRange,
    /// Its occurrences follow the clock of another place than Berlin.
    OtherTimeZone,
}

impl Refusal {
    /// Name in logs and stored findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "rule_malformed",
            Self::SeveralRules => "rule_several",
            Self::ExcludedDates => "rule_excluded_dates",
            Self::AddedDates => "rule_added_dates",
            Self::Frequency => "rule_frequency",
            Self::Selection => "rule_selection",
            Self::OtherPart => "rule_other_part",
            Self::DayNotInEveryMonth => "rule_day_not_in_every_month",
            Self::EndsBeforeStart => "rule_ends_before_start",
            Self::EndOutOfRange => "rule_end_out_of_range",
            Self::OtherTimeZone => "rule_other_time_zone",
        }
    }
}
