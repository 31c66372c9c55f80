//! The log-in call itself: signature, lifetime, refusals (DOMAIN 1).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::Sha512;
use uuid::Uuid;

use super::{REFRESH_EARLY, Token};
use crate::advoware::wire::refusal_in;
use crate::clock::Clock;
use crate::error::{ApiError, ErrorKind, Operation, Refusal};
use crate::http::{Answer, Http, SetupError, kind_of_status, parse_json};
use crate::json::{integer, text};
use crate::settings::AdvowareSettings;

/// The gateway, and who we are to it.
pub(super) struct Gateway {
    settings: AdvowareSettings,
    http: Http,
    /// Keyed with the API key; each signature starts from a copy.
    signer: Hmac<Sha512>,
}

/// What the gateway answered.
struct LogIn {
    access_token: String,
    expiration_utc: Option<DateTime<Utc>>,
    expires_in: Option<Duration>,
}

impl Gateway {
    pub(super) fn new(settings: AdvowareSettings, http: Http) -> Result<Self, SetupError> {
        let signer = signer(settings.api_key.expose_secret()).map_err(SetupError::new)?;
        Ok(Self { settings, http, signer })
    }

    /// Longest time that one log-in takes.
    pub(super) fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// Tells one log-in from another without telling what it is: made with the API key, it cannot be guessed back.
    pub(super) fn fingerprint(&self) -> String {
        let s = &self.settings;
        let identity =
            [&*s.auth_url.to_string(), &s.app_id, &s.kanzlei, &s.database, &s.user, s.password.expose_secret()];
        let digest = self.signer.clone().chain_update(identity.join("\n")).finalize().into_bytes();
        let mut text = URL_SAFE_NO_PAD.encode(digest);
        text.truncate(16);
        text
    }

    /// One log-in.
    pub(super) async fn log_in(&self, clock: &Clock) -> Result<Token, ApiError> {
        let url = self.settings.auth_url.at(&["api", "v1", "Token"]);
        let nonce = Uuid::new_v4().to_string();
        let request = self.http.requests().post(url).json(&self.body(&nonce, clock.now()));
        let log_in = self.http.call(Operation::AdvowareToken, request, read_log_in).await?;
        tracing::info!("logged in to Advoware");
        let now = clock.now();
        let lifetime = lifetime(&log_in, now, self.settings.token_lifetime);
        let replace_at = now + lifetime - REFRESH_EARLY.min(lifetime / 2);
        Ok(Token { secret: SecretString::from(log_in.access_token), replace_at })
    }

    fn body(&self, nonce: &str, now: DateTime<Utc>) -> Value {
        let s = &self.settings;
        let time_stamp = now.to_rfc3339_opts(SecondsFormat::Millis, true);
        let signature = signature(self.signer.clone(), s.product_id, &s.app_id, nonce, &time_stamp);
        json!({
            "AppID": s.app_id,
            "Kanzlei": s.kanzlei,
            "Database": s.database,
            "User": s.user,
            "Role": s.role,
            "Product": s.product_id,
            "Password": s.password.expose_secret(),
            "Nonce": nonce,
            "HMAC512Signature": signature,
            "RequestTimeStamp": time_stamp,
        })
    }
}

fn signer(key: &[u8]) -> Result<Hmac<Sha512>, InvalidLength> {
    Hmac::new_from_slice(key)
}

fn signature(signer: Hmac<Sha512>, product: u32, app_id: &str, nonce: &str, time_stamp: &str) -> String {
    let message = format!("{product}:{app_id}:{nonce}:{time_stamp}");
    STANDARD.encode(signer.chain_update(message).finalize().into_bytes())
}

fn read_log_in(answer: &Answer) -> Result<LogIn, ErrorKind> {
    let refusal = refusal_in(&answer.body);
    match (answer.status.as_u16(), kind_of_status(answer)) {
        (_, None) => LogIn::read(&parse_json(&answer.body)?).ok_or(
            refusal.map_or(ErrorKind::Malformed { what: "access_token is missing" }, ErrorKind::CredentialsRefused),
        ),
        (_, Some(_)) if let Some(refusal) = refusal => Err(ErrorKind::CredentialsRefused(refusal)),
        (400 | 401 | 403, _) => Err(ErrorKind::CredentialsRefused(Refusal::LogInRefused)),
        (404, _) => Err(ErrorKind::WrongAddress),
        (_, Some(kind)) => Err(kind),
    }
}

impl LogIn {
    fn read(answer: &Value) -> Option<Self> {
        let fields = answer.as_object()?;
        let seconds = fields.get("expires_in").and_then(integer).and_then(|seconds| u64::try_from(seconds).ok());
        Some(Self {
            access_token: text(fields, "access_token").filter(fits_header)?.to_owned(),
            expiration_utc: text(fields, "expiration_utc").and_then(instant),
            expires_in: seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs),
        })
    }
}

fn fits_header(token: &&str) -> bool {
    token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// ISO time with an offset, or without one, which then is UTC as the field's name says.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc())
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc()))
        .ok()
}

/// Order of trust (A): `expiration_utc`, `expires_in`, the setting. A time that is not ahead of us says that the clocks
/// disagree, and is passed over.
fn lifetime(log_in: &LogIn, now: DateTime<Utc>, setting: Duration) -> Duration {
    let until = log_in.expiration_utc.and_then(|end| (end - now).to_std().ok()).filter(|left| !left.is_zero());
    until.or(log_in.expires_in).unwrap_or(setting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_matches_the_test_vector() {
        let made =
            signature(signer(b"test-secret-key").unwrap(), 64, "app-123", "nonce-abc", "2026-08-30T00:00:00.000Z");
        assert_eq!(made, "o7rz9KmoXZs550HfzO6ffiG17XwiPmlBHlksUYKZ3jcfolELow51Fw5KlrQqCK5y41aIValDjrh1iQ2GZ2WtqQ==");
    }

    #[test]
    fn the_lifetime_is_taken_from_whom_we_trust_most() {
        let now = instant("2026-11-21T12:00:00Z").unwrap();
        let setting = Duration::from_mins(55);
        let of = |answer| lifetime(&LogIn::read(&answer).unwrap(), now, setting).as_secs();
        let token = "t";
        assert_eq!(
            of(json!({"access_token": token, "expires_in": 60, "expiration_utc": "2026-11-21T12:30:00.1234567Z"})),
            1800
        );
        assert_eq!(of(json!({"access_token": token, "expiration_utc": "2026-11-21T12:30:00.5"})), 1800);
        assert_eq!(
            of(json!({"access_token": token, "expires_in": "60", "expiration_utc": "2026-11-21T11:00:00Z"})),
            60
        );
        assert_eq!(of(json!({"access_token": token, "expires_in": 0, "expiration_utc": "bald"})), 3300);
        assert!(LogIn::read(&json!({"access_token": null})).is_none());
    }
}
