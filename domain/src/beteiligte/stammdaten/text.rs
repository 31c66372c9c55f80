//! When two texts say the same, and how they are written on each side.

use chrono::NaiveDate;

use super::field::{Content, Field, PartyKind, Side};

/// Forms of address, in every spelling seen; the first is how Advoware and a German EspoCRM write it, the second how EspoCRM writes it
/// as it is delivered.
const ANREDEN: [(&str, &str, &[&str]); 4] = [
    ("Herr", "Mr.", &["herr", "herrn", "hr", "mr"]),
    ("Frau", "Ms.", &["frau", "fr", "ms", "mrs"]),
    ("Firma", "Firma", &["firma", "fa"]),
    ("Eheleute", "Eheleute", &["eheleute"]),
];

/// Spellings that show that EspoCRM speaks English.
const ENGLISH: [&str; 3] = ["mr", "ms", "mrs"];

/// Legal forms: how they are written, whether such a party is a company, and further spellings. Compared without blanks, points, hyphens and
/// case.
const RECHTSFORMEN: [(&str, bool, &[&str]); 15] = [
    ("Natürliche Person", false, &["privatperson", "person"]),
    ("e.K.", false, &["eingetragenerkaufmann", "eingetragenekauffrau", "ekfm", "ekfr"]),
    ("GmbH", true, &["gesellschaftmitbeschränkterhaftung"]),
    ("gGmbH", true, &["gemeinnützigegmbh"]),
    (
        "UG (haftungsbeschränkt)",
        true,
        &["ug", "unternehmergesellschaft", "unternehmergesellschaft(haftungsbeschränkt)"],
    ),
    ("AG", true, &["aktiengesellschaft"]),
    ("SE", true, &["societaseuropaea"]),
    ("KG", true, &["kommanditgesellschaft"]),
    ("OHG", true, &["offenehandelsgesellschaft"]),
    ("GmbH & Co. KG", true, &["gmbhundcokg", "gmbh+cokg"]),
    ("GbR", true, &["gesellschaftbürgerlichenrechts", "bgbgesellschaft"]),
    ("PartG", true, &["partnerschaftsgesellschaft"]),
    ("PartG mbB", true, &["partgmbb", "partnerschaftsgesellschaftmitbeschränkterberufshaftung"]),
    ("e.V.", true, &["eingetragenerverein"]),
    ("eG", true, &["eingetragenegenossenschaft"]),
];

/// Advoware's empty date (DOMAIN 3).
const NO_DATE: &str = "0001-01-01";

/// A side cannot hold a text: too long, no date, or a name that may not be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CannotHold;

/// The form in which texts of a field are compared; `None` for an empty one.
pub(super) fn canonical(field: Field, text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    match field.content() {
        Content::Text => Some(text.to_owned()),
        Content::Anrede => Some(anrede(text).map_or(text, |(german, ..)| german).to_owned()),
        Content::Rechtsform => Some(rechtsform(text).map_or(text, |(title, ..)| title).to_owned()),
        Content::Date if text.starts_with(NO_DATE) => None,
        Content::Date => Some(date(text).map_or_else(|| text.to_owned(), |date| date.to_string())),
    }
}

/// Whether two texts of a field say the same.
pub fn is_same(field: Field, one: Option<&str>, other: Option<&str>) -> bool {
    let canonical = |text: Option<&str>| text.and_then(|text| canonical(field, text));
    canonical(one) == canonical(other)
}

/// A canonical text as `side` writes it. `now`: what stands there; EspoCRM's form of address keeps its language.
pub(super) fn render(
    field: Field,
    side: Side,
    kind: PartyKind,
    canonical: Option<&str>,
    now: Option<&str>,
) -> Result<Option<String>, CannotHold> {
    let Some(text) = canonical else {
        // Neither system takes a record without a name (A).
        return if field == Field::Name { Err(CannotHold) } else { Ok(None) };
    };
    let written = match (field.content(), side) {
        (Content::Text | Content::Rechtsform, _) | (Content::Anrede, Side::Advoware) => text.to_owned(),
        (Content::Anrede, Side::Espocrm) => in_language_of(text, now).to_owned(),
        (Content::Date, Side::Espocrm) => date(text).ok_or(CannotHold)?.to_string(),
        (Content::Date, Side::Advoware) => format!("{}T00:00:00", date(text).ok_or(CannotHold)?),
    };
    let fits = side == Side::Advoware || written.chars().count() <= field.espocrm_chars(kind);
    if fits { Ok(Some(written)) } else { Err(CannotHold) }
}

/// Whether a party of this legal form is a company.
pub(super) fn is_company(form: &str) -> bool {
    rechtsform(form).is_some_and(|(_, is_company, _)| *is_company)
}

fn anrede(text: &str) -> Option<&'static (&'static str, &'static str, &'static [&'static str])> {
    let key = anrede_key(text);
    ANREDEN.iter().find(|(.., spellings)| spellings.contains(&key.as_str()))
}

fn anrede_key(text: &str) -> String {
    text.trim().trim_end_matches('.').to_lowercase()
}

fn in_language_of<'a>(text: &'a str, now: Option<&str>) -> &'a str {
    let is_english = now.is_some_and(|now| ENGLISH.contains(&anrede_key(now).as_str()));
    match anrede(text) {
        Some((_, english, _)) if is_english => english,
        _ => text,
    }
}

fn rechtsform(text: &str) -> Option<&'static (&'static str, bool, &'static [&'static str])> {
    let key = compact(text);
    RECHTSFORMEN.iter().find(|(title, _, spellings)| compact(title) == key || spellings.contains(&key.as_str()))
}

fn compact(text: &str) -> String {
    let letters = text.chars().filter(|letter| !letter.is_whitespace() && !matches!(letter, '.' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}

/// `1970-05-17`, `1970-05-17T00:00:00` (with or without fraction), `17.05.1970`.
fn date(text: &str) -> Option<NaiveDate> {
    let day = text.split(['T', ' ']).next().unwrap_or_default();
    NaiveDate::parse_from_str(day, "%Y-%m-%d").or_else(|_| NaiveDate::parse_from_str(day, "%d.%m.%Y")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(field: Field, texts: &[&str], expected: &str) {
        for text in texts {
            assert_eq!(canonical(field, text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn b2_anrede_and_rechtsform_are_equal_in_every_spelling() {
        same(Field::Anrede, &["Herr", "Herrn", " herr ", "Mr.", "Mr", "Hr."], "Herr");
        same(Field::Anrede, &["Frau", "Fr.", "Ms.", "Mrs."], "Frau");
        same(Field::Anrede, &["Familie"], "Familie");
        same(Field::Rechtsform, &["GmbH", "G.m.b.H.", "gmbh", "Gesellschaft mit beschränkter Haftung"], "GmbH");
        same(Field::Rechtsform, &["GmbH & Co. KG", "GmbH & Co KG", "GmbH&Co.KG"], "GmbH & Co. KG");
        same(Field::Rechtsform, &["UG", "UG (haftungsbeschränkt)"], "UG (haftungsbeschränkt)");
        same(Field::Rechtsform, &["Limited"], "Limited");
    }

    #[test]
    fn b2_dates_are_equal_in_every_shape_and_an_empty_one_is_none() {
        let shapes = ["1970-05-17", "1970-05-17T00:00:00", "1970-05-17T00:00:00.000", "17.05.1970"];
        same(Field::Geburtsdatum, &shapes, "1970-05-17");
        for empty in ["", "  ", "0001-01-01T00:00:00", "0001-01-01"] {
            assert_eq!(canonical(Field::Geburtsdatum, empty), None);
        }
        same(Field::Geburtsdatum, &["um 1970"], "um 1970");
    }

    #[test]
    fn each_side_gets_its_own_form() {
        let render = |field, side, text, now| render(field, side, PartyKind::Person, Some(text), now);
        let written = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(render(Field::Geburtsdatum, Side::Advoware, "1970-05-17", None), written("1970-05-17T00:00:00"));
        assert_eq!(render(Field::Geburtsdatum, Side::Espocrm, "1970-05-17", None), written("1970-05-17"));
        assert_eq!(render(Field::Anrede, Side::Espocrm, "Frau", Some("Mr.")), written("Ms."));
        assert_eq!(render(Field::Anrede, Side::Espocrm, "Frau", Some("Herrn")), written("Frau"));
        assert_eq!(render(Field::Anrede, Side::Espocrm, "Frau", None), written("Frau"));
        assert_eq!(render(Field::Anrede, Side::Advoware, "Frau", Some("Herr")), written("Frau"));
    }

    #[test]
    fn k2_what_a_side_cannot_hold_is_not_written() {
        let render = |field, side, kind, text| render(field, side, kind, text, None);
        let (person, company) = (PartyKind::Person, PartyKind::Company);
        let [longest, longer] = [255, 101].map(|chars| "x".repeat(chars));
        assert_eq!(render(Field::Geburtsdatum, Side::Espocrm, person, Some("um 1970")), Err(CannotHold));
        assert_eq!(render(Field::Name, Side::Espocrm, person, Some(&longer)), Err(CannotHold));
        assert!(render(Field::Name, Side::Espocrm, company, Some(&longest)).is_ok());
        assert!(render(Field::Name, Side::Advoware, person, Some(&longer)).is_ok());
        for side in Side::ALL {
            assert_eq!(render(Field::Name, side, person, None), Err(CannotHold));
            assert_eq!(render(Field::Vorname, side, person, None), Ok(None));
        }
    }
}
