use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value, json};
use simulator::{Calls, Edit, Moment, Operation};

use crate::office::{BETNR, ID, Office};

fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn status(office: &Office) -> Value {
    office.sim.espocrm().record(ID).unwrap()["syncStatus"].clone()
}

#[tokio::test]
async fn a_users_edit_makes_a_record_dirty_and_ours_does_not() {
    let office = Office::open().await;
    office.put(json!({ "syncStatus": "clean", "lastName": "Von uns" })).await;
    assert_eq!(status(&office), "clean");
    office.sim.edit(&Edit::EspoSet { id: ID.into(), fields: fields(&json!({ "description": "x" })) }).unwrap();
    assert_eq!(status(&office), "clean");
    office.sim.edit(&Edit::EspoAddMail { id: ID.into(), address: "neu@quast.example".into() }).unwrap();
    assert_eq!(status(&office), "dirty");
    let made = office.sim.edit(&Edit::EspoCreate { fields: fields(&json!({ "lastName": "Neu" })) }).unwrap();
    assert_eq!(office.sim.espocrm().record(&made.espo_id.unwrap()).unwrap()["syncStatus"], "pending_sync");
    office.sim.espocrm().switch(|switches| switches.extension = false);
    office.put(json!({ "syncStatus": "clean" })).await;
    office.sim.edit(&Edit::EspoSet { id: ID.into(), fields: fields(&json!({ "lastName": "Y" })) }).unwrap();
    assert_eq!(status(&office), "clean");
}

#[tokio::test]
async fn espo_edits_change_the_arrays() {
    let office = Office::open().await;
    let id = ID.to_owned();
    office.sim.edit(&Edit::EspoAddMail { id: id.clone(), address: "b@quast.example".into() }).unwrap();
    office.sim.edit(&Edit::EspoMakePrimary { id: id.clone(), value: "B@quast.example".into() }).unwrap();
    assert_eq!(office.record().await["emailAddress"], "b@quast.example");
    assert_eq!(office.sim.espocrm().mails(ID)[1]["optOut"], true);
    let to = "+493023125001".to_owned();
    office.sim.edit(&Edit::EspoReplace { id: id.clone(), from: "+4915228817386".into(), to: to.clone() }).unwrap();
    assert_eq!(office.record().await["phoneNumber"], json!(to));
    office.sim.edit(&Edit::EspoRemove { id: id.clone(), value: to.clone() }).unwrap();
    assert!(office.sim.espocrm().phones(ID).is_empty());
    assert!(office.sim.edit(&Edit::EspoRemove { id: id.clone(), value: to }).is_err());
    office.sim.edit(&Edit::EspoDelete { id }).unwrap();
    assert!(office.sim.espocrm().record(ID).is_none());
}

#[tokio::test]
async fn advoware_edits_move_the_right_tokens() {
    let office = Office::open().await;
    let record_token = office.sim.advoware().row_id(BETNR);
    let komm_id = office.komm_ids[0];
    let before = office.sim.advoware().rows(BETNR)[0].clone();
    let change =
        Edit::AdvowareChange { betnr: BETNR, komm_id, tlf: Some(String::new()), bemerkung: None, online: None };
    office.sim.edit(&change).unwrap();
    let after = office.sim.advoware().rows(BETNR)[0].clone();
    assert_eq!((after.tlf.as_str(), after.row_id != before.row_id), ("", true));
    office.sim.edit(&Edit::AdvowareRemove { betnr: BETNR, komm_id }).unwrap();
    assert_eq!(office.sim.advoware().rows(BETNR).len(), 1);
    assert_eq!(office.sim.advoware().row_id(BETNR), record_token);
    office.sim.edit(&Edit::AdvowareSet { betnr: BETNR, fields: fields(&json!({ "name": "Anders" })) }).unwrap();
    assert_ne!(office.sim.advoware().row_id(BETNR), record_token);
    assert_eq!(office.beteiligter().await["kurzname"], "Q");
    office.sim.edit(&Edit::AdvowareDelete { betnr: BETNR }).unwrap();
    assert_eq!(office.advoware(Method::GET, &format!("Beteiligte/{BETNR}")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn edits_run_between_two_calls() {
    let office = Office::open().await;
    let set = |name: &str| Edit::EspoSet { id: ID.into(), fields: fields(&json!({ "lastName": name })) };
    office.sim.edit_at(Moment::after(Calls::any().nth(2)), set("Nachher"));
    office.sim.edit_at(Moment::before(Calls::to(Operation::EspoGet).nth(4)), set("Vorher"));
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(office.record().await["lastName"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["Quellhafer", "Quellhafer", "Nachher", "Vorher"]);
    assert!(office.sim.scheduled_outcomes().iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_pause_holds_a_call() {
    let office = Office::open().await;
    let pause = office.sim.pause_at(Moment::after(Calls::to(Operation::EspoPut)));
    let held = office.espo(Method::PUT, &format!("CBeteiligte/{ID}")).json(&json!({ "lastName": "Neu" })).send();
    let held = tokio::spawn(held);
    pause.reached().await;
    assert_eq!(office.sim.espocrm().record(ID).unwrap()["lastName"], "Neu");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!held.is_finished());
    pause.release();
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn the_journal_tells_what_was_asked() {
    let office = Office::open().await;
    office.beteiligter().await;
    let mark = office.sim.journal().last_sequence();
    office.put_row(office.komm_ids[1], json!({ "tlf": "x" })).await;
    let entries = office.sim.journal().since(mark);
    assert_eq!(entries.len(), 1);
    let told = serde_json::to_value(&entries[0]).unwrap();
    assert_eq!(told["operation"], "advoware.put_kommunikation");
    assert_eq!(told["keys"], json!([BETNR.to_string(), office.komm_ids[1].to_string()]));
    assert_eq!((&told["mutating"], &told["status"], &told["applied"]), (&json!(true), &json!(200), &json!(true)));
    assert_eq!(office.sim.journal().mutating().len(), 1);
    assert_eq!(office.sim.journal().count(Operation::GetBeteiligte), 1);
    office.sim.journal().clear();
    assert!(office.sim.journal().entries().is_empty());
}

#[tokio::test]
async fn everything_is_reachable_over_http() {
    let office = Office::open().await;
    let control = |method: Method, path: &str| {
        office.client.request(method, format!("{}{path}", office.sim.addresses().control_url))
    };
    let send = async |method: Method, path: &str, body: Value| {
        let answer = control(method, path).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json::<Value>().await.unwrap_or_default()
    };
    assert_eq!(send(Method::POST, "seed/firm", json!({ "seed": 3, "size": 20 })).await["beteiligte"], 20);
    let add = json!({ "edit": "advoware_add", "betnr": BETNR, "komm_kz": 1, "tlf": "030 23125001" });
    assert!(send(Method::POST, "edits", add.clone()).await["komm_id"].is_i64());
    let fault = json!({ "calls": { "operation": "espocrm.get", "times": 2 }, "kind": "status", "code": 500 });
    send(Method::POST, "faults", fault).await;
    assert_eq!(office.espo(Method::GET, &format!("CBeteiligte/{ID}")).send().await.unwrap().status(), 500);
    assert_eq!(send(Method::GET, "faults", json!({})).await[0]["kind"], "status");
    send(Method::DELETE, "faults", json!({})).await;
    send(Method::POST, "schedule", json!({ "moment": { "edge": "after" }, "edit": add })).await;
    office.record().await;
    assert!(send(Method::GET, "schedule", json!({})).await[0]["done"].is_object());
    assert_eq!(send(Method::GET, "journal?since=0", json!({})).await.as_array().unwrap().len(), 2);
    send(Method::PATCH, "switches/espocrm", json!({ "stream": false })).await;
    assert!(!office.sim.espocrm().switches().stream);
    let typo = control(Method::PATCH, "switches/advoware").json(&json!({ "steam": 1 })).send().await.unwrap();
    assert_eq!(typo.status(), 400);
    send(Method::PATCH, "switches/advoware", json!({ "outage": "cut" })).await;
    send(Method::PUT, "latency", json!({ "espocrm_milliseconds": 1 })).await;
    send(Method::PUT, "clock", json!({ "offset_milliseconds": 5 })).await;
    assert_eq!(send(Method::GET, &format!("state/espocrm/{ID}"), json!({})).await["id"], ID);
    assert_eq!(send(Method::GET, &format!("state/advoware/{BETNR}"), json!({})).await["betNr"], BETNR);
    let script = send(Method::POST, "script", json!({ "seed": 1, "length": 3 })).await;
    assert!(send(Method::POST, "script/apply", script[0].clone()).await["betnr"].is_i64());
    assert!(send(Method::GET, "about", json!({})).await["credentials"]["espocrm_api_key"].is_string());
}

/// Every line that is shown for copying is sent as it stands.
#[tokio::test]
async fn what_the_control_shows_for_copying_works() {
    let office = Office::open().await;
    let control = &office.sim.addresses().control_url;
    let shown = office.client.get(control).send().await.unwrap().text().await.unwrap();
    let examples: Vec<&str> = shown.lines().filter_map(|line| line.trim().strip_prefix("curl ")).collect();
    assert_eq!(examples.len(), 10, "{shown}");
    let frnr = office.sim.advoware().seed_termin(json!({ "datum": "2026-12-01" }));
    for example in examples {
        let path = example.split_once("${C}").unwrap().1.split_whitespace().next().unwrap();
        let body = example.split_once("-d '").and_then(|(_, rest)| rest.split('\'').next());
        let method = match (example.contains("-X PUT"), body) {
            (true, _) => Method::PUT,
            (false, Some(_)) => Method::POST,
            (false, None) => Method::GET,
        };
        let mut request = office.client.request(method, format!("{control}{path}"));
        if let Some(body) = body {
            let body =
                body.replace("<betnr>", &BETNR.to_string()).replace("<id>", ID).replace("<frnr>", &frnr.to_string());
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{example}: {} {}", answer.status(), answer.text().await.unwrap());
    }
    let record = office.sim.espocrm().record(ID).unwrap();
    assert_eq!((&record["betnr"], &record["lastName"]), (&json!(99_999_999), &json!("Neuer Name")));
    assert!(office.sim.advoware().termin(frnr).is_none());
    let told = office.client.get(format!("{control}faults")).send().await.unwrap().text().await.unwrap();
    assert!(told.contains("malformed_body") && told.contains("503"), "{told}");
}
