//! The calendar's four phases, one scenario each (C1-C11).

use domain::calendar::policy::Source;
use harness::Result;
use harness::calendar::entry::berlin;
use harness::calendar::{Calendars, writes};
use serde_json::json;
use shared::hub::calendar::{PolicyChange, RowStatus};
use simulator::Operation;

#[tokio::test]
async fn c3_the_first_run_finds_no_calendar_makes_one_shares_it_and_copies_what_is_there() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    for hour in [9, 11, 14] {
        calendars.given_termin("SB", 1, hour, &format!("Termin um {hour}"));
    }
    let _worker = calendars.world.worker().await?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(calendars.world.simulator.google().calendar_creations(), 1, "{calls:?}");
    assert_eq!(calendars.events("SB")?.len(), 3);
    calendars.then_agreed_and_silent("SB").await?;
    Ok(())
}

#[tokio::test]
async fn phase_2_a_new_event_becomes_a_termin() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    calendars.given_termin("SB", 1, 9, "Schon da");
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let event = calendars.enter_event("SB", calendars.event_fields(2, 10, "Neu"))?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), [Operation::PostTermin]);
    assert_eq!(calendars.termine("SB").len(), 2);
    calendars.then_agreed_and_silent("SB").await?;
    calendars.change_event("SB", &event, json!({"summary": "Anders"}))?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), [Operation::PutTermin]);
    calendars.then_agreed_and_silent("SB").await?;
    calendars.delete_event("SB", &event)?;
    calendars.sync(&["SB"]).await?;
    calendars.then_silent("SB").await?;
    Ok(())
}

#[tokio::test]
async fn c1_a_row_keeps_where_it_is_both_versions_and_what_each_side_said() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    let anonymize = PolicyChange { anonymize: Some(Some(true)), ..PolicyChange::default() };
    calendars.decide("SB", anonymize).await?;
    let frnr = calendars.given_termin("SB", 1, 9, "Verhandlung");
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let view = calendars.row_of("SB", frnr).await?;
    let event = calendars.event("SB", &calendars.event_of("SB", frnr).await?)?;
    let said = |form: Option<domain::calendar::Standard>| form.map(|form| form.text);
    assert_eq!(said(view.row.hub.advoware_base.clone()).as_deref(), Some("Verhandlung"));
    assert_eq!(said(view.row.hub.google_base.clone()).as_deref(), Some("Advoware blocked"));
    assert_eq!(view.row.hub.etag.as_deref(), event["etag"].as_str());
    assert_eq!((view.row.status, view.row.hub.source), (RowStatus::Synced, Source::Advoware));
    assert!(view.row.advoware_changed_at.is_some() && view.row.hub.intent.is_none());
    let begins = berlin(view.starts_at);
    assert_eq!((begins.date(), begins.format("%H:%M").to_string().as_str()), (calendars.day(1), "09:00"));
    assert_eq!(view.ends_at.map(berlin), Some(begins + chrono::TimeDelta::hours(1)));
    calendars.then_silent("SB").await
}

#[tokio::test]
async fn c11_every_write_has_its_confirmed_entry_with_what_was_before_and_after() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    let frnr = calendars.given_termin("SB", 1, 9, "Anfang");
    calendars.given_termin("SB", 1, 11, "Bleibt");
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let id = calendars.row_of("SB", frnr).await?.id;
    calendars.change_termin(frnr, json!({"text": "Geändert"}));
    calendars.sync(&["SB"]).await?;
    calendars.delete_termin(frnr);
    calendars.sync(&["SB"]).await?;
    let history = calendars.hub.row_history(id, 10).await.expect("the hub answers");
    assert!(history.iter().all(|entry| entry.confirmed_at.is_some()), "{history:?}");
    let text = |form: &Option<domain::calendar::Standard>| form.as_ref().map(|form| form.text.clone());
    let told: Vec<_> = history
        .iter()
        .rev()
        .map(|entry| (entry.action.as_str(), entry.rule.as_str(), text(&entry.before), text(&entry.after)))
        .collect();
    let [first, changed] = ["Anfang", "Geändert"].map(|text| Some(text.to_owned()));
    let expected = [
        ("INSERT", "create_event", None, first.clone()),
        ("UPDATE", "update_event", first, changed.clone()),
        ("DELETE", "delete_event", changed, None),
    ];
    assert_eq!(told, expected);
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c3_what_was_typed_on_both_sides_before_the_first_sync_is_one_pair_and_nothing_is_written() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    let google = calendars.world.simulator.google();
    let calendar_id = google.seed_calendar("AW-SB", "Europe/Berlin");
    calendars.given_termin("SB", 1, 9, "Zweimal getippt");
    google.seed(&calendar_id, calendars.event_fields(1, 9, "Zweimal getippt")).expect("Google takes the event");
    let _worker = calendars.world.worker().await?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), [Operation::GoogleAclInsert]);
    calendars.then_agreed_and_silent("SB").await?;
    assert_eq!(calendars.events("SB")?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn c10a_after_a_lost_hub_nothing_is_doubled_wherever_it_was_born() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    calendars.given_termin("SB", 1, 9, "Aus Advoware");
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    calendars.enter_event("SB", calendars.event_fields(2, 10, "Aus Google"))?;
    calendars.sync(&["SB"]).await?;
    let before = (calendars.termine("SB"), calendars.events("SB")?);
    calendars.lose_hub().await?;
    calendars.given_employee("SB").await?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), []);
    assert_eq!((calendars.termine("SB"), calendars.events("SB")?), before);
    calendars.then_agreed_and_silent("SB").await
}
