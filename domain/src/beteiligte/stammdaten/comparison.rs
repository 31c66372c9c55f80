//! Which side moved (DOMAIN 4): with a base field by field, without one by timestamps, once.

use super::base::{Base, Last, Pair};
use super::field::{Field, PartyKind, Side, Texts};
use super::text::canonical;
use crate::kommunikation::Direction;

/// How both sides' Stammdaten compare: the rows of DOMAIN 4's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Nothing to do.
    NoChange,
    /// EspoCRM's changes go to Advoware.
    EspocrmNewer,
    /// Advoware's changes go to EspoCRM.
    AdvowareNewer,
    /// Both changed, different fields.
    BothDifferent,
    /// Both changed one field, and EspoCRM wins it.
    Conflict,
}

impl Comparison {
    /// Which way Kommunikationen go in the same run: always, and both ways but after a conflict (K5, K8a).
    pub fn kommunikation(self) -> Direction {
        match self {
            Self::NoChange | Self::EspocrmNewer | Self::AdvowareNewer | Self::BothDifferent => Direction::Both,
            Self::Conflict => Direction::ToAdvoware,
        }
    }
}

/// Which side's timestamps say that it moved. Only hints, and only asked where there is no base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newer {
    /// Neither: what differs is left as it is, and told.
    Neither,
    /// EspoCRM.
    Espocrm,
    /// Advoware.
    Advoware,
    /// Both: a conflict.
    Both,
}

impl Newer {
    /// The first sync: the newer timestamp wins; equal: no change; one missing: the side that has one.
    pub fn at_first_sync<T: Ord>(espo: Option<T>, advo: Option<T>) -> Self {
        match (espo, advo) {
            (Some(espo), Some(advo)) => match espo.cmp(&advo) {
                std::cmp::Ordering::Less => Self::Advoware,
                std::cmp::Ordering::Equal => Self::Neither,
                std::cmp::Ordering::Greater => Self::Espocrm,
            },
            (Some(_), None) => Self::Espocrm,
            (None, Some(_)) => Self::Advoware,
            (None, None) => Self::Neither,
        }
    }

    /// Later, the hub being lost: each side by its own mark of change.
    pub fn later(espo_changed: bool, advo_changed: bool) -> Self {
        match (espo_changed, advo_changed) {
            (false, false) => Self::Neither,
            (true, false) => Self::Espocrm,
            (false, true) => Self::Advoware,
            (true, true) => Self::Both,
        }
    }
}

/// Whether the pair was in agreement before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Never: what is empty on one side is filled in from the other, whoever is newer.
    FirstSync,
    /// It was, and what was agreed is lost: what is empty was emptied.
    HubLost,
}

/// The base with which a pair begins of which nothing is remembered: what the timestamps decide, in the form of a memory. To be stored
/// before the first write, which moves the timestamps.
pub fn first_base(espo: &Texts, advo: &Texts, newer: Newer, origin: Origin) -> Base {
    let kind = PartyKind::of(espo, advo);
    let mut base = Base::default();
    for field in Field::ALL {
        let (Some(in_espo), Some(in_advo)) = (field.on(Side::Espocrm, kind), field.on(Side::Advoware, kind)) else {
            continue;
        };
        let espo = espo.get(in_espo).and_then(|text| canonical(field, text));
        let advo = advo.get(in_advo).and_then(|text| canonical(field, text));
        base.fields.insert(field, first_pair(espo, advo, newer, origin));
    }
    base
}

fn first_pair(espo: Option<String>, advo: Option<String>, newer: Newer, origin: Origin) -> Pair {
    match (&espo, &advo, origin) {
        _ if espo == advo => return Pair::agreed(espo),
        (Some(_), None, Origin::FirstSync) => return Pair::decided_for(Side::Espocrm, advo),
        (None, Some(_), Origin::FirstSync) => return Pair::decided_for(Side::Advoware, espo),
        _ => {}
    }
    match newer {
        Newer::Neither => Pair { espocrm: Last::Answered(espo), advoware: Last::Answered(advo) },
        Newer::Espocrm => Pair::decided_for(Side::Espocrm, advo),
        Newer::Advoware => Pair::decided_for(Side::Advoware, espo),
        Newer::Both => Pair::unknown(),
    }
}
