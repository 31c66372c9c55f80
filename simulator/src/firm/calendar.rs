//! The calendar part of a generated firm: employees and what stands in their calendars, around a given day.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, TimeDelta, Utc, Weekday};
use serde_json::{Map, Value, json};

use crate::advoware::Mitarbeiter;
use crate::dice::Dice;
use crate::firm::appointment::{Kind, Owner, appointment, computed, of_everybody};
use crate::firm::names::{Person, person, plain};
use crate::firm::object;

const FIRST_FRNR: i64 = 300_000;
const FIRST_COMPUTED: i64 = -900_000;
/// Entries of the whole firm, beside those of its employees.
const OF_EVERYBODY: usize = 8;
/// What a sync looks at: so many days back and ahead of today.
const PAST_DAYS: u64 = 30;
const FUTURE_DAYS: u64 = 730;
/// An own sequence of dice, so that the Beteiligte of a seed stay what they were.
const CALENDAR: u64 = 0x4B41_4C45;

/// Days on which the clocks change that are always there, even when today is far away: (year, month, day).
const CLOCK_CHANGES: [(i32, u32, u32); 4] = [(2026, 3, 29), (2026, 10, 25), (2027, 3, 28), (2027, 10, 31)];

/// Employees and Termine of a firm before the first sync.
#[derive(Debug, Clone, PartialEq)]
pub struct FirmCalendar {
    /// The employees, each Kürzel once.
    pub mitarbeiter: Vec<Mitarbeiter>,
    /// All entries, computed ones (negative) included.
    pub termine: Vec<FirmTermin>,
}

/// One Termin in Advoware.
#[derive(Debug, Clone, PartialEq)]
pub struct FirmTermin {
    /// As on the wire, `frNr` included, `zuletztGeaendertAm` not.
    pub fields: Map<String, Value>,
    /// Last change.
    pub changed_at: DateTime<Utc>,
}

/// Generates `employees` with `appointments_each` own entries, a few of everybody and some computed ones. All lie between
/// 30 days before and 730 days after `today`, but for the days the clocks change, which include those of 2026 and 2027
/// wherever today is (a year between 1900 and 2200). The same arguments always give the same calendar.
pub fn generate_calendar(seed: u64, employees: usize, appointments_each: usize, today: NaiveDate) -> FirmCalendar {
    let mut dice = Dice::new(seed ^ CALENDAR);
    let mitarbeiter = staff(&mut dice, employees);
    let clock_changes = clock_changes(today);
    let mut fields: Vec<Map<String, Value>> = Vec::new();
    for (index, who) in mitarbeiter.iter().enumerate() {
        let colleague = mitarbeiter.get((index + 1) % employees).map_or(who, |colleague| colleague);
        let owner = Owner { kuerzel: &who.kuerzel, colleague: &colleague.kuerzel, today };
        for number in 0..appointments_each {
            fields.push(object(appointment(&owner, Kind::nth(number, &clock_changes, &mut dice), &mut dice)));
        }
    }
    if !mitarbeiter.is_empty() {
        fields.extend((0..OF_EVERYBODY).map(|number| object(of_everybody(number, today, &mut dice))));
    }
    dice.shuffle(&mut fields);
    let first = FIRST_FRNR + i64::try_from(dice.below(1000)).unwrap_or(0);
    let mut numbered: Vec<(i64, Map<String, Value>)> = (first..).zip(fields).collect();
    let special = mitarbeiter.iter().flat_map(|who| computed(&who.kuerzel, today, &mut dice)).map(object);
    numbered.extend((0..).map(|index| FIRST_COMPUTED - index).zip(special.collect::<Vec<_>>()));
    let termine = numbered.into_iter().map(|(frnr, mut fields)| {
        fields.insert("frNr".to_owned(), json!(frnr));
        FirmTermin { fields, changed_at: changed_at(today, &mut dice) }
    });
    FirmCalendar { termine: termine.collect(), mitarbeiter }
}

fn staff(dice: &mut Dice, employees: usize) -> Vec<Mitarbeiter> {
    let mut taken = BTreeSet::new();
    let mut staff = Vec::new();
    for number in 0..employees {
        let who = person(dice);
        let kuerzel = initials(&who).into_iter().find(|kuerzel| !taken.contains(kuerzel));
        let kuerzel = kuerzel.unwrap_or_else(|| format!("M{number}"));
        taken.insert(kuerzel.clone());
        staff.push(Mitarbeiter { kuerzel, name: format!("{} {}", who.first, who.last) });
    }
    staff
}

/// What this person could be called, the best first: `SB`, `SBI`, `SBIN`.
fn initials(who: &Person) -> Vec<String> {
    let first: String = plain(&who.first).chars().take(1).collect();
    let last = plain(&who.last);
    (1..=3).filter_map(|length| last.get(..length)).map(|last| format!("{first}{last}").to_uppercase()).collect()
}

/// The named days, and all others that a sync can see.
pub(crate) fn clock_changes(today: NaiveDate) -> Vec<NaiveDate> {
    let (from, to) = (today - Days::new(PAST_DAYS), today + Days::new(FUTURE_DAYS));
    let named = CLOCK_CHANGES.iter().filter_map(|&(year, month, day)| NaiveDate::from_ymd_opt(year, month, day));
    let seen = (from.year()..=to.year())
        .flat_map(|year| [3, 10].map(|month| last_sunday(year, month)))
        .flatten()
        .filter(|day| (from..=to).contains(day));
    named.chain(seen).collect::<BTreeSet<_>>().into_iter().collect()
}

fn last_sunday(year: i32, month: u32) -> Option<NaiveDate> {
    (25..=31).filter_map(|day| NaiveDate::from_ymd_opt(year, month, day)).find(|day| day.weekday() == Weekday::Sun)
}

/// Some time in the two years before today, to the tenth of a microsecond.
fn changed_at(today: NaiveDate, dice: &mut Dice) -> DateTime<Utc> {
    let ago = TimeDelta::milliseconds(i64::try_from(dice.below(700 * 86_400_000)).unwrap_or(0));
    let fraction = TimeDelta::nanoseconds(100 * i64::try_from(dice.below(10_000)).unwrap_or(0));
    today.and_time(chrono::NaiveTime::MIN).and_utc() - ago - fraction
}
