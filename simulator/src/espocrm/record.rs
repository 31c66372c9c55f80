//! One `CBeteiligte` and its read form.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::clock::espo_time;
use crate::espocrm::EspoCrm;
use crate::espocrm::data::{Channel, Link};
use crate::espocrm::field::FIELDS;

/// Longest text a list answers.
const LIST_TEXT_LONGEST: usize = 10_000;

/// Who writes. Only the extension and `modifiedById` care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Actor {
    /// The owner of our API key.
    ApiUser,
    /// A person in EspoCRM's own interface.
    User,
}

impl Actor {
    pub(crate) fn user_id(self) -> &'static str {
        match self {
            Self::ApiUser => "00000000000000a91",
            Self::User => "000000000000005e1",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: String,
    /// Plain fields that are not null.
    pub(crate) fields: Map<String, Value>,
    pub(crate) mails: Vec<Link>,
    pub(crate) phones: Vec<Link>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) modified_at: DateTime<Utc>,
    pub(crate) modified_by: Option<Actor>,
    pub(crate) version_number: u64,
    pub(crate) deleted: bool,
}

impl Record {
    pub(crate) fn new(id: String, created_at: DateTime<Utc>) -> Self {
        Self {
            id,
            fields: Map::new(),
            mails: Vec::new(),
            phones: Vec::new(),
            created_at,
            modified_at: created_at,
            modified_by: None,
            version_number: 1,
            deleted: false,
        }
    }

    pub(crate) fn links(&self, channel: Channel) -> &Vec<Link> {
        match channel {
            Channel::Mail => &self.mails,
            Channel::Phone => &self.phones,
        }
    }

    pub(crate) fn links_mut(&mut self, channel: Channel) -> &mut Vec<Link> {
        match channel {
            Channel::Mail => &mut self.mails,
            Channel::Phone => &mut self.phones,
        }
    }

    pub(crate) fn plain(&self, field: &str) -> Value {
        self.fields.get(field).cloned().unwrap_or(Value::Null)
    }

    pub(crate) fn name(&self) -> String {
        let part = |field: &str| self.fields.get(field).and_then(Value::as_str).unwrap_or_default();
        let person = format!("{} {}", part("firstName"), part("lastName"));
        if person.trim().is_empty() { part("firmenname").to_owned() } else { person.trim().to_owned() }
    }
}

impl EspoCrm {
    /// What GET of one record answers.
    pub(crate) fn read_form(&self, record: &Record) -> Map<String, Value> {
        let mut form = self.list_form(record, None);
        for channel in Channel::BOTH {
            form.insert(channel.data_field().to_owned(), self.rows(channel).read(record.links(channel)));
        }
        form
    }

    /// What a list answers: never the data arrays, `id` always.
    pub(crate) fn list_form(&self, record: &Record, select: Option<&[String]>) -> Map<String, Value> {
        let wanted = |name: &str| select.is_none_or(|names| names.iter().any(|one| one == name));
        let mut form = Map::new();
        form.insert("id".to_owned(), json!(record.id));
        for field in FIELDS.iter().filter(|field| wanted(field.name)) {
            let mut value = record.plain(field.name);
            if let Value::String(text) = &mut value
                && text.len() > LIST_TEXT_LONGEST
                && select.is_some()
            {
                *text = text.chars().take(LIST_TEXT_LONGEST).collect();
            }
            form.insert(field.name.to_owned(), value);
        }
        for name in ["name", "createdAt", "modifiedAt", "modifiedById", "versionNumber", "emailAddress", "phoneNumber"]
        {
            let versioned = name != "versionNumber" || self.switches.optimistic_concurrency;
            if wanted(name) && versioned {
                form.insert(name.to_owned(), self.attribute(record, name));
            }
        }
        form.insert("deleted".to_owned(), json!(record.deleted));
        form
    }

    /// One attribute, computed ones included.
    pub(crate) fn attribute(&self, record: &Record, name: &str) -> Value {
        match name {
            "id" => json!(record.id),
            "name" => json!(record.name()),
            "createdAt" => json!(espo_time(record.created_at)),
            "modifiedAt" => json!(espo_time(record.modified_at)),
            "modifiedById" => json!(record.modified_by.map(Actor::user_id)),
            "versionNumber" => json!(record.version_number),
            "deleted" => json!(record.deleted),
            "emailAddress" => self.rows(Channel::Mail).primary(&record.mails),
            "phoneNumber" => self.rows(Channel::Phone).primary(&record.phones),
            plain => record.plain(plain),
        }
    }

    /// What a filter compares with: for `emailAddress` every linked address, as EspoCRM joins them all.
    pub(crate) fn filter_values(&self, record: &Record, name: &str) -> Vec<Value> {
        let channel = Channel::BOTH.into_iter().find(|channel| channel.value_field() == name);
        match channel {
            Some(channel) => record.links(channel).iter().map(|link| json!(link.key)).collect(),
            None => vec![self.attribute(record, name)],
        }
    }
}
