//! Termine and Mitarbeiter of Advoware, against the simulator.

mod writes;

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use domain::ids::{FrNr, Kuerzel};
use serde_json::Value;
use simulator::{ChangeTime, FrnrSpelling, TerminDateShape, TerminSwitches};

use super::*;
use crate::advoware::{AdvoTermin, TerminList, TerminOutcome, TerminRecord};

const DAY: &str = "2026-12-01";
const UNKNOWN: FrNr = FrNr(1);

impl World {
    fn termin_switches(&self, change: impl FnOnce(&mut TerminSwitches)) {
        self.simulator.advoware().switch(|switches| change(&mut switches.termine));
    }

    fn seed_termin(&self, fields: Value) -> FrNr {
        FrNr(self.simulator.advoware().seed_termin(fields))
    }

    fn stored(&self, frnr: FrNr) -> Value {
        self.simulator.advoware().termin(frnr.0).unwrap()
    }

    async fn list(&self) -> Result<TerminList, ApiError> {
        self.advoware.list_termine(&Kuerzel::parse("SB").unwrap(), day(DAY), day(DAY)).await
    }

    async fn get(&self, frnr: FrNr) -> AdvoTermin {
        self.advoware.get_termin(frnr).await.unwrap().unwrap()
    }

    async fn termin_visit(&self) -> Visit {
        self.advoware.visit(Operation::AdvowarePutTermin, 1).await.unwrap()
    }

    async fn post(&self) -> Result<Option<FrNr>, ApiError> {
        let record = TerminRecord::new().datum(day(DAY).into()).text(Some("Termin")).sb(Some("SB")).anwalt(Some("SB"));
        self.termin_visit().await.post_termin(&record).await
    }
}

fn hearing() -> Value {
    json!({
        "datum": DAY, "datumBis": DAY, "uhrzeitVon": "10:00:00", "uhrzeitBis": "11:30:00", "text": "Gerichtstermin",
        "notiz": "Saal 3\r\nEingang B", "ort": "Beispielstadt", "sb": "SB", "anwalt": "SB,AI", "nr": 77, "privat": 1,
    })
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn time(text: &str) -> NaiveTime {
    text.parse().unwrap()
}

fn numbers(list: &TerminList) -> Vec<FrNr> {
    list.termine.iter().map(|termin| termin.frnr).collect()
}

#[tokio::test]
async fn a_window_is_asked_for_by_kuerzel_and_days() {
    let world = World::start().await;
    let inside = world.seed_termin(hearing());
    let everybodys = world.seed_termin(json!({"datum": DAY, "anwalt": "ALLE"}));
    world.seed_termin(json!({"datum": DAY, "anwalt": "AI"}));
    world.seed_termin(json!({"datum": "2026-12-02", "anwalt": "SB"}));
    let list = world.list().await.unwrap();
    assert_eq!((numbers(&list), list.unreadable), (vec![inside, everybodys], Vec::new()));
    let asked = world.simulator.journal().entries().pop().unwrap();
    assert!(asked.path.ends_with("api/v1/advonet/Termine?kuerzel=SB&from=2026-12-01&to=2026-12-01"), "{}", asked.path);
    // What separates in an address stays in its place.
    let odd = Kuerzel::parse("Ä&to=1 #").unwrap();
    assert!(world.advoware.list_termine(&odd, day(DAY), day(DAY)).await.is_ok());
}

#[tokio::test]
async fn every_field_is_read() {
    let world = World::start().await;
    let mut fields = hearing();
    fields["zuletztGeaendertAm"] = json!("2025-10-23T14:18:36.245");
    fields["dauertermin"] = json!(1);
    fields["turnus"] = json!(2);
    fields["turnusArt"] = json!(3);
    fields["special"] = json!(4);
    let frnr = world.seed_termin(fields);
    let read = world.get(frnr).await.fields;
    assert_eq!((read.datum, read.datum_bis), (Some(day(DAY).into()), Some(day(DAY).into())));
    assert_eq!((read.uhrzeit_von, read.uhrzeit_bis), (Some(time("10:00:00")), Some(time("11:30:00"))));
    let texts = [read.text, read.notiz, read.ort, read.sb, read.anwalt].map(Option::unwrap);
    assert_eq!(texts, ["Gerichtstermin", "Saal 3\r\nEingang B", "Beispielstadt", "SB", "SB,AI"]);
    assert_eq!((read.dauertermin, read.privat, read.turnus, read.turnus_art), (true, true, 2, 3));
    assert_eq!(read.nr, 77);
    assert_eq!(read.zuletzt_geaendert_am.unwrap().to_string(), "2025-10-23 14:18:36.245");
}

#[tokio::test]
async fn a_field_that_is_null_and_one_that_is_left_out_read_alike() {
    let world = World::start().await;
    let frnr = world.seed_termin(json!({"datum": DAY}));
    let read = world.get(frnr).await.fields;
    assert_eq!((read.datum_bis, read.uhrzeit_von, read.text.as_deref(), read.dauertermin), (None, None, None, false));
    world.termin_switches(|switches| switches.empty_fields_left_out = true);
    assert_eq!(world.get(frnr).await.fields, read);
}

#[tokio::test]
async fn dates_are_read_in_every_shape_and_the_year_one_is_none() {
    let world = World::start().await;
    let mut frnrs = Vec::new();
    for _ in 0..20 {
        frnrs.extend([world.seed_termin(hearing()), world.seed_termin(json!({"datum": DAY}))]);
    }
    let shapes = [TerminDateShape::AsStored, TerminDateShape::Date, TerminDateShape::DateTime, TerminDateShape::Mixed];
    for (shape, empty_date_is_year_one) in shapes.into_iter().flat_map(|shape| [(shape, false), (shape, true)]) {
        world.simulator.advoware().switch(|switches| {
            switches.termine.date_shape = shape;
            switches.empty_date_is_year_one = empty_date_is_year_one;
        });
        let list = world.list().await.unwrap();
        assert_eq!(numbers(&list), frnrs);
        for termin in list.termine {
            assert_eq!(termin.fields.datum.map(|datum| datum.date()), Some(day(DAY)));
            let last_day = termin.fields.datum_bis.map(|datum| datum.date());
            assert_eq!(last_day, termin.fields.uhrzeit_bis.map(|_| day(DAY)), "{shape:?}");
        }
    }
}

#[tokio::test]
async fn the_change_time_is_read_with_any_number_of_digits_or_missing() {
    let world = World::start().await;
    let frnr = world.seed_termin(hearing());
    let mut seconds = BTreeSet::new();
    for digits in 0..=7 {
        world.termin_switches(|switches| switches.change_time = ChangeTime::Digits(digits));
        let told: NaiveDateTime = world.get(frnr).await.fields.zuletzt_geaendert_am.unwrap();
        seconds.insert(told.and_utc().timestamp());
    }
    assert_eq!(seconds.len(), 1);
    world.termin_switches(|switches| switches.change_time = ChangeTime::Missing);
    assert_eq!(world.get(frnr).await.fields.zuletzt_geaendert_am, None);
}

#[tokio::test]
async fn one_termin_is_asked_for_in_the_spelling_that_filters() {
    let world = World::start().await;
    let frnrs: Vec<FrNr> = (0..3).map(|_| world.seed_termin(hearing())).collect();
    for array_of_one in [false, true] {
        world.termin_switches(|switches| switches.array_of_one = array_of_one);
        assert_eq!(world.get(frnrs[1]).await.frnr, frnrs[1]);
        assert_eq!(world.termin_visit().await.get_termin(frnrs[2]).await.unwrap().unwrap().frnr, frnrs[2]);
    }
    let asked = world.simulator.journal().entries().pop().unwrap();
    assert!(asked.path.ends_with(&format!("/Termine?frnr={}", frnrs[2])), "{}", asked.path);
}

#[tokio::test]
async fn c4_only_what_advoware_does_not_know_reads_as_none() {
    let world = World::start().await;
    let frnr = world.seed_termin(hearing());
    for unknown_is_empty_array in [false, true] {
        world.termin_switches(|switches| switches.unknown_is_empty_array = unknown_is_empty_array);
        assert_eq!(world.advoware.get_termin(UNKNOWN).await, Ok(None));
    }
    let unknown_route = r#"{"Message":"No HTTP resource was found that matches the request URI"}"#;
    let unknown_route = FaultKind::Status { code: 404, retry_after_seconds: None, body: Some(unknown_route.into()) };
    for (fault, kind) in [
        (unknown_route, ErrorKind::WrongAddress),
        (FaultKind::status(500), ErrorKind::ServerFault),
        (FaultKind::status(403), ErrorKind::Forbidden),
        (FaultKind::EmptyBody, ErrorKind::Truncated),
        (FaultKind::NullFrnr, ErrorKind::Malformed { what: "frNr is missing" }),
    ] {
        world.arm(Call::GetTermin, fault.clone());
        assert_eq!(world.advoware.get_termin(frnr).await.unwrap_err().kind, kind, "{fault:?}");
    }
    world.simulator.faults().clear();
    let unreadable = world.seed_termin(json!({"datum": "irgendwann"}));
    let error = world.advoware.get_termin(unreadable).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Malformed { what: "a date of a Termin cannot be read" });
}

#[tokio::test]
async fn c4_an_unreadable_entry_neither_stops_the_list_nor_looks_absent() {
    let world = World::start().await;
    let good = world.seed_termin(hearing());
    let bad = world.seed_termin(json!({"datum": "irgendwann", "anwalt": "SB"}));
    let list = world.list().await.unwrap();
    assert_eq!((numbers(&list), list.unreadable), (vec![good], vec![Some(bad)]));
    world.arm(Call::ListTermine, FaultKind::NullFrnr);
    let list = world.list().await.unwrap();
    assert_eq!((numbers(&list), list.unreadable), (Vec::new(), vec![None, None]));
}

#[tokio::test]
async fn e1_every_fault_of_a_read_is_told_and_repeated_only_where_it_may_pass() {
    let world = World::start().await;
    let frnr = world.seed_termin(hearing());
    let faults = faults().into_iter().filter(|(fault, ..)| !matches!(fault, FaultKind::MissingField { .. }));
    for (fault, kind, sent) in faults {
        world.simulator.journal().clear();
        for call in [Call::ListTermine, Call::GetTermin, Call::ListMitarbeiter] {
            world.simulator.faults().arm(Fault::new(Calls::to(call).always(), fault.clone()));
        }
        let (list, one, who) =
            tokio::join!(world.list(), world.advoware.get_termin(frnr), world.advoware.list_mitarbeiter());
        for error in [list.unwrap_err(), one.unwrap_err(), who.unwrap_err()] {
            assert_eq!((&error.kind, error.outcome_unknown()), (&kind, false), "{error}");
        }
        for call in [Call::ListTermine, Call::GetTermin, Call::ListMitarbeiter] {
            assert_eq!(world.simulator.journal().count(call), sent, "{fault:?}");
        }
        world.simulator.faults().clear();
    }
}

#[tokio::test]
async fn e2_an_error_tells_neither_kuerzel_nor_content() {
    let world = World::start().await;
    world.arm(Call::ListTermine, FaultKind::status(500));
    assert_eq!(
        world.list().await.unwrap_err().to_string(),
        "Advoware list_termine: HTTP 500, fault inside the system: tried again later"
    );
    let record = TerminRecord::new().text(Some("Muster"));
    let error = world.termin_visit().await.post_termin(&record).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::ServerFault, "Advoware's answer to a bad request");
    assert!(!error.to_string().contains("Muster"));
}

#[tokio::test]
async fn employees_are_listed_where_the_setting_says() {
    let mut world = World::start().await;
    for (kuerzel, name) in [("SB", "Svea Beispiel"), ("AI", "Alrun Muster")] {
        world.simulator.advoware().seed_mitarbeiter(kuerzel, name);
    }
    let names = |list: Vec<crate::advoware::Mitarbeiter>| -> Vec<String> {
        list.into_iter().map(|who| format!("{}: {}", who.kuerzel, who.name.unwrap_or_default())).collect()
    };
    let expected = ["AI: Alrun Muster", "SB: Svea Beispiel"];
    assert_eq!(names(world.advoware.list_mitarbeiter().await.unwrap()), expected);
    world.termin_switches(|switches| switches.mitarbeiter_path = "api/v1/advonet/Stammdaten/Benutzer".into());
    assert!(world.advoware.list_mitarbeiter().await.is_err());

    let mut settings = AdvowareSettings::read(&source(&world.simulator, true)).unwrap();
    settings.employees_path = crate::http::ApiPath::parse("/api/v1/advonet/Stammdaten/Benutzer").unwrap();
    world.advoware = Advoware::new(&settings, world.redis.cache().await, Clock::system()).unwrap();
    assert_eq!(names(world.advoware.list_mitarbeiter().await.unwrap()), expected);
    for fault in [FaultKind::NullField { field: "kuerzel".into() }, FaultKind::MissingField { field: "kuerzel".into() }]
    {
        world.arm(Call::ListMitarbeiter, fault);
        let error = world.advoware.list_mitarbeiter().await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Malformed { .. }), "nobody looks departed: {error}");
    }
}
