//! Who is logged in. A session is a signed cookie and lives nowhere else, so that people get in while Redis or PostgreSQL is away, and at
//! every producer that has the same key. Another `PRODUCER_API_KEY` ends all of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// A session ends after so long without a click.
pub(super) const IDLE_SECONDS: i64 = 30 * 60;
/// And after so long in any case.
const LONGEST_SECONDS: i64 = 12 * 60 * 60;
/// A cookie that is younger is not written anew with every click.
const RENEWED_AFTER_SECONDS: i64 = 60;

/// Logs people in and knows who is.
pub(super) struct Sessions {
    key: [u8; 32],
    /// Sessions that were logged out here, until they would have ended anyway. By this process alone: another producer takes such a cookie
    /// until it ends, but no browser has it any more.
    ended: Mutex<HashMap<Uuid, i64>>,
}

/// Somebody who is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session {
    nonce: Uuid,
    begun: i64,
    seen: i64,
}

impl Sessions {
    /// The sessions of this key; without one of a key that ends with the process.
    pub(super) fn new(api_key: Option<&SecretString>) -> Self {
        let secret = match api_key {
            Some(key) => key.expose_secret().as_bytes().to_vec(),
            None => [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat(),
        };
        Self { key: mac(&secret, "kanzleisync console sessions, 1"), ended: Mutex::default() }
    }

    /// A new session.
    pub(super) fn begin(now: DateTime<Utc>) -> Session {
        Session { nonce: Uuid::new_v4(), begun: now.timestamp(), seen: now.timestamp() }
    }

    /// The session as a cookie's value.
    pub(super) fn write(&self, session: Session) -> String {
        let text = format!("{}.{}.{}", session.nonce.simple(), session.begun, session.seen);
        let seal = hex(&mac(&self.key, &format!("session {text}")));
        format!("{text}.{seal}")
    }

    /// The session of a cookie's value, if it is one of ours and goes on.
    pub(super) fn read(&self, cookie: &str, now: DateTime<Utc>) -> Option<Session> {
        let (text, seal) = cookie.rsplit_once('.')?;
        let expected = hex(&mac(&self.key, &format!("session {text}")));
        if !bool::from(seal.as_bytes().ct_eq(expected.as_bytes())) {
            return None;
        }
        let mut parts = text.split('.');
        let nonce = Uuid::try_parse(parts.next()?).ok()?;
        let (begun, seen) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let session = Session { nonce, begun, seen };
        let goes_on = now.timestamp() < session.ends_at() && !self.ended().contains_key(&nonce);
        goes_on.then_some(session)
    }

    /// Ends a session.
    pub(super) fn end(&self, session: Session, now: DateTime<Utc>) {
        let mut ended = self.ended();
        ended.retain(|_, ends_at| *ends_at > now.timestamp());
        ended.insert(session.nonce, session.begun + LONGEST_SECONDS);
    }

    /// What a form of this session carries, and no other site knows (CSRF).
    pub(super) fn form_token(&self, session: Session) -> String {
        hex(&mac(&self.key, &format!("form {}", session.nonce.simple())))
    }

    /// Whether a form carries what this session's forms carry.
    pub(super) fn is_form_token(&self, session: Session, given: &str) -> bool {
        bool::from(given.as_bytes().ct_eq(self.form_token(session).as_bytes()))
    }

    fn ended(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, i64>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// The same session after a click, if its cookie is to be written anew.
    pub(super) fn renewed(self, now: DateTime<Utc>) -> Option<Self> {
        let is_old = now - self.seen_at() >= TimeDelta::seconds(RENEWED_AFTER_SECONDS);
        is_old.then(|| Self { seen: now.timestamp(), ..self })
    }

    fn seen_at(self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.seen, 0).unwrap_or_default()
    }

    fn ends_at(self) -> i64 {
        self.seen.saturating_add(IDLE_SECONDS).min(self.begun.saturating_add(LONGEST_SECONDS))
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn mac(key: &[u8], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length is taken");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_000_000 + seconds, 0).unwrap()
    }

    fn sessions(key: &str) -> Sessions {
        Sessions::new(Some(&SecretString::from(key)))
    }

    #[test]
    fn a_session_is_read_back_by_every_producer_of_the_same_key_and_by_no_other() {
        let session = Sessions::begin(at(0));
        let cookie = sessions("a").write(session);
        assert_eq!(sessions("a").read(&cookie, at(1)), Some(session));
        assert_eq!(sessions("b").read(&cookie, at(1)), None);
        assert_eq!(Sessions::new(None).read(&Sessions::new(None).write(session), at(1)), None, "keys of two processes");
    }

    #[test]
    fn a_cookie_that_was_touched_is_nobodys() {
        let (ours, session) = (sessions("a"), Sessions::begin(at(0)));
        let cookie = ours.write(session);
        for position in 0..cookie.len() {
            let mut touched = cookie.clone().into_bytes();
            touched[position] = if touched[position] == b'0' { b'1' } else { b'0' };
            assert_eq!(ours.read(std::str::from_utf8(&touched).unwrap(), at(1)), None, "at {position}");
        }
        for text in ["", ".", "...", "a.b.c.d"] {
            assert_eq!(ours.read(text, at(1)), None, "{text}");
        }
    }

    #[test]
    fn a_session_ends_without_clicks_and_after_half_a_day_with_them() {
        let (ours, mut session) = (sessions("a"), Sessions::begin(at(0)));
        assert!(ours.read(&ours.write(session), at(IDLE_SECONDS - 1)).is_some());
        assert!(ours.read(&ours.write(session), at(IDLE_SECONDS)).is_none());
        let mut now = 0;
        while now < LONGEST_SECONDS {
            assert!(ours.read(&ours.write(session), at(now)).is_some(), "after {now} s");
            session = session.renewed(at(now)).unwrap_or(session);
            now += IDLE_SECONDS - 1;
        }
        assert!(ours.read(&ours.write(session), at(LONGEST_SECONDS)).is_none());
    }

    #[test]
    fn a_cookie_is_written_anew_once_a_minute() {
        let session = Sessions::begin(at(0));
        assert_eq!(session.renewed(at(RENEWED_AFTER_SECONDS - 1)), None);
        assert!(session.renewed(at(RENEWED_AFTER_SECONDS)).is_some());
    }

    #[test]
    fn logging_out_ends_a_session_however_often_its_cookie_was_renewed() {
        let (ours, session) = (sessions("a"), Sessions::begin(at(0)));
        let renewed = session.renewed(at(100)).unwrap();
        ours.end(session, at(101));
        assert_eq!(ours.read(&ours.write(session), at(102)), None);
        assert_eq!(ours.read(&ours.write(renewed), at(102)), None);
    }

    #[test]
    fn forms_of_one_session_are_not_those_of_another() {
        let (ours, session, other) = (sessions("a"), Sessions::begin(at(0)), Sessions::begin(at(0)));
        assert!(ours.is_form_token(session, &ours.form_token(session)));
        assert!(!ours.is_form_token(session, &ours.form_token(other)));
        assert!(!ours.is_form_token(session, ""));
    }
}
