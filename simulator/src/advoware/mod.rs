//! Advoware: gateway, Beteiligte, Kommunikationen, Termine (DOMAIN 1 to 3).

mod date;
mod gateway;
pub(crate) mod kalender;
mod record;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(crate) use kalender::kalender_route;
pub use kalender::{ChangeTime, FrnrSpelling, Mitarbeiter, TerminDateShape, TerminSwitches};
pub use record::Kommunikation;
pub(crate) use record::{Beteiligter, stored_bemerkung};

use crate::addresses::{Addresses, Credentials};
use crate::advoware::date::{DATE_FIELDS, is_date};
use crate::advoware::gateway::Gateway;
use crate::advoware::kalender::Kalender;
use crate::call::{Answer, Call};
use crate::clock::Clock;
use crate::dice::{Dice, row_id};
use crate::operation::{Operation, Route};
use crate::stage::Outage;

/// Spelling of the number in the answer to `POST Beteiligte`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum NumberSpelling {
    /// `betNr`
    #[default]
    #[serde(rename = "betNr")]
    BetNr,
    /// `betnr`
    #[serde(rename = "betnr")]
    Betnr,
    /// `id`
    #[serde(rename = "id")]
    Id,
    /// The answer carries no number at all.
    #[serde(rename = "none")]
    None,
}

/// Shape of a date in Advoware's answers; either shape is taken on write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateShape {
    /// As it was written or seeded.
    #[default]
    AsStored,
    /// `YYYY-MM-DD`
    Date,
    /// `YYYY-MM-DDT00:00:00`
    DateTime,
}

/// Advoware's behaviour where installations or sources differ.
#[expect(clippy::struct_excessive_bools, reason = "independent switches of one installation")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdvowareSwitches {
    /// The whole system is unreachable (configurator and gateway included).
    pub outage: Outage,
    /// GET of one Beteiligter answers an array of one.
    pub array_of_one: bool,
    /// GET and PUT show the real kommKz instead of 0.
    pub komm_kz_shown: bool,
    /// How the POST answer spells the number.
    pub number_spelling: NumberSpelling,
    /// How dates are answered.
    pub date_shape: DateShape,
    /// An empty date is answered as `0001-01-01T00:00:00` instead of null.
    pub empty_date_is_year_one: bool,
    /// Life of a token.
    pub token_lifetime_seconds: i64,
    /// The token answer carries `expiration_utc`.
    pub expiration_utc_told: bool,
    /// The token answer carries `expires_in`.
    pub expires_in_told: bool,
    /// The configurator answers a `connectorUrl`, else null.
    pub connector_url_told: bool,
    /// The gateway refuses the password.
    pub refuse_password: bool,
    /// Termine and Mitarbeiter.
    pub termine: TerminSwitches,
}

impl Default for AdvowareSwitches {
    fn default() -> Self {
        Self {
            outage: Outage::None,
            array_of_one: false,
            komm_kz_shown: false,
            number_spelling: NumberSpelling::BetNr,
            date_shape: DateShape::AsStored,
            empty_date_is_year_one: false,
            token_lifetime_seconds: 55 * 60,
            expiration_utc_told: true,
            expires_in_told: true,
            connector_url_told: true,
            refuse_password: false,
            termine: TerminSwitches::default(),
        }
    }
}

/// A Kommunikation to be stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NewKommunikation {
    /// 1 to 12.
    pub komm_kz: i64,
    /// The value.
    pub tlf: String,
    /// Remark.
    pub bemerkung: Option<String>,
    /// For mails: the primary one.
    pub online: bool,
}

/// The whole system's state.
#[derive(Debug)]
pub(crate) struct Advoware {
    pub(crate) switches: AdvowareSwitches,
    pub(crate) gateway: Gateway,
    pub(crate) kalender: Kalender,
    beteiligte: BTreeMap<i64, Beteiligter>,
    last_betnr: i64,
    last_komm_id: i64,
    dice: Dice,
}

impl Advoware {
    pub(crate) fn new(credentials: Credentials, switches: AdvowareSwitches, seed: u64) -> Self {
        Self {
            switches,
            gateway: Gateway::new(credentials, seed),
            kalender: Kalender::new(seed),
            beteiligte: BTreeMap::new(),
            last_betnr: 100_000,
            last_komm_id: 500_000,
            dice: Dice::new(seed ^ 0x4144_564F),
        }
    }

    pub(crate) fn locate(&self, call: &Call, addresses: &Addresses) -> Answer {
        self.gateway.locate(
            call,
            &addresses.advoware_api_base_url,
            &addresses.advoware_auth_url,
            self.switches.connector_url_told,
        )
    }

    pub(crate) fn token(&mut self, call: &Call, now: DateTime<Utc>) -> Answer {
        self.gateway.token(call, &self.switches, now, Clock::real())
    }

    pub(crate) fn answer(&mut self, call: &Call, route: &Route, now: DateTime<Utc>) -> Answer {
        if !self.gateway.admits(call, now) {
            return message(StatusCode::UNAUTHORIZED, "Authorization has been denied for this request.");
        }
        let numbers: Vec<i64> = route.keys.iter().filter_map(|key| key.parse().ok()).collect();
        match (route.operation, numbers.as_slice()) {
            (Operation::GetBeteiligte, &[betnr]) => self.get(betnr),
            (Operation::PutBeteiligte, &[betnr]) => self.put(betnr, call, now),
            (Operation::PostBeteiligte, []) => self.post(call, now),
            (Operation::PostKommunikation, &[betnr]) => self.post_kommunikation(betnr, call),
            (Operation::PutKommunikation, &[betnr, id]) => self.put_kommunikation(betnr, id, call),
            (Operation::DeleteKommunikation, _) => message(StatusCode::FORBIDDEN, "Forbidden"),
            (
                Operation::ListTermine
                | Operation::GetTermin
                | Operation::PostTermin
                | Operation::PutTermin
                | Operation::DeleteTermin
                | Operation::ListMitarbeiter,
                _,
            ) => self.kalender.answer(call, route, &self.switches, now),
            _ => message(StatusCode::NOT_FOUND, "No HTTP resource was found."),
        }
    }

    fn get(&self, betnr: i64) -> Answer {
        let Some(beteiligter) = self.beteiligte.get(&betnr) else { return not_found() };
        let wire = beteiligter.to_wire(&self.switches);
        Answer::ok(&if self.switches.array_of_one { json!([wire]) } else { wire })
    }

    fn put(&mut self, betnr: i64, call: &Call, now: DateTime<Utc>) -> Answer {
        if !self.beteiligte.contains_key(&betnr) {
            return not_found();
        }
        let Some(body) = stammdaten(call) else { return bad_request() };
        self.replace_fields(betnr, Beteiligter::writable(body), now);
        match self.beteiligte.get(&betnr) {
            Some(beteiligter) => Answer::ok(&beteiligter.to_wire(&self.switches)),
            None => not_found(),
        }
    }

    fn post(&mut self, call: &Call, now: DateTime<Utc>) -> Answer {
        let Some(body) = stammdaten(call) else { return bad_request() };
        let betnr = self.create(None, Beteiligter::writable(body), now);
        let Some(beteiligter) = self.beteiligte.get(&betnr) else { return bad_request() };
        let mut wire = beteiligter.to_wire(&self.switches);
        let spelled = match self.switches.number_spelling {
            NumberSpelling::BetNr => Some("betNr"),
            NumberSpelling::Betnr => Some("betnr"),
            NumberSpelling::Id => Some("id"),
            NumberSpelling::None => None,
        };
        if let Some(map) = wire.as_object_mut() {
            map.remove("betNr");
            map.extend(spelled.map(|name| (name.to_owned(), json!(betnr))));
        }
        Answer::ok(&wire)
    }

    fn post_kommunikation(&mut self, betnr: i64, call: &Call) -> Answer {
        if !self.beteiligte.contains_key(&betnr) {
            return not_found();
        }
        let Some(new) = kommunikation(call).filter(|new| (1..=12).contains(&new.komm_kz)) else { return bad_request() };
        match self.add_row(betnr, None, new) {
            Some(row) => Answer::ok(&row.to_wire(betnr, true)),
            None => not_found(),
        }
    }

    fn put_kommunikation(&mut self, betnr: i64, id: i64, call: &Call) -> Answer {
        let Some(new) = kommunikation(call) else { return bad_request() };
        let shown = self.switches.komm_kz_shown;
        let changed = self.change_row(betnr, id, |row| {
            row.tlf = new.tlf;
            row.bemerkung = stored_bemerkung(new.bemerkung);
            row.online = new.online;
        });
        changed.map_or_else(not_found, |row| Answer::ok(&row.to_wire(betnr, shown)))
    }

    pub(crate) fn beteiligte(&self) -> impl Iterator<Item = &Beteiligter> {
        self.beteiligte.values()
    }

    pub(crate) fn beteiligter(&self, betnr: i64) -> Option<&Beteiligter> {
        self.beteiligte.get(&betnr)
    }

    /// Stores a new record under `betnr`, or the next free number.
    pub(crate) fn create(&mut self, betnr: Option<i64>, fields: Map<String, Value>, now: DateTime<Utc>) -> i64 {
        let betnr = betnr.unwrap_or(self.last_betnr + 1);
        self.last_betnr = self.last_betnr.max(betnr);
        self.remove(betnr);
        let row_id = row_id(&mut self.dice);
        self.beteiligte.insert(betnr, Beteiligter { betnr, row_id, changed_at: now, fields, rows: Vec::new() });
        betnr
    }

    /// Replaces the Stammdaten; rowId and change time move even when nothing differs (pessimistic reading).
    pub(crate) fn replace_fields(&mut self, betnr: i64, fields: Map<String, Value>, now: DateTime<Utc>) {
        let row_id = row_id(&mut self.dice);
        if let Some(beteiligter) = self.beteiligte.get_mut(&betnr) {
            beteiligter.fields = fields;
            beteiligter.row_id = row_id;
            beteiligter.changed_at = now;
        }
    }

    /// Removes a record with its rows; false when there is none.
    pub(crate) fn remove(&mut self, betnr: i64) -> bool {
        self.beteiligte.remove(&betnr).is_some()
    }

    /// Adds a row; the record's own rowId does not move (DOMAIN 2). `None` for an unknown Beteiligter.
    pub(crate) fn add_row(&mut self, betnr: i64, id: Option<i64>, new: NewKommunikation) -> Option<Kommunikation> {
        let beteiligter = self.beteiligte.get_mut(&betnr)?;
        let id = id.unwrap_or(self.last_komm_id + 1);
        self.last_komm_id = self.last_komm_id.max(id);
        let row = Kommunikation {
            id,
            row_id: row_id(&mut self.dice),
            komm_kz: new.komm_kz,
            tlf: new.tlf,
            bemerkung: stored_bemerkung(new.bemerkung),
            online: new.online,
        };
        beteiligter.rows.push(row.clone());
        Some(row)
    }

    /// Changes a row and gives it a new rowId. `None` for a row that this Beteiligter does not have.
    pub(crate) fn change_row(
        &mut self,
        betnr: i64,
        id: i64,
        change: impl FnOnce(&mut Kommunikation),
    ) -> Option<Kommunikation> {
        let row = self.beteiligte.get_mut(&betnr)?.rows.iter_mut().find(|row| row.id == id)?;
        change(row);
        row.row_id = row_id(&mut self.dice);
        Some(row.clone())
    }

    /// Deletes a row, as only a user in Advoware's own program can.
    pub(crate) fn remove_row(&mut self, betnr: i64, id: i64) -> Option<Kommunikation> {
        let rows = &mut self.beteiligte.get_mut(&betnr)?.rows;
        let at = rows.iter().position(|row| row.id == id)?;
        Some(rows.remove(at))
    }
}

fn stammdaten(call: &Call) -> Option<Map<String, Value>> {
    let Some(Value::Object(body)) = call.json() else { return None };
    let named = body.get("name").and_then(Value::as_str).is_some_and(|name| !name.trim().is_empty());
    let dated = DATE_FIELDS.iter().filter_map(|field| body.get(*field)).all(is_date);
    (named && dated).then_some(body)
}

/// Reads a Kommunikation body. A key that is missing is lost, as everywhere in a replacing PUT; a wrong type is refused.
fn kommunikation(call: &Call) -> Option<NewKommunikation> {
    let Some(Value::Object(body)) = call.json() else { return None };
    let text = |field: &str| match body.get(field) {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(_) => None,
    };
    let online = match body.get("online") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(online)) => *online,
        Some(_) => return None,
    };
    let komm_kz = match body.get("kommKz") {
        None | Some(Value::Null) => 0,
        Some(number) => number.as_i64()?,
    };
    Some(NewKommunikation { komm_kz, tlf: text("tlf")?.unwrap_or_default(), bemerkung: text("bemerkung")?, online })
}

fn message(status: StatusCode, text: &str) -> Answer {
    Answer::json(status, &json!({ "Message": text }))
}

fn not_found() -> Answer {
    message(StatusCode::NOT_FOUND, "Not Found")
}

fn bad_request() -> Answer {
    message(StatusCode::INTERNAL_SERVER_ERROR, "An error has occurred.")
}
