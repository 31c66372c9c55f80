//! Termine of Advoware, as they are: what they mean is for the domain to say (DOMAIN 3).

mod read;
mod record;

use domain::calendar::termin::TerminFields;
use domain::ids::FrNr;

pub(super) use read::{list, new_frnr, one};
pub use record::TerminRecord;

/// One Termin of Advoware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvoTermin {
    /// Its number; negative for a computed entry, which is never touched (C10).
    pub frnr: FrNr,
    /// What we read of it.
    pub fields: TerminFields,
    /// All of its own fields, for a PUT to start from.
    pub record: TerminRecord,
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
