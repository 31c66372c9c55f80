//! A user who edits between two calls of a run on calendars (invariants 1 to 5): every kind of edit, on each side, after every call.

use std::fmt;

use chrono::NaiveDate;
use futures::StreamExt as _;
use futures::stream;
use serde_json::json;
use simulator::{Calls, Edit, EditRefused, JournalEntry, Moment, Operation};

use super::content::{Content, Shape};
use super::entry::Entry;
use super::ledger::{Ledger, Said, said};
use super::story::{Played, RULES, Story, WHO, event_on, frnr_on, then_silent};
use super::{Calendars, with};
use crate::kills::Scenario as _;
use crate::office::{Office, OfficeSettings};
use crate::world::fields;
use crate::worlds::Worlds;
use crate::{Error, Result};

/// What a user does meanwhile to the entry that the run works on, or beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meanwhile {
    GoogleTitle,
    GoogleMoved,
    GoogleDeleted,
    GoogleNew,
    AdvowareTitle,
    AdvowareMoved,
    AdvowareDeleted,
    AdvowareNew,
}

impl Meanwhile {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::GoogleTitle,
        Self::GoogleMoved,
        Self::GoogleDeleted,
        Self::GoogleNew,
        Self::AdvowareTitle,
        Self::AdvowareMoved,
        Self::AdvowareDeleted,
        Self::AdvowareNew,
    ];

    /// The edit, as the world is at that moment; `None` if there is nothing to be edited.
    fn edit(self, calendars: &Calendars) -> Result<Option<Edit>> {
        let (calendar_id, day) = (calendars.calendar_id(WHO)?, calendars.day(1));
        let (frnr, event) = (frnr_on(calendars, day), event_on(calendars, day)?);
        let moved = content(day);
        let new = content(calendars.day(2));
        let google_set = |value| {
            let calendar_id = calendar_id.clone();
            event.clone().map(|event_id| Edit::GoogleSet { calendar_id, event_id, fields: fields(value) })
        };
        let termin_set = |value| frnr.map(|frnr| Edit::TerminChange { frnr, fields: fields(value) });
        Ok(match self {
            Self::GoogleTitle => google_set(json!({"summary": moved.text})),
            Self::GoogleMoved => google_set(moved.event_times()),
            Self::GoogleDeleted => {
                event.clone().map(|event_id| Edit::GoogleDelete { calendar_id: calendar_id.clone(), event_id })
            }
            Self::GoogleNew => {
                Some(Edit::GoogleInsert { calendar_id: calendar_id.clone(), event: fields(new.event()) })
            }
            Self::AdvowareTitle => termin_set(json!({"text": moved.text})),
            Self::AdvowareMoved => termin_set(with(moved.termin_times(), json!({}))),
            Self::AdvowareDeleted => frnr.map(|frnr| Edit::TerminDelete { frnr }),
            Self::AdvowareNew => Some(Edit::TerminCreate { fields: fields(new.termin(WHO)) }),
        })
    }

    /// What the edit takes away from the entry of its side, and what it brings.
    fn note(self, ledger: &mut Ledger, calendars: &Calendars, was: &Was, is_safe: bool) {
        let side = match self {
            Self::GoogleTitle | Self::GoogleMoved | Self::GoogleDeleted | Self::GoogleNew => &was.google,
            Self::AdvowareTitle | Self::AdvowareMoved | Self::AdvowareDeleted | Self::AdvowareNew => &was.advoware,
        };
        let (day, old) = (calendars.day(1), side.as_ref().map(said));
        match self {
            Self::GoogleTitle | Self::AdvowareTitle => {
                ledger.displaced(old.map(|[title, _]| title));
                ledger.entered(day, [Said::Title(content(day).text)], is_safe);
            }
            Self::GoogleMoved | Self::AdvowareMoved => {
                ledger.displaced(old.map(|[_, begin]| begin));
                ledger.entered(day, [Said::Begin(content(day).begins())], is_safe);
            }
            Self::GoogleDeleted | Self::AdvowareDeleted => {
                if let Some(entry) = side {
                    ledger.deleted(entry, true);
                }
            }
            Self::GoogleNew | Self::AdvowareNew => {
                let new = content(calendars.day(2));
                ledger.entered(new.day, said(&new.entry()), is_safe);
            }
        }
    }
}

fn content(day: NaiveDate) -> Content {
    Content { day, shape: Shape::Hour, minute: 18 * 60 + 30, text: format!("Meanwhile {day}") }
}

/// What a sweep did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Calls after which edits were made.
    pub moments: usize,
    /// Edits that were made and checked.
    pub cases: usize,
    /// Moments at which there was nothing to edit.
    pub not_possible: usize,
    /// Edits in the one round trip between a look at Advoware and the write that stands on it: they may be lost there.
    pub in_window: usize,
    pub failures: Vec<String>,
}

impl fmt::Display for Swept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { moments, cases, not_possible, in_window, failures } = self;
        let failed = failures.len();
        write!(
            f,
            "{moments} moments, {cases} cases, {not_possible} not possible, {in_window} in the window, {failed} failed"
        )
    }
}

enum Case {
    Checked,
    NotPossible,
    InWindow,
}

/// Every edit after every call of the run of every story for it, under every policy, so many at a time; of all these cases each
/// `every`-th.
pub async fn sweep(worlds: &Worlds, every: usize, width: usize) -> Result<Swept> {
    let (mut swept, mut cases) = (Swept::default(), Vec::new());
    for played in Story::ONES.into_iter().flat_map(|story| RULES.map(|rules| Played { story, rules })) {
        let calls = calls_of(worlds, played).await?;
        swept.moments += calls.len();
        let moments = (1..).zip(calls);
        cases.extend(moments.flat_map(|(number, call)| Meanwhile::ALL.map(|edit| (played, number, call, edit))));
    }
    let mut results = stream::iter(cases.into_iter().step_by(every))
        .map(|(played, number, call, meanwhile)| async move {
            let result = edited_at(worlds, played, number, meanwhile).await;
            (format!("{played:?}, {meanwhile:?} after call {number:02} ({call:?})"), result)
        })
        .buffer_unordered(width);
    while let Some((name, result)) = results.next().await {
        match result {
            Ok(Case::Checked) => swept.cases += 1,
            Ok(Case::NotPossible) => swept.not_possible += 1,
            Ok(Case::InWindow) => swept.in_window += 1,
            Err(error) => swept.failures.push(format!("{name}: {error}")),
        }
    }
    swept.failures.sort();
    Ok(swept)
}

/// The calls of a run that nobody disturbs.
async fn calls_of(worlds: &Worlds, played: Played) -> Result<Vec<Operation>> {
    let (calendars, office) = set(worlds, played).await?;
    let before = calendars.world.simulator.journal().last_sequence();
    played.begin(&calendars).await?;
    calendars.run_until_quiet().await?;
    let calls = calendars.world.simulator.journal().since(before).iter().map(|call| call.operation).collect();
    office.abort().await?;
    Ok(calls)
}

async fn set(worlds: &Worlds, played: Played) -> Result<(Calendars, Office)> {
    let calendars = played.place(worlds).await?;
    let office = Office::open(&calendars.world, OfficeSettings::default()).await?;
    played.given(&calendars).await?;
    Ok((calendars, office))
}

/// Both sides of the entry at the moment of the edit.
struct Was {
    advoware: Option<Entry>,
    google: Option<Entry>,
}

impl Was {
    fn of(calendars: &Calendars) -> Result<Self> {
        let day = calendars.day(1);
        let on_day = |entries: Vec<Entry>| entries.into_iter().find(|entry| entry.begins.date() == day);
        Ok(Self { advoware: on_day(calendars.termine(WHO)), google: on_day(calendars.events(WHO)?) })
    }
}

async fn edited_at(worlds: &Worlds, played: Played, number: u32, meanwhile: Meanwhile) -> Result<Case> {
    let (calendars, office) = set(worlds, played).await?;
    let simulator = &calendars.world.simulator;
    let mut ledger = before_the_run(&calendars, played)?;
    let pause = simulator.pause_at(Moment::after(Calls::any().nth(number)));
    let begun = simulator.journal().last_sequence();
    played.begin(&calendars).await?;
    tokio::select! {
        () = pause.reached() => {}
        ended = calendars.run_until_quiet() => {
            ended?;
            return Err(Error::new("the run ended without coming to this call"));
        }
    }
    let Some(edit) = meanwhile.edit(&calendars)? else { return Ok(Case::NotPossible) };
    let was = Was::of(&calendars)?;
    simulator.clock().advance_seconds(1);
    match simulator.edit(&edit) {
        Ok(_) => {}
        Err(EditRefused::NoSuchRecord) => return Ok(Case::NotPossible),
        Err(refused) => return Err(Error::new(refused.to_string())),
    }
    pause.release();
    calendars.run_until_quiet().await?;
    let is_in_window = is_in_window(&edit, &simulator.journal().since(begun + u64::from(number)));
    meanwhile.note(&mut ledger, &calendars, &was, !is_in_window);
    // The next turns of the schedule: a list that has become entirely empty counts at the second time (C4).
    for _ in 0..2 {
        calendars.sync(&[WHO]).await?;
    }
    let checked = then_lawful(&calendars, &ledger).await;
    office.abort().await?;
    checked.map(|()| if is_in_window { Case::InWindow } else { Case::Checked })
}

/// What stands when the run begins: users entered all of it, and may have deleted one side.
fn before_the_run(calendars: &Calendars, played: Played) -> Result<Ledger> {
    let (mut ledger, was) = (Ledger::default(), Was::of(calendars)?);
    for entry in [&was.advoware, &was.google].into_iter().flatten() {
        ledger.entered(entry.begins.date(), said(entry), true);
    }
    for case in played.story.cases().into_iter().filter(|case| !case.is_new) {
        if was.advoware.is_none() || was.google.is_none() {
            ledger.deleted(&case.original(calendars.day(1)).entry(), false);
        }
    }
    Ok(ledger)
}

/// The window of Advoware, which has no conditional write: the edit fell between a look at that very Termin and the write to it.
fn is_in_window(edit: &Edit, calls: &[JournalEntry]) -> bool {
    let (Edit::TerminChange { frnr, .. } | Edit::TerminDelete { frnr }) = edit else { return false };
    let of_termin = |call: &&JournalEntry| {
        let is_look = call.operation == Operation::GetTermin;
        let is_write = matches!(call.operation, Operation::PutTermin | Operation::DeleteTermin);
        (is_look || is_write) && call.keys == [frnr.to_string()]
    };
    calls.iter().find(of_termin).is_some_and(|call| call.operation != Operation::GetTermin && call.applied)
}

async fn then_lawful(calendars: &Calendars, ledger: &Ledger) -> Result<()> {
    then_silent(calendars).await?;
    let problems = ledger.problems(calendars, &[WHO]).await?;
    if problems.is_empty() { Ok(()) } else { Err(Error::new(problems.join("; "))) }
}
