//! Names of records in the outside systems. They carry no personal data, so they may stand in logs and job arguments.

use std::fmt;

use serde::{Deserialize, Serialize};

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
