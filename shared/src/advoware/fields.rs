//! A record of Advoware as it is on the wire, with all of its fields, also those that we do not know.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::json::{integer, text};

/// What a PUT starts from: it replaces the whole record (A, DOMAIN 2, 3).
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    /// The same with one field changed.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// A field; null where it is absent.
    pub(super) fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    /// The whole number in the first of these spellings that holds one.
    pub(super) fn number(&self, spellings: &[&str]) -> Option<i64> {
        spellings.iter().find_map(|name| integer(self.get(name)))
    }

    /// A text that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        text(&self.0, name)
    }
}

impl fmt::Debug for Fields {
    /// Names only (E2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn e2_debug_output_holds_names_only() {
        let fields = Fields::default().with("name", json!("Muster")).with("vorname", json!("Erika"));
        assert_eq!(format!("{fields:?}"), r#"{"name", "vorname"}"#);
    }
}
