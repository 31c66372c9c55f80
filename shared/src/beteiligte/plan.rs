//! The whole plan of one run, as the job carries it out and the dry run prints it.

use std::fmt::Write as _;

use domain::beteiligte::ConflictPolicy;
use domain::beteiligte::stammdaten::{self, Change, Comparison, Side};
use domain::finding::{Finding, FindingKind};
use domain::kommunikation::{self, AdvoWrite, Direction, RowContent, Target};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{AdvoSide, Loaded};

/// What a run is asked to do.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Which side may be written.
    pub direction: Direction,
    /// A conflict of the Stammdaten was decided in this run: Kommunikationen go to Advoware only, up to its end (DOMAIN 4).
    pub after_conflict: bool,
    /// Deletions that the mass-deletion guard holds are carried out (K1a).
    pub approve_deletions: bool,
    /// Who wins where both sides changed one field of the Stammdaten.
    pub policy: ConflictPolicy,
}

impl Wanted {
    /// Which way Kommunikationen go.
    pub fn kommunikation_direction(&self) -> Direction {
        if self.after_conflict && self.direction == Direction::Both {
            Comparison::Conflict.kommunikation()
        } else {
            self.direction
        }
    }
}

/// Stammdaten first, then Kommunikationen (B3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncPlan {
    /// What a new record in Advoware is made of, where EspoCRM names no betnr (B2b); then nothing else.
    pub creation: Vec<Change>,
    /// The Stammdaten.
    pub stammdaten: stammdaten::Plan,
    /// The Kommunikationen.
    pub kommunikation: kommunikation::Plan,
    /// Which way the Kommunikationen go: after a conflict of the Stammdaten to Advoware only (DOMAIN 4).
    pub kommunikation_direction: Direction,
}

impl Loaded {
    /// The plan for what was seen; `None` if Advoware does not have the record, could not be asked, or would not take it.
    pub fn plan(&self, wanted: Wanted) -> Option<SyncPlan> {
        if matches!(self.advo, AdvoSide::NoBetnr) {
            let creation = stammdaten::creation(&self.espo.stammdaten).ok()?;
            return Some(SyncPlan { creation, ..SyncPlan::default() });
        }
        let stammdaten = stammdaten::plan(self.stammdaten_seen()?, wanted.policy, wanted.direction);
        let after_conflict = wanted.after_conflict || stammdaten.comparison == Some(Comparison::Conflict);
        let kommunikation_direction = Wanted { after_conflict, ..wanted }.kommunikation_direction();
        let kommunikation = kommunikation::plan(self.seen()?, kommunikation_direction, wanted.approve_deletions);
        Some(SyncPlan { creation: Vec::new(), stammdaten, kommunikation, kommunikation_direction })
    }
}

impl SyncPlan {
    /// Nothing to write.
    pub fn is_empty(&self) -> bool {
        self.creation.is_empty() && self.stammdaten.is_empty() && self.kommunikation.is_empty()
    }

    /// What a person may want to know.
    pub fn findings(&self) -> impl Iterator<Item = Finding> {
        self.stammdaten.findings.iter().chain(&self.kommunikation.findings).copied()
    }

    /// Something differs that a person must approve or decide first, whatever else is to be written.
    pub fn waits_for_person(&self) -> bool {
        self.findings().any(|finding| matches!(finding.kind, FindingKind::MassDeletionHeld | FindingKind::Undecided))
    }

    /// The steps in their order, with what each replaces; this is what the hash stands for. Holds values.
    pub fn steps(&self) -> Vec<Value> {
        let mut steps = Vec::new();
        if !self.creation.is_empty() {
            let fields: Vec<Value> = self.creation.iter().map(field).collect();
            steps.push(json!({"target": "advoware", "created": fields}));
        }
        for side in [Side::Advoware, Side::Espocrm] {
            let changes = self.stammdaten.changes(side);
            if !changes.is_empty() {
                let fields: Vec<Value> = changes.iter().map(field).collect();
                steps.push(json!({"target": side.name(), "stammdaten": fields}));
            }
        }
        steps.extend(self.kommunikation.advo_first.iter().map(row));
        if let Some(write) = &self.kommunikation.espo {
            let change = |change: &kommunikation::EspoChange| json!({"case": change.variant.name(), "kommId": change.komm_id.0, "before": change.before, "after": change.after});
            let changes: Vec<Value> = write.changes.iter().map(change).collect();
            let mails = write.mails.as_ref().map(|mails| {
                mails.iter().map(|mail| json!({"value": mail.address, "primary": mail.primary})).collect::<Vec<_>>()
            });
            let phones = write.phones.as_ref().map(|phones| {
                phones.iter().map(|phone| json!({"value": phone.number, "primary": phone.primary})).collect::<Vec<_>>()
            });
            steps.push(json!({"target": "espocrm", "kommunikation": changes, "mails": mails, "phones": phones}));
        }
        steps.extend(self.kommunikation.advo_then.iter().map(row));
        steps
    }

    /// Names exactly this plan: what it writes and what it replaces. 16 hex digits.
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(Value::Array(self.steps()).to_string());
        digest.iter().take(8).fold(String::new(), |mut hash, byte| {
            let _ = write!(hash, "{byte:02x}");
            hash
        })
    }
}

fn field(change: &Change) -> Value {
    json!({
        "field": change.field.name(),
        "name": change.target,
        "before": change.before,
        "after": change.after,
        "overwrites": change.overwrites,
    })
}

fn row(write: &AdvoWrite) -> Value {
    let (komm_id, row_id, before) = match &write.target {
        Target::Row { id, row_id, before } => (Some(id.0), Some(row_id.0.as_str()), Some(content(before))),
        Target::New => (None, None, None),
    };
    json!({
        "target": "advoware",
        "case": write.variant.name(),
        "kommId": komm_id,
        "rowId": row_id,
        "before": before,
        "after": content(&write.content),
        "overwrites": write.overwrites,
    })
}

fn content(row: &RowContent) -> Value {
    json!({"tlf": row.tlf, "bemerkung": row.bemerkung, "kommKz": row.komm_kz.number(), "online": row.online})
}
