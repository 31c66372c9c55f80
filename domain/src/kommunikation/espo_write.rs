//! Stage 2 of a plan: the one write to EspoCRM, and what it makes of each row (K8).

use std::collections::BTreeSet;

use super::base::Ahead;
use super::decide::{After, Decided, Decision, Origin};
use super::equality::Canonical;
use super::komm_kz::{Group, Kind};
use super::marker::Marker;
use super::plan::{EspoChange, EspoWrite, Variant};
use super::sides::Gone;
use super::table::Case;
use super::view::{EspoMail, EspoPhone, EspoView};

/// Stage 2, if either array changes.
pub(super) fn espo_write(espo: &EspoView, mails: &Decision<'_>, phones: &Decision<'_>) -> Option<EspoWrite> {
    if !mails.espo_changes && !phones.espo_changes {
        return None;
    }
    let mut changes = espo_changes(mails, Kind::Mail);
    changes.extend(espo_changes(phones, Kind::Phone));
    Some(EspoWrite {
        mails: mails.espo_changes.then(|| mails_after(espo, mails)),
        phones: phones.espo_changes.then(|| phones_after(espo, phones)),
        changes,
    })
}

/// What stage 2 makes of each row that it concerns.
pub(super) fn ahead(decision: &Decision<'_>) -> Vec<Ahead> {
    let of_row = |decided: &Decided<'_>| {
        let row = decided.row;
        let left = || decided.marked_leaves.then(|| held(decision, row.marked())).flatten();
        let (value, left) = match decided.case {
            Case::Var3 if decided.marked_leaves => (String::new(), left()),
            Case::Link if decided.marked_leaves => (espo_value(row.value.as_ref()?, decision)?, left()),
            Case::Var4 | Case::Var6 => (espo_value(row.value.as_ref()?, decision)?, left()),
            _ => return None,
        };
        let marked = match &row.remark.marker {
            Some(Marker::Value { value, .. }) => Some(value.clone()),
            Some(Marker::Slot { .. }) | None => None,
        };
        Some(Ahead { id: row.id(), komm_kz: row.komm_kz, value, marked, left, confirmed: false })
    };
    let of_gone = |gone: &&Gone| Ahead {
        id: gone.id,
        komm_kz: gone.komm_kz,
        value: String::new(),
        marked: None,
        left: held(decision, Some(&gone.canonical)),
        confirmed: false,
    };
    decision.rows.iter().filter_map(of_row).chain(decision.gone.iter().map(of_gone)).collect()
}

/// A value as EspoCRM holds it now.
fn held(decision: &Decision<'_>, canonical: Option<&Canonical>) -> Option<String> {
    decision.entries.iter().find(|entry| Some(&entry.canonical) == canonical).map(|entry| entry.value.clone())
}

fn mails_after(espo: &EspoView, decision: &Decision<'_>) -> Vec<EspoMail> {
    let mail = |after: &After| {
        let primary = after.primary;
        Some(match &after.origin {
            Origin::Kept(position) => {
                let kept = espo.mails.get(decision.entries.get(*position)?.position)?;
                EspoMail { primary, ..kept.clone() }
            }
            // A new address starts with flags of its own: that the old one bounced says nothing about it.
            Origin::Replaced { value, .. } | Origin::Added { value, .. } => {
                EspoMail { address: value.clone(), primary, opt_out: false, invalid: false }
            }
        })
    };
    decision.after.iter().filter_map(mail).collect()
}

fn phones_after(espo: &EspoView, decision: &Decision<'_>) -> Vec<EspoPhone> {
    let at = |position: usize| espo.phones.get(decision.entries.get(position)?.position);
    let new = |value: &String, phone_type: Option<String>, primary| EspoPhone {
        number: value.clone(),
        phone_type,
        primary,
        opt_out: false,
        invalid: false,
    };
    let phone = |after: &After| {
        let primary = after.primary;
        Some(match &after.origin {
            Origin::Kept(position) => EspoPhone { primary, ..at(*position)?.clone() },
            Origin::Replaced { position, value } => new(value, at(*position)?.phone_type.clone(), primary),
            Origin::Added { komm_kz, value } => {
                let phone_type = komm_kz.group().and_then(Group::espo_type);
                new(value, phone_type.map(str::to_owned), primary)
            }
        })
    };
    decision.after.iter().filter_map(phone).collect()
}

fn espo_changes(decision: &Decision<'_>, kind: Kind) -> Vec<EspoChange> {
    let mut changes: Vec<EspoChange> = Vec::new();
    for decided in &decision.rows {
        let row = decided.row;
        let before = if decided.marked_leaves { held(decision, row.marked()) } else { None };
        let (variant, after) = match decided.case {
            Case::Var3 => (Variant::Var3, None),
            Case::Link => (Variant::Link, None),
            Case::Var4 => (Variant::Var4, row.value.as_ref().and_then(|value| espo_value(value, decision))),
            Case::Var6 => (Variant::Var6, row.value.as_ref().and_then(|value| espo_value(value, decision))),
            Case::Nothing | Case::FreeSlot | Case::Unsynced | Case::Agreed | Case::Var2 { .. } | Case::Var5 { .. } => {
                continue;
            }
        };
        changes.push(EspoChange { variant, kind, komm_id: row.id(), before, after });
    }
    changes.extend(decision.gone.iter().map(|gone| EspoChange {
        variant: Variant::Var3,
        kind,
        komm_id: gone.id,
        before: held(decision, Some(&gone.canonical)),
        after: None,
    }));
    // Two rows with one value bring or take it once.
    let mut told = BTreeSet::new();
    changes.retain(|change| {
        (change.before.is_some() || change.after.is_some())
            && told.insert((change.before.clone(), change.after.clone()))
    });
    changes
}

/// A value as EspoCRM will hold it after the plan.
pub(super) fn espo_value(canonical: &Canonical, decision: &Decision<'_>) -> Option<String> {
    let after = decision.after.iter().find(|after| after.canonical == *canonical)?;
    match &after.origin {
        Origin::Kept(position) => decision.entries.get(*position).map(|entry| entry.value.clone()),
        Origin::Replaced { value, .. } | Origin::Added { value, .. } => Some(value.clone()),
    }
}
