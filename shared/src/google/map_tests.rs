//! Events of every shape that Google answers.

use chrono::{NaiveDate, TimeZone, Utc};
use domain::calendar::event::{EventTime, Transparency};
use serde_json::json;

use super::*;

fn read(value: Value) -> Result<GoogleEvent, ErrorKind> {
    event(&wire::object(value).unwrap())
}

fn timed() -> Value {
    json!({
        "kind": "calendar#event", "id": "abcde", "etag": "\"1\"", "status": "confirmed",
        "updated": "2026-03-01T08:00:00.123Z", "summary": "Besprechung", "location": "",
        "start": {"dateTime": "2026-03-02T09:00:00+01:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-03-02T10:00:00+01:00", "timeZone": "Europe/Berlin"},
        "recurrence": ["RRULE:FREQ=WEEKLY"], "transparency": "transparent",
        "extendedProperties": {"private": {"key": "value"}, "shared": {"other": "x"}},
        "attendees": [{"email": "a@example.org"}],
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut event = timed();
    event[name] = value;
    event
}

#[test]
fn an_event_with_times_is_read() {
    let event = read(timed()).unwrap();
    assert_eq!((event.id.as_str(), event.etag.as_deref()), ("abcde", Some("\"1\"")));
    let at = |hour| Some(EventTime::DateTime(Utc.with_ymd_and_hms(2026, 3, 2, hour, 0, 0).unwrap()));
    assert_eq!(
        (event.fields.start, event.fields.end, event.fields.time_zone.as_deref()),
        (at(8), at(9), Some("Europe/Berlin"))
    );
    assert_eq!(
        (event.fields.summary.as_deref(), event.fields.description, event.fields.location),
        (Some("Besprechung"), None, None)
    );
    assert_eq!(event.fields.recurrence, ["RRULE:FREQ=WEEKLY"]);
    assert_eq!(event.fields.transparency, Transparency::Transparent);
    assert_eq!(event.private, BTreeMap::from([("key".to_owned(), "value".to_owned())]));
    assert_eq!(event.fields.updated.unwrap().timestamp_millis(), 1_772_352_000_123);
}

#[test]
fn an_all_day_event_has_dates() {
    let mut day = with("start", json!({"date": "2026-03-02"}));
    day["end"] = json!({"date": "2026-03-03"});
    let event = read(day).unwrap();
    let date = |day| Some(EventTime::Date(NaiveDate::from_ymd_opt(2026, 3, day).unwrap()));
    assert_eq!((event.fields.start, event.fields.end, event.fields.time_zone), (date(2), date(3), None));
}

#[test]
fn c4_of_a_deleted_event_the_id_is_enough() {
    let event = read(json!({"id": "abcde", "status": "cancelled"})).unwrap();
    assert_eq!((event.fields.status, event.etag, event.fields.start), (EventStatus::Cancelled, None, None));
    let occurrence = json!({
        "id": "abcde_20260309T080000Z", "status": "cancelled", "recurringEventId": "abcde",
        "originalStartTime": {"dateTime": "2026-03-09T09:00:00+01:00"},
    });
    let event = read(occurrence).unwrap();
    assert_eq!(event.fields.recurring_event_id.unwrap().as_str(), "abcde");
    assert!(matches!(event.original_start, Some(EventTime::DateTime(_))));
}

#[test]
fn what_cannot_be_read_does_not_look_empty() {
    for (name, value) in [
        ("id", json!(null)),
        ("id", json!("a b")),
        ("etag", json!(null)),
        ("start", json!(null)),
        ("start", json!({})),
        ("start", json!({"dateTime": "2026-03-02T09:00:00"})),
        ("start", json!({"date": "2026-02-30"})),
        ("end", json!("2026-03-02")),
        ("status", json!("unknown")),
        ("summary", json!(7)),
        ("recurrence", json!("RRULE:FREQ=WEEKLY")),
        ("recurrence", json!([7])),
        ("extendedProperties", json!({"private": {"key": 7}})),
    ] {
        assert!(matches!(read(with(name, value.clone())), Err(ErrorKind::Malformed { .. })), "{name}: {value}");
    }
}

#[test]
fn c4_an_unreadable_element_holds_up_no_other_and_is_told_by_its_id() {
    let list = event_list(vec![with("start", json!(null)), json!(7), with("id", json!("other"))], Some("t".into()));
    assert_eq!(list.events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["other"]);
    let told: Vec<_> = list.unreadable.iter().map(|one| (one.id.as_ref().map(EventId::as_str), one.what)).collect();
    assert_eq!(told, [(Some("abcde"), "start is missing"), (None, "no object")]);
    assert_eq!(list.next_sync_token.as_deref(), Some("t"));
}

#[test]
fn of_an_event_on_two_pages_the_later_one_counts() {
    let list = event_list(vec![timed(), with("id", json!("other")), with("etag", json!("\"2\""))], None);
    let told: Vec<_> = list.events.iter().map(|event| (event.id.as_str(), event.etag.as_deref())).collect();
    assert_eq!(told, [("abcde", Some("\"2\"")), ("other", Some("\"1\""))]);
}

#[test]
fn one_event_must_be_the_one_asked_for() {
    let asked = |id| asked_event(timed(), &EventId::parse(id).unwrap());
    assert!(asked("abcde").is_ok());
    assert!(matches!(asked("other"), Err(ErrorKind::Malformed { .. })));
}

#[test]
fn a_rule_makes_owner_only_whom_it_names() {
    let made = |value| rule(value).unwrap().makes_owner("kanzlei@example.org");
    let scope = json!({"type": "user", "value": "Kanzlei@example.org"});
    assert!(made(json!({"role": "owner", "scope": scope})));
    assert!(!made(json!({"role": "writer", "scope": scope})));
    assert!(!made(json!({"role": "owner", "scope": {"type": "default"}})));
    assert!(rule(json!({"role": "owner"})).is_err());
}
