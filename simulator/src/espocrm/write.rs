//! Create and update: sanitise, compare, store, hooks, events. One code path for the API and for users.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::espocrm::data::{Channel, Item, Link};
use crate::espocrm::field::{FIELDS, field, sanitise};
use crate::espocrm::record::{Actor, Record};
use crate::espocrm::{EspoCrm, WebhookEvent};

/// Why a write was not done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    NotFound,
    /// 400: field and validation type.
    Validation {
        field: String,
        kind: &'static str,
    },
    /// 409: the stored values of what the request would change.
    Modified {
        values: Map<String, Value>,
        version_number: u64,
    },
    /// 409: ids of the look-alikes.
    Duplicate {
        ids: Vec<String>,
    },
}

/// A checked body.
#[derive(Debug, Default)]
struct Patch {
    plain: Map<String, Value>,
    mails: Option<DataPatch>,
    phones: Option<DataPatch>,
}

#[derive(Debug)]
enum DataPatch {
    /// The whole set, and what was submitted.
    Replace(Vec<Item>, Value),
    /// Null: a change that stores nothing.
    Nothing,
    /// Only the primary value is given.
    Primary(Option<Item>),
}

impl Patch {
    fn data(&self, channel: Channel) -> Option<&DataPatch> {
        match channel {
            Channel::Mail => self.mails.as_ref(),
            Channel::Phone => self.phones.as_ref(),
        }
    }
}

impl EspoCrm {
    /// PUT and PATCH: a partial update. `expected_version` is `X-Version-Number`.
    pub(crate) fn update(
        &mut self,
        id: &str,
        body: &Map<String, Value>,
        actor: Actor,
        expected_version: Option<u64>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let before = self.record(id).cloned().ok_or(Refusal::NotFound)?;
        let patch = self.check(body, self.switches.phone_number_international)?;
        let mut after = before.clone();
        let mut changed = self.change_names(&before, &patch);
        if let Some(expected) = expected_version
            && self.switches.optimistic_concurrency
            && expected != before.version_number
            && !changed.is_empty()
        {
            let form = self.read_form(&before);
            let values =
                changed.iter().filter_map(|name| Some(((*name).to_owned(), form.get(*name)?.clone()))).collect();
            return Err(Refusal::Modified { values, version_number: before.version_number });
        }
        self.overlay(&mut after, patch);
        let touches_synced = changed.iter().any(|name| is_synced(name));
        if self.switches.extension && actor == Actor::User && touches_synced {
            after.fields.insert("syncStatus".to_owned(), json!("dirty"));
            changed.push("syncStatus");
        }
        // With Stream, follower attributes loaded after the fetch always count as changed (reference E5).
        if !changed.is_empty() || self.switches.stream {
            after.modified_at = now;
            after.modified_by = Some(actor);
            after.version_number += 1;
            self.update_event(&before, &after, &changed, actor);
        }
        self.records.insert(id.to_owned(), after);
        Ok(())
    }

    /// POST. A client's `id` is ignored.
    pub(crate) fn create(
        &mut self,
        body: &Map<String, Value>,
        actor: Actor,
        skip_duplicate_check: bool,
        now: DateTime<Utc>,
    ) -> Result<String, Refusal> {
        let patch = self.check(body, self.switches.phone_number_international)?;
        let mut record = Record::new(String::new(), now);
        if self.switches.extension && !patch.plain.contains_key("syncStatus") {
            record.fields.insert("syncStatus".to_owned(), json!("pending_sync"));
        }
        for (name, value) in &patch.plain {
            set(&mut record.fields, name, value.clone());
        }
        if record.name().is_empty() {
            return Err(Refusal::Validation { field: "lastName".to_owned(), kind: "required" });
        }
        if self.switches.duplicate_check && !skip_duplicate_check {
            let ids = self.look_alikes(&record, &patch);
            if !ids.is_empty() {
                return Err(Refusal::Duplicate { ids });
            }
        }
        self.overlay(&mut record, patch);
        record.id = self.new_id();
        let id = record.id.clone();
        let mut payload = self.read_form(&record);
        payload.retain(|name, value| !value.is_null() && name != "versionNumber");
        self.note_event(WebhookEvent::Create, Value::Object(payload), actor);
        self.records.insert(id.clone(), record);
        Ok(id)
    }

    /// Soft deletion.
    pub(crate) fn delete(&mut self, id: &str, actor: Actor, now: DateTime<Utc>) -> Result<(), Refusal> {
        let record = self.records.get_mut(id).filter(|record| !record.deleted).ok_or(Refusal::NotFound)?;
        record.deleted = true;
        record.modified_at = now;
        record.modified_by = Some(actor);
        self.note_event(WebhookEvent::Delete, json!({ "id": id }), actor);
        Ok(())
    }

    /// Fills a record to be seeded; numbers are stored verbatim, as those from before the E.164 setting.
    pub(crate) fn fill(&mut self, record: &mut Record, body: &Map<String, Value>) -> Result<(), Refusal> {
        let patch = self.check(body, false)?;
        self.overlay(record, patch);
        Ok(())
    }

    fn check(&self, body: &Map<String, Value>, international: bool) -> Result<Patch, Refusal> {
        let mut patch = Patch::default();
        // Unknown, computed and system attributes are dropped without a word.
        for (name, value) in body {
            let Some(field) = field(name) else { continue };
            let value = sanitise(field, value).map_err(|kind| Refusal::Validation { field: name.clone(), kind })?;
            patch.plain.insert(name.clone(), value);
        }
        patch.mails = self.check_data(Channel::Mail, body, international)?;
        patch.phones = self.check_data(Channel::Phone, body, international)?;
        Ok(patch)
    }

    fn check_data(
        &self,
        channel: Channel,
        body: &Map<String, Value>,
        international: bool,
    ) -> Result<Option<DataPatch>, Refusal> {
        let refuse = |kind| Refusal::Validation { field: channel.value_field().to_owned(), kind };
        match (body.get(channel.data_field()), body.get(channel.value_field())) {
            (Some(Value::Null), _) => Ok(Some(DataPatch::Nothing)),
            (Some(array), _) => {
                let items = self.rows(channel).parse(array, international).map_err(refuse)?;
                Ok(Some(DataPatch::Replace(items, array.clone())))
            }
            (None, Some(Value::String(text))) if !text.trim().is_empty() => {
                let item = self.rows(channel).parse_value(text, international).map_err(refuse)?;
                Ok(Some(DataPatch::Primary(Some(item))))
            }
            (None, Some(Value::Null | Value::String(_))) => Ok(Some(DataPatch::Primary(None))),
            (None, Some(_)) => Err(refuse("valid")),
            (None, None) => Ok(None),
        }
    }

    /// The attributes that count as changed. A data array counts unless it equals the read form key by key.
    fn change_names(&self, before: &Record, patch: &Patch) -> Vec<&'static str> {
        let plain = FIELDS
            .iter()
            .filter(|field| patch.plain.get(field.name).is_some_and(|value| *value != before.plain(field.name)));
        let mut names: Vec<&'static str> = plain.map(|field| field.name).collect();
        for channel in Channel::BOTH {
            let rows = self.rows(channel);
            let links = before.links(channel);
            match patch.data(channel) {
                Some(DataPatch::Replace(_, submitted)) if *submitted == rows.read(links) => {}
                Some(DataPatch::Replace(..) | DataPatch::Nothing) => names.push(channel.data_field()),
                Some(DataPatch::Primary(item)) => {
                    let known = links.iter().find(|link| link.primary).map(|link| link.key.as_str());
                    if item.as_ref().map(|item| channel.key(item.value())).as_deref() != known {
                        names.push(channel.value_field());
                    }
                }
                None => {}
            }
        }
        names
    }

    fn overlay(&mut self, record: &mut Record, patch: Patch) {
        for (name, value) in patch.plain {
            set(&mut record.fields, &name, value);
        }
        for (channel, data) in [(Channel::Mail, patch.mails), (Channel::Phone, patch.phones)] {
            let links: Vec<Link> = match data {
                Some(DataPatch::Replace(items, _)) => self.rows_mut(channel).link(&items),
                Some(DataPatch::Primary(Some(item))) => {
                    self.rows_mut(channel).link_primary(record.links(channel), &item)
                }
                // Up to 9.3 no other value is promoted.
                Some(DataPatch::Primary(None)) => {
                    record.links(channel).iter().filter(|link| !link.primary).cloned().collect()
                }
                Some(DataPatch::Nothing) | None => continue,
            };
            *record.links_mut(channel) = links;
        }
    }

    /// `id` and the changed attributes; a PUT without real change still names its author.
    fn update_event(&mut self, before: &Record, after: &Record, changed: &[&str], actor: Actor) {
        if !self.collects_events || (changed.is_empty() && before.modified_by == after.modified_by) {
            return;
        }
        let form = self.read_form(after);
        let mut payload = Map::new();
        payload.insert("id".to_owned(), json!(after.id));
        for name in changed {
            payload.insert((*name).to_owned(), form.get(*name).cloned().unwrap_or(Value::Null));
        }
        if before.modified_by != after.modified_by {
            payload.insert("modifiedById".to_owned(), json!(actor.user_id()));
        }
        self.note_event(WebhookEvent::Update, Value::Object(payload), actor);
    }

    /// Up to five records of the same name or with one of the mails.
    fn look_alikes(&self, record: &Record, patch: &Patch) -> Vec<String> {
        let keys: Vec<String> = match patch.data(Channel::Mail) {
            Some(DataPatch::Replace(items, _)) => items.iter().map(|item| Channel::Mail.key(item.value())).collect(),
            Some(DataPatch::Primary(Some(item))) => vec![Channel::Mail.key(item.value())],
            _ => Vec::new(),
        };
        let name = record.name();
        let alike = self.records().filter(|other| {
            other.name().eq_ignore_ascii_case(&name) || other.mails.iter().any(|link| keys.contains(&link.key))
        });
        alike.take(5).map(|other| other.id.clone()).collect()
    }
}

fn set(fields: &mut Map<String, Value>, name: &str, value: Value) {
    if value.is_null() {
        fields.remove(name);
    } else {
        fields.insert(name.to_owned(), value);
    }
}

fn is_synced(name: &str) -> bool {
    let in_data = |channel: Channel| channel.data_field() == name || channel.value_field() == name;
    field(name).is_some_and(|field| field.synced) || Channel::BOTH.into_iter().any(in_data)
}
