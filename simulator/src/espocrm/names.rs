//! A firm's own names for fields and the entity type, on the wire only: within, everything has its standard name.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::call::{Answer, Call};
use crate::espocrm::EspoSwitches;

/// Parameters of a list that name one attribute.
const ONE_NAME: [&str; 3] = ["attribute", "field", "orderBy"];
/// Parameters of a list that name several, separated by commas.
const MORE_NAMES: [&str; 2] = ["select", "attributeSelect"];

/// Both directions of the renaming.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// By standard name.
    own: BTreeMap<String, String>,
    /// Standard names of fields that the firm has not at all.
    missing: BTreeSet<String>,
}

impl Names {
    pub(super) fn of(switches: &EspoSwitches) -> Self {
        Self { own: switches.renamed_fields.clone(), missing: switches.missing_fields.clone() }
    }

    /// The firm's name of a standard field.
    pub(super) fn own(&self, standard: &str) -> String {
        self.own.get(standard).map_or_else(|| standard.to_owned(), Clone::clone)
    }

    /// The standard name of what the firm calls so. A standard name that was renamed is no field any more.
    fn standard(&self, own: &str) -> String {
        let renamed = self.own.iter().find(|(_, name)| *name == own).map(|(standard, _)| standard.clone());
        match renamed {
            Some(standard) => standard,
            None if self.own.contains_key(own) || self.missing.contains(own) => {
                format!("{own}, which this firm has not")
            }
            None => own.to_owned(),
        }
    }

    /// A body as it arrived, in standard names.
    pub(super) fn body(&self, body: &Map<String, Value>) -> Map<String, Value> {
        body.iter().map(|(name, value)| (self.standard(name), value.clone())).collect()
    }

    /// The parameters of a list, in standard names.
    pub(super) fn parameters(&self, given: Map<String, Value>) -> Map<String, Value> {
        let translated = |(name, value): (String, Value)| {
            let value = self.parameter(&name, value);
            (name, value)
        };
        given.into_iter().map(translated).collect()
    }

    fn parameter(&self, name: &str, value: Value) -> Value {
        match value {
            Value::Object(inner) => Value::Object(self.parameters(inner)),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.parameter(name, item)).collect()),
            Value::String(text) if ONE_NAME.contains(&name) => Value::String(self.standard(&text)),
            Value::String(text) if MORE_NAMES.contains(&name) => {
                let names: Vec<String> = text.split(',').map(|one| self.standard(one)).collect();
                Value::String(names.join(","))
            }
            other => other,
        }
    }

    /// An answer in the firm's names: a record, a list of them, or the values of a refused write.
    pub(super) fn answer(&self, answer: Answer) -> Answer {
        let may_name_fields = answer.status == StatusCode::OK || answer.status == StatusCode::CONFLICT;
        match answer.body_json() {
            Some(body) if may_name_fields && !(self.own.is_empty() && self.missing.is_empty()) => {
                Answer { body: Answer::ok(&self.record(body)).body, ..answer }
            }
            _ => answer,
        }
    }

    fn record(&self, body: Value) -> Value {
        match body {
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.record(item)).collect()),
            Value::Object(fields) => Value::Object(
                fields
                    .into_iter()
                    .filter(|(name, _)| !self.missing.contains(name))
                    .map(|(name, value)| match name.as_str() {
                        "list" | "values" => (name, self.record(value)),
                        _ => (self.own(&name), value),
                    })
                    .collect(),
            ),
            other => other,
        }
    }
}

/// The request's JSON object in standard names.
pub(super) fn standard_body(names: &Names, call: &Call) -> Option<Map<String, Value>> {
    match call.json() {
        Some(Value::Object(body)) => Some(names.body(&body)),
        Some(Value::Array(items)) => Some(Map::from_iter([("list".to_owned(), Value::Array(items))])),
        _ => None,
    }
}
