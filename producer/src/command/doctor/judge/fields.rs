//! The fields of the entity type: there, of a type that a sync can use, and ours to write.

use domain::beteiligte::SyncStatus;
use shared::espocrm::FieldDefinition;

use super::super::finding::{Area, Finding};

/// Types that will do for a field, the extension's first; for a text the least length.
#[derive(Debug)]
struct Expected {
    name: &'static str,
    kinds: &'static [&'static str],
    least_length: i64,
}

const fn of(name: &'static str, kinds: &'static [&'static str]) -> Expected {
    Expected { name, kinds, least_length: 0 }
}

const fn text(name: &'static str, least_length: i64) -> Expected {
    Expected { name, kinds: &["varchar", "text"], least_length }
}

/// DOMAIN 4 and 5. A type that refuses what the other side holds is one that will not do.
const EXPECTED: [Expected; 19] = [
    of("betnr", &["int"]),
    of("syncStatus", &["enum", "varchar"]),
    of("syncRetryCount", &["int"]),
    of("syncNextRetry", &["datetime"]),
    of("syncAutoResetAt", &["datetime"]),
    of("syncErrorMessage", &["text"]),
    text("kommunikationHash", 16),
    of("advowareLastSync", &["datetime"]),
    text("advowareRowId", 40),
    text("lastName", 1),
    text("firstName", 1),
    text("firmenname", 1),
    of("salutationName", &["enum", "varchar"]),
    of("dateOfBirth", &["date"]),
    of("rechtsform", &["varchar", "enum"]),
    text("handelsregisterNummer", 1),
    of("handelsregisterArt", &["varchar", "enum"]),
    of("emailAddress", &["email"]),
    of("phoneNumber", &["phone"]),
];

/// Types of a phone that a sync writes and reads (K2).
const PHONE_TYPES: [&str; 5] = ["Mobile", "Office", "Home", "Fax", "Other"];

/// One field that a sync needs, by standard name; `None` where it is missing.
pub(super) fn field(standard: &'static str, definition: Option<&FieldDefinition>) -> Vec<Finding> {
    let area = Area::Espocrm;
    let expected = EXPECTED.iter().find(|expected| expected.name == standard);
    let kinds = expected.map_or(&[][..], |expected| expected.kinds);
    let Some(found) = definition else {
        let kind = kinds.first().unwrap_or(&"varchar");
        return vec![area.problem(
            format!("field {standard}: missing"),
            format!("install the EspoCRM extension, add it as {kind}, or name yours in ESPOCRM_FIELDS"),
        )];
    };
    let name = &found.name;
    let mut wrong = Vec::new();
    let mut problem = |what: String, advice: String| wrong.push(area.problem(format!("field {name}: {what}"), advice));
    if expected.is_some() && !kinds.contains(&found.kind.as_str()) {
        let wanted = kinds.join(" or ");
        problem(
            format!("of type {}", found.kind),
            format!("make it {wanted}: remove it and add it anew in the Entity Manager"),
        );
    }
    let least = expected.map_or(0, |expected| expected.least_length);
    if let Some(longest) = found.max_length.filter(|longest| *longest < least) {
        problem(format!("holds {longest} characters"), format!("raise its max length to {least} at least"));
    }
    if found.is_read_only {
        problem(
            "read-only: EspoCRM drops what we write".to_owned(),
            "take read-only off in the Entity Manager".to_owned(),
        );
    }
    if found.is_hidden || found.is_locked {
        let may = if found.is_hidden { "read" } else { "change" };
        problem(
            format!("our API user may not {may} it"),
            "give it the right in the field level of its role".to_owned(),
        );
    }
    if standard == "syncStatus" && found.kind == "enum" {
        let lacking: Vec<&str> =
            SyncStatus::ALL.iter().map(|status| status.name()).filter(|status| !has(&found.options, status)).collect();
        if !lacking.is_empty() {
            problem(
                format!("without the options {}", lacking.join(", ")),
                "add them, or install the EspoCRM extension".to_owned(),
            );
        }
    }
    if standard == "phoneNumber" {
        let lacking: Vec<&str> = PHONE_TYPES.into_iter().filter(|kind| !has(&found.options, kind)).collect();
        if !lacking.is_empty() {
            problem(
                format!("without the types {}", lacking.join(", ")),
                "add them to its Type List in the Entity Manager".to_owned(),
            );
        }
    }
    if found.is_unversioned {
        wrong.push(area.warning(
            format!("field {name}: left out of the version check"),
            "take the mark off: else what a user changes meanwhile may be overwritten",
        ));
    }
    wrong
}

fn has(options: &[String], wanted: &str) -> bool {
    options.iter().any(|option| option == wanted)
}
