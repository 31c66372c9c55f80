//! Calls to EspoCRM's API.

use std::sync::Arc;

use domain::ids::EspoId;
use domain::kommunikation::PhoneFormat;
use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::filter::{self, Filter, ListPage, PageRequest};
use super::key_guard::KeyGuard;
use super::map::{self, EspoBeteiligte};
use super::names::FieldNames;
use super::patch::{EspoPatch, UpdateAnswer};
use super::wire;
use crate::error::{ApiError, ErrorKind, Operation, Refusal};
use crate::http::{Answer, BaseUrl, Http, SetupError, kind_of_status, parse_json};
use crate::settings::EspocrmSettings;

const STATUS_REASON: &str = "X-Status-Reason";

/// EspoCRM. Cloning is cheap and shares the connections.
#[derive(Clone)]
pub struct Espocrm(Arc<Shared>);

struct Shared {
    http: Http,
    api_base_url: BaseUrl,
    api_key: HeaderValue,
    names: FieldNames,
    phone_format: PhoneFormat,
    guard: KeyGuard,
}

impl Espocrm {
    /// Makes no call yet.
    pub fn new(settings: &EspocrmSettings) -> Result<Self, SetupError> {
        let mut api_key = HeaderValue::from_str(settings.api_key.expose_secret())
            .map_err(|_| SetupError::new("ESPOCRM_API_KEY holds characters that a header cannot carry"))?;
        api_key.set_sensitive(true);
        Ok(Self(Arc::new(Shared {
            http: Http::new(settings.timeout)?,
            api_base_url: settings.api_base_url.clone(),
            api_key,
            names: settings.fields.clone(),
            phone_format: settings.phone_format,
            guard: KeyGuard::default(),
        })))
    }

    /// How it gets numbers that are new to it.
    pub fn phone_format(&self) -> PhoneFormat {
        self.0.phone_format
    }

    /// One record with its phones and mails.
    pub async fn get_beteiligte(&self, id: &EspoId) -> Result<EspoBeteiligte, ApiError> {
        let request = self.request(Method::GET, &[self.0.names.entity(), id.as_str()]);
        self.call(Operation::EspocrmGetBeteiligte, request, |answer| map::beteiligte(self.0.names.incoming(answer), id))
            .await
    }

    /// Sets some fields. With `version`, EspoCRM answers [`ErrorKind::Conflict`] if somebody changed the record since,
    /// provided that optimistic concurrency is on and the patch changes anything (DOMAIN 5).
    pub async fn update_beteiligte(
        &self,
        id: &EspoId,
        patch: &EspoPatch,
        version: Option<i64>,
    ) -> Result<UpdateAnswer, ApiError> {
        // `json` sends exactly `application/json`; a body of any other type is silently ignored (DOMAIN 5).
        let mut request =
            self.request(Method::PUT, &[self.0.names.entity(), id.as_str()]).json(&self.0.names.outgoing(patch.body()));
        if let Some(version) = version {
            request = request.header("X-Version-Number", version);
        }
        self.call(Operation::EspocrmUpdateBeteiligte, request, |answer| {
            UpdateAnswer::read(self.0.names.incoming(answer))
        })
        .await
    }

    /// One page of records; without phones and mails, which no list carries. EspoCRM does not count them, which would cost it more than
    /// the page.
    pub async fn list_beteiligte(&self, filter: &Filter, page: &PageRequest) -> Result<ListPage, ApiError> {
        let request = self.list(filter::query(filter, page)).header("X-No-Total", "true");
        let read = |answer| {
            let (elements, _) = wire::list(answer)?;
            let count = elements.len();
            let records: Vec<_> =
                elements.into_iter().filter_map(|element| map::listed(self.0.names.incoming(element))).collect();
            let unreadable = u32::try_from(count - records.len()).unwrap_or(u32::MAX);
            let next = page.next(count, records.last().map(|record| record.id.clone()));
            Ok(ListPage { records, unreadable, next })
        };
        self.call(Operation::EspocrmListBeteiligte, request, read).await
    }

    /// How many records a list has; `None` where EspoCRM does not count.
    pub async fn count_beteiligte(&self, filter: &Filter) -> Result<Option<u32>, ApiError> {
        let request = self.list(filter::count_query(filter));
        self.call(Operation::EspocrmListBeteiligte, request, |answer| Ok(wire::list(answer)?.1)).await
    }

    fn list(&self, query: Vec<(String, String)>) -> RequestBuilder {
        self.request(Method::GET, &[self.0.names.entity()]).query(&self.0.names.outgoing_query(query))
    }

    /// Posts into the record's stream, which its followers are notified of. API users may not create notifications, and
    /// maybe not this either: then the answer is [`ErrorKind::Forbidden`].
    pub async fn post_note(&self, id: &EspoId, text: &str) -> Result<(), ApiError> {
        let note = json!({"type": "Post", "parentType": self.0.names.entity(), "parentId": id.as_str(), "post": text});
        let request = self.request(Method::POST, &["Note"]).json(&note);
        self.call(Operation::EspocrmPostNote, request, |_| Ok(())).await
    }

    pub(super) fn names(&self) -> &FieldNames {
        &self.0.names
    }

    pub(super) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let url = self.0.api_base_url.at(path);
        self.0.http.requests().request(method, url).header("X-Api-Key", &self.0.api_key)
    }

    pub(super) async fn call<T>(
        &self,
        operation: Operation,
        request: RequestBuilder,
        read: impl Fn(Value) -> Result<T, ErrorKind>,
    ) -> Result<T, ApiError> {
        let _pass = self.0.guard.pass(operation).await?;
        let read = |answer: &Answer| match kind_of_refusal(answer) {
            Some(kind) => Err(kind),
            None => read(parse_json(&answer.body)?),
        };
        let result = self.0.http.call(operation, request, read).await;
        self.0.guard.note(&result);
        result
    }
}

/// What a status means at EspoCRM; `None` for success (DOMAIN 5).
fn kind_of_refusal(answer: &Answer) -> Option<ErrorKind> {
    let reason = answer.header(STATUS_REASON).filter(|reason| !reason.is_empty());
    Some(match (answer.status.as_u16(), reason) {
        (400, reason) => rejected(reason.unwrap_or_default()),
        (401, _) => ErrorKind::CredentialsRefused(Refusal::ApiKeyRejected),
        (403, None) if answer.body.is_empty() => ErrorKind::LockedOut,
        (404, Some(reason)) if reason.starts_with("Controller") => ErrorKind::WrongAddress,
        _ => return kind_of_status(answer),
    })
}

/// Field and rule of `Field validation failure; entityType: X, field: Y, type: Z.`; nothing else of a reason is kept.
fn rejected(reason: &str) -> ErrorKind {
    let named = |key: &str| {
        let (_, rest) = reason.split_once(key)?;
        let name = rest.split([',', '.']).next()?.trim();
        let is_name = (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        is_name.then(|| name.to_owned())
    };
    if !reason.starts_with("Field validation failure") {
        return ErrorKind::Rejected { field: None, rule: None };
    }
    ErrorKind::Rejected { field: named(" field: "), rule: named(" type: ") }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;

    fn kind(status: u16, reason: Option<&str>, body: &str) -> Option<ErrorKind> {
        let mut headers = HeaderMap::new();
        if let Some(reason) = reason {
            headers.insert(STATUS_REASON, reason.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        kind_of_refusal(&Answer { status, headers, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn a_lock_out_is_told_from_a_missing_right() {
        assert_eq!(kind(403, None, ""), Some(ErrorKind::LockedOut));
        assert_eq!(kind(403, Some("No read access."), ""), Some(ErrorKind::Forbidden));
        assert_eq!(kind(403, None, "<html>proxy</html>"), Some(ErrorKind::Forbidden));
    }

    #[test]
    fn an_unknown_entity_type_is_no_missing_record() {
        assert_eq!(kind(404, Some("Record 1 does not exist."), ""), Some(ErrorKind::NotFound));
        assert_eq!(kind(404, Some("Controller 'CBeteiligte' does not exist."), ""), Some(ErrorKind::WrongAddress));
        assert_eq!(kind(409, Some("modified"), "{}"), Some(ErrorKind::Conflict));
        assert_eq!(kind(200, None, "{}"), None);
    }

    #[test]
    fn e2_of_a_refusal_only_names_are_kept() {
        let read = |reason| kind(400, Some(reason), "").unwrap();
        assert_eq!(
            read("Field validation failure; entityType: CBeteiligte, field: phoneNumberData, type: valid."),
            ErrorKind::Rejected { field: Some("phoneNumberData".into()), rule: Some("valid".into()) }
        );
        let nothing = ErrorKind::Rejected { field: None, rule: None };
        assert_eq!(read("Not existing attribute 'a@example.com' in where."), nothing);
        assert_eq!(read("Field validation failure; field: a@example.com"), nothing);
    }
}
