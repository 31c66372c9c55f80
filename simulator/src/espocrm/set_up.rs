//! What EspoCRM tells of itself to a user: metadata of the entity type, rights, settings (reference E6, E9, E10; source
//! `Tools/App/{MetadataService,AppService}.php`).

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call};
use crate::espocrm::EspoCrm;
use crate::espocrm::field::{FIELDS, Kind, SYNC_STATUS};
use crate::espocrm::names::Names;
use crate::espocrm::record::Actor;
use crate::operation::Operation;

const VERSION: &str = "9.2.7";

/// How far a right reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EspoLevel {
    /// Every record.
    #[default]
    All,
    /// Those of the user's teams. The simulator has no teams: told, not enforced.
    Team,
    /// Those assigned to the user. Told, not enforced.
    Own,
    /// None.
    No,
}

/// Rights of our API user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EspoRights {
    /// Reading the entity type.
    pub read: EspoLevel,
    /// Changing it.
    pub edit: EspoLevel,
    /// Its stream, for notes.
    pub stream: EspoLevel,
    /// The scope of webhooks.
    pub webhooks: bool,
}

impl Default for EspoRights {
    fn default() -> Self {
        Self { read: EspoLevel::All, edit: EspoLevel::All, stream: EspoLevel::All, webhooks: true }
    }
}

impl EspoRights {
    /// The refusal of what the user may not do at all.
    pub(super) fn refuse(self, operation: Operation) -> Option<Answer> {
        let (level, reason) = match operation {
            Operation::EspoGet | Operation::EspoList => (self.read, "No read access."),
            Operation::EspoPut => (self.edit, "No edit access."),
            Operation::EspoPostNote => (self.stream, "No access to parent."),
            _ => return None,
        };
        (level == EspoLevel::No).then(|| Answer::reason(StatusCode::FORBIDDEN, reason))
    }
}

impl EspoCrm {
    /// `GET Metadata?key=...`; null for what there is not, or what the user may not know.
    pub(super) fn metadata(&self, call: &Call) -> Answer {
        let all = json!({
            "entityDefs": { self.switches.entity.as_str(): self.entity_defs() },
            "scopes": { self.switches.entity.as_str(): { "entity": true, "object": true, "stream": self.switches.stream, "type": "Person", "isCustom": true } },
        });
        let found = match call.query_value("key") {
            None => Some(&all),
            Some(key) => key.split('.').try_fold(&all, |inner, part| inner.get(part)),
        };
        Answer::ok(found.unwrap_or(&Value::Null))
    }

    fn entity_defs(&self) -> Value {
        let names = Names::of(&self.switches);
        let own = FIELDS
            .iter()
            .filter(|field| !field.name.ends_with("Id"))
            .map(|field| (field.name, definition(field.name, field.kind)));
        let data = [
            ("advowareRowId", json!({ "type": "varchar", "maxLength": 40 })),
            ("emailAddress", json!({ "type": "email" })),
            (
                "phoneNumber",
                json!({ "type": "phone", "typeList": ["Mobile", "Office", "Home", "Fax", "Other"], "defaultType": "Mobile" }),
            ),
        ];
        let mut fields = Map::new();
        for (name, mut definition) in own.chain(data) {
            if self.switches.missing_fields.contains(name) {
                continue;
            }
            if let (Some(given), Value::Object(definition)) =
                (self.switches.field_definitions.get(name), &mut definition)
            {
                definition.extend(given.clone());
            }
            fields.insert(names.own(name), definition);
        }
        // An empty list is what PHP makes of no links.
        json!({ "fields": fields, "links": [], "optimisticConcurrencyControl": self.switches.optimistic_concurrency })
    }

    /// `GET App/user`, the part of it that concerns us.
    pub(super) fn app_user(&self) -> Answer {
        let rights = self.switches.rights;
        let mut table = Map::new();
        let entity = json!({ "create": "no", "read": rights.read, "edit": rights.edit, "delete": "no", "stream": rights.stream });
        table.insert(self.switches.entity.clone(), entity);
        if rights.webhooks {
            table.insert("Webhook".to_owned(), json!(true));
        }
        Answer::ok(&json!({
            "user": { "id": Actor::ApiUser.user_id(), "userName": "kanzleisync", "type": "api", "isActive": true },
            "acl": { "table": table, "fieldTable": { self.switches.entity.as_str(): {} } },
            "preferences": {},
            "token": null,
            "settings": { "version": VERSION, "phoneNumberInternational": self.switches.phone_number_international },
            "language": "de_DE",
        }))
    }
}

fn definition(name: &str, kind: Kind) -> Value {
    match kind {
        // Of every Person, EspoCRM's own.
        _ if name == "salutationName" => json!({ "type": "enum", "options": ["", "Mr.", "Ms.", "Mrs.", "Dr."] }),
        Kind::Varchar(longest) => json!({ "type": "varchar", "maxLength": longest }),
        Kind::Text => json!({ "type": "text" }),
        Kind::Int => json!({ "type": "int" }),
        Kind::Date => json!({ "type": "date" }),
        Kind::Datetime => json!({ "type": "datetime" }),
        Kind::SyncStatus => {
            let options: Vec<&str> = std::iter::once("").chain(SYNC_STATUS).collect();
            json!({ "type": "enum", "options": options })
        }
    }
}
