//! What tests may ask of, and put into, the simulated systems without going over HTTP.

use serde_json::{Map, Value, json};

use crate::advoware::{AdvowareSwitches, Beteiligter, Kommunikation, NewKommunikation};
use crate::edit::EditRefused;
use crate::espocrm::{EspoSwitches, Note, Record};
use crate::stage::{Stage, locked};
use crate::webhook::{self, DeliveryReport, WebhookTarget};

/// Advoware from the inside.
#[derive(Debug, Clone, Copy)]
pub struct AdvowareHandle<'a> {
    pub(crate) stage: &'a Stage,
}

impl<'a> AdvowareHandle<'a> {
    pub(crate) fn new(stage: &'a Stage) -> Self {
        Self { stage }
    }

    /// Stores a record under this number (an earlier one is replaced); returns the ids of its rows.
    pub fn seed(&self, betnr: i64, fields: Value, rows: Vec<NewKommunikation>) -> Vec<i64> {
        let mut world = locked(&self.stage.world);
        world.advoware.create(Some(betnr), Beteiligter::writable(object(fields)), self.stage.clock.now());
        rows.into_iter().filter_map(|row| world.advoware.add_row(betnr, None, row)).map(|row| row.id).collect()
    }

    /// All numbers, ascending.
    pub fn betnrs(&self) -> Vec<i64> {
        locked(&self.stage.world).advoware.beteiligte().map(|one| one.betnr).collect()
    }

    /// What GET would answer, but always one object with the real kommKz.
    pub fn beteiligter(&self, betnr: i64) -> Option<Value> {
        let shown = AdvowareSwitches { komm_kz_shown: true, ..AdvowareSwitches::default() };
        locked(&self.stage.world).advoware.beteiligter(betnr).map(|one| one.to_wire(&shown))
    }

    /// The Kommunikationen, in order of creation; empty for an unknown Beteiligter.
    pub fn rows(&self, betnr: i64) -> Vec<Kommunikation> {
        locked(&self.stage.world).advoware.beteiligter(betnr).map(|one| one.rows.clone()).unwrap_or_default()
    }

    /// The change token of the Stammdaten.
    pub fn row_id(&self, betnr: i64) -> Option<String> {
        locked(&self.stage.world).advoware.beteiligter(betnr).map(|one| one.row_id.clone())
    }

    /// The switches as they are.
    pub fn switches(&self) -> AdvowareSwitches {
        locked(&self.stage.world).advoware.switches.clone()
    }

    /// Changes the switches.
    pub fn switch(&self, change: impl FnOnce(&mut AdvowareSwitches)) {
        change(&mut locked(&self.stage.world).advoware.switches);
    }

    /// Makes every token given out so far worthless.
    pub fn revoke_tokens(&self) {
        locked(&self.stage.world).advoware.gateway.revoke_all();
    }
}

/// EspoCRM from the inside.
#[derive(Debug, Clone, Copy)]
pub struct EspoHandle<'a> {
    stage: &'a Stage,
}

impl<'a> EspoHandle<'a> {
    pub(crate) fn new(stage: &'a Stage) -> Self {
        Self { stage }
    }

    /// Stores a record under this id (an earlier one is replaced), without hooks and events. Numbers are kept verbatim;
    /// `syncStatus` is `pending_sync` unless given.
    pub fn seed(&self, id: &str, fields: Value) -> Result<(), EditRefused> {
        let mut body = object(fields);
        body.entry("syncStatus").or_insert_with(|| json!("pending_sync"));
        let mut record = Record::new(id.to_owned(), self.stage.clock.now());
        let mut world = locked(&self.stage.world);
        world.espocrm.fill(&mut record, &body)?;
        world.espocrm.seed(record);
        Ok(())
    }

    /// Ids of all live records, ascending.
    pub fn ids(&self) -> Vec<String> {
        locked(&self.stage.world).espocrm.records().map(|record| record.id.clone()).collect()
    }

    /// What GET would answer; `None` for an unknown or deleted record.
    pub fn record(&self, id: &str) -> Option<Map<String, Value>> {
        locked(&self.stage.world).espocrm.read(id)
    }

    /// `emailAddressData` in read form.
    pub fn mails(&self, id: &str) -> Vec<Value> {
        self.array(id, "emailAddressData")
    }

    /// `phoneNumberData` in read form.
    pub fn phones(&self, id: &str) -> Vec<Value> {
        self.array(id, "phoneNumberData")
    }

    fn array(self, id: &str, field: &str) -> Vec<Value> {
        let record = self.record(id).unwrap_or_default();
        record.get(field).and_then(Value::as_array).cloned().unwrap_or_default()
    }

    /// The record that carries this number.
    pub fn id_of_betnr(&self, betnr: i64) -> Option<String> {
        let world = locked(&self.stage.world);
        world.espocrm.records().find(|record| record.plain("betnr") == json!(betnr)).map(|record| record.id.clone())
    }

    /// All notes, oldest first.
    pub fn notes(&self) -> Vec<Note> {
        locked(&self.stage.world).espocrm.notes.clone()
    }

    /// The switches as they are.
    pub fn switches(&self) -> EspoSwitches {
        locked(&self.stage.world).espocrm.switches.clone()
    }

    /// Changes the switches.
    pub fn switch(&self, change: impl FnOnce(&mut EspoSwitches)) {
        change(&mut locked(&self.stage.world).espocrm.switches);
    }

    /// Forgets denied log-ins, so that the lock-out ends.
    pub fn lift_lock_out(&self) {
        locked(&self.stage.world).espocrm.lift_lock_out();
    }
}

/// EspoCRM's webhooks and their job.
#[derive(Debug, Clone, Copy)]
pub struct WebhooksHandle<'a> {
    stage: &'a Stage,
}

impl<'a> WebhooksHandle<'a> {
    pub(crate) fn new(stage: &'a Stage) -> Self {
        Self { stage }
    }

    /// Sets up a webhook; events count from the first one on.
    pub fn add(&self, target: WebhookTarget) {
        locked(&self.stage.world).espocrm.collects_events = true;
        self.stage.webhooks.add(target);
    }

    /// The webhooks; a 410 removes one.
    pub fn targets(&self) -> Vec<WebhookTarget> {
        self.stage.webhooks.targets()
    }

    /// Switches a webhook on or off, as an administrator does.
    pub fn set_active(&self, id: &str, is_active: bool) {
        self.stage.webhooks.set_active(id, is_active);
    }

    /// Removes all webhooks and waiting events.
    pub fn clear(&self) {
        let mut world = locked(&self.stage.world);
        world.espocrm.collects_events = false;
        world.espocrm.events.clear();
        drop(world);
        self.stage.webhooks.clear();
    }

    /// Delivers all that is due by the simulator's clock.
    pub async fn deliver(&self) -> DeliveryReport {
        webhook::deliver(self.stage).await
    }

    /// Delivers again and again; 0 stops.
    pub fn set_interval_milliseconds(&self, milliseconds: u64) {
        self.stage.webhooks.set_interval_milliseconds(milliseconds);
    }

    /// Sends every batch twice, as EspoCRM may.
    pub fn set_twice(&self, twice: bool) {
        self.stage.webhooks.set_twice(twice);
    }
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
