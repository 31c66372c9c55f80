//! When two values are the same, and whether the other side can hold one (K2, K3).

use phonenumber::{Mode, PhoneNumber, country};

use super::komm_kz::Kind;

/// The comparable form of a value; equal forms are the same phone or mailbox. Comparable within one [`Kind`] only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Canonical(String);

/// How numbers that are new in EspoCRM are written there (K3). Which numbers are equal does not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PhoneFormat {
    /// `+493023125123`: where EspoCRM has international numbers switched on, which refuses all others.
    #[default]
    E164,
    /// As Advoware spells it, where EspoCRM takes any spelling. What it would refuse is written in E.164.
    AsTyped,
}

/// EspoCRM's limit for a mail address, in characters (DOMAIN 5).
const ESPO_MAIL_MAX_CHARS: usize = 255;
/// EspoCRM's limit for a phone number, in characters (DOMAIN 5).
const ESPO_PHONE_MAX_CHARS: usize = 36;
/// RFC 5321's limit for the part before the @, which PHP's mail filter enforces.
const MAIL_LOCAL_MAX_CHARS: usize = 64;
/// Assumption: no source names the size of Advoware's `tlf`.
const ADVO_TLF_MAX_CHARS: usize = 255;
/// Entries that EspoCRM takes per array (DOMAIN 5).
pub(super) const ESPO_MAX_ENTRIES: usize = 10;

/// Comparable form of `value`; `None` if it is empty.
pub(super) fn canonical(kind: Kind, value: &str) -> Option<Canonical> {
    let trimmed = value.trim();
    if trimmed.is_empty() {
        return None;
    }
    Some(Canonical(match kind {
        Kind::Mail => trimmed.to_lowercase(),
        Kind::Phone => phone(trimmed).map_or_else(|| trimmed.to_owned(), |number| e164(&number)),
    }))
}

/// The form in which EspoCRM takes a value from Advoware: mails trimmed, phones in `format` (DOMAIN 5). `None`: it cannot hold it.
pub(super) fn for_espocrm(kind: Kind, value: &str, format: PhoneFormat) -> Option<String> {
    let trimmed = value.trim();
    match kind {
        Kind::Mail => is_mail(trimmed).then(|| trimmed.to_owned()),
        Kind::Phone => {
            let number = phone(trimmed)?;
            // A number without area code parses too, but would ring somewhere else.
            let written = number.is_valid().then(|| match format {
                PhoneFormat::AsTyped if is_taken_as_typed(trimmed) => trimmed.to_owned(),
                PhoneFormat::AsTyped | PhoneFormat::E164 => e164(&number),
            })?;
            (written.len() <= ESPO_PHONE_MAX_CHARS).then_some(written)
        }
    }
}

/// Whether Advoware's `tlf` can hold a value of EspoCRM.
pub(super) fn fits_advoware(value: &str) -> bool {
    value.chars().count() <= ADVO_TLF_MAX_CHARS
}

/// EspoCRM's loose pattern for numbers: it knows neither a slash nor blanks and dashes beyond ASCII.
fn is_taken_as_typed(number: &str) -> bool {
    number.len() <= ESPO_PHONE_MAX_CHARS && number.chars().all(|c| c.is_ascii_digit() || " +()-.".contains(c))
}

fn e164(number: &PhoneNumber) -> String {
    number.format().mode(Mode::E164).to_string()
}

/// A number as the German region reads it. The crate would read letters as a vanity number (`0511 123 privat` as
/// `0511 123 774828`), so a text with letters is no number here.
fn phone(text: &str) -> Option<PhoneNumber> {
    let dialable = |c: char| c.is_ascii_digit() || " +()/-.\u{a0}\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}".contains(c);
    if text.len() > 64 || !text.chars().all(dialable) {
        return None;
    }
    phonenumber::parse(Some(country::Id::DE), text).ok()
}

/// What PHP's mail filter takes, which EspoCRM uses: ASCII, one @, a dotted domain (DOMAIN 5). Rather too strict than too lax:
/// one refused address would refuse the whole record.
fn is_mail(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_ok = !local.is_empty()
        && local.len() <= MAIL_LOCAL_MAX_CHARS
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&b))
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let labels: Vec<&str> = domain.split('.').collect();
    let label_ok = |label: &&str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    local_ok && text.len() <= ESPO_MAIL_MAX_CHARS && labels.len() >= 2 && labels.iter().all(label_ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k3_all_usual_spellings_of_a_number_are_one() {
        let expected = canonical(Kind::Phone, "+493023125123");
        for spelling in [
            "030/23125 12-3",
            "+49 (0)30 23125-123",
            "+49(0)30/23125123",
            "0049 30 23125123",
            "030 23125123",
            " (030) 23125123 ",
            "030\u{2013}23125123",
        ] {
            assert_eq!(canonical(Kind::Phone, spelling), expected, "{spelling}");
        }
    }

    #[test]
    fn k3_what_is_no_number_is_compared_as_text() {
        assert_eq!(canonical(Kind::Phone, " siehe Akte "), canonical(Kind::Phone, "siehe Akte"));
        assert_ne!(canonical(Kind::Phone, "siehe Akte"), canonical(Kind::Phone, "Siehe Akte"));
        assert_eq!(canonical(Kind::Phone, "  "), None);
    }

    #[test]
    fn k3_mails_ignore_case_and_blanks() {
        assert_eq!(canonical(Kind::Mail, " Info@Example.ORG"), canonical(Kind::Mail, "info@example.org "));
    }

    #[test]
    fn k2_letters_never_become_digits() {
        assert_eq!(for_espocrm(Kind::Phone, "030 23125123 privat", PhoneFormat::E164), None);
        assert_eq!(for_espocrm(Kind::Phone, "0800 EXAMPLE", PhoneFormat::E164), None);
        assert_eq!(for_espocrm(Kind::Phone, "030 23125123", PhoneFormat::E164), Some("+493023125123".to_owned()));
    }

    #[test]
    fn k2_espocrm_cannot_hold_what_is_no_number_or_no_mail_address() {
        for value in ["123456", "110", "siehe Akte", "+1", "030 23125123 / 0172 9925904"] {
            assert_eq!(for_espocrm(Kind::Phone, value, PhoneFormat::E164), None, "{value}");
        }
        for value in [
            "DE.BRAK.0a1b",
            "a@b",
            "a b@example.org",
            "ü@example.org",
            "a@exämple.org",
            "@example.org",
            "a..b@example.org",
        ] {
            assert_eq!(for_espocrm(Kind::Mail, value, PhoneFormat::E164), None, "{value}");
        }
        let long = format!("a@{}.org", "x.".repeat(130));
        assert_eq!(for_espocrm(Kind::Mail, &long, PhoneFormat::E164), None);
        assert_eq!(
            for_espocrm(Kind::Mail, " A.b+c@mail.example.org ", PhoneFormat::E164),
            Some("A.b+c@mail.example.org".to_owned())
        );
    }

    #[test]
    fn k3_a_number_is_written_as_typed_where_espocrm_takes_that() {
        let written = |value: &str| for_espocrm(Kind::Phone, value, PhoneFormat::AsTyped);
        for value in ["030 23125123", "+49 (0)30 23125-123", "0049 30 23125123"] {
            assert_eq!(written(&format!(" {value} ")).as_deref(), Some(value));
            assert_eq!(canonical(Kind::Phone, value), canonical(Kind::Phone, "+493023125123"));
        }
        // What EspoCRM would refuse.
        for value in ["030/23125123", "030\u{2013}23125123", "0  3  0  -  2  3  1  2  5  -  1  2  3"] {
            assert_eq!(written(value).as_deref(), Some("+493023125123"), "{value}");
        }
        for value in ["123456", "siehe Akte", "030 23125123 / 0172 9925904"] {
            assert_eq!(written(value), None, "{value}");
        }
        assert_eq!(for_espocrm(Kind::Mail, " a@b.org ", PhoneFormat::AsTyped).as_deref(), Some("a@b.org"));
    }
}
