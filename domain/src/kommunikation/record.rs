//! After a run: do both sides agree, did they keep what was written, and what does the hub remember of it (K4, K5, K9, B2a).

use std::collections::BTreeSet;

use super::base::{Base, BaseRow};
use super::equality::{Canonical, canonical};
use super::hash;
use super::komm_kz::Kind;
use super::marker::Remark;
use super::plan::{RowContent, Seen};
use super::sides::{Gone, Identity, Row, Sides};
use super::view::AdvoView;
use crate::finding::{Finding, FindingKind};
use crate::ids::{KommId, RowId};

/// Which sides moved since they last agreed (K5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// EspoCRM's values differ from the base, or without one from the markers.
    pub espo: bool,
    /// Advoware's rows differ from the base, or without one from the stored hash.
    pub advo: bool,
}

impl Changed {
    /// Both moved. Items decide who wins; this is what people are told.
    pub fn is_conflict(self) -> bool {
        self.espo && self.advo
    }
}

/// K5, for people: each item is decided by its own evidence, not by these flags.
pub fn changed(seen: Seen<'_>) -> Changed {
    let sides = Sides::read(seen);
    let espo: BTreeSet<(Kind, &Canonical)> = [Kind::Mail, Kind::Phone]
        .into_iter()
        .flat_map(|kind| sides.entries(kind).iter().map(move |entry| (kind, &entry.canonical)))
        .collect();
    #[expect(clippy::single_match_else, reason = "two equal ways to know, K5")]
    match seen.base {
        Some(base) => {
            let agreed: BTreeSet<(KommId, Kind, Canonical)> = base
                .rows
                .iter()
                .filter_map(|known| {
                    let kind = known.komm_kz.group()?.kind();
                    Some((known.id, kind, canonical(kind, &known.value)?))
                })
                .collect();
            let rows =
                sides.rows.iter().filter_map(|row| Some((row.id(), row.group.kind(), row.value.clone()?))).collect();
            Changed {
                espo: espo != agreed.iter().map(|(_, kind, value)| (*kind, value)).collect(),
                advo: agreed != rows,
            }
        }
        None => {
            let marked = sides.rows.iter().filter_map(|row| Some((row.group.kind(), row.marked()?))).collect();
            Changed { espo: espo != marked, advo: seen.espo.stored_hash.as_deref() != Some(&hash_of(&sides)) }
        }
    }
}

/// What is to be remembered of a pair on which nothing is left to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// For the hub (B2a).
    pub base: Base,
    /// For EspoCRM (K4): over the sync-relevant rows as Advoware has them.
    pub hash: String,
}

/// Reads off both sides what a run remembers of them.
pub fn agreement(seen: Seen<'_>) -> Agreement {
    let sides = Sides::read(seen);
    Agreement { base: base_after(&sides, seen), hash: hash_of(&sides) }
}

fn hash_of(sides: &Sides<'_>) -> String {
    hash::of_row_ids(sides.rows.iter().filter(|row| row.value.is_some()).map(|row| &row.advo.row_id))
}

/// What the hub remembers after a run (B2a): rows on which both sides agree, and slots. A row that is not in agreement keeps
/// what was remembered of it, for its evidence is still needed.
fn base_after(sides: &Sides<'_>, seen: Seen<'_>) -> Base {
    let none = Base::default();
    let before = seen.base.unwrap_or(&none);
    let known = |id: KommId| before.rows.iter().find(|known| known.id == id);
    let mut base = Base::default();
    for row in &sides.rows {
        let entry = sides.entries(row.group.kind()).iter().find(|entry| Some(&entry.canonical) == row.value.as_ref());
        match (&row.identity, entry) {
            (Identity::Marked(marked), Some(entry)) if *marked == entry.canonical => {
                base.rows.push(BaseRow { id: row.id(), komm_kz: row.komm_kz, value: entry.value.clone(), held: false });
            }
            (Identity::Slot, _) if row.value.is_none() => {
                base.rows.push(BaseRow { id: row.id(), komm_kz: row.komm_kz, value: String::new(), held: false });
            }
            _ => base.rows.extend(known(row.id()).cloned()),
        }
        // Its marker does not say it yet: a one-way run, or a user who cleared it.
        let unsaid = before.ahead.iter().filter(|ahead| ahead.id == row.id() && !row.carries_its_marker());
        base.ahead.extend(unsaid.cloned());
    }
    // A vanished row whose value still waits in EspoCRM: left out by a one-way run, or held by the guard.
    base.rows.extend(sides.gone.iter().filter(|gone| gone_waits(sides, gone)).filter_map(|gone| {
        let known = known(gone.id)?;
        Some(BaseRow { held: gone.held, ..known.clone() })
    }));
    base.rows.sort_by_key(|known| known.id);
    base
}

fn gone_waits(sides: &Sides<'_>, gone: &Gone) -> bool {
    let carries = |row: &Row<'_>| row.group.kind() == gone.kind && row.value.as_ref() == Some(&gone.canonical);
    sides.entries(gone.kind).iter().any(|entry| entry.canonical == gone.canonical) && !sides.rows.iter().any(carries)
}

/// A write that Advoware confirmed: what was sent, and the change token it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The row.
    pub id: KommId,
    /// Its change token after the write.
    pub row_id: RowId,
    /// What was sent.
    pub content: RowContent,
}

/// K9: rows that Advoware confirmed and that do not hold what was sent, although nobody touched them since (same change token).
/// A row that moved on was edited by a user; the next plan sees to it.
pub fn not_kept(written: &[Written], advo: &AdvoView) -> Vec<Finding> {
    let kept = |write: &&Written| {
        advo.rows.iter().find(|row| row.id == write.id).is_none_or(|row| {
            let same_value = row.tlf.trim() == write.content.tlf.trim();
            let remark = |text: &str| Remark::parse(text.trim());
            let same_remark = remark(row.bemerkung.as_deref().unwrap_or_default()) == remark(&write.content.bemerkung);
            row.row_id != write.row_id || (same_value && same_remark && row.online == write.content.online)
        })
    };
    written.iter().filter(|write| !kept(write)).map(|write| Finding::on(FindingKind::NotAgreed, write.id)).collect()
}
