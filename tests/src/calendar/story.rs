//! What kill and race sweeps play: Termine and events that users of both sides have entered, changed and deleted, under every policy,
//! and how all of it must end. The end is told by C5 and C7 as written down, not by the programs.

use chrono::NaiveDate;
use domain::calendar::policy::SyncStrategy;
use domain::job::Wants;
use serde_json::{Value, json};
use shared::hub::calendar::PolicyChange;
use simulator::{Edit, Operation};
use sqlx::{Connection, PgConnection};

use super::content::{Content, Shape};
use super::entry::Entry;
use super::{Calendars, parsed, sorted, with, writes};
use crate::kills::Scenario;
use crate::mixed::check::check;
use crate::world::{World, fields};
use crate::worlds::Worlds;
use crate::{Error, Result};

/// The employee of all stories.
pub const WHO: &str = "SB";

/// The policy of the run under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    pub strategy: SyncStrategy,
    /// The employee's permission to write to Advoware.
    pub write: bool,
}

/// Both strategies, both permissions.
pub const RULES: [Rules; 4] = [
    Rules { strategy: SyncStrategy::SourceSystemWins, write: true },
    Rules { strategy: SyncStrategy::SourceSystemWins, write: false },
    Rules { strategy: SyncStrategy::LastChangeWins, write: true },
    Rules { strategy: SyncStrategy::LastChangeWins, write: false },
];

/// What a user of one side did to an agreed entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Nothing,
    Changed,
    Deleted,
}

use Deed::{Changed, Deleted, Nothing};

/// Where an entry was born.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Born {
    Advoware,
    Google,
}

/// One entry and what was done to it. New ones are entered just before the run under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    pub born: Born,
    pub shape: Shape,
    pub is_new: bool,
    pub advoware: Deed,
    pub google: Deed,
}

/// Cases that one run deals with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// Nothing is there yet, the calendar neither.
    FirstRun,
    /// Phases 1 and 2.
    New,
    /// Phase 3.
    Deleted,
    /// Phase 4.
    Changed,
    /// Whole days and series in phases 3 and 4.
    Long,
    /// Users have edited anonymised copies.
    Blocked,
    /// Copies become anonymised in the run under test.
    BecomesBlocked,
    /// A little of everything.
    Everything,
    /// One entry alone, for users who edit meanwhile.
    One(Case),
}

impl Story {
    /// Those for kills.
    pub const ALL: [Self; 8] = [
        Self::FirstRun,
        Self::New,
        Self::Deleted,
        Self::Changed,
        Self::Long,
        Self::Blocked,
        Self::BecomesBlocked,
        Self::Everything,
    ];

    /// What each run of a race sweep works on.
    pub const ONES: [Self; 9] = [
        Self::One(Case::new(Born::Advoware, Shape::Hour)),
        Self::One(Case::new(Born::Google, Shape::Hour)),
        Self::One(Case::old(Born::Advoware, Changed, Nothing)),
        Self::One(Case::old(Born::Advoware, Nothing, Changed)),
        Self::One(Case::old(Born::Google, Nothing, Changed)),
        Self::One(Case::old(Born::Google, Changed, Changed)),
        Self::One(Case::old(Born::Advoware, Deleted, Nothing)),
        Self::One(Case::old(Born::Google, Nothing, Deleted)),
        Self::One(Case::old(Born::Advoware, Nothing, Deleted)),
    ];

    /// The entries, each on a day of its own.
    pub fn cases(self) -> Vec<Case> {
        let both = |deeds: &[(Deed, Deed)]| {
            let of = |born| deeds.iter().map(move |(advoware, google)| Case::old(born, *advoware, *google));
            of(Born::Advoware).chain(of(Born::Google)).collect()
        };
        match self {
            Self::FirstRun => [Shape::Hour, Shape::Weekly].map(|shape| Case::new(Born::Advoware, shape)).to_vec(),
            Self::New => [Shape::Hour, Shape::AllDay, Shape::Weekly]
                .into_iter()
                .flat_map(|shape| [Born::Advoware, Born::Google].map(|born| Case::new(born, shape)))
                .collect(),
            Self::Deleted => both(&[
                (Deleted, Nothing),
                (Nothing, Deleted),
                (Deleted, Deleted),
                (Deleted, Changed),
                (Changed, Deleted),
            ]),
            Self::Changed => both(&[(Changed, Nothing), (Nothing, Changed), (Changed, Changed)]),
            Self::Long => [
                Case::old(Born::Advoware, Changed, Nothing).shaped(Shape::Weekly),
                Case::old(Born::Google, Nothing, Changed).shaped(Shape::Weekly),
                Case::old(Born::Google, Changed, Changed).shaped(Shape::AllDay),
                Case::old(Born::Advoware, Deleted, Nothing).shaped(Shape::AllDay),
                Case::old(Born::Google, Nothing, Deleted).shaped(Shape::Weekly),
            ]
            .to_vec(),
            Self::Blocked | Self::BecomesBlocked => [
                Case::old(Born::Advoware, Nothing, Nothing),
                Case::old(Born::Advoware, Changed, Nothing).shaped(Shape::Weekly),
                Case::old(Born::Advoware, Nothing, Changed),
                Case::old(Born::Advoware, Changed, Changed),
                Case::old(Born::Advoware, Deleted, Changed),
                Case::old(Born::Advoware, Nothing, Deleted),
                Case::old(Born::Google, Nothing, Changed),
                Case::new(Born::Advoware, Shape::AllDay),
            ]
            .to_vec(),
            Self::Everything => [
                Case::new(Born::Advoware, Shape::Weekly),
                Case::new(Born::Google, Shape::Hour),
                Case::old(Born::Advoware, Changed, Nothing),
                Case::old(Born::Advoware, Nothing, Changed),
                Case::old(Born::Google, Nothing, Changed).shaped(Shape::Weekly),
                Case::old(Born::Google, Changed, Changed),
                Case::old(Born::Advoware, Deleted, Nothing),
                Case::old(Born::Google, Nothing, Deleted),
                Case::old(Born::Google, Deleted, Changed),
                Case::old(Born::Advoware, Changed, Deleted).shaped(Shape::AllDay),
            ]
            .to_vec(),
            Self::One(case) => vec![case],
        }
    }

    /// Whether copies are anonymised before the run under test, and in it.
    fn anonymize(self) -> (bool, bool) {
        match self {
            Self::Blocked => (true, true),
            Self::BecomesBlocked | Self::Everything => (false, true),
            Self::FirstRun | Self::New | Self::Deleted | Self::Changed | Self::Long | Self::One(_) => (false, false),
        }
    }
}

impl Case {
    const fn new(born: Born, shape: Shape) -> Self {
        Self { born, shape, is_new: true, advoware: Nothing, google: Nothing }
    }

    const fn old(born: Born, advoware: Deed, google: Deed) -> Self {
        Self { born, shape: Shape::Hour, is_new: false, advoware, google }
    }

    const fn shaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// The entry as it was agreed, or entered.
    pub fn original(self, day: NaiveDate) -> Content {
        Content { day, shape: self.shape, minute: 9 * 60, text: format!("Termin {day}") }
    }

    fn changed_in_advoware(self, day: NaiveDate) -> Content {
        Content { minute: 14 * 60, text: format!("Advoware {day}"), ..self.original(day) }
    }

    fn changed_in_google(self, day: NaiveDate) -> Content {
        Content { minute: 16 * 60, text: format!("Google {day}"), ..self.original(day) }
    }

    /// Who wins by C5; of two changes Google's is the later one.
    fn advoware_wins(self, rules: Rules) -> bool {
        let by_source = self.born == Born::Advoware;
        match (rules.write, rules.strategy, self.advoware, self.google) {
            (true, SyncStrategy::SourceSystemWins, ..) | (true, SyncStrategy::LastChangeWins, Nothing, Nothing) => {
                by_source
            }
            (false, ..) | (true, SyncStrategy::LastChangeWins, Changed | Deleted, Nothing | Deleted) => true,
            (true, SyncStrategy::LastChangeWins, _, Changed)
            | (true, SyncStrategy::LastChangeWins, Nothing, Deleted) => false,
        }
    }

    /// What stands in the end: in Advoware and in Google.
    fn end(self, day: NaiveDate, rules: Rules, hides: bool) -> (Option<Entry>, Option<Entry>) {
        let original = self.original(day);
        let hides = hides && self.born == Born::Advoware;
        let shown = |content: &Content| if hides { content.entry().blocked() } else { content.entry() };
        if self.is_new {
            let is_taken = self.born == Born::Advoware || rules.write;
            return (is_taken.then(|| original.entry()), Some(shown(&original)));
        }
        let advoware = match self.advoware {
            Nothing => Some(original.clone()),
            Changed => Some(self.changed_in_advoware(day)),
            Deleted => None,
        };
        let google = match self.google {
            Nothing => Some(original.clone()),
            Changed => Some(self.changed_in_google(day)),
            Deleted => None,
        };
        let stands = match (self.advoware_wins(rules), &advoware, google) {
            (true, Some(advoware), _) => Some(advoware.clone()),
            // Of a hidden copy only the times count.
            (false, _, Some(google)) if hides && self.google == Changed => {
                Some(Content { text: advoware.as_ref().unwrap_or(&original).text.clone(), ..google })
            }
            (false, _, Some(google)) => Some(google),
            (true, None, _) | (false, _, None) => None,
        };
        (stands.as_ref().map(Content::entry), stands.as_ref().map(shown))
    }
}

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
