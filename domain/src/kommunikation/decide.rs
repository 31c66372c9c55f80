//! From both sides, read, to a decision for every row and every EspoCRM value of one kind: the K6 table in use, with
//! binding, pairing and the array that EspoCRM will hold.

use std::collections::BTreeSet;

use super::equality::{Canonical, ESPO_MAX_ENTRIES, PhoneFormat, fits_advoware, for_espocrm};
use super::komm_kz::{Kind, KommKz};
use super::sides::{Entry, Gone, Identity, Row, Sides};
use super::table::{Case, MarkedTlf, Seen, Tlf, case};
use crate::finding::{Finding, FindingKind};
use crate::ids::KommId;

/// What happens to one row.
pub(super) struct Decided<'s> {
    pub(super) row: &'s Row<'s>,
    pub(super) case: Case,
    /// Its marker's value leaves EspoCRM with this plan.
    pub(super) marked_leaves: bool,
    /// Position (in the entries) of the unbound value that the row takes.
    pub(super) takes: Option<usize>,
}

/// One element of the array that EspoCRM holds after the plan.
pub(super) struct After {
    pub(super) canonical: Canonical,
    pub(super) primary: bool,
    pub(super) origin: Origin,
}

/// Where an element comes from.
pub(super) enum Origin {
    /// Untouched, at this position of the entries.
    Kept(usize),
    /// Advoware's new value in the place of the entry at `position` (Var6).
    Replaced { position: usize, value: String },
    /// New from Advoware (Var4).
    Added { komm_kz: KommKz, value: String },
}

/// The decision for one kind.
pub(super) struct Decision<'s> {
    pub(super) entries: &'s [Entry],
    pub(super) rows: Vec<Decided<'s>>,
    /// Rows that vanished in Advoware and whose value leaves EspoCRM.
    pub(super) gone: Vec<&'s Gone>,
    /// Positions of values that need a row of their own in Advoware.
    pub(super) creates: Vec<usize>,
    pub(super) after: Vec<After>,
    /// `after` differs from what EspoCRM holds.
    pub(super) espo_changes: bool,
    pub(super) findings: Vec<Finding>,
}

impl Decision<'_> {
    /// K7: the flag `online` of a row that carries this value.
    pub(super) fn online(&self, canonical: &Canonical, kind: Kind) -> bool {
        match kind {
            Kind::Phone => false,
            Kind::Mail => self.after.iter().any(|after| after.primary && after.canonical == *canonical),
        }
    }
}

/// Decides for one kind. Values of vanished rows that are held stay bound, unless deletions are approved (K1a).
pub(super) fn decide<'s>(sides: &'s Sides<'s>, kind: Kind, approve_deletions: bool) -> Decision<'s> {
    let mut overflow = BTreeSet::new();
    loop {
        match Draft::new(sides, kind, approve_deletions, &overflow).array() {
            Ok(decision) => return decision,
            // One more value that does not fit changes what is bound, so everything is looked at again; at most once per row.
            Err(id) => overflow.insert(id),
        };
    }
}

struct Draft<'s> {
    kind: Kind,
    phone_format: PhoneFormat,
    entries: &'s [Entry],
    rows: Vec<(&'s Row<'s>, Seen)>,
    gone: Vec<&'s Gone>,
    approve_deletions: bool,
}

impl<'s> Draft<'s> {
    fn new(sides: &'s Sides<'s>, kind: Kind, approve_deletions: bool, overflow: &BTreeSet<KommId>) -> Self {
        let entries = sides.entries(kind);
        let rows = sides
            .rows
            .iter()
            .filter(|row| row.group.kind() == kind)
            .map(|row| (row, see(row, entries, sides.phone_format, overflow.contains(&row.id()))))
            .collect();
        let gone = sides.gone.iter().filter(|gone| gone.kind == kind && holds(entries, &gone.canonical)).collect();
        Self { kind, phone_format: sides.phone_format, entries, rows, gone, approve_deletions }
    }

    /// K6: a marker's value leaves EspoCRM only if no other row carries it. A row that holds what EspoCRM cannot hold keeps its
    /// marker's value bound, so it carries it too.
    fn is_carried(&self, value: &Canonical) -> bool {
        self.rows.iter().any(|(row, seen)| {
            row.value.as_ref() == Some(value)
                || (*seen == Seen::MarkerInEspo(MarkedTlf::Unholdable) && row.marked() == Some(value))
        }) || self.gone.iter().any(|gone| gone.held && !self.approve_deletions && gone.canonical == *value)
    }

    fn marked_leaves(&self, row: &Row<'_>, seen: Seen) -> bool {
        let drops = matches!(seen, Seen::MarkerInEspo(MarkedTlf::Empty | MarkedTlf::InEspo | MarkedTlf::New));
        drops && row.marked().is_some_and(|value| !self.is_carried(value))
    }

    /// The array after the plan; `Err` names the first row whose value would be one too many.
    fn array(self) -> Result<Decision<'s>, KommId> {
        let gone: Vec<&Gone> = self.gone.iter().copied().filter(|gone| !self.is_carried(&gone.canonical)).collect();
        let leaving: BTreeSet<&Canonical> = self
            .rows
            .iter()
            .filter(|(row, seen)| self.marked_leaves(row, *seen))
            .filter_map(|(row, _)| row.marked())
            .chain(gone.iter().map(|gone| &gone.canonical))
            .collect();
        let mut incoming = Incoming::of(self.kind, self.phone_format, &self.rows);
        let mut after = Vec::with_capacity(self.entries.len());
        for (position, entry) in self.entries.iter().enumerate() {
            if !leaving.contains(&entry.canonical) {
                let origin = Origin::Kept(position);
                after.push(After { canonical: entry.canonical.clone(), primary: entry.primary, origin });
            } else if let Some((canonical, value)) = incoming.replacement_for(&entry.canonical) {
                let origin = Origin::Replaced { position, value };
                after.push(After { canonical, primary: entry.primary, origin });
            }
        }
        while let Some(new) = incoming.next() {
            if after.len() >= ESPO_MAX_ENTRIES {
                return Err(new.id);
            }
            let origin = Origin::Added { komm_kz: new.komm_kz, value: new.value };
            after.push(After { canonical: new.canonical, primary: false, origin });
        }
        let espo_changes = !leaving.is_empty() || after.iter().any(|after| !matches!(after.origin, Origin::Kept(_)));
        if espo_changes && !after.iter().any(|after| after.primary) {
            // K7: EspoCRM would do it by itself; saying it makes the rows' `online` come out right.
            if let Some(first) = after.first_mut() {
                first.primary = true;
            }
        }
        Ok(self.pair(gone, after, espo_changes))
    }

    /// Gives the unbound EspoCRM values to rows: first those whose value left EspoCRM (Var5), then those emptied in Advoware
    /// (their value leaves now; then those whose value another row keeps in EspoCRM), then slots of the same kommKz, last new rows.
    /// Within each, by row id; values primary first. The order makes a run that stops anywhere pair the same again (K8, K8a).
    fn pair(self, gone: Vec<&'s Gone>, after: Vec<After>, espo_changes: bool) -> Decision<'s> {
        let mut findings = Vec::new();
        if self.gone.iter().any(|gone| gone.held && !self.approve_deletions) {
            findings.push(Finding::general(FindingKind::MassDeletionHeld));
        }
        let mut unbound = self.unbound(&after, &mut findings);
        let mut rows: Vec<Decided<'s>> = self
            .rows
            .iter()
            .map(|&(row, seen)| {
                let marked_leaves = self.marked_leaves(row, seen);
                Decided { row, case: case(seen), marked_leaves, takes: None }
            })
            .collect();
        let tiers: [fn(&Decided<'_>) -> bool; 3] = [
            |decided| matches!(decided.case, Case::Var2 { .. }),
            |decided| decided.case == Case::Var3 && decided.marked_leaves,
            |decided| decided.case == Case::Var3,
        ];
        for tier in tiers {
            for decided in rows.iter_mut().filter(|decided| decided.takes.is_none() && tier(decided)) {
                decided.takes = take(&mut unbound, self.entries, |entry| entry.group == decided.row.group);
            }
        }
        for decided in rows.iter_mut().filter(|decided| decided.case == Case::FreeSlot) {
            decided.takes = take(&mut unbound, self.entries, |entry| entry.komm_kz == decided.row.komm_kz);
        }
        for (decided, (_, seen)) in rows.iter_mut().zip(&self.rows) {
            if let Seen::MarkerGone { tlf, .. } = *seen {
                decided.case = case(Seen::MarkerGone { tlf, refill: decided.takes.is_some() });
            }
        }
        findings.extend(row_findings(&rows, self.entries));
        Decision { entries: self.entries, rows, gone, creates: unbound, after, espo_changes, findings }
    }

    /// Positions of EspoCRM values that no row carries or waits with, in the order of pairing.
    fn unbound(&self, after: &[After], findings: &mut Vec<Finding>) -> Vec<usize> {
        let is_bound = |value: &Canonical| {
            self.rows.iter().any(|(row, _)| row.value.as_ref() == Some(value) || row.marked() == Some(value))
                || self.gone.iter().any(|gone| gone.canonical == *value)
        };
        let mut seen = BTreeSet::new();
        let mut unbound = Vec::new();
        for (position, entry) in self.entries.iter().enumerate() {
            if is_bound(&entry.canonical) || !seen.insert(&entry.canonical) {
                continue;
            }
            if fits_advoware(&entry.value) {
                unbound.push((position, &entry.canonical));
            } else {
                findings.push(Finding::general(FindingKind::CannotHold));
            }
        }
        unbound.sort_by_key(|(_, canonical)| {
            let primary = after.iter().any(|after| after.primary && after.canonical == **canonical);
            (!primary, *canonical)
        });
        unbound.into_iter().map(|(position, _)| position).collect()
    }
}

fn holds(entries: &[Entry], value: &Canonical) -> bool {
    entries.iter().any(|entry| entry.canonical == *value)
}

fn take(unbound: &mut Vec<usize>, entries: &[Entry], fits: impl Fn(&Entry) -> bool) -> Option<usize> {
    let index = unbound.iter().position(|position| entries.get(*position).is_some_and(&fits))?;
    Some(unbound.remove(index))
}

fn see(row: &Row<'_>, entries: &[Entry], phone_format: PhoneFormat, is_overflow: bool) -> Seen {
    let tlf = match &row.value {
        None => Tlf::Empty,
        Some(value) if holds(entries, value) => Tlf::InEspo,
        Some(_) if is_overflow || for_espocrm(row.group.kind(), &row.advo.tlf, phone_format).is_none() => {
            Tlf::Unholdable
        }
        Some(_) => Tlf::New,
    };
    match &row.identity {
        Identity::Unmarked => Seen::Unmarked(tlf),
        Identity::Slot => Seen::Slot(tlf),
        Identity::Marked(marked) => {
            let marked_tlf = match tlf {
                _ if row.value.as_ref() == Some(marked) => MarkedTlf::AsMarker,
                Tlf::Empty => MarkedTlf::Empty,
                Tlf::InEspo => MarkedTlf::InEspo,
                Tlf::New => MarkedTlf::New,
                Tlf::Unholdable => MarkedTlf::Unholdable,
            };
            if holds(entries, marked) {
                Seen::MarkerInEspo(marked_tlf)
            } else {
                Seen::MarkerGone { tlf: marked_tlf, refill: false }
            }
        }
    }
}

fn row_findings(rows: &[Decided<'_>], entries: &[Entry]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = rows
        .iter()
        .filter(|decided| decided.case == Case::Unsynced)
        .map(|decided| Finding::on(FindingKind::CannotHold, decided.row.id()))
        .collect();
    for entry in entries {
        let carriers = || rows.iter().filter(|decided| decided.row.value.as_ref() == Some(&entry.canonical));
        if carriers().all(|decided| decided.row.group != entry.group) {
            let first = carriers().next();
            findings.extend(first.map(|decided| Finding::on(FindingKind::TypeDiffers, decided.row.id())));
        }
    }
    findings
}

/// A value on its way from Advoware to EspoCRM.
struct New<'s> {
    id: KommId,
    komm_kz: KommKz,
    canonical: Canonical,
    value: String,
    replaces: Option<&'s Canonical>,
}

/// Values that EspoCRM will get (Var4, Var6), each once, in the order of row ids.
struct Incoming<'s>(Vec<New<'s>>);

impl<'s> Incoming<'s> {
    fn of(kind: Kind, phone_format: PhoneFormat, rows: &[(&'s Row<'s>, Seen)]) -> Self {
        let mut news: Vec<New<'s>> = Vec::new();
        for (row, seen) in rows {
            if !matches!(case(*seen), Case::Var4 | Case::Var6) {
                continue;
            }
            let (Some(canonical), Some(value)) = (row.value.clone(), for_espocrm(kind, &row.advo.tlf, phone_format))
            else {
                continue;
            };
            // Two rows with one new value bring it once; one of them may replace an old value by it.
            if let Some(known) = news.iter_mut().find(|new| new.canonical == canonical) {
                known.replaces = known.replaces.or(row.marked());
            } else {
                news.push(New { id: row.id(), komm_kz: row.komm_kz, canonical, value, replaces: row.marked() });
            }
        }
        Self(news)
    }

    fn replacement_for(&mut self, old: &Canonical) -> Option<(Canonical, String)> {
        let index = self.0.iter().position(|new| new.replaces == Some(old))?;
        let new = self.0.remove(index);
        Some((new.canonical, new.value))
    }

    fn next(&mut self) -> Option<New<'s>> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }
}
