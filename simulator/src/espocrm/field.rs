//! The plain fields of `CBeteiligte`: kinds, limits, sanitising and validation (reference E2, E4, E10).

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::{Value, json};

use crate::clock::espo_time;

/// The status machine's options (DOMAIN 4).
pub(crate) const SYNC_STATUS: [&str; 8] =
    ["pending_sync", "dirty", "syncing", "clean", "failed", "permanently_failed", "conflict", "deleted_in_advoware"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With its longest length in characters.
    Varchar(usize),
    Text,
    Int,
    Date,
    Datetime,
    SyncStatus,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// A user's change of it makes the record `dirty` (our EspoCRM extension).
    pub(crate) synced: bool,
}

const fn synced(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, synced: true }
}

const fn own(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, synced: false }
}

pub(crate) const FIELDS: [Field; 25] = [
    synced("salutationName", Kind::Varchar(100)),
    synced("firstName", Kind::Varchar(100)),
    synced("lastName", Kind::Varchar(100)),
    own("middleName", Kind::Varchar(100)),
    synced("firmenname", Kind::Varchar(255)),
    synced("rechtsform", Kind::Varchar(100)),
    synced("dateOfBirth", Kind::Date),
    synced("handelsregisterNummer", Kind::Varchar(100)),
    synced("handelsregisterArt", Kind::Varchar(100)),
    own("description", Kind::Text),
    own("addressStreet", Kind::Varchar(255)),
    own("addressPostalCode", Kind::Varchar(40)),
    own("addressCity", Kind::Varchar(100)),
    own("addressState", Kind::Varchar(100)),
    own("addressCountry", Kind::Varchar(100)),
    own("assignedUserId", Kind::Varchar(24)),
    synced("betnr", Kind::Int),
    own("advowareRowId", Kind::Varchar(40)),
    own("kommunikationHash", Kind::Varchar(16)),
    own("advowareLastSync", Kind::Datetime),
    own("syncStatus", Kind::SyncStatus),
    own("syncRetryCount", Kind::Int),
    own("syncNextRetry", Kind::Datetime),
    own("syncAutoResetAt", Kind::Datetime),
    own("syncErrorMessage", Kind::Text),
];

/// Attributes that exist for filters and answers but are never written as plain fields.
pub(crate) const COMPUTED: [&str; 9] = [
    "id",
    "name",
    "createdAt",
    "modifiedAt",
    "modifiedById",
    "versionNumber",
    "emailAddress",
    "phoneNumber",
    "deleted",
];

pub(crate) fn field(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name)
}

/// The stored form of a written value, or the validation type that refuses it.
pub(crate) fn sanitise(field: &Field, value: &Value) -> Result<Value, &'static str> {
    match (field.kind, value) {
        (_, Value::Null) => Ok(Value::Null),
        (Kind::Int, value) => int(value),
        (kind, Value::String(text)) => {
            let text = text.trim();
            if text.is_empty() {
                return Ok(Value::Null);
            }
            match kind {
                Kind::Varchar(longest) if text.chars().count() > longest => Err("maxLength"),
                Kind::SyncStatus if !SYNC_STATUS.contains(&text) => Err("valid"),
                Kind::Date => NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|_| json!(text)).map_err(|_| "valid"),
                Kind::Datetime => datetime(text),
                _ => Ok(json!(text)),
            }
        }
        _ => Err("valid"),
    }
}

/// 1.5 is stored as 1; text must be a number.
fn int(value: &Value) -> Result<Value, &'static str> {
    if let Some(whole) = value.as_i64() {
        return Ok(json!(whole));
    }
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return Err("valid"),
    };
    let whole = text.split('.').next().unwrap_or_default();
    whole.parse::<i64>().map(|whole| json!(whole)).map_err(|_| "valid")
}

/// `YYYY-MM-DD HH:MM:SS`, or ISO 8601 with offset; fractional seconds are refused.
fn datetime(text: &str) -> Result<Value, &'static str> {
    if text.contains('.') {
        return Err("valid");
    }
    if NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").is_ok() && text.len() == 19 {
        return Ok(json!(text));
    }
    DateTime::parse_from_rfc3339(text).map(|instant| json!(espo_time(instant.to_utc()))).map_err(|_| "valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(name: &str, value: &Value) -> Result<Value, &'static str> {
        sanitise(field(name).unwrap(), value)
    }

    #[test]
    fn values_are_sanitised_as_espocrm_does() {
        assert_eq!(write("lastName", &json!("  Quellhafer ")), Ok(json!("Quellhafer")));
        assert_eq!(write("lastName", &json!("")), Ok(Value::Null));
        assert_eq!(write("syncRetryCount", &json!(1.5)), Ok(json!(1)));
        assert_eq!(write("advowareLastSync", &json!("2026-01-02T04:05:06+01:00")), Ok(json!("2026-01-02 03:05:06")));
    }

    #[test]
    fn bad_values_are_refused() {
        assert_eq!(write("kommunikationHash", &json!("0123456789abcdef0")), Err("maxLength"));
        assert_eq!(write("syncStatus", &json!("done")), Err("valid"));
        assert_eq!(write("advowareLastSync", &json!("2026-01-02 03:04:05.5")), Err("valid"));
        assert_eq!(write("advowareLastSync", &json!("2026-01-02T03:04:05.123Z")), Err("valid"));
        assert_eq!(write("dateOfBirth", &json!("1.2.1970")), Err("valid"));
        assert_eq!(write("betnr", &json!("x")), Err("valid"));
    }
}
