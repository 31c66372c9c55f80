//! An answer with its body read, and what its status means where the system has no say of its own.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::MAX_RETRY_AFTER;
use crate::error::ErrorKind;

/// A complete answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header's text; `None` if it is missing or not ASCII.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Retry-After` in seconds, within bounds. The form with a date is not used by any of the systems.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header(RETRY_AFTER.as_str())?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
    }
}

/// What a status means in general; `None` for success. 400, 401, 403 and 404 are read by each client in its own way first.
pub(crate) fn kind_of_status(answer: &Answer) -> Option<ErrorKind> {
    Some(match answer.status.as_u16() {
        200..=299 => return None,
        400 | 422 => ErrorKind::Rejected { field: None, rule: None },
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited { retry_after: answer.retry_after() },
        500 => ErrorKind::ServerFault,
        502..=504 => ErrorKind::Unavailable { retry_after: answer.retry_after() },
        _ => ErrorKind::UnexpectedStatus,
    })
}

/// The body as JSON. The parser's own text is dropped: it may quote content (E2).
pub(crate) fn parse_json(body: &[u8]) -> Result<Value, ErrorKind> {
    // Some servers put a byte order mark before JSON; the parser does not take it.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body)
        .map_err(|error| if error.is_eof() { ErrorKind::Truncated } else { ErrorKind::Malformed { what: "not JSON" } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert(RETRY_AFTER, text.parse().unwrap());
        }
        Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: Vec::new() }
    }

    #[test]
    fn retry_after_is_followed_within_bounds() {
        let wait = |text| match kind_of_status(&answer(503, Some(text))) {
            Some(ErrorKind::Unavailable { retry_after }) => retry_after,
            other => panic!("{other:?}"),
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("86400"), Some(MAX_RETRY_AFTER));
        assert_eq!(wait("Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(wait("-1"), None);
    }

    #[test]
    fn every_status_but_success_is_an_error() {
        for status in 100..600 {
            let kind = kind_of_status(&answer(status, None));
            assert_eq!(kind.is_none(), (200..300).contains(&status), "{status}");
        }
    }

    #[test]
    fn an_empty_or_cut_body_is_truncated_and_garbage_is_malformed() {
        assert_eq!(parse_json(b""), Err(ErrorKind::Truncated));
        assert_eq!(parse_json(b"{\"a\": [1, 2"), Err(ErrorKind::Truncated));
        assert_eq!(parse_json(b"<html>"), Err(ErrorKind::Malformed { what: "not JSON" }));
        assert!(parse_json(b"\xef\xbb\xbf{}").is_ok());
    }
}
