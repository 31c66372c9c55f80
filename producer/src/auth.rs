//! Who is let in (CONTRACT): EspoCRM's webhooks by signature, anybody by API key, and this machine where nothing is configured. What
//! operators ask for (`api.rs`) is never let in by signature.
//!
//! | secrets | API key | listens on | taken |
//! | --- | --- | --- | --- |
//! | yes | yes | anywhere | with a valid signature, or with the key |
//! | yes | no | anywhere | with a valid signature |
//! | no | yes | anywhere | with the key |
//! | no | no | loopback | always |
//! | no | no | elsewhere | never; the settings do not allow it either |

mod signature;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use shared::settings::{ProducerSettings, WebhookSecrets};
use subtle::ConstantTimeEq;

use signature::Signature;

const API_KEY: &str = "apikey";
const BEARER: &str = "bearer ";

/// Decides who is let in.
#[derive(Debug)]
pub struct Gate {
    secrets: WebhookSecrets,
    api_key: Option<SecretString>,
    listens_on_loopback: bool,
}

/// What the headers of a request alone can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstLook {
    /// It is let in, whatever its body.
    Admitted,
    /// It claims to come from a webhook whose secret we have: its body decides, see [`Gate::is_signed`].
    ToBeVerified,
    /// It is not let in; its body need not be read.
    Refused,
}

impl Gate {
    /// The gate that these settings ask for.
    pub fn new(settings: &ProducerSettings) -> Self {
        Self {
            secrets: settings.webhook_secrets.clone(),
            api_key: settings.api_key.clone(),
            listens_on_loopback: settings.listen.ip().is_loopback(),
        }
    }

    /// Looks at the headers before the body is read, so that strangers cannot make us read megabytes.
    pub(crate) fn first_look(&self, headers: &HeaderMap) -> FirstLook {
        if self.is_open() || self.carries_api_key(headers) {
            FirstLook::Admitted
        } else if signature::all(headers).any(|signature| self.secrets.get(&signature.webhook_id).is_some()) {
            FirstLook::ToBeVerified
        } else {
            FirstLook::Refused
        }
    }

    /// Whether one of the signatures in `headers` is that of a known webhook over `body`, the bytes as they came: EspoCRM
    /// escapes characters in a way that no re-serialisation would repeat.
    pub(crate) fn is_signed(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let verifies = |signature: Signature| {
            let secret = self.secrets.get(&signature.webhook_id);
            secret.is_some_and(|secret| signature.verifies(secret.expose_secret().as_bytes(), body))
        };
        signature::all(headers).any(verifies)
    }

    /// Whether everybody on this machine is let in.
    pub(crate) fn is_open(&self) -> bool {
        self.secrets.is_empty() && self.api_key.is_none() && self.listens_on_loopback
    }

    /// Whether there is a key to come in with.
    pub(crate) fn has_api_key(&self) -> bool {
        self.api_key.is_some()
    }

    /// Whether this is the key.
    pub(crate) fn is_api_key(&self, given: &[u8]) -> bool {
        let is_expected = |expected: &SecretString| bool::from(given.ct_eq(expected.expose_secret().as_bytes()));
        self.api_key.as_ref().is_some_and(is_expected)
    }

    fn carries_api_key(&self, headers: &HeaderMap) -> bool {
        let is_expected = |given: &[u8]| self.is_api_key(given);
        headers.get_all(API_KEY).iter().any(|value| is_expected(value.as_bytes()))
            || headers.get_all(AUTHORIZATION).iter().filter_map(|value| bearer(value.as_bytes())).any(is_expected)
    }
}

/// The token of `Bearer <token>`; the name of a scheme has no case (RFC 9110).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(BEARER.len())?;
    scheme.eq_ignore_ascii_case(BEARER.as_bytes()).then_some(token.trim_ascii())
}

#[cfg(test)]
mod tests;
