//! The client of Google Calendar against the simulator.

use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use domain::calendar::event::{EventStatus, EventTime, Transparency};
use domain::ids::{CalendarId, EventId};
use serde_json::Value;
use simulator::{Edit, GoogleRole};
use tempfile::TempDir;

use super::*;
use crate::google::{EventBody, EventList, EventQuery, Google, GoogleEvent};
use crate::settings::GoogleSettings;

const ZONE: &str = "Europe/Berlin";

/// A service account with one calendar, and a client that speaks for it.
pub(super) struct Desk {
    pub(super) simulator: Simulator,
    pub(super) google: Google,
    pub(super) calendar: CalendarId,
    settings: GoogleSettings,
    _folder: TempDir,
}

impl Desk {
    pub(super) async fn open() -> Self {
        let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
        let calendar = CalendarId::parse(&simulator.google().seed_calendar("AW-SB", ZONE)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key.json");
        simulator.google().write_service_account(&key).unwrap();
        let source: Source = [
            ("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH", key.to_str().unwrap()),
            ("GOOGLE_CALENDAR_OWNER", "kanzlei@example.org"),
            ("GOOGLE_CALENDAR_API_BASE_URL", &simulator.addresses().google_calendar_api_base_url),
            ("GOOGLE_CALENDAR_API_TIMEOUT_SECONDS", &TIMEOUT.as_secs_f64().to_string()),
        ]
        .into_iter()
        .collect();
        let settings = GoogleSettings::read(&source).unwrap().unwrap();
        let google = Google::new(&settings, Clock::system()).unwrap();
        Self { simulator, google, calendar, settings, _folder: folder }
    }

    /// What another process has.
    pub(super) fn another(&self, clock: Clock) -> Google {
        Google::new(&self.settings, clock).unwrap()
    }

    pub(super) fn settings(&self) -> &GoogleSettings {
        &self.settings
    }

    pub(super) fn arm(&self, call: Call, kind: FaultKind) {
        self.simulator.faults().clear();
        self.simulator.faults().arm(Fault::new(Calls::to(call).always(), kind));
    }

    pub(super) fn arm_once(&self, call: Call, kind: FaultKind) {
        self.simulator.faults().clear();
        self.simulator.faults().arm(Fault::new(Calls::to(call), kind));
    }

    pub(super) fn sent(&self, call: Call) -> usize {
        self.simulator.journal().count(call)
    }

    pub(super) async fn inserted(&self, number: u8) -> GoogleEvent {
        self.google.insert_event(&self.calendar, &id(number), &meeting()).await.unwrap()
    }

    pub(super) async fn list(&self, query: &EventQuery) -> EventList {
        self.google.list_events(&self.calendar, query).await.unwrap()
    }

    /// The event as it is, past the API.
    fn raw(&self, id: &EventId) -> Value {
        self.simulator.google().event(self.calendar.as_str(), id.as_str()).unwrap()
    }

    fn edit(&self, id: &EventId, fields: Value) {
        let Value::Object(fields) = fields else { panic!("no object") };
        let (calendar_id, event_id) = (self.calendar.to_string(), id.to_string());
        self.simulator.edit(&Edit::GoogleSet { calendar_id, event_id, fields }).unwrap();
    }
}

pub(super) fn id(number: u8) -> EventId {
    EventId::from_random([number; 16])
}

fn at(hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, hour, 0, 0).unwrap()
}

fn day(day: u32) -> EventTime {
    EventTime::Date(NaiveDate::from_ymd_opt(2026, 3, day).unwrap())
}

pub(super) fn meeting() -> EventBody {
    let (start, end) = (EventTime::DateTime(at(8)), EventTime::DateTime(at(9)));
    EventBody::new().times(start, end, ZONE).summary("Besprechung").location("Saal 1").private("key", Some("value"))
}

pub(super) fn window() -> EventQuery {
    EventQuery::Window { from: at(0), to: at(23) }
}

fn ids(list: &EventList) -> Vec<EventId> {
    list.events.iter().map(|event| event.id.clone()).collect()
}

#[tokio::test]
async fn an_event_is_inserted_read_and_deleted() {
    let desk = Desk::open().await;
    let made = desk.inserted(1).await;
    assert_eq!(
        (&made.id, made.fields.status, made.fields.transparency),
        (&id(1), EventStatus::Confirmed, Transparency::Opaque)
    );
    assert_eq!((made.fields.start, made.fields.time_zone.as_deref()), (Some(EventTime::DateTime(at(8))), Some(ZONE)));
    assert_eq!(made.private["key"], "value");
    assert!(made.fields.updated.is_some());
    assert_eq!(desk.google.get_event(&desk.calendar, &id(1)).await.unwrap(), made);

    desk.google.delete_event(&desk.calendar, &id(1), &made.etag.unwrap()).await.unwrap();
    let gone = desk.google.get_event(&desk.calendar, &id(1)).await.unwrap();
    assert_eq!(gone.fields.status, EventStatus::Cancelled);
    assert_eq!(desk.sent(Call::GoogleToken), 1);
}

#[tokio::test]
async fn c10a_a_patch_changes_and_removes_our_fields_and_leaves_the_others() {
    let desk = Desk::open().await;
    let made = desk.inserted(1).await;
    desk.edit(&id(1), json!({"colorId": "7", "description": "Notiz"}));
    let now = desk.google.get_event(&desk.calendar, &id(1)).await.unwrap();
    assert_ne!(now.etag, made.etag);
    let body = EventBody::new().times(day(3), day(4), ZONE).location("").private("key", None).private("new", Some("1"));
    let patched = desk.google.patch_event(&desk.calendar, &id(1), &now.etag.unwrap(), &body).await.unwrap();
    assert_eq!(
        (patched.fields.start, patched.fields.end, patched.fields.time_zone),
        (Some(day(3)), Some(day(4)), None)
    );
    assert_eq!((patched.fields.location, patched.fields.description.as_deref()), (None, Some("Notiz")));
    assert_eq!(patched.private.into_iter().collect::<Vec<_>>(), [("new".to_owned(), "1".to_owned())]);
    let raw = desk.raw(&id(1));
    assert_eq!((&raw["colorId"], &raw["summary"]), (&json!("7"), &json!("Besprechung")));
}

#[tokio::test]
async fn a_series_is_one_event_and_its_exceptions_name_it() {
    let desk = Desk::open().await;
    let body = meeting().recurrence(&["RRULE:FREQ=WEEKLY;COUNT=3".to_owned()]);
    let made = desk.google.insert_event(&desk.calendar, &id(1), &body).await.unwrap();
    assert_eq!(made.fields.recurrence, ["RRULE:FREQ=WEEKLY;COUNT=3"]);
    let edit = Edit::GoogleCancelOccurrence {
        calendar_id: desk.calendar.to_string(),
        event_id: id(1).to_string(),
        original_start: "2026-03-09T09:00:00+01:00".to_owned(),
    };
    desk.simulator.edit(&edit).unwrap();
    let to = Utc.with_ymd_and_hms(2026, 4, 1, 0, 0, 0).unwrap();
    let list = desk.list(&EventQuery::Window { from: at(0), to }).await;
    let exception = list.events.iter().find(|event| event.fields.recurring_event_id.is_some()).unwrap();
    assert_eq!(
        (exception.fields.recurring_event_id.as_ref(), exception.fields.status),
        (Some(&id(1)), EventStatus::Cancelled)
    );
    let original = Utc.with_ymd_and_hms(2026, 3, 9, 8, 0, 0).unwrap();
    assert_eq!(exception.original_start, Some(EventTime::DateTime(original)));
    assert_eq!((list.events.len(), list.unreadable.len()), (2, 0));
}

#[tokio::test]
async fn a_list_is_read_to_its_end_over_short_and_empty_pages() {
    let desk = Desk::open().await;
    for number in 1..=7 {
        desk.inserted(number).await;
    }
    desk.simulator.google().switch(|switches| switches.page_events_most = Some(2));
    let (short, empty) = (FaultKind::ShortPage { events: 1 }, FaultKind::ShortPage { events: 0 });
    desk.simulator.faults().arm(Fault::new(Calls::to(Call::GoogleEventList), empty.clone()));
    desk.simulator.faults().arm(Fault::new(Calls::to(Call::GoogleEventList).nth(2), short));
    desk.simulator.faults().arm(Fault::new(Calls::to(Call::GoogleEventList).nth(3), empty));
    let list = desk.list(&window()).await;
    assert_eq!(ids(&list), (1..=7).map(id).collect::<Vec<_>>());
    assert!(list.next_sync_token.is_some() && list.unreadable.is_empty());
    assert!(desk.sent(Call::GoogleEventList) >= 6);
}

#[tokio::test]
async fn c4_a_list_that_breaks_off_is_no_list() {
    let desk = Desk::open().await;
    for number in 1..=3 {
        desk.inserted(number).await;
    }
    desk.simulator.google().switch(|switches| switches.page_events_most = Some(2));
    let second = Calls::to(Call::GoogleEventList).nth(2).always();
    desk.simulator.faults().arm(Fault::new(second, FaultKind::status(503)));
    assert!(desk.google.list_events(&desk.calendar, &window()).await.is_err());
    desk.arm(Call::GoogleEventList, FaultKind::MissingField { field: "items".into() });
    let error = desk.google.list_events(&desk.calendar, &window()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Malformed { what: "items is missing" });
}

#[tokio::test]
async fn c4_changes_since_a_list_tell_deletions() {
    let desk = Desk::open().await;
    let (one, _two) = (desk.inserted(1).await, desk.inserted(2).await);
    let token = desk.list(&window()).await.next_sync_token.unwrap();
    desk.google.delete_event(&desk.calendar, &id(1), &one.etag.unwrap()).await.unwrap();
    desk.inserted(3).await;
    let changes = desk.list(&EventQuery::Since(token)).await;
    let told: Vec<_> = changes.events.iter().map(|event| (event.id.clone(), event.fields.status)).collect();
    assert_eq!(told, [(id(1), EventStatus::Cancelled), (id(3), EventStatus::Confirmed)]);
    let nothing = desk.list(&EventQuery::Since(changes.next_sync_token.unwrap())).await;
    assert!(nothing.events.is_empty());
    assert_eq!(ids(&desk.list(&window()).await), [id(2), id(3)]);
}

#[tokio::test]
async fn a_window_holds_what_ends_after_its_begin_and_begins_before_its_end() {
    let desk = Desk::open().await;
    desk.inserted(1).await;
    let found = async |from, to| desk.list(&EventQuery::Window { from: at(from), to: at(to) }).await.events.len();
    assert_eq!((found(0, 8).await, found(9, 20).await), (0, 0));
    assert_eq!((found(0, 9).await, found(8, 20).await), (1, 1));
}

#[tokio::test]
async fn a_calendar_is_created_shared_and_found() {
    let desk = Desk::open().await;
    let made = desk.google.create_calendar("AW-AI").await.unwrap();
    assert_eq!((made.summary.as_deref(), made.time_zone.as_deref()), (Some("AW-AI"), Some(ZONE)));
    let owner = desk.settings().owner.clone().unwrap();
    assert!(!desk.google.list_acl(&made.id).await.unwrap().iter().any(|rule| rule.makes_owner(&owner)));
    assert!(desk.google.insert_acl(&made.id, &owner).await.unwrap().makes_owner(&owner));
    assert!(desk.google.list_acl(&made.id).await.unwrap().iter().any(|rule| rule.makes_owner(&owner)));
    assert_eq!(desk.google.find_calendar(&made.id).await.unwrap().unwrap().id, made.id);

    let shared = desk.simulator.google().share_calendar("AW-XY", ZONE, GoogleRole::Writer);
    let shared = CalendarId::parse(&shared).unwrap();
    let listed: Vec<_> = desk.google.list_calendars().await.unwrap().into_iter().map(|one| one.id).collect();
    assert!(listed.contains(&made.id) && listed.contains(&desk.calendar) && !listed.contains(&shared));
    assert!(desk.google.find_calendar(&shared).await.unwrap().is_some());
    desk.simulator.google().remove_calendar(made.id.as_str());
    assert_eq!(desk.google.find_calendar(&made.id).await.unwrap(), None);
}

#[tokio::test]
async fn nobody_is_ever_mailed() {
    let desk = Desk::open().await;
    let etag = desk.inserted(1).await.etag.unwrap();
    let made = desk.google.patch_event(&desk.calendar, &id(1), &etag, &meeting().summary("x")).await.unwrap();
    desk.google.delete_event(&desk.calendar, &id(1), &made.etag.unwrap()).await.unwrap();
    desk.google.insert_acl(&desk.calendar, "kanzlei@example.org").await.unwrap();
    let entries = desk.simulator.journal().entries();
    let query = |call| entries.iter().find(|entry| entry.operation == call).unwrap().path.clone();
    for call in [Call::GoogleEventInsert, Call::GoogleEventPatch, Call::GoogleEventDelete] {
        assert!(query(call).contains("sendUpdates=none"), "{call:?}");
    }
    assert!(query(Call::GoogleAclInsert).contains("sendNotifications=false"));
}
