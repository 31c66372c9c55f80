//! EspoCRM's webhooks.

use super::super::facts::WebhookFacts;
use super::super::finding::{Area, Finding};
use crate::command::webhooks::standing::{SecretHere, Standing};

pub(super) fn webhooks(facts: &WebhookFacts) -> Vec<Finding> {
    let area = Area::Webhooks;
    let mut found = Vec::new();
    for webhook in &facts.webhooks {
        let event = webhook.event.name();
        // Warnings: what they miss the scan finds, later.
        match webhook.standing {
            Standing::Right => {}
            Standing::Missing => found.push(area.warning(format!("{event}: missing"), "`webhooks install --url ...`")),
            Standing::Inactive => {
                found.push(area.warning(format!("{event}: switched off"), "`webhooks install` switches it on"));
            }
            Standing::WrongAddress => found.push(area.warning(
                format!("{event}: leads to another address than PRODUCER_PUBLIC_URL"),
                "`webhooks install` corrects it",
            )),
        }
        match webhook.secret {
            SecretHere::None | SecretHere::Set => {}
            SecretHere::Missing | SecretHere::Differs => found.push(area.warning(
                format!("{event}: ESPOCRM_WEBHOOK_SECRETS does not have its key, so its events are refused"),
                "`webhooks install --secrets-file PATH`, then restart the producer",
            )),
        }
        if webhook.surplus > 0 {
            found.push(area.warning(
                format!("{event}: told {} times", webhook.surplus + 1),
                "`webhooks remove --apply`, then `webhooks install`",
            ));
        }
    }
    if found.is_empty() {
        let address =
            if facts.address_is_known { "" } else { "; addresses not compared, PRODUCER_PUBLIC_URL is not set" };
        found.push(area.ok(format!("all registered and active, keys known{address}")));
    }
    found
}
