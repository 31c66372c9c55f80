//! What EspoCRM tells of its own set-up, as far as a sync depends on it: fields and their types, rights, settings (DOMAIN 5; reference
//! E6, E9, E10). Names and kinds only: who our user is does not get past this file.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value};

use super::client::Espocrm;
use super::names::renamable;
use crate::error::{ApiError, ErrorKind, Operation};
use crate::json::{integer, switch, text};

/// Where the values of mails and phones are defined, beside the fields that may have other names.
const DATA_FIELDS: [&str; 2] = ["emailAddress", "phoneNumber"];

/// EspoCRM's set-up, as our API user sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetUp {
    /// Version of EspoCRM, where it tells it.
    pub version: Option<String>,
    /// Name of the entity type.
    pub entity: String,
    /// Its definition; `None` where there is no such type, or our user may not know of it.
    pub definition: Option<EntityDefinition>,
    /// Whether the type has a stream.
    pub has_stream: bool,
    /// `phoneNumberInternational`, where EspoCRM tells it.
    pub phone_numbers_international: Option<bool>,
    /// What our user may do with the type.
    pub rights: Rights,
    /// Whether our user may have webhooks.
    pub may_have_webhooks: bool,
}

/// The entity type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityDefinition {
    /// Whether records carry versions (`optimisticConcurrencyControl`).
    pub has_versions: bool,
    /// Every field that a sync reads or writes, by standard name; `None` where it is missing.
    pub fields: BTreeMap<&'static str, Option<FieldDefinition>>,
}

/// One field.
#[expect(clippy::struct_excessive_bools, reason = "independent marks of one field")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldDefinition {
    /// What the firm calls it.
    pub name: String,
    /// EspoCRM's name of its type: `varchar`, `int`, ...
    pub kind: String,
    /// Nobody's writes are taken, those of API users included.
    pub is_read_only: bool,
    /// Whether the version check passes it over.
    pub is_unversioned: bool,
    /// Longest text that it takes; `None` where the definition does not say.
    pub max_length: Option<i64>,
    /// What may be chosen in it: options of an enum, types of a phone.
    pub options: Vec<String>,
    /// Our user may not read it.
    pub is_hidden: bool,
    /// Our user may not change it.
    pub is_locked: bool,
}

/// Rights of a role; a right that is not told is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// `read`
    pub read: Reach,
    /// `edit`
    pub edit: Reach,
    /// `stream`
    pub stream: Reach,
}

/// How far a right reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// To no record.
    #[default]
    None,
    /// To some: the user's own, or those of their teams.
    Some,
    /// To all.
    All,
}

impl Espocrm {
    /// Reads EspoCRM's set-up. Three calls, all reads.
    pub async fn set_up(&self) -> Result<SetUp, ApiError> {
        let entity = self.names().entity();
        let (defs, scope) = (format!("entityDefs.{entity}"), format!("scopes.{entity}"));
        let user = self.request(Method::GET, &["App", "user"]);
        let (user, defs, scope) = tokio::try_join!(
            self.call(Operation::EspocrmSetUp, user, object),
            self.metadata(&defs),
            self.metadata(&scope)
        )?;
        Ok(self.read_set_up(&user, &defs, &scope))
    }

    async fn metadata(&self, key: &str) -> Result<Value, ApiError> {
        let request = self.request(Method::GET, &["Metadata"]).query(&[("key", key)]);
        self.call(Operation::EspocrmSetUp, request, Ok).await
    }

    fn read_set_up(&self, user: &Map<String, Value>, defs: &Value, scope: &Value) -> SetUp {
        let entity = self.names().entity();
        let inner = |path: &[&str]| path.iter().try_fold(user.get("acl")?, |inner, part| inner.get(part));
        let settings = user.get("settings").and_then(Value::as_object);
        let field_rights = inner(&["fieldTable", entity]);
        SetUp {
            version: settings.and_then(|settings| text(settings, "version")).map(str::to_owned),
            entity: entity.to_owned(),
            definition: defs.get("fields").map(|fields| EntityDefinition {
                has_versions: switch(defs.get("optimisticConcurrencyControl")),
                fields: renamable()
                    .chain(DATA_FIELDS)
                    .map(|name| (name, field(self.names().of(name), fields, field_rights)))
                    .collect(),
            }),
            has_stream: switch(scope.get("stream")),
            phone_numbers_international: settings
                .and_then(|settings| settings.get("phoneNumberInternational"))
                .map(|value| switch(Some(value))),
            rights: Rights {
                read: reach(inner(&["table", entity, "read"])),
                edit: reach(inner(&["table", entity, "edit"])),
                stream: reach(inner(&["table", entity, "stream"])),
            },
            // A scope that is only on or off; `false` or absent is off.
            may_have_webhooks: inner(&["table", "Webhook"]).is_some_and(|scope| *scope != Value::Bool(false)),
        }
    }
}

fn object(answer: Value) -> Result<Map<String, Value>, ErrorKind> {
    match answer {
        Value::Object(fields) => Ok(fields),
        _ => Err(ErrorKind::Malformed { what: "no object" }),
    }
}

fn field(name: &str, fields: &Value, rights: Option<&Value>) -> Option<FieldDefinition> {
    let definition = fields.get(name)?.as_object()?;
    let chosen = definition.get("options").or_else(|| definition.get("typeList")).and_then(Value::as_array);
    let may_not =
        |action: &str| rights.and_then(|rights| rights.get(name)?.get(action)).is_some_and(|level| level == "no");
    Some(FieldDefinition {
        name: name.to_owned(),
        kind: text(definition, "type").unwrap_or_default().to_owned(),
        is_read_only: switch(definition.get("readOnly")),
        is_unversioned: switch(definition.get("optimisticConcurrencyControlIgnore")),
        max_length: definition.get("maxLength").and_then(integer),
        options: chosen.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        is_hidden: may_not("read"),
        is_locked: may_not("edit"),
    })
}

fn reach(level: Option<&Value>) -> Reach {
    match level.and_then(Value::as_str) {
        Some("all" | "yes") => Reach::All,
        Some("team" | "own" | "account" | "contact") => Reach::Some,
        _ => Reach::None,
    }
}
