use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use simulator::{Edit, WebhookEvent, WebhookTarget};

use crate::office::{ID, Office};

#[derive(Default)]
struct Inbox {
    received: Vec<(HeaderMap, String)>,
    answers: Vec<u16>,
}

type Shared = Arc<Mutex<Inbox>>;

async fn receive(State(inbox): State<Shared>, headers: HeaderMap, body: String) -> StatusCode {
    let mut inbox = inbox.lock().unwrap();
    inbox.received.push((headers, body));
    StatusCode::from_u16(inbox.answers.pop().unwrap_or(200)).unwrap()
}

async fn listen(office: &Office) -> Shared {
    let inbox = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/update", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(receive).with_state(Arc::clone(&inbox));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let target =
        WebhookTarget { id: "hook".into(), secret: "s3".into(), event: WebhookEvent::Update, url, skip_own: false };
    office.sim.webhooks().add(target);
    inbox
}

fn rename(office: &Office, name: &str) {
    let fields = json!({ "lastName": name }).as_object().unwrap().clone();
    office.sim.edit(&Edit::EspoSet { id: ID.into(), fields }).unwrap();
}

#[tokio::test]
async fn deliveries_are_signed_arrays() {
    let office = Office::open().await;
    let inbox = listen(&office).await;
    rename(&office, "Grün");
    assert_eq!(office.sim.webhooks().deliver().await.delivered, 1);
    let (headers, body) = inbox.lock().unwrap().received.pop().unwrap();
    assert!(body.contains("Gr\\u00fcn"));
    let events: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&events[0]["id"], &events[0]["lastName"], &events[0]["syncStatus"]),
        (&json!(ID), &json!("Grün"), &json!("dirty"))
    );
    assert!(events[0].get("modifiedAt").is_none());
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"s3").unwrap();
    mac.update(body.as_bytes());
    let digest = mac.finalize().into_bytes();
    let hex = digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    assert_eq!(headers["signature"].to_str().unwrap(), STANDARD.encode(format!("hook:{hex}")));
    let raw = [b"hook:".as_slice(), &digest].concat();
    assert_eq!(headers["x-signature"].to_str().unwrap(), STANDARD.encode(raw));
}

#[tokio::test]
async fn some_codes_are_retried_the_others_lose_the_event() {
    let office = Office::open().await;
    let inbox = listen(&office).await;
    inbox.lock().unwrap().answers = vec![503; 4];
    rename(&office, "A");
    for attempt in 1..=4 {
        let report = office.sim.webhooks().deliver().await;
        assert_eq!((report.postponed, report.lost), if attempt < 4 { (1, 0) } else { (0, 1) });
        assert_eq!(office.sim.webhooks().deliver().await.waiting, report.waiting);
        office.sim.clock().advance_seconds(601);
    }
    assert_eq!(inbox.lock().unwrap().received.len(), 4);
    inbox.lock().unwrap().answers = vec![429];
    rename(&office, "B");
    assert_eq!(office.sim.webhooks().deliver().await.lost, 1);
    inbox.lock().unwrap().answers = vec![410];
    rename(&office, "C");
    assert_eq!(office.sim.webhooks().deliver().await.removed, 1);
    assert!(office.sim.webhooks().targets().is_empty());
}

#[tokio::test]
async fn the_job_runs_by_itself_and_may_send_twice() {
    let office = Office::open().await;
    let inbox = listen(&office).await;
    office.sim.webhooks().set_twice(true);
    office.sim.webhooks().set_interval_milliseconds(10);
    rename(&office, "A");
    for _ in 0..200 {
        if inbox.lock().unwrap().received.len() >= 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let received = inbox.lock().unwrap().received.iter().map(|(_, body)| body.clone()).collect::<Vec<_>>();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0], received[1]);
}

#[tokio::test]
async fn our_own_writes_echo_unless_skipped() {
    let office = Office::open().await;
    let inbox = listen(&office).await;
    office.put(json!({ "lastName": "Von uns" })).await;
    assert_eq!(office.sim.webhooks().deliver().await.delivered, 1);
    let (_, body) = inbox.lock().unwrap().received.pop().unwrap();
    assert!(body.contains("modifiedById"), "{body}");
    let mut target = office.sim.webhooks().targets().pop().unwrap();
    target.skip_own = true;
    office.sim.webhooks().add(target);
    office.put(json!({ "lastName": "Noch einmal" })).await;
    assert_eq!(office.sim.webhooks().deliver().await.delivered, 0);
}
