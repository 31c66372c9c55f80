//! What happens in a story.

use std::fmt;

use fastrand::Rng;
use serde_json::{Value, json};
use simulator::FaultKind;

/// Beteiligte of a story; the last one has no number at first.
pub(super) const PEOPLE: usize = 5;

/// One thing that happens. Values are made from a number that no other step has, so each can be told where it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A user does something, now.
    Edit(Edit),
    /// A user does something right after the nth call of the next run.
    During(u32, Edit),
    /// The nth call to come goes wrong.
    Fault(u32, usize),
    /// All are synced, to the end.
    Run,
    /// All are synced; the worker is killed after the nth call, and another one started.
    Crash(u32),
}

/// What a user does to the mails, phones and Stammdaten of one Beteiligter; `pick` chooses among what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Who.
    pub who: usize,
    /// What.
    pub kind: Kind,
    /// Which of several.
    pub pick: usize,
    /// Makes the new value.
    pub number: usize,
}

/// Kinds of edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    EspoAdd,
    EspoReplace,
    EspoRemove,
    EspoPrimary,
    EspoField,
    AdvoAdd,
    AdvoChange,
    AdvoEmpty,
    AdvoRemove,
    AdvoRemark,
    AdvoField,
}

const KINDS: [Kind; 11] = [
    Kind::EspoAdd,
    Kind::EspoReplace,
    Kind::EspoRemove,
    Kind::EspoPrimary,
    Kind::EspoField,
    Kind::AdvoAdd,
    Kind::AdvoChange,
    Kind::AdvoEmpty,
    Kind::AdvoRemove,
    Kind::AdvoRemark,
    Kind::AdvoField,
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
            Edit { who: rng.usize(..PEOPLE), kind, pick: rng.usize(..8), number }
        };
        let step = |number: usize| match rng.usize(..100) {
            0..52 => Step::Edit(edit(&mut rng, number)),
            52..64 => Step::During(rng.u32(1..25), edit(&mut rng, number)),
            64..78 => Step::Fault(rng.u32(1..20), rng.usize(..FAULTS)),
            78..90 => Step::Run,
            _ => Step::Crash(rng.u32(1..40)),
        };
        Self { steps: (0..steps).map(step).collect() }
    }
}

const FAULTS: usize = 6;

/// What goes wrong.
pub(super) fn fault(number: usize) -> FaultKind {
    match number {
        0 => FaultKind::AnswerLost,
        1 => FaultKind::AppliedThenStatus { code: 500 },
        2 => FaultKind::Status { code: 500, retry_after_seconds: None, body: None },
        3 => FaultKind::CutBefore,
        4 => FaultKind::TruncatedBody,
        _ => FaultKind::MalformedBody,
    }
}

impl Edit {
    /// The new mail or number, in the form that both sides can hold.
    pub(super) fn value(self) -> String {
        if self.number.is_multiple_of(2) {
            format!("v{}@example.org", self.number)
        } else {
            format!("+4930231251{:02}", self.number)
        }
    }

    /// EspoCRM's field, Advoware's, and the new text of both.
    pub(super) fn field(self) -> (&'static str, &'static str, Value, Value) {
        let number = self.number;
        match self.pick % 3 {
            0 => {
                let name = json!(format!("Name{number}"));
                ("lastName", "name", name.clone(), name)
            }
            1 => {
                let name = json!(format!("Vorname{number}"));
                ("firstName", "vorname", name.clone(), name)
            }
            _ => {
                let day = format!("19{:02}-01-02", 50 + number % 50);
                ("dateOfBirth", "geburtsdatum", json!(day), json!(format!("{day}T00:00:00")))
            }
        }
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
