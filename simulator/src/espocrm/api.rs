//! The REST surface: authentication, content types, statuses, reasons.

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call};
use crate::clock::espo_time;
use crate::espocrm::data::Channel;
use crate::espocrm::filter::{Where, is_attribute, order, parameters};
use crate::espocrm::names::{Names, standard_body};
use crate::espocrm::record::{Actor, Record};
use crate::espocrm::{EspoCrm, Note, Refusal};
use crate::operation::{Operation, Route};

/// `authMaxFailedAttemptNumber`
const DENIED_MOST: usize = 10;
/// `authFailedAttemptsPeriod`
const DENIED_SECONDS: i64 = 60;
/// `recordListMaxSizeLimit`, also the default.
const MAX_SIZE: usize = 200;

impl EspoCrm {
    pub(crate) fn answer(&mut self, call: &Call, route: &Route, now: DateTime<Utc>) -> Answer {
        if let Some(refused) = self.authenticate(call, now) {
            return refused;
        }
        let names = Names::of(&self.switches);
        if matches!(route.operation, Operation::EspoMetadata | Operation::EspoAppUser) {
            // Their bodies are no records: each names fields by itself.
            return self.answer_in_standard_names(call, route, &names, now);
        }
        names.answer(self.answer_in_standard_names(call, route, &names, now))
    }

    fn answer_in_standard_names(&mut self, call: &Call, route: &Route, names: &Names, now: DateTime<Utc>) -> Answer {
        let id = route.keys.first().map(String::as_str).unwrap_or_default();
        if let Some(refused) = self.switches.rights.refuse(route.operation) {
            return refused;
        }
        match route.operation {
            Operation::EspoGet => match self.read(id) {
                Some(form) => Answer::ok(&Value::Object(form)),
                None => Answer::reason(StatusCode::NOT_FOUND, &format!("Record {id} does not exist.")),
            },
            Operation::EspoList => self.list(call, names),
            Operation::EspoPut => with_body(call, names, |body| self.put(id, body, call, now)),
            Operation::EspoPost => with_body(call, names, |body| self.post(body, call, now)),
            Operation::EspoDelete => match self.delete(id, Actor::ApiUser, now) {
                Ok(()) => Answer::ok(&json!(true)),
                Err(refusal) => self.refuse(id, refusal),
            },
            Operation::EspoPostNote => with_body(call, &Names::default(), |body| self.post_note(body, now)),
            Operation::EspoMetadata => self.metadata(call),
            Operation::EspoAppUser => self.app_user(),
            Operation::EspoPostNotification => Answer::reason(StatusCode::FORBIDDEN, "No create access."),
            _ => self.unknown(call),
        }
    }

    /// 401 on a wrong key; after more than ten of them within a minute an empty 403 for the whole address.
    pub(crate) fn authenticate(&mut self, call: &Call, now: DateTime<Utc>) -> Option<Answer> {
        let denied = self.denied.entry(call.peer).or_default();
        denied.retain(|at| now - *at < TimeDelta::seconds(DENIED_SECONDS));
        if denied.len() > DENIED_MOST {
            return Some(Answer::empty(StatusCode::FORBIDDEN));
        }
        match call.header("x-api-key") {
            Some(key) if key == self.api_key && !self.switches.refuse_api_key => None,
            Some(_) => {
                denied.push(now);
                Some(Answer::empty(StatusCode::UNAUTHORIZED))
            }
            None => Some(Answer::empty(StatusCode::UNAUTHORIZED)),
        }
    }

    fn put(&mut self, id: &str, body: &Map<String, Value>, call: &Call, now: DateTime<Utc>) -> Answer {
        let expected = call.header("x-version-number").and_then(|text| text.parse().ok());
        let stale: Vec<Value> = match self.record(id) {
            Some(record) => Channel::BOTH.map(|channel| self.attribute(record, channel.value_field())).to_vec(),
            None => Vec::new(),
        };
        if let Err(refusal) = self.update(id, body, Actor::ApiUser, expected, now) {
            return self.refuse(id, refusal);
        }
        let Some(mut echo) = self.read(id) else { return Answer::ok(&Value::Null) };
        // The answer echoes: submitted arrays as they came, the primary as it was before.
        for (channel, old) in Channel::BOTH.into_iter().zip(stale) {
            if let Some(submitted) = body.get(channel.data_field()) {
                echo.insert(channel.data_field().to_owned(), submitted.clone());
                echo.insert(channel.value_field().to_owned(), old);
            }
        }
        Answer::ok(&Value::Object(echo))
    }

    fn post(&mut self, body: &Map<String, Value>, call: &Call, now: DateTime<Utc>) -> Answer {
        let skip = call.header("x-skip-duplicate-check") == Some("true");
        match self.create(body, Actor::ApiUser, skip, now) {
            Ok(id) => {
                let mut form = self.read(&id).unwrap_or_default();
                if let Some(Value::String(address)) = form.get_mut("emailAddress") {
                    *address = address.to_ascii_lowercase();
                }
                Answer::ok(&Value::Object(form))
            }
            Err(refusal) => self.refuse("", refusal),
        }
    }

    fn post_note(&mut self, body: &Map<String, Value>, now: DateTime<Utc>) -> Answer {
        let text = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or_default();
        let parent_id = text("parentId");
        if text("type") != "Post" || text("parentType") != self.switches.entity || self.record(parent_id).is_none() {
            return Answer::reason(StatusCode::FORBIDDEN, "No access to parent.");
        }
        if text("post").trim().is_empty() {
            return validation("Note", "post", "required");
        }
        let note = Note { id: self.new_id(), parent_id: parent_id.to_owned(), post: text("post").to_owned() };
        let answer = Answer::ok(&json!({
            "id": note.id,
            "type": "Post",
            "parentType": self.switches.entity,
            "parentId": note.parent_id,
            "post": note.post,
            "createdAt": espo_time(now),
        }));
        self.notes.push(note);
        answer
    }

    fn refuse(&self, id: &str, refusal: Refusal) -> Answer {
        match refusal {
            Refusal::NotFound => Answer::reason(StatusCode::NOT_FOUND, &format!("Record {id} not found.")),
            Refusal::Validation { field, kind } => {
                validation(&self.switches.entity, &Names::of(&self.switches).own(&field), kind)
            }
            Refusal::Modified { values, version_number } => {
                let body = json!({ "values": values, "versionNumber": version_number });
                Answer::json(StatusCode::CONFLICT, &body).with_header("x-status-reason", "modified")
            }
            Refusal::Duplicate { ids } => {
                let records = ids.iter().filter_map(|id| self.read(id)).map(Value::Object).collect();
                Answer::json(StatusCode::CONFLICT, &Value::Array(records)).with_header("x-status-reason", "duplicate")
            }
        }
    }

    fn list(&self, call: &Call, names: &Names) -> Answer {
        match self.page(call, names) {
            Ok(body) => Answer::ok(&body),
            Err((status, reason)) => Answer::reason(status, &reason),
        }
    }

    fn page(&self, call: &Call, names: &Names) -> Result<Value, (StatusCode, String)> {
        let given = names.parameters(parameters(call));
        let bad = |reason: String| (StatusCode::BAD_REQUEST, reason);
        let text = |name: &str| match given.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let filter = Where::of(&given).map_err(bad)?;
        // Zero or no number at all: an empty list, not an error.
        let max_size = text("maxSize").map_or(MAX_SIZE, |size| size.parse().unwrap_or(0));
        if max_size > MAX_SIZE {
            let reason = format!("Max size should not exceed {MAX_SIZE}. Use offset and limit.");
            return Err((StatusCode::FORBIDDEN, reason));
        }
        let offset = text("offset").and_then(|offset| offset.parse().ok()).unwrap_or(0);
        let order_by = text("orderBy").unwrap_or_else(|| "createdAt".to_owned());
        if !is_attribute(&order_by) {
            return Err(bad(format!("Order by non-existing field '{order_by}'.")));
        }
        let descending =
            text("order").map_or(!given.contains_key("orderBy"), |order| order.eq_ignore_ascii_case("desc"));
        let select: Option<Vec<String>> = text("select")
            .or_else(|| text("attributeSelect"))
            .map(|names| names.split(',').map(str::to_owned).collect());

        let mut found: Vec<&Record> =
            self.records().filter(|record| filter.holds(&|name: &str| self.filter_values(record, name))).collect();
        // Records come ordered by id, so a stable sort has the id as its second key.
        if order_by != "id" {
            found.sort_by_cached_key(|record| SortKey(self.attribute(record, &order_by)));
        }
        if descending {
            found.reverse();
        }
        let page = found.iter().skip(offset).take(max_size);
        let list: Vec<Value> = page.map(|record| Value::Object(self.list_form(record, select.as_deref()))).collect();
        let total = if call.header("x-no-total") == Some("true") {
            if found.len() > offset + max_size { -1 } else { -2 }
        } else {
            i64::try_from(found.len()).unwrap_or(i64::MAX)
        };
        Ok(json!({ "total": total, "list": list }))
    }

    fn unknown(&self, call: &Call) -> Answer {
        let path = call.uri.path();
        let controller = path.rsplit("/api/v1/").next().and_then(|rest| rest.split('/').next()).unwrap_or_default();
        if controller == self.switches.entity {
            return Answer::empty(StatusCode::METHOD_NOT_ALLOWED);
        }
        Answer::reason(StatusCode::NOT_FOUND, &format!("Controller '{controller}' does not exist."))
    }
}

#[derive(PartialEq)]
struct SortKey(Value);

impl Eq for SortKey {}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        order(&self.0, &other.0)
    }
}

/// Any type but JSON is silently ignored: the write becomes one of nothing. Malformed JSON is 500.
fn with_body(call: &Call, names: &Names, write: impl FnOnce(&Map<String, Value>) -> Answer) -> Answer {
    let declared = call.header("content-type").unwrap_or_default();
    if !declared.to_ascii_lowercase().starts_with("application/json") {
        return write(&Map::new());
    }
    match standard_body(names, call) {
        Some(body) => write(&body),
        None => Answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

pub(super) fn validation(entity: &str, field: &str, kind: &str) -> Answer {
    let body = json!({ "messageTranslation": {
        "label": "validationFailure", "scope": null, "data": { "field": field, "type": kind },
    }});
    Answer::json(StatusCode::BAD_REQUEST, &body).with_header(
        "x-status-reason",
        format!("Field validation failure; entityType: {entity}, field: {field}, type: {kind}."),
    )
}
