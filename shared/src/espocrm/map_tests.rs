use proptest::prelude::*;
use serde_json::json;

use super::*;

const ID: &str = "68e3e7eab49f09adb";

fn record(changes: &Value) -> Value {
    let mut record = json!({
        "id": ID, "name": "x", "deleted": false, "versionNumber": 3, "modifiedAt": "2026-11-21 08:00:00",
        "emailAddressData": [], "phoneNumberData": [], "betnr": 104_860, "syncStatus": "dirty",
        "lastName": "x", "firstName": null, "firmenname": null, "salutationName": null, "dateOfBirth": null,
        "rechtsform": null, "handelsregisterNummer": null, "handelsregisterArt": null,
    });
    for (key, value) in changes.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

fn read(changes: &Value) -> Result<EspoBeteiligte, ErrorKind> {
    beteiligte(record(changes), &EspoId::parse(ID).unwrap())
}

#[test]
fn a_record_is_read_with_every_field() {
    let read = read(&json!({
        "emailAddressData": [
            {"emailAddress": "A@example.com", "lower": "a@example.com", "primary": true, "optOut": true, "invalid": false},
        ],
        "phoneNumberData": [
            {"phoneNumber": "+49511123456", "type": "Office", "primary": true, "optOut": false, "invalid": true},
            {"phoneNumber": "+49511123457", "type": null},
        ],
        "syncRetryCount": 2, "syncNextRetry": "2026-11-21 09:00:00", "advowareLastSync": "2026-11-20 09:00:00",
        "advowareRowId": "R", "kommunikationHash": "df2de7fd69a9a442",
    }))
    .unwrap();
    let mail = EspoMail { address: "A@example.com".into(), primary: true, opt_out: true, invalid: false };
    assert_eq!(read.view.mails, [mail]);
    assert_eq!(read.view.phones[0].phone_type.as_deref(), Some("Office"));
    assert!(read.view.phones[0].invalid);
    assert_eq!(read.view.phones[1].phone_type, None);
    assert_eq!(read.view.stored_hash.as_deref(), Some("df2de7fd69a9a442"));
    assert_eq!(read.betnr, Some(BetNr(104_860)));
    assert_eq!(read.sync_status, Some(SyncStatus::Dirty));
    assert_eq!((read.sync_retry_count, read.version_number), (2, Some(3)));
    assert_eq!(read.sync_next_retry.unwrap().to_rfc3339(), "2026-11-21T09:00:00+00:00");
    assert_eq!(read.advoware_row_id, Some(RowId("R".into())));
}

#[test]
fn empty_fields_are_read_as_none() {
    let read = read(&json!({
        "betnr": 0, "syncStatus": "whatever", "syncRetryCount": null, "versionNumber": null, "modifiedAt": null,
        "kommunikationHash": "", "emailAddressData": [{"emailAddress": ""}],
    }))
    .unwrap();
    assert_eq!((read.betnr, read.sync_status, read.sync_retry_count), (None, None, 0));
    assert_eq!((read.version_number, read.modified_at, read.view), (None, None, EspoView::default()));
}

#[test]
fn an_incomplete_answer_is_never_taken_for_a_deletion() {
    for change in [
        json!({"emailAddressData": null}),
        json!({"phoneNumberData": null}),
        json!({"phoneNumberData": {}}),
        json!({"firstName": {}}),
        json!({"dateOfBirth": ["1970-01-01"]}),
        json!({"emailAddressData": [null]}),
        json!({"phoneNumberData": [{"type": "Office"}]}),
        json!({"id": "anotherone"}),
        json!({"syncNextRetry": "tomorrow"}),
    ] {
        assert!(matches!(read(&change), Err(ErrorKind::Malformed { .. })), "{change}");
    }
    assert!(beteiligte(json!([]), &EspoId::parse(ID).unwrap()).is_err());
}

#[test]
fn stammdaten_are_read_as_they_are_and_none_may_be_missing() {
    let changes =
        json!({"lastName": " Muster", "firstName": "", "dateOfBirth": "1970-01-01", "handelsregisterNummer": 7});
    let read = read(&changes).unwrap().stammdaten.into_iter().collect::<Vec<_>>();
    let text = str::to_owned;
    let expected =
        [("dateOfBirth", text("1970-01-01")), ("handelsregisterNummer", text("7")), ("lastName", text(" Muster"))];
    assert_eq!(read, expected);
    let names = super::super::wire::STAMMDATEN.map(|(name, _)| name);
    assert_eq!(names, domain::beteiligte::stammdaten::ESPOCRM_FIELDS);
    for (name, what) in super::super::wire::STAMMDATEN {
        let mut answer = record(&json!({}));
        answer.as_object_mut().unwrap().remove(name);
        let error = beteiligte(answer, &EspoId::parse(ID).unwrap()).unwrap_err();
        assert_eq!(error, ErrorKind::Malformed { what });
        assert!(what.starts_with(name), "{what}");
    }
}

#[test]
fn an_unreadable_element_of_a_list_is_none() {
    assert_eq!(listed(record(&json!({}))).unwrap().id.as_str(), ID);
    for element in [json!(null), json!({}), json!({"id": "../x"}), record(&json!({"modifiedAt": "?"}))] {
        assert_eq!(listed(element.clone()), None, "{element}");
    }
}

proptest! {
    #[test]
    fn no_json_makes_reading_panic(
        value in prop_oneof![
            Just(json!(null)), Just(json!([])), Just(json!({})), Just(json!([{}])), Just(json!([[]])), Just(json!(-1)),
            ".{0,30}".prop_map(Value::from), any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(|text| json!([{"emailAddress": text, "phoneNumber": text, "type": 5}])),
        ],
        key in prop::sample::select(vec![
            "id", "deleted", "versionNumber", "modifiedAt", "emailAddressData", "phoneNumberData", "betnr", "syncStatus",
            "syncRetryCount", "syncNextRetry", "lastName", "dateOfBirth",
        ]),
    ) {
        let _ = listed(value.clone());
        let _ = super::super::wire::list(value.clone());
        let mut changes = serde_json::Map::new();
        changes.insert(key.to_owned(), value);
        let _ = read(&Value::Object(changes));
    }
}
