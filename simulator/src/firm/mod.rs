//! A generated law firm before its first sync: the same seed and size always give the same records.

mod appointment;
mod calendar;
pub(crate) mod names;
pub(crate) mod numbers;
mod stammdaten;

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use crate::advoware::NewKommunikation;
use crate::dice::{Dice, espo_id};
pub(crate) use crate::firm::calendar::clock_changes;
pub use crate::firm::calendar::{FirmCalendar, FirmTermin, generate_calendar};
use crate::firm::names::{company, domain, person, place, plain, remark};
use crate::firm::numbers::{Number, phone_type};
pub use crate::firm::stammdaten::FirmNewcomer;

const FIRST_BETNR: i64 = 104_000;
/// 2024-01-01 00:00 UTC: the earliest change time.
const EARLIEST_UNIX_SECONDS: i64 = 1_704_067_200;
const SPREAD_DAYS: usize = 700;
/// Own sequences of dice, so that numbers and mails of a seed stay what they were.
const NEWCOMERS: u64 = 0x4E45_5543;
const DRIFT: u64 = 0x5354_414D;

/// All records of both systems.
#[derive(Debug, Clone, PartialEq)]
pub struct Firm {
    /// One entry per Beteiligter, known to both systems.
    pub beteiligte: Vec<FirmBeteiligter>,
    /// Records of EspoCRM that Advoware does not know; none unless asked for.
    pub unknown_to_advoware: Vec<FirmNewcomer>,
    /// Employees and their Termine; none unless asked for.
    pub calendar: Option<FirmCalendar>,
}

impl Firm {
    /// The same firm with employees and their Termine.
    #[must_use]
    pub fn with_calendar(mut self, calendar: FirmCalendar) -> Self {
        self.calendar = Some(calendar);
        self
    }

    /// The same firm with so many more records, in percent of its size, that are in EspoCRM only and have no number.
    #[must_use]
    pub fn with_unknown_to_advoware(mut self, percent: usize) -> Self {
        let seed = self.beteiligte.first().map_or(0, |one| one.betnr.unsigned_abs());
        let mut dice = Dice::new(seed ^ NEWCOMERS);
        let count = (self.beteiligte.len() * percent).div_ceil(100);
        let newest = self.beteiligte.iter().map(|one| one.espo_changed_at).max().unwrap_or(DateTime::UNIX_EPOCH);
        self.unknown_to_advoware = (0..count).map(|_| FirmNewcomer::new(&mut dice, newest)).collect();
        self
    }
}

/// One Beteiligter on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct FirmBeteiligter {
    /// Number in Advoware.
    pub betnr: i64,
    /// Id in EspoCRM.
    pub espo_id: String,
    /// Stammdaten in Advoware, with fields that nobody else knows.
    pub advoware_fields: Map<String, Value>,
    /// Kommunikationen in Advoware.
    pub rows: Vec<NewKommunikation>,
    /// Fields in EspoCRM, data arrays included.
    pub espo_fields: Map<String, Value>,
    /// Last change in Advoware.
    pub advoware_changed_at: DateTime<Utc>,
    /// Creation and last change in EspoCRM.
    pub espo_changed_at: DateTime<Utc>,
}

/// Which side knows a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Both,
    Advoware,
    Espocrm,
}

/// Generates a firm of `size` Beteiligte. The algorithm is SplitMix64, so results are the same everywhere.
pub fn generate(seed: u64, size: usize) -> Firm {
    let mut dice = Dice::new(seed);
    let switchboards: Vec<Number> = (0..=size / 12).map(|_| Number::of_kind(1, &mut dice)).collect();
    let first = FIRST_BETNR + i64::try_from(dice.below(1000)).unwrap_or(0);
    let beteiligte = (first..).take(size).map(|betnr| Draft::new(betnr, &mut dice, &switchboards).finish()).collect();
    Firm { beteiligte, unknown_to_advoware: Vec::new(), calendar: None }
}

struct Draft<'a> {
    betnr: i64,
    dice: &'a mut Dice,
    switchboards: &'a [Number],
    rows: Vec<NewKommunikation>,
    mails: Vec<Value>,
    phones: Vec<Value>,
    /// Canonical values so far: no value twice at one Beteiligter.
    taken: HashSet<String>,
}

impl<'a> Draft<'a> {
    fn new(betnr: i64, dice: &'a mut Dice, switchboards: &'a [Number]) -> Self {
        Self {
            betnr,
            dice,
            switchboards,
            rows: Vec::new(),
            mails: Vec::new(),
            phones: Vec::new(),
            taken: HashSet::new(),
        }
    }

    fn finish(mut self) -> FirmBeteiligter {
        let (mut advoware_fields, mut espo_fields) = if self.dice.percent(65) { self.person() } else { self.company() };
        let mut drift = Dice::new(self.betnr.unsigned_abs() ^ DRIFT);
        stammdaten::drift(&mut advoware_fields, &mut espo_fields, &mut drift);
        self.oddities();
        self.dice.shuffle(&mut self.rows);
        advoware_fields.extend(self.fields_of_advoware_alone());
        let espo_id = espo_id(self.dice);
        for list in [&mut self.mails, &mut self.phones] {
            if let Some(first) = list.first_mut() {
                first["primary"] = json!(true);
            }
        }
        espo_fields.insert("betnr".to_owned(), json!(self.betnr));
        espo_fields.insert("syncStatus".to_owned(), json!("pending_sync"));
        espo_fields.insert("emailAddressData".to_owned(), Value::Array(std::mem::take(&mut self.mails)));
        espo_fields.insert("phoneNumberData".to_owned(), Value::Array(std::mem::take(&mut self.phones)));
        FirmBeteiligter {
            betnr: self.betnr,
            espo_id,
            advoware_fields,
            rows: std::mem::take(&mut self.rows),
            espo_fields,
            advoware_changed_at: self.instant(),
            espo_changed_at: self.instant(),
        }
    }

    fn person(&mut self) -> (Map<String, Value>, Map<String, Value>) {
        let who = person(self.dice);
        let born =
            format!("19{:02}-{:02}-{:02}", 40 + self.dice.below(60), 1 + self.dice.below(12), 1 + self.dice.below(28));
        let local = format!("{}.{}{}", plain(&who.first), plain(&who.last), self.betnr % 1000);
        for (komm_kz, chance) in [(3, 85), (6, 50), (1, 45), (2, 20), (7, 6), (9, 5), (10, 6)] {
            self.maybe_phone(komm_kz, chance, 30);
        }
        for (komm_kz, chance) in [(8, 80), (4, 40), (11, 8)] {
            self.maybe_mail(komm_kz, chance, &local);
        }
        let anrede = if self.dice.percent(50) { "Frau" } else { "Herr" };
        let advoware = json!({
            "name": who.last, "vorname": who.first, "anrede": anrede, "rechtsform": "Natürliche Person", "geburtsdatum": born,
        });
        let espo = json!({
            "lastName": who.last, "firstName": who.first, "salutationName": anrede, "rechtsform": "Natürliche Person",
            "dateOfBirth": born,
        });
        (object(advoware), object(espo))
    }

    fn company(&mut self) -> (Map<String, Value>, Map<String, Value>) {
        let (name, form) = company(self.dice);
        let register = format!("HRB {}", 900_000 + self.dice.below(99_999));
        let court = format!("Amtsgericht {}", place(self.dice));
        for (komm_kz, chance) in [(1, 98), (2, 75), (3, 30), (1, 15)] {
            self.maybe_phone(komm_kz, chance, 35);
        }
        let office = format!("info{}", self.betnr % 10_000);
        for (komm_kz, chance, local) in [(4, 95, office.as_str()), (4, 30, "buchhaltung"), (11, 10, "post")] {
            self.maybe_mail(komm_kz, chance, local);
        }
        if self.dice.percent(60) {
            let address = format!("www.{}", domain(self.dice));
            self.row(5, address);
        }
        let advoware = json!({
            "name": name, "rechtsform": form, "handelsRegisterNummer": register, "registergericht": court,
        });
        let espo = json!({
            "firmenname": name, "rechtsform": form, "handelsregisterNummer": register, "handelsregisterArt": court,
        });
        (object(advoware), object(espo))
    }

    /// What makes real data hard: beA, notes in the place of numbers, empty rows.
    fn oddities(&mut self) {
        if self.dice.percent(6) {
            let local = format!("safe-{}", self.betnr);
            self.mail(12, &format!("{local}@bea.example"), Side::Advoware);
        }
        if self.dice.percent(4) {
            let id = format!("DE.BRAK.{}.{:04}", self.betnr, self.dice.below(10_000));
            self.row(12, id);
        }
        if self.dice.percent(3) {
            self.row(10, "siehe Akte".to_owned());
        }
        if self.dice.percent(4) {
            self.row(1, String::new());
        }
    }

    fn maybe_phone(&mut self, komm_kz: i64, chance: usize, shared_chance: usize) {
        if !self.dice.percent(chance) {
            return;
        }
        let shared = komm_kz == 1 && self.dice.percent(shared_chance);
        let number = match self.switchboards.get(self.dice.below(self.switchboards.len())) {
            Some(switchboard) if shared => switchboard.clone(),
            _ => Number::of_kind(komm_kz, self.dice),
        };
        if !self.taken.insert(number.e164()) {
            return;
        }
        let side = self.side();
        if side != Side::Espocrm {
            let spelled = number.spelled(self.dice);
            self.row(komm_kz, spelled);
        }
        if side != Side::Advoware {
            self.phones.push(json!({ "phoneNumber": number.e164(), "type": phone_type(komm_kz) }));
        }
    }

    fn maybe_mail(&mut self, komm_kz: i64, chance: usize, local: &str) {
        if self.dice.percent(chance) {
            let domain = if komm_kz == 11 { "epost.example".to_owned() } else { domain(self.dice) };
            let side = self.side();
            self.mail(komm_kz, &format!("{local}@{domain}"), side);
        }
    }

    fn mail(&mut self, komm_kz: i64, address: &str, side: Side) {
        if !self.taken.insert(address.to_owned()) {
            return;
        }
        if side != Side::Espocrm {
            let spelled = match self.dice.below(6) {
                0 => address.to_uppercase(),
                1 => address.split('.').map(capital).collect::<Vec<_>>().join("."),
                2 => format!("{address} "),
                _ => address.to_owned(),
            };
            self.row(komm_kz, spelled);
        }
        if side != Side::Advoware {
            self.mails.push(json!({ "emailAddress": address }));
        }
    }

    fn row(&mut self, komm_kz: i64, tlf: String) {
        let first_mail = tlf.contains('@') && !self.rows.iter().any(|row| row.online);
        let bemerkung = remark(self.dice);
        let online = first_mail && self.dice.percent(70);
        self.rows.push(NewKommunikation { komm_kz, tlf, bemerkung, online });
    }

    fn side(&mut self) -> Side {
        match self.dice.below(100) {
            0..55 => Side::Both,
            55..80 => Side::Advoware,
            _ => Side::Espocrm,
        }
    }

    fn fields_of_advoware_alone(&mut self) -> Map<String, Value> {
        object(json!({
            "kurzname": format!("B{}", self.betnr),
            "ort": place(self.dice),
            "aktenzahl": self.dice.below(9),
            "bankverbindungen": [],
            "merkmale": { "newsletter": self.dice.percent(20), "farbe": null },
        }))
    }

    fn instant(&mut self) -> DateTime<Utc> {
        let seconds = i64::try_from(self.dice.below(SPREAD_DAYS * 86_400)).unwrap_or(0);
        DateTime::UNIX_EPOCH + TimeDelta::seconds(EARLIEST_UNIX_SECONDS + seconds)
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
