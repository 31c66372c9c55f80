//! The calendar part of the demo's script: what people do to Termine in Advoware and to events in Google, worked out
//! against whatever both look like when each line is applied.

use std::collections::HashSet;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::dice::Dice;
use crate::edit::{self, Edit, EditOutcome};
use crate::firm::clock_changes;
use crate::firm::names::{person, place};
use crate::google::{Seen, instant_at};
use crate::stage::World;

/// What begins later stays where it is: moved on, it could leave the two years that a sync sees.
const AHEAD_DAYS: i64 = 700;
/// So many places are tried for a new entry.
const TRIES: usize = 16;

/// What an edit of a calendar exercises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarVariant {
    /// A new Termin in Advoware.
    TerminEntered,
    /// A Termin moved by some days; its time of day stays.
    TerminMoved,
    /// A Termin moved into a week in which the clocks change.
    TerminMovedToClockChange,
    /// A Termin gets another text.
    TerminRetitled,
    /// A Termin deleted in Advoware.
    TerminDeleted,
    /// A new event in Google.
    GoogleEntered,
    /// A new event in Google in a week in which the clocks change.
    GoogleEnteredAtClockChange,
    /// An event moved by some days; its time of day stays, and all-day stays all-day.
    GoogleMoved,
    /// An event moved into a week in which the clocks change.
    GoogleMovedToClockChange,
    /// An event gets another title.
    GoogleRetitled,
    /// An event deleted in Google.
    GoogleDeleted,
}

impl CalendarVariant {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::TerminEntered,
        Self::TerminMoved,
        Self::TerminMovedToClockChange,
        Self::TerminRetitled,
        Self::TerminDeleted,
        Self::GoogleEntered,
        Self::GoogleEnteredAtClockChange,
        Self::GoogleMoved,
        Self::GoogleMovedToClockChange,
        Self::GoogleRetitled,
        Self::GoogleDeleted,
    ];
}

/// One line of a calendar script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarScriptEdit {
    /// Position, from 1.
    pub number: usize,
    /// What it exercises.
    pub variant: CalendarVariant,
    /// Decides entry, place and texts.
    pub seed: u64,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalendarScriptOutcome {
    /// The line.
    pub number: usize,
    /// What it exercises.
    pub variant: CalendarVariant,
    /// The edit done.
    pub edit: Edit,
    /// The Termin or event it touched or made.
    pub touched: EditOutcome,
}

/// A script of `length` lines that covers every variant once `length` reaches their number.
pub fn calendar_edit_script(seed: u64, length: usize) -> Vec<CalendarScriptEdit> {
    let mut dice = Dice::new(seed);
    let mut variants: Vec<CalendarVariant> = CalendarVariant::ALL.into_iter().cycle().take(length).collect();
    dice.shuffle(&mut variants);
    let lines = variants.into_iter().enumerate();
    lines.map(|(at, variant)| CalendarScriptEdit { number: at + 1, variant, seed: dice.next() }).collect()
}

/// Applies a line to the first suitable entry from a point its seed gives: a single one ahead of `now`. `None` when none is
/// suitable.
///
/// A Termin and its event begin at the same instant, so each instant is used once per `used`: no line undoes another's.
pub(crate) fn apply(
    world: &mut World,
    line: &CalendarScriptEdit,
    used: &mut HashSet<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<CalendarScriptOutcome> {
    let mut dice = Dice::new(line.seed);
    for Change { edit, begins } in changes(world, line.variant, &mut dice, now) {
        if begins.iter().any(|instant| used.contains(instant)) {
            continue;
        }
        if let Ok(touched) = edit::apply(world, &edit, now) {
            used.extend(begins);
            return Some(CalendarScriptOutcome { number: line.number, variant: line.variant, edit, touched });
        }
    }
    None
}

/// A possible edit, and when what it touches begins, before and after.
struct Change {
    edit: Edit,
    begins: Vec<DateTime<Utc>>,
}

fn changes(world: &World, variant: CalendarVariant, dice: &mut Dice, now: DateTime<Utc>) -> Vec<Change> {
    let today = now.with_timezone(&Berlin).date_naive();
    match variant {
        CalendarVariant::TerminEntered => new_termine(world, today, dice),
        CalendarVariant::TerminMoved => {
            of_termine(world, now, dice, |termin, dice| Some(termin.days_later(1 + dice.below(14))))
        }
        CalendarVariant::TerminMovedToClockChange => {
            of_termine(world, now, dice, |termin, dice| Some(termin.to(Slot::at_clock_change(today, dice)?)))
        }
        CalendarVariant::TerminRetitled => of_termine(world, now, dice, |termin, dice| {
            Some(termin.changed(Map::from_iter([("text".to_owned(), json!(title("Verlegt auf Wunsch von", dice)))])))
        }),
        CalendarVariant::TerminDeleted => of_termine(world, now, dice, |termin, _| Some(termin.deleted())),
        CalendarVariant::GoogleEntered => new_events(world, dice, |dice| Some(Slot::ordinary(today, dice))),
        CalendarVariant::GoogleEnteredAtClockChange => {
            new_events(world, dice, |dice| Slot::at_clock_change(today, dice))
        }
        CalendarVariant::GoogleMoved => {
            of_events(world, now, dice, |seen, dice| Some(event_days_later(seen, 1 + dice.below(14))))
        }
        CalendarVariant::GoogleMovedToClockChange => {
            of_events(world, now, dice, |seen, dice| Some(event_to(seen, Slot::at_clock_change(today, dice)?)))
        }
        CalendarVariant::GoogleRetitled => of_events(world, now, dice, |seen, dice| {
            let fields = Map::from_iter([("summary".to_owned(), json!(title("Telefonat mit", dice)))]);
            let edit =
                Edit::GoogleSet { calendar_id: seen.calendar_id.clone(), event_id: seen.event_id.clone(), fields };
            Some(Change { edit, begins: vec![seen.begins()] })
        }),
        CalendarVariant::GoogleDeleted => of_events(world, now, dice, |seen, _| {
            let edit = Edit::GoogleDelete { calendar_id: seen.calendar_id.clone(), event_id: seen.event_id.clone() };
            Some(Change { edit, begins: vec![seen.begins()] })
        }),
    }
}

/// A place in the calendar, in Berlin's wall time.
#[derive(Clone, Copy)]
struct Slot {
    day: NaiveDate,
    from: NaiveTime,
    to: NaiveTime,
}

impl Slot {
    /// Three quarters of an hour of some day in the next half year.
    fn ordinary(today: NaiveDate, dice: &mut Dice) -> Self {
        let day = days_after(today, 1 + dice.below(180));
        Self::from_minute(day, 60 * (8 + dice.below(9)) + 5 * dice.below(12), 45)
    }

    /// In the week around a day on which the clocks will change; on that day across the skipped or repeated hour.
    fn at_clock_change(today: NaiveDate, dice: &mut Dice) -> Option<Self> {
        let ahead = TimeDelta::days(3)..TimeDelta::days(AHEAD_DAYS);
        let days: Vec<NaiveDate> =
            clock_changes(today).into_iter().filter(|day| ahead.contains(&(*day - today))).collect();
        let sunday = *days.get(dice.below(days.len()))?;
        if dice.percent(40) {
            return Some(Self::from_minute(sunday, 60 + 5 * dice.below(12), 150));
        }
        let day = days_after(sunday - Days::new(3), dice.below(7));
        Some(Self::from_minute(day, 60 * (8 + dice.below(9)) + 5 * dice.below(12), 45))
    }

    /// Ends before midnight.
    fn from_minute(day: NaiveDate, minute: usize, wall_minutes: i64) -> Self {
        let from = NaiveTime::MIN + TimeDelta::minutes(i64::try_from(minute).unwrap_or(0));
        Self { day, from, to: from + TimeDelta::minutes(wall_minutes) }
    }

    fn begins(self) -> DateTime<Utc> {
        instant_at(Berlin, self.day.and_time(self.from))
    }

    fn termin_fields(self) -> Map<String, Value> {
        let (day, from, to) = (self.day.to_string(), self.from.to_string(), self.to.to_string());
        let fields =
            [("datum", json!(day)), ("datumBis", json!(day)), ("uhrzeitVon", json!(from)), ("uhrzeitBis", json!(to))];
        let timed = ("dauertermin", json!(0));
        fields.into_iter().chain([timed]).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Start and end as Google takes them.
    fn google_times(self) -> [Value; 2] {
        [self.from, self.to].map(|time| {
            let wall = self.day.and_time(time).format("%Y-%m-%dT%H:%M:%S").to_string();
            json!({ "dateTime": wall, "timeZone": Berlin.name() })
        })
    }
}

/// A single Termin that people can change.
struct OpenTermin {
    frnr: i64,
    begins: DateTime<Utc>,
    fields: Map<String, Value>,
}

impl OpenTermin {
    fn changed(&self, fields: Map<String, Value>) -> Change {
        Change { edit: Edit::TerminChange { frnr: self.frnr, fields }, begins: vec![self.begins] }
    }

    fn deleted(&self) -> Change {
        Change { edit: Edit::TerminDelete { frnr: self.frnr }, begins: vec![self.begins] }
    }

    fn to(&self, slot: Slot) -> Change {
        let mut change = self.changed(slot.termin_fields());
        change.begins.push(slot.begins());
        change
    }

    /// Dates keep the time that stands behind them, if any.
    fn days_later(&self, days: usize) -> Change {
        let later = |name: &str| {
            let (day, rest) = self.fields.get(name)?.as_str()?.split_at_checked("2026-01-31".len())?;
            Some((name.to_owned(), json!(format!("{}{rest}", days_after(day.parse().ok()?, days)))))
        };
        let mut change = self.changed(["datum", "datumBis"].into_iter().filter_map(later).collect());
        let wall = self.begins.with_timezone(&Berlin).naive_local();
        change.begins.push(instant_at(Berlin, days_after(wall.date(), days).and_time(wall.time())));
        change
    }
}

fn is_ahead(begins: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (now..now + TimeDelta::days(AHEAD_DAYS)).contains(&begins)
}

fn of_termine(
    world: &World,
    now: DateTime<Utc>,
    dice: &mut Dice,
    change: impl Fn(&OpenTermin, &mut Dice) -> Option<Change>,
) -> Vec<Change> {
    let single = world.advoware.kalender.termine().filter(|termin| termin.is_single());
    let termine = single.filter_map(|termin| {
        let begins = instant_at(Berlin, termin.begins()?);
        is_ahead(begins, now).then(|| OpenTermin { frnr: termin.frnr, begins, fields: termin.fields.clone() })
    });
    let termine = rotated(termine.collect(), dice);
    termine.iter().filter_map(|termin| change(termin, dice)).collect()
}

fn of_events(
    world: &World,
    now: DateTime<Utc>,
    dice: &mut Dice,
    change: impl Fn(&Seen, &mut Dice) -> Option<Change>,
) -> Vec<Change> {
    let mut events = world.google.single_events();
    events.retain(|seen| is_ahead(seen.begins(), now));
    rotated(events, dice).iter().filter_map(|seen| change(seen, dice)).collect()
}

fn event_days_later(seen: &Seen, days: usize) -> Change {
    let (start, end) = (seen.start.days_later(days), seen.end.days_later(days));
    moved(seen, [start.show(seen.zone), end.show(seen.zone)], start.instant(seen.zone))
}

fn event_to(seen: &Seen, slot: Slot) -> Change {
    moved(seen, slot.google_times(), slot.begins())
}

fn moved(seen: &Seen, [start, end]: [Value; 2], begins: DateTime<Utc>) -> Change {
    let (calendar_id, event_id) = (seen.calendar_id.clone(), seen.event_id.clone());
    let edit = Edit::GoogleMove { calendar_id, event_id, start, end };
    Change { edit, begins: vec![seen.begins(), begins] }
}

/// Termine of one employee, each at another place.
fn new_termine(world: &World, today: NaiveDate, dice: &mut Dice) -> Vec<Change> {
    let staff: Vec<String> = world.advoware.kalender.mitarbeiter().map(|who| who.kuerzel).collect();
    let Some(kuerzel) = staff.get(dice.below(staff.len())) else { return Vec::new() };
    let mut changes = Vec::new();
    for _ in 0..TRIES {
        let slot = Slot::ordinary(today, dice);
        let mut fields = slot.termin_fields();
        fields.insert("text".to_owned(), json!(title("Erstgespräch", dice)));
        fields.insert("anwalt".to_owned(), json!(kuerzel));
        fields.insert("sb".to_owned(), json!(kuerzel));
        changes.push(Change { edit: Edit::TerminCreate { fields }, begins: vec![slot.begins()] });
    }
    changes
}

/// Events in one calendar, each at another place.
fn new_events(world: &World, dice: &mut Dice, slot: impl Fn(&mut Dice) -> Option<Slot>) -> Vec<Change> {
    let calendars = world.google.writable_calendars();
    let Some(calendar_id) = calendars.get(dice.below(calendars.len())) else { return Vec::new() };
    let mut changes = Vec::new();
    for _ in 0..TRIES {
        let Some(slot) = slot(dice) else { return changes };
        let [start, end] = slot.google_times();
        let event = [
            ("summary", json!(title("Ortstermin", dice))),
            ("location", json!(place(dice))),
            ("start", start),
            ("end", end),
        ];
        let event = event.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let edit = Edit::GoogleInsert { calendar_id: calendar_id.clone(), event };
        changes.push(Change { edit, begins: vec![slot.begins()] });
    }
    changes
}

fn title(what: &str, dice: &mut Dice) -> String {
    format!("{what} {} ({})", person(dice).last, dice.below(10_000))
}

fn days_after(day: NaiveDate, days: usize) -> NaiveDate {
    u64::try_from(days).ok().and_then(|days| day.checked_add_days(Days::new(days))).unwrap_or(day)
}

fn rotated<T>(mut entries: Vec<T>, dice: &mut Dice) -> Vec<T> {
    let start = dice.below(entries.len());
    entries.rotate_left(start);
    entries
}
