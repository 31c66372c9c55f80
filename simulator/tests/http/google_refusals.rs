use reqwest::Method;
use serde_json::{Value, json};
use simulator::{Calls, Fault, FaultKind, GoogleReason, Operation, Outage, System};

use crate::google_desk::{Desk, hour, refused};

#[tokio::test]
async fn google_refuses_in_its_own_words() {
    for (reason, status, word) in [
        (GoogleReason::RateLimitExceeded, 403, "rateLimitExceeded"),
        (GoogleReason::UserRateLimitExceeded, 403, "userRateLimitExceeded"),
        (GoogleReason::TooManyRequests, 429, "rateLimitExceeded"),
        (GoogleReason::QuotaExceeded, 403, "quotaExceeded"),
        (GoogleReason::BackendError, 500, "backendError"),
        (GoogleReason::AuthError, 401, "authError"),
        (GoogleReason::FullSyncRequired, 410, "fullSyncRequired"),
    ] {
        let desk = Desk::open().await;
        desk.sim.faults().arm(Fault::new(Calls::of(System::Google), FaultKind::google(reason)));
        let answer = desk.insert(hour("aaaaa", "2026-03-02")).await;
        assert_eq!(refused(answer).await, (status, word.to_owned()));
        assert!(desk.sim.google().all_events(&desk.calendar).is_empty());
        assert_eq!(desk.insert(hour("aaaaa", "2026-03-02")).await.status(), 200);
        let faults: Vec<_> = desk.sim.journal().entries().into_iter().map(|entry| entry.fault).collect();
        assert_eq!(faults, [Some("google"), None]);
    }
}

#[tokio::test]
async fn a_500_may_have_applied_the_insert() {
    let desk = Desk::open().await;
    let kind = FaultKind::Google { reason: GoogleReason::BackendError, retry_after_seconds: Some(3), applied: true };
    for (id, kind) in [("aaaaa", kind), ("bbbbb", FaultKind::AppliedThenStatus { code: 500 })] {
        desk.sim.faults().arm(Fault::new(Calls::to(Operation::GoogleEventInsert), kind));
        let answer = desk.insert(hour(id, "2026-03-02")).await;
        assert_eq!(refused(answer).await, (500, "backendError".to_owned()));
        assert!(desk.sim.journal().entries().pop().unwrap().applied);
        let again = desk.insert(hour(id, "2026-03-02")).await;
        assert_eq!(refused(again).await, (409, "duplicate".to_owned()));
    }
    let plain = Fault::new(Calls::of(System::Google), FaultKind::status(503));
    desk.sim.faults().arm(plain);
    assert_eq!(refused(desk.list(&[]).await).await, (503, "backendError".to_owned()));
}

#[tokio::test]
async fn faults_are_armed_by_name_and_by_event() {
    let desk = Desk::open().await;
    desk.inserted(hour("aaaaa", "2026-03-02")).await;
    desk.inserted(hour("bbbbb", "2026-03-02")).await;
    let fault = json!({
        "calls": { "operation": "google.get_event", "key": "bbbbb" }, "kind": "google", "reason": "too_many_requests",
        "retry_after_seconds": 7,
    });
    let url = format!("{}faults", desk.sim.addresses().control_url);
    assert_eq!(desk.client.post(url).json(&fault).send().await.unwrap().status(), 201);
    assert_eq!(desk.get("aaaaa").await.status(), 200);
    let hit = desk.get("bbbbb").await;
    assert_eq!((hit.status().as_u16(), hit.headers()["retry-after"].to_str().unwrap()), (429, "7"));
}

#[tokio::test]
async fn a_minute_holds_so_many_units_and_a_patch_costs_three() {
    let desk = Desk::open().await;
    desk.inserted(hour("aaaaa", "2026-03-02")).await;
    desk.sim.google().switch(|switches| switches.units_per_minute = Some(5));
    desk.patched("aaaaa", json!({ "summary": "x" })).await;
    assert_eq!(desk.get("aaaaa").await.status(), 200);
    let dear = desk.patch("aaaaa", json!({ "summary": "y" })).await;
    assert_eq!(refused(dear).await, (403, "userRateLimitExceeded".to_owned()));
    assert_eq!(desk.get("aaaaa").await.status(), 200, "what was refused cost nothing");
    desk.sim.google().switch(|switches| switches.quota_is_429 = true);
    assert_eq!(refused(desk.get("aaaaa").await).await, (429, "rateLimitExceeded".to_owned()));
    desk.sim.clock().advance_seconds(61);
    assert_eq!(desk.patch("aaaaa", json!({ "summary": "y" })).await.status(), 200);
}

#[tokio::test]
async fn fast_writes_into_one_calendar_are_throttled_besides() {
    let mut desk = Desk::open().await;
    desk.sim.google().switch(|switches| switches.calendar_writes_per_minute = Some(1));
    desk.inserted(hour("aaaaa", "2026-03-02")).await;
    assert_eq!(refused(desk.delete("aaaaa").await).await, (403, "rateLimitExceeded".to_owned()));
    assert_eq!(desk.list(&[]).await.status(), 200);
    desk.calendar = desk.sim.google().seed_calendar("AW-AI", "Europe/Berlin");
    assert_eq!(desk.insert(hour("aaaaa", "2026-03-02")).await.status(), 200);
}

#[tokio::test]
async fn an_outage_of_google_is_googles_alone() {
    let desk = Desk::open().await;
    desk.sim.google().switch(|switches| switches.outage = Outage::ServiceUnavailable);
    assert_eq!(refused(desk.list(&[]).await).await, (503, "backendError".to_owned()));
    desk.sim.google().switch(|switches| switches.outage = Outage::Cut);
    assert!(desk.events(Method::GET, "").send().await.is_err());
    let espo = format!("{}/CBeteiligte", desk.sim.addresses().espocrm_api_base_url);
    let key = &desk.sim.credentials().espocrm_api_key;
    assert_eq!(desk.client.get(espo).header("x-api-key", key).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn google_is_reachable_over_the_control_interface() {
    let desk = Desk::open().await;
    let send = async |method: Method, path: &str, body: Value| {
        let call = desk.client.request(method, format!("{}{path}", desk.sim.addresses().control_url));
        let answer = call.json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json::<Value>().await.unwrap_or_default()
    };
    let calendar = json!({ "summary": "Kanzlei", "zone": "Europe/Berlin", "shared_as": "writer" });
    let calendar = send(Method::POST, "seed/google_calendar", calendar).await["calendar_id"].clone();
    let event = json!({ "calendar_id": calendar, "event": hour("aaaaa", "2026-03-02") });
    assert_eq!(send(Method::POST, "seed/google_event", event).await["event_id"], "aaaaa");
    let edit = json!({ "edit": "google_delete", "calendar_id": calendar, "event_id": "aaaaa" });
    assert_eq!(send(Method::POST, "edits", edit).await["event_id"], "aaaaa");
    let path = format!("state/google/{}", calendar.as_str().unwrap());
    assert_eq!(send(Method::GET, &path, json!({})).await[0]["status"], "cancelled");
    assert_eq!(send(Method::GET, "state/google", json!({})).await.as_array().unwrap().len(), 2);
    send(Method::PATCH, "switches/google", json!({ "bare_tombstones": false })).await;
    assert!(!desk.sim.google().switches().bare_tombstones);
    send(Method::DELETE, "google/sync_tokens", json!({})).await;
    assert_eq!(send(Method::GET, "google/service_account", json!({})).await, desk.sim.google().service_account());
}
