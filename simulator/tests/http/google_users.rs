use serde_json::{Value, json};
use simulator::{Calls, Edit, EditRefused, Moment, Operation};

use crate::google_desk::{Desk, fields, hour, ids, weekly};

fn delete(desk: &Desk, id: &str) -> Edit {
    Edit::GoogleDelete { calendar_id: desk.calendar.clone(), event_id: id.into() }
}

fn set(desk: &Desk, id: &str, change: &Value) -> Edit {
    Edit::GoogleSet { calendar_id: desk.calendar.clone(), event_id: id.into(), fields: fields(change) }
}

fn occurrence(desk: &Desk, start: &str, change: Option<Value>) -> Edit {
    let (calendar_id, event_id, original_start) = (desk.calendar.clone(), "sssss".into(), start.into());
    match change {
        Some(change) => Edit::GoogleChangeOccurrence { calendar_id, event_id, original_start, fields: fields(&change) },
        None => Edit::GoogleCancelOccurrence { calendar_id, event_id, original_start },
    }
}

#[tokio::test]
async fn people_enter_change_move_delete_and_restore() {
    let desk = Desk::open().await;
    let mut event = hour("", "2026-03-02");
    event.as_object_mut().unwrap().remove("id");
    event["attendees"] = json!([{ "email": "gast@example.org" }]);
    let insert = Edit::GoogleInsert { calendar_id: desk.calendar.clone(), event: fields(&event) };
    let id = desk.sim.edit(&insert).unwrap().event_id.unwrap();
    let look = || desk.sim.google().event(&desk.calendar, &id).unwrap();
    let mut etags = vec![look()["etag"].clone()];
    desk.sim.edit(&set(&desk, &id, &json!({ "summary": "Neu" }))).unwrap();
    etags.push(look()["etag"].clone());
    let to_a_day = Edit::GoogleMove {
        calendar_id: desk.calendar.clone(),
        event_id: id.clone(),
        start: json!({ "date": "2026-03-05" }),
        end: json!({ "date": "2026-03-06" }),
    };
    desk.sim.edit(&to_a_day).unwrap();
    etags.push(look()["etag"].clone());
    assert_eq!((&look()["start"], &look()["summary"]), (&json!({ "date": "2026-03-05" }), &json!("Neu")));
    desk.sim.edit(&delete(&desk, &id)).unwrap();
    etags.push(look()["etag"].clone());
    assert_eq!(look()["status"], "cancelled");
    assert_eq!(desk.sim.edit(&delete(&desk, &id)), Err(EditRefused::NoSuchRecord));
    let restore = Edit::GoogleRestore { calendar_id: desk.calendar.clone(), event_id: id.clone() };
    desk.sim.edit(&restore).unwrap();
    etags.push(look()["etag"].clone());
    assert_eq!((&look()["status"], &look()["summary"]), (&json!("confirmed"), &json!("Neu")));
    assert_eq!(desk.sim.edit(&restore), Err(EditRefused::NoSuchRecord));
    let before = etags.len();
    etags.sort_by_key(ToString::to_string);
    etags.dedup();
    assert_eq!(etags.len(), before);
    let refused = desk.sim.edit(&set(&desk, &id, &json!({ "end": { "date": "2026-03-01" } }))).unwrap_err();
    assert!(matches!(refused, EditRefused::Invalid { .. }), "{refused}");
}

#[tokio::test]
async fn people_edit_between_two_calls() {
    let desk = Desk::open().await;
    let made = desk.inserted(hour("aaaaa", "2026-03-02")).await;
    let etag = made["etag"].as_str().unwrap();
    desk.sim.edit_at(
        Moment::after(Calls::to(Operation::GoogleEventGet)),
        set(&desk, "aaaaa", &json!({ "summary": "Neu" })),
    );
    assert_eq!(desk.get("aaaaa").await.json::<Value>().await.unwrap()["etag"], etag);
    let call = desk.events(reqwest::Method::PATCH, "/aaaaa").header("if-match", etag);
    assert_eq!(call.json(&json!({ "summary": "Alt" })).send().await.unwrap().status(), 412);
    assert!(desk.sim.scheduled_outcomes().iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_changed_occurrence_is_an_event_of_its_own() {
    let desk = Desk::open().await;
    let series = desk.inserted(weekly("sssss")).await;
    let moved = json!({ "summary": "Später", "end": { "dateTime": "2026-04-06T12:00:00+02:00" } });
    let id = desk.sim.edit(&occurrence(&desk, "2026-04-06T07:00:00Z", Some(moved))).unwrap().event_id.unwrap();
    assert_eq!(id, "sssss_20260406T070000Z");
    let list = desk.listed(&[]).await;
    assert_eq!(ids(&list), ["sssss", id.as_str()]);
    assert_eq!(list["items"][0], series, "the series itself is untouched");
    let exception = &list["items"][1];
    assert_eq!((&exception["recurringEventId"], &exception["summary"]), (&json!("sssss"), &json!("Später")));
    assert_eq!(exception["originalStartTime"]["dateTime"], "2026-04-06T09:00:00+02:00");
    assert_eq!(exception["end"]["dateTime"], "2026-04-06T12:00:00+02:00");
    assert_eq!(exception["iCalUID"], series["iCalUID"]);
    assert!(exception.get("recurrence").is_none());
    let never = occurrence(&desk, "2026-04-07T07:00:00Z", None);
    assert_eq!(desk.sim.edit(&never), Err(EditRefused::NoSuchRecord), "the series has no such day");
    let empty = json!({ "end": { "dateTime": "2020-01-01T00:00:00Z" } });
    assert!(desk.sim.edit(&occurrence(&desk, "2026-04-13T07:00:00Z", Some(empty))).is_err());
    assert_eq!(desk.sim.google().all_events(&desk.calendar).len(), 2, "a refused change leaves nothing");
}

#[tokio::test]
async fn a_cancelled_occurrence_is_told_bare_while_its_series_lives() {
    let desk = Desk::open().await;
    desk.inserted(weekly("sssss")).await;
    let sync = desk.listed(&[]).await["nextSyncToken"].as_str().unwrap().to_owned();
    let id = desk.sim.edit(&occurrence(&desk, "2026-03-09T08:00:00Z", None)).unwrap().event_id.unwrap();
    for list in [desk.listed(&[]).await, desk.listed(&[("syncToken", &sync)]).await] {
        let items = list["items"].as_array().unwrap();
        let bare = items.iter().find(|event| event["id"] == json!(id)).unwrap();
        assert_eq!((&bare["status"], bare.get("start")), (&json!("cancelled"), None));
        assert_eq!(bare["originalStartTime"]["dateTime"], "2026-03-09T09:00:00+01:00");
    }
    let sync = desk.listed(&[]).await["nextSyncToken"].as_str().unwrap().to_owned();
    desk.sim.edit(&delete(&desk, "sssss")).unwrap();
    assert!(ids(&desk.listed(&[]).await).is_empty(), "no tombstones in a full list");
    assert_eq!(ids(&desk.listed(&[("syncToken", &sync)]).await), ["sssss", id.as_str()]);
}

#[tokio::test]
async fn an_all_day_series_knows_its_days() {
    let desk = Desk::open().await;
    let event = json!({
        "id": "sssss", "start": { "date": "2026-01-31" }, "end": { "date": "2026-02-01" },
        "recurrence": ["RRULE:FREQ=MONTHLY;COUNT=3", "EXDATE;VALUE=DATE:20260331"],
    });
    desk.inserted(event).await;
    for (start, known) in [("2026-02-28", false), ("2026-03-31", false), ("2026-05-31", true), ("2026-07-31", false)] {
        assert_eq!(desk.sim.edit(&occurrence(&desk, start, None)).is_ok(), known, "{start}");
    }
}

#[tokio::test]
async fn an_event_moved_to_another_calendar_is_deleted_in_the_first() {
    let desk = Desk::open().await;
    desk.inserted(weekly("sssss")).await;
    desk.sim.edit(&occurrence(&desk, "2026-03-09T08:00:00Z", None)).unwrap();
    let other = desk.sim.google().seed_calendar("AW-AI", "Europe/Berlin");
    let there = Edit::GoogleMoveToCalendar {
        calendar_id: desk.calendar.clone(),
        event_id: "sssss".into(),
        to_calendar_id: other.clone(),
    };
    desk.sim.edit(&there).unwrap();
    assert!(desk.sim.google().events(&desk.calendar).is_empty());
    assert_eq!(desk.sim.google().event(&desk.calendar, "sssss").unwrap()["status"], "cancelled");
    assert_eq!(desk.sim.google().all_events(&other).len(), 2);
    assert_eq!(desk.sim.google().event(&other, "sssss").unwrap()["organizer"]["email"], json!(other));
    assert_eq!(desk.sim.edit(&there), Err(EditRefused::NoSuchRecord));
}
