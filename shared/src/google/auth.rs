//! The service account's token (DOMAIN 6).
//!
//! Invariants: in one process one log-in at a time; once Google has refused who we are, nothing is asked for five minutes (E1); the
//! token is replaced before it ends. Tokens are not shared between processes: Google gives out as many as are asked for.

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::key::{NotSigned, ServiceAccount};
use crate::clock::Clock;
use crate::error::{ApiError, CREDENTIALS_PAUSE, ErrorKind, Operation, Refusal};
use crate::http::{Answer, Http, kind_of_status, parse_json};
use crate::json::{integer, text};

/// How long before its end a token is replaced; half of its life where that is shorter.
const REFRESH_EARLY: Duration = Duration::from_mins(2);

/// Life of a token whose answer does not say it.
const USUAL_LIFE: Duration = Duration::from_hours(1);

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An access token and the time to replace it.
#[derive(Clone)]
pub(super) struct Token {
    secret: SecretString,
    replace_at: DateTime<Utc>,
}

impl Token {
    /// For the header.
    pub(super) fn secret(&self) -> &str {
        self.secret.expose_secret()
    }

    fn is(&self, other: &Self) -> bool {
        self.secret() == other.secret()
    }
}

/// Gets tokens.
pub(super) struct Auth {
    account: ServiceAccount,
    http: Http,
    clock: Clock,
    /// The mutex makes the tasks of this process wait for one log-in.
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    /// The last failure and when it happened: whoever was waiting by then has failed, too, instead of trying in turn.
    failure: Option<(Instant, ApiError)>,
}

impl Auth {
    pub(super) fn new(account: ServiceAccount, http: Http, clock: Clock) -> Self {
        Self { account, http, clock, held: Mutex::default() }
    }

    /// A token that should be valid.
    pub(super) async fn token(&self) -> Result<Token, ApiError> {
        self.other_than(None).await
    }

    /// Another token, after `refused` got a 401.
    pub(super) async fn token_after(&self, refused: &Token) -> Result<Token, ApiError> {
        self.other_than(Some(refused)).await
    }

    /// A fresh token was refused: there is no use in asking for a third.
    pub(super) async fn give_up(&self, refused: &Token, error: &ApiError) {
        let mut held = self.held.lock().await;
        if held.token.as_ref().is_some_and(|token| token.is(refused)) {
            *held = Held { token: None, failure: Some((Instant::now(), error.clone())) };
        }
    }

    async fn other_than(&self, refused: Option<&Token>) -> Result<Token, ApiError> {
        let asked_at = Instant::now();
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        let is_usable = |token: &&Token| now < token.replace_at && !refused.is_some_and(|refused| refused.is(token));
        if let Some(token) = held.token.as_ref().filter(is_usable) {
            return Ok(token.clone());
        }
        if let Some((failed_at, error)) = &held.failure
            && (*failed_at >= asked_at || is_refusal(error) && failed_at.elapsed() < CREDENTIALS_PAUSE)
        {
            return Err(error.clone());
        }
        let result = self.log_in(now).await;
        *held = match &result {
            Ok(token) => Held { token: Some(token.clone()), failure: None },
            Err(error) => Held { token: None, failure: Some((Instant::now(), error.clone())) },
        };
        result
    }

    async fn log_in(&self, now: DateTime<Utc>) -> Result<Token, ApiError> {
        let assertion = self.account.assertion(now).map_err(|NotSigned| {
            ApiError::unanswered(Operation::GoogleToken, ErrorKind::Malformed { what: "the key does not sign" })
        })?;
        let url = self.account.token_uri().at(&[]);
        let form = [("grant_type", GRANT_TYPE), ("assertion", assertion.expose_secret())];
        let request = self.http.requests().post(url).form(&form);
        let (secret, life) = self.http.call(Operation::GoogleToken, request, read_log_in).await?;
        tracing::info!("logged in to Google");
        Ok(Token { secret, replace_at: now + life - REFRESH_EARLY.min(life / 2) })
    }
}

fn is_refusal(error: &ApiError) -> bool {
    matches!(error.kind, ErrorKind::CredentialsRefused(_))
}

/// Token and its life.
fn read_log_in(answer: &Answer) -> Result<(SecretString, Duration), ErrorKind> {
    match (answer.status.as_u16(), kind_of_status(answer)) {
        // Whatever the reason (a revoked key, a deleted account, a clock that goes wrong), the same question gets the same answer.
        (400 | 401 | 403, _) => Err(ErrorKind::CredentialsRefused(Refusal::ServiceAccountRefused)),
        (404, _) => Err(ErrorKind::WrongAddress),
        (_, Some(kind)) => Err(kind),
        (_, None) => {
            let Value::Object(fields) = parse_json(&answer.body)? else {
                return Err(ErrorKind::Malformed { what: "no object" });
            };
            let fits_header = |token: &&str| token.bytes().all(|byte| byte.is_ascii_graphic());
            let token = text(&fields, "access_token").filter(fits_header);
            let token = token.ok_or(ErrorKind::Malformed { what: "access_token is missing" })?;
            let seconds = fields.get("expires_in").and_then(integer).and_then(|seconds| u64::try_from(seconds).ok());
            let life = seconds.filter(|seconds| *seconds > 0).map_or(USUAL_LIFE, Duration::from_secs);
            Ok((SecretString::from(token), life.min(USUAL_LIFE)))
        }
    }
}
