use serde_json::{Value, json};
use simulator::{Calls, Edit, Fault, FaultKind, Moment, Operation};

use crate::google_desk::{Desk, fields, hour, ids, refused, weekly};

async fn filled(events: usize) -> Desk {
    let desk = Desk::open().await;
    for number in 0..events {
        desk.sim.google().seed(&desk.calendar, hour(&format!("event{number:02}"), "2026-03-02")).unwrap();
    }
    desk
}

/// All pages: ids, number of pages, sync token.
async fn all(desk: &Desk, query: &[(&str, &str)]) -> (Vec<String>, usize, String) {
    let (mut found, mut pages, mut token) = (Vec::new(), 0, None::<String>);
    loop {
        let mut query = query.to_vec();
        query.extend(token.as_deref().map(|token| ("pageToken", token)));
        let page = desk.listed(&query).await;
        pages += 1;
        assert!(pages < 50);
        found.extend(ids(&page).into_iter().map(str::to_owned));
        match page["nextPageToken"].as_str() {
            Some(next) => {
                assert!(page.get("nextSyncToken").is_none());
                token = Some(next.to_owned());
            }
            None => return (found, pages, page["nextSyncToken"].as_str().unwrap_or_default().to_owned()),
        }
    }
}

#[tokio::test]
async fn pages_follow_each_other_and_the_last_has_the_sync_token() {
    let desk = filled(7).await;
    let (found, pages, sync) = all(&desk, &[("maxResults", "3")]).await;
    assert_eq!((found.len(), pages, sync.is_empty()), (7, 3, false));
    desk.sim.google().switch(|switches| switches.page_events_most = Some(2));
    assert_eq!(all(&desk, &[("maxResults", "9999")]).await.1, 4);
    for bad in ["0", "-1", "x"] {
        assert_eq!(desk.list(&[("maxResults", bad)]).await.status(), 400, "{bad}");
    }
    let page = desk.listed(&[("maxResults", "1")]).await;
    let token = page["nextPageToken"].as_str().unwrap();
    let other = desk.list(&[("maxResults", "1"), ("pageToken", token), ("showDeleted", "true")]).await;
    assert_eq!(other.status(), 400, "a page belongs to its query");
    assert_eq!(desk.list(&[("pageToken", "x")]).await.status(), 400);
}

#[tokio::test]
async fn a_page_may_be_empty_and_still_not_the_last() {
    let desk = filled(3).await;
    let short = |nth: u32, events: usize| {
        Fault::new(Calls::to(Operation::GoogleEventList).nth(nth), FaultKind::ShortPage { events })
    };
    desk.sim.faults().arm(short(1, 0));
    desk.sim.faults().arm(short(2, 1));
    desk.sim.faults().arm(short(3, 2));
    let (found, pages, sync) = all(&desk, &[]).await;
    assert_eq!((found.len(), pages, sync.is_empty()), (3, 4, false), "empty, one, two, empty and last");
}

#[tokio::test]
async fn a_window_means_overlap() {
    let desk = Desk::open().await;
    desk.inserted(hour("aaaaa", "2026-03-02")).await;
    let day = json!({ "id": "ddddd", "start": { "date": "2026-03-03" }, "end": { "date": "2026-03-04" } });
    desk.inserted(day).await;
    desk.inserted(weekly("sssss")).await;
    let within = async |from: &str, to: &str| {
        let list = desk.listed(&[("timeMin", from), ("timeMax", to)]).await;
        ids(&list).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(within("2026-03-02T08:30:00Z", "2026-03-02T08:31:00Z").await, ["aaaaa", "sssss"]);
    assert!(within("2026-03-02T09:00:00Z", "2026-03-02T23:00:00Z").await.is_empty(), "both bounds are exclusive");
    assert!(within("2026-03-01T00:00:00Z", "2026-03-02T08:00:00Z").await.is_empty());
    assert_eq!(within("2026-03-02T22:00:00Z", "2026-03-02T23:00:01Z").await, ["ddddd"], "midnight is Berlin's");
    assert_eq!(within("2026-04-20T06:00:00+00:00", "2026-04-20T08:00:00+00:00").await, ["sssss"], "wall time is kept");
    assert!(within("2026-04-21T00:00:00Z", "2026-04-26T00:00:00Z").await.is_empty(), "between two occurrences");
    assert!(within("2026-05-01T00:00:00Z", "2027-01-01T00:00:00Z").await.is_empty(), "the series is over");
    for (name, bad) in [("timeMin", "2026-03-02"), ("timeMax", "2026-03-02T00:00:00"), ("timeMin", "x")] {
        assert_eq!(refused(desk.list(&[(name, bad)]).await).await, (400, "badRequest".to_owned()));
    }
    let empty = [("timeMin", "2026-03-03T00:00:00Z"), ("timeMax", "2026-03-02T00:00:00Z")];
    assert_eq!(refused(desk.list(&empty).await).await, (400, "timeRangeEmpty".to_owned()));
}

#[tokio::test]
async fn a_sync_token_brings_changes_and_deletions() {
    let desk = filled(3).await;
    let (_, _, sync) = all(&desk, &[("timeMin", "2026-01-01T00:00:00Z")]).await;
    let nothing = desk.listed(&[("syncToken", &sync)]).await;
    assert!(ids(&nothing).is_empty() && nothing["nextSyncToken"].is_string());
    desk.patched("event00", json!({ "summary": "Neu" })).await;
    desk.delete("event01").await;
    desk.inserted(hour("outside", "2020-03-02")).await;
    let changes = desk.listed(&[("syncToken", &sync)]).await;
    assert_eq!(ids(&changes), ["event00", "event01", "outside"]);
    let tomb = &changes["items"][1];
    assert_eq!((&tomb["status"], tomb.get("summary")), (&json!("cancelled"), None));
    let next = changes["nextSyncToken"].as_str().unwrap();
    assert!(ids(&desk.listed(&[("syncToken", next)]).await).is_empty());
    assert_eq!(all(&desk, &[("syncToken", &sync), ("maxResults", "1")]).await.1, 3, "changes come in pages, too");
    let (full, _, _) = all(&desk, &[]).await;
    assert_eq!(full, ["event00", "event02", "outside"], "a full list has no tombstones");
    assert_eq!(all(&desk, &[("showDeleted", "true")]).await.0.len(), 4);
}

#[tokio::test]
async fn what_changes_while_pages_are_read_is_not_missed() {
    let desk = filled(4).await;
    let change = Edit::GoogleSet {
        calendar_id: desk.calendar.clone(),
        event_id: "event00".into(),
        fields: fields(&json!({ "summary": "Neu" })),
    };
    desk.sim.edit_at(Moment::after(Calls::to(Operation::GoogleEventList)), change);
    let (_, _, sync) = all(&desk, &[("maxResults", "2")]).await;
    assert_eq!(ids(&desk.listed(&[("syncToken", &sync)]).await), ["event00"]);
}

#[tokio::test]
async fn a_sync_token_stands_alone() {
    let desk = filled(1).await;
    let (_, _, sync) = all(&desk, &[]).await;
    for (name, value) in [
        ("timeMin", "2026-01-01T00:00:00Z"),
        ("timeMax", "2026-01-01T00:00:00Z"),
        ("updatedMin", "2026-01-01T00:00:00Z"),
        ("orderBy", "updated"),
        ("q", "x"),
        ("privateExtendedProperty", "a=b"),
        ("sharedExtendedProperty", "a=b"),
        ("iCalUID", "x"),
        ("showDeleted", "false"),
    ] {
        let answer = desk.list(&[("syncToken", sync.as_str()), (name, value)]).await;
        assert_eq!(refused(answer).await, (400, "badRequest".to_owned()), "{name}");
    }
    let allowed = [("syncToken", sync.as_str()), ("showDeleted", "true"), ("singleEvents", "false")];
    assert_eq!(desk.list(&allowed).await.status(), 200);
    for query in [[("orderBy", "updated")], [("q", "besprech")], [("privateExtendedProperty", "a=b")]] {
        assert!(desk.listed(&query).await.get("nextSyncToken").is_none(), "{query:?} earns none");
    }
    assert_eq!(desk.list(&[("orderBy", "startTime")]).await.status(), 400);
    assert_eq!(desk.list(&[("singleEvents", "true")]).await.status(), 400);
}

#[tokio::test]
async fn an_expired_sync_token_means_starting_over() {
    let mut desk = filled(3).await;
    let (_, _, sync) = all(&desk, &[]).await;
    desk.delete("event01").await;
    let first = desk.listed(&[("syncToken", &sync)]).await;
    assert_eq!(ids(&first), ["event01"]);
    desk.sim.google().expire_sync_tokens();
    let answer = desk.list(&[("syncToken", &sync)]).await;
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], 410);
    assert_eq!(
        (&body["error"]["errors"][0]["reason"], &body["error"]["errors"][0]["location"]),
        (&json!("fullSyncRequired"), &json!("syncToken"))
    );
    let (full, _, next) = all(&desk, &[]).await;
    assert_eq!(full, ["event00", "event02"]);
    assert_eq!(desk.list(&[("syncToken", &next)]).await.status(), 200);
    assert_eq!(desk.list(&[("syncToken", "x")]).await.status(), 400);
    desk.calendar = desk.sim.google().seed_calendar("AW-AI", "Europe/Berlin");
    assert_eq!(desk.list(&[("syncToken", &next)]).await.status(), 400, "of another calendar");
}

#[tokio::test]
async fn filters_find_properties_texts_and_the_latest_change() {
    let desk = filled(3).await;
    desk.sim.clock().advance_seconds(1);
    desk.patched("event01", json!({ "extendedProperties": { "private": { "key": "a=b" } } })).await;
    assert_eq!(ids(&desk.listed(&[("privateExtendedProperty", "key=a=b")]).await), ["event01"]);
    assert!(ids(&desk.listed(&[("privateExtendedProperty", "key=a")]).await).is_empty());
    assert_eq!(desk.list(&[("privateExtendedProperty", "key")]).await.status(), 400);
    assert_eq!(ids(&desk.listed(&[("q", "BESPRECH")]).await).len(), 3);
    assert_eq!(ids(&desk.listed(&[("iCalUID", "event02@google.com")]).await), ["event02"]);
    assert_eq!(all(&desk, &[("orderBy", "updated"), ("maxResults", "1")]).await.0.last().unwrap(), "event01");
}
