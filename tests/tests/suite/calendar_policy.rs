//! Who wins, in every state of a row: C5 under both strategies, with and without the permission to write to Advoware; C6.

use domain::calendar::policy::SyncStrategy;
use domain::finding::FindingKind;
use harness::Result;
use harness::calendar::{Calendars, writes, writes_to};
use serde_json::json;
use shared::hub::calendar::PolicyChange;
use simulator::{Operation, System};

const AT_FIRST: &str = "Wie am Anfang";
const OF_ADVOWARE: &str = "Anders in Advoware";
const OF_GOOGLE: &str = "Anders in Google";

/// What users do to a pair before the run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Edited {
    Termin,
    Event,
    EventThenTermin,
    TerminThenEvent,
    TerminGone,
    EventGone,
    TerminGoneEventChanged,
    EventGoneTerminChanged,
    BothGone,
}

const EDITED: [Edited; 9] = [
    Edited::Termin,
    Edited::Event,
    Edited::EventThenTermin,
    Edited::TerminThenEvent,
    Edited::TerminGone,
    Edited::EventGone,
    Edited::TerminGoneEventChanged,
    Edited::EventGoneTerminChanged,
    Edited::BothGone,
];

#[derive(Debug)]
struct Case {
    kuerzel: String,
    is_born_in_google: bool,
    strategy: SyncStrategy,
    /// `None`: `google_born`, the default of the settings.
    permission: Option<bool>,
    edited: Edited,
    frnr: i64,
    event: String,
}

impl Case {
    fn may_write(&self) -> bool {
        self.permission.unwrap_or(self.is_born_in_google)
    }

    /// What both sides say after the run, read from C5 once more; `None`: the pair is gone.
    fn expected(&self) -> Option<&'static str> {
        let termin = match self.edited {
            Edited::Event | Edited::EventGone => Some(AT_FIRST),
            Edited::TerminGone | Edited::TerminGoneEventChanged | Edited::BothGone => None,
            Edited::Termin | Edited::EventThenTermin | Edited::TerminThenEvent | Edited::EventGoneTerminChanged => {
                Some(OF_ADVOWARE)
            }
        };
        let event = match self.edited {
            Edited::Termin | Edited::TerminGone => Some(AT_FIRST),
            Edited::EventGone | Edited::EventGoneTerminChanged | Edited::BothGone => None,
            Edited::Event | Edited::EventThenTermin | Edited::TerminThenEvent | Edited::TerminGoneEventChanged => {
                Some(OF_GOOGLE)
            }
        };
        match (self.may_write(), self.strategy, self.is_born_in_google) {
            (false, ..) | (true, SyncStrategy::SourceSystemWins, false) => termin,
            (true, SyncStrategy::SourceSystemWins, true) => event,
            (true, SyncStrategy::LastChangeWins, _) => match self.edited {
                Edited::Termin | Edited::EventThenTermin | Edited::EventGoneTerminChanged => Some(OF_ADVOWARE),
                Edited::Event | Edited::TerminThenEvent | Edited::TerminGoneEventChanged => Some(OF_GOOGLE),
                Edited::TerminGone | Edited::EventGone | Edited::BothGone => None,
            },
        }
    }

    fn edit(&self, calendars: &Calendars, is_second: bool) -> Result<()> {
        let change_termin = || calendars.change_termin(self.frnr, json!({"text": OF_ADVOWARE}));
        let change_event = || calendars.change_event(&self.kuerzel, &self.event, json!({"summary": OF_GOOGLE}));
        let delete_event = || calendars.delete_event(&self.kuerzel, &self.event);
        match (self.edited, is_second) {
            (Edited::Termin | Edited::TerminThenEvent, false) | (Edited::EventThenTermin, true) => {
                change_termin();
                Ok(())
            }
            (Edited::Event | Edited::EventThenTermin, false) | (Edited::TerminThenEvent, true) => change_event(),
            (Edited::TerminGone, false) => {
                calendars.delete_termin(self.frnr);
                Ok(())
            }
            (Edited::EventGone, false) => delete_event(),
            (Edited::TerminGoneEventChanged, false) => {
                calendars.delete_termin(self.frnr);
                change_event()
            }
            (Edited::EventGoneTerminChanged, false) => {
                change_termin();
                delete_event()
            }
            (Edited::BothGone, false) => {
                calendars.delete_termin(self.frnr);
                delete_event()
            }
            (
                Edited::Termin
                | Edited::Event
                | Edited::TerminGone
                | Edited::EventGone
                | Edited::TerminGoneEventChanged
                | Edited::EventGoneTerminChanged
                | Edited::BothGone,
                true,
            ) => Ok(()),
        }
    }
}

/// One employee for each case of this strategy, with a pair that is agreed, and a Termin that nobody touches.
async fn given_cases(calendars: &Calendars, strategy: SyncStrategy) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for is_born_in_google in [false, true] {
        for permission in [None, Some(true), Some(false)] {
            for edited in EDITED {
                let kuerzel = format!("K{}", cases.len());
                calendars.given_employee(&kuerzel).await?;
                // What is born in Google comes into Advoware first, and is forbidden later.
                let at_first = if is_born_in_google { Some(true) } else { permission };
                let change = PolicyChange {
                    strategy: Some(Some(strategy)),
                    advoware_write_allowed: Some(at_first),
                    ..PolicyChange::default()
                };
                calendars.decide(&kuerzel, change).await?;
                calendars.given_termin(&kuerzel, 1, 8, "Bleibt");
                let frnr = if is_born_in_google { 0 } else { calendars.given_termin(&kuerzel, 2, 10, AT_FIRST) };
                let event = String::new();
                cases.push(Case { kuerzel, is_born_in_google, strategy, permission, edited, frnr, event });
            }
        }
    }
    sync_all(calendars, &cases).await?;
    for case in &mut cases {
        if case.is_born_in_google {
            case.event = calendars.enter_event(&case.kuerzel, calendars.event_fields(2, 10, AT_FIRST))?;
        }
    }
    sync_all(calendars, &cases).await?;
    for case in &mut cases {
        if case.is_born_in_google {
            case.frnr = calendars.frnr_of(&case.event).await?;
            calendars.permit(&case.kuerzel, case.permission).await?;
        } else {
            case.event = calendars.event_of(&case.kuerzel, case.frnr).await?;
        }
    }
    Ok(cases)
}

async fn sync_all(calendars: &Calendars, cases: &[Case]) -> Result<Vec<simulator::JournalEntry>> {
    calendars.sync(&cases.iter().map(|case| case.kuerzel.as_str()).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn c5_source_system_wins_in_every_state() -> Result<()> {
    every_state(SyncStrategy::SourceSystemWins).await
}

#[tokio::test]
async fn c5_last_change_wins_in_every_state() -> Result<()> {
    every_state(SyncStrategy::LastChangeWins).await
}

async fn every_state(strategy: SyncStrategy) -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.world.simulator.google().switch(|google| google.calendar_creations_most = u32::MAX);
    let _worker = calendars.world.worker().await?;
    let cases = given_cases(&calendars, strategy).await?;
    for is_second in [false, true] {
        for case in &cases {
            case.edit(&calendars, is_second)?;
        }
        calendars.world.simulator.clock().advance_seconds(5);
    }
    let calls = sync_all(&calendars, &cases).await?;
    for case in &cases {
        let mut expected: Vec<&str> = case.expected().into_iter().collect();
        expected.push("Bleibt");
        expected.sort_unstable();
        let texts = |entries: Vec<harness::calendar::entry::Entry>| {
            let mut texts: Vec<String> = entries.into_iter().map(|entry| entry.text).collect();
            texts.sort_unstable();
            texts
        };
        assert_eq!(texts(calendars.termine(&case.kuerzel)), expected, "Advoware: {case:?}");
        assert_eq!(texts(calendars.events(&case.kuerzel)?), expected, "Google: {case:?}");
    }
    let forbidden: Vec<String> =
        cases.iter().filter(|case| !case.may_write()).map(|case| case.frnr.to_string()).collect();
    for call in calls.iter().filter(|call| call.mutating && call.system == System::Advoware) {
        assert!(!call.keys.iter().any(|key| forbidden.contains(key)), "without permission: {call:?}");
    }
    let created_again = cases.iter().filter(|case| {
        let was_gone = matches!(case.edited, Edited::TerminGone | Edited::TerminGoneEventChanged);
        was_gone && case.expected().is_some()
    });
    let posted = calls.iter().filter(|call| call.operation == Operation::PostTermin);
    assert_eq!(posted.count(), created_again.count());
    for run in ["second", "third"] {
        let calls = sync_all(&calendars, &cases).await?;
        assert_eq!(writes(&calls), [], "the {run} run");
        assert_eq!(calls.len(), 2 * cases.len(), "the {run} run");
    }
    Ok(())
}

#[tokio::test]
async fn c5_the_setting_all_lets_every_row_into_advoware_and_a_persons_no_goes_before_it() -> Result<()> {
    let mut world = harness::world::World::start().await?;
    world.setting("CALENDAR_SYNC_ADVOWARE_WRITE", "all");
    world.setting("CALENDAR_SYNC_STRATEGY", "last_change_wins");
    let calendars = Calendars::around(world).await?;
    let _worker = calendars.world.worker().await?;
    for (kuerzel, expected) in [("JA", OF_GOOGLE), ("NEIN", AT_FIRST)] {
        calendars.given_employee(kuerzel).await?;
        if kuerzel == "NEIN" {
            calendars.permit(kuerzel, Some(false)).await?;
        }
        let frnr = calendars.given_termin(kuerzel, 2, 10, AT_FIRST);
        calendars.sync(&[kuerzel]).await?;
        calendars.change_event(kuerzel, &calendars.event_of(kuerzel, frnr).await?, json!({"summary": OF_GOOGLE}))?;
        calendars.sync(&[kuerzel]).await?;
        assert_eq!(calendars.termin(frnr)?["text"], expected);
        calendars.then_agreed_and_silent(kuerzel).await?;
    }
    Ok(())
}

#[tokio::test]
async fn c5_the_setting_off_lets_nothing_into_advoware_and_a_persons_yes_goes_before_it() -> Result<()> {
    let mut world = harness::world::World::start().await?;
    world.setting("CALENDAR_SYNC_ADVOWARE_WRITE", "off");
    let calendars = Calendars::around(world).await?;
    let _worker = calendars.world.worker().await?;
    calendars.given_employee("SB").await?;
    calendars.given_termin("SB", 1, 8, "Bleibt");
    calendars.sync(&["SB"]).await?;
    let event = calendars.enter_event("SB", calendars.event_fields(2, 10, AT_FIRST))?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), []);
    assert_eq!(calendars.kinds("SB").await?, [FindingKind::NoPermission]);
    // It is told as long as it holds, although Google tells the event only once.
    calendars.then_silent("SB").await?;
    assert_eq!(calendars.kinds("SB").await?, [FindingKind::NoPermission]);

    calendars.permit("SB", Some(true)).await?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), [Operation::PostTermin]);
    assert_eq!(calendars.kinds("SB").await?, []);
    calendars.then_agreed_and_silent("SB").await?;

    // Taken back, the row is Advoware's again: what users do in Google is undone.
    calendars.permit("SB", None).await?;
    calendars.sync(&["SB"]).await?;
    calendars.change_event("SB", &event, json!({"summary": OF_GOOGLE}))?;
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), [Operation::GoogleEventPatch]);
    assert_eq!(writes_to(System::Advoware, &calls), []);
    assert_eq!(calendars.event("SB", &event)?["summary"], AT_FIRST);
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c6_where_only_the_version_moved_it_is_stored_and_nothing_is_written() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    calendars.given_employee("SB").await?;
    let frnr = calendars.given_termin("SB", 2, 10, AT_FIRST);
    calendars.sync(&["SB"]).await?;
    let event = calendars.event_of("SB", frnr).await?;
    calendars.change_event("SB", &event, json!({"colorId": "5"}))?;
    calendars.change_termin(frnr, json!({"vorbereitungsDauer": "00:30:00"}));
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), []);
    let etag = calendars.row_of("SB", frnr).await?.row.hub.etag;
    assert_eq!(etag.as_deref(), calendars.event("SB", &event)?["etag"].as_str());
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c6_both_changed_to_the_same_is_stored_and_nothing_is_written() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    calendars.given_employee("SB").await?;
    let frnr = calendars.given_termin("SB", 2, 10, AT_FIRST);
    calendars.sync(&["SB"]).await?;
    let event = calendars.event_of("SB", frnr).await?;
    calendars.change_event("SB", &event, json!({"summary": "Gleich", "description": "Zeile\nzwei  "}))?;
    calendars.change_termin(frnr, json!({"text": "Gleich", "notiz": "Zeile\r\nzwei"}));
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), []);
    calendars.then_agreed_and_silent("SB").await?;
    // The bases are the new ones: a change back is a change.
    calendars.change_termin(frnr, json!({"text": AT_FIRST}));
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [Operation::GoogleEventPatch]);
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c6_last_sync_is_when_the_source_says_that_the_entry_was_changed() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    calendars.given_employee("SB").await?;
    let frnr = calendars.given_termin("SB", 2, 10, AT_FIRST);
    calendars.sync(&["SB"]).await?;
    let event = calendars.enter_event("SB", calendars.event_fields(3, 10, "Aus Google"))?;
    // Twice: what we wrote ourselves is seen at the next run, and is not to move it.
    for _ in 0..2 {
        calendars.sync(&["SB"]).await?;
        let of_advoware = calendars.row_of("SB", frnr).await?;
        let told = calendars.termin(frnr)?["zuletztGeaendertAm"].as_str().unwrap_or_default().to_owned();
        let at = harness::calendar::entry::berlin(of_advoware.last_sync.expect("it was synced"));
        assert_eq!(at.format("%Y-%m-%dT%H:%M:%S%.3f").to_string(), told);
        let of_google = calendars.row_of("SB", calendars.frnr_of(&event).await?).await?;
        let updated = calendars.event("SB", &event)?["updated"].as_str().unwrap_or_default().to_owned();
        let updated = chrono::DateTime::parse_from_rfc3339(&updated).expect("Google tells when");
        assert_eq!(of_google.last_sync.expect("it was synced"), updated);
    }
    calendars.then_agreed_and_silent("SB").await
}
