//! The console in a real browser: what an operator sees, does, and sees come true without touching the page again.

use std::collections::BTreeSet;

use domain::job::Wants;
use harness::calendar::Calendars;
use harness::world::{PATIENCE, PRODUCER_API_KEY, World};
use harness::{Browser, Result, RunningProgram, Scheme, Screen};
use serde_json::json;

use crate::visitor::{given_a_failed_one, path_of};

const KEY_LABEL: &str = "Key (PRODUCER_API_KEY)";
const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';

/// A console, somebody who has just typed its address, and a worker.
struct Office {
    browser: Browser,
    address: String,
    _producer: RunningProgram,
    _worker: RunningProgram,
}

impl Office {
    async fn of(world: &World) -> Result<Self> {
        let worker = world.worker().await?;
        let (producer, address) = world.producer().await?;
        // What its first scan found to do would make every page say that a job runs.
        producer.wait_for_line("scan done", PATIENCE).await?;
        let browser = Browser::at(&address).await?;
        Ok(Self { browser, address, _producer: producer, _worker: worker })
    }

    async fn log_in(&self) -> Result<()> {
        self.browser.goto("/").await?;
        self.browser.type_into(KEY_LABEL, PRODUCER_API_KEY).await?;
        self.browser.click("Log in").await?;
        self.browser.sees("Log out").await
    }

    /// Nothing was asked of another site, and nothing on the way was refused or went wrong.
    async fn was_well_behaved(&self) -> Result<()> {
        assert_eq!(self.browser.complaints().await?, Vec::<String>::new());
        assert_eq!(self.browser.sites().await?, BTreeSet::from([self.address.clone()]));
        Ok(())
    }

    /// On desk and phone, by day and night: everything can be read and reached.
    async fn is_readable(&self, path: &str) -> Result<()> {
        for screen in [Screen::Desk, Screen::Phone] {
            for scheme in [Scheme::Light, Scheme::Dark] {
                self.browser.look_as(screen, scheme).await?;
                self.browser.goto(path).await?;
                let problems = self.browser.problems().await?;
                assert_eq!(problems, Vec::<String>::new(), "{path} on {screen:?}, {scheme:?}");
            }
        }
        self.browser.look_as(Screen::Desk, Scheme::Light).await
    }
}

#[tokio::test]
async fn a_failed_record_is_found_understood_requeued_and_seen_to_turn_clean() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("SYNC_RETRY_MINUTES", "60");
    let office = Office::of(&world).await?;
    let one = given_a_failed_one(&world, 104_870).await?;
    office.log_in().await?;
    let browser = &office.browser;

    browser.sees("Not everything is in sync.").await?;
    browser.picture("overview").await?;
    browser.click("1 Beteiligte: failed, is tried again").await?;
    browser.picture("failed").await?;
    browser.click_at(&format!("//td//a[@href={:?}]", path_of(&one))).await?;
    browser.sees("It failed once: ").await?;
    browser.sees("JSON").await?;
    browser.picture("record-failed").await?;
    browser.click("Requeue").await?;
    browser.sees("Back at work: 1.").await?;
    browser.sees("Both sides agree").await?;
    browser.sees("put back to work").await?;
    browser.picture("record-clean").await?;
    assert_eq!(world.field(&one.id, "syncStatus"), json!("clean"));
    browser.goto("/").await?;
    browser.sees("Everything is in sync.").await?;
    office.was_well_behaved().await
}

#[tokio::test]
async fn a_held_deletion_of_a_calendar_is_approved_and_seen_to_be_done() -> Result<()> {
    let calendars = Calendars::start().await?;
    let office = Office::of(&calendars.world).await?;
    calendars.given_employee("SB").await?;
    let frnrs: Vec<i64> = (1..=20).map(|day| calendars.given_termin("SB", day, 9, "Besprechung")).collect();
    calendars.sync_wanting(&["SB"], Wants::calendar()).await?;
    for frnr in frnrs.iter().take(11) {
        calendars.delete_termin(*frnr);
    }
    calendars.sync(&["SB"]).await?;
    office.log_in().await?;
    let browser = &office.browser;

    browser.click("11 deletions in calendars wait for approval").await?;
    browser.click("SB").await?;
    browser.sees("11 deletions wait for your approval").await?;
    browser.click("What would a sync do?").await?;
    browser.sees("11 deletions would be held until you approve them").await?;
    browser.sees("Besprechung").await?;
    browser.picture("calendar-plan").await?;
    browser.click("Back to the calendar").await?;
    browser.sees("11 deletions wait for your approval").await?;
    assert!(!browser.offers("Approve the held deletions").await?, "it asks before it does it");
    browser.click("Approve the held deletions …").await?;
    browser.picture("employee-asked").await?;
    browser.click("Approve the held deletions").await?;
    browser.sees("In sync when a run last looked").await?;
    // Eleven deletions are newer.
    browser.goto("/console/employees/SB").await?;
    assert!(!browser.text().await?.contains("held deletions approved"), "a long timeline begins with its latest");
    browser.click_at("//details[@class='earlier']/summary").await?;
    browser.sees("held deletions approved").await?;
    assert_eq!(calendars.events("SB")?.len(), 9);
    browser.picture("employee").await?;
    office.was_well_behaved().await
}

#[tokio::test]
async fn who_logs_out_is_out_and_a_wrong_key_says_so() -> Result<()> {
    let world = World::start().await?;
    let office = Office::of(&world).await?;
    let browser = &office.browser;
    browser.goto("/console/queues").await?;
    browser.picture("login").await?;
    browser.type_into(KEY_LABEL, "wrong").await?;
    browser.click("Log in").await?;
    browser.sees("That is not the key").await?;

    browser.type_into(KEY_LABEL, PRODUCER_API_KEY).await?;
    browser.press(ENTER).await?;
    browser.sees("Log out").await?;
    assert_eq!(browser.path().await?, "/console/queues", "where they wanted to go");
    browser.click("Deutsch").await?;
    browser.sees("Abmelden").await?;
    browser.click("Abmelden").await?;
    browser.sees("Schlüssel (PRODUCER_API_KEY)").await?;
    browser.goto("/").await?;
    assert!(browser.path().await?.starts_with("/console/login"));
    office.was_well_behaved().await
}

#[tokio::test]
async fn pages_are_read_and_buttons_work_without_scripts() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("SYNC_RETRY_MINUTES", "60");
    let office = Office::of(&world).await?;
    let one = given_a_failed_one(&world, 104_871).await?;
    let browser = &office.browser;
    browser.forbid_scripts().await?;
    office.log_in().await?;
    for (path, says) in [
        ("/console/queues", "delayed 1"),
        ("/console/beteiligte?of=failed", "failed, is tried again"),
        ("/console/audit", "What operators did"),
        ("/console/settings", "SYNC_RETRY_MINUTES"),
        (path_of(&one).as_str(), "It failed once: "),
    ] {
        browser.goto(path).await?;
        browser.sees(says).await?;
    }
    browser.click("Requeue").await?;
    browser.sees("Back at work: 1.").await?;
    world.run_until_quiet().await?;
    let before = browser.text().await?;
    assert!(!before.contains("Both sides agree"), "nothing is replaced without the script: {before}");
    browser.goto(&path_of(&one)).await?;
    browser.sees("Both sides agree").await?;
    office.was_well_behaved().await
}

#[tokio::test]
async fn every_page_is_readable_on_desk_and_phone_by_day_and_night() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("SYNC_RETRY_MINUTES", "60");
    let calendars = Calendars::around(world).await?;
    let office = Office::of(&calendars.world).await?;
    office.browser.goto("/").await?;
    office.is_readable("/console/login").await?;
    calendars.given_employee("SB").await?;
    calendars.given_termin("SB", 3, 9, "Besprechung");
    calendars.sync_wanting(&["SB"], Wants::calendar()).await?;
    let one = given_a_failed_one(&calendars.world, 104_872).await?;
    office.log_in().await?;
    let record = path_of(&one);
    for path in [
        "/",
        "/console/queues",
        "/console/queues?queue=beteiligte&state=delayed",
        "/console/beteiligte?of=failed",
        &record,
        &format!("{record}/plan"),
        "/console/employees",
        "/console/employees/SB",
        "/console/employees/SB/plan",
        "/console/audit",
        "/console/audit?q=SB",
        "/console/divergent",
        "/console/settings",
        "/console/beteiligte/0000000000000beef",
    ] {
        office.is_readable(path).await?;
    }
    office.browser.look_as(Screen::Phone, Scheme::Dark).await?;
    office.browser.goto("/").await?;
    office.browser.picture("overview-phone-dark").await?;

    office.browser.look_as(Screen::Desk, Scheme::Light).await?;
    office.browser.goto("/").await?;
    office.browser.press(TAB).await?;
    assert_eq!(office.browser.focused().await?, "To the content", "the keyboard gets past the navigation");
    assert_eq!(office.browser.sites().await?, BTreeSet::from([office.address.clone()]));
    Ok(())
}
