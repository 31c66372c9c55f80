//! Names of calendars and events. They carry no personal data where we chose them; those of others may be mail addresses, so they do
//! not stand in logs (E2).

use std::fmt;

/// Id of a calendar: `<random>@group.calendar.google.com`, or a mail address where it is somebody's first one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CalendarId(String);

/// Id of an event, or of a changed occurrence of a series; unique in its calendar.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(String);

/// Why a text is no id. Does not repeat the text: what arrives in its place may be personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidGoogleId {
    length: usize,
}

impl fmt::Display for InvalidGoogleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.length;
        write!(f, "not an id of Google Calendar (length {length}): expected 1 to {MAX_CHARS} visible ASCII characters")
    }
}

impl std::error::Error for InvalidGoogleId {}

/// Longest id of an event (DOMAIN 6); those of calendars are shorter.
const MAX_CHARS: usize = 1024;

/// RFC 4648, in lower case: all that an id of our choice may consist of (DOMAIN 6).
const BASE32HEX: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

impl CalendarId {
    /// Accepts what may stand in an address.
    pub fn parse(text: &str) -> Result<Self, InvalidGoogleId> {
        check(text).map(|()| Self(text.to_owned()))
    }

    /// The id as Google writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl EventId {
    /// Accepts what may stand in an address: Google's own ids and those of occurrences have characters that ours must not have.
    pub fn parse(text: &str) -> Result<Self, InvalidGoogleId> {
        check(text).map(|()| Self(text.to_owned()))
    }

    /// A new event's id, from random bytes: it says nothing about what it stands for (C7), and one that was used before comes up as
    /// rarely as a UUID.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(bytes);
        // 26 digits of 5 bits hold 130; the first has but the 3 highest of 128.
        let digit = |place: u32| usize::try_from(number >> (5 * place) & 31).ok().and_then(|at| BASE32HEX.get(at));
        Self((0..26).rev().filter_map(digit).map(|byte| char::from(*byte)).collect())
    }

    /// The id as Google writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CalendarId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One dot or two are no name in a path but a way out of it; all else is encoded.
fn check(text: &str) -> Result<(), InvalidGoogleId> {
    let fits = (1..=MAX_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits && !matches!(text, "." | "..") { Ok(()) } else { Err(InvalidGoogleId { length: text.chars().count() }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn random_bytes_become_digits_of_base32hex() {
        assert_eq!(EventId::from_random([0; 16]).as_str(), "0".repeat(26));
        assert_eq!(EventId::from_random([0xff; 16]).as_str(), format!("7{}", "v".repeat(25)));
        let mut one = [0; 16];
        one[15] = 33;
        assert_eq!(EventId::from_random(one).as_str(), format!("{}11", "0".repeat(24)));
    }

    proptest! {
        #[test]
        fn c3_different_bytes_are_different_ids_of_allowed_digits(one in any::<[u8; 16]>(), other in any::<[u8; 16]>()) {
            let id = EventId::from_random(one);
            prop_assert!(id.as_str().len() == 26 && id.as_str().bytes().all(|b| BASE32HEX.contains(&b)));
            prop_assert_eq!(one == other, id == EventId::from_random(other));
        }
    }

    #[test]
    fn ids_are_what_may_stand_in_an_address() {
        for text in ["a1@group.calendar.google.com", "de.german#holiday@group.v.calendar.google.com"] {
            assert_eq!(CalendarId::parse(text).unwrap().as_str(), text);
        }
        assert!(EventId::parse("abcde_20260302T080000Z").is_ok());
        for text in ["", ".", "..", "a b", "a\n", "ä", &"a".repeat(1025)] {
            assert!(EventId::parse(text).is_err() && CalendarId::parse(text).is_err(), "{text:?}");
        }
    }
}
