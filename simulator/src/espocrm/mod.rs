//! EspoCRM: `CBeteiligte` with its data arrays, notes, and what its REST API does with them (DOMAIN 5).

mod api;
mod data;
mod field;
mod filter;
mod names;
mod record;
mod set_up;
mod webhook;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use data::Channel;
use data::Rows;
pub(crate) use record::{Actor, Record};
pub use set_up::{EspoLevel, EspoRights};
pub(crate) use write::Refusal;

use crate::dice::{Dice, espo_id};
use crate::stage::Outage;

/// Name of the entity type unless a firm has another.
const ENTITY: &str = "CBeteiligte";

/// EspoCRM's settings, where installations differ, and the switches of its misbehaviour.
#[expect(clippy::struct_excessive_bools, reason = "independent settings of one installation")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EspoSwitches {
    /// The whole system is unreachable; `ServiceUnavailable` is its maintenance mode.
    pub outage: Outage,
    /// The API key is refused (401), which leads to the lock-out.
    pub refuse_api_key: bool,
    /// Stream: every PUT moves `modifiedAt` and `versionNumber`.
    pub stream: bool,
    /// `versionNumber` is kept and `X-Version-Number` checked.
    pub optimistic_concurrency: bool,
    /// `phoneNumberInternational`: E.164 on write, national numbers refused.
    pub phone_number_international: bool,
    /// Our extension: a user's change of a synced field sets `dirty`, a create `pending_sync`.
    pub extension: bool,
    /// POST of an equal name or mail is 409.
    pub duplicate_check: bool,
    /// The firm's name of the entity type, in paths and reasons.
    pub entity: String,
    /// The firm's own field names by standard name, wherever the API reads or writes a name; not in webhooks.
    pub renamed_fields: BTreeMap<String, String>,
    /// Fields that the entity type lacks, by standard name: never answered, dropped when written, unknown to lists.
    pub missing_fields: BTreeSet<String>,
    /// What the metadata say of a field beside or instead of the extension's definition, by standard name, e.g. another `type`.
    pub field_definitions: BTreeMap<String, Map<String, Value>>,
    /// What our API user may do.
    pub rights: EspoRights,
    /// Webhooks to addresses of the internal network, this machine's included, are refused (EspoCRM 9.3.2 and later).
    pub internal_webhooks_refused: bool,
}

impl Default for EspoSwitches {
    fn default() -> Self {
        Self {
            outage: Outage::None,
            refuse_api_key: false,
            stream: true,
            optimistic_concurrency: true,
            phone_number_international: true,
            extension: true,
            duplicate_check: true,
            entity: ENTITY.to_owned(),
            renamed_fields: BTreeMap::new(),
            missing_fields: BTreeSet::new(),
            field_definitions: BTreeMap::new(),
            rights: EspoRights::default(),
            internal_webhooks_refused: false,
        }
    }
}

/// A stream note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// 17 hex characters.
    pub id: String,
    /// The record it is written on.
    pub parent_id: String,
    /// Text.
    pub post: String,
}

/// What a webhook tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookEvent {
    /// `CBeteiligte.create`
    Create,
    /// `CBeteiligte.update`
    Update,
    /// `CBeteiligte.delete`
    Delete,
}

/// A change waiting to be turned into webhook deliveries.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) kind: WebhookEvent,
    pub(crate) payload: Value,
    pub(crate) by_api_user: bool,
}

/// The whole system's state.
#[derive(Debug)]
pub(crate) struct EspoCrm {
    pub(crate) switches: EspoSwitches,
    pub(crate) notes: Vec<Note>,
    /// Events since the webhook job last collected them.
    pub(crate) events: VecDeque<Event>,
    /// False until a webhook exists: EspoCRM queues nothing for nobody.
    pub(crate) collects_events: bool,
    api_key: String,
    /// Ordered, so that a scan of pages sees one order.
    records: BTreeMap<String, Record>,
    mails: Rows,
    phones: Rows,
    /// Times of denied log-ins per address.
    denied: HashMap<std::net::IpAddr, Vec<DateTime<Utc>>>,
    dice: Dice,
}

impl EspoCrm {
    pub(crate) fn new(api_key: String, switches: EspoSwitches, seed: u64) -> Self {
        Self {
            switches,
            notes: Vec::new(),
            events: VecDeque::new(),
            collects_events: false,
            api_key,
            records: BTreeMap::new(),
            mails: Rows::new(Channel::Mail),
            phones: Rows::new(Channel::Phone),
            denied: HashMap::new(),
            dice: Dice::new(seed ^ 0x4553_504F),
        }
    }

    /// The live record; deleted ones do not exist for an API user.
    pub(crate) fn record(&self, id: &str) -> Option<&Record> {
        self.records.get(id).filter(|record| !record.deleted)
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values().filter(|record| !record.deleted)
    }

    /// The read form of a live record.
    pub(crate) fn read(&self, id: &str) -> Option<Map<String, Value>> {
        self.record(id).map(|record| self.read_form(record))
    }

    pub(crate) fn new_id(&mut self) -> String {
        espo_id(&mut self.dice)
    }

    /// Stores a record as it is, without hooks, events or checks: for seeding.
    pub(crate) fn seed(&mut self, record: Record) {
        self.records.insert(record.id.clone(), record);
    }

    /// Forgets the denied log-ins.
    pub(crate) fn lift_lock_out(&mut self) {
        self.denied.clear();
    }

    fn rows(&self, channel: Channel) -> &Rows {
        match channel {
            Channel::Mail => &self.mails,
            Channel::Phone => &self.phones,
        }
    }

    fn rows_mut(&mut self, channel: Channel) -> &mut Rows {
        match channel {
            Channel::Mail => &mut self.mails,
            Channel::Phone => &mut self.phones,
        }
    }

    fn note_event(&mut self, kind: WebhookEvent, payload: Value, actor: Actor) {
        if self.collects_events {
            self.events.push_back(Event { kind, payload, by_api_user: actor == Actor::ApiUser });
        }
    }
}
