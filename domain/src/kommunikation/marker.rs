//! Our marker in an Advoware remark (K1): `[ESPOCRM:<base64>:<kommKz>] text` and `[ESPOCRM-SLOT:<kommKz>]`.
//!
//! The remark belongs to the user. We add one marker, find it again wherever it stands, and give every other character
//! back unchanged. What looks like a marker but cannot be read is debris of ours, not the user's text: it is dropped with
//! the next write, and a finding says so.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::komm_kz::KommKz;

const VALUE_PREFIX: &str = "[ESPOCRM:";
const SLOT_PREFIX: &str = "[ESPOCRM-SLOT:";

/// What a readable marker says of its row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Marker {
    /// The row was synced with this value, as EspoCRM held it.
    Value {
        /// The value at that time.
        value: String,
        /// Kind of the row; Advoware itself does not tell (DOMAIN 2).
        komm_kz: KommKz,
    },
    /// The row is free for a new value of this kind: Advoware cannot delete rows (Var2).
    Slot {
        /// Kind of the row.
        komm_kz: KommKz,
    },
}

impl Marker {
    /// Kind of the row that carries the marker.
    pub(super) fn komm_kz(&self) -> KommKz {
        match self {
            Self::Value { komm_kz, .. } | Self::Slot { komm_kz } => *komm_kz,
        }
    }

    fn render(&self) -> String {
        match self {
            Self::Value { value, komm_kz } => {
                format!("{VALUE_PREFIX}{}:{}]", STANDARD.encode(value), komm_kz.number())
            }
            Self::Slot { komm_kz } => format!("{SLOT_PREFIX}{}]", komm_kz.number()),
        }
    }
}

/// The user's text of a remark, free of markers: what stands before ours and what follows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct UserText {
    before: String,
    after: String,
}

/// A remark, read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Remark {
    /// The first readable marker; further ones are dropped.
    pub(super) marker: Option<Marker>,
    /// Everything that is not a marker.
    pub(super) text: UserText,
    /// Something had the shape of a marker and could not be read: bad base64, not UTF-8, no value, kommKz outside 1-12.
    pub(super) unreadable: bool,
}

impl Remark {
    /// Reads any text; cannot fail.
    pub(super) fn parse(text: &str) -> Self {
        let mut remark = Self::default();
        let mut rest = text;
        while let Some(candidate) = Candidate::first_in(rest) {
            remark.push_text(candidate.before);
            rest = candidate.after;
            match read(candidate.inner) {
                Some(marker) if remark.marker.is_none() => {
                    remark.marker = Some(marker);
                    rest = rest.strip_prefix(' ').unwrap_or(rest);
                }
                Some(_) => {}
                None => remark.unreadable = true,
            }
        }
        remark.push_text(rest);
        remark.text.before = without_candidates(remark.text.before);
        remark.text.after = without_candidates(remark.text.after);
        if remark.marker.is_none() {
            remark.text.after = without_candidates(std::mem::take(&mut remark.text.before) + &remark.text.after);
        }
        remark
    }

    fn push_text(&mut self, text: &str) {
        let side = if self.marker.is_none() { &mut self.text.before } else { &mut self.text.after };
        side.push_str(text);
    }
}

/// The remark of a row that carries `marker` beside the user's text. One blank separates them.
pub(super) fn render(marker: &Marker, text: &UserText) -> String {
    format!("{}{} {}", text.before, marker.render(), text.after)
}

/// The remark of a slot: nothing but the marker. The text of the row it was goes to the audit (K8).
pub(super) fn render_slot(komm_kz: KommKz) -> String {
    Marker::Slot { komm_kz }.render()
}

/// The remark of a row whose value an operator puts back, as a user would: the marker stays as it is `now`, and where the user's text is gone,
/// that of `before` returns.
pub fn restored_remark(now: &str, before: &str) -> String {
    let (now_read, before_read) = (Remark::parse(now), Remark::parse(before));
    if now_read.text != UserText::default() {
        return now.to_owned();
    }
    match now_read.marker {
        Some(marker) if before_read.text == UserText::default() => marker.render(),
        Some(marker) => render(&marker, &before_read.text),
        None => before_read.text.before + &before_read.text.after,
    }
}

/// Something with the outer shape of a marker, and what stands on both sides of it.
struct Candidate<'a> {
    before: &'a str,
    inner: Inner<'a>,
    after: &'a str,
}

#[derive(Clone, Copy)]
enum Inner<'a> {
    Value { encoded: &'a str, number: &'a str },
    Slot { number: &'a str },
}

impl<'a> Candidate<'a> {
    fn first_in(text: &'a str) -> Option<Self> {
        text.match_indices('[').find_map(|(start, _)| {
            let tail = text.get(start..)?;
            let (prefix, is_slot) = if tail.starts_with(SLOT_PREFIX) {
                (SLOT_PREFIX, true)
            } else if tail.starts_with(VALUE_PREFIX) {
                (VALUE_PREFIX, false)
            } else {
                return None;
            };
            let body = tail.get(prefix.len()..)?;
            let end = body.find([']', '[', '\n', '\r'])?;
            let (body, after) = (body.get(..end)?, body.get(end..)?.strip_prefix(']')?);
            let inner = if is_slot {
                Inner::Slot { number: body }
            } else {
                let (encoded, number) = body.rsplit_once(':')?;
                Inner::Value { encoded, number }
            };
            inner.has_number().then_some(Self { before: text.get(..start)?, inner, after })
        })
    }
}

impl Inner<'_> {
    /// `[ESPOCRM: see file]` is the user's prose; a marker of ours, however damaged, ends in a number.
    fn has_number(self) -> bool {
        let (Self::Value { number, .. } | Self::Slot { number }) = self;
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    }
}

fn read(inner: Inner<'_>) -> Option<Marker> {
    let (Inner::Value { number, .. } | Inner::Slot { number }) = inner;
    let komm_kz = KommKz::from_number(number.parse().ok()?)?;
    match inner {
        Inner::Slot { .. } => Some(Marker::Slot { komm_kz }),
        Inner::Value { encoded, .. } => {
            let bytes = STANDARD.decode(encoded).or_else(|_| STANDARD_NO_PAD.decode(encoded)).ok()?;
            let value = String::from_utf8(bytes).ok()?;
            (!value.trim().is_empty()).then_some(Marker::Value { value, komm_kz })
        }
    }
}

/// Taking a candidate out can join its neighbours to a new one; what is left must hold none, else the next read would
/// see a marker that nobody wrote.
fn without_candidates(mut text: String) -> String {
    while let Some(Candidate { before, after, .. }) = Candidate::first_in(&text) {
        text = [before, after].concat();
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(value: &str, komm_kz: KommKz) -> Marker {
        Marker::Value { value: value.to_owned(), komm_kz }
    }

    #[test]
    fn k1_reads_the_seeds_examples() {
        let mail = Remark::parse("[ESPOCRM:bWF4QGV4YW1wbGUuY29t:4] Geschäftliche Email");
        assert_eq!(mail.marker, Some(value("max@example.com", KommKz::MailGesch)));
        assert_eq!(mail.text.after, "Geschäftliche Email");
        let mobile = Remark::parse("[ESPOCRM:KzQ5IDUxMSAxMjM0NTY=:3] ");
        assert_eq!(mobile.marker, Some(value("+49 511 123456", KommKz::Mobil)));
        assert_eq!(Remark::parse("[ESPOCRM-SLOT:1]").marker, Some(Marker::Slot { komm_kz: KommKz::TelGesch }));
    }

    #[test]
    fn k1_text_before_and_many_lines_after_the_marker_survive_a_write() {
        let remark = Remark::parse("  nur [vormittags] [ESPOCRM:YQ==:1] Büro\r\n\r\n[intern] Tür 3 ");
        let written = render(&value("b", KommKz::TelGesch), &remark.text);
        assert_eq!(written, "  nur [vormittags] [ESPOCRM:Yg==:1] Büro\r\n\r\n[intern] Tür 3 ");
    }

    #[test]
    fn k1_a_second_marker_is_dropped() {
        let remark = Remark::parse("[ESPOCRM:YQ==:1] x [ESPOCRM:Yg==:3] y");
        assert_eq!(remark.marker, Some(value("a", KommKz::TelGesch)));
        assert!(!remark.unreadable);
        assert_eq!(remark.text.after, "x  y");
    }

    #[test]
    fn k1_an_unreadable_marker_counts_as_absent_and_is_told() {
        for text in
            ["[ESPOCRM:%%%:1] x", "[ESPOCRM:/w==:1] x", "[ESPOCRM:YQ==:13] x", "[ESPOCRM-SLOT:0] x", "[ESPOCRM::4] x"]
        {
            let remark = Remark::parse(text);
            assert_eq!((remark.marker, remark.unreadable), (None, true), "{text}");
        }
    }

    #[test]
    fn k1_prose_in_brackets_is_the_users() {
        for text in ["[ESPOCRM: siehe Akte]", "[ESPOCRM-SLOT:]", "[ESPOCRM:a\nb:4]", "[ESPOCRM"] {
            let remark = Remark::parse(text);
            assert_eq!((remark.marker, remark.unreadable), (None, false), "{text}");
            assert_eq!(remark.text.after, text);
        }
    }

    #[test]
    fn k1_a_dropped_marker_cannot_join_its_neighbours_to_a_new_one() {
        let remark = Remark::parse("[ESPOCRM:Yg==:1] [ESPO[ESPOCRM:YQ==:1]CRM:YQ==:3]");
        assert_eq!(remark.text.after, "");
    }

    fn any_marker() -> impl Strategy<Value = Marker> {
        let komm_kz = (1i64..=12).prop_filter_map("1 to 12", KommKz::from_number);
        prop_oneof![
            (".*\\S.*", komm_kz.clone()).prop_map(|(value, komm_kz)| Marker::Value { value, komm_kz }),
            komm_kz.prop_map(|komm_kz| Marker::Slot { komm_kz }),
        ]
    }

    /// Text that provokes the reader: fragments of markers between anything else.
    fn any_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<String>(),
            "[ \\[\\]:\\nA-Za-z0-9=ÄÖÜäöüß]{0,12}",
            Just("[ESPOCRM:".to_owned()),
            Just("[ESPOCRM-SLOT:4]".to_owned()),
            Just("YQ==:4]".to_owned()),
            Just("[ESPOCRM:YQ==:4]".to_owned()),
            Just(" ".to_owned()),
        ];
        proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn k1_parse_of_render_is_the_identity(marker in any_marker(), text in any_text()) {
            let read = Remark::parse(&text);
            let again = Remark::parse(&render(&marker, &read.text));
            prop_assert_eq!(again.marker, Some(marker));
            prop_assert_eq!(again.text, read.text);
            prop_assert!(!again.unreadable);
        }

        #[test]
        fn k1_user_text_without_brackets_survives_to_the_letter(marker in any_marker(), text in "[^\\[]*") {
            let written = render(&marker, &Remark::parse(&text).text);
            prop_assert!(written.ends_with(&text));
            prop_assert_eq!(Remark::parse(&written).text.after, text);
        }
    }
}
