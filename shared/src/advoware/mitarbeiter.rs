//! The employees whose Termine Advoware holds (A, DOMAIN 3).

use std::collections::BTreeSet;
use std::fmt;

use domain::ids::Kuerzel;
use serde_json::{Map, Value};

use super::wire::malformed;
use crate::error::ErrorKind;
use crate::json::{NoText, text, written};

/// An employee.
#[derive(Clone, PartialEq, Eq)]
pub struct Mitarbeiter {
    /// Initials; each only once in a list.
    pub kuerzel: Kuerzel,
    /// Full name, where Advoware tells it.
    pub name: Option<String>,
}

impl fmt::Debug for Mitarbeiter {
    /// Without the name (E2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mitarbeiter").field("kuerzel", &self.kuerzel).finish_non_exhaustive()
    }
}

/// A list of employees.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MitarbeiterList {
    pub(super) mitarbeiter: Vec<Mitarbeiter>,
    /// How many entries have no Kürzel, or one that cannot be used: they have no calendar.
    pub(super) without_kuerzel: usize,
}

impl MitarbeiterList {
    /// Reads the answer. Who is absent from it counts as departed, so an entry that is not of the agreed shape makes the whole answer
    /// malformed, and so do entries none of which has a Kürzel.
    pub(super) fn read(answer: Value) -> Result<Self, ErrorKind> {
        let Value::Array(entries) = answer else { return malformed("the list of Mitarbeiter is no array") };
        let mut seen = BTreeSet::new();
        let mut list = Self { mitarbeiter: Vec::new(), without_kuerzel: 0 };
        for entry in &entries {
            let Value::Object(fields) = entry else { return malformed("Mitarbeiter: an entry is no object") };
            match kuerzel(fields)? {
                Some(kuerzel) if seen.insert(kuerzel.clone()) => {
                    let name = text(fields, "name").map(str::to_owned);
                    list.mitarbeiter.push(Mitarbeiter { kuerzel, name });
                }
                Some(_) => {}
                None => list.without_kuerzel += 1,
            }
        }
        if list.mitarbeiter.is_empty() && !entries.is_empty() {
            return malformed("Mitarbeiter: no entry has a kuerzel");
        }
        Ok(list)
    }
}

fn kuerzel(fields: &Map<String, Value>) -> Result<Option<Kuerzel>, ErrorKind> {
    let Some(value) = fields.get("kuerzel") else { return malformed("Mitarbeiter: kuerzel is missing") };
    let text = written(value).map_err(|NoText| ErrorKind::Malformed { what: "Mitarbeiter: kuerzel is no text" })?;
    Ok(text.and_then(|text| Kuerzel::parse(&text).ok()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn what(answer: Value) -> &'static str {
        match MitarbeiterList::read(answer) {
            Err(ErrorKind::Malformed { what }) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_account_without_kuerzel_stops_nobody() {
        let list = MitarbeiterList::read(json!([
            {"kuerzel": " SB ", "name": "x", "future": 1}, {"kuerzel": null}, {"kuerzel": "Erika Mustermann"}, {"kuerzel": 7},
            {"kuerzel": "SB", "name": "y"}, {"kuerzel": "AI", "name": ""}
        ]))
        .unwrap();
        let read: Vec<_> = list.mitarbeiter.iter().map(|who| (who.kuerzel.as_str(), who.name.as_deref())).collect();
        assert_eq!(read, [("SB", Some("x")), ("7", None), ("AI", None)]);
        assert_eq!(list.without_kuerzel, 2);
        assert!(MitarbeiterList::read(json!([])).unwrap().mitarbeiter.is_empty());
    }

    #[test]
    fn an_incomplete_answer_never_makes_employees_depart() {
        assert_eq!(what(json!(null)), "the list of Mitarbeiter is no array");
        assert_eq!(what(json!({"kuerzel": "SB"})), "the list of Mitarbeiter is no array");
        assert_eq!(what(json!([{"kuerzel": "SB"}, null])), "Mitarbeiter: an entry is no object");
        assert_eq!(what(json!([{"kuerzel": "SB"}, {"name": "x"}])), "Mitarbeiter: kuerzel is missing");
        assert_eq!(what(json!([{"kuerzel": ["SB"]}])), "Mitarbeiter: kuerzel is no text");
        assert_eq!(what(json!([{"kuerzel": null}, {"kuerzel": ""}])), "Mitarbeiter: no entry has a kuerzel");
    }

    #[test]
    fn e2_debug_output_holds_no_name() {
        let who = Mitarbeiter { kuerzel: Kuerzel::parse("SB").unwrap(), name: Some("Muster".into()) };
        assert!(!format!("{who:?}").contains("Muster"));
    }
}
