//! The service account's key file, and what it signs.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use crate::http::BaseUrl;
use crate::json::text;

/// All that we do needs this one: calendars, their rules, events.
const SCOPE: &str = "https://www.googleapis.com/auth/calendar";

/// Life of an assertion; Google takes no more than an hour.
const ASSERTION_SECONDS: i64 = 3600;

/// Who we are to Google, from the JSON key file.
#[derive(Clone)]
pub struct ServiceAccount {
    client_email: String,
    key_id: Option<String>,
    token_uri: BaseUrl,
    /// `token_uri` to the letter.
    audience: String,
    key: Arc<RsaKeyPair>,
}

/// Signing failed; the library does not say why.
#[derive(Debug)]
pub(super) struct NotSigned;

impl ServiceAccount {
    /// Reads the content of a key file; the errors say what is expected and repeat nothing of it.
    pub(crate) fn parse(json: &str) -> Result<Self, Vec<&'static str>> {
        let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(json) else {
            return Err(vec!["the file is not the JSON key of a service account"]);
        };
        let mut problems = Vec::new();
        let mut field = |name, problem| {
            let found = text(&fields, name);
            if found.is_none() {
                problems.push(problem);
            }
            found
        };
        let client_email = field("client_email", "the key file has no client_email");
        let audience = field("token_uri", "the key file has no token_uri");
        let private_key = field("private_key", "the key file has no private_key");
        let token_uri = audience.and_then(|uri| {
            BaseUrl::parse(uri).map_err(|_| problems.push("token_uri in the key file is no web address")).ok()
        });
        let key = private_key.and_then(|pem| {
            let key = rsa_key(pem);
            if key.is_none() {
                problems.push("private_key in the key file is no RSA key in PEM (PKCS#8)");
            }
            key
        });
        match (client_email, token_uri, audience, key) {
            (Some(client_email), Some(token_uri), Some(audience), Some(key)) => Ok(Self {
                client_email: client_email.to_owned(),
                key_id: text(&fields, "private_key_id").map(str::to_owned),
                token_uri,
                audience: audience.to_owned(),
                key: Arc::new(key),
            }),
            _ => Err(problems),
        }
    }

    /// The address that tokens come from.
    pub fn token_uri(&self) -> &BaseUrl {
        &self.token_uri
    }

    /// The signed statement of who we are, for which a token is given (RFC 7523).
    pub(super) fn assertion(&self, now: DateTime<Utc>) -> Result<SecretString, NotSigned> {
        let mut header = Map::from_iter([("alg".to_owned(), json!("RS256")), ("typ".to_owned(), json!("JWT"))]);
        header.extend(self.key_id.iter().map(|id| ("kid".to_owned(), json!(id))));
        let issued_at = now.timestamp();
        let claims = json!({
            "iss": self.client_email, "scope": SCOPE, "aud": self.audience,
            "iat": issued_at, "exp": issued_at + ASSERTION_SECONDS,
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&Value::Object(header)), part(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        let signed = self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature);
        signed.map_err(|_| NotSigned)?;
        Ok(SecretString::from(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").field("token_uri", &self.token_uri).finish_non_exhaustive()
    }
}

fn rsa_key(pem: &str) -> Option<RsaKeyPair> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (lines, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let base64: String = lines.split_whitespace().collect();
    RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e3_all_problems_of_a_key_file_are_told_and_nothing_of_its_content() {
        let json = json!({"client_email": "", "token_uri": "ftp://is-secret/", "private_key": "is-secret"}).to_string();
        let problems = ServiceAccount::parse(&json).unwrap_err();
        assert_eq!(
            problems,
            [
                "the key file has no client_email",
                "token_uri in the key file is no web address",
                "private_key in the key file is no RSA key in PEM (PKCS#8)",
            ]
        );
        assert_eq!(ServiceAccount::parse("{}").unwrap_err().len(), 3);
        assert_eq!(ServiceAccount::parse("-----BEGIN").unwrap_err().len(), 1);
    }
}
