#[cfg(test)]
mod writes;

use chrono::{NaiveDateTime, TimeDelta};
use chrono_tz::Europe::Berlin;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulator::{ChangeTime, FrnrSpelling, TerminDateShape};

use crate::office::Office;

const DAY: &str = "2026-12-01";

fn hearing() -> Value {
    json!({
        "datum": DAY, "datumBis": DAY, "uhrzeitVon": "10:00:00", "uhrzeitBis": "11:30:00", "text": "Gerichtstermin",
        "notiz": "Saal 3", "ort": "Quellheim", "sb": "SB", "anwalt": "SB", "vorbereitungsDauer": "00:00:00",
    })
}

impl Office {
    pub(crate) async fn termine(&self, query: &str) -> Vec<Value> {
        let answer = self.advoware(Method::GET, &format!("Termine?{query}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{query}");
        answer.json().await.unwrap()
    }

    pub(crate) async fn frnrs(&self, query: &str) -> Vec<i64> {
        self.termine(query).await.iter().map(|termin| termin["frNr"].as_i64().unwrap()).collect()
    }

    pub(crate) async fn termin(&self, frnr: i64) -> Value {
        let answer = self.advoware(Method::GET, &format!("Termine?frnr={frnr}")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    pub(crate) async fn post_termin(&self, body: &Value) -> Value {
        let answer = self.advoware(Method::POST, "Termine").json(body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{body}");
        answer.json().await.unwrap()
    }

    pub(crate) async fn put_termin(&self, frnr: i64, body: &Value) -> StatusCode {
        self.advoware(Method::PUT, &format!("Termine?frnr={frnr}")).json(body).send().await.unwrap().status()
    }

    pub(crate) async fn delete_termin(&self, frnr: i64) -> (StatusCode, String) {
        let answer = self.advoware(Method::DELETE, &format!("Termine?frnr={frnr}")).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }
}

#[tokio::test]
async fn a_window_holds_what_overlaps_it() {
    let office = Office::open().await;
    let seed = |fields: Value| office.sim.advoware().seed_termin(fields);
    let day = |datum: &str, bis: &str, from: &str, to: &str| json!({ "datum": datum, "datumBis": bis, "uhrzeitVon": from, "uhrzeitBis": to, "sb": "SB" });
    let all_day = |datum: &str, bis: &str| json!({ "datum": datum, "datumBis": bis, "dauertermin": 1 });
    let series = |datum: &str, bis: &str, turnus: i64, art: i64| json!({ "datum": datum, "datumBis": bis, "dauertermin": 1, "turnus": turnus, "turnusArt": art });
    let inside = [
        seed(day("2026-12-10", "2026-12-10", "10:00:00", "11:00:00")),
        seed(day("2026-12-20T00:00:00", "2026-12-20T00:00:00", "23:00:00", "23:30:00")),
        seed(day("2026-12-09", "2026-12-10", "23:00:00", "00:30:00")),
        seed(all_day("2026-12-01", "2026-12-10")),
        seed(all_day("2026-12-20", "2026-12-24")),
        seed(series("2020-01-01", "2037-12-31", 1, 4)),
        seed(series("2020-01-01", "2026-12-10", 2, 2)),
        seed(json!({ "datum": "irgendwann", "text": "unlesbar" })),
        seed(json!({ "datum": "2026-12-09T23:30:00" })),
    ];
    let _outside = [
        seed(day("2026-12-09", "2026-12-09", "10:00:00", "11:00:00")),
        seed(day("2026-12-21", "2026-12-21", "00:00:00", "11:00:00")),
        seed(day("2026-12-09", "2026-12-10", "23:00:00", "00:00:00")),
        seed(all_day("2026-12-01", "2026-12-09")),
        seed(series("2020-01-01", "2026-12-09", 1, 1)),
        seed(json!({ "datum": "2026-12-09", "datumBis": "0001-01-01T00:00:00" })),
        // Without a turnus it is no series, so it ends with its own day.
        seed(json!({ "datum": "2026-12-01", "dauertermin": 1, "turnus": 0, "turnusArt": 2 })),
    ];
    assert_eq!(office.frnrs("kuerzel=SB&from=2026-12-10&to=2026-12-20").await, inside);
    assert_eq!(office.frnrs("kuerzel=SB").await.len(), 16);
    for bad in ["from=1.12.2026&to=2026-12-20", "from=2026-12-10&to=", "from=2026-12-10&to=2026-12-09"] {
        let answer = office.advoware(Method::GET, &format!("Termine?kuerzel=SB&{bad}")).send().await.unwrap();
        assert_eq!(answer.status(), 500, "{bad}");
    }
}

#[tokio::test]
async fn a_kuerzel_sees_its_own_and_everybodys() {
    let office = Office::open().await;
    let seed = |sb: Value, anwalt: Value| {
        office.sim.advoware().seed_termin(json!({ "datum": DAY, "sb": sb, "anwalt": anwalt }))
    };
    let named = [
        seed(json!("SB"), json!("AI")),
        seed(json!("AI"), json!("SB")),
        seed(json!("AI"), json!("AI, SB")),
        seed(json!("AI,SB"), json!("AI")),
    ];
    let of_everybody = [
        seed(json!("AI"), json!("")),
        seed(json!(null), json!(null)),
        seed(json!("AI"), json!("ALLE")),
        seed(json!("AI"), json!("Allgemein")),
    ];
    let of_others = [seed(json!("AI"), json!("AI")), seed(json!("SBX"), json!("XSB,ASB"))];
    let visible = [named, of_everybody].concat();
    assert_eq!(office.frnrs("kuerzel=SB&from=2026-11-01&to=2026-12-31").await, visible);
    assert_eq!(office.sim.advoware().frnrs_seen_by("SB"), visible);
    assert_eq!(office.frnrs("kuerzel=QQ&from=2026-11-01&to=2026-12-31").await, of_everybody);
    let all = [visible, of_others.to_vec()].concat();
    assert_eq!(office.frnrs("").await, all);
    assert_eq!(office.sim.advoware().frnrs(), all);
}

#[tokio::test]
async fn only_the_lower_case_spelling_filters() {
    let office = Office::open().await;
    let frnrs: Vec<i64> = (0..3).map(|_| office.sim.advoware().seed_termin(hearing())).collect();
    assert_eq!(office.termin(frnrs[1]).await["frNr"], frnrs[1]);
    assert_eq!(office.frnrs(&format!("frNr={}", frnrs[1])).await, frnrs);
    office.sim.advoware().switch(|switches| switches.termine.array_of_one = true);
    let one = office.termin(frnrs[1]).await;
    assert_eq!((one.as_array().unwrap().len(), &one[0]["frNr"]), (1, &json!(frnrs[1])));
    let unknown = || async { office.advoware(Method::GET, "Termine?frnr=1").send().await.unwrap() };
    assert_eq!(unknown().await.status(), 404);
    office.sim.advoware().switch(|switches| switches.termine.unknown_is_empty_array = true);
    let empty = unknown().await;
    assert_eq!((empty.status().as_u16(), empty.json::<Value>().await.unwrap()), (200, json!([])));
    // A write that is addressed with the other spelling is addressed to nothing.
    let astray = format!("Termine?frNr={}", frnrs[1]);
    assert_eq!(office.advoware(Method::PUT, &astray).json(&hearing()).send().await.unwrap().status(), 500);
    assert_eq!(office.advoware(Method::DELETE, &astray).send().await.unwrap().status(), 500);
    assert_eq!(office.advoware(Method::GET, "Termine?frnr=x").send().await.unwrap().status(), 500);
    assert_eq!(office.sim.advoware().frnrs(), frnrs);
}

#[tokio::test]
async fn the_change_time_has_any_number_of_digits_or_is_missing() {
    let office = Office::open().await;
    let frnr = office.post_termin(&hearing()).await["frnr"].as_i64().unwrap();
    for (digits, length) in [(0, 19), (1, 21), (3, 23), (7, 27)] {
        office.sim.advoware().switch(|switches| switches.termine.change_time = ChangeTime::Digits(digits));
        let told = office.termin(frnr).await["zuletztGeaendertAm"].as_str().unwrap().to_owned();
        assert_eq!(told.len(), length, "{told}");
        NaiveDateTime::parse_from_str(&told, "%Y-%m-%dT%H:%M:%S%.f").unwrap();
    }
    office.sim.advoware().switch(|switches| switches.termine.change_time = ChangeTime::Missing);
    assert!(office.termin(frnr).await.get("zuletztGeaendertAm").is_none());
    office.sim.advoware().switch(|switches| switches.termine.change_time = ChangeTime::Mixed);
    for _ in 0..80 {
        office.sim.advoware().seed_termin(hearing());
    }
    let listed = office.termine("").await;
    let lengths: std::collections::BTreeSet<usize> =
        listed.iter().map(|termin| termin["zuletztGeaendertAm"].as_str().map_or(0, str::len)).collect();
    assert_eq!(lengths, [0, 19, 21, 22, 23, 24, 25, 26, 27].into());
    assert_eq!(office.termine("").await, listed, "the dice fall the same way for the same state");
    let raw = json!({ "datum": DAY, "zuletztGeaendertAm": "2025-10-23T14:18:36.245" });
    let raw = office.sim.advoware().seed_termin(raw);
    assert_eq!(office.termin(raw).await["zuletztGeaendertAm"], "2025-10-23T14:18:36.245");
}

#[tokio::test]
async fn dates_come_in_two_shapes() {
    let office = Office::open().await;
    let mut written = hearing();
    written["datumBis"] = json!("2026-12-01T00:00:00");
    let frnr = office.post_termin(&written).await["frnr"].as_i64().unwrap();
    let dates = async || {
        let termin = office.termin(frnr).await;
        (termin["datum"].clone(), termin["datumBis"].clone())
    };
    for (shape, first, last) in [
        (TerminDateShape::AsStored, DAY, "2026-12-01T00:00:00"),
        (TerminDateShape::Date, DAY, DAY),
        (TerminDateShape::DateTime, "2026-12-01T00:00:00", "2026-12-01T00:00:00"),
    ] {
        office.sim.advoware().switch(|switches| switches.termine.date_shape = shape);
        assert_eq!(dates().await, (json!(first), json!(last)), "{shape:?}");
    }
    // A time that stands nowhere else is never taken away.
    office.sim.advoware().switch(|switches| switches.termine.date_shape = TerminDateShape::Date);
    let carried = office.post_termin(&json!({ "datum": "2026-12-01T14:15:00" })).await["frnr"].as_i64().unwrap();
    assert_eq!(office.termin(carried).await["datum"], "2026-12-01T14:15:00");
    assert_eq!(office.termin(carried).await["datumBis"], Value::Null);
    office.sim.advoware().switch(|switches| switches.empty_date_is_year_one = true);
    assert_eq!(office.termin(carried).await["datumBis"], "0001-01-01T00:00:00");
}

#[tokio::test]
async fn mixed_dates_differ_but_mean_the_same() {
    let office = Office::open().await;
    for _ in 0..60 {
        office.sim.advoware().seed_termin(hearing());
        office.sim.advoware().seed_termin(json!({ "datum": DAY }));
    }
    office.sim.advoware().switch(|switches| switches.termine.date_shape = TerminDateShape::Mixed);
    let listed = office.termine("").await;
    let spellings = |name: &str| -> std::collections::BTreeSet<String> {
        listed.iter().map(|termin| termin[name].to_string()).collect()
    };
    let starts = [r#""2026-12-01""#, r#""2026-12-01T00:00:00""#, r#""2026-12-01T10:00:00""#].map(String::from);
    assert_eq!(spellings("datum"), starts.into());
    let ends = [r#""2026-12-01""#, r#""2026-12-01T00:00:00""#, r#""2026-12-01T11:30:00""#];
    let ends = ends.into_iter().chain(["null", r#""0001-01-01T00:00:00""#]).map(String::from).collect();
    assert_eq!(spellings("datumBis"), ends);
    assert_eq!(office.termine("").await, listed);
    let mut differs = 0;
    for termin in &listed {
        let frnr = termin["frNr"].as_i64().unwrap();
        differs += usize::from(office.termin(frnr).await["datum"] != termin["datum"]);
    }
    assert!(differs > 10, "list and single reading never differ");
}

#[tokio::test]
async fn negative_numbers_are_shown_and_read_only() {
    let office = Office::open().await;
    let leave = json!({ "frNr": -900_001, "datum": DAY, "dauertermin": 1, "anwalt": "SB", "text": "Urlaub" });
    assert_eq!(office.sim.advoware().seed_termin(leave), -900_001);
    let mut body = hearing();
    body["vorbereitungsDauer"] = json!("01:30:00");
    let frnr = office.post_termin(&body).await["frnr"].as_i64().unwrap();
    assert!(frnr > 0, "a negative number does not count");
    let query = "kuerzel=SB&from=2026-12-01&to=2026-12-01";
    assert_eq!(office.frnrs(query).await, [-900_001, frnr, -frnr]);
    let preparation = office.termin(-frnr).await;
    let times =
        ["datum", "uhrzeitVon", "datumBis", "uhrzeitBis"].map(|name| preparation[name].as_str().unwrap().to_owned());
    assert_eq!(times, [DAY, "08:30:00", DAY, "10:00:00"]);
    for computed in [-900_001, -frnr, -1] {
        assert_eq!(office.put_termin(computed, &hearing()).await, 500);
        assert_eq!(office.delete_termin(computed).await.0, 500);
    }
    assert_eq!(office.sim.advoware().frnrs(), [-900_001, frnr]);
    office.sim.advoware().switch(|switches| switches.termine.preparation_shown = false);
    assert_eq!(office.frnrs(query).await, [-900_001, frnr]);
    office.sim.advoware().switch(|switches| switches.termine.preparation_shown = true);
    office.delete_termin(frnr).await;
    assert_eq!(office.frnrs(query).await, [-900_001]);
    // Preparation before a day's first hour belongs to the day before.
    body["uhrzeitVon"] = json!("00:45:00");
    let early = office.post_termin(&body).await["frnr"].as_i64().unwrap();
    assert_eq!(office.frnrs("from=2026-11-30&to=2026-11-30").await, [-early]);
}

#[tokio::test]
async fn employees_are_listed_under_a_path_of_their_own() {
    let office = Office::open().await;
    office.sim.advoware().seed_mitarbeiter("SB", "Svea Binsenquast");
    office.sim.advoware().seed_mitarbeiter("AI", "Alrun Moosflink");
    let list: Value = office.advoware(Method::GET, "Mitarbeiter").send().await.unwrap().json().await.unwrap();
    let expected =
        json!([{ "kuerzel": "AI", "name": "Alrun Moosflink" }, { "kuerzel": "SB", "name": "Svea Binsenquast" }]);
    assert_eq!(list, expected);
    assert_eq!(office.advoware(Method::POST, "Mitarbeiter").json(&json!({})).send().await.unwrap().status(), 404);
    let path = "api/v1/advonet/Stammdaten/Benutzer".to_owned();
    office.sim.advoware().switch(|switches| switches.termine.mitarbeiter_path = path);
    assert_eq!(office.advoware(Method::GET, "Mitarbeiter").send().await.unwrap().status(), 404);
    let list: Value = office.advoware(Method::GET, "Stammdaten/Benutzer").send().await.unwrap().json().await.unwrap();
    assert_eq!(list, expected);
    assert!(office.sim.advoware().remove_mitarbeiter("AI"));
    assert!(!office.sim.advoware().remove_mitarbeiter("AI"));
    assert_eq!(office.sim.advoware().mitarbeiter().len(), 1);
}

#[tokio::test]
async fn without_a_token_there_is_nothing_to_see() {
    let office = Office::open().await;
    let frnr = office.sim.advoware().seed_termin(hearing());
    office.sim.advoware().revoke_tokens();
    for path in ["Termine", "Mitarbeiter", &format!("Termine?frnr={frnr}")] {
        assert_eq!(office.advoware(Method::GET, path).send().await.unwrap().status(), 401, "{path}");
    }
    assert_eq!(office.delete_termin(frnr).await.0, 401);
    assert_eq!(office.sim.advoware().termin_count(), 1);
}
