//! `kommKz`: what a Kommunikation is in Advoware, and how it is told when Advoware does not say (K2).

/// Advoware's kind of a Kommunikation (DOMAIN 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KommKz {
    /// 1, business phone.
    TelGesch,
    /// 2, business fax.
    FaxGesch,
    /// 3, mobile phone.
    Mobil,
    /// 4, business mail.
    MailGesch,
    /// 5, web address; never synced.
    Internet,
    /// 6, private phone.
    TelPrivat,
    /// 7, private fax.
    FaxPrivat,
    /// 8, private mail.
    MailPrivat,
    /// 9, car phone.
    AutoTelefon,
    /// 10, anything else one can dial.
    Sonstige,
    /// 11, E-Post or De-Mail.
    EPost,
    /// 12, the lawyers' mailbox beA.
    Bea,
}

/// What a Kommunikation is in EspoCRM: the array it lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `emailAddressData`.
    Mail,
    /// `phoneNumberData`.
    Phone,
}

/// Kinds that EspoCRM cannot tell apart; an edit in EspoCRM finds its row in Advoware within one group (K6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// {4, 8, 11, 12}
    Mail,
    /// {2, 7}
    Fax,
    /// {3, 9}
    Mobile,
    /// {1}
    Office,
    /// {6}
    Home,
    /// {10}
    Other,
}

impl KommKz {
    /// From Advoware's number; 0 and anything outside 1 to 12 is `None`.
    pub fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            1 => Self::TelGesch,
            2 => Self::FaxGesch,
            3 => Self::Mobil,
            4 => Self::MailGesch,
            5 => Self::Internet,
            6 => Self::TelPrivat,
            7 => Self::FaxPrivat,
            8 => Self::MailPrivat,
            9 => Self::AutoTelefon,
            10 => Self::Sonstige,
            11 => Self::EPost,
            12 => Self::Bea,
            _ => return None,
        })
    }

    /// Advoware's number, 1 to 12.
    pub fn number(self) -> u8 {
        match self {
            Self::TelGesch => 1,
            Self::FaxGesch => 2,
            Self::Mobil => 3,
            Self::MailGesch => 4,
            Self::Internet => 5,
            Self::TelPrivat => 6,
            Self::FaxPrivat => 7,
            Self::MailPrivat => 8,
            Self::AutoTelefon => 9,
            Self::Sonstige => 10,
            Self::EPost => 11,
            Self::Bea => 12,
        }
    }

    /// The group it belongs to; web addresses belong to none, they are not synced.
    pub fn group(self) -> Option<Group> {
        match self {
            Self::MailGesch | Self::MailPrivat | Self::EPost | Self::Bea => Some(Group::Mail),
            Self::FaxGesch | Self::FaxPrivat => Some(Group::Fax),
            Self::Mobil | Self::AutoTelefon => Some(Group::Mobile),
            Self::TelGesch => Some(Group::Office),
            Self::TelPrivat => Some(Group::Home),
            Self::Sonstige => Some(Group::Other),
            Self::Internet => None,
        }
    }
}

impl Group {
    /// The EspoCRM array its values live in.
    pub fn kind(self) -> Kind {
        match self {
            Self::Mail => Kind::Mail,
            Self::Fax | Self::Mobile | Self::Office | Self::Home | Self::Other => Kind::Phone,
        }
    }

    /// EspoCRM's phone type for a number of this group; mails have none.
    pub fn espo_type(self) -> Option<&'static str> {
        match self {
            Self::Mail => None,
            Self::Fax => Some("Fax"),
            Self::Mobile => Some("Mobile"),
            Self::Office => Some("Office"),
            Self::Home => Some("Home"),
            Self::Other => Some("Other"),
        }
    }
}

/// The kind of an Advoware row (K2): marker (or what stands in for it), Advoware's own number (0 on most installations), EspoCRM's
/// type of the same number, a top-level field with the same value, the value's look, default. Later sources are only asked where
/// no earlier one speaks.
pub(super) fn of_row(
    remembered: Option<KommKz>,
    answered: i64,
    espo_type: impl FnOnce() -> Option<KommKz>,
    top_level: impl FnOnce() -> Option<KommKz>,
    value: &str,
) -> KommKz {
    remembered
        .or_else(|| KommKz::from_number(answered))
        .or_else(espo_type)
        .or_else(top_level)
        .unwrap_or_else(|| by_look(value))
}

/// Kind of an EspoCRM phone type; `None` for an empty type and for types that a firm added.
pub(super) fn of_espo_type(phone_type: &str) -> Option<KommKz> {
    Some(match phone_type {
        "Office" => KommKz::TelGesch,
        "Fax" => KommKz::FaxGesch,
        "Mobile" => KommKz::Mobil,
        "Home" => KommKz::TelPrivat,
        "Other" => KommKz::Sonstige,
        _ => return None,
    })
}

fn by_look(value: &str) -> KommKz {
    if value.contains('@') {
        KommKz::MailGesch
    } else if is_web_address(value) {
        KommKz::Internet
    } else {
        KommKz::TelGesch
    }
}

fn is_web_address(value: &str) -> bool {
    let lower = value.trim().to_ascii_lowercase();
    if lower.starts_with("http://") || lower.starts_with("https://") || lower.starts_with("www.") {
        return true;
    }
    let host = lower.split('/').next().unwrap_or_default();
    let top_level_domain = host.rsplit_once('.').map_or("", |(_, last)| last);
    top_level_domain.len() >= 2
        && top_level_domain.bytes().all(|b| b.is_ascii_lowercase())
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_look_alone(answered: i64, value: &str) -> KommKz {
        of_row(None, answered, || None, || None, value)
    }

    #[test]
    fn k2_the_cascade_takes_the_first_that_speaks() {
        let (fax_privat, tel_privat, fax) = (Some(KommKz::FaxPrivat), Some(KommKz::TelPrivat), Some(KommKz::FaxGesch));
        let mail = "a@example.org";
        assert_eq!(of_row(fax_privat, 3, || tel_privat, || fax, mail), KommKz::FaxPrivat);
        assert_eq!(of_row(None, 3, || tel_privat, || fax, mail), KommKz::Mobil);
        assert_eq!(of_row(None, 0, || tel_privat, || fax, mail), KommKz::TelPrivat);
        assert_eq!(of_row(None, 0, || None, || fax, mail), KommKz::FaxGesch);
        assert_eq!(by_look_alone(0, mail), KommKz::MailGesch);
        assert_eq!(by_look_alone(0, "030 23125123"), KommKz::TelGesch);
    }

    #[test]
    fn k2_an_unknown_number_of_advoware_says_nothing() {
        for answered in [-1, 0, 13, 99] {
            assert_eq!(by_look_alone(answered, "a@example.org"), KommKz::MailGesch);
        }
    }

    #[test]
    fn k2_a_web_address_is_5() {
        for value in ["www.example.org", "https://example.org/kontakt", "Example.COM", "example.org/team"] {
            assert_eq!(by_look_alone(0, value), KommKz::Internet, "{value}");
        }
        for value in ["030.23125.123", "siehe Akte", "DE.BRAK.0a1b-2c3d.4567"] {
            assert_eq!(by_look_alone(0, value), KommKz::TelGesch, "{value}");
        }
    }

    #[test]
    fn k2_numbers_and_groups_agree_with_the_list() {
        let kinds: Vec<_> = (0..=13).map(|n| KommKz::from_number(n).map(KommKz::number)).collect();
        let expected: Vec<_> = (0..=13).map(|n| (1..=12).contains(&n).then_some(n)).collect();
        assert_eq!(kinds, expected);
        let mails: Vec<_> = (1..=12)
            .filter_map(KommKz::from_number)
            .filter(|kz| kz.group().is_some_and(|group| group.kind() == Kind::Mail))
            .map(KommKz::number)
            .collect();
        assert_eq!(mails, [4, 8, 11, 12]);
    }
}
