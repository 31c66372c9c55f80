use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use reqwest::Method;
use serde_json::{Map, Value, json};
use simulator::{
    Calls, Edit, EditRefused, Fault, FaultKind, FirmCalendar, Moment, Operation, Simulator, SimulatorConfig, generate,
    generate_calendar,
};

use crate::office::Office;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, 5).unwrap()
}

fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn simple() -> Value {
    json!({
        "datum": "2026-12-01", "datumBis": "2026-12-01", "uhrzeitVon": "10:00:00", "uhrzeitBis": "11:00:00", "sb": "SB",
        "anwalt": "SB",
    })
}

#[tokio::test]
async fn people_edit_termine_and_come_and_go() {
    let office = Office::open().await;
    let made = office.sim.edit(&Edit::TerminCreate { fields: fields(&simple()) }).unwrap();
    let frnr = made.frnr.unwrap();
    let before = office.termin(frnr).await;
    office.sim.clock().advance_seconds(60);
    let change = json!({ "text": "verlegt", "uhrzeitBis": null });
    office.sim.edit(&Edit::TerminChange { frnr, fields: fields(&change) }).unwrap();
    let after = office.termin(frnr).await;
    assert_eq!((&after["text"], &after["uhrzeitBis"], &after["sb"]), (&json!("verlegt"), &Value::Null, &json!("SB")));
    assert_ne!(after["zuletztGeaendertAm"], before["zuletztGeaendertAm"]);
    let undated = office.sim.edit(&Edit::TerminChange { frnr, fields: fields(&json!({ "datum": null })) });
    assert_eq!(undated, Err(EditRefused::Invalid { field: "datum".into(), kind: "required".into() }));
    let odd = office.sim.edit(&Edit::TerminCreate { fields: fields(&json!({ "datum": "morgen" })) });
    assert_eq!(odd, Err(EditRefused::Invalid { field: "datum".into(), kind: "valid".into() }));
    office.sim.edit(&Edit::TerminDelete { frnr }).unwrap();
    assert_eq!(office.sim.edit(&Edit::TerminDelete { frnr }), Err(EditRefused::NoSuchRecord));
    assert_eq!(office.sim.edit(&Edit::TerminChange { frnr, fields: Map::new() }), Err(EditRefused::NoSuchRecord));
    office.sim.edit(&Edit::MitarbeiterJoin { kuerzel: "SB".into(), name: "Svea Binsenquast".into() }).unwrap();
    assert_eq!(office.sim.advoware().mitarbeiter()[0].name, "Svea Binsenquast");
    office.sim.edit(&Edit::MitarbeiterLeave { kuerzel: "SB".into() }).unwrap();
    assert_eq!(office.sim.edit(&Edit::MitarbeiterLeave { kuerzel: "SB".into() }), Err(EditRefused::NoSuchRecord));
}

#[tokio::test]
async fn an_edit_comes_between_two_calls() {
    let office = Office::open().await;
    let frnr = office.sim.advoware().seed_termin(simple());
    let rename = Edit::TerminChange { frnr, fields: fields(&json!({ "text": "Nachher" })) };
    office.sim.edit_at(Moment::after(Calls::to(Operation::ListTermine).with_key("SB")), rename);
    office
        .sim
        .edit_at(Moment::before(Calls::to(Operation::GetTermin).with_key(frnr).nth(2)), Edit::TerminDelete { frnr });
    assert_eq!(office.termine("kuerzel=AI").await.len(), 0);
    assert_eq!(office.termine("kuerzel=SB").await[0]["text"], Value::Null);
    assert_eq!(office.termin(frnr).await["text"], "Nachher");
    let gone = office.advoware(Method::GET, &format!("Termine?frnr={frnr}")).send().await.unwrap();
    assert_eq!(gone.status(), 404);
    assert!(office.sim.scheduled_outcomes().iter().all(Result::is_ok));
}

#[tokio::test]
async fn the_journal_names_the_operations() {
    let office = Office::open().await;
    let frnr = office.post_termin(&simple()).await["frnr"].as_i64().unwrap();
    office.put_termin(frnr, &simple()).await;
    office.termin(frnr).await;
    office.termine("kuerzel=SB&from=2026-12-01&to=2026-12-01").await;
    office.delete_termin(frnr).await;
    office.advoware(Method::GET, "Mitarbeiter").send().await.unwrap();
    let told: Vec<(String, Vec<String>, bool)> = office
        .sim
        .journal()
        .entries()
        .into_iter()
        .map(|entry| {
            let name = serde_json::to_value(entry.operation).unwrap().as_str().unwrap().to_owned();
            (name, entry.keys, entry.mutating && entry.applied)
        })
        .collect();
    let key = frnr.to_string();
    let expected = [
        ("advoware.post_termin", None, true),
        ("advoware.put_termin", Some(key.as_str()), true),
        ("advoware.get_termin", Some(key.as_str()), false),
        ("advoware.list_termine", Some("SB"), false),
        ("advoware.delete_termin", Some(key.as_str()), true),
        ("advoware.mitarbeiter", None, false),
    ]
    .map(|(name, key, applied)| (name.to_owned(), key.into_iter().map(str::to_owned).collect(), applied));
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_list_may_be_cut_and_a_number_hidden() {
    let office = Office::open().await;
    let frnrs: Vec<i64> = (0..3).map(|_| office.sim.advoware().seed_termin(simple())).collect();
    let arm = |calls: Calls, kind: FaultKind| office.sim.faults().arm(Fault::new(calls, kind));
    arm(Calls::to(Operation::ListTermine), FaultKind::ListCut { kept: 0 });
    arm(Calls::to(Operation::ListTermine).nth(2), FaultKind::ListCut { kept: 1 });
    assert!(office.frnrs("kuerzel=SB").await.is_empty());
    assert_eq!(office.frnrs("kuerzel=SB").await, frnrs[..1]);
    assert_eq!(office.frnrs("kuerzel=SB").await, frnrs);
    arm(Calls::to(Operation::PostTermin), FaultKind::NullFrnr);
    assert_eq!(office.post_termin(&simple()).await["frnr"], Value::Null);
    assert_eq!(office.sim.advoware().termin_count(), 4);
    arm(Calls::to(Operation::PostTermin), FaultKind::AnswerLost);
    assert!(office.advoware(Method::POST, "Termine").json(&simple()).send().await.is_err());
    assert_eq!(office.sim.advoware().termin_count(), 5);
    arm(Calls::to(Operation::PutTermin).with_key(frnrs[0]), FaultKind::status(503));
    assert_eq!(office.put_termin(frnrs[1], &simple()).await, 200);
    assert_eq!(office.put_termin(frnrs[0], &simple()).await, 503);
    let faults: Vec<_> = office.sim.journal().entries().into_iter().filter_map(|entry| entry.fault).collect();
    assert_eq!(faults, ["list_cut", "list_cut", "null_frnr", "answer_lost", "status"]);
}

#[test]
fn the_same_seed_gives_the_same_calendar() {
    let calendar = generate_calendar(5, 12, 150, today());
    assert_eq!(calendar, generate_calendar(5, 12, 150, today()));
    assert_ne!(calendar, generate_calendar(6, 12, 150, today()));
    let positive = calendar.termine.iter().filter(|termin| frnr(&termin.fields) > 0).count();
    assert_eq!(positive, 12 * 150 + 8, "own ones and those of everybody");
    let numbers: BTreeSet<i64> = calendar.termine.iter().map(|termin| frnr(&termin.fields)).collect();
    assert_eq!(numbers.len(), calendar.termine.len());
    let kuerzel: BTreeSet<&str> = calendar.mitarbeiter.iter().map(|who| who.kuerzel.as_str()).collect();
    assert_eq!(kuerzel.len(), 12);
    assert_eq!(generate_calendar(1, 400, 0, today()).mitarbeiter.len(), 400);
    let nothing = FirmCalendar { mitarbeiter: Vec::new(), termine: Vec::new() };
    assert_eq!(generate_calendar(5, 0, 150, today()), nothing);
    let firm = generate(5, 20);
    assert_eq!(firm.clone().with_calendar(nothing).beteiligte, firm.beteiligte);
}

fn frnr(fields: &Map<String, Value>) -> i64 {
    fields["frNr"].as_i64().unwrap()
}

/// What an entry exercises, told from its fields alone.
fn traits_of(fields: &Map<String, Value>) -> Vec<String> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| fields.get(name).and_then(Value::as_i64).unwrap_or(0);
    let day = |name: &str| text(name).get(..10).unwrap_or_default().to_owned();
    let (first, last) = (day("datum"), day("datumBis"));
    let mut found = vec![format!("date of {}", text("datum").len())];
    let mut add = |holds: bool, name: &str| found.extend(holds.then(|| name.to_owned()));
    let is_series = number("turnus") > 0;
    let is_all_day = number("dauertermin") == 1 && !is_series;
    add(text("text").starts_with("Gerichtstermin"), "hearing");
    add(text("text").starts_with("Frist"), "deadline");
    add(is_series, &format!("series of {}", number("turnusArt")));
    add(is_series && number("turnus") > 1, "interval");
    add(last.starts_with("2037"), "endless");
    add(is_all_day && first != last, "days of leave");
    add(is_all_day && first == last, "one day");
    add(
        !is_series && !is_all_day && !last.is_empty() && text("uhrzeitBis") > text("uhrzeitVon") && first < last,
        "multi-day",
    );
    add(!is_series && !is_all_day && text("uhrzeitBis") < text("uhrzeitVon") && first < last, "across midnight");
    add(number("privat") == 1, "private");
    add(last.is_empty(), "no end");
    add(text("uhrzeitVon").is_empty(), "no time");
    add(text("anwalt").contains(','), "shared");
    add(text("notiz").contains("\r\n"), "note of lines");
    add(text("vorbereitungsDauer") > "00:00:00", "preparation");
    for change in ["2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31", "2028-03-26"] {
        add(first == change && frnr(fields) > 0, change);
    }
    found
}

#[test]
fn every_kind_of_entry_occurs_in_every_calendar() {
    let calendar = generate_calendar(3, 12, 150, today());
    for who in &calendar.mitarbeiter {
        let own = calendar.termine.iter().filter(|termin| termin.fields.get("sb") == Some(&json!(who.kuerzel)));
        let found: BTreeSet<String> = own.flat_map(|termin| traits_of(&termin.fields)).collect();
        let expected = [
            "hearing",
            "deadline",
            "series of 1",
            "series of 2",
            "series of 3",
            "series of 4",
            "endless",
            "days of leave",
            "one day",
            "multi-day",
            "across midnight",
            "private",
            "no end",
            "no time",
            "shared",
            "note of lines",
            "preparation",
            "interval",
            "date of 10",
            "date of 19",
            "2026-03-29",
            "2026-10-25",
            "2027-03-28",
            "2027-10-31",
            "2028-03-26",
        ];
        let missing: Vec<_> = expected.iter().filter(|name| !found.contains(**name)).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", who.kuerzel);
    }
    let mut of_everybody = BTreeMap::<String, usize>::new();
    let mut computed = BTreeSet::new();
    for termin in &calendar.termine {
        if termin.fields.get("sb").is_none() && frnr(&termin.fields) > 0 {
            *of_everybody.entry(termin.fields["anwalt"].to_string()).or_default() += 1;
        } else if frnr(&termin.fields) < 0 {
            computed.insert(termin.fields["text"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(of_everybody.values().sum::<usize>(), 8);
    assert!(of_everybody.keys().all(|name| ["null", r#""""#, r#""ALLE""#, r#""Allgemein""#].contains(&name.as_str())));
    assert_eq!(computed, ["Anfahrt", "Urlaub"].map(String::from).into());
}

#[tokio::test]
async fn the_window_of_a_sync_holds_the_generated_entries() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let calendar = generate_calendar(3, 12, 150, today());
    sim.load(&generate(2, 20).with_calendar(calendar.clone()));
    assert_eq!((sim.advoware().betnrs().len(), sim.advoware().mitarbeiter().len()), (20, 12));
    assert_eq!(sim.advoware().termin_count(), calendar.termine.len());
    let mut office = Office::open().await;
    office.sim = sim;
    office.log_in("1f8fad5b-d9cb-469f-a165-70867728950e").await;
    for who in &calendar.mitarbeiter {
        let seen = office.frnrs(&format!("kuerzel={}&from=2026-09-05&to=2028-10-04", who.kuerzel)).await;
        let own: BTreeSet<i64> = calendar
            .termine
            .iter()
            .filter(|termin| termin.fields.get("sb") == Some(&json!(who.kuerzel)))
            .filter(|termin| !termin.fields["datum"].as_str().unwrap().starts_with("2026-03-29"))
            .map(|termin| frnr(&termin.fields))
            .collect();
        assert_eq!(own.len(), 149, "all but the clock change before the window");
        assert!(own.iter().all(|frnr| seen.contains(frnr)), "{}", who.kuerzel);
        assert!(seen.iter().any(|frnr| *frnr > -400_000 && *frnr < 0), "no preparation");
        assert!(seen.iter().any(|frnr| *frnr <= -900_000), "no leave or travel");
    }
    // What a program wrote it could also have been sent: no generated entry is a bad request.
    for termin in calendar.termine.iter().filter(|termin| frnr(&termin.fields) > 0).take(300) {
        let body = Value::Object(termin.fields.clone());
        assert_eq!(office.put_termin(frnr(&termin.fields), &body).await, 200, "{body}");
    }
}

#[tokio::test]
async fn the_calendar_is_reachable_over_the_control_interface() {
    let office = Office::open().await;
    let send = async |method: Method, path: &str, body: Value| {
        let url = format!("{}{path}", office.sim.addresses().control_url);
        let answer = office.client.request(method, url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json::<Value>().await.unwrap_or_default()
    };
    let size = json!({ "seed": 3, "employees": 2, "appointments_each": 20, "today": "2026-10-05" });
    assert_eq!(send(Method::POST, "seed/calendar", size).await, json!({ "mitarbeiter": 2, "termine": 52 }));
    let seeded = send(Method::POST, "seed/termin", json!({ "frNr": -7, "datum": "2026-12-01" })).await;
    assert_eq!(seeded["frNr"], -7);
    send(Method::POST, "seed/mitarbeiter", json!({ "kuerzel": "QQ", "name": "Quirin Quast" })).await;
    assert_eq!(send(Method::GET, "state/mitarbeiter", json!({})).await.as_array().unwrap().len(), 3);
    assert_eq!(send(Method::GET, "state/termine", json!({})).await.as_array().unwrap().len(), 53);
    assert_eq!(send(Method::GET, "state/termine/-7", json!({})).await["datum"], "2026-12-01");
    let create = json!({ "edit": "termin_create", "fields": simple() });
    let frnr = send(Method::POST, "edits", create).await["frnr"].as_i64().unwrap();
    let change = json!({ "edit": "termin_change", "frnr": frnr, "fields": { "text": "x" } });
    assert_eq!(send(Method::POST, "edits", change).await["frnr"], frnr);
    send(Method::POST, "edits", json!({ "edit": "mitarbeiter_leave", "kuerzel": "QQ" })).await;
    let fault = json!({ "calls": { "operation": "advoware.list_termine" }, "kind": "list_cut", "kept": 0 });
    send(Method::POST, "faults", fault).await;
    assert!(office.frnrs("kuerzel=SB").await.is_empty());
    send(Method::PATCH, "switches/advoware", json!({ "termine": { "change_time": { "digits": 0 } } })).await;
    assert_eq!(office.termin(frnr).await["zuletztGeaendertAm"].as_str().unwrap().len(), 19);
}
