//! What a stage is about to change, as the audit keeps it (K10).

use domain::beteiligte::stammdaten::{Change, Plan, Side};
use domain::kommunikation::{AdvoWrite, EspoChange, EspoView, EspoWrite, Kind, RowContent, Target};
use serde_json::{Value, json};
use shared::hub::{AuditEntry, AuditTarget, OVERWRITTEN, OVERWRITTEN_BY_ADVOWARE};

/// One entry for each row that is written.
pub(super) fn of_rows(writes: &[AdvoWrite]) -> Vec<AuditEntry> {
    let entry = |write: &AdvoWrite| {
        let (komm_id, before) = match &write.target {
            Target::Row { id, before, .. } => (Some(*id), Some(content(before))),
            Target::New => (None, None),
        };
        let rule = if write.overwrites { OVERWRITTEN } else { write.variant.name() };
        AuditEntry {
            target: AuditTarget::Advoware,
            rule,
            komm_id,
            field: None,
            before,
            after: Some(content(&write.content)),
        }
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
        field: None,
        before: change.before.as_deref().and_then(|value| element(before, change.kind, value)),
        after: change.after.as_deref().and_then(|value| element(&after, change.kind, value)),
    };
    write.changes.iter().map(entry).collect()
}

/// One entry for each field that is written. `before` and `after` are the texts as they stand there.
pub(super) fn of_stammdaten(plan: &Plan) -> Vec<AuditEntry> {
    let of = |side: Side| {
        let (target, rule, overwrites) = match side {
            Side::Espocrm => (AuditTarget::Espocrm, "advoware_changed", OVERWRITTEN_BY_ADVOWARE),
            Side::Advoware => (AuditTarget::Advoware, "espocrm_changed", OVERWRITTEN),
        };
        plan.changes(side).iter().map(move |change: &Change| AuditEntry {
            target,
            rule: if change.overwrites { overwrites } else { rule },
            komm_id: None,
            field: Some(change.field),
            before: change.before.as_ref().map(|text| json!(text)),
            after: change.after.as_ref().map(|text| json!(text)),
        })
    };
    Side::ALL.into_iter().flat_map(of).collect()
}

/// One entry for the record that is about to be created in Advoware.
pub(super) fn of_creation(changes: &[Change]) -> AuditEntry {
    let fields: serde_json::Map<String, Value> =
        changes.iter().map(|change| (change.target.to_owned(), json!(change.after))).collect();
    let (target, after) = (AuditTarget::Advoware, Some(Value::Object(fields)));
    AuditEntry { target, rule: "created", komm_id: None, field: None, before: None, after }
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
