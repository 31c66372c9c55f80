//! The webhooks of our API user: they tell the producer what users change (reference E11). EspoCRM shows an API user their own only.

use std::fmt;

use domain::ids::EspoId;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::client::Espocrm;
use super::wire;
use crate::error::{ApiError, ErrorKind, Operation};
use crate::json::{switch, text};

/// More than one API user may have (`webhookMaxCountPerUser`, 50).
const PAGE_SIZE: &str = "200";

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookEvent {
    /// A record was created.
    Create,
    /// A record was changed.
    Update,
    /// A record was deleted.
    Delete,
}

impl WebhookEvent {
    /// Every event.
    pub const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    /// EspoCRM's name of it, which is the last part of our address for it, too (CONTRACT).
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// One webhook.
#[derive(Clone)]
pub struct Webhook {
    /// Its id, part of each signature.
    pub id: EspoId,
    /// What it tells; `None` for what no sync needs, or of another entity type.
    pub event: Option<WebhookEvent>,
    /// Where to.
    pub url: String,
    /// Whether it tells anything.
    pub is_active: bool,
    /// Key of its signatures; an answer need not hold it.
    pub secret: Option<SecretString>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("id", &self.id).field("event", &self.event).finish_non_exhaustive()
    }
}

impl Espocrm {
    /// EspoCRM's name of an event of our entity type, as in `CBeteiligte.update`.
    pub fn webhook_event(&self, event: WebhookEvent) -> String {
        format!("{}.{}", self.names().entity(), event.name())
    }

    /// All webhooks of our API user, with their keys.
    pub async fn list_webhooks(&self) -> Result<Vec<Webhook>, ApiError> {
        let request = self.request(Method::GET, &["Webhook"]).query(&[("maxSize", PAGE_SIZE)]);
        let read = |answer| wire::list(answer)?.0.into_iter().map(|element| self.read_webhook(element)).collect();
        let mut webhooks: Vec<Webhook> = self.call(Operation::EspocrmListWebhooks, request, read).await?;
        for webhook in webhooks.iter_mut().filter(|webhook| webhook.secret.is_none()) {
            *webhook = self.get_webhook(&webhook.id).await?;
        }
        Ok(webhooks)
    }

    async fn get_webhook(&self, id: &EspoId) -> Result<Webhook, ApiError> {
        let request = self.request(Method::GET, &["Webhook", id.as_str()]);
        self.call(Operation::EspocrmListWebhooks, request, |answer| self.read_webhook(answer)).await
    }

    /// Registers a webhook. What our own user writes is left out where EspoCRM can (9.2 and later): our own writes are no news.
    pub async fn create_webhook(&self, event: WebhookEvent, url: &str) -> Result<Webhook, ApiError> {
        let body = json!({"event": self.webhook_event(event), "url": url, "isActive": true, "skipOwn": true});
        let request = self.request(Method::POST, &["Webhook"]).json(&body);
        self.call(Operation::EspocrmWriteWebhook, request, |answer| self.read_webhook(answer)).await
    }

    /// Gives a webhook its address and switches it on; id and key stay.
    pub async fn correct_webhook(&self, id: &EspoId, url: &str) -> Result<(), ApiError> {
        let request = self.request(Method::PUT, &["Webhook", id.as_str()]).json(&json!({"url": url, "isActive": true}));
        self.call(Operation::EspocrmWriteWebhook, request, |_| Ok(())).await
    }

    /// Removes a webhook, with what EspoCRM has not told yet.
    pub async fn delete_webhook(&self, id: &EspoId) -> Result<(), ApiError> {
        let request = self.request(Method::DELETE, &["Webhook", id.as_str()]);
        self.call(Operation::EspocrmWriteWebhook, request, |_| Ok(())).await
    }

    fn read_webhook(&self, answer: Value) -> Result<Webhook, ErrorKind> {
        let Value::Object(fields) = answer else { return Err(ErrorKind::Malformed { what: "a webhook is no object" }) };
        let id = text(&fields, "id").and_then(|id| EspoId::parse(id).ok());
        let event = WebhookEvent::ALL.into_iter().find(|event| is_event(&fields, &self.webhook_event(*event)));
        Ok(Webhook {
            id: id.ok_or(ErrorKind::Malformed { what: "a webhook has no id" })?,
            event,
            url: text(&fields, "url").unwrap_or_default().to_owned(),
            is_active: switch(fields.get("isActive")),
            secret: text(&fields, "secretKey").map(SecretString::from),
        })
    }
}

fn is_event(fields: &Map<String, Value>, event: &str) -> bool {
    text(fields, "event") == Some(event)
}
