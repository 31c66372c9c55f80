//! Calendars whose content is not to leave the firm: only times do (C7).

use domain::finding::FindingKind;
use domain::job::Wants;
use harness::Result;
use harness::calendar::entry::Entry;
use harness::calendar::{Calendars, parsed, with, writes, writes_to};
use harness::office::{Office, OfficeSettings};
use harness::world::World;
use harness::worlds::Worlds;
use serde_json::{Value, json};
use shared::hub::calendar::PolicyChange;
use simulator::{Edit, Operation, System};

const BLOCKED: &str = "Advoware blocked";

/// What only Advoware may know, in every field that holds text.
fn secret() -> Value {
    json!({"text": "Scheidung Beispiel", "notiz": "Gutachten mitnehmen", "ort": "Saal 3"})
}

/// As the employee's Termine are to look in Google.
fn blocked(calendars: &Calendars, kuerzel: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = calendars.termine(kuerzel).into_iter().map(Entry::blocked).collect();
    entries.sort();
    entries
}

async fn then_blocked_and_silent(calendars: &Calendars, kuerzel: &str) -> Result<()> {
    assert_eq!(calendars.events(kuerzel)?, blocked(calendars, kuerzel));
    calendars.then_silent(kuerzel).await
}

fn anonymize(wanted: Option<bool>) -> PolicyChange {
    PolicyChange { anonymize: Some(wanted), ..PolicyChange::default() }
}

/// An employee whose Termin holds text everywhere, and who may write everything.
async fn given_secret(calendars: &Calendars, kuerzel: &str) -> Result<i64> {
    calendars.given_employee(kuerzel).await?;
    calendars.permit(kuerzel, Some(true)).await?;
    calendars.given_termin(kuerzel, 1, 8, "Bleibt");
    let fields = with(calendars.termin_fields(kuerzel, 2, 10, ""), secret());
    Ok(calendars.world.simulator.advoware().seed_termin(fields))
}

#[tokio::test]
async fn c7_with_the_setting_nothing_but_times_leaves_and_no_policy_lifts_it() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("CALENDAR_SYNC_ANONYMIZE_GOOGLE_EVENTS", "true");
    let calendars = Calendars::around(world).await?;
    let _worker = calendars.world.worker().await?;
    given_secret(&calendars, "SB").await?;
    calendars.decide("SB", anonymize(Some(false))).await?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes_to(System::Advoware, &calls), []);
    then_blocked_and_silent(&calendars, "SB").await?;
    calendars.sync_wanting(&["SB"], Wants::calendar().with_full_content(true)).await?;
    then_blocked_and_silent(&calendars, "SB").await
}

#[tokio::test]
async fn c7_switching_it_on_rewrites_all_copies_and_off_rewrites_them_back() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    let frnr = given_secret(&calendars, "SB").await?;
    given_secret(&calendars, "AI").await?;
    calendars.sync(&["SB", "AI"]).await?;
    calendars.then_agreed_and_silent("SB").await?;

    calendars.decide("SB", anonymize(Some(true))).await?;
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::GoogleEventPatch; 2]);
    then_blocked_and_silent(&calendars, "SB").await?;
    calendars.then_agreed_and_silent("AI").await?;
    // What changes meanwhile is not told.
    calendars.change_termin(frnr, json!({"text": "Anders", "notiz": "", "ort": "Saal 4"}));
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), []);
    then_blocked_and_silent(&calendars, "SB").await?;

    calendars.decide("SB", anonymize(None)).await?;
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::GoogleEventPatch; 2]);
    calendars.then_agreed_and_silent("SB").await?;

    // The same by a trigger.
    calendars.sync_wanting(&["SB"], Wants::calendar().with_full_content(false)).await?;
    then_blocked_and_silent(&calendars, "SB").await?;
    assert_eq!(calendars.hub.employee(&parsed("SB")).await.expect("hub").expect("known").policy.anonymize, Some(true));
    calendars.sync_wanting(&["SB"], Wants::calendar().with_full_content(true)).await?;
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c7_times_flow_back_from_a_blocked_copy_and_text_never_does() -> Result<()> {
    for strategy in domain::calendar::policy::SyncStrategy::ALL {
        let calendars = Calendars::start().await?;
        let _worker = calendars.world.worker().await?;
        let frnr = given_secret(&calendars, "SB").await?;
        calendars.decide("SB", anonymize(Some(true))).await?;
        let change = PolicyChange { strategy: Some(Some(strategy)), ..PolicyChange::default() };
        calendars.decide("SB", change).await?;
        calendars.sync(&["SB"]).await?;
        let event = calendars.event_of("SB", frnr).await?;
        let moved = calendars.event_fields(3, 14, "Von jemandem überschrieben");
        calendars.change_event("SB", &event, with(moved, json!({"description": "Notiz", "location": "Ort"})))?;
        calendars.sync(&["SB"]).await?;
        let termin = calendars.termin(frnr)?;
        for (field, said) in secret().as_object().expect("fields") {
            assert_eq!(&termin[field], said, "{strategy:?}");
        }
        let is_moved = calendars.termine("SB").iter().any(|entry| entry.begins.date() == calendars.day(3));
        assert_eq!(is_moved, strategy == domain::calendar::policy::SyncStrategy::LastChangeWins);
        then_blocked_and_silent(&calendars, "SB").await?;
    }
    Ok(())
}

#[tokio::test]
async fn c7_a_termin_that_is_created_again_from_a_blocked_copy_says_what_it_said() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    let frnr = given_secret(&calendars, "SB").await?;
    calendars.decide("SB", anonymize(Some(true))).await?;
    let strategy = Some(Some(domain::calendar::policy::SyncStrategy::LastChangeWins));
    calendars.decide("SB", PolicyChange { strategy, ..PolicyChange::default() }).await?;
    calendars.sync(&["SB"]).await?;
    let event = calendars.event_of("SB", frnr).await?;
    calendars.delete_termin(frnr);
    calendars.change_event("SB", &event, calendars.event_fields(3, 14, "Überschrieben"))?;
    calendars.sync(&["SB"]).await?;
    let again = calendars.termin(calendars.frnr_of(&event).await?)?;
    for (field, said) in secret().as_object().expect("fields") {
        assert_eq!(&again[field], said);
    }
    then_blocked_and_silent(&calendars, "SB").await
}

#[tokio::test]
async fn c7_what_is_born_in_google_is_not_hidden_there() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("CALENDAR_SYNC_ANONYMIZE_GOOGLE_EVENTS", "true");
    let calendars = Calendars::around(world).await?;
    let _worker = calendars.world.worker().await?;
    calendars.given_employee("SB").await?;
    calendars.given_termin("SB", 1, 8, "Bleibt");
    calendars.sync(&["SB"]).await?;
    let event = calendars.enter_event("SB", calendars.event_fields(2, 10, "Aus Google"))?;
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::PostTermin]);
    assert_eq!(calendars.event("SB", &event)?["summary"], "Aus Google");
    let frnr = calendars.frnr_of(&event).await?;
    assert_eq!(calendars.termin(frnr)?["text"], "Aus Google");
    calendars.change_event("SB", &event, json!({"summary": "Anders"}))?;
    calendars.sync(&["SB"]).await?;
    assert_eq!(calendars.termin(frnr)?["text"], "Anders");
    calendars.then_silent("SB").await
}

#[tokio::test]
async fn c7_a_termin_that_says_the_placeholder_itself_is_no_blocked_copy() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    calendars.given_employee("SB").await?;
    calendars.given_termin("SB", 2, 10, BLOCKED);
    calendars.sync(&["SB"]).await?;
    calendars.then_agreed_and_silent("SB").await?;
    for wanted in [Some(true), None] {
        calendars.decide("SB", anonymize(wanted)).await?;
        assert_eq!(writes(&calendars.sync(&["SB"]).await?), []);
        calendars.then_agreed_and_silent("SB").await?;
    }
    Ok(())
}

#[tokio::test]
async fn c7_a_blocked_copy_that_a_user_brings_back_from_the_bin_does_not_become_a_termin() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    let frnr = given_secret(&calendars, "SB").await?;
    calendars.permit("SB", None).await?;
    calendars.decide("SB", anonymize(Some(true))).await?;
    calendars.sync(&["SB"]).await?;
    let event_id = calendars.event_of("SB", frnr).await?;
    calendars.delete_event("SB", &event_id)?;
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::GoogleEventInsert]);
    let calendar_id = calendars.calendar_id("SB")?;
    calendars.edit(Edit::GoogleRestore { calendar_id, event_id: event_id.clone() });
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), []);
    let told = [(FindingKind::OddEntry, Some("copy_without_row".to_owned()))];
    assert_eq!(calendars.findings("SB").await?, told);
    calendars.then_silent("SB").await?;
    assert_eq!(calendars.findings("SB").await?, told, "it is told as long as it holds");
    calendars.delete_event("SB", &event_id)?;
    calendars.sync(&["SB"]).await?;
    assert_eq!(calendars.findings("SB").await?, []);
    then_blocked_and_silent(&calendars, "SB").await
}

#[tokio::test]
async fn c10a_a_lost_hub_is_rebuilt_from_the_copies() -> Result<()> {
    for anonymize in ["false", "true"] {
        let mut world = World::start().await?;
        world.setting("CALENDAR_SYNC_ANONYMIZE_GOOGLE_EVENTS", anonymize);
        let calendars = Calendars::around(world).await?;
        let _worker = calendars.world.worker().await?;
        given_secret(&calendars, "SB").await?;
        calendars.sync(&["SB"]).await?;
        calendars.lose_hub().await?;
        calendars.given_termin("SB", 3, 10, "Neu");
        let calls = calendars.sync(&["SB"]).await?;
        assert_eq!(writes(&calls), [Operation::GoogleEventInsert], "only what is new");
        assert_eq!(calendars.world.simulator.google().calendar_creations(), 1);
        if anonymize == "true" {
            then_blocked_and_silent(&calendars, "SB").await?;
        } else {
            calendars.then_agreed_and_silent("SB").await?;
        }
        assert_eq!(calendars.kinds("SB").await?, []);
    }
    Ok(())
}

/// Everything that Google is asked, in an order that does not depend on which of two calls at once was faster.
async fn traffic(worlds: &Worlds, said: [&str; 3], is_edited: bool) -> Result<Vec<String>> {
    let mut world = worlds.fresh().await?;
    world.setting("CALENDAR_SYNC_ANONYMIZE_GOOGLE_EVENTS", "true");
    let calendars = Calendars::around(world).await?;
    let office =
        Office::open(&calendars.world, OfficeSettings { event_id_seed: Some(7), ..OfficeSettings::default() }).await?;
    calendars.given_employee("SB").await?;
    let mut frnrs = Vec::new();
    for (number, text) in said.into_iter().enumerate() {
        let fields = with(
            calendars.termin_fields("SB", 1 + i64::try_from(number).unwrap_or_default(), 10, text),
            json!({"notiz": text.repeat(number), "ort": text}),
        );
        frnrs.push(calendars.world.simulator.advoware().seed_termin(fields));
    }
    calendars.sync(&["SB"]).await?;
    if is_edited {
        calendars.change_termin(frnrs[0], json!({"text": "Ganz anders", "notiz": "n", "ort": ""}));
    }
    calendars.sync(&["SB"]).await?;
    calendars.change_termin(frnrs[1], with(calendars.termin_fields("SB", 9, 15, said[2]), json!({"ort": said[0]})));
    calendars.sync(&["SB"]).await?;
    calendars.delete_termin(frnrs[2]);
    calendars.sync(&["SB"]).await?;
    let calls = calendars.world.simulator.journal().entries();
    office.close().await?;
    let asked = calls.iter().filter(|call| call.system == System::Google && call.operation != Operation::GoogleToken);
    let mut asked: Vec<String> =
        asked.map(|call| format!("{} {} {:?} {:?}", call.method, call.path, call.request, call.send_updates)).collect();
    asked.sort();
    Ok(asked)
}

#[tokio::test]
async fn c7_two_firms_that_differ_only_in_what_their_termine_say_look_the_same_to_google() -> Result<()> {
    let worlds = Worlds::start().await?;
    let one = traffic(&worlds, ["Scheidung", "Strafsache gegen Beispiel", "Frist"], true).await?;
    let other = traffic(&worlds, ["", "Mittagessen", "Ein viel längerer Text\r\nmit Zeilen"], false).await?;
    assert!(one.len() > 8, "too little happened to prove anything: {one:#?}");
    assert_eq!(one, other);
    Ok(())
}
