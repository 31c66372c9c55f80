//! A story under one set of rules, played in a world.

use chrono::NaiveDate;
use domain::job::Wants;
use serde_json::{Value, json};
use shared::hub::calendar::PolicyChange;
use simulator::{Edit, Operation};
use sqlx::{Connection, PgConnection};

use super::Deed::{Changed, Deleted, Nothing};
use super::{Born, Case, RULES, Rules, Story, WHO};
use crate::calendar::content::Content;
use crate::calendar::entry::Entry;
use crate::calendar::{Calendars, parsed, sorted, with, writes};
use crate::kills::Scenario;
use crate::mixed::check::check;
use crate::world::{World, fields};
use crate::worlds::Worlds;
use crate::{Error, Result};

/// How a story must have ended.
#[derive(Clone, Debug, Default)]
struct End {
    termine: Vec<Entry>,
    events: Vec<Entry>,
    /// Titles that stood on a side before the run and do not in the end.
    overwritten: Vec<String>,
}

/// A story under a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Played {
    pub story: Story,
    pub rules: Rules,
}

impl Played {
    /// Every story of kills under every policy.
    pub fn all() -> impl Iterator<Item = Self> {
        Story::ALL.into_iter().flat_map(|story| RULES.map(|rules| Self { story, rules }))
    }

    fn days(self, calendars: &Calendars) -> Vec<(NaiveDate, Case)> {
        (1..).map(|ahead| calendars.day(ahead)).zip(self.story.cases()).collect()
    }

    async fn set_policy(self, calendars: &Calendars, write: bool, anonymize: bool) -> Result<()> {
        let change = PolicyChange {
            strategy: Some(Some(self.rules.strategy)),
            advoware_write_allowed: Some(Some(write)),
            anonymize: Some(Some(anonymize)),
            ..PolicyChange::default()
        };
        calendars.hub.set_policy(&parsed(WHO), &change).await.map(drop).map_err(|error| Error::new(error.to_string()))
    }

    fn end(self, calendars: &Calendars) -> End {
        let (was_hidden, hides) = self.story.anonymize();
        let mut end = End::default();
        for (day, case) in self.days(calendars) {
            let (termin, event) = case.end(day, self.rules, hides);
            let before = |deed, changed: Content| match deed {
                _ if case.is_new => None,
                Nothing => Some(case.original(day).text),
                Changed => Some(changed.text),
                Deleted => None,
            };
            let in_advoware = before(case.advoware, case.changed_in_advoware(day));
            let in_google = before(case.google, case.changed_in_google(day)).map(|text| {
                let is_blocked = was_hidden && case.born == Born::Advoware && case.google == Nothing;
                if is_blocked { "Advoware blocked".to_owned() } else { text }
            });
            for (before, after) in [(in_advoware, &termin), (in_google, &event)] {
                let is_kept = |text: &String| after.as_ref().is_some_and(|entry| entry.text == *text);
                end.overwritten.extend(before.filter(|text| !is_kept(text)));
            }
            end.termine.extend(termin);
            end.events.extend(event);
        }
        End { termine: sorted(end.termine.into_iter()), events: sorted(end.events.into_iter()), ..end }
    }

    /// Both sides as they must be: nothing is missing, doubled or back, and what was overwritten is kept.
    async fn ended(self, calendars: &Calendars) -> Result<()> {
        let end = self.end(calendars);
        let (termine, events) = (calendars.termine(WHO), calendars.events(WHO)?);
        check(termine == end.termine, || format!("Advoware holds {termine:#?}, not {:#?}", end.termine))?;
        check(events == end.events, || format!("Google holds {events:#?}, not {:#?}", end.events))?;
        let creations = calendars.world.simulator.google().calendar_creations();
        check(creations <= 1, || format!("{creations} calendars were created"))?;
        let mut hub = PgConnection::connect(&calendars.world.database_url).await?;
        let query = "SELECT before->>'text' FROM calendar_sync_audit WHERE before IS NOT NULL";
        let kept: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut hub).await?;
        hub.close().await?;
        for text in end.overwritten {
            check(kept.contains(&text), || format!("{text:?} was overwritten and is not in the audit"))?;
        }
        Ok(())
    }
}

/// Two more runs cost one list on each side and write nothing.
pub async fn then_silent(calendars: &Calendars) -> Result<()> {
    for run in ["second", "third"] {
        let calls = calendars.sync(&[WHO]).await?;
        let is_list = |operation| matches!(operation, Operation::ListTermine | Operation::GoogleEventList);
        let only_lists = calls.len() == 2 && calls.iter().all(|call| is_list(call.operation));
        let operations: Vec<Operation> = calls.iter().map(|call| call.operation).collect();
        check(only_lists, || format!("the {run} run called {operations:?} and wrote {:?}", writes(&calls)))?;
    }
    Ok(())
}

impl Scenario for Played {
    type Place = Calendars;

    async fn place(&self, worlds: &Worlds) -> Result<Calendars> {
        let mut calendars = Calendars::fresh(worlds).await?;
        // A worker that was killed leaves its leases of Termine for four times that long.
        calendars.world.setting("ADVOWARE_API_TIMEOUT_SECONDS", 1);
        Ok(calendars)
    }

    fn world(place: &Calendars) -> &World {
        &place.world
    }

    /// All that is not new is agreed, then users do what they do.
    async fn given(&self, calendars: &Calendars) -> Result<()> {
        let (was_hidden, hides) = self.story.anonymize();
        calendars.given_employee(WHO).await?;
        let simulator = &calendars.world.simulator;
        if self.story != Story::FirstRun {
            self.set_policy(calendars, true, was_hidden).await?;
            let calendar = simulator.google().seed_calendar(&format!("AW-{WHO}"), "Europe/Berlin");
            for (day, case) in self.days(calendars).iter().filter(|(_, case)| !case.is_new) {
                let original = case.original(*day);
                match case.born {
                    Born::Advoware => drop(simulator.advoware().seed_termin(original.termin(WHO))),
                    Born::Google => {
                        let seeded = simulator.google().seed(&calendar, original.event());
                        seeded.map_err(|refused| Error::new(refused.to_string()))?;
                    }
                }
            }
            calendars.sync(&[WHO]).await?;
        }
        self.set_policy(calendars, self.rules.write, hides).await?;
        for (day, case) in self.days(calendars) {
            user_edits(calendars, day, case)?;
        }
        Ok(())
    }

    async fn begin(&self, calendars: &Calendars) -> Result<()> {
        calendars.trigger(&[WHO], Wants::calendar()).await
    }

    async fn run_until_quiet(&self, calendars: &Calendars) -> Result<()> {
        calendars.run_until_quiet().await
    }

    async fn then_whole(&self, calendars: &Calendars) -> Result<()> {
        self.ended(calendars).await?;
        then_silent(calendars).await?;
        self.ended(calendars).await
    }
}

/// What users of both sides do to this entry.
fn user_edits(calendars: &Calendars, day: NaiveDate, case: Case) -> Result<()> {
    let do_it = |edit: Edit| {
        let done = calendars.world.simulator.edit(&edit);
        done.map(drop).map_err(|refused| Error::new(format!("{edit:?}: {refused}")))
    };
    if case.is_new {
        let original = case.original(day);
        return match case.born {
            Born::Advoware => do_it(Edit::TerminCreate { fields: fields(original.termin(WHO)) }),
            Born::Google => calendars.enter_event(WHO, original.event()).map(drop),
        };
    }
    let frnr = frnr_on(calendars, day).ok_or_else(|| Error::new(format!("no Termin on {day}")))?;
    match case.advoware {
        Nothing => {}
        Changed => {
            let changed = case.changed_in_advoware(day);
            let changed = with(changed.termin_times(), json!({"text": changed.text}));
            do_it(Edit::TerminChange { frnr, fields: fields(changed) })?;
        }
        Deleted => do_it(Edit::TerminDelete { frnr })?,
    }
    // Whoever is later, is so by more than the clocks of both sides tell.
    calendars.world.simulator.clock().advance_seconds(1);
    let event_id = event_on(calendars, day)?.ok_or_else(|| Error::new(format!("no event on {day}")))?;
    let calendar_id = calendars.calendar_id(WHO)?;
    match case.google {
        Nothing => Ok(()),
        Changed => {
            let changed = case.changed_in_google(day);
            let changed = with(changed.event_times(), json!({"summary": changed.text}));
            do_it(Edit::GoogleSet { calendar_id, event_id, fields: fields(changed) })
        }
        Deleted => do_it(Edit::GoogleDelete { calendar_id, event_id }),
    }
}

/// The Termin that begins on this day.
pub fn frnr_on(calendars: &Calendars, day: NaiveDate) -> Option<i64> {
    let advoware = calendars.world.simulator.advoware();
    let begins_then = |frnr: &i64| {
        let entry = advoware.termin(*frnr).and_then(|termin| Entry::of_termin(&termin));
        entry.is_some_and(|entry| entry.begins.date() == day)
    };
    advoware.frnrs_seen_by(WHO).into_iter().find(begins_then)
}

/// The event that begins on this day.
pub fn event_on(calendars: &Calendars, day: NaiveDate) -> Result<Option<String>> {
    let events = calendars.world.simulator.google().events(&calendars.calendar_id(WHO)?);
    let begins_then = |event: &&Value| Entry::of_event(event).is_some_and(|entry| entry.begins.date() == day);
    Ok(events.iter().find(begins_then).and_then(|event| event["id"].as_str()).map(str::to_owned))
}
