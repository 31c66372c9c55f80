//! Both sides laid side by side, entry by entry: what agrees, what differs, and whether a listed reason says why (invariant 1).

use std::collections::BTreeSet;

use domain::calendar::policy::Source;
use domain::calendar::{Standard, anonymized};
use domain::finding::FindingKind;
use domain::ids::{EventId, FrNr};

use super::LoadedCalendar;
use super::leftover::Marked;
use crate::hub::calendar::CalendarFinding;

/// How the sides of an entry differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Google has nothing for the Termin.
    MissingInGoogle,
    /// Advoware has nothing for the event.
    MissingInAdvoware,
    /// Both are there and say different things.
    Content,
    /// One of them cannot be read, or makes no sense.
    Unreadable,
}

/// One entry whose sides do not agree.
#[derive(Clone, Debug)]
pub struct Compared<'a> {
    /// How they differ.
    pub difference: Difference,
    /// The Termin, where there is or was one.
    pub frnr: Option<FrNr>,
    /// The event, where there is or was one.
    pub event: Option<EventId>,
    /// What the Termin says.
    pub termin: Option<&'a Standard>,
    /// What the event says.
    pub copy: Option<&'a Standard>,
    /// The finding that says why it stays so; `None`: a run has still to settle it.
    pub reason: Option<CalendarFinding>,
}

impl Difference {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingInGoogle => "missing_in_google",
            Self::MissingInAdvoware => "missing_in_advoware",
            Self::Content => "content",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What a side shows of an entry.
#[derive(Clone, Copy)]
enum Shown<'a> {
    Says(&'a Standard),
    Odd,
    Absent,
}

impl<'a> Shown<'a> {
    fn form(self) -> Option<&'a Standard> {
        match self {
            Self::Says(form) => Some(form),
            Self::Odd | Self::Absent => None,
        }
    }
}

impl LoadedCalendar {
    /// How many entries agree, and all that do not. `findings` are those of the plan of this very look, which must have listed everything.
    pub fn compare(&self, findings: &[CalendarFinding]) -> (usize, Vec<Compared<'_>>) {
        let rows = self.rows.values().map(|row| self.pair(row.hub.source, row.hub.frnr, row.hub.event.as_ref()));
        let (frnrs, events) = self.bound();
        let termine = self.snapshot.termine.keys().filter(|frnr| !frnrs.contains(frnr));
        let new_termine = termine.map(|frnr| self.pair(Source::Advoware, Some(*frnr), None));
        // A copy of ours without a row may or may not be among what a plan stands on.
        let listed: BTreeSet<&EventId> = self.seen_events().map(|(event, _)| event).chain(self.copies_here()).collect();
        let new_events = listed.into_iter().filter(|event| !events.contains(event));
        let new_events = new_events.map(|event| self.pair(Source::Google, None, Some(event)));
        let (mut agreed, mut differing) = (0, Vec::new());
        for pair in rows.chain(new_termine).chain(new_events) {
            match pair {
                Pair::Agrees => agreed += 1,
                Pair::Gone => {}
                Pair::Differs(mut compared) => {
                    compared.reason = reason(&compared, findings);
                    differing.push(compared);
                }
            }
        }
        (agreed, differing)
    }

    fn bound(&self) -> (BTreeSet<FrNr>, BTreeSet<&EventId>) {
        let rows = || self.rows.values().map(|row| &row.hub);
        (rows().filter_map(|row| row.frnr).collect(), rows().filter_map(|row| row.event.as_ref()).collect())
    }

    fn pair(&self, source: Source, frnr: Option<FrNr>, event: Option<&EventId>) -> Pair<'_> {
        let termin = match frnr.and_then(|frnr| self.snapshot.termine.get(&frnr)) {
            Some(seen) => seen.form.as_ref().map_or(Shown::Odd, Shown::Says),
            None => Shown::Absent,
        };
        let copy = match event.and_then(|event| self.seen(event).or_else(|| self.marked.get(event).map(Marked::seen))) {
            Some(seen) => seen.form.as_ref().map_or(Shown::Odd, Shown::Says),
            None => Shown::Absent,
        };
        let difference = match (termin, copy) {
            (Shown::Absent, Shown::Absent) => return Pair::Gone,
            (Shown::Says(termin), Shown::Says(copy)) => {
                let hides = source == Source::Advoware && self.policy.anonymize;
                let agrees = if hides { anonymized(termin) == *copy } else { termin == copy };
                if agrees {
                    return Pair::Agrees;
                }
                Difference::Content
            }
            (Shown::Odd, _) | (_, Shown::Odd) => Difference::Unreadable,
            (Shown::Says(_), Shown::Absent) => Difference::MissingInGoogle,
            (Shown::Absent, Shown::Says(_)) => Difference::MissingInAdvoware,
        };
        let (termin, copy) = (termin.form(), copy.form());
        Pair::Differs(Compared { difference, frnr, event: event.cloned(), termin, copy, reason: None })
    }
}

/// The sides of one entry, laid side by side.
enum Pair<'a> {
    Agrees,
    /// Neither side has it any more.
    Gone,
    Differs(Compared<'a>),
}

/// What was said of the entry itself, else of the whole calendar where that may be why.
fn reason(compared: &Compared<'_>, findings: &[CalendarFinding]) -> Option<CalendarFinding> {
    let is_missing = match compared.difference {
        Difference::MissingInGoogle | Difference::MissingInAdvoware => true,
        Difference::Content | Difference::Unreadable => false,
    };
    let is_about_it = |finding: &&CalendarFinding| {
        (finding.frnr.is_some() && finding.frnr == compared.frnr)
            || (finding.event.is_some() && finding.event == compared.event)
    };
    let holds_it = |finding: &&CalendarFinding| {
        is_missing && matches!(finding.kind, FindingKind::MassDeletionHeld | FindingKind::EmptyListHeld)
    };
    findings.iter().find(is_about_it).or_else(|| findings.iter().find(holds_it)).cloned()
}
