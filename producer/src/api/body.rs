//! A request's body, read strictly: a misspelt field must not widen what is done.

use serde::de::DeserializeOwned;

use super::Refusal;

/// The object in a body, which should have been as `expected` says.
pub(super) fn object<T: DeserializeOwned>(body: &[u8], expected: &str) -> Result<T, Refusal> {
    // The library would also take the fields without their names, as an array.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Refusal::Invalid(format!("the body is no JSON object: {expected}")));
    }
    // Its own text may quote what was sent; the place is enough to find it.
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Refusal::Invalid(format!("the body is not understood from line {line}, column {column} on: {expected}"))
    })
}
