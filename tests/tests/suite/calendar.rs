//! The calendar's four phases, one scenario each (C1-C11).

use harness::Result;
use harness::calendar::{Calendars, writes};
use serde_json::json;
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
