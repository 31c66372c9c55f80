//! `webhooks install`, `webhooks status`, `webhooks remove`: EspoCRM's webhooks, registered under our own API user.

mod secrets_file;
pub(super) mod standing;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use shared::error::{ApiError, ErrorKind};
use shared::espocrm::Espocrm;
use shared::http::BaseUrl;
use shared::queue::QueueName;
use shared::settings::{EspocrmSettings, WebhookSettings};

use super::CommandError;
use super::report::Report;
use super::table::table;
use crate::cli::{InstallWebhooks, WebhookAddress, Webhooks};
use crate::operator::{Act, Action, Of, Operator};
use standing::{Registered, Standing, address_of, registered};

pub(super) async fn carry_out(
    espocrm: &EspocrmSettings,
    settings: &WebhookSettings,
    operator: &Operator,
    what: &Webhooks,
) -> Result<Report, CommandError> {
    let espocrm = Espocrm::new(espocrm)?;
    match what {
        Webhooks::Install(arguments) => {
            let work = install(&espocrm, settings, arguments);
            operator.noted(vec![noted(Act::InstallWebhooks)], work).await
        }
        Webhooks::Status(address) => {
            let base = public_url(settings, address);
            Ok(status(&registered(&listed(&espocrm).await?, base), settings, base))
        }
        Webhooks::Remove(arguments) => {
            let actions = if arguments.apply { vec![noted(Act::RemoveWebhooks)] } else { Vec::new() };
            operator.noted(actions, remove(&espocrm, arguments.apply)).await
        }
    }
}

fn noted(act: Act) -> Action {
    Action { act, of: Of::flow(Some(QueueName::Beteiligte)) }
}

fn public_url<'a>(settings: &'a WebhookSettings, address: &'a WebhookAddress) -> Option<&'a BaseUrl> {
    address.url.as_ref().or(settings.public_url.as_ref())
}

async fn listed(espocrm: &Espocrm) -> Result<Vec<shared::espocrm::Webhook>, CommandError> {
    espocrm.list_webhooks().await.map_err(refused)
}

/// EspoCRM's refusals of webhooks have causes of their own.
fn refused(error: ApiError) -> CommandError {
    match &error.kind {
        ErrorKind::Rejected { field: Some(field), .. } if field == "url" => CommandError::WebhookAddress,
        ErrorKind::Forbidden => CommandError::WebhooksForbidden,
        _ => error.into(),
    }
}

async fn install(
    espocrm: &Espocrm,
    settings: &WebhookSettings,
    arguments: &InstallWebhooks,
) -> Result<Report, CommandError> {
    let Some(base) = public_url(settings, &arguments.address) else { return Err(CommandError::NoPublicUrl) };
    let before = listed(espocrm).await?;
    let mut done = Vec::new();
    for one in registered(&before, Some(base)) {
        let url = address_of(base, one.event);
        match (&one.standing, one.webhook) {
            (Standing::Right, Some(_)) => continue,
            (_, None) => drop(espocrm.create_webhook(one.event, url.as_str()).await.map_err(refused)?),
            (_, Some(webhook)) => espocrm.correct_webhook(&webhook.id, url.as_str()).await.map_err(refused)?,
        }
        done.push(json!({"event": one.event.name(), "was": one.standing.name()}));
    }
    if !done.is_empty() {
        tracing::info!(webhooks = done.len(), "operator: webhooks installed");
    }
    let after = listed(espocrm).await?;
    let after = registered(&after, Some(base));
    let mut report = status(&after, settings, Some(base));
    let mut lines = vec![match done.len() {
        0 => "nothing to do: the webhooks are registered as they should be".to_owned(),
        many => format!("registered or corrected: {many}"),
    }];
    lines.push(report.text);
    lines.extend(hand_over_secrets(&after, arguments, &mut report.json)?);
    report.json["changed"] = json!(done);
    // Keys that the producer lacks, and that this command put nowhere, are still to be fetched: the advice says how.
    let is_handed_over = arguments.secrets_file.is_some() || arguments.show_secrets;
    Ok(Report { text: lines.join("\n"), found_something: report.found_something && !is_handed_over, ..report })
}

/// The keys leave only on request; a file is closed to others.
fn hand_over_secrets(
    webhooks: &[Registered<'_>],
    arguments: &InstallWebhooks,
    json: &mut Value,
) -> Result<Option<String>, CommandError> {
    let parts: Option<Vec<String>> = webhooks
        .iter()
        .map(|one| {
            let webhook = one.webhook?;
            Some(format!("{}:{}", webhook.id, webhook.secret.as_ref()?.expose_secret()))
        })
        .collect();
    let Some(value) = parts.map(|parts| SecretString::from(parts.join(","))) else {
        return Ok(Some(
            "EspoCRM does not tell the keys: copy them from Administration > Webhooks into ESPOCRM_WEBHOOK_SECRETS, `id:key`, separated by commas"
                .to_owned(),
        ));
    };
    let mut line = None;
    if let Some(path) = &arguments.secrets_file {
        secrets_file::write(path, &value).map_err(|error| CommandError::SecretsFile(error.kind()))?;
        line = Some(
            "the secrets are in the file: name it in ESPOCRM_WEBHOOK_SECRETS_FILE and restart the producer".to_owned(),
        );
    }
    if arguments.show_secrets {
        json["secrets"] = json!(value.expose_secret());
        line = Some(format!("ESPOCRM_WEBHOOK_SECRETS={}", value.expose_secret()));
    }
    Ok(line)
}

fn status(webhooks: &[Registered<'_>], settings: &WebhookSettings, base: Option<&BaseUrl>) -> Report {
    let row = |one: &Registered<'_>| {
        let id = one.webhook.map_or("-", |webhook| webhook.id.as_str());
        let url = one.webhook.map_or("-", |webhook| webhook.url.as_str());
        let secret = one.secret(&settings.secrets).name();
        [one.event.name(), one.standing.name(), id, secret, url].map(str::to_owned)
    };
    let mut lines =
        vec![table(["EVENT", "STATE", "ID", "SECRET HERE", "ADDRESS"], &webhooks.iter().map(row).collect::<Vec<_>>())];
    let advice: Vec<&str> = webhooks.iter().flat_map(|one| one.advice(&settings.secrets)).collect();
    let mut told = Vec::new();
    for line in &advice {
        if !told.contains(line) {
            told.push(*line);
        }
    }
    lines.extend(told.iter().map(|line| (*line).to_owned()));
    if base.is_none() {
        lines.push("addresses are not compared: set PRODUCER_PUBLIC_URL or give --url".to_owned());
    }
    let object = |one: &Registered<'_>| {
        json!({
            "event": one.event.name(),
            "state": one.standing.name(),
            "id": one.webhook.map(|webhook| webhook.id.as_str()),
            "url": one.webhook.map(|webhook| webhook.url.as_str()),
            "secret": one.secret(&settings.secrets).name(),
            "surplus": one.surplus.iter().map(|webhook| webhook.id.as_str()).collect::<Vec<_>>(),
        })
    };
    let json = json!({"webhooks": webhooks.iter().map(object).collect::<Vec<_>>(), "advice": told});
    Report { text: lines.join("\n"), json, found_something: !advice.is_empty() }
}

/// Ours are all that lead to the producer's routes, at whatever address.
async fn remove(espocrm: &Espocrm, apply: bool) -> Result<Report, CommandError> {
    let known = listed(espocrm).await?;
    let all = registered(&known, None);
    let ours: Vec<_> = all.iter().flat_map(|one| one.webhook.iter().chain(&one.surplus)).collect();
    if apply {
        for webhook in &ours {
            espocrm.delete_webhook(&webhook.id).await.map_err(refused)?;
        }
        tracing::info!(webhooks = ours.len(), "operator: webhooks removed");
    }
    let ids: Vec<&str> = ours.iter().map(|webhook| webhook.id.as_str()).collect();
    let text = match (ids.len(), apply) {
        (0, _) => "nothing to remove".to_owned(),
        (many, true) => {
            format!("removed: {many} ({}). Take their secrets out of ESPOCRM_WEBHOOK_SECRETS", ids.join(", "))
        }
        (many, false) => format!("would remove {many} ({}): give --apply to do it", ids.join(", ")),
    };
    Ok(Report { text, json: json!({"webhooks": ids, "removed": apply}), found_something: false })
}
