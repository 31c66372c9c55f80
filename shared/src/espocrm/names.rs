//! What a firm calls the entity type and the fields of a Beteiligte in its EspoCRM.
//!
//! Everything else in this client speaks the standard names; they are translated here, on their way in and out.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::wire::{ENTITY, OWN_FIELDS, STAMMDATEN, SYNC_FIELDS};

/// Key of the entity type.
const ENTITY_KEY: &str = "entity";

/// Longest name that a database column of EspoCRM can have.
const MAX_NAME_CHARS: usize = 64;

/// The firm's names, where they are not the standard ones (`ESPOCRM_FIELDS`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldNames {
    entity: Option<String>,
    /// Standard name to the firm's.
    renamed: BTreeMap<&'static str, String>,
}

impl FieldNames {
    /// Reads a JSON object of standard names and the firm's; the key `entity` renames the entity type. `Err` tells everything that
    /// is wrong with it.
    pub(crate) fn parse(json: &str) -> Result<Self, Vec<String>> {
        let Ok(Pairs(pairs)) = serde_json::from_str(json) else {
            return Err(vec![r#"expected a JSON object such as {"betnr": "advowareNummer"}"#.to_owned()]);
        };
        let (mut names, mut problems) = (Self::default(), Vec::new());
        for (key, value) in pairs {
            match (renamable().find(|standard| *standard == key), value.as_str().filter(|name| is_name(name))) {
                _ if key == ENTITY_KEY && names.entity.is_some() => problems.push("entity is given twice".to_owned()),
                (None, _) if key != ENTITY_KEY => {
                    problems.push(format!("{} is no field that can have another name", shown(&key)));
                }
                (_, None) => problems.push(format!(
                    "{}: expected a name of letters, digits and underscores that begins with a letter",
                    shown(&key)
                )),
                (None, Some(name)) => names.entity = Some(name.to_owned()),
                (Some(standard), Some(name)) => {
                    if names.renamed.insert(standard, name.to_owned()).is_some() {
                        problems.push(format!("{standard} is given twice"));
                    }
                }
            }
        }
        problems.extend(names.collisions());
        if problems.is_empty() { Ok(names) } else { Err(problems) }
    }

    /// Two fields of the sync that would be one.
    fn collisions(&self) -> Vec<String> {
        let mut owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for standard in renamable().chain(OWN_FIELDS) {
            owners.entry(self.of(standard)).or_default().push(standard);
        }
        let shared = owners.into_iter().filter(|(_, standards)| standards.len() > 1);
        shared.map(|(name, standards)| format!("{} would be one field, {name}", standards.join(" and "))).collect()
    }

    /// The entity type of the Beteiligte.
    pub fn entity(&self) -> &str {
        self.entity.as_deref().unwrap_or(ENTITY)
    }

    /// The firm's name of a field.
    pub(super) fn of<'n>(&'n self, standard: &'n str) -> &'n str {
        self.renamed.get(standard).map_or(standard, String::as_str)
    }

    /// A body that is sent.
    pub(super) fn outgoing(&self, body: &Map<String, Value>) -> Map<String, Value> {
        body.iter().map(|(name, value)| (self.of(name).to_owned(), value.clone())).collect()
    }

    /// A query that is sent: the places where it names fields.
    pub(super) fn outgoing_query(&self, mut query: Vec<(String, String)>) -> Vec<(String, String)> {
        for (key, value) in &mut query {
            if key == "select" || key == "orderBy" || key.ends_with("[attribute]") {
                *value = value.split(',').map(|name| self.of(name)).collect::<Vec<_>>().join(",");
            }
        }
        query
    }

    /// A record that was answered. What a firm keeps under a standard name that it has renamed is something else.
    pub(super) fn incoming(&self, answer: Value) -> Value {
        match answer {
            Value::Object(mut fields) => {
                let found: Vec<_> = self.renamed.iter().map(|(name, firms)| (*name, fields.remove(firms))).collect();
                for (standard, _) in &found {
                    fields.remove(*standard);
                }
                fields.extend(found.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
                Value::Object(fields)
            }
            other => other,
        }
    }
}

/// Fields that were added for the sync or hold the Stammdaten; EspoCRM's own are the same everywhere.
pub(super) fn renamable() -> impl Iterator<Item = &'static str> {
    SYNC_FIELDS.into_iter().chain(STAMMDATEN.into_iter().map(|(name, _)| name))
}

fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME_CHARS
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A key as a message may repeat it.
fn shown(key: &str) -> &str {
    if is_name(key) { key } else { "a key that is no name" }
}

/// An object with every key, also one that comes twice.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Reading)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(json: &Value) -> FieldNames {
        FieldNames::parse(&json.to_string()).unwrap()
    }

    #[test]
    fn names_are_translated_on_their_way_out_and_in() {
        let names = names(&json!({"entity": "CPartei", "betnr": "advowareNummer", "syncStatus": "abgleich"}));
        assert_eq!(names.entity(), "CPartei");
        let Value::Object(body) = json!({"betnr": 7, "syncStatus": "clean", "lastName": "betnr"}) else { panic!() };
        let sent = names.outgoing(&body);
        assert_eq!(json!(sent), json!({"advowareNummer": 7, "abgleich": "clean", "lastName": "betnr"}));
        assert_eq!(names.incoming(json!(sent)), json!(body));
        let query = [
            ("select", "id,syncStatus,betnr"),
            ("orderBy", "id"),
            ("where[0][attribute]", "syncStatus"),
            ("where[0][value][0]", "betnr"),
        ];
        let text = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let sent = names.outgoing_query(query.into_iter().map(text).collect());
        let sent: Vec<&str> = sent.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(sent, ["id,abgleich,advowareNummer", "id", "abgleich", "betnr"]);
    }

    #[test]
    fn fields_may_change_places_and_what_bears_a_renamed_name_is_not_ours() {
        let swapped = names(&json!({"firstName": "lastName", "lastName": "firstName", "betnr": "nummer"}));
        let answer = json!({"firstName": "Muster", "lastName": "Erika", "betnr": "theirs", "nummer": 7, "x": null});
        let expected = json!({"firstName": "Erika", "lastName": "Muster", "betnr": 7, "x": null});
        assert_eq!(swapped.incoming(answer), expected);
        assert_eq!(swapped.incoming(json!({"betnr": "theirs"})), json!({}), "a missing field stays missing");
        let standard = FieldNames::default();
        assert_eq!(standard.incoming(json!({"betnr": 7})), json!({"betnr": 7}));
        assert_eq!((standard.entity(), standard.incoming(json!([1]))), ("CBeteiligte", json!([1])));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let json = r#"{"entity": "C Partei", "betnr": "nummer", "betnr": "andere", "syncStatus": 7, "vorname": "x",
            "id": "x", "lastName": "firstName", "rechtsform": "versionNumber", "kein name": "x"}"#;
        assert_eq!(
            FieldNames::parse(json).unwrap_err(),
            [
                "entity: expected a name of letters, digits and underscores that begins with a letter",
                "betnr is given twice",
                "syncStatus: expected a name of letters, digits and underscores that begins with a letter",
                "vorname is no field that can have another name",
                "id is no field that can have another name",
                "a key that is no name is no field that can have another name",
                "lastName and firstName would be one field, firstName",
                "rechtsform and versionNumber would be one field, versionNumber",
            ]
        );
        for json in ["", "[]", "7", "{"] {
            assert_eq!(FieldNames::parse(json).unwrap_err().len(), 1, "{json}");
        }
        for name in ["", "1x", "ä", "a-b", "a[b", &"x".repeat(65)] {
            assert!(FieldNames::parse(&json!({"betnr": name}).to_string()).is_err(), "{name}");
        }
    }
}
