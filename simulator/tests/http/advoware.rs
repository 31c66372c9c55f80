use reqwest::Method;
use serde_json::{Value, json};
use simulator::{DateShape, NumberSpelling};

use crate::office::{BETNR, Office};

const NONCES: [&str; 8] = [
    "11111111-d9cb-469f-a165-70867728950e",
    "22222222-d9cb-469f-a165-70867728950e",
    "33333333-d9cb-469f-a165-70867728950e",
    "44444444-d9cb-469f-a165-70867728950e",
    "55555555-d9cb-469f-a165-70867728950e",
    "66666666-d9cb-469f-a165-70867728950e",
    "77777777-d9cb-469f-a165-70867728950e",
    "88888888-d9cb-469f-a165-70867728950e",
];

#[tokio::test]
async fn the_configurator_tells_the_addresses() {
    let office = Office::open().await;
    let url = format!("{}api/Url?Kanzlei=", office.sim.addresses().advoware_configurator_url);
    let known = office.client.get(format!("{url}Musterkanzlei")).send().await.unwrap();
    let body: Value = known.json().await.unwrap();
    assert_eq!(body["connectorUrl"], json!(office.sim.addresses().advoware_api_base_url));
    assert_eq!(body["securityGateway"], json!(office.sim.addresses().advoware_auth_url));
    assert_eq!(office.client.get(format!("{url}Andere")).send().await.unwrap().status(), 404);
    office.sim.advoware().switch(|switches| switches.connector_url_told = false);
    let relayed: Value = office.client.get(format!("{url}Musterkanzlei")).send().await.unwrap().json().await.unwrap();
    assert_eq!(relayed["connectorUrl"], Value::Null);
}

#[tokio::test]
async fn the_gateway_names_its_refusals() {
    let office = Office::open().await;
    let wrong = [
        ("Password", json!("x"), 401, "Falscher Name oder falsches Kennwort"),
        ("User", json!("x"), 401, "Falscher Name oder falsches Kennwort"),
        ("Kanzlei", json!("x"), 401, "ist nicht registriert"),
        ("Database", json!("x"), 401, "ist nicht angemeldet"),
        ("Role", json!(1), 401, "freigeschaltet"),
        ("Nonce", json!("X"), 400, "Invalid Nonce"),
        ("HMAC512Signature", json!("x"), 400, "Invalid signature"),
        ("RequestTimeStamp", json!("2021-01-29T14:04:26.7955547Z"), 400, "expired"),
    ];
    for ((field, value, status, text), nonce) in wrong.into_iter().zip(NONCES) {
        let mut request = office.token_request(nonce);
        request[field] = value;
        let answer = office.ask_token(&request).await;
        assert_eq!(answer.status(), status, "{field}");
        assert!(answer.text().await.unwrap().contains(text), "{field}");
    }
    let mut lower = office.token_request("99999999-d9cb-469f-a165-70867728950e");
    let app = lower.as_object_mut().unwrap().remove("AppID").unwrap();
    lower["appId"] = app;
    assert_eq!(office.ask_token(&lower).await.status(), 400);
}

#[tokio::test]
async fn a_nonce_serves_once_and_a_token_until_it_expires() {
    let office = Office::open().await;
    let request = office.token_request(NONCES[0]);
    let answer: Value = office.ask_token(&request).await.json().await.unwrap();
    assert_eq!(answer["expires_in"], 3300);
    assert!(answer["expiration_utc"].as_str().unwrap().contains('.'));
    assert_eq!(office.ask_token(&request).await.status(), 400);
    office.beteiligter().await;
    office.sim.clock().advance_seconds(3301);
    let expired = office.advoware(Method::GET, &format!("Beteiligte/{BETNR}")).send().await.unwrap();
    assert_eq!(expired.status(), 401);
    // A client on the machine's clock still gets its next token.
    let mut late = office.token_request(NONCES[1]);
    assert_eq!(office.ask_token(&late).await.status(), 200);
    office.sim.clock().set_offset_milliseconds(0);
    late = office.token_request(NONCES[2]);
    office.sim.clock().set_offset_milliseconds(3_301_000);
    assert_eq!(office.ask_token(&late).await.status(), 200);
}

#[tokio::test]
async fn a_row_change_moves_its_own_token_only() {
    let office = Office::open().await;
    let before = office.beteiligter().await;
    let same = json!({ "tlf": "0152/28817386", "bemerkung": "", "online": false, "kommKz": 7 });
    let answer: Value = office.put_row(office.komm_ids[0], same).await.json().await.unwrap();
    let after = office.beteiligter().await;
    assert_eq!(before["rowId"], after["rowId"]);
    assert_eq!(before["rowId"].as_str().unwrap().len(), 40);
    assert_ne!(before["kommunikation"][0]["rowId"], after["kommunikation"][0]["rowId"]);
    assert_eq!(answer["rowId"], after["kommunikation"][0]["rowId"]);
    assert_eq!(after["kommunikation"][0]["bemerkung"], Value::Null);
    assert_eq!(after["kommunikation"][0]["kommKz"], 0);
    assert_eq!(office.sim.advoware().rows(BETNR)[0].komm_kz, 3);
    assert_eq!(after["mobil"], "0152/28817386");
    office.sim.advoware().switch(|switches| switches.komm_kz_shown = true);
    assert_eq!(office.beteiligter().await["kommunikation"][0]["kommKz"], 3);
}

#[tokio::test]
async fn a_put_replaces_and_ignores_kommunikation() {
    let office = Office::open().await;
    let path = format!("Beteiligte/{BETNR}");
    let before = office.beteiligter().await;
    assert_eq!(before["kurzname"], "Q");
    let body = json!({ "name": "Moosflink", "farbe": "grün", "kommunikation": [], "rowId": "X" });
    assert_eq!(office.advoware(Method::PUT, &path).json(&body).send().await.unwrap().status(), 200);
    let after = office.beteiligter().await;
    assert_eq!((&after["name"], &after["farbe"]), (&json!("Moosflink"), &json!("grün")));
    assert!(after.get("kurzname").is_none());
    assert_eq!(after["kommunikation"], before["kommunikation"]);
    assert_ne!(after["rowId"], before["rowId"]);
    let nameless = office.advoware(Method::PUT, &path).json(&json!({})).send().await.unwrap();
    assert_eq!(nameless.status(), 500);
}

#[tokio::test]
async fn change_times_are_berlin_wall_time() {
    let office = Office::open().await;
    let at = office.beteiligter().await["geaendertAm"].as_str().unwrap().to_owned();
    let naive = chrono::NaiveDateTime::parse_from_str(&at, "%Y-%m-%dT%H:%M:%S%.f").unwrap();
    let ahead = naive.and_utc() - office.sim.clock().now();
    assert!((50..=121).contains(&ahead.num_minutes()), "{at}");
}

#[tokio::test]
async fn creating_spells_the_number_as_switched() {
    let office = Office::open().await;
    let spellings = [("betNr", NumberSpelling::BetNr), ("betnr", NumberSpelling::Betnr), ("id", NumberSpelling::Id)];
    for (name, spelling) in spellings {
        office.sim.advoware().switch(|switches| switches.number_spelling = spelling);
        let created = office.advoware(Method::POST, "Beteiligte").json(&json!({ "name": "Neu" })).send().await.unwrap();
        let body: Value = created.json().await.unwrap();
        assert!(office.sim.advoware().betnrs().contains(&body[name].as_i64().unwrap()));
    }
    office.sim.advoware().switch(|switches| switches.number_spelling = NumberSpelling::None);
    let silent = office.advoware(Method::POST, "Beteiligte").json(&json!({ "name": "Neu" })).send().await.unwrap();
    let body: Value = silent.json().await.unwrap();
    assert!(["betNr", "betnr", "id"].iter().all(|name| body.get(name).is_none()), "{body}");
    assert_eq!(office.sim.advoware().betnrs().len(), 5, "created all the same");
    office.sim.advoware().switch(|switches| switches.array_of_one = true);
    assert!(office.beteiligter().await.is_array());
}

#[tokio::test]
async fn dates_are_taken_in_both_shapes_and_answered_as_switched() {
    let office = Office::open().await;
    let path = format!("Beteiligte/{BETNR}");
    let put = async |date: Value| {
        let body = json!({ "name": "Quellhafer", "geburtsdatum": date });
        office.advoware(Method::PUT, &path).json(&body).send().await.unwrap().status().as_u16()
    };
    let answered = async || office.beteiligter().await["geburtsdatum"].clone();
    for written in ["1970-02-01", "1970-02-01T00:00:00"] {
        assert_eq!(put(json!(written)).await, 200);
        for (shape, expected) in [
            (DateShape::AsStored, written),
            (DateShape::Date, "1970-02-01"),
            (DateShape::DateTime, "1970-02-01T00:00:00"),
        ] {
            office.sim.advoware().switch(|switches| switches.date_shape = shape);
            assert_eq!(answered().await, json!(expected), "{written}, {shape:?}");
        }
    }
    for empty in [json!(null), json!(""), json!("0001-01-01T00:00:00")] {
        assert_eq!(put(empty).await, 200);
        assert_eq!(answered().await, Value::Null);
    }
    office.sim.advoware().switch(|switches| switches.empty_date_is_year_one = true);
    assert_eq!(answered().await, json!("0001-01-01T00:00:00"));
    for bad in [json!("1.2.1970"), json!("1970-02-30"), json!("1970-02-01 00:00"), json!(1970)] {
        assert_eq!(put(bad.clone()).await, 500, "{bad}");
    }
}

#[tokio::test]
async fn rows_are_created_but_never_deleted() {
    let office = Office::open().await;
    let path = format!("Beteiligte/{BETNR}/Kommunikationen");
    let body = json!({ "tlf": "+49 30 23125001", "kommKz": 1, "bemerkung": null, "online": false });
    let created: Value = office.advoware(Method::POST, &path).json(&body).send().await.unwrap().json().await.unwrap();
    assert_eq!((created["betNr"].as_i64(), created["kommKz"].as_i64()), (Some(BETNR), Some(1)));
    let gone = office.advoware(Method::DELETE, &format!("{path}/{}", created["id"])).send().await.unwrap();
    assert_eq!(gone.status(), 403);
    assert_eq!(office.sim.advoware().rows(BETNR).len(), 3);
    for bad in [json!({ "tlf": 7, "kommKz": 1 }), json!({ "tlf": "x", "kommKz": 13 }), json!([])] {
        assert_eq!(office.advoware(Method::POST, &path).json(&bad).send().await.unwrap().status(), 500);
    }
    assert_eq!(office.put_row(1, json!({ "tlf": "" })).await.status(), 404);
    assert_eq!(office.advoware(Method::GET, "Beteiligte/1").send().await.unwrap().status(), 404);
}
