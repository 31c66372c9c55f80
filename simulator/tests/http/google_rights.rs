use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use simulator::{Calls, Fault, FaultKind, GoogleRole, Operation};

use crate::google_desk::{Desk, SCOPE, hour, ids, refused};

async fn told(desk: &Desk, assertion: &str) -> (u16, String) {
    let answer = desk.ask_token(assertion).await;
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    (status, body["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_signed_assertion_buys_a_token() {
    let desk = Desk::open().await;
    let answer: Value = desk.ask_token(&desk.signed(&desk.claims())).await.json().await.unwrap();
    assert_eq!((&answer["expires_in"], &answer["token_type"]), (&json!(3599), &json!("Bearer")));
    assert!(answer["access_token"].is_string());
    let mut by_google = desk.claims();
    by_google["aud"] = json!("https://oauth2.googleapis.com/token");
    assert_eq!(desk.ask_token(&desk.signed(&by_google)).await.status(), 200);
    assert!(desk.sim.journal().mutating().is_empty());
    let path = std::env::temp_dir().join(format!("kanzleisync-key-{}.json", std::process::id()));
    desk.sim.google().write_service_account(&path).unwrap();
    let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(file, desk.sim.google().service_account());
    assert_eq!(file["type"], "service_account");
    assert_eq!(file["token_uri"], json!(desk.sim.addresses().google_token_uri));
}

#[tokio::test]
async fn an_assertion_is_checked_in_every_part() {
    let desk = Desk::open().await;
    let now = desk.sim.clock().now().timestamp();
    for (claim, value, status, error) in [
        ("iss", json!("other@simulated.example"), 400, "invalid_grant"),
        ("aud", json!("https://oauth2.example/token"), 400, "invalid_grant"),
        ("scope", json!(""), 400, "invalid_scope"),
        ("scope", json!("https://www.googleapis.com/auth/drive"), 400, "invalid_scope"),
        ("exp", json!(now + 3601), 400, "invalid_grant"),
        ("exp", json!(now - 1), 400, "invalid_grant"),
        ("iat", json!(now + 1000), 400, "invalid_grant"),
        ("sub", json!("kanzlei@gmail.example"), 401, "unauthorized_client"),
    ] {
        let mut claims = desk.claims();
        claims[claim] = value;
        assert_eq!(told(&desk, &desk.signed(&claims)).await, (status, error.to_owned()), "{claim}");
    }
    let mut old = desk.claims();
    old["iat"] = json!(now - 5000);
    old["exp"] = json!(now - 1400);
    assert_eq!(told(&desk, &desk.signed(&old)).await, (400, "invalid_grant".to_owned()));
    let header = json!({ "alg": "HS256" });
    assert_eq!(told(&desk, &desk.signed_with(&header, &desk.claims())).await.0, 400);
    let mut forged = desk.signed(&desk.claims());
    forged.truncate(forged.len() - 6);
    forged.push_str("AAAAAA");
    assert_eq!(told(&desk, &forged).await, (400, "invalid_grant".to_owned()));
    for broken in ["", "a.b.c", "....", "ü"] {
        assert_eq!(told(&desk, broken).await.0, 400, "{broken}");
    }
    let bare = desk.client.post(&desk.sim.addresses().google_token_uri).json(&json!({})).send().await.unwrap();
    assert_eq!(bare.status(), 400);
    desk.sim.google().switch(|switches| switches.refuse_account = true);
    assert_eq!(told(&desk, &desk.signed(&desk.claims())).await, (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn the_simulated_clock_counts_and_the_machines_clock_too() {
    let desk = Desk::open().await;
    let by_the_machine = desk.signed(&desk.claims());
    desk.sim.clock().advance_seconds(100_000);
    let ahead = desk.signed(&desk.claims());
    assert_eq!(desk.ask_token(&by_the_machine).await.status(), 200);
    assert_eq!(desk.ask_token(&ahead).await.status(), 200);
    desk.sim.clock().set_offset_milliseconds(0);
    assert_eq!(desk.ask_token(&ahead).await.status(), 400);
}

#[tokio::test]
async fn tokens_expire_and_are_revoked() {
    let mut desk = Desk::open().await;
    assert_eq!(desk.list(&[]).await.status(), 200);
    desk.sim.clock().advance_seconds(3600);
    assert_eq!(refused(desk.list(&[]).await).await, (401, "authError".to_owned()));
    desk.log_in(SCOPE).await;
    desk.sim.google().revoke_tokens();
    assert_eq!(desk.list(&[]).await.status(), 401);
    desk.log_in(SCOPE).await;
    desk.sim.faults().arm(Fault::new(Calls::to(Operation::GoogleEventList), FaultKind::ExpiredToken));
    assert_eq!(refused(desk.list(&[]).await).await, (401, "authError".to_owned()));
    assert_eq!(desk.list(&[]).await.status(), 401, "it stays worthless");
    // A log-in presents no token that could be worthless.
    desk.sim.faults().arm(Fault::new(Calls::to(Operation::GoogleToken), FaultKind::ExpiredToken));
    desk.log_in(SCOPE).await;
    desk.token.push('x');
    assert_eq!(desk.list(&[]).await.status(), 401);
}

#[tokio::test]
async fn a_token_opens_what_its_scopes_cover() {
    let mut desk = Desk::open().await;
    desk.log_in("https://www.googleapis.com/auth/calendar.events.readonly").await;
    assert_eq!(desk.list(&[]).await.status(), 200);
    let written = desk.insert(hour("aaaaa", "2026-03-02")).await;
    assert_eq!(refused(written).await, (403, "insufficientPermissions".to_owned()));
    let both = "https://www.googleapis.com/auth/calendar.events https://www.googleapis.com/auth/calendar.acls";
    desk.log_in(both).await;
    assert_eq!(desk.insert(hour("aaaaa", "2026-03-02")).await.status(), 200);
    let created = desk.google(Method::POST, "calendars").json(&json!({ "summary": "AW-AI" })).send().await.unwrap();
    assert_eq!(created.status(), 403);
}

#[tokio::test]
async fn the_creator_owns_a_calendar_and_the_39th_is_refused_for_good() {
    let desk = Desk::open().await;
    let create = async |body: Value| desk.google(Method::POST, "calendars").json(&body).send().await.unwrap();
    assert_eq!(refused(create(json!({})).await).await.0, 400);
    assert_eq!(create(json!({ "summary": "x", "timeZone": "Berlin" })).await.status(), 400);
    let body = json!({ "summary": "AW-AI", "timeZone": "Europe/Berlin" });
    let made: Value = create(body).await.json().await.unwrap();
    assert_eq!(made["dataOwner"], json!(desk.sim.credentials().google_client_email));
    assert_eq!((&made["kind"], &made["timeZone"]), (&json!("calendar#calendar"), &json!("Europe/Berlin")));
    let id = made["id"].as_str().unwrap();
    assert!(id.ends_with("@group.calendar.google.com"));
    let path = format!("calendars/{}", id.replace('@', "%40"));
    let got: Value = desk.google(Method::GET, &path).send().await.unwrap().json().await.unwrap();
    assert_eq!(got, made);
    for _ in 0..37 {
        assert_eq!(create(json!({ "summary": "AW" })).await.status(), 200);
    }
    assert_eq!(refused(create(json!({ "summary": "AW" })).await).await, (403, "quotaExceeded".to_owned()));
    desk.sim.google().remove_calendar(id);
    assert_eq!(desk.google(Method::GET, &path).send().await.unwrap().status(), 404);
    assert_eq!(create(json!({ "summary": "AW" })).await.status(), 403, "nothing is given back");
    assert_eq!(desk.sim.google().calendar_creations(), 38);
    desk.sim.google().switch(|switches| switches.calendar_creations_most = 39);
    assert_eq!(create(json!({ "summary": "AW" })).await.status(), 200);
}

#[tokio::test]
async fn a_list_of_calendars_has_pages_and_not_what_others_share() {
    let desk = Desk::open().await;
    let google = desk.sim.google();
    let shared = google.share_calendar("AW-AI", "Europe/Berlin", GoogleRole::Writer);
    for number in 0..4 {
        google.seed_calendar(&format!("AW-{number}"), "Europe/Berlin");
    }
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    let mut pages = 0;
    loop {
        let mut query = vec![("maxResults", "2".to_owned())];
        query.extend(token.clone().map(|token| ("pageToken", token)));
        let call = desk.google(Method::GET, "users/me/calendarList").query(&query).timeout(Duration::from_secs(5));
        let page: Value = call.send().await.unwrap().json().await.unwrap();
        pages += 1;
        found.extend(ids(&page).into_iter().map(str::to_owned));
        assert!(page["items"].as_array().unwrap().iter().all(|entry| entry["accessRole"] == "owner"));
        assert_ne!(page["nextPageToken"].is_string(), page["nextSyncToken"].is_string());
        token = page["nextPageToken"].as_str().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!((pages, found.len()), (3, 5));
    assert!(!found.contains(&shared));
    let path = format!("calendars/{}/events", shared.replace('@', "%40"));
    assert_eq!(desk.google(Method::GET, &path).send().await.unwrap().status(), 200, "but it opens by its id");
    let body = json!({ "id": shared });
    assert_eq!(desk.google(Method::POST, "users/me/calendarList").json(&body).send().await.unwrap().status(), 200);
    let list: Value = desk.google(Method::GET, "users/me/calendarList").send().await.unwrap().json().await.unwrap();
    assert!(ids(&list).contains(&shared.as_str()));
}

#[tokio::test]
async fn sharing_makes_a_rule_per_grantee_and_ends_sync_tokens() {
    let desk = Desk::open().await;
    let path = format!("calendars/{}/acl", desk.calendar);
    let share = async |role: &str| {
        let body = json!({ "role": role, "scope": { "type": "user", "value": "Kanzlei@gmail.example" } });
        desk.google(Method::POST, &path).query(&[("sendNotifications", "false")]).json(&body).send().await.unwrap()
    };
    let sync = desk.listed(&[]).await["nextSyncToken"].as_str().unwrap().to_owned();
    let rule: Value = share("writer").await.json().await.unwrap();
    assert_eq!((&rule["id"], &rule["role"]), (&json!("user:kanzlei@gmail.example"), &json!("writer")));
    assert_eq!(refused(desk.list(&[("syncToken", &sync)]).await).await, (410, "fullSyncRequired".to_owned()));
    assert_eq!(share("owner").await.status(), 200);
    let list: Value = desk.google(Method::GET, &path).send().await.unwrap().json().await.unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "with the data owner's own");
    assert_eq!(json!(desk.sim.google().rules(&desk.calendar)), list["items"]);
    assert_eq!(share("boss").await.status(), 400);
    let me = &desk.sim.credentials().google_client_email;
    let body = json!({ "role": "reader", "scope": { "type": "user", "value": me } });
    assert_eq!(desk.google(Method::POST, &path).json(&body).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_shared_calendar_allows_what_its_role_does() {
    let mut desk = Desk::open().await;
    desk.calendar = desk.sim.google().share_calendar("Kanzlei", "Europe/Berlin", GoogleRole::Writer);
    assert_eq!(desk.insert(hour("aaaaa", "2026-03-02")).await.status(), 200);
    let acl = format!("calendars/{}/acl", desk.calendar);
    let rule = json!({ "role": "owner", "scope": { "type": "user", "value": "a@example.org" } });
    assert_eq!(desk.google(Method::POST, &acl).json(&rule).send().await.unwrap().status(), 403);
    desk.sim.google().set_access(&desk.calendar, GoogleRole::Reader);
    assert_eq!(desk.get("aaaaa").await.status(), 200);
    let written = desk.patch("aaaaa", json!({ "summary": "x" })).await;
    assert_eq!(refused(written).await, (403, "requiredAccessLevel".to_owned()));
    desk.sim.google().set_access(&desk.calendar, GoogleRole::None);
    assert_eq!(refused(desk.get("aaaaa").await).await, (404, "notFound".to_owned()));
    desk.calendar = "unknown@group.calendar.google.com".to_owned();
    assert_eq!(refused(desk.list(&[]).await).await, (404, "notFound".to_owned()));
}
