//! What people do in the programs, through the same state changes as the API but with a person's rights.

mod advoware;
mod espocrm;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::advoware::{NewKommunikation, kalender};
use crate::espocrm::Refusal;
use crate::stage::World;

/// One action of a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum Edit {
    /// Sets fields in EspoCRM, data arrays included.
    EspoSet {
        /// Record.
        id: String,
        /// As in a PUT.
        fields: Map<String, Value>,
    },
    /// Creates a record in EspoCRM.
    EspoCreate {
        /// As in a POST.
        fields: Map<String, Value>,
    },
    /// Deletes a record in EspoCRM.
    EspoDelete {
        /// Record.
        id: String,
    },
    /// Adds a mail address in EspoCRM.
    EspoAddMail {
        /// Record.
        id: String,
        /// Address.
        address: String,
    },
    /// Adds a phone number in EspoCRM.
    EspoAddPhone {
        /// Record.
        id: String,
        /// E.164 where EspoCRM normalises.
        number: String,
        /// Mobile, Office, Home, Fax or Other.
        phone_type: String,
    },
    /// Removes a mail address or number in EspoCRM.
    EspoRemove {
        /// Record.
        id: String,
        /// As EspoCRM shows it.
        value: String,
    },
    /// Overwrites a mail address or number in EspoCRM, keeping type, primary and flags.
    EspoReplace {
        /// Record.
        id: String,
        /// As EspoCRM shows it.
        from: String,
        /// New value.
        to: String,
    },
    /// Makes a mail address or number the primary one.
    EspoMakePrimary {
        /// Record.
        id: String,
        /// As EspoCRM shows it.
        value: String,
    },
    /// Creates a record in Advoware.
    AdvowareCreate {
        /// Stammdaten.
        fields: Map<String, Value>,
    },
    /// Changes Stammdaten in Advoware; other fields stay.
    AdvowareSet {
        /// Record.
        betnr: i64,
        /// Changed fields.
        fields: Map<String, Value>,
    },
    /// Deletes a record in Advoware: from now on 404.
    AdvowareDelete {
        /// Record.
        betnr: i64,
    },
    /// Adds a Kommunikation in Advoware.
    AdvowareAdd {
        /// Record.
        betnr: i64,
        /// The new row.
        #[serde(flatten)]
        row: NewKommunikation,
    },
    /// Changes a Kommunikation in Advoware; what is absent stays.
    AdvowareChange {
        /// Record.
        betnr: i64,
        /// Row.
        komm_id: i64,
        /// New value, empty to clear it.
        #[serde(default)]
        tlf: Option<String>,
        /// New remark, empty to clear it.
        #[serde(default)]
        bemerkung: Option<String>,
        /// New flag.
        #[serde(default)]
        online: Option<bool>,
    },
    /// Removes a Kommunikation, as only a user in Advoware's own program can.
    AdvowareRemove {
        /// Record.
        betnr: i64,
        /// Row.
        komm_id: i64,
    },
    /// Enters an event in Google.
    GoogleInsert {
        /// Calendar.
        calendar_id: String,
        /// As in an insert; guests are allowed.
        event: Map<String, Value>,
    },
    /// Changes fields of an event in Google.
    GoogleSet {
        /// Calendar.
        calendar_id: String,
        /// Event, or changed occurrence.
        event_id: String,
        /// As in a PATCH: objects are merged, null removes.
        fields: Map<String, Value>,
    },
    /// Moves an event in time; from all-day to timed or back, too.
    GoogleMove {
        /// Calendar.
        calendar_id: String,
        /// Event, or changed occurrence.
        event_id: String,
        /// As in an insert.
        start: Value,
        /// As in an insert.
        end: Value,
    },
    /// Moves an event into another calendar, under the same id.
    GoogleMoveToCalendar {
        /// Calendar.
        calendar_id: String,
        /// Event.
        event_id: String,
        /// The other calendar.
        to_calendar_id: String,
    },
    /// Deletes an event in Google; a series with all its occurrences.
    GoogleDelete {
        /// Calendar.
        calendar_id: String,
        /// Event, or changed occurrence.
        event_id: String,
    },
    /// Brings a deleted event back from the bin.
    GoogleRestore {
        /// Calendar.
        calendar_id: String,
        /// Event.
        event_id: String,
    },
    /// Changes one occurrence of a series, which makes it an exception.
    GoogleChangeOccurrence {
        /// Calendar.
        calendar_id: String,
        /// The series.
        event_id: String,
        /// Start that the series gives it: a date, or RFC 3339.
        original_start: String,
        /// As in a PATCH.
        fields: Map<String, Value>,
    },
    /// Deletes one occurrence of a series.
    GoogleCancelOccurrence {
        /// Calendar.
        calendar_id: String,
        /// The series.
        event_id: String,
        /// Start that the series gives it: a date, or RFC 3339.
        original_start: String,
    },
    /// Creates a Termin in Advoware.
    TerminCreate {
        /// As in a POST.
        fields: Map<String, Value>,
    },
    /// Changes a Termin in Advoware; other fields stay, null empties one.
    TerminChange {
        /// Number.
        frnr: i64,
        /// Changed fields.
        fields: Map<String, Value>,
    },
    /// Deletes a Termin in Advoware.
    TerminDelete {
        /// Number.
        frnr: i64,
    },
    /// An employee joins the firm, or is renamed.
    MitarbeiterJoin {
        /// Initials.
        kuerzel: String,
        /// Full name.
        name: String,
    },
    /// An employee leaves the firm; the Termine stay.
    MitarbeiterLeave {
        /// Initials.
        kuerzel: String,
    },
}

/// What an edit touched or made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct EditOutcome {
    /// The EspoCRM record.
    pub espo_id: Option<String>,
    /// The Beteiligter.
    pub betnr: Option<i64>,
    /// The Kommunikation.
    pub komm_id: Option<i64>,
    /// Google's event, or the changed occurrence.
    pub event_id: Option<String>,
    /// The Termin.
    pub frnr: Option<i64>,
}

/// Why an edit was not possible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EditRefused {
    /// There is no such record, row or value.
    NoSuchRecord,
    /// The system's own rules forbid it.
    Invalid {
        /// Field.
        field: String,
        /// Validation type.
        kind: String,
    },
}

impl std::fmt::Display for EditRefused {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoSuchRecord => write!(to, "no such record, row or value"),
            Self::Invalid { field, kind } => write!(to, "field {field} is refused: {kind}"),
        }
    }
}

impl std::error::Error for EditRefused {}

impl From<Refusal> for EditRefused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Validation { field, kind } => Self::Invalid { field, kind: kind.to_owned() },
            Refusal::NotFound | Refusal::Modified { .. } | Refusal::Duplicate { .. } => Self::NoSuchRecord,
        }
    }
}

/// Does it.
pub(crate) fn apply(world: &mut World, edit: &Edit, now: DateTime<Utc>) -> Result<EditOutcome, EditRefused> {
    match edit {
        Edit::EspoSet { .. }
        | Edit::EspoCreate { .. }
        | Edit::EspoDelete { .. }
        | Edit::EspoAddMail { .. }
        | Edit::EspoAddPhone { .. }
        | Edit::EspoRemove { .. }
        | Edit::EspoReplace { .. }
        | Edit::EspoMakePrimary { .. } => espocrm::apply(&mut world.espocrm, edit, now),
        Edit::GoogleInsert { .. }
        | Edit::GoogleSet { .. }
        | Edit::GoogleMove { .. }
        | Edit::GoogleMoveToCalendar { .. }
        | Edit::GoogleDelete { .. }
        | Edit::GoogleRestore { .. }
        | Edit::GoogleChangeOccurrence { .. }
        | Edit::GoogleCancelOccurrence { .. } => world.google.edit(edit, now),
        Edit::TerminCreate { .. }
        | Edit::TerminChange { .. }
        | Edit::TerminDelete { .. }
        | Edit::MitarbeiterJoin { .. }
        | Edit::MitarbeiterLeave { .. } => kalender::edit::apply(&mut world.advoware.kalender, edit, now),
        _ => advoware::apply(&mut world.advoware, edit, now),
    }
}
