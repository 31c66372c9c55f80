//! Configurator and security gateway: address look-up, signed token requests, bearer checks (DOMAIN 1).

use std::collections::HashMap;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha512;

use crate::addresses::Credentials;
use crate::advoware::AdvowareSwitches;
use crate::call::{Answer, Call};
use crate::dice::Dice;

/// How old or how far ahead a request's time stamp may be (assumption).
const FRESH_SECONDS: i64 = 300;

/// The fields of a token request, PascalCase.
const REQUIRED: [&str; 10] = [
    "AppID",
    "Kanzlei",
    "Database",
    "User",
    "Role",
    "Product",
    "Password",
    "Nonce",
    "HMAC512Signature",
    "RequestTimeStamp",
];

/// `base64(HMAC-SHA-512(base64-decoded key, "Product:AppID:Nonce:RequestTimeStamp"))`; `None` for a key that is no base64.
pub(crate) fn signature(key: &str, product: &str, app_id: &str, nonce: &str, stamp: &str) -> Option<String> {
    let key = STANDARD.decode(key).ok()?;
    let mut mac = Hmac::<Sha512>::new_from_slice(&key).ok()?;
    mac.update(format!("{product}:{app_id}:{nonce}:{stamp}").as_bytes());
    Some(STANDARD.encode(mac.finalize().into_bytes()))
}

/// Tokens given out and nonces seen.
#[derive(Debug)]
pub(crate) struct Gateway {
    credentials: Credentials,
    tokens: HashMap<String, DateTime<Utc>>,
    nonces: HashMap<String, DateTime<Utc>>,
    dice: Dice,
}

impl Gateway {
    pub(crate) fn new(credentials: Credentials, seed: u64) -> Self {
        Self { credentials, tokens: HashMap::new(), nonces: HashMap::new(), dice: Dice::new(seed ^ 0x0047_4154) }
    }

    /// Answers the configurator: an unknown Kanzlei is 404.
    pub(crate) fn locate(&self, call: &Call, api_base: &str, auth_base: &str, connector_told: bool) -> Answer {
        if call.query_value("Kanzlei").as_deref() != Some(&self.credentials.advoware_kanzlei) {
            return refusal(StatusCode::NOT_FOUND, "Die Kanzlei ist nicht registriert.");
        }
        let connector = if connector_told { json!(api_base) } else { Value::Null };
        Answer::ok(&json!({ "relayUrl": api_base, "connectorUrl": connector, "securityGateway": auth_base }))
    }

    /// `real_now` is the machine's clock: a test that moves the simulated one must not make every client look stale.
    pub(crate) fn token(
        &mut self,
        call: &Call,
        switches: &AdvowareSwitches,
        now: DateTime<Utc>,
        real_now: DateTime<Utc>,
    ) -> Answer {
        let Some(Value::Object(request)) = call.json() else {
            return refusal(StatusCode::BAD_REQUEST, "The request is invalid.");
        };
        if let Some(missing) = REQUIRED.iter().find(|field| request.get(**field).is_none_or(Value::is_null)) {
            return refusal(StatusCode::BAD_REQUEST, &format!("The {missing} field is required."));
        }
        let text = |field: &str| request.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |field: &str| request.get(field).and_then(Value::as_i64);
        if let Err(reason) = self.check_freshness(&text("RequestTimeStamp"), &text("Nonce"), now, real_now) {
            return refusal(StatusCode::BAD_REQUEST, reason);
        }
        let product = number("Product").map(|product| product.to_string()).unwrap_or_default();
        let known = &self.credentials;
        let expected =
            signature(&known.advoware_api_key, &product, &text("AppID"), &text("Nonce"), &text("RequestTimeStamp"));
        if expected.as_deref() != Some(&text("HMAC512Signature")) {
            return refusal(StatusCode::BAD_REQUEST, "Invalid signature.");
        }
        let refused = if number("Product") != Some(known.advoware_product_id) || text("AppID") != known.advoware_app_id
        {
            Some("Das Produkt ist für diese Kanzlei nicht freigeschaltet.")
        } else if text("Kanzlei") != known.advoware_kanzlei {
            Some("Die Kanzlei ist nicht registriert.")
        } else if text("Database") != known.advoware_database {
            Some("Die Datenbank ist nicht angemeldet.")
        } else if switches.refuse_password
            || text("User") != known.advoware_user
            || text("Password") != known.advoware_password
        {
            Some("Falscher Name oder falsches Kennwort.")
        } else if number("Role") != Some(known.advoware_role) {
            Some("Der Benutzer ist für diese Rolle nicht freigeschaltet.")
        } else {
            None
        };
        match refused {
            Some(reason) => refusal(StatusCode::UNAUTHORIZED, reason),
            None => self.grant(switches, now),
        }
    }

    fn check_freshness(
        &mut self,
        stamp: &str,
        nonce: &str,
        now: DateTime<Utc>,
        real_now: DateTime<Utc>,
    ) -> Result<(), &'static str> {
        let stamped = DateTime::parse_from_rfc3339(stamp).map_err(|_| "Invalid RequestTimeStamp.")?;
        if !stamp.ends_with('Z') {
            return Err("RequestTimeStamp must be UTC.");
        }
        let stale = |clock: DateTime<Utc>| (clock - stamped.to_utc()).num_seconds().abs() > FRESH_SECONDS;
        if stale(now) && stale(real_now) {
            return Err("RequestTimeStamp expired.");
        }
        if !is_lower_guid(nonce) {
            return Err("Invalid Nonce.");
        }
        // Older nonces are refused by their time stamp already.
        self.nonces.retain(|_, seen| (real_now - *seen).num_seconds().abs() <= 2 * FRESH_SECONDS);
        if self.nonces.insert(nonce.to_owned(), real_now).is_some() {
            return Err("Nonce already used.");
        }
        Ok(())
    }

    fn grant(&mut self, switches: &AdvowareSwitches, now: DateTime<Utc>) -> Answer {
        let lifetime_seconds = switches.token_lifetime_seconds;
        let expires = now + TimeDelta::seconds(lifetime_seconds);
        self.tokens.retain(|_, expiry| *expiry > now);
        let token = self.dice.letters(b"abcdefghijklmnopqrstuvwxyz0123456789", 64);
        self.tokens.insert(token.clone(), expires);
        let mut body = json!({
            "token_type": "bearer",
            "access_token": token,
            "refresh_token": self.dice.letters(b"abcdefghijklmnopqrstuvwxyz0123456789", 64),
        });
        if switches.expires_in_told {
            body["expires_in"] = json!(lifetime_seconds);
        }
        if switches.expiration_utc_told {
            body["expiration_utc"] = json!(expires.to_rfc3339_opts(SecondsFormat::Micros, true));
        }
        Answer::ok(&body)
    }

    /// True when the call carries a token that is still good.
    pub(crate) fn admits(&self, call: &Call, now: DateTime<Utc>) -> bool {
        bearer(call).and_then(|token| self.tokens.get(token)).is_some_and(|expiry| *expiry > now)
    }

    /// Makes the call's token worthless.
    pub(crate) fn revoke(&mut self, call: &Call) {
        if let Some(token) = bearer(call) {
            self.tokens.remove(token);
        }
    }

    pub(crate) fn revoke_all(&mut self) {
        self.tokens.clear();
    }
}

fn bearer(call: &Call) -> Option<&str> {
    call.header("authorization").and_then(|value| value.strip_prefix("Bearer "))
}

fn is_lower_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

fn refusal(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, &json!({ "Message": message }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_matches_the_test_vector() {
        let key = STANDARD.encode("test-secret-key");
        let signed = signature(&key, "64", "app-123", "nonce-abc", "2026-08-30T00:00:00.000Z");
        let expected = "o7rz9KmoXZs550HfzO6ffiG17XwiPmlBHlksUYKZ3jcfolELow51Fw5KlrQqCK5y41aIValDjrh1iQ2GZ2WtqQ==";
        assert_eq!(signed.as_deref(), Some(expected));
    }

    #[test]
    fn guids_are_lower_case() {
        assert!(is_lower_guid("0f8fad5b-d9cb-469f-a165-70867728950e"));
        assert!(!is_lower_guid("0F8FAD5B-D9CB-469F-A165-70867728950E"));
        assert!(!is_lower_guid("0f8fad5bd9cb469fa16570867728950e"));
    }
}
