//! EspoCRM's webhook job: events become signed deliveries, with its rules of retry and loss (reference E11).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;
use tokio::sync::Notify;

use crate::espocrm::WebhookEvent;
use crate::stage::{Stage, locked};

/// `webhookBatchSize`
const BATCH_EVENTS: usize = 50;
const ATTEMPTS_MOST: u32 = 4;
const RETRY_MINUTES: i64 = 10;
const CONNECT_SECONDS: u64 = 5;
const TOTAL_SECONDS: u64 = 10;

/// A webhook as an administrator sets it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookTarget {
    /// Id, part of the signature.
    pub id: String,
    /// Secret key.
    pub secret: String,
    /// What it tells.
    pub event: WebhookEvent,
    /// Where to.
    pub url: String,
    /// Leave out what our own API user did (EspoCRM 9.2 and later, off by default).
    #[serde(default)]
    pub skip_own: bool,
}

/// One that our API user has registered over REST, as nobody else sees it there.
#[derive(Debug, Clone)]
pub(crate) struct OwnWebhook {
    pub(crate) target: WebhookTarget,
    pub(crate) is_active: bool,
}

/// What one delivery run did, in events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct DeliveryReport {
    /// Accepted with 200 to 399.
    pub delivered: usize,
    /// Put back for ten minutes later.
    pub postponed: usize,
    /// Gone for good: another status, or the fourth failure.
    pub lost: usize,
    /// Dropped with their webhook after a 410.
    pub removed: usize,
    /// Still waiting for their time.
    pub waiting: usize,
}

#[derive(Debug, Clone)]
struct Delivery {
    target_id: String,
    payload: Value,
    attempts: u32,
    due: DateTime<Utc>,
}

#[derive(Debug, Default)]
struct Book {
    targets: Vec<WebhookTarget>,
    /// Ids of those that our API user has registered.
    own: BTreeSet<String>,
    /// Ids of those that are switched off.
    inactive: BTreeSet<String>,
    queue: Vec<Delivery>,
}

/// Webhooks, their queue, and the switches of their delivery.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    book: Mutex<Book>,
    twice: AtomicBool,
    interval_milliseconds: AtomicU64,
    changed: Notify,
    /// One run at a time, as EspoCRM's job.
    running: tokio::sync::Mutex<()>,
}

impl Webhooks {
    pub(crate) fn add(&self, target: WebhookTarget) {
        let mut book = locked(&self.book);
        book.targets.retain(|known| known.id != target.id);
        book.targets.push(target);
    }

    pub(crate) fn targets(&self) -> Vec<WebhookTarget> {
        locked(&self.book).targets.clone()
    }

    /// Those that our API user has registered, oldest first.
    pub(crate) fn own(&self) -> Vec<OwnWebhook> {
        let book = locked(&self.book);
        let owned = book.targets.iter().filter(|target| book.own.contains(&target.id));
        owned
            .map(|target| OwnWebhook { target: target.clone(), is_active: !book.inactive.contains(&target.id) })
            .collect()
    }

    /// Stores one of them in its place, or as the last.
    pub(crate) fn put_own(&self, own: OwnWebhook) {
        let mut book = locked(&self.book);
        let id = own.target.id.clone();
        book.own.insert(id.clone());
        if own.is_active {
            book.inactive.remove(&id)
        } else {
            book.inactive.insert(id.clone())
        };
        match book.targets.iter_mut().find(|target| target.id == id) {
            Some(target) => *target = own.target,
            None => book.targets.push(own.target),
        }
    }

    /// Removes one, with what waits for it.
    pub(crate) fn remove(&self, id: &str) {
        let mut book = locked(&self.book);
        book.targets.retain(|target| target.id != id);
        book.own.remove(id);
        book.inactive.remove(id);
        book.queue.retain(|delivery| delivery.target_id != id);
    }

    /// Switches one on or off, as an administrator does.
    pub(crate) fn set_active(&self, id: &str, is_active: bool) {
        let mut book = locked(&self.book);
        if is_active {
            book.inactive.remove(id)
        } else {
            book.inactive.insert(id.to_owned())
        };
    }

    pub(crate) fn clear(&self) {
        *locked(&self.book) = Book::default();
    }

    pub(crate) fn set_twice(&self, twice: bool) {
        self.twice.store(twice, Ordering::Relaxed);
    }

    pub(crate) fn set_interval_milliseconds(&self, milliseconds: u64) {
        self.interval_milliseconds.store(milliseconds, Ordering::Relaxed);
        self.changed.notify_one();
    }
}

/// Runs the job at its interval until the simulator stops; interval 0 means on demand only.
pub(crate) async fn run(stage: &Stage) {
    loop {
        let milliseconds = stage.webhooks.interval_milliseconds.load(Ordering::Relaxed);
        let wait = async {
            if milliseconds == 0 {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        };
        tokio::select! {
            () = wait => { deliver(stage).await; }
            () = stage.webhooks.changed.notified() => {}
            () = stage.stop.cancelled() => return,
        }
    }
}

/// Delivers all that is due now.
pub(crate) async fn deliver(stage: &Stage) -> DeliveryReport {
    let _one_at_a_time = stage.webhooks.running.lock().await;
    let mut report = DeliveryReport::default();
    collect(stage);
    let Some(client) = client() else { return report };
    while let Some((target, batch)) = next_batch(stage) {
        let body = espo_json(&Value::Array(batch.iter().map(|delivery| delivery.payload.clone()).collect()));
        let times = if stage.webhooks.twice.load(Ordering::Relaxed) { 2 } else { 1 };
        let mut status = 0;
        for _ in 0..times {
            status = post(&client, &target, body.clone()).await;
        }
        settle(stage, &target, batch, status, &mut report);
    }
    report.waiting = locked(&stage.webhooks.book).queue.len();
    report
}

/// Turns the events of both kinds of authors into deliveries, one per matching webhook.
fn collect(stage: &Stage) {
    let mut world = locked(&stage.world);
    let events = std::mem::take(&mut world.espocrm.events);
    drop(world);
    let now = stage.clock.now();
    let mut book = locked(&stage.webhooks.book);
    let Book { targets, inactive, queue, .. } = &mut *book;
    for event in events {
        let told = |target: &&WebhookTarget| target.event == event.kind && !inactive.contains(&target.id);
        for target in targets.iter().filter(told) {
            if !(target.skip_own && event.by_api_user) {
                let payload = event.payload.clone();
                queue.push(Delivery { target_id: target.id.clone(), payload, attempts: 0, due: now });
            }
        }
    }
}

fn next_batch(stage: &Stage) -> Option<(WebhookTarget, Vec<Delivery>)> {
    let now = stage.clock.now();
    let mut book = locked(&stage.webhooks.book);
    let Book { targets, queue, .. } = &mut *book;
    let first = queue.iter().find(|delivery| delivery.due <= now)?.target_id.clone();
    let mut batch = Vec::new();
    queue.retain(|delivery| {
        let mine = delivery.target_id == first && delivery.due <= now && batch.len() < BATCH_EVENTS;
        if mine {
            batch.push(delivery.clone());
        }
        !mine
    });
    let target = targets.iter().find(|target| target.id == first)?.clone();
    Some((target, batch))
}

fn settle(stage: &Stage, target: &WebhookTarget, batch: Vec<Delivery>, status: u16, report: &mut DeliveryReport) {
    let mut book = locked(&stage.webhooks.book);
    match status {
        200..=399 => report.delivered += batch.len(),
        410 => {
            report.removed += batch.len();
            book.targets.retain(|known| known.id != target.id);
            book.queue.retain(|delivery| delivery.target_id != target.id);
        }
        0 | 401 | 403 | 404 | 405 | 408 | 500 | 503 => {
            for mut delivery in batch {
                delivery.attempts += 1;
                if delivery.attempts >= ATTEMPTS_MOST {
                    report.lost += 1;
                    continue;
                }
                delivery.due = stage.clock.now() + TimeDelta::minutes(RETRY_MINUTES);
                report.postponed += 1;
                book.queue.push(delivery);
            }
        }
        _ => report.lost += batch.len(),
    }
}

/// The answered status; 0 where none came, 408 after a time-out.
async fn post(client: &reqwest::Client, target: &WebhookTarget, body: String) -> u16 {
    let (current, legacy) = signatures(target, body.as_bytes());
    let request = client
        .post(&target.url)
        .header("content-type", "application/json")
        .header("signature", current)
        .header("x-signature", legacy)
        .body(body);
    match request.send().await {
        Ok(response) => response.status().as_u16(),
        Err(error) if error.is_timeout() => 408,
        Err(_) => 0,
    }
}

fn client() -> Option<reqwest::Client> {
    // Whoever installed a provider first wins; the targets are plain HTTP anyway.
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "the simulator's one client; it shares nothing with shared::http")]
    let builder = reqwest::Client::builder();
    builder
        .connect_timeout(Duration::from_secs(CONNECT_SECONDS))
        .timeout(Duration::from_secs(TOTAL_SECONDS))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .ok()
}

/// `Signature` (hex digest) and the older `X-Signature` (raw digest).
fn signatures(target: &WebhookTarget, body: &[u8]) -> (String, String) {
    let digest = Hmac::<Sha256>::new_from_slice(target.secret.as_bytes())
        .map(|mut mac| {
            mac.update(body);
            mac.finalize().into_bytes().to_vec()
        })
        .unwrap_or_default();
    let hex = digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let mut raw = format!("{}:", target.id).into_bytes();
    raw.extend_from_slice(&digest);
    (STANDARD.encode(format!("{}:{hex}", target.id)), STANDARD.encode(raw))
}

/// JSON as PHP writes it: non-ASCII as `\uXXXX`, `/` as `\/`.
fn espo_json(value: &Value) -> String {
    let mut escaped = String::new();
    for letter in value.to_string().chars() {
        if letter == '/' {
            escaped.push_str("\\/");
        } else if letter.is_ascii() {
            escaped.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_escaped_as_php_does() {
        let text = espo_json(&serde_json::json!(["Grün/😀"]));
        assert_eq!(text, r#"["Gr\u00fcn\/\ud83d\ude00"]"#);
    }
}
