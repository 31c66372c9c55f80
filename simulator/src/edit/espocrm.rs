//! What people do in EspoCRM.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{Edit, EditOutcome, EditRefused};
use crate::espocrm::{Actor, Channel, EspoCrm};

pub(super) fn apply(espocrm: &mut EspoCrm, edit: &Edit, now: DateTime<Utc>) -> Result<EditOutcome, EditRefused> {
    let (id, body) = match edit {
        Edit::EspoSet { id, fields } => (id, fields.clone()),
        Edit::EspoCreate { fields } => {
            let id = espocrm.create(fields, Actor::User, true, now)?;
            return Ok(EditOutcome { espo_id: Some(id), ..EditOutcome::default() });
        }
        Edit::EspoDelete { id } => {
            espocrm.delete(id, Actor::User, now)?;
            return Ok(EditOutcome { espo_id: Some(id.clone()), ..EditOutcome::default() });
        }
        Edit::EspoAddMail { id, address } => {
            let item = json!({ "emailAddress": address });
            (
                id,
                change_data(espocrm, id, Channel::Mail, |items| {
                    items.push(item);
                    Some(())
                })?,
            )
        }
        Edit::EspoAddPhone { id, number, phone_type } => {
            let item = json!({ "phoneNumber": number, "type": phone_type });
            (
                id,
                change_data(espocrm, id, Channel::Phone, |items| {
                    items.push(item);
                    Some(())
                })?,
            )
        }
        Edit::EspoRemove { id, value } => {
            let channel = channel_of(value);
            (
                id,
                change_data(espocrm, id, channel, |items| {
                    let at = position(items, channel, value)?;
                    items.remove(at);
                    Some(())
                })?,
            )
        }
        Edit::EspoReplace { id, from, to } => {
            let channel = channel_of(from);
            (
                id,
                change_data(espocrm, id, channel, |items| {
                    let at = position(items, channel, from)?;
                    items.get_mut(at)?[channel.value_field()] = json!(to);
                    Some(())
                })?,
            )
        }
        Edit::EspoMakePrimary { id, value } => {
            let channel = channel_of(value);
            (
                id,
                change_data(espocrm, id, channel, |items| {
                    let at = position(items, channel, value)?;
                    for (index, item) in items.iter_mut().enumerate() {
                        item["primary"] = json!(index == at);
                    }
                    Some(())
                })?,
            )
        }
        _ => return Err(EditRefused::NoSuchRecord),
    };
    espocrm.update(id, &body, Actor::User, None, now)?;
    Ok(EditOutcome { espo_id: Some(id.clone()), ..EditOutcome::default() })
}

/// The body with one data array, changed; `None` from `change` means the value is not there.
fn change_data(
    espocrm: &EspoCrm,
    id: &str,
    channel: Channel,
    change: impl FnOnce(&mut Vec<Value>) -> Option<()>,
) -> Result<Map<String, Value>, EditRefused> {
    let form = espocrm.read(id).ok_or(EditRefused::NoSuchRecord)?;
    let mut items = form.get(channel.data_field()).and_then(Value::as_array).cloned().unwrap_or_default();
    change(&mut items).ok_or(EditRefused::NoSuchRecord)?;
    Ok(Map::from_iter([(channel.data_field().to_owned(), Value::Array(items))]))
}

fn channel_of(value: &str) -> Channel {
    if value.contains('@') { Channel::Mail } else { Channel::Phone }
}

fn position(items: &[Value], channel: Channel, value: &str) -> Option<usize> {
    let wanted = channel.key(value);
    items.iter().position(|item| {
        item.get(channel.value_field()).and_then(Value::as_str).is_some_and(|have| channel.key(have) == wanted)
    })
}
