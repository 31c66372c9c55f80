//! EspoCRM's signatures of a webhook call (DOMAIN 5).
//!
//! - `Signature` = base64(webhookId + ":" + hex of the HMAC)
//! - `X-Signature`, until EspoCRM 11 = base64(webhookId + ":" + bytes of the HMAC)
//!
//! The HMAC is SHA-256 under the webhook's secret key over the raw body.

use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

const SIGNATURE: &str = "Signature";
const X_SIGNATURE: &str = "X-Signature";

/// A signature as it was sent; nothing is proved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    /// The webhook that it claims to come from.
    pub(super) webhook_id: String,
    form: Form,
    /// The HMAC in that form.
    tag: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Hex,
    Raw,
}

/// Every readable signature of a request.
pub(super) fn all(headers: &HeaderMap) -> impl Iterator<Item = Signature> + '_ {
    [(SIGNATURE, Form::Hex), (X_SIGNATURE, Form::Raw)].into_iter().flat_map(move |(name, form)| {
        headers.get_all(name).iter().filter_map(move |value| Signature::read(value, form))
    })
}

impl Signature {
    fn read(value: &HeaderValue, form: Form) -> Option<Self> {
        let decoded = STANDARD.decode(value.as_bytes().trim_ascii()).ok()?;
        // The first colon: the bytes of an HMAC may hold others.
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let (webhook_id, tag) = (decoded.get(..colon)?, decoded.get(colon + 1..)?);
        Some(Self { webhook_id: String::from_utf8(webhook_id.to_vec()).ok()?, form, tag: tag.to_vec() })
    }

    /// Whether it was made with `secret` over `body`. Takes the same time however much of it is right.
    pub(super) fn verifies(&self, secret: &[u8], body: &[u8]) -> bool {
        // HMAC takes keys of any length; the constructor is fallible for other algorithms.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return false };
        mac.update(body);
        let expected = mac.finalize().into_bytes();
        match self.form {
            Form::Raw => self.tag.ct_eq(&expected).into(),
            Form::Hex => self.tag.ct_eq(&hex(&expected)).into(),
        }
    }
}

/// Lower case, as PHP's `hash_hmac` writes it.
fn hex(bytes: &[u8]) -> Vec<u8> {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.map(|digit| b"0123456789abcdef"[usize::from(digit)]).collect()
}
