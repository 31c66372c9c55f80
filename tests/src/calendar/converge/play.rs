//! Plays a story of calendars on real parts.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDate;
use domain::job::Wants;
use serde_json::{Value, json};
use shared::hub::calendar::PolicyChange;
use simulator::{Calls, Edit as UserEdit, Moment};
use sqlx::{Connection, PgConnection};

use super::step::{Edit, Kind, PEOPLE, Step, Story, fault, policy};
use crate::calendar::content::{Content, Shape};
use crate::calendar::entry::Entry;
use crate::calendar::ledger::{Ledger, Said, said};
use crate::calendar::{Calendars, parsed, writes};
use crate::office::{Office, OfficeSettings};
use crate::world::fields;
use crate::worlds::Worlds;
use crate::{Error, Result, eventually};

/// Longest wait for a story to become quiet.
const PATIENCE: Duration = Duration::from_mins(2);
/// Runs in which a story must have come to rest: what was refused or held is tried again at the next turn of the schedule.
const TURNS: usize = 6;
/// Days of the entries that are there at the beginning come before those of steps.
const FIRST_DAYS: usize = 20;

/// A story under way, and what its users did.
struct Stage {
    calendars: Calendars,
    office: Option<Office>,
    ledger: Ledger,
    /// Days whose entry a user will edit in the middle of the next run: what is entered before may be what that edit replaces.
    awaited: BTreeSet<NaiveDate>,
}

/// What a user is about to do, and to what.
struct Deed {
    edit: UserEdit,
    /// What the side that is edited says now.
    was: Option<Entry>,
    new: Option<Content>,
}

/// Whether the story ends well; else what is wrong.
pub(super) async fn play(worlds: &Worlds, story: &Story) -> std::result::Result<(), String> {
    match Box::pin(play_on(worlds, story)).await {
        Ok(problems) if problems.is_empty() => Ok(()),
        Ok(problems) => Err(problems.join("; ")),
        Err(error) => Err(error.to_string()),
    }
}

async fn play_on(worlds: &Worlds, story: &Story) -> Result<Vec<String>> {
    let mut stage = Stage::open(worlds).await?;
    stage.run().await?;
    for step in &story.steps {
        stage.step(step).await?;
    }
    stage.calendars.world.simulator.faults().clear();
    stage.calendars.world.simulator.clear_schedule();
    stage.settle().await?;
    let problems = stage.ledger.problems(&stage.calendars, &PEOPLE).await?;
    if let Some(office) = stage.office.take() {
        office.close().await?;
    }
    Ok(problems)
}

impl Stage {
    async fn open(worlds: &Worlds) -> Result<Self> {
        let mut calendars = Calendars::fresh(worlds).await?;
        for (name, value) in [
            ("SYSTEM_BREAKER_SECONDS", "0.05"),
            ("SYNC_RETRY_MINUTES", "0.001"),
            ("SYNC_MAX_TRIES", "20"),
            ("ADVOWARE_API_TIMEOUT_SECONDS", "1"),
        ] {
            calendars.world.setting(name, value);
        }
        let mut stage = Self { calendars, office: None, ledger: Ledger::default(), awaited: BTreeSet::new() };
        for (at, kuerzel) in PEOPLE.into_iter().enumerate() {
            stage.calendars.given_employee(kuerzel).await?;
            let write = PolicyChange { advoware_write_allowed: Some(Some(true)), ..PolicyChange::default() };
            stage.set_policy(at, &write).await?;
            let calendar =
                stage.calendars.world.simulator.google().seed_calendar(&format!("AW-{kuerzel}"), "Europe/Berlin");
            for (day, anwalt) in [(4 * at, kuerzel), (4 * at + 1, kuerzel), (4 * at + 2, "ALLE")] {
                let content = stage.first(day);
                stage.calendars.world.simulator.advoware().seed_termin(content.termin(anwalt));
                stage.ledger.entered(content.day, said(&content.entry()), true);
            }
            let content = stage.first(4 * at + 3);
            let seeded = stage.calendars.world.simulator.google().seed(&calendar, content.event());
            seeded.map_err(|refused| Error::new(refused.to_string()))?;
            stage.ledger.entered(content.day, said(&content.entry()), true);
        }
        stage.office = Some(stage.new_office().await?);
        Ok(stage)
    }

    fn first(&self, day: usize) -> Content {
        Content { day: self.day(day), shape: Shape::Hour, minute: 20 * 60, text: format!("Anfang {day}") }
    }

    fn day(&self, number: usize) -> NaiveDate {
        self.calendars.day(1 + i64::try_from(number).unwrap_or_default())
    }

    /// One job at a time: what a run does depends on what went before, not on who is faster.
    async fn new_office(&self) -> Result<Office> {
        Office::open(&self.calendars.world, OfficeSettings::default()).await
    }

    async fn set_policy(&self, who: usize, change: &PolicyChange) -> Result<()> {
        let done = self.calendars.hub.set_policy(&parsed(PEOPLE[who]), change).await;
        done.map(drop).map_err(|error| Error::new(error.to_string()))
    }

    async fn step(&mut self, step: &Step) -> Result<()> {
        let simulator = &self.calendars.world.simulator;
        // Whoever is later, is so by more than the clocks of both sides tell.
        simulator.clock().advance_seconds(1);
        match step {
            Step::Edit(edit) => {
                if let Some(deed) = self.deed(*edit)?
                    && !self.is_nameless(&deed).await?
                    && simulator.edit(&deed.edit).is_ok()
                {
                    let day = deed.was.as_ref().map(|was| was.begins.date());
                    let is_calm = day.is_none_or(|day| !self.awaited.contains(&day));
                    self.note(*edit, &deed, is_calm);
                }
            }
            Step::During(nth, edit) => {
                if let Some(deed) = self.deed(*edit)?
                    && !self.is_nameless(&deed).await?
                {
                    simulator.edit_at(Moment::after(Calls::any().nth(*nth)), deed.edit.clone());
                    self.note(*edit, &deed, false);
                    self.awaited.extend(deed.was.map(|was| was.begins.date()));
                }
            }
            Step::Fault(nth, number) => simulator.faults().arm(fault(*nth, *number)),
            Step::TokensExpire => simulator.google().expire_sync_tokens(),
            Step::Policy(who, number) => self.set_policy(*who, &policy(*number)).await?,
            Step::Run => {
                self.run().await?;
                // An edit whose moment did not come belonged to this run.
                self.calendars.world.simulator.clear_schedule();
                self.awaited.clear();
            }
            Step::Crash(nth) => self.crash(*nth).await?,
        }
        Ok(())
    }

    async fn crash(&mut self, nth: u32) -> Result<()> {
        let pause = self.calendars.world.simulator.pause_at(Moment::after(Calls::any().nth(nth)));
        self.calendars.trigger(&PEOPLE, Wants::calendar()).await?;
        tokio::select! {
            () = pause.reached() => {}
            quiet = self.quiet() => quiet?,
        }
        if let Some(office) = self.office.take() {
            office.abort().await?;
        }
        pause.release();
        self.office = Some(self.new_office().await?);
        Ok(())
    }

    async fn run(&self) -> Result<()> {
        self.calendars.trigger(&PEOPLE, Wants::calendar()).await?;
        self.quiet().await
    }

    async fn quiet(&self) -> Result<()> {
        let queue = &self.calendars.queue;
        let people: Vec<String> = PEOPLE.map(str::to_owned).to_vec();
        eventually(PATIENCE, "the calendar's queue is quiet", async || match queue.counts().await {
            Ok(counts) if counts.ready + counts.delayed + counts.running == 0 => Ok(()),
            Ok(counts) => Err(format!("{counts:?}, {:?}", queue.show(&people).await)),
            Err(error) => Err(error.to_string()),
        })
        .await
    }

    /// Turns of the schedule, until two in a row write nothing. An operator looks after what the guard holds.
    async fn settle(&self) -> Result<()> {
        let mut silent = 0;
        for turn in 0..TURNS {
            let before = self.calendars.world.simulator.journal().last_sequence();
            let wants = if turn == 0 { Wants::calendar().approving_deletions() } else { Wants::calendar() };
            self.calendars.trigger(&PEOPLE, wants).await?;
            self.quiet().await?;
            let calls = self.calendars.world.simulator.journal().since(before);
            silent = if writes(&calls).is_empty() { silent + 1 } else { 0 };
            if turn > 1 && silent >= 2 {
                return Ok(());
            }
        }
        Err(Error::new(format!("after {TURNS} turns runs still write")))
    }

    /// Whether the edit meets a Termin of which a run that was cut off has not got the number: it is known again by what it says (C3), so
    /// whoever changes it before the next run makes it another one. Nothing can be done about that.
    async fn is_nameless(&self, deed: &Deed) -> Result<bool> {
        let (UserEdit::TerminChange { frnr, .. } | UserEdit::TerminDelete { frnr }) = &deed.edit else {
            return Ok(false);
        };
        let mut hub = PgConnection::connect(&self.calendars.world.database_url).await?;
        let query = "SELECT EXISTS (SELECT FROM calendar_sync WHERE NOT deleted AND intent->>'kind' = 'create_termin')
                     AND NOT EXISTS (SELECT FROM calendar_sync WHERE NOT deleted AND advoware_frnr = $1)";
        let is_nameless: bool = sqlx::query_scalar(query).bind(frnr).fetch_one(&mut hub).await?;
        hub.close().await?;
        Ok(is_nameless)
    }

    /// The edit as the simulator knows it; `None` if there is nothing to do it to. Choices follow days, not ids that differ each time.
    fn deed(&self, edit: Edit) -> Result<Option<Deed>> {
        let (kuerzel, simulator) = (PEOPLE[edit.who], &self.calendars.world.simulator);
        let new = edit.content(self.day(FIRST_DAYS + edit.number));
        let calendar_id = self.calendars.calendar_id(kuerzel)?;
        let advoware = simulator.advoware();
        let termine = advoware.frnrs_seen_by(kuerzel).into_iter();
        let mut termine: Vec<(Entry, i64)> =
            termine.filter_map(|frnr| Some((Entry::of_termin(&advoware.termin(frnr)?)?, frnr))).collect();
        termine.sort();
        let id = |event: &Value| event["id"].as_str().map(str::to_owned);
        let events = simulator.google().events(&calendar_id);
        let mut events: Vec<(Entry, String)> =
            events.iter().filter_map(|event| Some((Entry::of_event(event)?, id(event)?))).collect();
        events.sort();
        let termin = termine.get(edit.pick % termine.len().max(1)).cloned();
        let event = events.get(edit.pick % events.len().max(1)).cloned();
        // A new begin of the same day; whole days and series stay as they are.
        let moved = |was: &Entry| {
            let is_hour = !was.all_day && was.series.is_none();
            is_hour.then(|| Content { day: was.begins.date(), shape: Shape::Hour, ..new.clone() })
        };
        let termin_set = |value: fn(&Content) -> Value, content: Option<Content>| {
            let ((was, frnr), content) = (termin.clone()?, content?);
            let edit = UserEdit::TerminChange { frnr, fields: fields(value(&content)) };
            Some(Deed { edit, was: Some(was), new: Some(content) })
        };
        let event_set = |value: fn(&Content) -> Value, content: Option<Content>| {
            let ((was, event_id), content) = (event.clone()?, content?);
            let calendar_id = calendar_id.clone();
            let edit = UserEdit::GoogleSet { calendar_id, event_id, fields: fields(value(&content)) };
            Some(Deed { edit, was: Some(was), new: Some(content) })
        };
        let entered = |edit| Some(Deed { edit, was: None, new: Some(new.clone()) });
        Ok(match edit.kind {
            Kind::TerminNew => entered(UserEdit::TerminCreate { fields: fields(new.termin(kuerzel)) }),
            Kind::TerminNewForAll => entered(UserEdit::TerminCreate { fields: fields(new.termin("ALLE")) }),
            Kind::EventNew => {
                let calendar_id = calendar_id.clone();
                entered(UserEdit::GoogleInsert { calendar_id, event: fields(new.event()) })
            }
            Kind::TerminTitle => termin_set(|content| json!({"text": content.text}), Some(new.clone())),
            Kind::EventTitle => event_set(|content| json!({"summary": content.text}), Some(new.clone())),
            Kind::TerminMoved => termin_set(Content::termin_times, termin.as_ref().and_then(|(was, _)| moved(was))),
            Kind::EventMoved => event_set(Content::event_times, event.as_ref().and_then(|(was, _)| moved(was))),
            Kind::TerminDeleted => termin.clone().map(|(was, frnr)| Deed {
                edit: UserEdit::TerminDelete { frnr },
                was: Some(was),
                new: None,
            }),
            Kind::EventDeleted => event.clone().map(|(was, event_id)| Deed {
                edit: UserEdit::GoogleDelete { calendar_id: calendar_id.clone(), event_id },
                was: Some(was),
                new: None,
            }),
        })
    }

    /// `is_calm`: it happens now, while nothing runs, and nothing else is to come; else in the middle of the next run, where a write to a Termin that stands on the look
    /// before may run over it, and where it may meet something else than it does now.
    fn note(&mut self, edit: Edit, deed: &Deed, is_calm: bool) {
        let old = deed.was.as_ref().map(said);
        let day = deed.was.as_ref().map(|was| was.begins.date());
        match (edit.kind, &deed.new) {
            (Kind::TerminNew | Kind::TerminNewForAll | Kind::EventNew, Some(new)) => {
                if is_calm {
                    self.ledger.entered(new.day, said(&new.entry()), true);
                }
            }
            (Kind::TerminTitle | Kind::EventTitle, Some(new)) => {
                self.ledger.displaced(old.map(|[title, _]| title));
                self.ledger.entered(day.unwrap_or(new.day), [Said::Title(new.text.clone())], is_calm);
            }
            (Kind::TerminMoved | Kind::EventMoved, Some(new)) => {
                self.ledger.displaced(old.map(|[_, begin]| begin));
                self.ledger.entered(new.day, [Said::Begin(new.begins())], is_calm);
            }
            (Kind::TerminDeleted | Kind::EventDeleted, _) => {
                if let Some(was) = &deed.was {
                    self.ledger.deleted(was, is_calm);
                }
            }
            (
                Kind::TerminNew
                | Kind::TerminNewForAll
                | Kind::EventNew
                | Kind::TerminTitle
                | Kind::EventTitle
                | Kind::TerminMoved
                | Kind::EventMoved,
                None,
            ) => {}
        }
    }
}
