//! `Webhook` over REST, as an API user has it: only those of their own (reference E11; source `Classes/Acl/Webhook`,
//! `Classes/RecordHooks/Webhook/BeforeSave.php`).

use axum::http::{StatusCode, Uri};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call};
use crate::espocrm::api::validation;
use crate::espocrm::record::Actor;
use crate::espocrm::{EspoCrm, WebhookEvent};
use crate::operation::{Operation, Route};
use crate::webhook::{OwnWebhook, WebhookTarget, Webhooks};

/// `webhookMaxCountPerUser`
const MOST_PER_USER: usize = 50;

impl EspoCrm {
    /// The answer to a call about webhooks; `None` for every other call.
    pub(crate) fn answer_webhooks(
        &mut self,
        webhooks: &Webhooks,
        call: &Call,
        route: &Route,
        now: DateTime<Utc>,
    ) -> Option<Answer> {
        let write = match route.operation {
            Operation::EspoListWebhooks | Operation::EspoGetWebhook | Operation::EspoDeleteWebhook => None,
            Operation::EspoPostWebhook | Operation::EspoPutWebhook => Some(body(call)),
            _ => return None,
        };
        if let Some(refused) = self.authenticate(call, now) {
            return Some(refused);
        }
        if !self.switches.rights.webhooks {
            return Some(Answer::empty(StatusCode::FORBIDDEN).with_header("x-status-reason", "No access."));
        }
        let id = route.keys.first().map(String::as_str).unwrap_or_default();
        let known = webhooks.own().into_iter().find(|own| own.target.id == id);
        Some(match (route.operation, write, known) {
            (Operation::EspoListWebhooks, ..) => {
                let list: Vec<Value> = webhooks.own().iter().map(|own| self.form(own)).collect();
                Answer::ok(&json!({ "total": list.len(), "list": list }))
            }
            (Operation::EspoPostWebhook, Some(Some(body)), _) => self.create_webhook(webhooks, &body),
            (_, Some(None), _) => Answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
            (Operation::EspoPutWebhook, Some(Some(body)), Some(own)) => self.change_webhook(webhooks, own, &body),
            (Operation::EspoGetWebhook, _, Some(own)) => Answer::ok(&self.form(&own)),
            (Operation::EspoDeleteWebhook, _, Some(own)) => {
                webhooks.remove(&own.target.id);
                Answer::ok(&json!(true))
            }
            _ => Answer::reason(StatusCode::NOT_FOUND, &format!("Record {id} does not exist.")),
        })
    }

    fn create_webhook(&mut self, webhooks: &Webhooks, body: &Map<String, Value>) -> Answer {
        let forbidden = |reason: &str| Answer::reason(StatusCode::FORBIDDEN, reason);
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("event").is_empty() {
            return validation("Webhook", "event", "required");
        }
        let Some((entity, kind)) = text("event").split_once('.') else { return forbidden("Not supported event.") };
        if entity != self.switches.entity {
            return forbidden("Entity type is not available for Webhooks.");
        }
        let event = match kind {
            "create" => WebhookEvent::Create,
            "update" => WebhookEvent::Update,
            "delete" => WebhookEvent::Delete,
            _ => return forbidden("Not supported event."),
        };
        if let Some(refused) = self.refuse_url(text("url")) {
            return refused;
        }
        if webhooks.own().len() >= MOST_PER_USER {
            return forbidden("Webhook number per user exceeded the limit.");
        }
        // EspoCRM's own are as long and as hard to guess; here a seed decides.
        let (id, secret) = (self.new_id(), format!("{}{}", self.new_id(), self.new_id()));
        let target =
            WebhookTarget { id, secret, event, url: text("url").to_owned(), skip_own: flag(body, "skipOwn", false) };
        let own = OwnWebhook { target, is_active: flag(body, "isActive", true) };
        let answer = Answer::json(StatusCode::CREATED, &self.form(&own));
        self.collects_events = true;
        webhooks.put_own(own);
        answer
    }

    /// The event of an API user's webhook stays, whatever is sent.
    fn change_webhook(&self, webhooks: &Webhooks, mut own: OwnWebhook, body: &Map<String, Value>) -> Answer {
        if let Some(url) = body.get("url").and_then(Value::as_str) {
            if let Some(refused) = self.refuse_url(url) {
                return refused;
            }
            url.clone_into(&mut own.target.url);
        }
        own.is_active = flag(body, "isActive", own.is_active);
        own.target.skip_own = flag(body, "skipOwn", own.target.skip_own);
        let answer = Answer::ok(&self.form(&own));
        webhooks.put_own(own);
        answer
    }

    fn refuse_url(&self, url: &str) -> Option<Answer> {
        let host =
            url.parse::<Uri>().ok().filter(|uri| uri.scheme().is_some()).and_then(|uri| uri.host().map(str::to_owned));
        match host {
            None if url.is_empty() => Some(validation("Webhook", "url", "required")),
            None => Some(validation("Webhook", "url", "valid")),
            Some(host) if self.switches.internal_webhooks_refused && is_internal(&host) => {
                Some(validation("Webhook", "url", "notInternal"))
            }
            Some(_) => None,
        }
    }

    fn form(&self, own: &OwnWebhook) -> Value {
        let kind = json!(own.target.event);
        json!({
            "id": own.target.id,
            "event": format!("{}.{}", self.switches.entity, kind.as_str().unwrap_or_default()),
            "url": own.target.url,
            "isActive": own.is_active,
            "skipOwn": own.target.skip_own,
            "secretKey": own.target.secret,
            "userId": Actor::ApiUser.user_id(),
            "userName": "kanzleisync",
            "entityType": self.switches.entity,
            "type": kind,
            "field": null,
        })
    }
}

/// As [`Call::json`], where another type than JSON is silently ignored: the write becomes one of nothing.
fn body(call: &Call) -> Option<Map<String, Value>> {
    let declared = call.header("content-type").unwrap_or_default().to_ascii_lowercase();
    if !declared.starts_with("application/json") {
        return Some(Map::new());
    }
    match call.json() {
        Some(Value::Object(body)) => Some(body),
        _ => None,
    }
}

fn flag(body: &Map<String, Value>, name: &str, otherwise: bool) -> bool {
    body.get(name).and_then(Value::as_bool).unwrap_or(otherwise)
}

fn is_internal(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost"
        || match address {
            Ok(std::net::IpAddr::V4(four)) => four.is_loopback() || four.is_private() || four.is_link_local(),
            Ok(std::net::IpAddr::V6(six)) => six.is_loopback(),
            Err(_) => false,
        }
}
