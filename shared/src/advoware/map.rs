//! Advoware's terms to the domain's and back; pure.

use chrono::NaiveDateTime;
use domain::beteiligte::stammdaten::{ADVOWARE_FIELDS, Texts};
use domain::ids::{BetNr, KommId, RowId};
use domain::kommunikation::{AdvoRow, AdvoView, KommKz, TopLevelValue};

use super::record::AdvoRecord;
use super::wire::{Beteiligte, Kommunikation, KommunikationWrite};
use crate::error::ErrorKind;

/// Top-level contact fields and the kind each stands for (K2). F `mobil`, `tel`, `fax`; A the others (DOMAIN 2).
const TOP_LEVEL: [(&str, KommKz); 8] = [
    ("tel", KommKz::TelGesch),
    ("fax", KommKz::FaxGesch),
    ("mobil", KommKz::Mobil),
    ("emailGesch", KommKz::MailGesch),
    ("email", KommKz::MailGesch),
    ("telPrivat", KommKz::TelPrivat),
    ("faxPrivat", KommKz::FaxPrivat),
    ("autotelefon", KommKz::AutoTelefon),
];

/// One Beteiligte of Advoware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvoBeteiligte {
    /// Its number.
    pub bet_nr: BetNr,
    /// Change token of the Stammdaten; does not move with Kommunikationen (DOMAIN 2).
    pub row_id: Option<RowId>,
    /// `geaendertAm`, Berlin wall time (A, DOMAIN 2); `None` where absent or unreadable, it is a hint only.
    pub geaendert_am: Option<NaiveDateTime>,
    /// Its Kommunikationen, complete.
    pub view: AdvoView,
    /// Its Stammdaten by Advoware's names, as they are; empty ones are left out.
    pub stammdaten: Texts,
    /// All of its own fields, for a PUT to start from.
    pub record: AdvoRecord,
}

/// `asked` fills in where the answer does not tell its number.
pub(super) fn beteiligte(answer: Beteiligte, asked: BetNr) -> Result<AdvoBeteiligte, ErrorKind> {
    let Beteiligte { record, kommunikation } = answer;
    let top_level = TOP_LEVEL
        .into_iter()
        .filter_map(|(name, komm_kz)| Some(TopLevelValue { komm_kz, value: record.text(name)?.to_owned() }))
        .collect();
    let mut stammdaten = Texts::new();
    for name in ADVOWARE_FIELDS {
        if let Some(text) = record.filled_in(name)? {
            stammdaten.insert(name, text);
        }
    }
    Ok(AdvoBeteiligte {
        bet_nr: record.bet_nr().unwrap_or(asked),
        row_id: record.row_id(),
        geaendert_am: record.text("geaendertAm").and_then(wall_time),
        view: AdvoView { rows: kommunikation.into_iter().map(row).collect(), top_level },
        stammdaten,
        record,
    })
}

fn row(answer: Kommunikation) -> AdvoRow {
    AdvoRow {
        id: KommId(answer.id),
        row_id: RowId(answer.row_id),
        komm_kz: answer.komm_kz,
        tlf: answer.tlf,
        bemerkung: answer.bemerkung,
        online: answer.online,
    }
}

/// `2025-10-23T14:18:36.245`, with any number of fraction digits or none.
pub(super) fn wall_time(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()
}

impl From<&AdvoRow> for KommunikationWrite {
    /// The row as it was read; a PUT replaces, so a change starts from here.
    fn from(row: &AdvoRow) -> Self {
        Self { tlf: row.tlf.clone(), bemerkung: row.bemerkung.clone(), komm_kz: row.komm_kz, online: row.online }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(answer: serde_json::Value) -> AdvoBeteiligte {
        beteiligte(Beteiligte::read(answer).unwrap(), BetNr(1)).unwrap()
    }

    #[test]
    fn k2_top_level_fields_stand_for_kinds() {
        let view = read(json!({
            "tel": "1", "fax": "2", "mobil": "3", "emailGesch": "a@example.com", "email": "b@example.com",
            "telPrivat": "6", "faxPrivat": "7", "autotelefon": "9", "internet": "www", "kommunikation": []
        }))
        .view;
        let kinds: Vec<u8> = view.top_level.iter().map(|field| field.komm_kz.number()).collect();
        assert_eq!(kinds, [1, 2, 3, 4, 4, 6, 7, 9]);
        assert!(read(json!({"tel": "", "fax": null, "mobil": 3, "kommunikation": []})).view.top_level.is_empty());
    }

    #[test]
    fn change_token_and_time_of_the_record_are_kept() {
        let beteiligte = read(json!({
            "betNr": 104_860, "rowId": "R", "geaendertAm": "2025-10-23T14:18:36.245", "kommunikation": []
        }));
        assert_eq!(beteiligte.bet_nr, BetNr(104_860));
        assert_eq!(beteiligte.row_id, Some(RowId("R".into())));
        assert_eq!(beteiligte.geaendert_am.unwrap().to_string(), "2025-10-23 14:18:36.245");
        assert_eq!(read(json!({"geaendertAm": "gestern", "kommunikation": []})).geaendert_am, None);
    }

    #[test]
    fn stammdaten_are_read_as_they_are_and_a_put_starts_from_all_fields() {
        let read = read(json!({
            "betNr": 1, "name": " Muster ", "vorname": "", "anrede": null, "handelsRegisterNummer": 4711, "future": [1],
            "kommunikation": []
        }));
        let expected = [("name", " Muster ".to_owned()), ("handelsRegisterNummer", "4711".to_owned())];
        assert_eq!(read.stammdaten, Texts::from(expected));
        let sent = serde_json::to_value(read.record.with(&[("vorname", Some("Erika"))])).unwrap();
        assert_eq!(
            sent,
            json!({
                "betNr": 1, "name": " Muster ", "vorname": "Erika", "anrede": null, "handelsRegisterNummer": 4711,
                "future": [1]
            })
        );
        let odd = Beteiligte::read(json!({"name": ["Muster"], "kommunikation": []})).unwrap();
        assert!(matches!(beteiligte(odd, BetNr(1)), Err(ErrorKind::Malformed { .. })));
    }

    #[test]
    fn a_row_written_back_unchanged_is_the_row() {
        let answer = json!({"kommunikation": [
            {"id": 7, "rowId": "R", "kommKz": 3, "tlf": "0170 1", "bemerkung": "privat", "online": true}
        ]});
        let row = &read(answer).view.rows[0];
        let write = KommunikationWrite::from(row);
        assert_eq!((write.tlf.as_str(), write.komm_kz, write.online), ("0170 1", 3, true));
        assert_eq!(write.bemerkung.as_deref(), Some("privat"));
    }
}
