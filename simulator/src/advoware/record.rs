//! A Beteiligter and its Kommunikationen, and how they look on the wire (DOMAIN 2).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::advoware::AdvowareSwitches;
use crate::advoware::date::{self, DATE_FIELDS};
use crate::clock::berlin_wall_time;

/// Stammdaten every answer shows, null where nothing is stored.
const KNOWN_FIELDS: [&str; 7] =
    ["name", "vorname", "rechtsform", "anrede", "geburtsdatum", "handelsRegisterNummer", "registergericht"];

/// Top-level field of a kommKz: the server shows the first filled row of that kind there (DOMAIN 2, assumption).
const TOP_LEVEL: [(&str, i64); 8] = [
    ("tel", 1),
    ("fax", 2),
    ("mobil", 3),
    ("emailGesch", 4),
    ("telPrivat", 6),
    ("faxPrivat", 7),
    ("email", 8),
    ("autotelefon", 9),
];

/// One Kommunikation as it is stored, kommKz included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kommunikation {
    /// Unique over all Beteiligte.
    pub id: i64,
    /// 40 upper-case characters; new on every change.
    pub row_id: String,
    /// 1 to 12 (other values only by seeding them).
    pub komm_kz: i64,
    /// The value.
    pub tlf: String,
    /// Remark; an empty one is stored as null.
    pub bemerkung: Option<String>,
    /// For mails: the primary one.
    pub online: bool,
}

impl Kommunikation {
    /// The wire form; `komm_kz_shown` is false where Advoware answers 0.
    pub(crate) fn to_wire(&self, betnr: i64, komm_kz_shown: bool) -> Value {
        let komm_kz = if komm_kz_shown { self.komm_kz } else { 0 };
        json!({
            "id": self.id,
            "betNr": betnr,
            "rowId": self.row_id,
            "kommArt": komm_art(komm_kz),
            "kommKz": komm_kz,
            "tlf": self.tlf,
            "bemerkung": self.bemerkung,
            "online": self.online,
        })
    }
}

/// The server's coarse class: 1 telephone, 2 fax, 3 mail, 4 internet, 0 unknown. Derived from what kommKz the
/// answer shows, so it betrays nothing where kommKz is hidden.
fn komm_art(komm_kz: i64) -> i64 {
    match komm_kz {
        1 | 3 | 6 | 9 | 10 => 1,
        2 | 7 => 2,
        4 | 8 | 11 | 12 => 3,
        5 => 4,
        _ => 0,
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Beteiligter {
    pub(crate) betnr: i64,
    pub(crate) row_id: String,
    pub(crate) changed_at: DateTime<Utc>,
    /// Stammdaten as last written, unknown fields included; without what the server derives.
    pub(crate) fields: Map<String, Value>,
    pub(crate) rows: Vec<Kommunikation>,
}

impl Beteiligter {
    pub(crate) fn to_wire(&self, switches: &AdvowareSwitches) -> Value {
        let mut wire = self.fields.clone();
        for field in KNOWN_FIELDS {
            wire.entry(field).or_insert(Value::Null);
        }
        for field in DATE_FIELDS {
            let stored = wire.entry(field).or_insert(Value::Null);
            *stored = date::answered(stored, switches);
        }
        for (field, komm_kz) in TOP_LEVEL {
            let value = self.rows.iter().find(|row| row.komm_kz == komm_kz && !row.tlf.is_empty());
            wire.insert(field.to_owned(), value.map_or(Value::Null, |row| json!(row.tlf)));
        }
        wire.insert("betNr".to_owned(), json!(self.betnr));
        wire.insert("rowId".to_owned(), json!(self.row_id));
        wire.insert("geaendertAm".to_owned(), json!(berlin_wall_time(self.changed_at)));
        let rows = self.rows.iter().map(|row| row.to_wire(self.betnr, switches.komm_kz_shown)).collect();
        wire.insert("kommunikation".to_owned(), Value::Array(rows));
        Value::Object(wire)
    }

    /// What a write keeps of a body: everything but what the server derives or owns.
    pub(crate) fn writable(mut body: Map<String, Value>) -> Map<String, Value> {
        for owned in ["betNr", "betnr", "id", "rowId", "geaendertAm", "kommunikation"] {
            body.remove(owned);
        }
        for (derived, _) in TOP_LEVEL {
            body.remove(derived);
        }
        for field in DATE_FIELDS {
            if let Some(written) = body.get_mut(field) {
                *written = date::stored(written.take());
            }
        }
        body
    }
}

/// An empty remark reads back as null.
pub(crate) fn stored_bemerkung(bemerkung: Option<String>) -> Option<String> {
    bemerkung.filter(|text| !text.is_empty())
}
