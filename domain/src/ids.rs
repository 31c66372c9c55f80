//! Names of records in the outside systems. They carry no personal data, so they may stand in logs and job arguments.

mod google;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use google::{CalendarId, EventId, InvalidGoogleId};

/// Id of an EspoCRM record: 17 hex characters, or a UUID where an installation is so configured (DOMAIN 5).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EspoId(String);

/// Why a text is no [`EspoId`]. Does not repeat the text: what arrives in its place may be personal data.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidEspoId {
    length: usize,
}

impl fmt::Display for InvalidEspoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not an EspoCRM record id (length {}): expected 1 to {} letters, digits or hyphens",
            self.length,
            EspoId::MAX_CHARS
        )
    }
}

impl std::error::Error for InvalidEspoId {}

impl EspoId {
    /// The longest id EspoCRM makes is a UUID with hyphens.
    pub const MAX_CHARS: usize = 36;

    /// Accepts what EspoCRM may use as an id; it becomes part of URLs and Redis keys, so nothing else passes.
    pub fn parse(text: &str) -> Result<Self, InvalidEspoId> {
        let fits = (1..=Self::MAX_CHARS).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidEspoId { length: text.chars().count() })
        }
    }

    /// The id as EspoCRM writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EspoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for EspoId {
    type Error = InvalidEspoId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<EspoId> for String {
    fn from(id: EspoId) -> Self {
        id.0
    }
}

/// `betNr`, the number of a Beteiligte in Advoware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BetNr(pub i64);

impl fmt::Display for BetNr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Id of one Kommunikation in Advoware. Stable over edits, unlike [`RowId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KommId(pub i64);

impl fmt::Display for KommId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Advoware's change token of a record or Kommunikation: a new one after every change (DOMAIN 2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowId(pub String);

/// `frNr`, the number of a Termin in Advoware: sequential and never used again (DOMAIN 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FrNr(pub i64);

impl FrNr {
    /// Whether Advoware computed the entry from others (preparation, travel, leave): it can be read, and is never touched (C10).
    pub fn is_computed(self) -> bool {
        self.0 < 0
    }
}

impl fmt::Display for FrNr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Kürzel, the initials of an employee in Advoware: whose Termine, and whose calendar.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Kuerzel(String);

/// Why a text is no [`Kuerzel`]. Does not repeat the text: what arrives in its place may be personal data.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidKuerzel {
    length: usize,
}

impl fmt::Display for InvalidKuerzel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not a Kürzel (length {}): expected 1 to {} characters without comma, slash and control characters",
            self.length,
            Kuerzel::MAX_CHARS
        )
    }
}

impl std::error::Error for InvalidKuerzel {}

impl Kuerzel {
    /// Longer than any initials seen; a name in their place does not pass for some.
    pub const MAX_CHARS: usize = 10;

    /// Accepts what may be an employee's initials, without blanks around them. They become part of lists, URLs and Redis keys, so
    /// nothing that separates there passes.
    pub fn parse(text: &str) -> Result<Self, InvalidKuerzel> {
        let trimmed = text.trim();
        let length = trimmed.chars().count();
        let fits = (1..=Self::MAX_CHARS).contains(&length);
        if fits && !trimmed.contains(|c: char| c.is_control() || matches!(c, ',' | '/')) {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err(InvalidKuerzel { length })
        }
    }

    /// The Kürzel as Advoware writes it, upper and lower case kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kuerzel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Kuerzel {
    type Error = InvalidKuerzel;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Kuerzel> for String {
    fn from(kuerzel: Kuerzel) -> Self {
        kuerzel.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kuerzel_is_a_few_characters_without_blanks_around_them() {
        for (text, read) in [("SB", "SB"), (" AI\t", "AI"), ("ÄÖÜß-1.2_3", "ÄÖÜß-1.2_3"), ("v. M", "v. M")] {
            assert_eq!(Kuerzel::parse(text).unwrap().as_str(), read);
        }
        for text in ["", "  ", "12345678901", "SB,AI", "S/B", "S\nB", "S\0"] {
            assert!(Kuerzel::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn e2_a_refused_kuerzel_is_not_repeated() {
        let error = Kuerzel::parse("Erika Mustermann").unwrap_err().to_string();
        let expected =
            "not a Kürzel (length 16): expected 1 to 10 characters without comma, slash and control characters";
        assert_eq!(error, expected);
    }

    #[test]
    fn a_stored_kuerzel_is_checked_when_it_is_read_back() {
        let kuerzel = Kuerzel::parse("SB").unwrap();
        assert_eq!(Kuerzel::try_from(String::from(kuerzel.clone())), Ok(kuerzel));
        assert!(Kuerzel::try_from("S/B".to_owned()).is_err());
    }

    #[test]
    fn c10_a_negative_number_is_a_computed_entry() {
        assert!(FrNr(-1).is_computed());
        assert!(!FrNr(85_861).is_computed());
    }
}
