//! Stammdaten of both sides in one comparable form: an independent reading of the mapping table, which shares no rule with the
//! product.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Standard name of a field, its name in Advoware, and in EspoCRM of a person and of a company.
const FIELDS: [(&str, &str, Option<&str>, Option<&str>); 7] = [
    ("name", "name", Some("lastName"), Some("firmenname")),
    ("vorname", "vorname", Some("firstName"), None),
    ("anrede", "anrede", Some("salutationName"), None),
    ("geburtsdatum", "geburtsdatum", Some("dateOfBirth"), None),
    ("rechtsform", "rechtsform", Some("rechtsform"), Some("rechtsform")),
    ("handelsregister_nummer", "handelsRegisterNummer", Some("handelsregisterNummer"), Some("handelsregisterNummer")),
    ("registergericht", "registergericht", Some("handelsregisterArt"), Some("handelsregisterArt")),
];

/// Comparable values by standard name; what is empty is not there.
pub type Comparable = BTreeMap<&'static str, String>;

/// EspoCRM's record. One with a `firmenname` is a company's.
pub fn of_espocrm(record: &Map<String, Value>) -> Comparable {
    let is_company = is_company(record);
    let names = FIELDS
        .iter()
        .filter_map(|(name, _, person, company)| Some((*name, if is_company { *company } else { *person }?)));
    comparable(record, names)
}

/// Advoware's record, as far as its partner in EspoCRM has a place for it.
pub fn of_advoware(record: &Map<String, Value>, partner: &Map<String, Value>) -> Comparable {
    let is_company = is_company(partner);
    let shared = FIELDS.iter().filter(|(_, _, person, company)| if is_company { company } else { person }.is_some());
    comparable(record, shared.map(|(name, advoware, ..)| (*name, *advoware)))
}

fn is_company(espocrm: &Map<String, Value>) -> bool {
    espocrm.get("firmenname").and_then(Value::as_str).is_some_and(|name| !name.trim().is_empty())
}

fn comparable(record: &Map<String, Value>, names: impl Iterator<Item = (&'static str, &'static str)>) -> Comparable {
    let value = |(name, field): (&'static str, &'static str)| {
        let text = record.get(field)?.as_str()?.split_whitespace().collect::<Vec<_>>().join(" ");
        let plain = match name {
            "anrede" => anrede(&text),
            "rechtsform" => rechtsform(&text),
            "geburtsdatum" => date(&text),
            _ => text,
        };
        (!plain.is_empty()).then_some((name, plain))
    };
    names.filter_map(value).collect()
}

fn anrede(text: &str) -> String {
    match text.to_lowercase().trim_end_matches('.') {
        "herr" | "herrn" | "mr" => "herr".to_owned(),
        "frau" | "ms" | "mrs" => "frau".to_owned(),
        other => other.to_owned(),
    }
}

fn rechtsform(text: &str) -> String {
    let letters: String = text.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect();
    let short = match letters.as_str() {
        "gesellschaftmitbeschränkterhaftung" => "gmbh",
        "aktiengesellschaft" => "ag",
        "kommanditgesellschaft" => "kg",
        "offenehandelsgesellschaft" => "ohg",
        other => other,
    };
    short.to_owned()
}

/// The day; year one means none.
fn date(text: &str) -> String {
    let day = text.split('T').next().unwrap_or_default();
    if day.starts_with("0001-") { String::new() } else { day.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn spellings_of_a_person_are_equal() {
        let espo = object(
            json!({ "lastName": "Moosflink", "firstName": "Merle", "salutationName": "Ms.", "dateOfBirth": "1970-02-01" }),
        );
        let advo = object(json!({
            "name": "Moosflink ", "vorname": "Merle", "anrede": "Frau", "geburtsdatum": "1970-02-01T00:00:00", "rechtsform": null,
        }));
        assert_eq!(of_espocrm(&espo), of_advoware(&advo, &espo));
        let other = object(json!({ "name": "Moosknopf" }));
        assert_ne!(of_espocrm(&espo), of_advoware(&other, &espo));
    }

    #[test]
    fn a_company_has_no_anrede() {
        let espo = object(json!({ "firmenname": "Moos GmbH", "rechtsform": "GmbH" }));
        let advo = object(json!({
            "name": "Moos GmbH", "anrede": "Firma", "rechtsform": "Gesellschaft mit beschränkter Haftung", "geburtsdatum": "0001-01-01T00:00:00",
        }));
        assert_eq!(of_espocrm(&espo), of_advoware(&advo, &espo));
    }
}
