//! What a run sees of both sides.

use super::komm_kz::KommKz;
use crate::ids::{KommId, RowId};

/// One entry of EspoCRM's `emailAddressData`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EspoMail {
    /// The address as EspoCRM holds it.
    pub address: String,
    /// First among the record's addresses.
    pub primary: bool,
    /// Must not be written to; belongs to EspoCRM and is carried over.
    pub opt_out: bool,
    /// Known to bounce; belongs to EspoCRM and is carried over.
    pub invalid: bool,
}

/// One entry of EspoCRM's `phoneNumberData`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EspoPhone {
    /// The number as EspoCRM holds it: E.164, or as typed on installations with that switched off (DOMAIN 5).
    pub number: String,
    /// EspoCRM's type, e.g. `Mobile`; `None` where it is empty. Firms may have added types of their own.
    pub phone_type: Option<String>,
    /// First among the record's numbers.
    pub primary: bool,
    /// Belongs to EspoCRM and is carried over.
    pub opt_out: bool,
    /// Belongs to EspoCRM and is carried over.
    pub invalid: bool,
}

/// EspoCRM's side of one Beteiligte, Kommunikation only. Order carries no meaning (DOMAIN 5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EspoView {
    /// `emailAddressData`
    pub mails: Vec<EspoMail>,
    /// `phoneNumberData`
    pub phones: Vec<EspoPhone>,
    /// `kommunikationHash` as stored, if any (K4).
    pub stored_hash: Option<String>,
}

/// One Kommunikation in Advoware.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AdvoRow {
    /// Stable id.
    pub id: KommId,
    /// Change token.
    pub row_id: RowId,
    /// `kommKz` as answered: 0 on most installations, the real one on some (DOMAIN 2).
    pub komm_kz: i64,
    /// The value; empty in slots.
    pub tlf: String,
    /// Remark with our marker and the user's text; null possible.
    pub bemerkung: Option<String>,
    /// `online` flag.
    pub online: bool,
}

/// A top-level contact field of Advoware's Beteiligte, used only to tell a Kommunikation's kind (K2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TopLevelValue {
    /// The kind that the field stands for (`mobil` is 3).
    pub komm_kz: KommKz,
    /// The field's value.
    pub value: String,
}

/// Advoware's side of one Beteiligte, Kommunikation only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AdvoView {
    /// The array `kommunikation`, complete.
    pub rows: Vec<AdvoRow>,
    /// Top-level contact fields that are not empty.
    pub top_level: Vec<TopLevelValue>,
}
