//! What happens in a story of calendars.

use std::fmt;

use chrono::NaiveDate;
use domain::calendar::policy::SyncStrategy;
use fastrand::Rng;
use shared::hub::calendar::PolicyChange;
use simulator::{Calls, Fault, FaultKind, GoogleReason, Operation};

use crate::calendar::content::{Content, Shape};

/// Employees of a story. Each has entries of their own, and some Termine are everybody's.
pub(super) const PEOPLE: [&str; 3] = ["AB", "CD", "EF"];

/// One thing that happens. What is entered is made from a number that no other step has, so each can be told where it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A user does something, now.
    Edit(Edit),
    /// A user does something right after the nth call of the next run.
    During(u32, Edit),
    /// The nth call to come of its kind goes wrong.
    Fault(u32, usize),
    /// Google forgets all sync tokens.
    TokensExpire,
    /// An employee's policy is changed.
    Policy(usize, usize),
    /// All are synced, to the end.
    Run,
    /// All are synced; the worker is killed after the nth call, and another one started.
    Crash(u32),
}

/// What a user does to the entries in one employee's calendar; `pick` chooses among what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Who.
    pub who: usize,
    /// What.
    pub kind: Kind,
    /// Which of several.
    pub pick: usize,
    /// Makes the new day, title and begin.
    pub number: usize,
}

/// Kinds of edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    TerminNew,
    TerminNewForAll,
    TerminTitle,
    TerminMoved,
    TerminDeleted,
    EventNew,
    EventTitle,
    EventMoved,
    EventDeleted,
}

const KINDS: [Kind; 9] = [
    Kind::TerminNew,
    Kind::TerminNewForAll,
    Kind::TerminTitle,
    Kind::TerminMoved,
    Kind::TerminDeleted,
    Kind::EventNew,
    Kind::EventTitle,
    Kind::EventMoved,
    Kind::EventDeleted,
];

/// A story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// In order.
    pub steps: Vec<Step>,
}

impl Story {
    /// The same seed tells the same story.
    pub fn of_seed(seed: u64, steps: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        let edit = |rng: &mut Rng, number: usize| {
            let kind = KINDS[rng.usize(..KINDS.len())];
            Edit { who: rng.usize(..PEOPLE.len()), kind, pick: rng.usize(..12), number }
        };
        let step = |number: usize| match rng.usize(..100) {
            0..46 => Step::Edit(edit(&mut rng, number)),
            46..56 => Step::During(rng.u32(1..16), edit(&mut rng, number)),
            56..70 => Step::Fault(rng.u32(1..4), rng.usize(..FAULTS)),
            70..72 => Step::TokensExpire,
            72..80 => Step::Policy(rng.usize(..PEOPLE.len()), rng.usize(..POLICIES)),
            80..91 => Step::Run,
            _ => Step::Crash(rng.u32(1..25)),
        };
        Self { steps: (0..steps).map(step).collect() }
    }
}

const POLICIES: usize = 6;

/// What an employee's policy becomes.
pub(super) fn policy(number: usize) -> PolicyChange {
    let mut change = PolicyChange::default();
    match number {
        0 => change.strategy = Some(Some(SyncStrategy::SourceSystemWins)),
        1 => change.strategy = Some(Some(SyncStrategy::LastChangeWins)),
        2 => change.advoware_write_allowed = Some(Some(true)),
        3 => change.advoware_write_allowed = Some(Some(false)),
        4 => change.anonymize = Some(Some(true)),
        _ => change.anonymize = Some(Some(false)),
    }
    change
}

const FAULTS: usize = 20;

/// What goes wrong, at the nth call of the kind that it is about.
pub(super) fn fault(nth: u32, number: usize) -> Fault {
    let any = || Calls::any().nth(6 * nth);
    let to = |operation| Calls::to(operation).nth(nth);
    let google = |reason, applied, wait| FaultKind::Google { reason, applied, retry_after_seconds: wait };
    let (calls, kind) = match number {
        0 => (to(Operation::PostTermin), FaultKind::NullFrnr),
        1 => (to(Operation::PostTermin), FaultKind::AnswerLost),
        2 => (to(Operation::PostTermin), FaultKind::AppliedThenStatus { code: 500 }),
        3 => (to(Operation::PutTermin), FaultKind::AnswerLost),
        4 => (to(Operation::PutTermin), FaultKind::status(500)),
        5 => (to(Operation::GoogleEventInsert), FaultKind::AnswerLost),
        6 => (to(Operation::GoogleEventInsert), google(GoogleReason::BackendError, true, None)),
        7 => (to(Operation::GoogleEventInsert), FaultKind::MalformedBody),
        8 => (to(Operation::GoogleEventPatch), FaultKind::AnswerLost),
        9 => (to(Operation::GoogleEventPatch), google(GoogleReason::ConditionNotMet, false, None)),
        10 => (to(Operation::GoogleEventDelete), FaultKind::AnswerLost),
        11 => (to(Operation::GoogleEventList), google(GoogleReason::FullSyncRequired, false, None)),
        12 => (to(Operation::GoogleEventList), google(GoogleReason::UserRateLimitExceeded, false, Some(0))),
        13 => (to(Operation::GoogleEventInsert), google(GoogleReason::TooManyRequests, false, Some(0))),
        14 => (to(Operation::ListTermine), FaultKind::ListCut { kept: 0 }),
        15 => (to(Operation::ListTermine), FaultKind::ListCut { kept: 1 }),
        16 => (any(), FaultKind::ExpiredToken),
        17 => (any(), FaultKind::CutBefore),
        18 => (any(), FaultKind::TruncatedBody),
        _ => (any(), FaultKind::status(500)),
    };
    Fault::new(calls, kind)
}

impl Edit {
    /// The new entry, or the new title or begin of one.
    pub(super) fn content(self, day: NaiveDate) -> Content {
        let shape = match self.number % 5 {
            0 => Shape::AllDay,
            1 => Shape::Weekly,
            _ => Shape::Hour,
        };
        // Begins at a time of its own, never on the hour: those are the entries of the beginning.
        let minute = 8 * 60 + 1 + 7 * u32::try_from(self.number % 60).unwrap_or_default();
        Content { day, shape, minute, text: format!("Nr. {}", self.number) }
    }
}

impl fmt::Display for Story {
    /// As it is kept: Rust that makes the same story.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Story {{ steps: vec![")?;
        for step in &self.steps {
            writeln!(f, "    Step::{step:?},")?;
        }
        write!(f, "] }}")
    }
}
