//! EspoCRM: version, rights, entity type, settings.

use domain::kommunikation::PhoneFormat;
use shared::espocrm::{Reach, SetUp};

use super::super::facts::EspocrmFacts;
use super::super::finding::{Area, Finding};
use super::fields;

/// The extension needs it.
const OLDEST: (u32, u32) = (9, 1);

pub(super) fn set_up(facts: &EspocrmFacts) -> Vec<Finding> {
    let (area, set_up) = (Area::Espocrm, &facts.set_up);
    let mut found = vec![version(set_up)];
    found.extend(rights(set_up));
    found.extend(phones(set_up, facts.phone_format));
    let entity = &set_up.entity;
    let Some(definition) = &set_up.definition else {
        found.push(area.problem(
            format!("entity type {entity}: there is none, or our API user may not see it"),
            "create it (type Person), give the API user's role access to it, or name yours in ESPOCRM_FIELDS (`entity`)",
        ));
        return found;
    };
    let wrong: Vec<Finding> =
        definition.fields.iter().flat_map(|(name, definition)| fields::field(name, definition.as_ref())).collect();
    if wrong.is_empty() {
        found.push(area.ok(format!("{entity}: {} fields, of the right types", definition.fields.len())));
    }
    found.extend(wrong);
    found.push(if definition.has_versions {
        area.ok("optimistic concurrency is on")
    } else {
        area.warning(
            "optimistic concurrency is off: what a user changes during a write may be overwritten",
            format!("switch it on for {entity} in the Entity Manager, or install the EspoCRM extension"),
        )
    });
    found.push(if set_up.has_stream {
        area.ok("Stream is on")
    } else {
        area.warning(
            "Stream is off: nobody is told of conflicts by a note",
            format!("switch Stream on for {entity} in the Entity Manager"),
        )
    });
    found
}

fn version(set_up: &SetUp) -> Finding {
    let told = set_up.version.as_deref().unwrap_or("unknown");
    let mut numbers = told.split('.').map(|number| number.parse::<u32>().ok());
    let is_old = match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) < OLDEST,
        // Built from source, or not told.
        _ => false,
    };
    if is_old {
        let (major, minor) = OLDEST;
        return Area::Espocrm.warning(
            format!("version {told}"),
            format!("the extension needs {major}.{minor}: upgrade EspoCRM, or set its fields up by hand"),
        );
    }
    Area::Espocrm.ok(format!("logged in, version {told}"))
}

fn rights(set_up: &SetUp) -> Vec<Finding> {
    let (area, entity) = (Area::Espocrm, &set_up.entity);
    let advice = |right: &str| format!("set {right} of {entity} to `all` in the role of our API user");
    let mut found = Vec::new();
    for (right, reach) in [("read", set_up.rights.read), ("edit", set_up.rights.edit)] {
        match reach {
            Reach::All => {}
            Reach::Some => found.push(area.problem(
                format!("our API user may {right} only some records of {entity}: the others fail"),
                advice(right),
            )),
            Reach::None => found.push(area.problem(format!("our API user may not {right} {entity}"), advice(right))),
        }
    }
    if found.is_empty() {
        found.push(area.ok(format!("our API user may read and edit {entity}")));
    }
    // Without Stream the right means nothing; that is told by itself.
    if set_up.has_stream && set_up.rights.stream != Reach::All {
        found.push(area.warning("our API user may not post notes on every record", advice("stream")));
    }
    if !set_up.may_have_webhooks {
        found.push(area.warning(
            "our API user may not have webhooks: changes are found by the scan only",
            "enable the scope Webhooks in its role",
        ));
    }
    found
}

fn phones(set_up: &SetUp, ours: PhoneFormat) -> Vec<Finding> {
    let area = Area::Espocrm;
    let finding = match (set_up.phone_numbers_international, ours) {
        (Some(true), PhoneFormat::E164) => area.ok("numbers are international (E.164), here as there"),
        (Some(false), PhoneFormat::AsTyped) => area.ok("numbers are kept as typed, here as there"),
        (Some(true), PhoneFormat::AsTyped) => area.problem(
            "EspoCRM takes international numbers only, but ESPOCRM_PHONE_FORMAT is as_typed",
            "set ESPOCRM_PHONE_FORMAT=e164",
        ),
        (Some(false), PhoneFormat::E164) => area.warning(
            "EspoCRM takes any spelling of numbers, but new ones are written in E.164",
            "set ESPOCRM_PHONE_FORMAT=as_typed, or switch International phone numbers on in EspoCRM's settings",
        ),
        (None, _) => area.warning(
            "EspoCRM does not tell whether its numbers are international",
            "compare Administration > Settings > International phone numbers with ESPOCRM_PHONE_FORMAT",
        ),
    };
    vec![finding]
}
