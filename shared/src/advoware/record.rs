//! A Beteiligte of Advoware with all of its fields, also those that we do not know.

use domain::ids::{BetNr, RowId};
use serde::Serialize;
use serde_json::Value;

use super::fields::Fields;
use crate::error::ErrorKind;
use crate::json::{NoText, written};

/// Spellings of the number of a Beteiligte, the usual one first.
const BET_NR: [&str; 3] = ["betNr", "betnr", "id"];

/// The Stammdaten as Advoware answered them, without `kommunikation`: what a PUT starts from, since PUT replaces (A, DOMAIN 2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AdvoRecord(pub(super) Fields);

impl AdvoRecord {
    /// A record of these fields alone, to be created.
    pub fn new(fields: &[(&str, Option<&str>)]) -> Self {
        Self::default().with(fields)
    }

    /// The same with some fields changed; `None` empties one.
    #[must_use]
    pub fn with(&self, changes: &[(&str, Option<&str>)]) -> Self {
        let changes = changes.iter().map(|(name, value)| (*name, Value::from(*value)));
        Self(changes.fold(self.0.clone(), |fields, (name, value)| fields.with(name, value)))
    }

    /// The number, where the answer tells it.
    pub(super) fn bet_nr(&self) -> Option<BetNr> {
        self.0.number(&BET_NR).map(BetNr)
    }

    /// The number of a record that was just created: Advoware's numbers start at 1.
    pub(super) fn new_bet_nr(&self) -> Option<BetNr> {
        self.bet_nr().filter(|BetNr(number)| *number > 0)
    }

    /// The change token.
    pub(super) fn row_id(&self) -> Option<RowId> {
        self.text("rowId").map(|token| RowId(token.to_owned()))
    }

    /// A text that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.text(name)
    }

    /// A field that a person fills in: a text, a number written out, or nothing where it is empty or absent (A). Anything else must
    /// not look empty.
    pub(super) fn filled_in(&self, name: &str) -> Result<Option<String>, ErrorKind> {
        written(self.0.get(name))
            .map_err(|NoText| ErrorKind::Malformed { what: "a field of the Stammdaten is no text" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(fields: Value) -> AdvoRecord {
        serde_json::from_value(fields).map(|fields| AdvoRecord(Fields(fields))).unwrap()
    }

    #[test]
    fn changes_are_laid_over_and_everything_else_stays() {
        let read = record(json!({"betNr": 7, "name": "A", "vorname": "B", "future": {"x": [1, null]}, "empty": null}));
        let sent = read.with(&[("name", Some("C")), ("vorname", None), ("anrede", Some("Frau"))]);
        assert_eq!(
            serde_json::to_value(&sent).unwrap(),
            json!({"betNr": 7, "name": "C", "vorname": null, "anrede": "Frau", "future": {"x": [1, null]}, "empty": null})
        );
        assert_eq!(serde_json::to_value(AdvoRecord::new(&[("name", Some("C"))])).unwrap(), json!({"name": "C"}));
    }

    #[test]
    fn every_spelling_of_the_number_is_read() {
        for answer in [json!({"betNr": 5, "id": 9}), json!({"betNr": null, "betnr": "5", "id": 9}), json!({"id": 5})] {
            assert_eq!(record(answer).bet_nr(), Some(BetNr(5)));
        }
        for answer in [json!({}), json!({"betNr": null}), json!({"betNr": 0}), json!({"id": "x"})] {
            assert_eq!(record(answer).new_bet_nr(), None);
        }
    }

    #[test]
    fn what_cannot_be_read_does_not_look_empty() {
        let read = record(json!({"a": "x ", "b": 12, "c": null, "d": "", "e": {}, "f": true}));
        let filled_in = |name| read.filled_in(name).unwrap();
        assert_eq!((filled_in("a").as_deref(), filled_in("b").as_deref()), (Some("x "), Some("12")));
        for name in ["c", "d", "absent"] {
            assert_eq!(filled_in(name), None);
        }
        assert!(read.filled_in("e").is_err() && read.filled_in("f").is_err());
    }
}
