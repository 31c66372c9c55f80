use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Weekday};
use serde_json::{Value, json};
use simulator::{CalendarScriptOutcome, CalendarVariant, Edit, Simulator, SimulatorConfig};
use simulator::{calendar_edit_script, generate_calendar};

/// Covers every variant five times.
const LENGTH: usize = 5 * CalendarVariant::ALL.len();
/// No entry begins at this minute: what lies ahead is the same for all simulators of a test.
const NOW: &str = "2026-09-01T10:02:00Z";

async fn office() -> Simulator {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let ahead = DateTime::parse_from_rfc3339(NOW).unwrap().to_utc() - sim.clock().now();
    sim.clock().set_offset_milliseconds(ahead.num_milliseconds());
    sim.load_calendar(&generate_calendar(3, 3, 60, sim.clock().now().date_naive()));
    sim
}

/// With a calendar of each employee that has an event for every timed entry, as a sync would have left it.
async fn synced() -> Simulator {
    let sim = office().await;
    for who in sim.advoware().mitarbeiter() {
        let calendar = sim.google().seed_calendar(&format!("AW-{}", who.kuerzel), "Europe/Berlin");
        for frnr in sim.advoware().frnrs_seen_by(&who.kuerzel) {
            if let Some(event) = event_of(&sim.advoware().termin(frnr).unwrap()) {
                sim.google().seed(&calendar, event).unwrap();
            }
        }
    }
    sim
}

/// Its title names the Termin.
fn event_of(termin: &Value) -> Option<Value> {
    if termin["dauertermin"] != 0 || termin["frNr"].as_i64()? < 0 {
        return None;
    }
    let at = |day: &str, time: &str| {
        let (day, time) = (termin[day].as_str()?.get(..10)?, termin[time].as_str()?);
        Some(json!({ "dateTime": format!("{day}T{time}"), "timeZone": "Europe/Berlin" }))
    };
    let (start, end) = (at("datum", "uhrzeitVon")?, at("datumBis", "uhrzeitBis")?);
    Some(json!({ "summary": termin["frNr"].to_string(), "start": start, "end": end }))
}

fn living(sim: &Simulator) -> Vec<Value> {
    let calendars = sim.google().calendars();
    calendars.iter().flat_map(|calendar| sim.google().events(calendar["id"].as_str().unwrap())).collect()
}

/// Where the edit puts an entry: day, or day and time.
fn place(outcome: &CalendarScriptOutcome) -> String {
    match &outcome.edit {
        Edit::TerminCreate { fields } | Edit::TerminChange { fields, .. } => {
            let (day, time) = (fields["datum"].as_str().unwrap(), fields.get("uhrzeitVon").and_then(Value::as_str));
            format!("{day}T{}", time.unwrap_or_default())
        }
        Edit::GoogleInsert { event, .. } => event["start"]["dateTime"].as_str().unwrap().to_owned(),
        Edit::GoogleMove { start, .. } => start["dateTime"].as_str().or(start["date"].as_str()).unwrap().to_owned(),
        other => panic!("{other:?} puts nothing anywhere"),
    }
}

fn clock_change_near(day: NaiveDate) -> Option<NaiveDate> {
    let is_clock_change =
        |day: &NaiveDate| matches!(day.month(), 3 | 10) && day.day() >= 25 && day.weekday() == Weekday::Sun;
    (-3..=3).map(|days| day + TimeDelta::days(days)).find(is_clock_change)
}

fn played(sim: &Simulator, seed: u64) -> Vec<CalendarScriptOutcome> {
    let lines = calendar_edit_script(seed, LENGTH);
    lines.iter().map(|line| sim.apply_calendar_script_edit(line).unwrap_or_else(|| panic!("{line:?}"))).collect()
}

#[tokio::test]
async fn a_calendar_script_covers_all_variants_and_is_the_same_everywhere() {
    let script = calendar_edit_script(9, LENGTH);
    assert_ne!(script, calendar_edit_script(10, LENGTH));
    let variants: BTreeSet<CalendarVariant> = script.iter().map(|line| line.variant).collect();
    assert_eq!(variants.len(), CalendarVariant::ALL.len());
    let (one, other) = (synced().await, synced().await);
    assert_eq!(played(&one, 9), played(&other, 9));
}

#[tokio::test]
async fn each_line_of_a_calendar_script_does_what_it_says() {
    let sim = synced().await;
    for line in calendar_edit_script(9, LENGTH) {
        let (termine, events) = (sim.advoware().termin_count(), living(&sim).len());
        let outcome = sim.apply_calendar_script_edit(&line).unwrap_or_else(|| panic!("{line:?}"));
        let (more_termine, more_events) = match line.variant {
            CalendarVariant::TerminEntered => (1, 0),
            CalendarVariant::TerminDeleted => (-1, 0),
            CalendarVariant::GoogleEntered | CalendarVariant::GoogleEnteredAtClockChange => (0, 1),
            CalendarVariant::GoogleDeleted => (0, -1),
            CalendarVariant::TerminMoved
            | CalendarVariant::TerminMovedToClockChange
            | CalendarVariant::TerminRetitled
            | CalendarVariant::GoogleMoved
            | CalendarVariant::GoogleMovedToClockChange
            | CalendarVariant::GoogleRetitled => (0, 0),
        };
        assert_eq!(sim.advoware().termin_count(), termine.checked_add_signed(more_termine).unwrap(), "{line:?}");
        assert_eq!(living(&sim).len(), events.checked_add_signed(more_events).unwrap(), "{line:?}");
        match &outcome.edit {
            Edit::TerminChange { frnr, fields } => {
                let now = sim.advoware().termin(*frnr).unwrap();
                assert!(!fields.is_empty() && fields.iter().all(|(name, value)| now[name] == *value), "{line:?}");
                assert!(now["special"] == 0 && now["turnus"] == 0, "only single ones");
            }
            Edit::GoogleSet { calendar_id, event_id, fields } => {
                assert_eq!(sim.google().event(calendar_id, event_id).unwrap()["summary"], fields["summary"]);
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_calendar_script_reaches_the_weeks_of_both_clock_changes() {
    let mut outcomes = Vec::new();
    for seed in 0..4 {
        outcomes.extend(played(&synced().await, seed));
    }
    let mut near = BTreeSet::new();
    let mut across = 0;
    for outcome in outcomes {
        if matches!(
            outcome.variant,
            CalendarVariant::TerminMovedToClockChange
                | CalendarVariant::GoogleEnteredAtClockChange
                | CalendarVariant::GoogleMovedToClockChange
        ) {
            let place = place(&outcome);
            let day = place[..10].parse().unwrap();
            let change = clock_change_near(day).unwrap_or_else(|| panic!("{outcome:?}"));
            near.insert(change.to_string());
            across += usize::from(day == change && place[10..].starts_with("T01:"));
        }
    }
    assert!(near.contains("2026-10-25") && near.contains("2027-03-28"), "{near:?}");
    assert!(across > 5, "{across} begin before the skipped or repeated hour");
}

/// A Termin and its event are one appointment: were both edited, one edit would undo the other.
#[tokio::test]
async fn a_calendar_script_edits_no_appointment_twice() {
    let sim = synced().await;
    let frnr_of: BTreeMap<String, i64> = living(&sim)
        .iter()
        .map(|event| (event["id"].as_str().unwrap().to_owned(), event["summary"].as_str().unwrap().parse().unwrap()))
        .collect();
    let mut edited = BTreeSet::new();
    for outcome in (0..3).flat_map(|seed| played(&sim, seed)) {
        let of_event = |id: &String| frnr_of.get(id).copied();
        let frnr = outcome.touched.frnr.or_else(|| outcome.touched.event_id.as_ref().and_then(of_event));
        assert!(frnr.is_none_or(|frnr| edited.insert(frnr)), "{outcome:?}");
    }
    assert!(edited.len() > 100, "{}", edited.len());
}

#[tokio::test]
async fn without_a_calendar_in_google_only_termine_are_edited() {
    let sim = office().await;
    for line in calendar_edit_script(9, LENGTH) {
        let is_of_google = !matches!(
            line.variant,
            CalendarVariant::TerminEntered
                | CalendarVariant::TerminMoved
                | CalendarVariant::TerminMovedToClockChange
                | CalendarVariant::TerminRetitled
                | CalendarVariant::TerminDeleted
        );
        assert_eq!(sim.apply_calendar_script_edit(&line).is_none(), is_of_google, "{line:?}");
    }
}

#[tokio::test]
async fn a_calendar_script_is_played_over_the_control_interface() {
    let sim = synced().await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "a bare client is what shows the bare answers")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let send = async |path: &str, body: &Value| -> Value {
        let url = format!("{}{path}", sim.addresses().control_url);
        client.post(url).json(body).send().await.unwrap().json().await.unwrap()
    };
    let script = send("script/calendar", &json!({ "seed": 9, "length": 1 })).await;
    assert_eq!(script, json!(calendar_edit_script(9, 1)));
    let outcome = send("script/calendar/apply", &script[0]).await;
    assert_eq!((&outcome["number"], &outcome["variant"]), (&json!(1), &script[0]["variant"]));
}
