//! Writes of Termine.

use super::*;

#[tokio::test]
async fn a_post_spells_the_number_as_switched_or_hides_it() {
    let office = Office::open().await;
    let created = office.post_termin(&hearing()).await;
    let frnr = created["frnr"].as_i64().unwrap();
    assert!(created.get("frNr").is_none() && created.get("zuletztGeaendertAm").is_none(), "{created}");
    assert_eq!(office.termin(frnr).await["text"], "Gerichtstermin");
    office.sim.advoware().switch(|switches| switches.termine.frnr_spelling = FrnrSpelling::FrNr);
    assert_eq!(office.post_termin(&hearing()).await["frNr"], frnr + 1);
    office.sim.advoware().switch(|switches| {
        switches.termine.frnr_spelling = FrnrSpelling::Frnr;
        switches.termine.null_frnr_percent = 100;
    });
    let silent = office.post_termin(&hearing()).await;
    assert_eq!((silent.get("frnr"), silent.get("frNr")), (Some(&Value::Null), None));
    assert_eq!(office.sim.advoware().termin_count(), 3, "created all the same");
    office.sim.advoware().switch(|switches| switches.termine.null_frnr_percent = 50);
    let mut nulls = 0;
    for _ in 0..40 {
        nulls += usize::from(office.post_termin(&hearing()).await["frnr"].is_null());
    }
    assert!((5..=35).contains(&nulls), "{nulls}");
}

#[tokio::test]
async fn a_number_is_never_used_again() {
    let office = Office::open().await;
    let first = office.post_termin(&hearing()).await["frnr"].as_i64().unwrap();
    let second = office.post_termin(&hearing()).await["frnr"].as_i64().unwrap();
    assert_eq!(office.delete_termin(second).await, (StatusCode::OK, String::new()));
    assert_eq!(office.post_termin(&hearing()).await["frnr"], first + 2);
    assert_eq!(office.delete_termin(second).await.0, 404);
    assert_eq!(office.put_termin(second, &hearing()).await, 404);
    office.sim.advoware().switch(|switches| switches.termine.delete_answers_json = true);
    let (status, body) = office.delete_termin(first).await;
    assert_eq!((status.as_u16(), serde_json::from_str::<Value>(&body).unwrap()["frNr"].as_i64()), (200, Some(first)));
    assert_eq!(office.sim.advoware().frnrs(), [first + 2]);
}

#[tokio::test]
async fn a_put_replaces_every_field() {
    let office = Office::open().await;
    let mut whole = hearing();
    whole["privat"] = json!(1);
    whole["nr"] = json!(77);
    whole["farbe"] = json!("grün");
    whole["turnus"] = json!(2);
    let frnr = office.post_termin(&whole).await["frnr"].as_i64().unwrap();
    let before = office.termin(frnr).await;
    assert_eq!((&before["farbe"], &before["nr"], &before["privat"]), (&json!("grün"), &json!(77), &json!(1)));
    assert_eq!(office.put_termin(frnr, &json!({ "datum": "2026-12-02", "frNr": 1, "text": "" })).await, 200);
    let mut after = office.termin(frnr).await;
    after.as_object_mut().unwrap().remove("zuletztGeaendertAm");
    let expected = json!({
        "frNr": frnr, "datum": "2026-12-02", "datumBis": null, "uhrzeitVon": null, "uhrzeitBis": null, "text": null,
        "notiz": null, "ort": null, "dauertermin": 0, "turnus": 0, "turnusArt": 0, "vorbereitungsDauer": "00:00:00",
        "sb": null, "anwalt": null, "privat": 0, "nr": 0, "special": 0,
    });
    assert_eq!(after, expected);
    office.sim.advoware().switch(|switches| switches.termine.empty_fields_left_out = true);
    let sparse = office.termin(frnr).await;
    assert!(["datumBis", "uhrzeitVon", "uhrzeitBis", "text"].iter().all(|name| sparse.get(name).is_none()), "{sparse}");
}

#[tokio::test]
async fn every_write_moves_the_change_time_of_the_simulated_clock() {
    let office = Office::open().await;
    let stamp = async |frnr: i64| {
        let told = office.termin(frnr).await["zuletztGeaendertAm"].as_str().unwrap().to_owned();
        assert_eq!(told.len(), 23, "{told}");
        NaiveDateTime::parse_from_str(&told, "%Y-%m-%dT%H:%M:%S%.f").unwrap()
    };
    let frnr = office.post_termin(&hearing()).await["frnr"].as_i64().unwrap();
    let first = stamp(frnr).await;
    let berlin = office.sim.clock().now().with_timezone(&Berlin).naive_local();
    assert!((berlin - first).num_seconds().abs() < 60, "{first} {berlin}");
    office.sim.clock().advance_seconds(600);
    assert_eq!(stamp(frnr).await, first);
    assert_eq!(office.put_termin(frnr, &hearing()).await, 200);
    assert!(stamp(frnr).await - first >= TimeDelta::seconds(600));
    let answer = office.advoware(Method::PUT, &format!("Termine?frnr={frnr}")).json(&hearing()).send().await.unwrap();
    assert!(answer.json::<Value>().await.unwrap().get("zuletztGeaendertAm").is_none());
}

#[tokio::test]
async fn notes_are_kept_with_crlf() {
    let office = Office::open().await;
    let mut body = hearing();
    body["notiz"] = json!("eins\nzwei\r\ndrei");
    let frnr = office.post_termin(&body).await["frnr"].as_i64().unwrap();
    assert_eq!(office.termin(frnr).await["notiz"], "eins\r\nzwei\r\ndrei");
}

#[tokio::test]
async fn a_bad_request_is_a_500_and_changes_nothing() {
    let office = Office::open().await;
    let frnr = office.post_termin(&hearing()).await["frnr"].as_i64().unwrap();
    let before = office.sim.advoware().termin(frnr);
    let with = |name: &str, value: Value| {
        let mut body = hearing();
        body[name] = value;
        body
    };
    let mut bad = vec![json!([]), json!({}), json!({ "text": "ohne Datum" })];
    bad.extend(
        ["", "0001-01-01T00:00:00", "1.12.2026", "2026-02-30", "2026-12-01 10:00"].map(|x| with("datum", x.into())),
    );
    bad.extend([json!(null), json!(20_261_201)].map(|x| with("datum", x)));
    bad.extend(["2026-13-01", "2026-11-30"].map(|x| with("datumBis", x.into())));
    bad.extend(["10:00", "25:00:00", "24:00:00", "10 Uhr"].map(|x| with("uhrzeitVon", x.into())));
    bad.push(with("uhrzeitBis", json!("09:59:00")));
    bad.push(with("vorbereitungsDauer", json!(30)));
    bad.extend(["text", "notiz", "ort", "sb", "anwalt"].map(|name| with(name, json!(7))));
    bad.extend(["dauertermin", "turnus", "turnusArt", "nr"].map(|name| with(name, json!("1"))));
    bad.extend([("dauertermin", 2), ("turnus", -1), ("turnusArt", 5)].map(|(name, value)| with(name, json!(value))));
    for body in &bad {
        assert_eq!(office.put_termin(frnr, body).await, 500, "{body}");
        let posted = office.advoware(Method::POST, "Termine").json(body).send().await.unwrap();
        assert_eq!(posted.status(), 500, "{body}");
    }
    let broken = office.advoware(Method::POST, "Termine").header("content-type", "application/json").body("{");
    assert_eq!(broken.send().await.unwrap().status(), 500);
    assert_eq!((office.sim.advoware().termin(frnr), office.sim.advoware().termin_count()), (before, 1));
    assert_eq!(office.post_termin(&hearing()).await["frnr"], frnr + 1, "a refused POST takes no number");
    let fine = with("privat", json!(true));
    assert_eq!(office.put_termin(frnr, &fine).await, 200);
    // A series' occurrences and an all-day entry have no order of times within the day.
    let mut overnight = with("uhrzeitBis", json!("01:00:00"));
    overnight["dauertermin"] = json!(1);
    assert_eq!(office.put_termin(frnr, &overnight).await, 200);
}
