//! What of a comparison no listed reason explains, without values: for the continuous check.

use std::fmt::Write as _;

use domain::ids::{EventId, FrNr};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Compared, LoadedCalendar};
use crate::hub::calendar::from_standard;

/// Differing entries that are kept of one calendar.
const MOST: usize = 2000;

/// An entry whose sides differ without a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexplained {
    /// How: name of the difference.
    pub kind: &'static str,
    /// The Termin, where there is or was one.
    pub frnr: Option<FrNr>,
    /// The event likewise.
    pub event: Option<EventId>,
    /// Names what both sides say; 16 hex digits.
    pub digest: String,
}

impl LoadedCalendar {
    /// What a sync has still to settle. Needs a look that listed everything.
    pub fn unexplained(&self) -> Vec<Unexplained> {
        let findings = self.plan().findings;
        let (_, differing) = self.compare(&findings);
        let unexplained = differing.into_iter().filter(|compared| compared.reason.is_none());
        unexplained.take(MOST).map(|compared| Unexplained::of(&compared)).collect()
    }
}

impl Unexplained {
    fn of(compared: &Compared<'_>) -> Self {
        let kind = compared.difference.name();
        let sides = [compared.termin, compared.copy].map(|form| form.map(from_standard));
        let digest = Sha256::digest(json!([kind, sides]).to_string());
        let digest = digest.iter().take(8).fold(String::new(), |mut hash, byte| {
            let _ = write!(hash, "{byte:02x}");
            hash
        });
        Self { kind, frnr: compared.frnr, event: compared.event.clone(), digest }
    }
}
