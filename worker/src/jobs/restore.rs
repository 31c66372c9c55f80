//! Writes back what an audit entry replaced, as a user would: on the side where it stood, and the sync that follows takes it to the other
//! (K10). So nothing else has to be put back: markers, bases and the other side follow by the rules.

use domain::beteiligte::stammdaten::{Field, PartyKind, Side, Texts, is_same};
use domain::kommunikation::{EspoMail, EspoPhone, restored_remark};
use serde_json::{Value, json};
use shared::advoware::KommunikationWrite;
use shared::beteiligte::AdvoSide;
use shared::error::{Operation, System};
use shared::espocrm::EspoPatch;
use shared::hub::{AuditEntry, AuditTarget, AuditView, RequestAnswer};
use uuid::Uuid;

use super::beteiligte_sync::BeteiligteJobs;
use super::request::{done, refused};
use super::run::{Applied, Run, gone_or};
use super::stop::Stop;

const RESTORED: &str = "restored";
const ALREADY: &str = "it stands there already, nothing was written";

impl BeteiligteJobs {
    pub(super) async fn restore(&self, run: &mut Run<'_>, entry: Uuid) -> Result<RequestAnswer, Stop> {
        let Some(entry) = self.systems.hub.audit_entry(entry).await? else {
            return Ok(refused("there is no audit entry of this id"));
        };
        if entry.espo_id != run.id.as_str() {
            return Ok(refused("the audit entry is about another record"));
        }
        let Some(before) = entry.before.clone() else {
            return Ok(refused("the entry replaced nothing, so there is nothing to write back"));
        };
        let answer = match (entry.target == "espocrm", entry.field) {
            (true, Some(field)) => restore_espo_field(run, field, &before).await?,
            (false, Some(field)) => restore_advo_field(run, field, &before).await?,
            (true, None) => restore_espo_value(run, &entry, &before).await?,
            (false, None) => restore_row(run, &entry, &before).await?,
        };
        // What follows is a sync that finds a user's edit.
        run.look_again().await?;
        Ok(answer)
    }
}

async fn restore_espo_field(run: &mut Run<'_>, field: Field, before: &Value) -> Result<RequestAnswer, Stop> {
    let Some((name, now)) = stands(run, field, Side::Espocrm) else {
        return Ok(refused("EspoCRM has no such field for this kind of party any more"));
    };
    if is_same(field, now.as_deref(), before.as_str()) {
        return Ok(done(ALREADY));
    }
    note(run, AuditTarget::Espocrm, None, Some(field), now.map(Value::String), before.clone()).await?;
    match run.update_espo(&EspoPatch::new().field(name, before.as_str())).await? {
        Applied::Whole => Ok(done("written back in EspoCRM")),
        Applied::Overtaken => Err(overtaken()),
    }
}

async fn restore_advo_field(run: &mut Run<'_>, field: Field, before: &Value) -> Result<RequestAnswer, Stop> {
    let betnr = run.betnr()?;
    let Some((name, now)) = stands(run, field, Side::Advoware) else {
        return Ok(refused("the field is not synced for this kind of party any more"));
    };
    if is_same(field, now.as_deref(), before.as_str()) {
        return Ok(done(ALREADY));
    }
    note(run, AuditTarget::Advoware, None, Some(field), now.clone().map(Value::String), before.clone()).await?;
    let visit = run.systems.advoware.visit(Operation::AdvowarePutBeteiligte, 1).await?;
    let looked = visit.get_beteiligte(betnr).await.map_err(|error| gone_or(error, System::Advoware))?;
    if looked.stammdaten.get(name) != now.as_ref() {
        return Err(overtaken());
    }
    run.lease.check()?;
    let record = looked.record.with(&[(name, before.as_str())]);
    visit.put_beteiligte(betnr, &record).await.map_err(|error| gone_or(error, System::Advoware))?;
    run.wrote = true;
    Ok(done("written back in Advoware"))
}

/// A mail or phone goes back to the place of what replaced it, or is added.
async fn restore_espo_value(run: &mut Run<'_>, entry: &AuditView, before: &Value) -> Result<RequestAnswer, Stop> {
    let view = &run.loaded.espo.view;
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let flag = |name: &str| before.get(name).and_then(Value::as_bool).unwrap_or_default();
    let replaced = |name: &str| entry.after.as_ref().and_then(|after| text(after, name));
    let patch = if let Some(address) = text(before, "emailAddress") {
        let mut mails = view.mails.clone();
        if mails.iter().any(|mail| mail.address.eq_ignore_ascii_case(&address)) {
            return Ok(done(ALREADY));
        }
        let (opt_out, invalid) = (flag("optOut"), flag("invalid"));
        let after = replaced("emailAddress");
        match mails.iter_mut().find(|mail| Some(&mail.address) == after.as_ref()) {
            Some(mail) => *mail = EspoMail { address, primary: mail.primary, opt_out, invalid },
            None => mails.push(EspoMail { address, primary: mails.is_empty(), opt_out, invalid }),
        }
        EspoPatch::new().mails(&mails)
    } else if let Some(number) = text(before, "phoneNumber") {
        let mut phones = view.phones.clone();
        if phones.iter().any(|phone| phone.number == number) {
            return Ok(done(ALREADY));
        }
        let (phone_type, opt_out, invalid) = (text(before, "type"), flag("optOut"), flag("invalid"));
        let after = replaced("phoneNumber");
        match phones.iter_mut().find(|phone| Some(&phone.number) == after.as_ref()) {
            Some(phone) => *phone = EspoPhone { number, phone_type, primary: phone.primary, opt_out, invalid },
            None => phones.push(EspoPhone { number, phone_type, primary: phones.is_empty(), opt_out, invalid }),
        }
        EspoPatch::new().phones(&phones)
    } else {
        return Ok(refused("the entry holds no value that can be written back"));
    };
    note(run, AuditTarget::Espocrm, entry.komm_id.map(|id| id.0), None, entry.after.clone(), before.clone()).await?;
    match run.update_espo(&patch).await? {
        Applied::Whole => Ok(done("written back in EspoCRM")),
        Applied::Overtaken => Err(overtaken()),
    }
}

/// A row gets its value back and, where it has none now, its user's text; the marker stays as it is, so that the sync sees an edit. A row
/// that is gone is made anew.
async fn restore_row(run: &mut Run<'_>, entry: &AuditView, before: &Value) -> Result<RequestAnswer, Stop> {
    let betnr = run.betnr()?;
    let text = |name: &str| before.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (tlf, bemerkung) = (text("tlf"), text("bemerkung"));
    if tlf.is_empty() {
        return Ok(refused("the row held no value before, so there is none to write back"));
    }
    let visit = run.systems.advoware.visit(Operation::AdvowarePutKommunikation, 1).await?;
    let looked = visit.get_beteiligte(betnr).await.map_err(|error| gone_or(error, System::Advoware))?;
    let row = looked.view.rows.iter().find(|row| Some(row.id) == entry.komm_id);
    if row.is_some_and(|row| row.tlf.trim() == tlf.trim()) {
        return Ok(done(ALREADY));
    }
    let now =
        row.map(|row| json!({"tlf": row.tlf, "bemerkung": row.bemerkung, "kommKz": row.komm_kz, "online": row.online}));
    let komm_kz = before.get("kommKz").and_then(Value::as_i64).unwrap_or_default();
    let online = before.get("online").and_then(Value::as_bool).unwrap_or_default();
    let remark = restored_remark(row.and_then(|row| row.bemerkung.as_deref()).unwrap_or_default(), &bemerkung);
    let content = KommunikationWrite { tlf, bemerkung: Some(remark), komm_kz, online };
    note(run, AuditTarget::Advoware, entry.komm_id.map(|id| id.0), None, now, before.clone()).await?;
    run.lease.check()?;
    let written = match row {
        Some(row) => visit.put_kommunikation(betnr, row.id, &content).await,
        None => visit.post_kommunikation(betnr, &content).await,
    };
    written.map_err(|error| gone_or(error, System::Advoware))?;
    run.wrote = true;
    Ok(done("written back in Advoware"))
}

/// The field's name on a side and the text that stands there.
fn stands(run: &Run<'_>, field: Field, side: Side) -> Option<(&'static str, Option<String>)> {
    let AdvoSide::Found(advo) = &run.loaded.advo else { return None };
    let espo = &run.loaded.espo.stammdaten;
    let name = field.on(side, PartyKind::of(espo, &advo.stammdaten))?;
    let texts: &Texts = match side {
        Side::Espocrm => espo,
        Side::Advoware => &advo.stammdaten,
    };
    Some((name, texts.get(name).cloned()))
}

async fn note(
    run: &Run<'_>,
    target: AuditTarget,
    komm_id: Option<i64>,
    field: Option<Field>,
    before: Option<Value>,
    after: Value,
) -> Result<(), Stop> {
    let komm_id = komm_id.map(domain::ids::KommId);
    run.audit(&[AuditEntry { target, rule: RESTORED, komm_id, field, before, after: Some(after) }]).await
}

fn overtaken() -> Stop {
    Stop::NotAgreed("somebody changed what was to be written back")
}
