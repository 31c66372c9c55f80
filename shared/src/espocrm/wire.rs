//! EspoCRM's JSON (DOMAIN 5).
//!
//! Strict where tolerance would lose data: an answer without `emailAddressData`, `phoneNumberData` or a field of the Stammdaten (a
//! user without right to the field gets none) must not look like a record whose entries were all removed.

use chrono::{DateTime, NaiveDateTime, Utc};
use domain::beteiligte::stammdaten::Texts;
use serde_json::{Map, Value};

use crate::error::ErrorKind;
use crate::json::{NoText, integer, switch, text, written};

/// Entity type of a Beteiligte.
pub(super) const ENTITY: &str = "CBeteiligte";

/// EspoCRM's form of an instant: UTC, whole seconds; fractions are refused with 400.
pub(super) const TIME_FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// Names of fields. The first group is EspoCRM's own; the second was added for this sync: F names but for `betnr`,
/// `advowareRowId`, `syncErrorMessage` (A, DOMAIN 4).
pub(super) mod field {
    pub(crate) const ID: &str = "id";
    pub(crate) const DELETED: &str = "deleted";
    pub(crate) const CREATED_AT: &str = "createdAt";
    pub(crate) const MODIFIED_AT: &str = "modifiedAt";
    pub(crate) const VERSION_NUMBER: &str = "versionNumber";
    pub(crate) const MAILS: &str = "emailAddressData";
    pub(crate) const PHONES: &str = "phoneNumberData";

    pub(crate) const BETNR: &str = "betnr";
    pub(crate) const SYNC_STATUS: &str = "syncStatus";
    pub(crate) const SYNC_RETRY_COUNT: &str = "syncRetryCount";
    pub(crate) const SYNC_NEXT_RETRY: &str = "syncNextRetry";
    pub(crate) const SYNC_AUTO_RESET_AT: &str = "syncAutoResetAt";
    pub(crate) const SYNC_ERROR_MESSAGE: &str = "syncErrorMessage";
    pub(crate) const KOMMUNIKATION_HASH: &str = "kommunikationHash";
    pub(crate) const ADVOWARE_LAST_SYNC: &str = "advowareLastSync";
    pub(crate) const ADVOWARE_ROW_ID: &str = "advowareRowId";
}

/// EspoCRM's own fields that we use.
pub(super) const OWN_FIELDS: [&str; 7] = [
    field::ID,
    field::DELETED,
    field::CREATED_AT,
    field::MODIFIED_AT,
    field::VERSION_NUMBER,
    field::MAILS,
    field::PHONES,
];

/// Fields that were added for this sync.
pub(super) const SYNC_FIELDS: [&str; 9] = [
    field::BETNR,
    field::SYNC_STATUS,
    field::SYNC_RETRY_COUNT,
    field::SYNC_NEXT_RETRY,
    field::SYNC_AUTO_RESET_AT,
    field::SYNC_ERROR_MESSAGE,
    field::KOMMUNIKATION_HASH,
    field::ADVOWARE_LAST_SYNC,
    field::ADVOWARE_ROW_ID,
];

/// The domain's fields of the Stammdaten, and what is said where one is missing: a fixed text for each (E2).
pub(super) const STAMMDATEN: [(&str, &str); 8] = {
    macro_rules! table {
        ($($name:literal),* $(,)?) => {
            [$(($name, concat!($name, " is missing or no text: check the API user's right to the field"))),*]
        };
    }
    table!(
        "lastName",
        "firstName",
        "firmenname",
        "salutationName",
        "dateOfBirth",
        "rechtsform",
        "handelsregisterNummer",
        "handelsregisterArt",
    )
};

/// One record as answered.
#[derive(Debug)]
pub(super) struct Record(Map<String, Value>);

/// One element of `emailAddressData` or `phoneNumberData`.
#[derive(Debug)]
pub(super) struct DataEntry<'a> {
    pub(super) value: &'a str,
    /// Phones only.
    pub(super) kind: Option<&'a str>,
    pub(super) primary: bool,
    pub(super) opt_out: bool,
    pub(super) invalid: bool,
}

impl Record {
    /// Any answer that is one record.
    pub(super) fn read(answer: Value) -> Result<Self, ErrorKind> {
        match answer {
            Value::Object(fields) => Ok(Self(fields)),
            _ => malformed("no object"),
        }
    }

    /// A text that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        text(&self.0, name)
    }

    /// A whole number.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        integer(self.0.get(name)?)
    }

    /// A boolean; absent is false.
    pub(super) fn switch(&self, name: &str) -> bool {
        switch(self.0.get(name))
    }

    /// An instant; `None` where it is empty. One that cannot be read is a fault: a back-off or a reset hangs on it.
    pub(super) fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, ErrorKind> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match NaiveDateTime::parse_from_str(text, TIME_FORMAT) {
            Ok(time) => Ok(Some(time.and_utc())),
            Err(_) => malformed("a time is not of the form YYYY-MM-DD HH:MM:SS"),
        }
    }

    /// The Stammdaten that are filled in, as they are. One that is not in the answer must not look empty.
    pub(super) fn stammdaten(&self) -> Result<Texts, ErrorKind> {
        let mut filled_in = Texts::new();
        for (name, what) in STAMMDATEN {
            let value = self.0.get(name).ok_or(NoText).and_then(written);
            let value = value.map_err(|NoText| ErrorKind::Malformed { what })?;
            filled_in.extend(value.map(|text| (name, text)));
        }
        Ok(filled_in)
    }

    /// `emailAddressData`. Entries without value carry nothing and are left out.
    pub(super) fn mails(&self) -> Result<Vec<DataEntry<'_>>, ErrorKind> {
        let Some(Value::Array(elements)) = self.0.get(field::MAILS) else {
            return malformed("emailAddressData is missing: check the API user's right to the field");
        };
        entries(elements, "emailAddress").ok_or(ErrorKind::Malformed { what: "emailAddressData cannot be read" })
    }

    /// `phoneNumberData`. Entries without value carry nothing and are left out.
    pub(super) fn phones(&self) -> Result<Vec<DataEntry<'_>>, ErrorKind> {
        let Some(Value::Array(elements)) = self.0.get(field::PHONES) else {
            return malformed("phoneNumberData is missing: check the API user's right to the field");
        };
        entries(elements, "phoneNumber").ok_or(ErrorKind::Malformed { what: "phoneNumberData cannot be read" })
    }
}

/// `None` if any element is unreadable.
fn entries<'a>(elements: &'a [Value], value_key: &str) -> Option<Vec<DataEntry<'a>>> {
    let all = elements.iter().map(|element| {
        let fields = element.as_object()?;
        Some(DataEntry {
            value: fields.get(value_key)?.as_str()?,
            kind: text(fields, "type"),
            primary: switch(fields.get("primary")),
            opt_out: switch(fields.get("optOut")),
            invalid: switch(fields.get("invalid")),
        })
    });
    let all = all.collect::<Option<Vec<_>>>()?;
    Some(all.into_iter().filter(|entry| !entry.value.is_empty()).collect())
}

/// The elements of one page, and how many the whole list has: `None` where counting is off (`total` is then -1 or -2).
pub(super) fn list(answer: Value) -> Result<(Vec<Value>, Option<u32>), ErrorKind> {
    let Value::Object(mut fields) = answer else { return malformed("no object") };
    let total = fields.get("total").and_then(Value::as_u64).and_then(|total| u32::try_from(total).ok());
    match fields.remove("list") {
        Some(Value::Array(elements)) => Ok((elements, total)),
        _ => malformed("list is missing"),
    }
}

fn malformed<T>(what: &'static str) -> Result<T, ErrorKind> {
    Err(ErrorKind::Malformed { what })
}
