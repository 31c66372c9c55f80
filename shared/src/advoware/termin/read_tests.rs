use serde_json::{Map, json};

use super::*;

fn read(fields: Value) -> TerminFields {
    let Value::Object(fields) = fields else { panic!("no object") };
    raw(&Fields(fields)).unwrap()
}

fn refused(name: &str, value: Value) -> &'static str {
    raw(&Fields(Map::from_iter([(name.to_owned(), value)]))).unwrap_err()
}

fn one_of(answer: Value) -> Result<Option<FrNr>, ErrorKind> {
    one(answer, FrNr(7)).map(|found| found.map(|termin| termin.frnr))
}

#[test]
fn dates_are_read_in_both_spellings_and_the_year_one_is_none() {
    let date = |value: Value| read(json!({"datum": value, "datumBis": value}));
    for (text, expected) in [
        ("2026-12-01", "2026-12-01 00:00:00"),
        ("2026-12-01T00:00:00", "2026-12-01 00:00:00"),
        ("2026-12-01T14:15:16", "2026-12-01 14:15:16"),
        ("2026-12-01T14:15:16.000", "2026-12-01 14:15:16"),
    ] {
        let read = date(json!(text));
        assert_eq!(read.datum.unwrap().to_string(), expected);
        assert_eq!(read.datum_bis, read.datum);
    }
    for empty in [json!(null), json!(""), json!(" "), json!("0001-01-01T00:00:00"), json!("0001-01-01")] {
        assert_eq!(date(empty.clone()).datum, None, "{empty}");
    }
    for bad in
        [json!("irgendwann"), json!("1.12.2026"), json!("2026-02-30"), json!("2026-12-01 10:00"), json!(20_261_201)]
    {
        assert!(refused("datumBis", bad.clone()).starts_with("a date"), "{bad}");
    }
}

#[test]
fn times_are_read_and_what_is_none_does_not_look_missing() {
    let times = read(json!({"uhrzeitVon": "09:05:00", "uhrzeitBis": "00:00:00"}));
    assert_eq!((times.uhrzeit_von, times.uhrzeit_bis), (NaiveTime::from_hms_opt(9, 5, 0), Some(NaiveTime::MIN)));
    let none = read(json!({"uhrzeitVon": "", "uhrzeitBis": null}));
    assert_eq!((none.uhrzeit_von, none.uhrzeit_bis), (None, None));
    for bad in [json!("10 Uhr"), json!("24:00:00"), json!("25:00:00"), json!(10), json!({})] {
        assert!(refused("uhrzeitBis", bad.clone()).contains("time"), "{bad}");
    }
}

#[test]
fn switches_and_numbers_are_read_in_every_spelling() {
    for on in [json!(1), json!(true), json!("1")] {
        let read = read(json!({"dauertermin": on, "privat": on}));
        assert!(read.dauertermin && read.privat, "{on}");
    }
    for off in [json!(0), json!(false), json!("0"), json!(""), json!(null)] {
        let read = read(json!({"dauertermin": off, "privat": off}));
        assert!(!read.dauertermin && !read.privat, "{off}");
    }
    let numbers = read(json!({"turnus": "2", "turnusArt": 3, "nr": "77"}));
    assert_eq!((numbers.turnus, numbers.turnus_art, numbers.nr), (2, 3, 77));
    assert_eq!(read(json!({})), TerminFields::default());
}

#[test]
fn c10_what_may_be_private_does_not_look_public() {
    for name in ["privat", "dauertermin", "turnus", "turnusArt", "nr"] {
        for bad in [json!("ja"), json!(1.5), json!([1]), json!({})] {
            assert_eq!(refused(name, bad.clone()), "a number of a Termin is none", "{name} {bad}");
        }
    }
    assert_eq!(refused("turnus", json!(-1)), "turnus or turnusArt is out of range");
    assert_eq!(refused("turnusArt", json!(5_000_000_000_i64)), "turnus or turnusArt is out of range");
}

#[test]
fn texts_are_read_as_they_are() {
    let texts = read(json!({"text": " a ", "notiz": "1\r\n2", "ort": "", "sb": null, "anwalt": 12}));
    assert_eq!((texts.text.as_deref(), texts.notiz.as_deref()), (Some(" a "), Some("1\r\n2")));
    assert_eq!((texts.ort, texts.sb, texts.anwalt.as_deref()), (None, None, Some("12")));
    for name in ["text", "notiz", "ort", "sb", "anwalt"] {
        assert_eq!(refused(name, json!(["a"])), "a text of a Termin is none");
    }
}

#[test]
fn the_change_time_has_any_number_of_digits_and_is_a_hint_only() {
    let told = |text: &str| read(json!({"zuletztGeaendertAm": text})).zuletzt_geaendert_am.map(|at| at.to_string());
    assert_eq!(told("2025-10-23T14:18:36").as_deref(), Some("2025-10-23 14:18:36"));
    for digits in 1..=9 {
        let text = format!("2025-10-23T14:18:36.{}", "5".repeat(digits));
        assert!(told(&text).unwrap().starts_with("2025-10-23 14:18:36.5"), "{text}");
    }
    for none in ["", "gestern", "0001-01-01T00:00:00"] {
        assert_eq!(told(none), None);
    }
    assert_eq!(read(json!({"zuletztGeaendertAm": 5})).zuletzt_geaendert_am, None);
}

#[test]
fn c4_an_unreadable_entry_neither_stops_the_list_nor_looks_absent() {
    let good = |frnr: i64| json!({"frNr": frnr, "datum": "2026-12-01"});
    let answer = json!([
        good(9), {"frnr": "5", "datum": "x"}, null, {"datum": "2026-12-01"}, good(-3), {"frNr": 0}, good(9),
        {"frNr": 6, "text": "a"}, {"frNr": 6, "text": "b"}, {"frNr": 6, "text": "a"}
    ]);
    let list = list(answer).unwrap();
    assert_eq!(list.termine.iter().map(|termin| termin.frnr.0).collect::<Vec<_>>(), [-3, 9]);
    assert_eq!(list.unreadable, [None, None, None, Some(FrNr(5)), Some(FrNr(6))]);
}

#[test]
fn c4_what_is_no_list_is_no_empty_list() {
    for answer in [json!(null), json!({}), json!({"frNr": 7}), json!("")] {
        assert_eq!(list(answer), Err(ErrorKind::Malformed { what: "the list of Termine is no array" }));
    }
    assert_eq!(list(json!([])), Ok(TerminList::default()));
}

#[test]
fn c4_only_an_empty_answer_means_that_a_number_is_unknown() {
    assert_eq!(one_of(json!({"frNr": 7})), Ok(Some(FrNr(7))));
    assert_eq!(one_of(json!([{"frnr": "7"}])), Ok(Some(FrNr(7))));
    for unknown in [json!(null), json!([])] {
        assert_eq!(one_of(unknown), Ok(None));
    }
    for (odd, what) in [
        (json!({}), "frNr is missing"),
        (json!([null]), "an array instead of one object"),
        (json!({"frNr": 8}), "frNr is not the one asked for"),
        (json!([{"frNr": 7}, {"frNr": 8}]), "an array instead of one object"),
        (json!({"frNr": 7, "datum": "x"}), "a date of a Termin cannot be read"),
        (json!("7"), "no object"),
    ] {
        assert_eq!(one_of(odd), Err(ErrorKind::Malformed { what }));
    }
}

#[test]
fn c3_a_created_termin_tells_its_number_in_any_spelling_or_not_at_all() {
    for told in [json!({"frnr": 7}), json!({"frNr": 7}), json!([{"frnr": "7"}])] {
        assert_eq!(new_frnr(told), Ok(Some(FrNr(7))));
    }
    for silent in [json!(null), json!({"frnr": null}), json!({}), json!({"frnr": 0}), json!({"frnr": -7})] {
        assert_eq!(new_frnr(silent), Ok(None));
    }
    assert!(new_frnr(json!("angelegt")).is_err());
}

#[test]
fn e2_debug_output_holds_no_text() {
    let answer =
        json!({"frNr": 7, "text": "Muster", "notiz": "Muster", "ort": "Muster", "sb": "Muster", "anwalt": "Muster"});
    let termin = one(answer, FrNr(7)).unwrap().unwrap();
    assert!(!format!("{termin:?}").contains("Muster"));
}
