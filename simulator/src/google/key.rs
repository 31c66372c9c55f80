//! The service account's RSA key: made once per process, always the same, so that a key file outlives the simulator that
//! wrote it. It opens nothing but a simulator; that it can be foretold does not matter.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Value, json};

use crate::dice::Dice;

/// Chosen so that the search for both primes is short.
const SEED: u64 = 22;
const PRIME_WORDS: usize = 32;
const EXPONENT: u32 = 65_537;
/// Enough for random candidates of 1024 bits.
const WITNESSES: [u32; 6] = [2, 3, 5, 7, 11, 13];
const SMALL_PRIMES_BELOW: u32 = 2_000;
/// `SEQUENCE { OBJECT IDENTIFIER rsaEncryption, NULL }`
const RSA_ENCRYPTION: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

#[derive(Debug)]
pub(crate) struct ServiceKey {
    modulus: Vec<u8>,
    pkcs8: Vec<u8>,
    pub(crate) id: String,
}

pub(crate) fn service_key() -> &'static ServiceKey {
    static KEY: OnceLock<ServiceKey> = OnceLock::new();
    KEY.get_or_init(ServiceKey::generate)
}

impl ServiceKey {
    fn generate() -> Self {
        let mut dice = Dice::new(SEED);
        let small = small_primes();
        let (one, two) = (prime(&mut dice, &small), prime(&mut dice, &small));
        let (p, q) = if one > two { (one, two) } else { (two, one) };
        let pkcs8 = private_key_info(&p, &q);
        Self { modulus: (&p * &q).to_bytes_be(), pkcs8, id: dice.letters(b"0123456789abcdef", 40) }
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256, which JWT calls RS256.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let exponent = EXPONENT.to_be_bytes();
        let public = RsaPublicKeyComponents { n: self.modulus.as_slice(), e: exponent.get(1..).unwrap_or_default() };
        public.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
    }

    /// PKCS#8, PEM.
    fn pem(&self) -> String {
        let text = STANDARD.encode(&self.pkcs8);
        let lines: Vec<&str> =
            (0..text.len()).step_by(64).filter_map(|at| text.get(at..(at + 64).min(text.len()))).collect();
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
    }

    /// The JSON key file of a service account.
    pub(crate) fn file(&self, client_email: &str, token_uri: &str) -> Value {
        json!({
            "type": "service_account",
            "project_id": "simulated",
            "private_key_id": self.id,
            "private_key": self.pem(),
            "client_email": client_email,
            "client_id": "100000000000000000001",
            "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        })
    }
}

fn small_primes() -> Vec<u32> {
    (3..SMALL_PRIMES_BELOW).step_by(2).filter(|n| (3..*n).step_by(2).all(|by| n % by != 0 || by * by > *n)).collect()
}

/// 1024 bits, the two highest set, so that the product of two has 2048.
fn prime(dice: &mut Dice, small: &[u32]) -> BigUint {
    let one = BigUint::from(1_u32);
    loop {
        let mut words: Vec<u32> = (0..PRIME_WORDS).map(|_| u32::try_from(dice.next() >> 32).unwrap_or(0)).collect();
        if let Some(lowest) = words.first_mut() {
            *lowest |= 1;
        }
        if let Some(highest) = words.last_mut() {
            *highest |= 0xC000_0000;
        }
        let candidate = BigUint::new(words);
        let divides = |by: u32, number: &BigUint| (number % by) == BigUint::ZERO;
        if small.iter().any(|by| divides(*by, &candidate)) || divides(EXPONENT, &(&candidate - &one)) {
            continue;
        }
        if WITNESSES.iter().all(|base| passes(&candidate, *base)) {
            return candidate;
        }
    }
}

/// One round of Miller-Rabin.
fn passes(candidate: &BigUint, base: u32) -> bool {
    let below = candidate - 1_u32;
    let twos = below.trailing_zeros().unwrap_or(0);
    let mut power = BigUint::from(base).modpow(&(&below >> twos), candidate);
    if power == BigUint::from(1_u32) || power == below {
        return true;
    }
    for _ in 1..twos {
        power = &power * &power % candidate;
        if power == below {
            return true;
        }
    }
    false
}

/// RFC 5208 around RFC 8017, with the parts of the Chinese remainder.
fn private_key_info(p: &BigUint, q: &BigUint) -> Vec<u8> {
    let (p_less, q_less) = (p - 1_u32, q - 1_u32);
    let exponent = BigUint::from(EXPONENT);
    // The exponent divides neither `p - 1` nor `q - 1`, so the inverse exists; likewise that of one prime to another.
    let private = exponent.modinv(&(&p_less * &q_less)).unwrap_or_default();
    let coefficient = q.modinv(p).unwrap_or_default();
    let numbers = [
        &BigUint::ZERO,
        &(p * q),
        &exponent,
        &private,
        p,
        q,
        &(&private % &p_less),
        &(&private % &q_less),
        &coefficient,
    ];
    let key = der(0x30, &numbers.iter().flat_map(|number| integer(number)).collect::<Vec<u8>>());
    let parts = [integer(&BigUint::ZERO), RSA_ENCRYPTION.to_vec(), der(0x04, &key)];
    der(0x30, &parts.concat())
}

fn integer(number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_be();
    if bytes.first().is_some_and(|first| *first >= 0x80) {
        bytes.insert(0, 0);
    }
    der(0x02, &bytes)
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut whole = vec![tag];
    let length: Vec<u8> = content.len().to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    if content.len() >= 0x80 {
        whole.push(0x80 | u8::try_from(length.len()).unwrap_or(0));
    }
    if content.is_empty() {
        whole.push(0);
    }
    whole.extend_from_slice(&length);
    whole.extend_from_slice(content);
    whole
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

    use super::*;

    #[test]
    fn the_key_signs_what_it_verifies() {
        let key = service_key();
        let pair = RsaKeyPair::from_pkcs8(&key.pkcs8).unwrap();
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"text", &mut signature).unwrap();
        assert!(key.verifies(b"text", &signature));
        assert!(!key.verifies(b"texts", &signature));
    }
}
