//! One call to Google's API: address, token, what it sends and what its answer means (DOMAIN 6).

use reqwest::Method;
use reqwest::header::IF_MATCH;
use serde_json::{Map, Value};

use super::auth::{Auth, Token};
use super::wire::{self, Told};
use crate::error::{ApiError, ErrorKind, Operation, Refusal};
use crate::http::{Answer, BaseUrl, Http, kind_of_status, parse_json};

/// Makes calls.
pub(super) struct Caller {
    pub(super) http: Http,
    pub(super) api_base_url: BaseUrl,
    pub(super) auth: Auth,
}

/// One call without its credentials.
pub(super) struct Call<'a> {
    pub(super) operation: Operation,
    pub(super) method: Method,
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    /// The record must be as it was when it had this etag.
    pub(super) if_match: Option<&'a str>,
    pub(super) body: Option<&'a Map<String, Value>>,
}

impl<'a> Call<'a> {
    /// A read.
    pub(super) fn get(operation: Operation, path: &'a [&'a str]) -> Self {
        Self { operation, method: Method::GET, path, query: &[], if_match: None, body: None }
    }
}

impl Caller {
    /// With the token that is held; a 401 gets one new token and one more try, then nothing is asked for a while (E1).
    pub(super) async fn call<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(Value) -> Result<T, ErrorKind>,
    ) -> Result<T, ApiError> {
        self.call_for_answer(call, |answer| read(body_of(answer)?)).await
    }

    /// As [`Self::call`], for an answer without content.
    pub(super) async fn call_for_nothing(&self, call: &Call<'_>) -> Result<(), ApiError> {
        self.call_for_answer(call, |answer| kind_of_refusal(answer).map_or(Ok(()), Err)).await
    }

    async fn call_for_answer<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&Answer) -> Result<T, ErrorKind>,
    ) -> Result<T, ApiError> {
        let token = self.auth.token().await?;
        let result = self.send(call, &token, &read).await;
        // Safe for writes too: what was not authorised was not carried out.
        let Err(error) = &result else { return result };
        if !is_token_refused(error) {
            return result;
        }
        tracing::info!(operation = call.operation.name(), "Google refused the token, a new one is fetched");
        let fresh = self.auth.token_after(&token).await?;
        let result = self.send(call, &fresh, &read).await;
        if let Err(error) = &result
            && is_token_refused(error)
        {
            self.auth.give_up(&fresh, error).await;
        }
        result
    }

    async fn send<T>(
        &self,
        call: &Call<'_>,
        token: &Token,
        read: impl Fn(&Answer) -> Result<T, ErrorKind>,
    ) -> Result<T, ApiError> {
        let url = self.api_base_url.at(call.path);
        let mut request = self.http.requests().request(call.method.clone(), url).bearer_auth(token.secret());
        if !call.query.is_empty() {
            request = request.query(call.query);
        }
        if let Some(etag) = call.if_match {
            request = request.header(IF_MATCH, etag);
        }
        if let Some(body) = call.body {
            request = request.json(body);
        }
        self.http.call(call.operation, request, read).await
    }
}

fn is_token_refused(error: &ApiError) -> bool {
    error.kind == ErrorKind::CredentialsRefused(Refusal::ServiceTokenRejected)
}

/// The body of a success, or what the status means.
fn body_of(answer: &Answer) -> Result<Value, ErrorKind> {
    kind_of_refusal(answer).map_or_else(|| parse_json(&answer.body), Err)
}

/// What a status means at Google; `None` for success. 404 and 410 are evidence of a deletion (C4), so they count only in Google's own
/// words: a proxy, or a wrong base address, must not look like it.
fn kind_of_refusal(answer: &Answer) -> Option<ErrorKind> {
    let told = wire::told(&answer.body);
    let retry_after = answer.retry_after();
    Some(match (answer.status.as_u16(), told.reason.as_deref()) {
        // 403: an invitation that somebody else sent; its organizer alone may change it.
        (400, _) | (403, Some("forbiddenForNonOrganizer")) => rejected(told),
        (401, _) => ErrorKind::CredentialsRefused(Refusal::ServiceTokenRejected),
        (403, Some("rateLimitExceeded" | "userRateLimitExceeded")) => ErrorKind::RateLimited { retry_after },
        (403, Some("quotaExceeded")) => ErrorKind::QuotaExceeded,
        (404, Some("notFound")) | (410, Some("deleted")) => ErrorKind::NotFound,
        (404, _) => ErrorKind::WrongAddress,
        (409, Some("duplicate")) => ErrorKind::Duplicate,
        (410, Some("fullSyncRequired" | "updatedMinTooLongAgo")) => ErrorKind::FullSyncRequired,
        (412, _) => ErrorKind::Conflict,
        _ => return kind_of_status(answer),
    })
}

/// Names only: a message may quote content (E2).
fn rejected(told: Told) -> ErrorKind {
    ErrorKind::Rejected { field: told.location, rule: told.reason }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::StatusCode;
    use reqwest::header::{HeaderMap, RETRY_AFTER};

    use super::*;

    fn kind(status: u16, reason: &str) -> Option<ErrorKind> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "7".parse().unwrap());
        let body = match reason {
            "" => b"<html>proxy</html>".to_vec(),
            _ => format!(r#"{{"error": {{"errors": [{{"reason": "{reason}", "message": "a@example.com"}}]}}}}"#).into(),
        };
        kind_of_refusal(&Answer { status: StatusCode::from_u16(status).unwrap(), headers, body })
    }

    #[test]
    fn e1_a_refusal_is_typed_by_what_happens_next() {
        let throttled = Some(ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(7)) });
        assert_eq!(kind(403, "rateLimitExceeded"), throttled);
        assert_eq!(kind(403, "userRateLimitExceeded"), throttled);
        assert_eq!(kind(429, "rateLimitExceeded"), throttled);
        assert_eq!(kind(429, ""), throttled);
        assert_eq!(kind(403, "quotaExceeded"), Some(ErrorKind::QuotaExceeded));
        assert_eq!(kind(403, "requiredAccessLevel"), Some(ErrorKind::Forbidden));
        assert_eq!(kind(409, "duplicate"), Some(ErrorKind::Duplicate));
        assert_eq!(kind(412, "conditionNotMet"), Some(ErrorKind::Conflict));
        assert_eq!(kind(410, "fullSyncRequired"), Some(ErrorKind::FullSyncRequired));
        assert_eq!(kind(410, "updatedMinTooLongAgo"), Some(ErrorKind::FullSyncRequired));
        assert_eq!(kind(500, "backendError"), Some(ErrorKind::ServerFault));
        assert_eq!(kind(200, ""), None);
    }

    #[test]
    fn c4_only_googles_own_words_are_evidence_of_a_deletion() {
        assert_eq!(kind(404, "notFound"), Some(ErrorKind::NotFound));
        assert_eq!(kind(410, "deleted"), Some(ErrorKind::NotFound));
        assert_eq!(kind(404, ""), Some(ErrorKind::WrongAddress));
        assert_eq!(kind(410, ""), Some(ErrorKind::UnexpectedStatus));
    }

    #[test]
    fn e2_of_a_refusal_only_names_are_kept() {
        let rule = |reason: &str| ErrorKind::Rejected { field: None, rule: Some(reason.to_owned()) };
        assert_eq!(kind(400, "timeRangeEmpty"), Some(rule("timeRangeEmpty")));
        assert_eq!(kind(400, "a@example.com"), Some(ErrorKind::Rejected { field: None, rule: None }));
    }
}
