//! The plan of one run: ordered steps and findings (K6-K8a). Pure; carrying it out is the worker's business.

use super::base::{Ahead, Base};
use super::decide::{Decided, Decision, decide};
use super::direction::Direction;
use super::equality::PhoneFormat;
use super::espo_write::{ahead, espo_value, espo_write};
use super::komm_kz::{Kind, KommKz};
use super::marker::{Marker, UserText, render, render_slot};
use super::sides::{Row, Sides};
use super::table::Case;
use super::view::{AdvoView, EspoMail, EspoPhone, EspoView};
use crate::finding::{Finding, FindingKind};
use crate::ids::{KommId, RowId};

/// What a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// EspoCRM's side.
    pub espo: &'a EspoView,
    /// Advoware's side.
    pub advo: &'a AdvoView,
    /// What the hub remembers as last agreed; `None` before the first sync or after the hub was lost.
    pub base: Option<&'a Base>,
    /// The two records never agreed before: markers may be another record's.
    pub first_meeting: bool,
    /// How EspoCRM gets numbers that are new to it.
    pub phone_format: PhoneFormat,
}

/// The seed's six variants, and the two writes that change no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Variant {
    /// New in EspoCRM.
    Var1,
    /// Deleted in EspoCRM.
    Var2,
    /// Deleted in Advoware.
    Var3,
    /// New in Advoware.
    Var4,
    /// Changed in EspoCRM.
    Var5,
    /// Changed in Advoware.
    Var6,
    /// Both had it: only the marker is written.
    Link,
    /// Only `online` follows EspoCRM's `primary` (K7).
    Online,
}

impl Variant {
    /// Every variant, for metrics that must exist from the start.
    pub const ALL: [Self; 8] =
        [Self::Var1, Self::Var2, Self::Var3, Self::Var4, Self::Var5, Self::Var6, Self::Link, Self::Online];

    /// Name in metrics, logs and the audit.
    pub fn name(self) -> &'static str {
        match self {
            Self::Var1 => "var1",
            Self::Var2 => "var2",
            Self::Var3 => "var3",
            Self::Var4 => "var4",
            Self::Var5 => "var5",
            Self::Var6 => "var6",
            Self::Link => "link",
            Self::Online => "online",
        }
    }
}

/// What a write leaves in an Advoware row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowContent {
    /// The value; empty in a slot.
    pub tlf: String,
    /// The remark, marker included.
    pub bemerkung: String,
    /// The row's kind. Advoware takes it on creation only (DOMAIN 2).
    pub komm_kz: KommKz,
    /// `online` flag (K7).
    pub online: bool,
}

/// The row that a write goes to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// An existing row, as it was when the plan was made: if its change token moved since, the plan is stale (K8b).
    Row {
        /// Which row.
        id: KommId,
        /// Its change token when the plan was made.
        row_id: RowId,
        /// Its content when the plan was made, for the audit (K10).
        before: RowContent,
    },
    /// A row to be created.
    New,
}

/// One write to Advoware.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AdvoWrite {
    /// Why.
    pub variant: Variant,
    /// Where to.
    pub target: Target,
    /// What.
    pub content: RowContent,
    /// It replaces a value that a user had changed in Advoware; EspoCRM wins (K6).
    pub overwrites: bool,
}

/// One value that enters or leaves EspoCRM with the one EspoCRM write.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EspoChange {
    /// Why.
    pub variant: Variant,
    /// Which array.
    pub kind: Kind,
    /// The row in Advoware that it comes from.
    pub komm_id: KommId,
    /// The value that leaves.
    pub before: Option<String>,
    /// The value that enters.
    pub after: Option<String>,
}

/// The one write to EspoCRM: whole arrays, because EspoCRM replaces them (DOMAIN 5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EspoWrite {
    /// `emailAddressData`, if it changes.
    pub mails: Option<Vec<EspoMail>>,
    /// `phoneNumberData`, if it changes.
    pub phones: Option<Vec<EspoPhone>>,
    /// What changes, for the audit and the counters.
    pub changes: Vec<EspoChange>,
}

/// What a run has to do, in three stages (K8). Writes of one stage are independent of each other; a stage starts when the one
/// before is complete.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Stage 1: rows whose marker's value left EspoCRM.
    pub advo_first: Vec<AdvoWrite>,
    /// Stage 2.
    pub espo: Option<EspoWrite>,
    /// Stage 3: all other rows.
    pub advo_then: Vec<AdvoWrite>,
    /// What stage 2 makes of rows before their markers say so: to be remembered before it is written ([`super::Base::intend`]).
    pub ahead: Vec<Ahead>,
    /// What a person may want to know, each once.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// Nothing to write.
    pub fn is_empty(&self) -> bool {
        self.advo_first.is_empty() && self.espo.is_none() && self.advo_then.is_empty()
    }

    /// All writes to Advoware, in order.
    pub fn advo_writes(&self) -> impl Iterator<Item = &AdvoWrite> {
        self.advo_first.iter().chain(&self.advo_then)
    }
}

/// Plans a run. `approve_deletions` releases what the mass-deletion guard holds (K1a).
pub fn plan(seen: Seen<'_>, direction: Direction, approve_deletions: bool) -> Plan {
    let sides = Sides::read(seen);
    let mut plan = Plan::default();
    plan.findings.extend(sides.unreadable.iter().map(|id| Finding::on(FindingKind::UnreadableMarker, *id)));
    let mails = decide(&sides, Kind::Mail, approve_deletions);
    let phones = decide(&sides, Kind::Phone, approve_deletions);
    for (kind, decision) in [(Kind::Mail, &mails), (Kind::Phone, &phones)] {
        plan_rows(&mut plan, kind, decision, direction);
        plan.findings.extend(&decision.findings);
    }
    if direction != Direction::ToAdvoware {
        plan.espo = espo_write(seen.espo, &mails, &phones);
        plan.ahead = [&mails, &phones].into_iter().flat_map(ahead).collect();
    }
    plan.findings.sort_unstable();
    plan.findings.dedup();
    plan
}

fn plan_rows(plan: &mut Plan, kind: Kind, decision: &Decision<'_>, direction: Direction) {
    for decided in &decision.rows {
        let Some(step) = row_step(decided, kind, decision, direction) else { continue };
        if step.write.overwrites {
            plan.findings.push(Finding::on(FindingKind::OverwrittenByEspo, decided.row.id()));
        }
        match step.stage {
            Stage::First => plan.advo_first.push(step.write),
            Stage::Then => plan.advo_then.push(step.write),
        }
    }
    if direction != Direction::ToEspocrm {
        let creates = decision.creates.iter().filter_map(|position| decision.entries.get(*position));
        plan.advo_then.extend(creates.map(|entry| AdvoWrite {
            variant: Variant::Var1,
            target: Target::New,
            content: RowContent {
                tlf: entry.value.clone(),
                bemerkung: render(&marker(&entry.value, entry.komm_kz), &UserText::default()),
                komm_kz: entry.komm_kz,
                online: decision.online(&entry.canonical, kind),
            },
            overwrites: false,
        }));
    }
}

enum Stage {
    First,
    Then,
}

struct Step {
    stage: Stage,
    write: AdvoWrite,
}

/// The write to one row, if its case asks for one and the direction allows it (K8a).
fn row_step(decided: &Decided<'_>, kind: Kind, decision: &Decision<'_>, direction: Direction) -> Option<Step> {
    let row = decided.row;
    let to_espocrm = direction == Direction::ToEspocrm;
    let to_advoware = direction == Direction::ToAdvoware;
    let taken = decided.takes.and_then(|position| decision.entries.get(position));
    let with_taken =
        || taken.map(|entry| carrying(row, &entry.value, &entry.value, decision.online(&entry.canonical, kind)));
    let (stage, variant, content) = match decided.case {
        Case::Nothing | Case::Unsynced => return None,
        // Freed before, by a run that could not write the slot any more: its marker must not bind a value again.
        Case::FreeSlot if taken.is_none() && row.remark.marker.is_some() && !row.carries_its_marker() => {
            (Stage::Then, Variant::Var3, slot(row, kind))
        }
        Case::FreeSlot | Case::Var2 { .. } | Case::Var5 { .. } if to_espocrm => return None,
        Case::FreeSlot => (Stage::Then, Variant::Var1, with_taken()?),
        Case::Agreed => return agreed(row, kind, decision, to_espocrm),
        Case::Var3 | Case::Var4 | Case::Var6 if to_advoware => return None,
        Case::Link if to_advoware && decided.marked_leaves => return None,
        Case::Link => (Stage::Then, Variant::Link, keeping_value(row, kind, decision)?),
        Case::Var4 => (Stage::Then, Variant::Var4, keeping_value(row, kind, decision)?),
        Case::Var6 => (Stage::Then, Variant::Var6, keeping_value(row, kind, decision)?),
        Case::Var3 if to_espocrm => (Stage::Then, Variant::Var3, slot(row, kind)),
        Case::Var3 => match with_taken() {
            Some(content) => (Stage::Then, Variant::Var1, content),
            None => (Stage::Then, Variant::Var3, slot(row, kind)),
        },
        Case::Var2 { .. } => (Stage::First, Variant::Var2, slot(row, kind)),
        Case::Var5 { .. } => (Stage::First, Variant::Var5, with_taken()?),
    };
    let overwrites = matches!(decided.case, Case::Var2 { overwrites: true } | Case::Var5 { overwrites: true });
    Some(Step { stage, write: AdvoWrite { variant, target: target(row), content, overwrites } })
}

/// A row on which both sides agree: its marker is written anew if it is not there, and `online` follows EspoCRM.
fn agreed(row: &Row<'_>, kind: Kind, decision: &Decision<'_>, to_espocrm: bool) -> Option<Step> {
    let (variant, content) = if row.carries_its_marker() {
        let online = decision.online(row.value.as_ref()?, kind);
        if online == row.advo.online || to_espocrm {
            return None;
        }
        (Variant::Online, RowContent { online, ..content_now(row) })
    } else {
        (Variant::Link, keeping_value(row, kind, decision)?)
    };
    Some(Step { stage: Stage::Then, write: AdvoWrite { variant, target: target(row), content, overwrites: false } })
}

/// The row keeps its value and its spelling; the marker carries the value as EspoCRM holds it.
fn keeping_value(row: &Row<'_>, kind: Kind, decision: &Decision<'_>) -> Option<RowContent> {
    let canonical = row.value.as_ref()?;
    let in_espo = espo_value(canonical, decision)?;
    Some(carrying(row, &row.advo.tlf, &in_espo, decision.online(canonical, kind)))
}

fn carrying(row: &Row<'_>, tlf: &str, in_espo: &str, online: bool) -> RowContent {
    RowContent {
        tlf: tlf.to_owned(),
        bemerkung: render(&marker(in_espo, row.komm_kz), &row.remark.text),
        komm_kz: row.komm_kz,
        online,
    }
}

fn slot(row: &Row<'_>, kind: Kind) -> RowContent {
    RowContent {
        tlf: String::new(),
        bemerkung: render_slot(row.komm_kz),
        komm_kz: row.komm_kz,
        online: kind == Kind::Mail,
    }
}

fn marker(value: &str, komm_kz: KommKz) -> Marker {
    Marker::Value { value: value.to_owned(), komm_kz }
}

fn target(row: &Row<'_>) -> Target {
    Target::Row { id: row.id(), row_id: row.advo.row_id.clone(), before: content_now(row) }
}

fn content_now(row: &Row<'_>) -> RowContent {
    RowContent {
        tlf: row.advo.tlf.clone(),
        bemerkung: row.advo.bemerkung.clone().unwrap_or_default(),
        komm_kz: row.komm_kz,
        online: row.advo.online,
    }
}
