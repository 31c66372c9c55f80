//! What people do in the programs, through the same state changes as the API but with a person's rights.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::advoware::{Beteiligter, NewKommunikation, stored_bemerkung};
use crate::espocrm::{Actor, Channel, EspoCrm, Refusal};
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
        | Edit::EspoMakePrimary { .. } => apply_espo(&mut world.espocrm, edit, now),
        Edit::GoogleInsert { .. }
        | Edit::GoogleSet { .. }
        | Edit::GoogleMove { .. }
        | Edit::GoogleMoveToCalendar { .. }
        | Edit::GoogleDelete { .. }
        | Edit::GoogleRestore { .. }
        | Edit::GoogleChangeOccurrence { .. }
        | Edit::GoogleCancelOccurrence { .. } => world.google.edit(edit, now),
        _ => apply_advoware(world, edit, now),
    }
}

fn apply_espo(espocrm: &mut EspoCrm, edit: &Edit, now: DateTime<Utc>) -> Result<EditOutcome, EditRefused> {
    let (id, body) = match edit {
        Edit::EspoSet { id, fields } => (id, fields.clone()),
        Edit::EspoCreate { fields } => {
            let id = espocrm.create(fields, Actor::User, true, now)?;
            return Ok(EditOutcome { espo_id: Some(id), ..EditOutcome::default() });
        }
        Edit::EspoDelete { id } => {
            espocrm.delete(id, Actor::User, now)?;
            return Ok(EditOutcome { espo_id: Some(id.clone()), ..EditOutcome::default() });
        }
        Edit::EspoAddMail { id, address } => {
            let item = json!({ "emailAddress": address });
            (
                id,
                change_data(espocrm, id, Channel::Mail, |items| {
                    items.push(item);
                    Some(())
                })?,
            )
        }
        Edit::EspoAddPhone { id, number, phone_type } => {
            let item = json!({ "phoneNumber": number, "type": phone_type });
            (
                id,
                change_data(espocrm, id, Channel::Phone, |items| {
                    items.push(item);
                    Some(())
                })?,
            )
        }
        Edit::EspoRemove { id, value } => {
            let channel = channel_of(value);
            (
                id,
                change_data(espocrm, id, channel, |items| {
                    let at = position(items, channel, value)?;
                    items.remove(at);
                    Some(())
                })?,
            )
        }
        Edit::EspoReplace { id, from, to } => {
            let channel = channel_of(from);
            (
                id,
                change_data(espocrm, id, channel, |items| {
                    let at = position(items, channel, from)?;
                    items.get_mut(at)?[channel.value_field()] = json!(to);
                    Some(())
                })?,
            )
        }
        Edit::EspoMakePrimary { id, value } => {
            let channel = channel_of(value);
            (
                id,
                change_data(espocrm, id, channel, |items| {
                    let at = position(items, channel, value)?;
                    for (index, item) in items.iter_mut().enumerate() {
                        item["primary"] = json!(index == at);
                    }
                    Some(())
                })?,
            )
        }
        _ => return Err(EditRefused::NoSuchRecord),
    };
    espocrm.update(id, &body, Actor::User, None, now)?;
    Ok(EditOutcome { espo_id: Some(id.clone()), ..EditOutcome::default() })
}

/// The body with one data array, changed; `None` from `change` means the value is not there.
fn change_data(
    espocrm: &EspoCrm,
    id: &str,
    channel: Channel,
    change: impl FnOnce(&mut Vec<Value>) -> Option<()>,
) -> Result<Map<String, Value>, EditRefused> {
    let form = espocrm.read(id).ok_or(EditRefused::NoSuchRecord)?;
    let mut items = form.get(channel.data_field()).and_then(Value::as_array).cloned().unwrap_or_default();
    change(&mut items).ok_or(EditRefused::NoSuchRecord)?;
    Ok(Map::from_iter([(channel.data_field().to_owned(), Value::Array(items))]))
}

fn channel_of(value: &str) -> Channel {
    if value.contains('@') { Channel::Mail } else { Channel::Phone }
}

fn position(items: &[Value], channel: Channel, value: &str) -> Option<usize> {
    let wanted = channel.key(value);
    items.iter().position(|item| {
        item.get(channel.value_field()).and_then(Value::as_str).is_some_and(|have| channel.key(have) == wanted)
    })
}

fn apply_advoware(world: &mut World, edit: &Edit, now: DateTime<Utc>) -> Result<EditOutcome, EditRefused> {
    let advoware = &mut world.advoware;
    let (betnr, komm_id) = match edit {
        Edit::AdvowareCreate { fields } => (advoware.create(None, Beteiligter::writable(fields.clone()), now), None),
        Edit::AdvowareSet { betnr, fields } => {
            let mut merged = advoware.beteiligter(*betnr).ok_or(EditRefused::NoSuchRecord)?.fields.clone();
            merged.extend(fields.clone());
            advoware.replace_fields(*betnr, Beteiligter::writable(merged), now);
            (*betnr, None)
        }
        Edit::AdvowareDelete { betnr } => {
            if !advoware.remove(*betnr) {
                return Err(EditRefused::NoSuchRecord);
            }
            (*betnr, None)
        }
        Edit::AdvowareAdd { betnr, row } => {
            let row = advoware.add_row(*betnr, None, row.clone()).ok_or(EditRefused::NoSuchRecord)?;
            (*betnr, Some(row.id))
        }
        Edit::AdvowareChange { betnr, komm_id, tlf, bemerkung, online } => {
            let changed = advoware.change_row(*betnr, *komm_id, |row| {
                if let Some(tlf) = tlf {
                    row.tlf.clone_from(tlf);
                }
                if bemerkung.is_some() {
                    row.bemerkung = stored_bemerkung(bemerkung.clone());
                }
                row.online = online.unwrap_or(row.online);
            });
            (*betnr, Some(changed.ok_or(EditRefused::NoSuchRecord)?.id))
        }
        Edit::AdvowareRemove { betnr, komm_id } => {
            let gone = advoware.remove_row(*betnr, *komm_id).ok_or(EditRefused::NoSuchRecord)?;
            (*betnr, Some(gone.id))
        }
        _ => return Err(EditRefused::NoSuchRecord),
    };
    Ok(EditOutcome { betnr: Some(betnr), komm_id, ..EditOutcome::default() })
}
