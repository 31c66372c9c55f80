//! EspoCRM's terms to the domain's; pure. The way back is [`EspoPatch`](super::EspoPatch).

use chrono::{DateTime, Utc};
use domain::beteiligte::SyncStatus;
use domain::beteiligte::stammdaten::Texts;
use domain::ids::{BetNr, EspoId, RowId};
use domain::kommunikation::{EspoMail, EspoPhone, EspoView};
use serde_json::Value;

use super::wire::{Record, field};
use crate::error::ErrorKind;

/// One CBeteiligte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EspoBeteiligte {
    /// Its phones and mails, and the stored hash.
    pub view: EspoView,
    /// Its Stammdaten by EspoCRM's names, as they are; empty ones are left out.
    pub stammdaten: Texts,
    /// Its number in Advoware, once it has one.
    pub betnr: Option<BetNr>,
    /// `syncStatus`; `None` where empty or unknown.
    pub sync_status: Option<SyncStatus>,
    /// `syncRetryCount`; 0 where empty.
    pub sync_retry_count: u32,
    /// `syncNextRetry`
    pub sync_next_retry: Option<DateTime<Utc>>,
    /// `syncAutoResetAt`
    pub sync_auto_reset_at: Option<DateTime<Utc>>,
    /// `versionNumber`; `None` where optimistic concurrency is off (K8b).
    pub version_number: Option<i64>,
    /// `modifiedAt`: a hint only (DOMAIN 5).
    pub modified_at: Option<DateTime<Utc>>,
    /// `advowareLastSync`
    pub advoware_last_sync: Option<DateTime<Utc>>,
    /// `advowareRowId`
    pub advoware_row_id: Option<RowId>,
    /// A deleted record is shown to administrators only; to others it is a 404.
    pub deleted: bool,
}

/// One CBeteiligte in a list, which never carries phones and mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedBeteiligte {
    /// The record.
    pub id: EspoId,
    /// Its number in Advoware, once it has one.
    pub betnr: Option<BetNr>,
    /// `syncStatus`; `None` where empty or unknown.
    pub sync_status: Option<SyncStatus>,
    /// `syncRetryCount`; 0 where empty.
    pub sync_retry_count: u32,
    /// `syncNextRetry`
    pub sync_next_retry: Option<DateTime<Utc>>,
    /// `syncAutoResetAt`
    pub sync_auto_reset_at: Option<DateTime<Utc>>,
    /// `modifiedAt`: a hint only (DOMAIN 5).
    pub modified_at: Option<DateTime<Utc>>,
    /// `versionNumber`; `None` where optimistic concurrency is off (K8b).
    pub version_number: Option<i64>,
}

pub(super) fn beteiligte(answer: Value, asked: &EspoId) -> Result<EspoBeteiligte, ErrorKind> {
    let record = Record::read(answer)?;
    // A proxy that mixed up two answers would write one person's numbers to another.
    if record.text(field::ID) != Some(asked.as_str()) {
        return Err(ErrorKind::Malformed { what: "id is not the one asked for" });
    }
    Ok(EspoBeteiligte {
        view: view(&record)?,
        stammdaten: record.stammdaten()?,
        betnr: betnr(&record),
        sync_status: record.text(field::SYNC_STATUS).and_then(SyncStatus::parse),
        sync_retry_count: retry_count(&record),
        sync_next_retry: record.time(field::SYNC_NEXT_RETRY)?,
        sync_auto_reset_at: record.time(field::SYNC_AUTO_RESET_AT)?,
        version_number: record.integer(field::VERSION_NUMBER),
        modified_at: record.time(field::MODIFIED_AT)?,
        advoware_last_sync: record.time(field::ADVOWARE_LAST_SYNC)?,
        advoware_row_id: record.text(field::ADVOWARE_ROW_ID).map(|token| RowId(token.to_owned())),
        deleted: record.switch(field::DELETED),
    })
}

fn view(record: &Record) -> Result<EspoView, ErrorKind> {
    let mails = record.mails()?.into_iter().map(|entry| EspoMail {
        address: entry.value.to_owned(),
        primary: entry.primary,
        opt_out: entry.opt_out,
        invalid: entry.invalid,
    });
    let phones = record.phones()?.into_iter().map(|entry| EspoPhone {
        number: entry.value.to_owned(),
        phone_type: entry.kind.map(str::to_owned),
        primary: entry.primary,
        opt_out: entry.opt_out,
        invalid: entry.invalid,
    });
    Ok(EspoView {
        mails: mails.collect(),
        phones: phones.collect(),
        stored_hash: record.text(field::KOMMUNIKATION_HASH).map(str::to_owned),
    })
}

/// EspoCRM fills an int field that nobody set with null, some forms with 0; Advoware's numbers start at 1.
fn betnr(record: &Record) -> Option<BetNr> {
    record.integer(field::BETNR).filter(|number| *number > 0).map(BetNr)
}

fn retry_count(record: &Record) -> u32 {
    record.integer(field::SYNC_RETRY_COUNT).and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
}

/// `None` for an element one cannot do anything with; the others of its page are not held up by it.
pub(super) fn listed(element: Value) -> Option<ListedBeteiligte> {
    let record = Record::read(element).ok()?;
    Some(ListedBeteiligte {
        id: EspoId::parse(record.text(field::ID)?).ok()?,
        betnr: betnr(&record),
        sync_status: record.text(field::SYNC_STATUS).and_then(SyncStatus::parse),
        sync_retry_count: retry_count(&record),
        sync_next_retry: record.time(field::SYNC_NEXT_RETRY).ok()?,
        sync_auto_reset_at: record.time(field::SYNC_AUTO_RESET_AT).ok()?,
        modified_at: record.time(field::MODIFIED_AT).ok()?,
        version_number: record.integer(field::VERSION_NUMBER),
    })
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
