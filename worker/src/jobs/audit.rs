//! What a stage is about to change, as the audit keeps it (K10).

use domain::kommunikation::{AdvoWrite, EspoChange, EspoView, EspoWrite, Kind, RowContent, Target};
use serde_json::{Value, json};
use shared::hub::{AuditEntry, AuditTarget, OVERWRITTEN};

/// One entry for each row that is written.
pub(super) fn of_rows(writes: &[AdvoWrite]) -> Vec<AuditEntry> {
    let entry = |write: &AdvoWrite| {
        let (komm_id, before) = match &write.target {
            Target::Row { id, before, .. } => (Some(*id), Some(content(before))),
            Target::New => (None, None),
        };
        let rule = if write.overwrites { OVERWRITTEN } else { write.variant.name() };
        AuditEntry { target: AuditTarget::Advoware, rule, komm_id, before, after: Some(content(&write.content)) }
    };
    writes.iter().map(entry).collect()
}

/// One entry for each value that enters or leaves EspoCRM; the whole array element, so that it can be put back with its flags.
pub(super) fn of_espo(write: &EspoWrite, before: &EspoView) -> Vec<AuditEntry> {
    let after = EspoView {
        mails: write.mails.clone().unwrap_or_default(),
        phones: write.phones.clone().unwrap_or_default(),
        stored_hash: None,
    };
    let entry = |change: &EspoChange| AuditEntry {
        target: AuditTarget::Espocrm,
        rule: change.variant.name(),
        komm_id: Some(change.komm_id),
        before: change.before.as_deref().and_then(|value| element(before, change.kind, value)),
        after: change.after.as_deref().and_then(|value| element(&after, change.kind, value)),
    };
    write.changes.iter().map(entry).collect()
}

fn content(row: &RowContent) -> Value {
    json!({"tlf": row.tlf, "bemerkung": row.bemerkung, "kommKz": row.komm_kz.number(), "online": row.online})
}

fn element(view: &EspoView, kind: Kind, value: &str) -> Option<Value> {
    match kind {
        Kind::Mail => view.mails.iter().find(|mail| mail.address == value).map(|mail| {
            json!({"emailAddress": mail.address, "primary": mail.primary, "optOut": mail.opt_out, "invalid": mail.invalid})
        }),
        Kind::Phone => view.phones.iter().find(|phone| phone.number == value).map(|phone| {
            json!({
                "phoneNumber": phone.number,
                "type": phone.phone_type,
                "primary": phone.primary,
                "optOut": phone.opt_out,
                "invalid": phone.invalid,
            })
        }),
    }
}
