//! One call to Advoware's API: address, token, what it sends and what its answer means.

mod termine;

use domain::ids::{BetNr, KommId, RowId};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::Value;

use super::auth::Token;
use super::client::Shared;
use super::fields::Fields;
use super::map::{self, AdvoBeteiligte};
use super::record::AdvoRecord;
use super::termin::TerminRecord;
use super::wire::{self, KommunikationAnswer, KommunikationWrite};
use crate::error::{ApiError, ErrorKind, Operation, Refusal};
use crate::http::{Answer, Http, kind_of_status, parse_json};

/// Makes calls: with a permit for each, or under those that are held.
pub(super) struct Caller<'a> {
    pub(super) shared: &'a Shared,
    pub(super) http: &'a Http,
    /// `None`: whatever token is valid by then.
    pub(super) token: Option<&'a Token>,
}

/// One call without its credentials.
struct Call<'a> {
    operation: Operation,
    method: Method,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Option<Body<'a>>,
    /// Whether a success may come without a body: it then reads as null.
    may_answer_nothing: bool,
}

/// What a call sends.
#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Beteiligte(&'a AdvoRecord),
    Kommunikation(&'a KommunikationWrite),
    Termin(&'a TerminRecord),
}

impl Caller<'_> {
    /// One Beteiligte with all of its Kommunikationen: no further call is needed to read them.
    pub(super) async fn get_beteiligte(&self, bet_nr: BetNr) -> Result<AdvoBeteiligte, ApiError> {
        let number = bet_nr.to_string();
        let call = Call {
            operation: Operation::AdvowareGetBeteiligte,
            method: Method::GET,
            path: &["api", "v1", "advonet", "Beteiligte", &number],
            query: &[],
            body: None,
            may_answer_nothing: false,
        };
        let read = |answer| {
            let beteiligte = map::beteiligte(wire::Beteiligte::read(answer)?, bet_nr)?;
            // A proxy that mixed up two answers would write one person's numbers to another.
            if beteiligte.bet_nr == bet_nr {
                Ok(beteiligte)
            } else {
                Err(ErrorKind::Malformed { what: "betNr is not the one asked for" })
            }
        };
        self.call(&call, read).await
    }

    /// Creates a Beteiligte. An answer without its number, or with null, is no error: it has been created all the same.
    pub(super) async fn post_beteiligte(&self, record: &AdvoRecord) -> Result<Option<BetNr>, ApiError> {
        let call = Call {
            operation: Operation::AdvowarePostBeteiligte,
            method: Method::POST,
            path: &["api", "v1", "advonet", "Beteiligte"],
            query: &[],
            body: Some(Body::Beteiligte(record)),
            may_answer_nothing: false,
        };
        self.call(&call, |answer| Ok(AdvoRecord(Fields(wire::only_object(answer)?)).new_bet_nr())).await
    }

    /// Replaces the Stammdaten; answers the new change token, where it is told.
    pub(super) async fn put_beteiligte(&self, bet_nr: BetNr, record: &AdvoRecord) -> Result<Option<RowId>, ApiError> {
        let number = bet_nr.to_string();
        let call = Call {
            operation: Operation::AdvowarePutBeteiligte,
            method: Method::PUT,
            path: &["api", "v1", "advonet", "Beteiligte", &number],
            query: &[],
            body: Some(Body::Beteiligte(record)),
            may_answer_nothing: false,
        };
        self.call(&call, |answer| Ok(AdvoRecord(Fields(wire::only_object(answer)?)).row_id())).await
    }

    /// Adds a Kommunikation. Is never repeated where its outcome is unknown.
    pub(super) async fn post_kommunikation(
        &self,
        bet_nr: BetNr,
        write: &KommunikationWrite,
    ) -> Result<KommunikationAnswer, ApiError> {
        let number = bet_nr.to_string();
        let call = Call {
            operation: Operation::AdvowarePostKommunikation,
            method: Method::POST,
            path: &["api", "v1", "advonet", "Beteiligte", &number, "Kommunikationen"],
            query: &[],
            body: Some(Body::Kommunikation(write)),
            may_answer_nothing: false,
        };
        self.call(&call, KommunikationAnswer::read).await
    }

    /// Replaces a Kommunikation. Is never repeated where its outcome is unknown (K8b).
    pub(super) async fn put_kommunikation(
        &self,
        bet_nr: BetNr,
        id: KommId,
        write: &KommunikationWrite,
    ) -> Result<KommunikationAnswer, ApiError> {
        let (number, id) = (bet_nr.to_string(), id.to_string());
        let call = Call {
            operation: Operation::AdvowarePutKommunikation,
            method: Method::PUT,
            path: &["api", "v1", "advonet", "Beteiligte", &number, "Kommunikationen", &id],
            query: &[],
            body: Some(Body::Kommunikation(write)),
            may_answer_nothing: false,
        };
        self.call(&call, KommunikationAnswer::read).await
    }

    /// With the shared token; a 401 gets one new token and one more try (DOMAIN 1).
    async fn call<T>(&self, call: &Call<'_>, read: impl Fn(Value) -> Result<T, ErrorKind>) -> Result<T, ApiError> {
        let token = match self.token {
            Some(token) => token.clone(),
            None => self.shared.auth().token().await?,
        };
        match self.send(call, &token, &read).await {
            // Safe for writes too: what was not authorised was not carried out.
            Err(error) if error.kind == ErrorKind::CredentialsRefused(Refusal::TokenRejected) => {
                tracing::info!(operation = call.operation.name(), "Advoware refused the token, a new one is fetched");
                let fresh = self.shared.auth().token_after(&token).await?;
                self.send(call, &fresh, &read).await
            }
            result => result,
        }
    }

    async fn send<T>(
        &self,
        call: &Call<'_>,
        token: &Token,
        read: impl Fn(Value) -> Result<T, ErrorKind>,
    ) -> Result<T, ApiError> {
        let url = self.shared.api_base_url().await?.at(call.path);
        let mut request =
            self.http.requests().request(call.method.clone(), url).bearer_auth(token.secret().expose_secret());
        if !call.query.is_empty() {
            request = request.query(call.query);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let body_of = |answer: &Answer| {
            let is_nothing = answer.status.is_success() && answer.body.trim_ascii().is_empty();
            if call.may_answer_nothing && is_nothing { Ok(Value::Null) } else { body_of(answer) }
        };
        self.http.call(call.operation, request, |answer| read(body_of(answer)?)).await
    }
}

/// The body of a success, or what the status means.
pub(super) fn body_of(answer: &Answer) -> Result<Value, ErrorKind> {
    match (answer.status.as_u16(), kind_of_status(answer)) {
        (401, _) => Err(ErrorKind::CredentialsRefused(Refusal::TokenRejected)),
        (404, _) if wire::is_unknown_route(&answer.body) => Err(ErrorKind::WrongAddress),
        (_, Some(kind)) => Err(kind),
        (_, None) => parse_json(&answer.body),
    }
}
