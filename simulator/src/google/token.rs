//! The token endpoint of a service account and what its access tokens open (reference G14).

use std::collections::HashMap;

use axum::http::{StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::dice::Dice;
use crate::google::key::service_key;
use crate::google::refusal::Refusal;
use crate::google::{GoogleReason, GoogleSwitches};
use crate::operation::Operation;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The audience that Google's own client library names, whatever the key file's `token_uri` says; the simulator stands in for
/// that endpoint, so it is an audience here, too (seen in google-auth 2.63).
const GOOGLE_AUDIENCE: &str = "https://oauth2.googleapis.com/token";
/// Longest life of an assertion.
const ASSERTION_SECONDS: i64 = 3600;
/// How far clocks may differ (assumption).
const SKEW_SECONDS: i64 = 300;
const SCOPE_PREFIX: &str = "https://www.googleapis.com/auth/";
const SCOPES: [&str; 12] = [
    "calendar",
    "calendar.readonly",
    "calendar.events",
    "calendar.events.readonly",
    "calendar.events.owned",
    "calendar.app.created",
    "calendar.acls",
    "calendar.acls.readonly",
    "calendar.calendarlist",
    "calendar.calendarlist.readonly",
    "calendar.calendars",
    "calendar.calendars.readonly",
];

#[derive(Debug, Clone)]
struct Grant {
    expires: DateTime<Utc>,
    scopes: Vec<String>,
}

/// Access tokens given out.
#[derive(Debug)]
pub(crate) struct Tokens {
    client_email: String,
    token_uri: String,
    grants: HashMap<String, Grant>,
    dice: Dice,
}

/// OAuth's error code, its description, its status.
type Denied = (StatusCode, &'static str, &'static str);

fn denied(error: &'static str, description: &'static str) -> Denied {
    (StatusCode::BAD_REQUEST, error, description)
}

impl Tokens {
    pub(crate) fn new(client_email: String, token_uri: String, seed: u64) -> Self {
        Self { client_email, token_uri, grants: HashMap::new(), dice: Dice::new(seed ^ 0x0047_4F4F) }
    }

    pub(crate) fn key_file(&self) -> Value {
        service_key().file(&self.client_email, &self.token_uri)
    }

    /// `real_now` is the machine's clock, by which the programs under test live: an assertion must be timely by one of both.
    pub(crate) fn answer(
        &mut self,
        call: &Call,
        switches: &GoogleSwitches,
        now: DateTime<Utc>,
        real_now: DateTime<Utc>,
    ) -> Answer {
        match self.check(call, switches, [now, real_now]) {
            Ok(scopes) => {
                let token = format!("ya29.{}", self.dice.letters(b"abcdefghijklmnopqrstuvwxyz0123456789", 64));
                let expires = now + TimeDelta::seconds(switches.token_lifetime_seconds);
                self.grants.retain(|_, grant| grant.expires > now);
                self.grants.insert(token.clone(), Grant { expires, scopes });
                let lifetime_seconds = switches.token_lifetime_seconds;
                Answer::ok(&json!({ "access_token": token, "expires_in": lifetime_seconds, "token_type": "Bearer" }))
            }
            Err((status, error, description)) => {
                Answer::json(status, &json!({ "error": error, "error_description": description }))
            }
        }
    }

    /// The scopes asked for.
    fn check(&self, call: &Call, switches: &GoogleSwitches, clocks: [DateTime<Utc>; 2]) -> Result<Vec<String>, Denied> {
        let form = form(call).ok_or(denied("invalid_request", "Missing parameter: grant_type"))?;
        if form.get("grant_type").map(String::as_str) != Some(GRANT_TYPE) {
            return Err(denied("unsupported_grant_type", "Invalid grant_type"));
        }
        let assertion = form.get("assertion").ok_or(denied("invalid_request", "Missing parameter: assertion"))?;
        let malformed = denied("invalid_grant", "Bad Request");
        let (signed, signature) = assertion.rsplit_once('.').ok_or(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(malformed)?;
        let header = part(header).ok_or(malformed)?;
        let claims = part(claims).ok_or(malformed)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();

        if text("iss") != self.client_email || switches.refuse_account {
            return Err(denied("invalid_grant", "Invalid grant: account not found"));
        }
        if header.get("alg") != Some(&json!("RS256")) {
            return Err(denied("invalid_grant", "Invalid JWT: only RS256 is supported."));
        }
        let key = service_key();
        if header.get("kid").is_some_and(|kid| *kid != json!(key.id)) {
            return Err(denied("invalid_grant", "Invalid JWT Signature."));
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?;
        if !key.verifies(signed.as_bytes(), &signature) {
            return Err(denied("invalid_grant", "Invalid JWT Signature."));
        }
        if ![self.token_uri.as_str(), GOOGLE_AUDIENCE].contains(&text("aud")) {
            return Err(denied("invalid_grant", "Invalid JWT: Failed audience check."));
        }
        if !is_timely(&claims, clocks) {
            let description = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable \
                               timeframe. Check your iat and exp values in the JWT claim.";
            return Err(denied("invalid_grant", description));
        }
        // Delegation does not exist for consumer accounts.
        if claims.contains_key("sub") && text("sub") != self.client_email {
            let description = "Client is unauthorized to retrieve access tokens using this method, or client not \
                               authorized for any of the scopes requested.";
            return Err((StatusCode::UNAUTHORIZED, "unauthorized_client", description));
        }
        let scopes: Vec<String> = text("scope").split_whitespace().map(str::to_owned).collect();
        let known = |scope: &String| scope.strip_prefix(SCOPE_PREFIX).is_some_and(|name| SCOPES.contains(&name));
        if scopes.is_empty() || !scopes.iter().all(known) {
            return Err(denied("invalid_scope", "Invalid OAuth scope or ID token audience provided."));
        }
        Ok(scopes)
    }

    /// Refuses a call whose token is missing, worthless, or not meant for it.
    pub(crate) fn admit(&self, call: &Call, operation: Operation, now: DateTime<Utc>) -> Result<(), Refusal> {
        let grant = bearer(call).and_then(|token| self.grants.get(token)).filter(|grant| grant.expires > now);
        let grant = grant.ok_or(GoogleReason::AuthError)?;
        let wanted = scopes_for(operation);
        let holds = |scope: &String| scope.strip_prefix(SCOPE_PREFIX).is_some_and(|name| wanted.contains(&name));
        if grant.scopes.iter().any(holds) { Ok(()) } else { Err(GoogleReason::InsufficientPermissions.into()) }
    }

    pub(crate) fn revoke(&mut self, call: &Call) {
        if let Some(token) = bearer(call) {
            self.grants.remove(token);
        }
    }

    pub(crate) fn revoke_all(&mut self) {
        self.grants.clear();
    }
}

/// The scopes of which one is enough.
fn scopes_for(operation: Operation) -> &'static [&'static str] {
    match operation {
        Operation::GoogleEventList | Operation::GoogleEventGet => {
            &["calendar", "calendar.readonly", "calendar.events", "calendar.events.readonly", "calendar.app.created"]
        }
        Operation::GoogleEventInsert
        | Operation::GoogleEventPatch
        | Operation::GoogleEventUpdate
        | Operation::GoogleEventDelete => {
            &["calendar", "calendar.events", "calendar.events.owned", "calendar.app.created"]
        }
        Operation::GoogleCalendarInsert => &["calendar", "calendar.app.created", "calendar.calendars"],
        Operation::GoogleCalendarGet => &[
            "calendar",
            "calendar.readonly",
            "calendar.app.created",
            "calendar.calendars",
            "calendar.calendars.readonly",
        ],
        Operation::GoogleCalendarList => {
            &["calendar", "calendar.readonly", "calendar.calendarlist", "calendar.calendarlist.readonly"]
        }
        Operation::GoogleCalendarListInsert => &["calendar", "calendar.calendarlist"],
        Operation::GoogleAclInsert => &["calendar", "calendar.acls"],
        Operation::GoogleAclList => &["calendar", "calendar.readonly", "calendar.acls", "calendar.acls.readonly"],
        _ => &SCOPES,
    }
}

/// Issued before now, not expired, and for an hour at most.
fn is_timely(claims: &serde_json::Map<String, Value>, clocks: [DateTime<Utc>; 2]) -> bool {
    let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
    let (Some(issued), Some(expires)) = (seconds("iat"), seconds("exp")) else { return false };
    let timely = |clock: DateTime<Utc>| {
        let now = clock.timestamp();
        issued <= now + SKEW_SECONDS && expires > now - SKEW_SECONDS
    };
    (1..=ASSERTION_SECONDS).contains(&expires.saturating_sub(issued)) && clocks.into_iter().any(timely)
}

fn part(text: &str) -> Option<serde_json::Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// A form's pairs are spelled like those of a query.
fn form(call: &Call) -> Option<HashMap<String, String>> {
    let declared = call.header("content-type").unwrap_or_default();
    if !declared.starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let uri: Uri = format!("/?{}", std::str::from_utf8(&call.body).ok()?).parse().ok()?;
    axum::extract::Query::try_from_uri(&uri).ok().map(|axum::extract::Query(pairs)| pairs)
}

fn bearer(call: &Call) -> Option<&str> {
    call.header("authorization").and_then(|value| value.strip_prefix("Bearer "))
}
