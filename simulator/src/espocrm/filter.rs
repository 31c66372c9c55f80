//! List parameters: PHP's nested query arrays and where items (reference E3).

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::call::Call;
use crate::espocrm::field::{COMPUTED, field};

/// Reads `where[0][type]=...` and the like into a tree of objects keyed by the path's parts. `searchParams`, one JSON,
/// replaces it all.
pub(crate) fn parameters(call: &Call) -> Map<String, Value> {
    let mut tree = Map::new();
    for (name, value) in call.query() {
        if name == "searchParams" {
            if let Ok(Value::Object(given)) = serde_json::from_str(&value) {
                return given;
            }
            continue;
        }
        let parts: Vec<&str> = name.split('[').map(|part| part.trim_end_matches(']')).collect();
        plant(&mut tree, &parts, value);
    }
    tree
}

fn plant(tree: &mut Map<String, Value>, parts: &[&str], value: String) {
    let [first, rest @ ..] = parts else { return };
    // `value[]=a&value[]=b` counts up by itself.
    let key = if first.is_empty() { tree.len().to_string() } else { (*first).to_owned() };
    if rest.is_empty() {
        tree.insert(key, Value::String(value));
    } else if let Value::Object(inner) = tree.entry(key).or_insert_with(|| Value::Object(Map::new())) {
        plant(inner, rest, value);
    }
}

/// The elements of a JSON array, or of a PHP array in the order of its numeric keys.
fn elements(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Object(map)) => {
            let mut keyed: Vec<(usize, &Value)> =
                map.iter().filter_map(|(key, item)| Some((key.parse().ok()?, item))).collect();
            keyed.sort_by_key(|(key, _)| *key);
            keyed.into_iter().map(|(_, item)| item).collect()
        }
        Some(other) => vec![other],
        None => Vec::new(),
    }
}

/// A checked where item.
#[derive(Debug, Clone)]
pub(crate) enum Where {
    And(Vec<Where>),
    Or(Vec<Where>),
    Not(Box<Where>),
    Compare { attribute: String, kind: String, values: Vec<Value> },
}

const COMPARISONS: [&str; 23] = [
    "equals",
    "notEquals",
    "in",
    "notIn",
    "isNull",
    "isNotNull",
    "isTrue",
    "isFalse",
    "like",
    "notLike",
    "contains",
    "notContains",
    "startsWith",
    "endsWith",
    "greaterThan",
    "greaterThanOrEquals",
    "lessThan",
    "lessThanOrEquals",
    "after",
    "before",
    "between",
    "on",
    "notOn",
];

impl Where {
    /// All items of a list request together; `Err` is the reason of a 400.
    pub(crate) fn of(parameters: &Map<String, Value>) -> Result<Self, String> {
        Self::all(parameters.get("where").or_else(|| parameters.get("whereGroup"))).map(Self::And)
    }

    fn all(items: Option<&Value>) -> Result<Vec<Self>, String> {
        elements(items).into_iter().map(Self::item).collect()
    }

    fn item(item: &Value) -> Result<Self, String> {
        let kind = item.get("type").and_then(Value::as_str).ok_or("No 'type' in where item.")?;
        match kind {
            "and" => return Self::all(item.get("value")).map(Self::And),
            "or" => return Self::all(item.get("value")).map(Self::Or),
            "not" => return Ok(Self::Not(Box::new(Self::And(Self::all(item.get("value"))?)))),
            _ => {}
        }
        let attribute = item.get("attribute").or_else(|| item.get("field")).and_then(Value::as_str);
        let attribute = attribute.ok_or("No 'attribute' in where item.")?;
        if !is_attribute(attribute) {
            return Err(format!("Not existing attribute '{attribute}' in where."));
        }
        if !COMPARISONS.contains(&kind) {
            return Err(format!("Unknown where type '{kind}'."));
        }
        let values = elements(item.get("value")).into_iter().cloned().collect();
        Ok(Self::Compare { attribute: attribute.to_owned(), kind: kind.to_owned(), values })
    }

    /// `read` gives an attribute's values: one, or every linked address.
    pub(crate) fn holds(&self, read: &impl Fn(&str) -> Vec<Value>) -> bool {
        match self {
            Self::And(items) => items.iter().all(|item| item.holds(read)),
            Self::Or(items) => items.iter().any(|item| item.holds(read)),
            Self::Not(item) => !item.holds(read),
            Self::Compare { attribute, kind, values } => compare(kind, &read(attribute), values),
        }
    }
}

pub(crate) fn is_attribute(name: &str) -> bool {
    field(name).is_some() || COMPUTED.contains(&name)
}

/// SQL semantics: null compares to nothing.
fn compare(kind: &str, stored: &[Value], wanted: &[Value]) -> bool {
    let present: Vec<&Value> = stored.iter().filter(|value| !value.is_null()).collect();
    let first = wanted.first().unwrap_or(&Value::Null);
    let any = |test: &dyn Fn(Ordering) -> bool| present.iter().any(|value| test(order(value, first)));
    let text = |test: &dyn Fn(&str, &str) -> bool| {
        present.iter().any(|value| test(&plain(value).to_lowercase(), &plain(first).to_lowercase()))
    };
    match kind {
        "equals" | "on" if first.is_null() => present.is_empty(),
        "equals" | "on" => any(&Ordering::is_eq),
        "notEquals" | "notOn" => present.is_empty() || !any(&Ordering::is_eq),
        "in" => wanted.iter().any(|one| present.iter().any(|value| order(value, one).is_eq())),
        "notIn" => !wanted.iter().any(|one| present.iter().any(|value| order(value, one).is_eq())),
        "isNull" => present.is_empty(),
        "isNotNull" => !present.is_empty(),
        "isTrue" => present.iter().any(|value| value.as_bool() == Some(true)),
        "isFalse" => !present.iter().any(|value| value.as_bool() == Some(true)),
        "greaterThan" | "after" => any(&Ordering::is_gt),
        "greaterThanOrEquals" => any(&Ordering::is_ge),
        "lessThan" | "before" => any(&Ordering::is_lt),
        "lessThanOrEquals" => any(&Ordering::is_le),
        "between" => {
            any(&Ordering::is_ge)
                && wanted.get(1).is_some_and(|end| compare("lessThanOrEquals", stored, std::slice::from_ref(end)))
        }
        "contains" => text(&|have, want| have.contains(want)),
        "notContains" => !text(&|have, want| have.contains(want)),
        "startsWith" => text(&|have, want| have.starts_with(want)),
        "endsWith" => text(&|have, want| have.ends_with(want)),
        "like" => text(&like),
        "notLike" => !text(&like),
        _ => false,
    }
}

/// `%` stands for any text.
fn like(have: &str, pattern: &str) -> bool {
    let mut rest = have;
    let parts: Vec<&str> = pattern.split('%').collect();
    for (at, part) in parts.iter().enumerate() {
        let found = if at == 0 { rest.starts_with(part).then_some(0) } else { rest.find(part) };
        let Some(found) = found else { return false };
        rest = rest.get(found + part.len()..).unwrap_or_default();
    }
    parts.last().is_some_and(|last| last.is_empty()) || rest.is_empty()
}

/// Numbers by value, everything else as text without regard to case, as the database's collation does.
pub(crate) fn order(left: &Value, right: &Value) -> Ordering {
    if left.is_number()
        && let (Some(left), Ok(right)) = (left.as_f64(), plain(right).trim().parse::<f64>())
    {
        return left.total_cmp(&right);
    }
    plain(left).to_lowercase().cmp(&plain(right).to_lowercase())
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
