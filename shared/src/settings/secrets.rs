//! Secrets with a shape of their own.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretSlice, SecretString};

/// `ESPOCRM_WEBHOOK_SECRETS`: the key of each webhook, by its id (DOMAIN 5).
#[derive(Clone, Default)]
pub struct WebhookSecrets(BTreeMap<String, SecretString>);

impl WebhookSecrets {
    /// Reads `webhookId:secretKey`, comma separated.
    pub(super) fn parse(text: &SecretString) -> Result<Self, &'static str> {
        let expected = "expected webhookId:secretKey, several separated by commas, each id once";
        let mut secrets = BTreeMap::new();
        for part in text.expose_secret().split(',') {
            let (id, key) = part.trim().split_once(':').ok_or(expected)?;
            let usable = !id.is_empty() && !key.is_empty();
            if !usable || secrets.insert(id.to_owned(), SecretString::from(key)).is_some() {
                return Err(expected);
            }
        }
        Ok(Self(secrets))
    }

    /// The key of a webhook.
    pub fn get(&self, webhook_id: &str) -> Option<&SecretString> {
        self.0.get(webhook_id)
    }

    /// Ids of the webhooks whose keys are configured.
    pub fn webhook_ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether none is configured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// `name=value`, comma separated, values percent-encoded where they have to be (OpenTelemetry's form of headers).
pub(super) fn headers(text: &SecretString) -> Result<Vec<(String, SecretString)>, &'static str> {
    let header = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        HeaderValue::from_str(&value).ok()?;
        Some((name.to_string(), SecretString::from(value.as_ref())))
    };
    let parts = text.expose_secret().split(',').filter(|part| !part.trim().is_empty());
    parts.map(header).collect::<Option<_>>().ok_or("expected name=value, several separated by commas")
}

/// A key that is configured as base64.
pub(super) fn decode(key: &SecretString) -> Result<SecretSlice<u8>, &'static str> {
    let bytes = STANDARD.decode(key.expose_secret()).unwrap_or_default();
    if bytes.is_empty() { Err("expected base64, with padding") } else { Ok(SecretSlice::from(bytes)) }
}
