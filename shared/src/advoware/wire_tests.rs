use domain::ids::{BetNr, FrNr};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::advoware::mitarbeiter::MitarbeiterList;
use crate::advoware::termin;

fn kommunikation() -> Value {
    json!({"id": 7, "betNr": 104_860, "rowId": "A".repeat(40), "kommArt": 1, "kommKz": 0, "tlf": "0511/12 34-56",
           "bemerkung": null, "online": false, "future": {"x": 1}})
}

fn with(change: impl FnOnce(&mut Map<String, Value>)) -> Value {
    let mut element = kommunikation();
    change(element.as_object_mut().unwrap());
    json!({"betNr": 104_860, "kommunikation": [element]})
}

fn what(answer: Value) -> &'static str {
    match Beteiligte::read(answer) {
        Err(ErrorKind::Malformed { what }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_object_and_an_array_of_one_read_alike() {
    let object = with(|_| ());
    for answer in [object.clone(), json!([object])] {
        let read = Beteiligte::read(answer).unwrap();
        assert_eq!(read.record.bet_nr(), Some(BetNr(104_860)));
        assert_eq!(read.kommunikation[0].tlf, "0511/12 34-56");
    }
}

#[test]
fn null_and_absent_texts_and_numbers_as_texts_are_read() {
    let read = |answer| Beteiligte::read(answer).unwrap().kommunikation.remove(0);
    let bare = read(with(|k| {
        for key in ["kommKz", "tlf", "bemerkung", "online"] {
            k.remove(key);
        }
    }));
    assert_eq!((bare.komm_kz, bare.tlf.as_str(), bare.bemerkung, bare.online), (0, "", None, false));
    let texts = read(with(|k| {
        k.insert("id".into(), json!("7"));
        k.insert("kommKz".into(), json!("3"));
        k.insert("tlf".into(), Value::Null);
        k.insert("online".into(), json!(1));
    }));
    assert_eq!((texts.id, texts.komm_kz, texts.tlf.as_str(), texts.online), (7, 3, "", true));
}

#[test]
fn k1a_an_incomplete_answer_is_never_taken_for_a_deletion() {
    assert_eq!(what(json!({"betNr": 1})), "kommunikation is missing");
    assert_eq!(what(json!({"betNr": 1, "kommunikation": null})), "kommunikation is missing");
    assert_eq!(what(json!({"betNr": 1, "kommunikation": {}})), "kommunikation is no array");
    assert_eq!(what(with(|k| drop(k.remove("id")))), "kommunikation: id is missing");
    assert_eq!(what(with(|k| drop(k.remove("rowId")))), "kommunikation: rowId is missing");
    assert_eq!(what(json!({"betNr": 1, "kommunikation": [null]})), "kommunikation: an element is no object");
    assert_eq!(what(json!({"kommunikation": [kommunikation(), kommunikation()]})), "kommunikation holds one id twice");
    assert_eq!(what(json!([])), "an empty array instead of one object");
    assert_eq!(what(json!([with(|_| ()), with(|_| ())])), "an array instead of one object");
    assert_eq!(what(json!("text")), "no object");
}

#[test]
fn a_write_sends_the_four_fields_that_advoware_takes() {
    let write = KommunikationWrite { tlf: "x".into(), bemerkung: None, komm_kz: 0, online: true };
    assert_eq!(
        serde_json::to_value(&write).unwrap(),
        json!({"tlf": "x", "bemerkung": null, "kommKz": 0, "online": true})
    );
}

#[test]
fn an_answer_without_id_does_not_tell_what_was_written() {
    let answer = KommunikationAnswer::read(json!({"id": 9, "rowId": "B", "kommKz": 4})).unwrap();
    assert_eq!(answer, KommunikationAnswer { id: KommId(9), row_id: Some(RowId("B".into())) });
    assert!(KommunikationAnswer::read(json!({"id": null})).is_err());
    assert!(KommunikationAnswer::read(Value::Null).is_err());
}

#[test]
fn the_connector_goes_before_the_relay() {
    let address = |answer| api_address(answer).unwrap();
    assert_eq!(address(json!({"relayUrl": "https://r/", "connectorUrl": "https://c/"})), "https://c/");
    assert_eq!(address(json!({"relayUrl": "https://r/", "connectorUrl": null})), "https://r/");
    assert!(api_address(json!({"connectorUrl": ""})).is_err());
}

#[test]
fn the_gateways_texts_are_told_apart() {
    let of = |text: &str| refusal_in(text.as_bytes());
    assert_eq!(of("{\"Message\":\"Das Produkt ist nicht freigeschaltet.\"}"), Some(Refusal::NotEnabled));
    assert_eq!(of("Benutzer SB ist nicht angemeldet"), Some(Refusal::NotLoggedOn));
    assert_eq!(of("Kanzlei X ist nicht registriert"), Some(Refusal::NotRegistered));
    assert_eq!(of("Falscher Name oder falsches Kennwort"), Some(Refusal::WrongPassword));
    assert_eq!(of("Internal Server Error"), None);
}

#[test]
fn a_wrong_address_is_told_from_a_missing_record() {
    assert!(is_unknown_route(b"{\"Message\":\"No HTTP resource was found that matches the request URI\"}"));
    assert!(is_unknown_route(b"\r\n<html>404</html>"));
    assert!(!is_unknown_route(b"{\"Message\":\"Not Found\"}"));
    assert!(!is_unknown_route(b""));
}

/// Any JSON, with the keys that matter turning up often.
fn any_json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        Just("kommunikation".to_owned()),
        Just("id".to_owned()),
        Just("betNr".to_owned()),
        Just("rowId".to_owned()),
        Just("tlf".to_owned()),
        Just("kommKz".to_owned()),
        Just("frNr".to_owned()),
        Just("datum".to_owned()),
        Just("kuerzel".to_owned()),
        ".{0,4}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_reading_panic(answer in any_json()) {
        let _ = Beteiligte::read(answer.clone());
        let _ = KommunikationAnswer::read(answer.clone());
        let _ = termin::list(answer.clone());
        let _ = termin::one(answer.clone(), FrNr(0));
        let _ = termin::new_frnr(answer.clone());
        let _ = MitarbeiterList::read(answer.clone());
        let _ = api_address(answer);
    }
}
