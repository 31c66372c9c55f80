//! Partial updates of a CBeteiligte.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::beteiligte::SyncStatus;
use domain::ids::{BetNr, RowId};
use domain::kommunikation::{EspoMail, EspoPhone};
use serde_json::{Map, Value, json};

use super::wire::{Record, TIME_FORMAT, field};
use crate::error::ErrorKind;

/// The fields that an update sets; what is not named stays as it is.
#[derive(Clone, Default, PartialEq)]
pub struct EspoPatch(Map<String, Value>);

impl EspoPatch {
    /// Sets nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Replaces all mails. Every flag is sent: one left out would become false (DOMAIN 5).
    #[must_use]
    pub fn mails(self, mails: &[EspoMail]) -> Self {
        let entries = mails.iter().map(|mail| {
            json!({
                "emailAddress": mail.address,
                "primary": mail.primary,
                "optOut": mail.opt_out,
                "invalid": mail.invalid,
            })
        });
        self.with(field::MAILS, entries.collect())
    }

    /// Replaces all phones. Every flag is sent; a number without type gets EspoCRM's default one.
    #[must_use]
    pub fn phones(self, phones: &[EspoPhone]) -> Self {
        let entries = phones.iter().map(|phone| {
            let mut entry = json!({
                "phoneNumber": phone.number,
                "primary": phone.primary,
                "optOut": phone.opt_out,
                "invalid": phone.invalid,
            });
            if let Some(phone_type) = &phone.phone_type {
                entry["type"] = json!(phone_type);
            }
            entry
        });
        self.with(field::PHONES, entries.collect())
    }

    /// A field of the Stammdaten, by EspoCRM's own name; `None` empties it.
    #[must_use]
    pub fn field(self, name: &'static str, value: Option<&str>) -> Self {
        self.with(name, json!(value))
    }

    /// `betnr`
    #[must_use]
    pub fn betnr(self, bet_nr: BetNr) -> Self {
        self.with(field::BETNR, json!(bet_nr.0))
    }

    /// `syncStatus`
    #[must_use]
    pub fn sync_status(self, status: SyncStatus) -> Self {
        self.with(field::SYNC_STATUS, json!(status.name()))
    }

    /// `syncErrorMessage`; must not contain personal data (E2). `None` clears it.
    #[must_use]
    pub fn sync_error_message(self, message: Option<&str>) -> Self {
        self.with(field::SYNC_ERROR_MESSAGE, json!(message))
    }

    /// `syncRetryCount`
    #[must_use]
    pub fn sync_retry_count(self, count: u32) -> Self {
        self.with(field::SYNC_RETRY_COUNT, json!(count))
    }

    /// `syncNextRetry`; `None` clears it.
    #[must_use]
    pub fn sync_next_retry(self, at: Option<DateTime<Utc>>) -> Self {
        self.with(field::SYNC_NEXT_RETRY, time(at))
    }

    /// `syncAutoResetAt`; `None` clears it.
    #[must_use]
    pub fn sync_auto_reset_at(self, at: Option<DateTime<Utc>>) -> Self {
        self.with(field::SYNC_AUTO_RESET_AT, time(at))
    }

    /// `kommunikationHash` (K4).
    #[must_use]
    pub fn kommunikation_hash(self, hash: &str) -> Self {
        self.with(field::KOMMUNIKATION_HASH, json!(hash))
    }

    /// `advowareLastSync`
    #[must_use]
    pub fn advoware_last_sync(self, at: DateTime<Utc>) -> Self {
        self.with(field::ADVOWARE_LAST_SYNC, time(Some(at)))
    }

    /// `advowareRowId`; `None` clears it.
    #[must_use]
    pub fn advoware_row_id(self, row_id: Option<&RowId>) -> Self {
        self.with(field::ADVOWARE_ROW_ID, json!(row_id.map(|token| &token.0)))
    }

    pub(super) fn body(&self) -> &Map<String, Value> {
        &self.0
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }
}

impl fmt::Debug for EspoPatch {
    /// Names of fields only: the values are personal (E2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Fractions of a second are cut: EspoCRM refuses them.
fn time(at: Option<DateTime<Utc>>) -> Value {
    json!(at.map(|at| at.format(TIME_FORMAT).to_string()))
}

/// What EspoCRM says after an update. Its data arrays only echo what was sent and are not read (DOMAIN 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateAnswer {
    /// For the next update's version check; `None` where optimistic concurrency is off.
    pub version_number: Option<i64>,
    /// `modifiedAt` that our own write made.
    pub modified_at: Option<DateTime<Utc>>,
}

impl UpdateAnswer {
    pub(super) fn read(answer: Value) -> Result<Self, ErrorKind> {
        let record = Record::read(answer)?;
        Ok(Self {
            version_number: record.integer(field::VERSION_NUMBER),
            modified_at: record.time(field::MODIFIED_AT)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_names_only_what_it_sets() {
        let at = DateTime::from_timestamp_millis(1_763_715_600_999).unwrap();
        let patch = EspoPatch::new()
            .sync_status(SyncStatus::Clean)
            .sync_error_message(None)
            .sync_next_retry(None)
            .advoware_last_sync(at);
        assert_eq!(
            Value::Object(patch.body().clone()),
            json!({"syncStatus": "clean", "syncErrorMessage": null, "syncNextRetry": null,
                   "advowareLastSync": "2025-11-21 09:00:00"})
        );
        assert!(EspoPatch::new().is_empty());
        let patch = EspoPatch::new().field("lastName", Some("x")).field("firstName", None).betnr(BetNr(7));
        assert_eq!(Value::Object(patch.body().clone()), json!({"lastName": "x", "firstName": null, "betnr": 7}));
    }

    #[test]
    fn data_arrays_carry_every_flag() {
        let phone = |phone_type: Option<&str>| EspoPhone {
            number: "+49511123456".into(),
            phone_type: phone_type.map(str::to_owned),
            primary: true,
            opt_out: true,
            invalid: false,
        };
        let patch = EspoPatch::new().phones(&[phone(Some("Fax")), phone(None)]).mails(&[]);
        assert_eq!(
            Value::Object(patch.body().clone()),
            json!({"emailAddressData": [], "phoneNumberData": [
                {"phoneNumber": "+49511123456", "type": "Fax", "primary": true, "optOut": true, "invalid": false},
                {"phoneNumber": "+49511123456", "primary": true, "optOut": true, "invalid": false},
            ]})
        );
        assert_eq!(format!("{patch:?}"), r#"{"emailAddressData", "phoneNumberData"}"#);
    }
}
