//! The mapping table: which field of Advoware is which field of EspoCRM (A, DOMAIN 2).

use std::collections::BTreeMap;

use super::text;

/// A record's texts by field name; what is empty is absent.
pub type Texts = BTreeMap<&'static str, String>;

/// One of the two systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// EspoCRM.
    Espocrm,
    /// Advoware.
    Advoware,
}

impl Side {
    /// Both sides.
    pub const ALL: [Self; 2] = [Self::Espocrm, Self::Advoware];

    /// Name in commands, audit and stored bases.
    pub fn name(self) -> &'static str {
        match self {
            Self::Espocrm => "espocrm",
            Self::Advoware => "advoware",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Espocrm => Self::Advoware,
            Self::Advoware => Self::Espocrm,
        }
    }
}

/// Whether a record is a person or a company; EspoCRM keeps their names in different fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartyKind {
    /// A natural person.
    Person,
    /// Everything else.
    Company,
}

/// A field of the Stammdaten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// Family name, or the name of the company.
    Name,
    /// First name.
    Vorname,
    /// Form of address.
    Anrede,
    /// Date of birth.
    Geburtsdatum,
    /// Legal form.
    Rechtsform,
    /// Number in the commercial register.
    HandelsregisterNummer,
    /// Court of the register.
    Registergericht,
}

/// What a field holds, which decides when two texts are equal and how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Text,
    Anrede,
    Rechtsform,
    Date,
}

/// One row of the table. `None`: that kind of party has no such field in EspoCRM, and it is left alone on both sides.
struct Mapping {
    advoware: &'static str,
    person: Option<&'static str>,
    company: Option<&'static str>,
    content: Content,
    /// Characters that EspoCRM's field holds (A: as our extension makes them).
    espocrm_chars: usize,
}

/// The table.
#[rustfmt::skip]
const fn mapping(field: Field) -> Mapping {
    match field {
        Field::Name => Mapping { advoware: "name", person: Some("lastName"), company: Some("firmenname"), content: Content::Text, espocrm_chars: 100 },
        Field::Vorname => Mapping { advoware: "vorname", person: Some("firstName"), company: None, content: Content::Text, espocrm_chars: 100 },
        Field::Anrede => Mapping { advoware: "anrede", person: Some("salutationName"), company: None, content: Content::Anrede, espocrm_chars: 100 },
        Field::Geburtsdatum => Mapping { advoware: "geburtsdatum", person: Some("dateOfBirth"), company: None, content: Content::Date, espocrm_chars: 10 },
        Field::Rechtsform => Mapping { advoware: "rechtsform", person: Some("rechtsform"), company: Some("rechtsform"), content: Content::Rechtsform, espocrm_chars: 100 },
        Field::HandelsregisterNummer => Mapping { advoware: "handelsRegisterNummer", person: Some("handelsregisterNummer"), company: Some("handelsregisterNummer"), content: Content::Text, espocrm_chars: 100 },
        Field::Registergericht => Mapping { advoware: "registergericht", person: Some("handelsregisterArt"), company: Some("handelsregisterArt"), content: Content::Text, espocrm_chars: 100 },
    }
}

/// `firmenname` is longer than the other names.
const FIRMENNAME_CHARS: usize = 255;

/// Advoware's fields of the table.
pub const ADVOWARE_FIELDS: [&str; 7] =
    ["name", "vorname", "anrede", "geburtsdatum", "rechtsform", "handelsRegisterNummer", "registergericht"];

/// EspoCRM's fields of the table, by their standard names.
pub const ESPOCRM_FIELDS: [&str; 8] = [
    "lastName",
    "firstName",
    "firmenname",
    "salutationName",
    "dateOfBirth",
    "rechtsform",
    "handelsregisterNummer",
    "handelsregisterArt",
];

impl Field {
    /// Every field, in the order in which people read them.
    pub const ALL: [Self; 7] = [
        Self::Name,
        Self::Vorname,
        Self::Anrede,
        Self::Geburtsdatum,
        Self::Rechtsform,
        Self::HandelsregisterNummer,
        Self::Registergericht,
    ];

    /// Name in audit, findings and stored bases.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Vorname => "vorname",
            Self::Anrede => "anrede",
            Self::Geburtsdatum => "geburtsdatum",
            Self::Rechtsform => "rechtsform",
            Self::HandelsregisterNummer => "handelsregister_nummer",
            Self::Registergericht => "registergericht",
        }
    }

    /// Back from [`Self::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// The field's name on a side, by EspoCRM's standard names; `None` where that kind of party has none.
    pub fn on(self, side: Side, kind: PartyKind) -> Option<&'static str> {
        let Mapping { advoware, person, company, .. } = mapping(self);
        let espocrm = match kind {
            PartyKind::Person => person,
            PartyKind::Company => company,
        };
        match side {
            Side::Espocrm => espocrm,
            Side::Advoware => espocrm.map(|_| advoware),
        }
    }

    pub(super) fn content(self) -> Content {
        mapping(self).content
    }

    pub(super) fn espocrm_chars(self, kind: PartyKind) -> usize {
        match (self, kind) {
            (Self::Name, PartyKind::Company) => FIRMENNAME_CHARS,
            _ => mapping(self).espocrm_chars,
        }
    }
}

impl PartyKind {
    /// EspoCRM says it, by the name that is filled in; where none is, Advoware does (DOMAIN 2).
    pub fn of(espo: &Texts, advo: &Texts) -> Self {
        let has = |name: &str| espo.contains_key(name);
        if has("firmenname") {
            Self::Company
        } else if has("lastName") || has("firstName") {
            Self::Person
        } else {
            Self::in_advoware(advo)
        }
    }

    /// Without first name and with a company's legal form.
    pub(super) fn in_advoware(advo: &Texts) -> Self {
        let is_company_form = advo.get("rechtsform").is_some_and(|form| text::is_company(form));
        if !advo.contains_key("vorname") && is_company_form { Self::Company } else { Self::Person }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_names_each_field_once_on_each_side() {
        let mut seen = BTreeSet::new();
        for field in Field::ALL {
            let Mapping { advoware, person, company, .. } = mapping(field);
            assert!(ADVOWARE_FIELDS.contains(&advoware) && seen.insert(advoware));
            for name in [person, company].into_iter().flatten() {
                assert!(ESPOCRM_FIELDS.contains(&name));
            }
            assert_eq!(Field::parse(field.name()), Some(field));
        }
    }

    #[test]
    fn a_company_is_known_by_its_name_in_espocrm_and_by_its_form_in_advoware() {
        let texts = |fields: &[(&'static str, &str)]| -> Texts {
            fields.iter().map(|(name, text)| (*name, (*text).to_owned())).collect()
        };
        let none = Texts::new();
        let company = texts(&[("name", "Beispiel"), ("rechtsform", "GmbH")]);
        let person = texts(&[("name", "Beispiel"), ("vorname", "Kim"), ("rechtsform", "GmbH")]);
        assert_eq!(PartyKind::of(&texts(&[("firmenname", "Beispiel")]), &person), PartyKind::Company);
        assert_eq!(PartyKind::of(&texts(&[("lastName", "Beispiel")]), &company), PartyKind::Person);
        assert_eq!(PartyKind::of(&none, &company), PartyKind::Company);
        assert_eq!(PartyKind::of(&none, &person), PartyKind::Person);
        assert_eq!(PartyKind::of(&none, &texts(&[("name", "Beispiel")])), PartyKind::Person);
    }
}
