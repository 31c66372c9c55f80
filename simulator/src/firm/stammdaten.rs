//! How the same Stammdaten come to look different in two programs that different people have typed into for years.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::dice::{Dice, espo_id};
use crate::firm::names::{company, person, place};

/// What EspoCRM calls the Rechtsform of a Beteiligter without one.
const PERSON: &str = "Natürliche Person";

/// One Beteiligter that only EspoCRM knows: no number yet.
#[derive(Debug, Clone, PartialEq)]
pub struct FirmNewcomer {
    /// Id in EspoCRM.
    pub espo_id: String,
    /// Fields in EspoCRM, without `betnr`.
    pub espo_fields: Map<String, Value>,
    /// Creation in EspoCRM.
    pub espo_changed_at: DateTime<Utc>,
}

impl FirmNewcomer {
    pub(super) fn new(dice: &mut Dice, espo_changed_at: DateTime<Utc>) -> Self {
        let fields = if dice.percent(60) {
            let who = person(dice);
            json!({ "lastName": who.last, "firstName": who.first, "salutationName": "Frau", "rechtsform": PERSON })
        } else {
            let (name, form) = company(dice);
            json!({ "firmenname": name, "rechtsform": form, "handelsregisterArt": format!("Amtsgericht {}", place(dice)) })
        };
        let Value::Object(mut espo_fields) = fields else { unreachable!("written as an object above") };
        espo_fields.insert("syncStatus".to_owned(), json!("pending_sync"));
        Self { espo_id: espo_id(dice), espo_fields, espo_changed_at }
    }
}

/// Respells both sides of one Beteiligter, leaves something out here and there, and lets a few truly differ.
pub(super) fn drift(advoware: &mut Map<String, Value>, espo: &mut Map<String, Value>, dice: &mut Dice) {
    respell(advoware, "anrede", dice, advoware_anrede);
    respell(espo, "salutationName", dice, espo_anrede);
    respell(advoware, "rechtsform", dice, long_rechtsform);
    respell(advoware, "geburtsdatum", dice, |date, dice| dice.percent(50).then(|| format!("{date}T00:00:00")));
    for (side, field, percent) in [
        (Side::Advoware, "geburtsdatum", 8),
        (Side::Espocrm, "dateOfBirth", 12),
        (Side::Advoware, "handelsRegisterNummer", 8),
        (Side::Espocrm, "handelsregisterNummer", 12),
        (Side::Espocrm, "handelsregisterArt", 6),
    ] {
        if dice.percent(percent) {
            match side {
                Side::Advoware => advoware.remove(field),
                Side::Espocrm => espo.remove(field),
            };
        }
    }
    if dice.percent(4) {
        let name = if espo.contains_key("firmenname") { "firmenname" } else { "lastName" };
        respell(espo, name, dice, |name, _| Some(format!("{name}-Neu")));
    }
    if dice.percent(4) {
        respell(advoware, "registergericht", dice, |_, dice| Some(format!("Amtsgericht {}", place(dice))));
    }
}

#[derive(Clone, Copy)]
enum Side {
    Advoware,
    Espocrm,
}

fn respell(
    fields: &mut Map<String, Value>,
    name: &str,
    dice: &mut Dice,
    spell: impl FnOnce(&str, &mut Dice) -> Option<String>,
) {
    let Some(have) = fields.get(name).and_then(Value::as_str) else { return };
    if let Some(other) = spell(have, dice) {
        fields.insert(name.to_owned(), json!(other));
    }
}

fn advoware_anrede(anrede: &str, dice: &mut Dice) -> Option<String> {
    (anrede == "Herr" && dice.percent(60)).then(|| "Herrn".to_owned())
}

fn espo_anrede(anrede: &str, dice: &mut Dice) -> Option<String> {
    let spelled = match anrede {
        "Herr" => "Mr.",
        "Frau" => "Ms.",
        _ => return None,
    };
    dice.percent(30).then(|| spelled.to_owned())
}

fn long_rechtsform(form: &str, dice: &mut Dice) -> Option<String> {
    let spellings: [&str; 2] = match form {
        "GmbH" => ["G.m.b.H.", "Gesellschaft mit beschränkter Haftung"],
        "AG" => ["Aktiengesellschaft", "A.G."],
        "KG" => ["Kommanditgesellschaft", "K.G."],
        "OHG" => ["Offene Handelsgesellschaft", "oHG"],
        _ => return None,
    };
    dice.percent(40).then(|| dice.pick(&spellings).to_owned())
}
