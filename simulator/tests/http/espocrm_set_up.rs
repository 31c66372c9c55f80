//! What EspoCRM tells of itself, and webhooks over REST.

use reqwest::Method;
use serde_json::{Value, json};
use simulator::{Edit, EspoLevel};

use crate::office::{ID, Office, reason};

async fn read(office: &Office, path: &str) -> Value {
    let answer = office.espo(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

async fn post(office: &Office, body: Value) -> reqwest::Response {
    office.espo(Method::POST, "Webhook").json(&body).send().await.unwrap()
}

#[tokio::test]
async fn metadata_and_rights_are_told_as_they_are_switched() {
    let office = Office::open().await;
    let defs = read(&office, "Metadata?key=entityDefs.CBeteiligte").await;
    assert_eq!(defs["optimisticConcurrencyControl"], true);
    assert_eq!(defs["fields"]["syncStatus"]["type"], "enum");
    assert_eq!(defs["fields"]["kommunikationHash"], json!({"type": "varchar", "maxLength": 16}));
    assert_eq!(read(&office, "Metadata?key=entityDefs.Nothing").await, Value::Null);
    let user = read(&office, "App/user").await;
    assert_eq!(user["acl"]["table"]["CBeteiligte"]["edit"], "all");
    assert_eq!(user["settings"]["phoneNumberInternational"], true);

    office.sim.espocrm().switch(|switches| {
        switches.optimistic_concurrency = false;
        switches.missing_fields.insert("betnr".into());
        switches.field_definitions.insert("syncStatus".into(), json!({"type": "text"}).as_object().unwrap().clone());
        switches.rights.edit = EspoLevel::No;
    });
    let defs = read(&office, "Metadata?key=entityDefs.CBeteiligte").await;
    assert_eq!(
        (&defs["optimisticConcurrencyControl"], &defs["fields"]["syncStatus"]["type"]),
        (&json!(false), &json!("text"))
    );
    assert!(
        defs["fields"].get("betnr").is_none() && office.record().await.get("betnr").is_none(),
        "a missing field is nowhere"
    );
    let refused =
        office.espo(Method::PUT, &format!("CBeteiligte/{ID}")).json(&json!({"lastName": "B"})).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), reason(&refused)), (403, "No edit access.".to_owned()));
    let unknown = office.espo(Method::GET, "CBeteiligte?orderBy=betnr").send().await.unwrap();
    assert_eq!(unknown.status(), 400);
}

#[tokio::test]
async fn an_api_user_has_webhooks_of_their_own() {
    let office = Office::open().await;
    let url = "https://sync.example.org/vmh/webhook/beteiligte/update";
    let made = post(&office, json!({"event": "CBeteiligte.update", "url": url, "skipOwn": true})).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    let id = made["id"].as_str().unwrap();
    assert!(made["secretKey"].as_str().unwrap().len() > 16 && made["isActive"] == true);
    assert_eq!(read(&office, "Webhook").await["list"], json!([made]));
    assert_eq!(read(&office, &format!("Webhook/{id}")).await["secretKey"], made["secretKey"]);

    for (body, reason_told) in [
        (json!({"event": "Contact.update", "url": url}), "Entity type is not available for Webhooks."),
        (json!({"event": "CBeteiligte.read", "url": url}), "Not supported event."),
    ] {
        let refused = post(&office, body).await;
        assert_eq!((refused.status().as_u16(), reason(&refused)), (403, reason_told.to_owned()));
    }
    assert_eq!(post(&office, json!({"event": "CBeteiligte.update", "url": "nowhere"})).await.status(), 400);
    office.sim.espocrm().switch(|switches| switches.internal_webhooks_refused = true);
    assert_eq!(post(&office, json!({"event": "CBeteiligte.update", "url": "http://127.0.0.1:9/"})).await.status(), 400);

    let path = format!("Webhook/{id}");
    let changed = office.espo(Method::PUT, &path).json(&json!({"isActive": false, "event": "x"})).send().await.unwrap();
    let changed: Value = changed.json().await.unwrap();
    assert_eq!((&changed["isActive"], &changed["event"]), (&json!(false), &json!("CBeteiligte.update")));
    let fields = json!({"lastName": "B"}).as_object().unwrap().clone();
    office.sim.edit(&Edit::EspoSet { id: ID.into(), fields }).unwrap();
    let report = office.sim.webhooks().deliver().await;
    assert_eq!(report.delivered + report.postponed + report.lost, 0, "one that is off tells nothing: {report:?}");

    assert_eq!(office.espo(Method::DELETE, &path).send().await.unwrap().status(), 200);
    assert_eq!(office.espo(Method::DELETE, &path).send().await.unwrap().status(), 404);
    office.sim.espocrm().switch(|switches| switches.rights.webhooks = false);
    assert_eq!(office.espo(Method::GET, "Webhook").send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn every_answer_tells_the_simulated_time() {
    let office = Office::open().await;
    office.sim.clock().advance_seconds(3600);
    let answer = office.espo(Method::GET, &format!("CBeteiligte/{ID}")).send().await.unwrap();
    let date = answer.headers()["date"].to_str().unwrap();
    let told = chrono::NaiveDateTime::parse_from_str(date, "%a, %d %b %Y %H:%M:%S GMT").unwrap().and_utc();
    assert!((office.sim.clock().now() - told).num_seconds().abs() <= 2, "{date}");
}
