//! What a lost hub can be rebuilt from: our private property on events, and what both sides say (C10a).

use std::collections::BTreeSet;

use domain::calendar::policy::Source;
use domain::calendar::{PLACEHOLDER, Standard};
use domain::ids::{EventId, FrNr, Kuerzel};

use super::content::Identity;
use super::leftover::Marked;
use super::{LoadedCalendar, Window};
use crate::hub::calendar::CalendarRow;

/// What tells that a Termin and an event are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Our property on the event names the Termin.
    Property,
    /// The event is ours and says exactly what the Termin says; its property names no Termin that is here: the key of the property is another.
    OurText,
    /// The event is not ours and says exactly what the Termin says: it was born in Google.
    UsersText,
}

/// A pair that gets its row back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostPair {
    /// The Termin.
    pub frnr: FrNr,
    /// The event.
    pub event: EventId,
    /// How it is known.
    pub evidence: Evidence,
}

/// What can be rebuilt of one employee's rows, and what cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuild {
    /// Pairs without a row.
    pub pairs: Vec<LostPair>,
    /// Events of ours whose Termin cannot be proven: gone, outside the window, or named under another key. They are left alone.
    pub unproven: Vec<EventId>,
    /// Events of users that no Termin equals: new ones, or pairs one side of which was edited. The next sync takes them for new.
    pub lone_events: Vec<EventId>,
    /// Termine that no event copies. The next sync creates their copies.
    pub lone_termine: Vec<FrNr>,
    /// Copies of ours hide what they copy: the employee's copies were anonymised (C7).
    pub hides: bool,
}

impl Evidence {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Property => "property",
            Self::OurText => "our_text",
            Self::UsersText => "users_text",
        }
    }

    /// Where the pair was born.
    pub fn source(self) -> Source {
        match self {
            Self::Property | Self::OurText => Source::Advoware,
            Self::UsersText => Source::Google,
        }
    }
}

impl LostPair {
    /// The row that it gets: agreed is what the next look finds.
    pub fn row(&self) -> CalendarRow {
        CalendarRow::new(self.evidence.source(), Some(self.frnr), Some(self.event.clone()))
    }
}

impl LoadedCalendar {
    /// What can be rebuilt. Rows that exist, and what they bind, are left alone; so are events that another employee's row binds,
    /// `elsewhere`. Needs a look that listed everything.
    pub fn rebuild(&self, identity: &Identity, kuerzel: &Kuerzel, elsewhere: &BTreeSet<EventId>) -> Rebuild {
        let proven = self.lost_pairs(identity, kuerzel).into_iter().filter(|(_, event)| !elsewhere.contains(event));
        let mut pairs: Vec<LostPair> =
            proven.map(|(frnr, event)| LostPair { frnr, event, evidence: Evidence::Property }).collect();
        let hides = pairs.iter().any(|pair| self.marked.get(&pair.event).is_some_and(is_blocked));

        let bound = self.bound_events();
        let is_free = |event: &EventId| !bound.contains(event) && !elsewhere.contains(event);
        let ours: Vec<(&EventId, &Marked)> = self.marked.iter().filter(|(event, _)| is_free(event)).collect();
        self.pair_by_text(
            &mut pairs,
            Evidence::OurText,
            ours.iter().filter(|(_, marked)| !is_blocked(marked)).map(|(event, marked)| (*event, &marked.seen().form)),
        );
        let users: Vec<_> =
            self.seen_events().filter(|(event, _)| is_free(event) && !self.marked.contains_key(*event)).collect();
        let plain = users.iter().filter(|(_, seen)| !says_placeholder(&seen.form));
        self.pair_by_text(&mut pairs, Evidence::UsersText, plain.map(|(event, seen)| (*event, &seen.form)));

        let paired: BTreeSet<EventId> = pairs.iter().map(|pair| pair.event.clone()).collect();
        let with_event: BTreeSet<FrNr> = pairs.iter().map(|pair| pair.frnr).collect();
        let Window { first, last, .. } = self.window;
        let is_left = |event: &EventId| !paired.contains(event);
        // What only ends or begins outside the days that are synced has its Termin there.
        let is_here = |form: &Result<Standard, _>| form.as_ref().map_or(true, |form| form.overlaps(first, last));
        let unproven = ours.into_iter().filter(|(event, marked)| is_left(event) && is_here(&marked.seen().form));
        let lone = users.into_iter().filter(|(event, seen)| is_left(event) && seen.form.is_ok());
        Rebuild {
            unproven: unproven.map(|(event, _)| event.clone()).collect(),
            lone_events: lone.map(|(event, _)| event.clone()).collect(),
            lone_termine: self.free_termine().filter(|frnr| !with_event.contains(frnr)).collect(),
            hides,
            pairs,
        }
    }

    /// Pairs what says the same, each Termin and each event once.
    fn pair_by_text<'a, E: 'a>(
        &self,
        pairs: &mut Vec<LostPair>,
        evidence: Evidence,
        events: impl Iterator<Item = (&'a EventId, &'a Result<Standard, E>)>,
    ) {
        let (mut taken, mut used): (BTreeSet<FrNr>, BTreeSet<EventId>) =
            (pairs.iter().map(|pair| pair.frnr).collect(), pairs.iter().map(|pair| pair.event.clone()).collect());
        let termine: Vec<FrNr> = self.free_termine().collect();
        for (event, form) in events {
            let Ok(form) = form else { continue };
            let says_it = |frnr: &&FrNr| {
                let termin = self.snapshot.termine.get(frnr).and_then(|termin| termin.form.as_ref().ok());
                termin == Some(form) && !taken.contains(*frnr)
            };
            if let Some(&frnr) = termine.iter().find(says_it).filter(|_| !used.contains(event)) {
                taken.insert(frnr);
                used.insert(event.clone());
                pairs.push(LostPair { frnr, event: event.clone(), evidence });
            }
        }
    }

    /// Whether one of these copies hides what it copies.
    pub fn hides_one_of(&self, pairs: &[(FrNr, EventId)]) -> bool {
        pairs.iter().any(|(_, event)| self.marked.get(event).is_some_and(is_blocked))
    }
}

fn is_blocked(marked: &Marked) -> bool {
    says_placeholder(&marked.seen().form)
}

fn says_placeholder<E>(form: &Result<Standard, E>) -> bool {
    form.as_ref().is_ok_and(|form| form.text == PLACEHOLDER)
}
