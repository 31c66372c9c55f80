//! Advoware's JSON (DOMAIN 2).
//!
//! Tolerant: an object or an array of one, three spellings of the number, numbers as texts, null texts, unknown fields.
//! Strict where tolerance would lose data: without the array `kommunikation`, or with one unreadable element in it, the
//! whole answer is malformed, because what is missing from a complete answer counts as deleted (K1a).

use domain::ids::{KommId, RowId};
use serde::Serialize;
use serde_json::{Map, Value};

use super::fields::Fields;
use super::record::AdvoRecord;
use crate::error::{ErrorKind, Refusal};
use crate::json::{integer, switch, text, text_or_empty};

/// Texts of gateway and configurator that tell why they refuse (F, DOMAIN 1).
const REFUSALS: [(&str, Refusal); 4] = [
    ("freigeschaltet", Refusal::NotEnabled),
    ("ist nicht angemeldet", Refusal::NotLoggedOn),
    ("ist nicht registriert", Refusal::NotRegistered),
    ("Falscher Name oder falsches Kennwort", Refusal::WrongPassword),
];

/// How a server of this make says that it knows no such route, as opposed to no such record (A).
const UNKNOWN_ROUTE: &str = "No HTTP resource was found";

/// One Beteiligte as answered.
#[derive(Debug)]
pub(super) struct Beteiligte {
    /// Everything else.
    pub(super) record: AdvoRecord,
    /// The array `kommunikation`, complete.
    pub(super) kommunikation: Vec<Kommunikation>,
}

/// One element of `kommunikation`.
#[derive(Debug)]
pub(super) struct Kommunikation {
    pub(super) id: i64,
    pub(super) row_id: String,
    /// 0 on most installations; 0 also where it is absent.
    pub(super) komm_kz: i64,
    /// Empty where null.
    pub(super) tlf: String,
    pub(super) bemerkung: Option<String>,
    pub(super) online: bool,
}

/// What a POST or PUT of a Kommunikation sends: all of it, since PUT replaces. `kommKz` counts on POST only (DOMAIN 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KommunikationWrite {
    /// The value; empty makes a slot.
    pub tlf: String,
    /// Marker and user text.
    pub bemerkung: Option<String>,
    /// Advoware's kind; on PUT the one that was read, 0 included.
    pub komm_kz: i64,
    /// `online` flag (K7).
    pub online: bool,
}

/// What Advoware answers to a written Kommunikation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KommunikationAnswer {
    /// The Kommunikation.
    pub id: KommId,
    /// Its new change token, where the answer tells it.
    pub row_id: Option<RowId>,
}

impl Beteiligte {
    /// Reads the answer of `GET Beteiligte/{betnr}`.
    pub(super) fn read(answer: Value) -> Result<Self, ErrorKind> {
        let mut fields = only_object(answer)?;
        let elements = match fields.remove("kommunikation") {
            Some(Value::Array(elements)) => elements,
            Some(Value::Null) | None => return malformed("kommunikation is missing"),
            Some(_) => return malformed("kommunikation is no array"),
        };
        let kommunikation = elements.iter().map(Kommunikation::read).collect::<Result<Vec<_>, _>>()?;
        let mut ids: Vec<i64> = kommunikation.iter().map(|k| k.id).collect();
        ids.sort_unstable();
        if ids.windows(2).any(|pair| pair[0] == pair[1]) {
            return malformed("kommunikation holds one id twice");
        }
        Ok(Self { record: AdvoRecord(Fields(fields)), kommunikation })
    }
}

impl Kommunikation {
    fn read(element: &Value) -> Result<Self, ErrorKind> {
        let Value::Object(fields) = element else { return malformed("kommunikation: an element is no object") };
        let Some(id) = fields.get("id").and_then(integer) else { return malformed("kommunikation: id is missing") };
        let Some(row_id) = text(fields, "rowId") else { return malformed("kommunikation: rowId is missing") };
        let komm_kz = match fields.get("kommKz") {
            None | Some(Value::Null) => Some(0),
            Some(value) => integer(value),
        };
        let Some(komm_kz) = komm_kz else { return malformed("kommunikation: kommKz is no number") };
        let Some(tlf) = text_or_empty(fields, "tlf") else { return malformed("kommunikation: tlf is no text") };
        let bemerkung = match fields.get("bemerkung") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => return malformed("kommunikation: bemerkung is no text"),
        };
        let online = switch(fields.get("online"));
        Ok(Self { id, row_id: row_id.to_owned(), komm_kz, tlf: tlf.to_owned(), bemerkung, online })
    }
}

impl KommunikationAnswer {
    /// Reads the answer of a POST or PUT. Without id it is unknown what was written, so the caller looks.
    pub(super) fn read(answer: Value) -> Result<Self, ErrorKind> {
        let fields = only_object(answer)?;
        let Some(id) = fields.get("id").and_then(integer) else { return malformed("id is missing") };
        let row_id = text(&fields, "rowId").map(|token| RowId(token.to_owned()));
        Ok(Self { id: KommId(id), row_id })
    }
}

/// Why credentials were refused, if the answer says it.
pub(super) fn refusal_in(body: &[u8]) -> Option<Refusal> {
    let body = String::from_utf8_lossy(body);
    REFUSALS.iter().find(|(text, _)| body.contains(text)).map(|(_, refusal)| *refusal)
}

/// Whether a 404 is about the address. A wrong base address must not look like the deletion of every record.
pub(super) fn is_unknown_route(body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body);
    body.contains(UNKNOWN_ROUTE) || body.trim_start().starts_with('<')
}

/// The address of the API as the look-up answers it: the connector's if the firm has one, else the relay's (DOMAIN 1).
pub(super) fn api_address(answer: Value) -> Result<String, ErrorKind> {
    let fields = only_object(answer)?;
    match text(&fields, "connectorUrl").or_else(|| text(&fields, "relayUrl")) {
        Some(address) => Ok(address.to_owned()),
        None => malformed("relayUrl is missing"),
    }
}

/// The object itself, or the only element of an array.
pub(super) fn only_object(answer: Value) -> Result<Map<String, Value>, ErrorKind> {
    match answer {
        Value::Object(fields) => Ok(fields),
        Value::Array(mut elements) => match (elements.pop(), elements.is_empty()) {
            (Some(Value::Object(fields)), true) => Ok(fields),
            (None, _) => malformed("an empty array instead of one object"),
            _ => malformed("an array instead of one object"),
        },
        _ => malformed("no object"),
    }
}

pub(super) fn malformed<T>(what: &'static str) -> Result<T, ErrorKind> {
    Err(ErrorKind::Malformed { what })
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
