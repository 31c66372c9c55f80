//! Termine of Advoware, as they are: what they mean is for the domain to say (DOMAIN 3).

mod read;
mod record;

use std::fmt;

use chrono::{NaiveDateTime, NaiveTime};
use domain::ids::FrNr;

pub(super) use read::{list, new_frnr, one};
pub use record::TerminRecord;

/// One Termin of Advoware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvoTermin {
    /// Its number; negative for a computed entry, which is never touched (C10).
    pub frnr: FrNr,
    /// What we read of it.
    pub fields: RawTermin,
    /// All of its own fields, for a PUT to start from.
    pub record: TerminRecord,
}

/// The fields of a Termin that we read, in Berlin wall time and without the defaults for missing ones (DOMAIN 3).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawTermin {
    /// First day, at midnight unless Advoware tells a time with it.
    pub datum: Option<NaiveDateTime>,
    /// Last day, likewise; the end of the whole series where it is one.
    pub datum_bis: Option<NaiveDateTime>,
    /// Start on the first day; of each occurrence where it is a series.
    pub uhrzeit_von: Option<NaiveTime>,
    /// End on the last day; of each occurrence where it is a series.
    pub uhrzeit_bis: Option<NaiveTime>,
    /// Title.
    pub text: Option<String>,
    /// Note, with the line ends of Advoware.
    pub notiz: Option<String>,
    /// Place.
    pub ort: Option<String>,
    /// Kürzel of those who work on it, separated by commas.
    pub sb: Option<String>,
    /// Kürzel of the lawyers, separated by commas; none, `ALLE` and `Allgemein` stand for everybody.
    pub anwalt: Option<String>,
    /// All-day, or a series.
    pub dauertermin: bool,
    /// Interval of a series; 0 where it is none.
    pub turnus: u32,
    /// 1 daily, 2 weekly, 3 monthly, 4 yearly; 0 where it is no series.
    pub turnus_art: u32,
    /// Marked as private.
    pub privat: bool,
    /// Above 0: linked to a case.
    pub nr: i64,
    /// Meaning unknown.
    pub special: i64,
    /// Time of the last change; `None` where absent or unreadable, it is a hint only.
    pub zuletzt_geaendert_am: Option<NaiveDateTime>,
}

/// The answer to a question for the Termine of a window.
///
/// An entry that cannot be read stops nobody else's sync, and must not look deleted either (C4): while a number is unknown, no absence
/// from this list is evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminList {
    /// The readable ones by number, each once.
    pub termine: Vec<AdvoTermin>,
    /// The others, each with its number where at least that could be read.
    pub unreadable: Vec<Option<FrNr>>,
}

/// What came of the write to one Termin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminOutcome {
    /// Carried out.
    Done,
    /// Advoware does not know the number (404): somebody deleted the Termin before.
    Gone,
}

impl fmt::Debug for RawTermin {
    /// Of what people write, the length only (E2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = |text: &Option<String>| text.as_ref().map_or(0, |text| text.chars().count());
        f.debug_struct("RawTermin")
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
