//! A plan in words, for the operator who asked for it. Holds values, written so that none breaks a line or is obeyed by a terminal.

use std::fmt::Write as _;

use domain::beteiligte::stammdaten::{Change, Field, Side};
use domain::finding::Finding;
use domain::kommunikation::{AdvoWrite, EspoChange, Target};

use super::SyncPlan;

/// Step by step, in the order in which they would be carried out, then what was found, then the hash, where there is something to carry out.
pub fn of(plan: &SyncPlan) -> String {
    let mut text = String::new();
    if plan.is_empty() {
        let why = if plan.waits_for_person() { "What is noted waits for a person" } else { "Both sides agree" };
        let _ = writeln!(text, "{why}: nothing would be written.");
    }
    if !plan.creation.is_empty() {
        text.push_str("Advoware: a new Beteiligte\n");
        for change in &plan.creation {
            field(&mut text, change);
        }
        text.push_str("Its Kommunikationen follow with the sync after it.\n");
    }
    for (side, title) in [(Side::Advoware, "Advoware"), (Side::Espocrm, "EspoCRM")] {
        let changes = plan.stammdaten.changes(side);
        if !changes.is_empty() {
            let _ = writeln!(text, "{title}: Stammdaten");
            for change in changes {
                field(&mut text, change);
            }
        }
    }
    for write in &plan.kommunikation.advo_first {
        row(&mut text, write);
    }
    if let Some(write) = &plan.kommunikation.espo {
        text.push_str("EspoCRM: mails and phones\n");
        for change in &write.changes {
            entry(&mut text, change);
        }
        if write.changes.is_empty() {
            text.push_str("  another one becomes primary\n");
        }
    }
    for write in &plan.kommunikation.advo_then {
        row(&mut text, write);
    }
    for one in plan.findings() {
        let _ = writeln!(text, "Note: {}", finding(one));
    }
    if plan.is_empty() {
        text.truncate(text.trim_end().len());
    } else {
        let _ = write!(text, "Plan {}", plan.hash());
    }
    text
}

fn field(text: &mut String, change: &Change) {
    let value =
        |value: &Option<String>| value.as_ref().map_or_else(|| "nothing".to_owned(), |text| format!("{text:?}"));
    let lost =
        if change.overwrites { " (changed on both sides; what stands there loses, and goes to the audit)" } else { "" };
    let _ = writeln!(text, "  {}: {} -> {}{lost}", change.target, value(&change.before), value(&change.after));
}

fn row(text: &mut String, write: &AdvoWrite) {
    let after = &write.content;
    let held = |tlf: &str| if tlf.is_empty() { "nothing".to_owned() } else { format!("{tlf:?}") };
    let (name, before) = match &write.target {
        Target::Row { id, before, .. } => (format!("Kommunikation {id}"), held(&before.tlf)),
        Target::New => ("a new Kommunikation".to_owned(), held("")),
    };
    let lost =
        if write.overwrites { " (changed on both sides; what stands there loses, and goes to the audit)" } else { "" };
    let (case, kind, after) = (write.variant.name(), after.komm_kz.number(), held(&after.tlf));
    let _ = writeln!(text, "Advoware: {name}, kommKz {kind}, {case}: {before} -> {after}{lost}");
}

fn entry(text: &mut String, change: &EspoChange) {
    let held = |value: &Option<String>| value.as_ref().map_or_else(|| "nothing".to_owned(), |text| format!("{text:?}"));
    let (case, before, after) = (change.variant.name(), held(&change.before), held(&change.after));
    let _ = writeln!(text, "  {case}, from Kommunikation {}: {before} -> {after}", change.komm_id);
}

/// As metrics and hub name it, with what it is about.
fn finding(finding: Finding) -> String {
    match (finding.field, finding.komm_id) {
        (Some(field), _) => format!("{} ({})", finding.kind.name(), Field::name(field)),
        (None, Some(komm_id)) => format!("{} (Kommunikation {komm_id})", finding.kind.name()),
        (None, None) => finding.kind.name().to_owned(),
    }
}
