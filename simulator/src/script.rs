//! The demo's script: labelled user edits, worked out against whatever the firm looks like when each is applied.

mod calendar;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::advoware::{Kommunikation, NewKommunikation};
use crate::dice::Dice;
use crate::edit::{self, Edit};
use crate::firm::names::{self, domain};
use crate::firm::numbers::{Number, canonical, phone_type};
use crate::stage::World;

pub(crate) use calendar::apply as apply_to_calendar;
pub use calendar::{CalendarScriptEdit, CalendarScriptOutcome, CalendarVariant, calendar_edit_script};

/// What an edit exercises (the seed's six variants and what surrounds them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// Var1: a new value in EspoCRM.
    EspoAdded,
    /// Var2: a value deleted in EspoCRM.
    EspoRemoved,
    /// Var3: a row emptied in Advoware.
    AdvowareEmptied,
    /// Var3: a row deleted in Advoware's own program.
    AdvowareRowRemoved,
    /// Var4: a new row in Advoware.
    AdvowareAdded,
    /// Var5: a value changed in EspoCRM.
    EspoChanged,
    /// Var6: a value changed in Advoware.
    AdvowareChanged,
    /// The same item changed on both sides.
    Conflict,
    /// Another mail made primary in EspoCRM.
    PrimaryChanged,
    /// User text behind a marker edited in Advoware.
    RemarkEdited,
    /// A value added in EspoCRM where a slot of its kind waits.
    SlotReuse,
    /// Stammdaten changed in EspoCRM.
    EspoStammdaten,
    /// Stammdaten changed in Advoware.
    AdvowareStammdaten,
    /// Different fields of the Stammdaten changed on both sides.
    BothStammdaten,
    /// The same field of the Stammdaten changed on both sides.
    StammdatenConflict,
}

impl Variant {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::EspoAdded,
        Self::EspoRemoved,
        Self::AdvowareEmptied,
        Self::AdvowareRowRemoved,
        Self::AdvowareAdded,
        Self::EspoChanged,
        Self::AdvowareChanged,
        Self::Conflict,
        Self::PrimaryChanged,
        Self::RemarkEdited,
        Self::SlotReuse,
        Self::EspoStammdaten,
        Self::AdvowareStammdaten,
        Self::BothStammdaten,
        Self::StammdatenConflict,
    ];
}

/// One line of a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptEdit {
    /// Position, from 1.
    pub number: usize,
    /// What it exercises.
    pub variant: Variant,
    /// Decides record and values.
    pub seed: u64,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScriptOutcome {
    /// The line.
    pub number: usize,
    /// What it exercises.
    pub variant: Variant,
    /// The Beteiligter.
    pub betnr: i64,
    /// Its EspoCRM record.
    pub espo_id: String,
    /// The edits done; two of a conflict.
    pub edits: Vec<Edit>,
}

/// A script of `length` lines that covers every variant once `length` reaches their number. Slot reuse comes last, so
/// that a sync between two halves of the script has made slots to reuse.
pub fn edit_script(seed: u64, length: usize) -> Vec<ScriptEdit> {
    let mut dice = Dice::new(seed);
    let mut variants: Vec<Variant> = Variant::ALL.into_iter().cycle().take(length).collect();
    dice.shuffle(&mut variants);
    variants.sort_by_key(|variant| *variant == Variant::SlotReuse);
    let lines = variants.into_iter().enumerate();
    lines.map(|(at, variant)| ScriptEdit { number: at + 1, variant, seed: dice.next() }).collect()
}

/// Applies a line to the first suitable Beteiligter from a point its seed gives; each is used once per `used`. `None` when
/// none is suitable.
pub(crate) fn apply(
    world: &mut World,
    line: &ScriptEdit,
    used: &mut HashSet<i64>,
    now: DateTime<Utc>,
) -> Option<ScriptOutcome> {
    let mut dice = Dice::new(line.seed);
    let ids: Vec<(String, i64)> = world
        .espocrm
        .records()
        .filter_map(|record| Some((record.id.clone(), record.plain("betnr").as_i64()?)))
        .collect();
    let start = dice.below(ids.len());
    for (espo_id, betnr) in ids.iter().cycle().skip(start).take(ids.len()) {
        if line.variant != Variant::SlotReuse && used.contains(betnr) {
            continue;
        }
        let Some(pair) = Pair::load(world, espo_id, *betnr) else { continue };
        let Some(edits) = pair.edits(line.variant, &mut dice) else { continue };
        if edits.iter().all(|one| edit::apply(world, one, now).is_ok()) {
            used.insert(*betnr);
            let (number, variant) = (line.number, line.variant);
            return Some(ScriptOutcome { number, variant, betnr: *betnr, espo_id: espo_id.clone(), edits });
        }
    }
    None
}

/// A Beteiligter on both sides.
struct Pair {
    id: String,
    betnr: i64,
    rows: Vec<Kommunikation>,
    /// Values in EspoCRM, mails first, primary before others.
    values: Vec<String>,
    /// Where EspoCRM keeps the name of a person or a company.
    name_field: &'static str,
}

impl Pair {
    fn load(world: &World, espo_id: &str, betnr: i64) -> Option<Self> {
        let form = world.espocrm.read(espo_id)?;
        let rows = world.advoware.beteiligter(betnr)?.rows.clone();
        let mut values = Vec::new();
        for (data, field) in [("emailAddressData", "emailAddress"), ("phoneNumberData", "phoneNumber")] {
            let items = form.get(data).and_then(Value::as_array).into_iter().flatten();
            values.extend(items.filter_map(|item| Some(item.get(field)?.as_str()?.to_owned())));
        }
        let is_company = form.get("firmenname").is_some_and(Value::is_string);
        let name_field = if is_company { "firmenname" } else { "lastName" };
        Some(Self { id: espo_id.to_owned(), betnr, rows, values, name_field })
    }

    /// Rows that alone carry a value which EspoCRM has, with that value.
    fn bound(&self) -> Vec<(&Kommunikation, &String)> {
        let keys: Vec<String> = self.rows.iter().map(|row| canonical(&row.tlf)).collect();
        let alone = |key: &String| keys.iter().filter(|other| *other == key).count() == 1;
        let rows =
            self.rows.iter().zip(&keys).filter(|(row, key)| row.komm_kz != 5 && !row.tlf.is_empty() && alone(key));
        rows.filter_map(|(row, key)| Some((row, self.values.iter().find(|value| canonical(value) == *key)?))).collect()
    }

    fn edits(&self, variant: Variant, dice: &mut Dice) -> Option<Vec<Edit>> {
        let bound = self.bound();
        let item = bound.get(dice.below(bound.len())).copied();
        let edits = match variant {
            Variant::EspoAdded => {
                let komm_kz = if dice.percent(50) { 4 } else { 3 };
                vec![self.add(komm_kz, dice)?]
            }
            Variant::AdvowareAdded => {
                let komm_kz = if dice.percent(50) { 8 } else { 6 };
                let tlf = self.fresh(komm_kz, dice, true)?;
                let bemerkung = Some("neu eingetragen".to_owned());
                vec![Edit::AdvowareAdd {
                    betnr: self.betnr,
                    row: NewKommunikation { komm_kz, tlf, bemerkung, online: false },
                }]
            }
            Variant::EspoRemoved => vec![Edit::EspoRemove { id: self.id.clone(), value: item?.1.clone() }],
            Variant::AdvowareEmptied => vec![self.retype(item?.0, String::new())],
            Variant::AdvowareRowRemoved => vec![Edit::AdvowareRemove { betnr: self.betnr, komm_id: item?.0.id }],
            Variant::EspoChanged => vec![self.replace(item?, dice)?],
            Variant::AdvowareChanged => vec![self.retype(item?.0, self.fresh(item?.0.komm_kz, dice, true)?)],
            Variant::Conflict => {
                let mine = self.fresh(item?.0.komm_kz, dice, true)?;
                let theirs = self.replace(item?, dice)?;
                if matches!(&theirs, Edit::EspoReplace { to, .. } if canonical(to) == canonical(&mine)) {
                    return None;
                }
                vec![theirs, self.retype(item?.0, mine)]
            }
            Variant::PrimaryChanged => {
                let mails: Vec<_> = bound.iter().filter(|(_, value)| value.contains('@')).collect();
                let primary = self.values.first()?;
                let other = mails.iter().find(|(_, value)| *value != primary).filter(|_| mails.len() > 1)?;
                vec![Edit::EspoMakePrimary { id: self.id.clone(), value: other.1.clone() }]
            }
            Variant::RemarkEdited => {
                let row =
                    bound.iter().find(|(row, _)| row.bemerkung.as_deref().is_some_and(|text| text.contains(']')))?.0;
                let bemerkung = Some(format!("{} geprüft (Öffnungszeiten)", row.bemerkung.as_deref()?));
                vec![Edit::AdvowareChange { betnr: self.betnr, komm_id: row.id, tlf: None, bemerkung, online: None }]
            }
            Variant::SlotReuse => {
                let slot = self.rows.iter().find(|row| {
                    row.tlf.is_empty() && row.bemerkung.as_deref().is_some_and(|text| text.contains("ESPOCRM-SLOT"))
                })?;
                vec![self.add(slot.komm_kz, dice)?]
            }
            Variant::EspoStammdaten => {
                vec![self.espo_set(self.name_field, format!("Umbenannt {}", dice.below(10_000)))]
            }
            Variant::AdvowareStammdaten => vec![self.advoware_set("name", format!("Neuname {}", dice.below(10_000)))],
            Variant::BothStammdaten => vec![
                self.espo_set("handelsregisterNummer", format!("HRB {}", 900_000 + dice.below(99_999))),
                self.advoware_set("registergericht", format!("Amtsgericht {}", names::place(dice))),
            ],
            Variant::StammdatenConflict => {
                let number = dice.below(10_000);
                vec![
                    self.espo_set(self.name_field, format!("Hier {number}")),
                    self.advoware_set("name", format!("Dort {number}")),
                ]
            }
        };
        Some(edits)
    }

    fn espo_set(&self, field: &str, text: String) -> Edit {
        Edit::EspoSet { id: self.id.clone(), fields: Map::from_iter([(field.to_owned(), Value::String(text))]) }
    }

    fn advoware_set(&self, field: &str, text: String) -> Edit {
        Edit::AdvowareSet { betnr: self.betnr, fields: Map::from_iter([(field.to_owned(), Value::String(text))]) }
    }

    fn add(&self, komm_kz: i64, dice: &mut Dice) -> Option<Edit> {
        let value = self.fresh(komm_kz, dice, false)?;
        let same_kind = self.values.iter().filter(|have| have.contains('@') == value.contains('@')).count();
        if same_kind >= 9 {
            return None;
        }
        let id = self.id.clone();
        Some(if value.contains('@') {
            Edit::EspoAddMail { id, address: value }
        } else {
            Edit::EspoAddPhone { id, number: value, phone_type: phone_type(komm_kz).to_owned() }
        })
    }

    fn replace(&self, (row, value): (&Kommunikation, &String), dice: &mut Dice) -> Option<Edit> {
        let to = self.fresh(row.komm_kz, dice, false)?;
        Some(Edit::EspoReplace { id: self.id.clone(), from: value.clone(), to })
    }

    fn retype(&self, row: &Kommunikation, tlf: String) -> Edit {
        Edit::AdvowareChange { betnr: self.betnr, komm_id: row.id, tlf: Some(tlf), bemerkung: None, online: None }
    }

    /// A value of that kind which this Beteiligter does not have on either side.
    fn fresh(&self, komm_kz: i64, dice: &mut Dice, typed_by_hand: bool) -> Option<String> {
        for _ in 0..8 {
            let value = if matches!(komm_kz, 4 | 8 | 11 | 12) {
                format!("kontakt{}@{}", dice.below(10_000), domain(dice))
            } else {
                let number = Number::of_kind(komm_kz, dice);
                if typed_by_hand { number.spelled(dice) } else { number.e164() }
            };
            let key = canonical(&value);
            let known = self.rows.iter().map(|row| &row.tlf).chain(&self.values).any(|have| canonical(have) == key);
            if !known {
                return Some(value);
            }
        }
        None
    }
}
