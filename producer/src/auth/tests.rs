//! Signatures against vectors made with Python's `hmac`, and who is let in under which settings.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use shared::settings::{ProducerSettings, Source};

use super::{FirstLook, Gate};

const WEBHOOK: &str = "65f0000000000000a";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const BODY: &[u8] = br#"[{"id":"65f1a2b3c4d5e6f70"}]"#;
const HEX: &str = "9dc5228086355f59190d1870429c1d40cd9f3cca55edf3dbf809c03d7678231a";
const SIGNATURE: &str = concat!(
    "NjVmMDAwMDAwMDAwMDAwMGE6OWRjNTIyODA4NjM1NWY1OTE5MGQxODcwNDI5YzFkNDBj",
    "ZDlmM2NjYTU1ZWRmM2RiZjgwOWMwM2Q3Njc4MjMxYQ=="
);
const X_SIGNATURE: &str = "NjVmMDAwMDAwMDAwMDAwMGE6ncUigIY1X1kZDRhwQpwdQM2fPMpV7fPb+AnAPXZ4Ixo=";
const KEY: &str = "producer-key";
const LOOPBACK: &str = "127.0.0.1:0";
const ANYWHERE: &str = "0.0.0.0:0";

fn settings(more: &[(&str, &str)]) -> ProducerSettings {
    let required = [("ESPOCRM_API_BASE_URL", "http://127.0.0.1:1/api/v1/"), ("ESPOCRM_API_KEY", "k")];
    ProducerSettings::read(&required.into_iter().chain(more.iter().copied()).collect::<Source>()).unwrap()
}

fn gate_of(webhook_id: &str, secret: &str) -> Gate {
    Gate::new(&settings(&[("ESPOCRM_WEBHOOK_SECRETS", &format!("{webhook_id}:{secret}"))]))
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

fn admits(gate: &Gate, headers: &HeaderMap, body: &[u8]) -> bool {
    match gate.first_look(headers) {
        FirstLook::Admitted => true,
        FirstLook::ToBeVerified => gate.is_signed(headers, body),
        FirstLook::Refused => false,
    }
}

#[test]
fn either_signature_of_espocrm_is_accepted() {
    let gate = gate_of(WEBHOOK, SECRET);
    assert!(admits(&gate, &headers(&[("Signature", SIGNATURE)]), BODY));
    assert!(admits(&gate, &headers(&[("X-Signature", X_SIGNATURE)]), BODY));
    assert!(admits(&gate, &headers(&[("Signature", SIGNATURE), ("X-Signature", X_SIGNATURE)]), BODY));
    assert!(admits(&gate, &headers(&[("Signature", "garbage"), ("X-Signature", X_SIGNATURE)]), BODY));
}

#[test]
fn a_colon_among_the_bytes_of_the_hmac_ends_no_webhook_id() {
    let signature = "NjVmMDAwMDAwMDAwMDAwMGE6OlHbHrPeB8X+hHnhUiei6PONCXyH+W6XBxddIWKrJZk=";
    assert!(admits(&gate_of(WEBHOOK, SECRET), &headers(&[("X-Signature", signature)]), br#"[{"id":"23"}]"#));
}

#[test]
fn signatures_that_prove_nothing_are_refused() {
    let encoded = |text: &str| STANDARD.encode(text);
    let cases = [
        ("wrong secret", gate_of(WEBHOOK, "another"), SIGNATURE.to_owned(), BODY),
        ("unknown webhook", gate_of("65f0000000000000b", SECRET), SIGNATURE.to_owned(), BODY),
        ("altered body", gate_of(WEBHOOK, SECRET), SIGNATURE.to_owned(), br#"[{"id":"65f1a2b3c4d5e6f71"}]"#.as_slice()),
        (
            "other spelling of the same JSON",
            gate_of(WEBHOOK, SECRET),
            SIGNATURE.to_owned(),
            br#"[ {"id":"65f1a2b3c4d5e6f70"}]"#,
        ),
        ("no base64", gate_of(WEBHOOK, SECRET), "%%%".to_owned(), BODY),
        ("empty", gate_of(WEBHOOK, SECRET), String::new(), BODY),
        ("no colon", gate_of(WEBHOOK, SECRET), encoded(WEBHOOK), BODY),
        ("no hmac", gate_of(WEBHOOK, SECRET), encoded(&format!("{WEBHOOK}:")), BODY),
        ("half an hmac", gate_of(WEBHOOK, SECRET), encoded(&format!("{WEBHOOK}:{}", &HEX[..32])), BODY),
        ("an hmac and more", gate_of(WEBHOOK, SECRET), encoded(&format!("{WEBHOOK}:{HEX}00")), BODY),
        ("no webhook id", gate_of(WEBHOOK, SECRET), encoded(&format!(":{HEX}")), BODY),
        ("the form of the other header", gate_of(WEBHOOK, SECRET), X_SIGNATURE.to_owned(), BODY),
    ];
    for (case, gate, signature, body) in cases {
        assert!(!admits(&gate, &headers(&[("Signature", &signature)]), body), "{case}");
    }
    assert!(!admits(&gate_of(WEBHOOK, SECRET), &headers(&[("X-Signature", SIGNATURE)]), BODY), "the other way round");
}

/// Every combination of settings with every kind of caller, as the table of the module says.
#[test]
fn who_is_let_in_under_which_settings() {
    let callers = [
        ("stranger", headers(&[])),
        ("signed", headers(&[("Signature", SIGNATURE)])),
        ("badly signed", headers(&[("Signature", X_SIGNATURE)])),
        ("key", headers(&[("apikey", KEY)])),
        ("bearer", headers(&[("Authorization", &format!("bearer {KEY}"))])),
        ("wrong key", headers(&[("apikey", "producer-keY")])),
        ("key as another scheme", headers(&[("Authorization", &format!("Basic {KEY}"))])),
    ];
    let everybody = callers.each_ref().map(|(name, _)| *name).to_vec();
    let secrets = format!("{WEBHOOK}:{SECRET}");
    let cases = [
        (true, true, LOOPBACK, vec!["signed", "key", "bearer"]),
        (true, true, ANYWHERE, vec!["signed", "key", "bearer"]),
        (true, false, LOOPBACK, vec!["signed"]),
        (false, true, LOOPBACK, vec!["key", "bearer"]),
        (false, true, ANYWHERE, vec!["key", "bearer"]),
        (false, false, LOOPBACK, everybody),
    ];
    for (has_secrets, has_key, listen, admitted) in cases {
        let mut more = vec![("PRODUCER_LISTEN", listen)];
        more.extend(has_secrets.then_some(("ESPOCRM_WEBHOOK_SECRETS", secrets.as_str())));
        more.extend(has_key.then_some(("PRODUCER_API_KEY", KEY)));
        let gate = Gate::new(&settings(&more));
        let seen: Vec<_> =
            callers.iter().filter(|(_, headers)| admits(&gate, headers, BODY)).map(|(name, _)| *name).collect();
        assert_eq!(seen, admitted, "secrets {has_secrets}, key {has_key}, {listen}");
    }
}

/// The settings demand a key there; should they ever not, the gate stays shut.
#[test]
fn without_secrets_and_key_nobody_is_let_in_from_elsewhere() {
    for has_secrets in [false, true] {
        let secrets =
            if has_secrets { gate_of(WEBHOOK, SECRET).secrets } else { shared::settings::WebhookSecrets::default() };
        let gate = Gate { secrets, api_key: None, listens_on_loopback: false };
        assert_eq!(gate.first_look(&headers(&[("apikey", "")])), FirstLook::Refused);
        assert_eq!(admits(&gate, &headers(&[("Signature", SIGNATURE)]), BODY), has_secrets);
    }
}

#[test]
fn a_stranger_is_refused_before_the_body_is_read() {
    let gate = gate_of(WEBHOOK, SECRET);
    assert_eq!(gate.first_look(&headers(&[])), FirstLook::Refused);
    assert_eq!(gate.first_look(&headers(&[("Signature", &STANDARD.encode("unknown:00"))])), FirstLook::Refused);
    assert_eq!(gate.first_look(&headers(&[("Signature", SIGNATURE)])), FirstLook::ToBeVerified);
}

#[test]
fn e3_the_gate_prints_no_secret() {
    let gate =
        Gate::new(&settings(&[("ESPOCRM_WEBHOOK_SECRETS", &format!("{WEBHOOK}:{SECRET}")), ("PRODUCER_API_KEY", KEY)]));
    let printed = format!("{gate:?}");
    assert!(!printed.contains(SECRET) && !printed.contains(KEY), "{printed}");
}

proptest! {
    #[test]
    fn no_header_is_too_odd_to_be_refused(value in proptest::collection::vec(32u8..=255, 0..200)) {
        let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
        let mut headers = HeaderMap::new();
        headers.insert("Signature", value.clone());
        headers.insert("X-Signature", value.clone());
        headers.insert("Authorization", value);
        prop_assert!(!admits(&gate_of(WEBHOOK, SECRET), &headers, BODY));
    }
}
