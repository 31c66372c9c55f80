//! How EspoCRM's webhooks stand to what they should be; pure.

use secrecy::ExposeSecret;
use shared::espocrm::{Webhook, WebhookEvent};
use shared::http::{BaseUrl, Url};
use shared::settings::WebhookSecrets;

use crate::webhook::ROUTE;

/// One event and the webhook that tells it.
#[derive(Debug)]
pub(crate) struct Registered<'a> {
    pub(crate) event: WebhookEvent,
    pub(crate) standing: Standing,
    /// The one that counts.
    pub(crate) webhook: Option<&'a Webhook>,
    /// Others that tell the same to a producer: each makes the event come once more.
    pub(crate) surplus: Vec<&'a Webhook>,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing.
    Right,
    /// There is none.
    Missing,
    /// It is switched off.
    Inactive,
    /// It leads to another address.
    WrongAddress,
}

/// Whether the producer with these settings would know its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretHere {
    /// There is no webhook.
    None,
    /// It has the key.
    Set,
    /// It has none for this webhook.
    Missing,
    /// It has another one.
    Differs,
}

impl Standing {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Right => "active",
            Self::Missing => "missing",
            Self::Inactive => "inactive",
            Self::WrongAddress => "wrong address",
        }
    }
}

impl SecretHere {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "-",
            Self::Set => "set",
            Self::Missing => "missing",
            Self::Differs => "differs",
        }
    }
}

impl Registered<'_> {
    pub(crate) fn secret(&self, secrets: &WebhookSecrets) -> SecretHere {
        let Some(webhook) = self.webhook else { return SecretHere::None };
        match (secrets.get(webhook.id.as_str()), &webhook.secret) {
            (None, _) => SecretHere::Missing,
            (Some(here), Some(there)) if here.expose_secret() != there.expose_secret() => SecretHere::Differs,
            (Some(_), _) => SecretHere::Set,
        }
    }

    /// What to do; nothing where all is right.
    pub(crate) fn advice(&self, secrets: &WebhookSecrets) -> Vec<&'static str> {
        let mut advice = Vec::new();
        match self.standing {
            Standing::Right => {}
            Standing::Missing | Standing::Inactive | Standing::WrongAddress => {
                advice.push("`webhooks install` registers what is missing, switches it on and corrects its address");
            }
        }
        match self.secret(secrets) {
            SecretHere::None | SecretHere::Set => {}
            SecretHere::Missing | SecretHere::Differs => advice.push(
                "`webhooks install --secrets-file PATH` writes the keys for ESPOCRM_WEBHOOK_SECRETS_FILE; without them the producer refuses the events",
            ),
        }
        if !self.surplus.is_empty() {
            advice.push(
                "an event is told more than once, which only costs calls: `webhooks remove --apply`, then install",
            );
        }
        advice
    }
}

/// The producer's address for an event.
pub(crate) fn address_of(base: &BaseUrl, event: WebhookEvent) -> Url {
    let segments: Vec<&str> = ROUTE.split('/').chain([event.name()]).collect();
    base.at(&segments)
}

/// Each event with its webhook. Without `base` any address will do that leads to a producer's route.
pub(crate) fn registered<'a>(webhooks: &'a [Webhook], base: Option<&BaseUrl>) -> Vec<Registered<'a>> {
    WebhookEvent::ALL
        .into_iter()
        .map(|event| {
            let wanted = base.map(|base| address_of(base, event));
            let standing = |webhook: &Webhook| {
                let url = Url::parse(&webhook.url).ok();
                match &wanted {
                    Some(wanted) if url.as_ref() != Some(wanted) => Standing::WrongAddress,
                    _ if !webhook.is_active => Standing::Inactive,
                    _ => Standing::Right,
                }
            };
            let mut ours: Vec<&Webhook> = webhooks.iter().filter(|webhook| leads_to_us(webhook, event)).collect();
            // The best first; where several are as good, the one that was there first.
            ours.sort_by_key(|webhook| match standing(webhook) {
                Standing::Right => 0,
                Standing::Inactive => 1,
                Standing::WrongAddress | Standing::Missing => 2,
            });
            let mut ours = ours.into_iter();
            let webhook = ours.next();
            let standing = webhook.map_or(Standing::Missing, standing);
            Registered { event, standing, webhook, surplus: ours.collect() }
        })
        .collect()
}

/// A webhook of our user for the same event that leads elsewhere is another program's.
fn leads_to_us(webhook: &Webhook, event: WebhookEvent) -> bool {
    let route = format!("/{ROUTE}/{}", event.name());
    webhook.event == Some(event) && Url::parse(&webhook.url).is_ok_and(|url| url.path().ends_with(&route))
}

#[cfg(test)]
mod tests {
    use domain::ids::EspoId;
    use secrecy::SecretString;
    use shared::settings::{Source, WebhookSettings};

    use super::*;

    const URL: &str = "https://sync.example.org/vmh/webhook/beteiligte";

    fn webhook(id: &str, event: WebhookEvent, url: &str) -> Webhook {
        let id = EspoId::parse(id).unwrap();
        let secret = Some(SecretString::from(format!("key-{id}")));
        Webhook { id, event: Some(event), url: url.to_owned(), is_active: true, secret }
    }

    fn standings(webhooks: &[Webhook], base: Option<&str>) -> Vec<(&'static str, usize)> {
        let base = base.map(|base| BaseUrl::parse(base).unwrap());
        registered(webhooks, base.as_ref()).iter().map(|one| (one.standing.name(), one.surplus.len())).collect()
    }

    #[test]
    fn each_event_has_one_webhook_that_counts() {
        let base = Some("https://sync.example.org/");
        assert_eq!(standings(&[], base), [("missing", 0), ("missing", 0), ("missing", 0)]);
        let create = webhook("1", WebhookEvent::Create, &format!("{URL}/create"));
        let off = Webhook { is_active: false, ..webhook("2", WebhookEvent::Update, &format!("{URL}/update")) };
        let old = webhook("3", WebhookEvent::Delete, "http://old.example/vmh/webhook/beteiligte/delete");
        let all = [create.clone(), off, old];
        assert_eq!(standings(&all, base), [("active", 0), ("inactive", 0), ("wrong address", 0)]);
        assert_eq!(standings(&all, None), [("active", 0), ("inactive", 0), ("active", 0)], "any address will do");
        let behind_a_path = "https://sync.example.org/kanzlei";
        assert_eq!(standings(&all[..1], Some(behind_a_path))[0], ("wrong address", 0));
        let twice = [webhook("9", WebhookEvent::Create, "http://old.example/vmh/webhook/beteiligte/create"), create];
        let base = BaseUrl::parse("https://sync.example.org/").unwrap();
        let one = &registered(&twice, Some(&base))[0];
        assert_eq!((one.webhook.unwrap().id.as_str(), one.surplus.len()), ("1", 1), "the best counts");
    }

    #[test]
    fn another_programs_webhook_is_left_alone() {
        let elsewhere = [webhook("1", WebhookEvent::Create, "https://other.example/hook")];
        let swapped = [webhook("1", WebhookEvent::Create, &format!("{URL}/update"))];
        for webhooks in [elsewhere, swapped] {
            assert_eq!(standings(&webhooks, None)[0], ("missing", 0));
        }
    }

    #[test]
    fn a_key_that_the_producer_lacks_is_told() {
        let webhooks = [webhook("1", WebhookEvent::Create, &format!("{URL}/create"))];
        let one = registered(&webhooks, None).remove(0);
        let here = |secrets: &str| {
            let source: Source = [("ESPOCRM_WEBHOOK_SECRETS", secrets)].into_iter().collect();
            one.secret(&WebhookSettings::read(&source).unwrap().secrets)
        };
        assert_eq!(here("1:key-1"), SecretHere::Set);
        assert_eq!(here("1:key-2"), SecretHere::Differs);
        assert_eq!(here("2:key-1"), SecretHere::Missing);
        assert!(one.advice(&WebhookSecrets::default())[0].contains("--secrets-file"));
    }
}
