//! Reading JSON that others wrote: tolerant in form, strict in presence.
//!
//! What is absent or of another kind is told as `None`; whether that is a fault is for the caller to say, with
//! [`ErrorKind::Malformed`](crate::error::ErrorKind::Malformed) and a fixed text, never with the content (E2).

use serde_json::{Map, Value};

/// A whole number, also where it is written as a text or as `3.0`.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only whole numbers within the exact range of f64 get here")]
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

/// A switch: a boolean, or a number that is not 0. Absent and null are off.
pub(crate) fn switch(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(on)) => *on,
        Some(other) => integer(other).is_some_and(|number| number != 0),
        None => false,
    }
}

/// A text that is not empty.
pub(crate) fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// A text, an empty one where it is null or absent; `None` for anything else.
pub(crate) fn text_or_empty<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    match object.get(key) {
        None | Some(Value::Null) => Some(""),
        Some(value) => value.as_str(),
    }
}

/// A value that is neither a text nor a number nor empty.
pub(crate) struct NoText;

/// What a person sees in a field: a text or a number written out, nothing where it is empty or null.
pub(crate) fn written(value: &Value) -> Result<Option<String>, NoText> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok((!text.is_empty()).then(|| text.clone())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(NoText),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_read_in_every_spelling_seen() {
        for value in [json!(3), json!("3"), json!(" 3 "), json!(3.0)] {
            assert_eq!(integer(&value), Some(3), "{value}");
        }
        for value in [json!(null), json!(3.5), json!("drei"), json!(""), json!([3]), json!(1e300), json!(true)] {
            assert_eq!(integer(&value), None, "{value}");
        }
    }

    #[test]
    fn a_switch_is_off_unless_it_says_on() {
        for on in [json!(true), json!(1), json!("1")] {
            assert!(switch(Some(&on)), "{on}");
        }
        for off in [json!(false), json!(0), json!(null), json!("no"), json!({})] {
            assert!(!switch(Some(&off)), "{off}");
        }
        assert!(!switch(None));
    }
}
