//! Reading both sides: what each Advoware row is (K1a, K2) and which values EspoCRM holds.

use super::base::{Ahead, Base, BaseRow};
use super::equality::{Canonical, PhoneFormat, canonical};
use super::komm_kz::{self, Group, Kind, KommKz, of_espo_type};
use super::marker::{Marker, Remark};
use super::plan::Seen;
use super::view::{AdvoRow, AdvoView, EspoView, TopLevelValue};
use crate::ids::KommId;

/// What tells which EspoCRM value a row belongs to (K1a).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// Nothing but its value.
    Unmarked,
    /// A slot of ours.
    Slot,
    /// It was synced with this value.
    Marked(Canonical),
}

/// A sync-relevant row of Advoware, read.
pub(super) struct Row<'a> {
    pub(super) advo: &'a AdvoRow,
    pub(super) remark: Remark,
    pub(super) komm_kz: KommKz,
    pub(super) group: Group,
    pub(super) identity: Identity,
    /// Its value; `None` if empty.
    pub(super) value: Option<Canonical>,
}

impl Row<'_> {
    pub(super) fn id(&self) -> KommId {
        self.advo.id
    }

    /// Whether its remark itself tells its identity; it does not where the base or this run had to.
    pub(super) fn carries_its_marker(&self) -> bool {
        match (&self.identity, &self.remark.marker) {
            (Identity::Marked(known), Some(Marker::Value { value, .. })) => {
                canonical(self.group.kind(), value).as_ref() == Some(known)
            }
            (Identity::Slot, Some(Marker::Slot { .. })) | (Identity::Unmarked, None) => true,
            _ => false,
        }
    }

    /// Before the two records ever agreed, a marker may be another record's: it is no evidence of an edit or a deletion here, and
    /// must not cost a value on either side (K1a). It stands where row and EspoCRM both hold its value.
    fn forget_foreign_marker(&mut self, mails: &[Entry], phones: &[Entry]) {
        let Identity::Marked(marked) = &self.identity else { return };
        let entries = if self.group.kind() == Kind::Mail { mails } else { phones };
        let stands = self.value.as_ref() == Some(marked) && entries.iter().any(|entry| entry.canonical == *marked);
        if !stands {
            self.identity = if self.value.is_some() { Identity::Unmarked } else { Identity::Slot };
        }
    }

    /// Value that its identity binds.
    pub(super) fn marked(&self) -> Option<&Canonical> {
        match &self.identity {
            Identity::Marked(value) => Some(value),
            Identity::Unmarked | Identity::Slot => None,
        }
    }
}

/// A value in EspoCRM. One entry for each array element.
pub(super) struct Entry {
    /// Position in EspoCRM's array; empty elements are no entries.
    pub(super) position: usize,
    pub(super) value: String,
    pub(super) canonical: Canonical,
    pub(super) komm_kz: KommKz,
    pub(super) group: Group,
    pub(super) primary: bool,
}

/// A row that the hub knows and that a complete answer no longer has.
pub(super) struct Gone {
    pub(super) id: KommId,
    pub(super) komm_kz: KommKz,
    pub(super) canonical: Canonical,
    pub(super) kind: Kind,
    /// Its deletion waits for approval (K1a).
    pub(super) held: bool,
}

/// Everything a plan is made from.
pub(super) struct Sides<'a> {
    /// In the order of their ids.
    pub(super) rows: Vec<Row<'a>>,
    /// Rows of ours or not whose remark holds an unreadable marker.
    pub(super) unreadable: Vec<KommId>,
    pub(super) mails: Vec<Entry>,
    pub(super) phones: Vec<Entry>,
    pub(super) gone: Vec<Gone>,
    pub(super) phone_format: PhoneFormat,
}

impl<'a> Sides<'a> {
    pub(super) fn read(seen: Seen<'a>) -> Self {
        let Seen { espo, advo, first_meeting, phone_format, .. } = seen;
        let mails = read_mails(espo, &advo.top_level);
        let phones = read_phones(espo, &advo.top_level);
        let memory = Memory::of(seen.base, &mails, &phones);
        let mut unreadable = Vec::new();
        let mut rows = Vec::with_capacity(advo.rows.len());
        for row in &advo.rows {
            let remark = Remark::parse(row.bemerkung.as_deref().unwrap_or_default());
            if remark.unreadable {
                unreadable.push(row.id);
            }
            let remembered = memory.of_row(row.id, &remark);
            rows.extend(read_row(row, remark, remembered, &phones, &advo.top_level));
        }
        if first_meeting {
            // A row that the base knows got its marker from us, for this very pair.
            for row in rows.iter_mut().filter(|row: &&mut Row<'_>| !memory.knows(row.id())) {
                row.forget_foreign_marker(&mails, &phones);
            }
        }
        rows.sort_by_key(Row::id);
        Self { rows, unreadable, mails, phones, gone: memory.gone(advo), phone_format }
    }

    pub(super) fn entries(&self, kind: Kind) -> &[Entry] {
        match kind {
            Kind::Mail => &self.mails,
            Kind::Phone => &self.phones,
        }
    }
}

fn read_row<'a>(
    advo: &'a AdvoRow,
    remark: Remark,
    remembered: Option<Marker>,
    phones: &[Entry],
    top_level: &[TopLevelValue],
) -> Option<Row<'a>> {
    let espo_type = || {
        let as_phone = canonical(Kind::Phone, &advo.tlf)?;
        phones.iter().find(|entry| entry.canonical == as_phone).map(|entry| entry.komm_kz)
    };
    let top_level = || top_level_kind(top_level, &advo.tlf);
    let remembered_kz = remembered.as_ref().map(Marker::komm_kz);
    let komm_kz = komm_kz::of_row(remembered_kz, advo.komm_kz, espo_type, top_level, &advo.tlf);
    let group = komm_kz.group()?;
    let identity = match remembered {
        None => Identity::Unmarked,
        Some(Marker::Slot { .. }) => Identity::Slot,
        Some(Marker::Value { value, .. }) => {
            canonical(group.kind(), &value).map_or(Identity::Unmarked, Identity::Marked)
        }
    };
    let value = canonical(group.kind(), &advo.tlf);
    Some(Row { advo, remark, komm_kz, group, identity, value })
}

/// What the hub and this run know of rows, by their ids.
struct Memory {
    rows: Vec<BaseRow>,
    /// Rows that are known by this before their marker.
    ahead: Vec<Ahead>,
}

impl Memory {
    fn of(base: Option<&Base>, mails: &[Entry], phones: &[Entry]) -> Self {
        let Some(base) = base else { return Self { rows: Vec::new(), ahead: Vec::new() } };
        let mut ahead: Vec<Ahead> = Vec::new();
        for row in base.ahead.iter().filter(|ahead| is_in_force(ahead, mails, phones)) {
            ahead.retain(|earlier| earlier.id != row.id);
            ahead.push(row.clone());
        }
        let as_row = |row: &Ahead| BaseRow { id: row.id, komm_kz: row.komm_kz, value: row.value.clone(), held: false };
        let is_agreed = |known: &&BaseRow| ahead.iter().all(|row| row.id != known.id);
        let rows = base.rows.iter().filter(is_agreed).cloned().chain(ahead.iter().map(as_row)).collect();
        Self { rows, ahead }
    }

    fn knows(&self, id: KommId) -> bool {
        self.rows.iter().any(|known| known.id == id)
    }

    /// The marker that a row goes by (K1a): what is ahead of it, its own, else what is remembered.
    fn of_row(&self, id: KommId, remark: &Remark) -> Option<Marker> {
        let is_ahead_of = |ahead: &&Ahead| match &remark.marker {
            None => true,
            Some(Marker::Slot { .. }) => ahead.marked.is_none(),
            Some(Marker::Value { value, .. }) => ahead.marked.as_ref() == Some(value),
        };
        let ahead = self.ahead.iter().find(|ahead| ahead.id == id).filter(is_ahead_of);
        let known =
            || self.rows.iter().find(|known| known.id == id).map(|known| as_marker(known.komm_kz, &known.value));
        ahead.map(|ahead| as_marker(ahead.komm_kz, &ahead.value)).or_else(|| remark.marker.clone()).or_else(known)
    }

    /// K1a: if more than half of the known rows, and more than two, are gone at once, none of these counts as deleted.
    fn gone(&self, advo: &AdvoView) -> Vec<Gone> {
        let known = || self.rows.iter().filter(|known| !known.value.is_empty());
        let is_gone = |known: &&BaseRow| !advo.rows.iter().any(|row| row.id == known.id);
        let fresh = known().filter(|known| !known.held);
        let fresh_gone = fresh.clone().filter(is_gone).count();
        let mass_deletion = fresh_gone > 2 && fresh_gone * 2 > fresh.count();
        let gone = known().filter(is_gone).filter_map(|known| {
            let kind = known.komm_kz.group()?.kind();
            let held = known.held || mass_deletion;
            Some(Gone { id: known.id, komm_kz: known.komm_kz, canonical: canonical(kind, &known.value)?, kind, held })
        });
        gone.collect()
    }
}

/// Whether EspoCRM has what a run intended to write. Where the answer never came, EspoCRM's values tell.
fn is_in_force(ahead: &Ahead, mails: &[Entry], phones: &[Entry]) -> bool {
    let Some(group) = ahead.komm_kz.group() else { return false };
    let entries = if group.kind() == Kind::Mail { mails } else { phones };
    let holds = |value: &str| {
        let value = canonical(group.kind(), value);
        entries.iter().any(|entry| Some(&entry.canonical) == value.as_ref())
    };
    ahead.confirmed || ahead.left.as_deref().map_or_else(|| holds(&ahead.value), |left| !holds(left))
}

fn as_marker(komm_kz: KommKz, value: &str) -> Marker {
    if value.is_empty() { Marker::Slot { komm_kz } } else { Marker::Value { value: value.to_owned(), komm_kz } }
}

fn read_mails(espo: &EspoView, top_level: &[TopLevelValue]) -> Vec<Entry> {
    let read = |(position, mail): (usize, &super::view::EspoMail)| {
        let komm_kz = top_level_kind(top_level, &mail.address)
            .filter(|kz| kz.group() == Some(Group::Mail))
            .unwrap_or(KommKz::MailGesch);
        Some(Entry {
            position,
            value: mail.address.clone(),
            canonical: canonical(Kind::Mail, &mail.address)?,
            komm_kz,
            group: Group::Mail,
            primary: mail.primary,
        })
    };
    espo.mails.iter().enumerate().filter_map(read).collect()
}

fn read_phones(espo: &EspoView, top_level: &[TopLevelValue]) -> Vec<Entry> {
    let read = |(position, phone): (usize, &super::view::EspoPhone)| {
        let is_phone = |kz: &KommKz| kz.group().is_some_and(|group| group.kind() == Kind::Phone);
        let komm_kz = phone
            .phone_type
            .as_deref()
            .and_then(of_espo_type)
            .or_else(|| top_level_kind(top_level, &phone.number).filter(is_phone))
            .unwrap_or(KommKz::TelGesch);
        Some(Entry {
            position,
            value: phone.number.clone(),
            canonical: canonical(Kind::Phone, &phone.number)?,
            komm_kz,
            group: komm_kz.group()?,
            primary: phone.primary,
        })
    };
    espo.phones.iter().enumerate().filter_map(read).collect()
}

fn top_level_kind(top_level: &[TopLevelValue], value: &str) -> Option<KommKz> {
    let same = |field: &&TopLevelValue| {
        let kind = field.komm_kz.group().map(Group::kind);
        kind.is_some_and(|kind| {
            let value = canonical(kind, value);
            value.is_some() && value == canonical(kind, &field.value)
        })
    };
    top_level.iter().find(same).map(|field| field.komm_kz)
}
