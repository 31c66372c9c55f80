use reqwest::Method;
use serde_json::{Value, json};

use crate::google_desk::{Desk, hour, refused, weekly};

#[tokio::test]
async fn an_id_is_the_clients_and_taken_for_ever() {
    let desk = Desk::open().await;
    let made = desk.inserted(hour("v0a9b", "2026-03-02")).await;
    assert_eq!((&made["id"], &made["status"]), (&json!("v0a9b"), &json!("confirmed")));
    assert_eq!(made["organizer"]["email"], json!(desk.calendar));
    assert_eq!(made["iCalUID"], "v0a9b@google.com");
    let again = desk.insert(hour("v0a9b", "2026-03-03")).await;
    assert_eq!(refused(again).await, (409, "duplicate".to_owned()));
    assert_eq!(desk.delete("v0a9b").await.status(), 204);
    let deleted = desk.insert(hour("v0a9b", "2026-03-03")).await;
    assert_eq!(refused(deleted).await, (409, "duplicate".to_owned()));
    let long = "a".repeat(1024);
    assert_eq!(desk.insert(hour(&long, "2026-03-02")).await.status(), 200);
    let too_long = "a".repeat(1025);
    for bad in ["abcd", "", "abcdw", "Abcde", "abc-de", "abc_de", &too_long] {
        assert_eq!(refused(desk.insert(hour(bad, "2026-03-02")).await).await, (400, "invalid".to_owned()), "{bad}");
    }
    let mut nameless = hour("", "2026-03-02");
    nameless.as_object_mut().unwrap().remove("id");
    assert!(desk.inserted(nameless).await["id"].as_str().unwrap().len() >= 5);
}

#[tokio::test]
async fn etag_and_change_time_move_with_every_write() {
    let desk = Desk::open().await;
    let mut seen = vec![desk.inserted(hour("aaaaa", "2026-03-02")).await];
    for number in 0..5 {
        seen.push(desk.patched("aaaaa", json!({ "summary": format!("{number}") })).await);
    }
    let whole = hour("aaaaa", "2026-03-03");
    seen.push(desk.events(Method::PUT, "/aaaaa").json(&whole).send().await.unwrap().json().await.unwrap());
    for pair in seen.windows(2) {
        assert_ne!(pair[0]["etag"], pair[1]["etag"]);
        assert!(pair[0]["updated"].as_str() < pair[1]["updated"].as_str());
    }
    let last = seen.pop().unwrap();
    assert_eq!(desk.get("aaaaa").await.json::<Value>().await.unwrap(), last);
    let reminded = json!({ "reminders": { "useDefault": false, "overrides": [{ "method": "popup", "minutes": 5 }] } });
    let reminded = desk.patched("aaaaa", reminded).await;
    assert_eq!(reminded["updated"], last["updated"], "reminders alone are no main data");
    assert_ne!(reminded["etag"], last["etag"]);
}

#[tokio::test]
async fn a_condition_must_be_met() {
    let desk = Desk::open().await;
    let old = desk.inserted(hour("aaaaa", "2026-03-02")).await["etag"].as_str().unwrap().to_owned();
    let new = desk.patched("aaaaa", json!({ "summary": "Neu" })).await["etag"].as_str().unwrap().to_owned();
    let send = async |method: Method, etag: &str| {
        let call = desk.events(method, "/aaaaa").header("if-match", etag);
        call.json(&hour("aaaaa", "2026-03-02")).send().await.unwrap()
    };
    for method in [Method::PATCH, Method::PUT, Method::DELETE] {
        assert_eq!(refused(send(method, &old).await).await, (412, "conditionNotMet".to_owned()));
    }
    assert_eq!(desk.sim.google().event(&desk.calendar, "aaaaa").unwrap()["summary"], "Neu");
    let entry = desk.sim.journal().entries().pop().unwrap();
    assert_eq!((entry.if_match.as_deref(), entry.applied), (Some(old.as_str()), false));
    let unchanged = desk.events(Method::GET, "/aaaaa").header("if-none-match", &new).send().await.unwrap();
    assert_eq!(unchanged.status(), 304);
    assert_eq!(send(Method::PATCH, &new).await.status(), 200);
    assert_eq!(send(Method::PUT, "*").await.status(), 200);
    let current = desk.get("aaaaa").await.json::<Value>().await.unwrap()["etag"].as_str().unwrap().to_owned();
    assert_eq!(send(Method::DELETE, &current).await.status(), 204);
}

#[tokio::test]
async fn a_patch_merges_objects_and_null_removes() {
    let desk = Desk::open().await;
    let mut event = hour("aaaaa", "2026-03-02");
    event["extendedProperties"] = json!({ "private": { "one": "1", "two": "2" } });
    event["location"] = json!("Hannover");
    event["colorId"] = json!("7");
    event["eventLabelId"] = json!("unknown to older clients");
    event["futureThing"] = json!({ "kept": [1, null] });
    desk.inserted(event).await;
    let patch = json!({
        "extendedProperties": { "private": { "two": null, "three": "3" } }, "location": null, "summary": "Neu",
    });
    let after = desk.patched("aaaaa", patch).await;
    assert_eq!(after["extendedProperties"], json!({ "private": { "one": "1", "three": "3" } }));
    assert!(after.get("location").is_none());
    assert_eq!((&after["summary"], &after["colorId"]), (&json!("Neu"), &json!("7")));
    assert_eq!(after["eventLabelId"], "unknown to older clients");
    assert_eq!(after["futureThing"], json!({ "kept": [1, null] }));
    let put = desk.events(Method::PUT, "/aaaaa").json(&hour("bbbbb", "2026-03-02")).send().await.unwrap();
    let put: Value = put.json().await.unwrap();
    assert_eq!(put["id"], "aaaaa", "the path names it");
    assert!(["extendedProperties", "colorId", "futureThing"].iter().all(|name| put.get(*name).is_none()), "{put}");
}

#[tokio::test]
async fn deleting_is_told_once_and_the_rest_is_not_found() {
    let desk = Desk::open().await;
    desk.inserted(hour("aaaaa", "2026-03-02")).await;
    assert_eq!(desk.delete("aaaaa").await.status(), 204);
    assert_eq!(refused(desk.delete("aaaaa").await).await, (410, "deleted".to_owned()));
    let tomb: Value = desk.get("aaaaa").await.json().await.unwrap();
    assert_eq!((&tomb["status"], tomb.get("start")), (&json!("cancelled"), None));
    desk.sim.google().switch(|switches| switches.bare_tombstones = false);
    let shown: Value = desk.get("aaaaa").await.json().await.unwrap();
    assert_eq!((&shown["status"], &shown["summary"]), (&json!("cancelled"), &json!("Besprechung")));
    for answer in
        [desk.get("bbbbb").await, desk.patch("bbbbb", json!({ "summary": "x" })).await, desk.delete("bbbbb").await]
    {
        assert_eq!(refused(answer).await, (404, "notFound".to_owned()));
    }
}

#[tokio::test]
async fn a_deleted_event_comes_back_where_the_switch_lets_it() {
    let desk = Desk::open().await;
    desk.inserted(hour("aaaaa", "2026-03-02")).await;
    desk.delete("aaaaa").await;
    desk.sim.google().switch(|switches| switches.deleted_revivable = false);
    assert_eq!(desk.patch("aaaaa", json!({ "status": "confirmed" })).await.status(), 410);
    desk.sim.google().switch(|switches| switches.deleted_revivable = true);
    let back = desk.patched("aaaaa", json!({ "status": "confirmed" })).await;
    assert_eq!(back["summary"], "Besprechung");
    assert_eq!(desk.sim.google().events(&desk.calendar).len(), 1);
}

#[tokio::test]
async fn a_given_offset_is_an_instant_and_is_answered_in_the_calendars_zone() {
    let desk = Desk::open().await;
    let times = |start: Value, end: Value| json!({ "start": start, "end": end });
    let event =
        times(json!({ "dateTime": "2026-07-01T10:00:00Z" }), json!({ "dateTime": "2026-07-01T07:30:00.5-04:00" }));
    let made = desk.inserted(event).await;
    assert_eq!(made["start"], json!({ "dateTime": "2026-07-01T12:00:00+02:00", "timeZone": "Europe/Berlin" }));
    assert_eq!(made["end"]["dateTime"], "2026-07-01T13:30:00+02:00");
    let abroad = json!({ "dateTime": "2026-01-05T09:00:00", "timeZone": "America/New_York" });
    let later = json!({ "dateTime": "2026-01-05T10:00:00", "timeZone": "America/New_York" });
    let made = desk.inserted(times(abroad, later)).await;
    assert_eq!(made["start"], json!({ "dateTime": "2026-01-05T15:00:00+01:00", "timeZone": "America/New_York" }));
    let path = format!("/{}?timeZone=UTC", made["id"].as_str().unwrap());
    let utc: Value = desk.events(Method::GET, &path).send().await.unwrap().json().await.unwrap();
    assert_eq!(utc["start"]["dateTime"], "2026-01-05T14:00:00Z");
    let zoneless = json!({ "dateTime": "2026-01-05T09:00:00" });
    let answer = desk.insert(times(zoneless.clone(), zoneless)).await;
    assert_eq!(refused(answer).await, (400, "required".to_owned()));
}

#[tokio::test]
async fn all_day_ends_are_exclusive_and_kinds_do_not_mix() {
    let desk = Desk::open().await;
    let day = |start: &str, end: &str| json!({ "start": { "date": start }, "end": { "date": end } });
    let made = desk.inserted(day("2026-03-03", "2026-03-04")).await;
    assert_eq!((&made["start"], &made["end"]), (&json!({ "date": "2026-03-03" }), &json!({ "date": "2026-03-04" })));
    let empty = desk.insert(day("2026-03-03", "2026-03-03")).await;
    assert_eq!(refused(empty).await, (400, "timeRangeEmpty".to_owned()));
    let id = made["id"].as_str().unwrap();
    let at = json!({ "dateTime": "2026-03-03T09:00:00+01:00" });
    assert_eq!(refused(desk.patch(id, json!({ "start": at })).await).await.0, 400, "date and date-time at once");
    let mixed = json!({ "start": { "date": null, "dateTime": "2026-03-03T09:00:00+01:00" } });
    assert_eq!(desk.patch(id, mixed).await.status(), 400, "the end is still a date");
    for bad in [day("2026-02-30", "2026-03-04"), day("3.3.2026", "2026-03-04"), json!({ "summary": "x" }), json!([])] {
        assert_eq!(desk.insert(bad.clone()).await.status(), 400, "{bad}");
    }
}

#[tokio::test]
async fn a_series_needs_a_zone_and_a_rule_that_is_one() {
    let desk = Desk::open().await;
    let made = desk.inserted(weekly("aaaaa")).await;
    assert_eq!(made["recurrence"], json!(["RRULE:FREQ=WEEKLY;INTERVAL=1;UNTIL=20260430T215959Z"]));
    desk.sim.google().switch(|switches| switches.rules_reordered = true);
    let made = desk.inserted(weekly("bbbbb")).await;
    assert_eq!(made["recurrence"], json!(["RRULE:FREQ=WEEKLY;UNTIL=20260430T215959Z;INTERVAL=1"]));
    let mut zoneless = weekly("ccccc");
    zoneless["start"] = json!({ "dateTime": "2026-03-02T09:00:00+01:00" });
    assert_eq!(refused(desk.insert(zoneless).await).await, (400, "required".to_owned()));
    for bad in [
        "FREQ=DAILY",
        "DTSTART:20260302T080000Z",
        "RRULE:INTERVAL=1",
        "RRULE:FREQ=SOMETIMES",
        "RRULE:FREQ=DAILY;INTERVAL=0",
        "RRULE:FREQ=DAILY;COUNT=2;UNTIL=20260430",
        "RRULE:FREQ=DAILY;UNTIL=tomorrow",
    ] {
        let mut event = weekly("ddddd");
        event["recurrence"] = json!([bad]);
        assert_eq!(refused(desk.insert(event).await).await, (400, "invalid".to_owned()), "{bad}");
    }
}

#[tokio::test]
async fn extended_properties_are_cut_silently() {
    let desk = Desk::open().await;
    let mut event = hour("aaaaa", "2026-03-02");
    let (fits, long) = ("k".repeat(44), "k".repeat(45));
    event["extendedProperties"] = json!({ "private": { fits.clone(): "ü".repeat(1025), long.clone(): "x" } });
    let made = desk.inserted(event).await;
    let private = made["extendedProperties"]["private"].as_object().unwrap();
    assert_eq!(private.keys().collect::<Vec<_>>(), [&fits]);
    assert_eq!(private[&fits].as_str().unwrap().chars().count(), 1024);
}

#[tokio::test]
async fn a_service_account_invites_nobody() {
    let desk = Desk::open().await;
    let guests = json!([{ "email": "gast@example.org" }]);
    let mut event = hour("aaaaa", "2026-03-02");
    event["attendees"] = guests.clone();
    let answer = desk.insert(event.clone()).await;
    assert_eq!(refused(answer).await, (403, "forbiddenForServiceAccounts".to_owned()));
    desk.sim.google().seed(&desk.calendar, event).unwrap();
    let after = desk.patched("aaaaa", json!({ "summary": "Neu" })).await;
    assert_eq!(after["attendees"], guests, "those a person invited stay");
    assert_eq!(desk.patch("aaaaa", json!({ "attendees": [{ "email": "b@example.org" }] })).await.status(), 403);
}

#[tokio::test]
async fn what_goes_without_saying_is_not_said() {
    let desk = Desk::open().await;
    let mut event = hour("aaaaa", "2026-03-02");
    event["transparency"] = json!("opaque");
    event["description"] = json!("");
    event["conferenceData"] = json!({ "conferenceId": "x" });
    let made = desk.inserted(event).await;
    assert!(["transparency", "description", "conferenceData"].iter().all(|name| made.get(*name).is_none()), "{made}");
    for bad in [json!({ "summary": 7 }), json!({ "status": "maybe" }), json!({ "transparency": true })] {
        assert_eq!(refused(desk.patch("aaaaa", bad.clone()).await).await, (400, "invalid".to_owned()), "{bad}");
    }
    let behind = json!({ "sequence": -1 });
    assert_eq!(desk.patch("aaaaa", behind).await.status(), 400);
    let text = desk.events(Method::POST, "").body("{").send().await.unwrap();
    assert_eq!(refused(text).await, (400, "parseError".to_owned()));
}

#[tokio::test]
async fn the_journal_tells_whom_google_was_to_tell() {
    let desk = Desk::open().await;
    let call = desk.events(Method::POST, "").query(&[("sendUpdates", "none")]).json(&hour("aaaaa", "2026-03-02"));
    assert_eq!(call.send().await.unwrap().status(), 200);
    desk.delete("aaaaa").await;
    let entries = desk.sim.journal().mutating();
    let told: Vec<_> = entries.iter().map(|entry| entry.send_updates.as_deref()).collect();
    assert_eq!(told, [Some("none"), None]);
    let last = serde_json::to_value(entries.last().unwrap()).unwrap();
    assert_eq!((&last["system"], &last["operation"]), (&json!("google"), &json!("google.delete_event")));
    assert_eq!(last["keys"], json!([desk.calendar, "aaaaa"]));
    assert_eq!((&last["applied"], &last["status"]), (&json!(true), &json!(204)));
}
