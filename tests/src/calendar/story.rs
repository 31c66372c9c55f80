//! What kill and race sweeps play: Termine and events that users of both sides have entered, changed and deleted, under every policy,
//! and how all of it must end. The end is told by C5 and C7 as written down, not by the programs.

mod played;

use chrono::NaiveDate;
use domain::calendar::policy::SyncStrategy;

use super::content::{Content, Shape};
use super::entry::Entry;

pub use played::{Played, event_on, frnr_on, then_silent};

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
