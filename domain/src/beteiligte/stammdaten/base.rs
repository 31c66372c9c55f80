//! What the hub remembers of a Beteiligter's Stammdaten (B2a), and how a run adds to it while it works.

use std::collections::BTreeMap;

use super::field::{Field, PartyKind, Side, Texts};
use super::plan::Change;
use super::text::canonical;

/// What each side answered last, and what a run has begun since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// By field; one that is missing was never compared.
    pub fields: BTreeMap<Field, Pair>,
    /// Writes that were about to happen and are not known to have happened, oldest first.
    pub begun: Vec<Begun>,
}

/// Both sides of a field. They are equal where both agreed, and differ where they were left to differ: neither was newer at the first sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// EspoCRM.
    pub espocrm: Last,
    /// Advoware.
    pub advoware: Last,
}

/// What a side answered last, in comparable form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Last {
    /// Not known, or decided to count as changed: whatever the side has now, it changed.
    Unknown,
    /// This; `None`: it was empty.
    Answered(Option<String>),
}

/// A write of one field that was about to happen when it was noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The field.
    pub field: Field,
    /// The side that is written to.
    pub side: Side,
    /// What stood there.
    pub before: Option<String>,
    /// What was to stand there: what the other side had.
    pub after: Option<String>,
}

impl Last {
    /// Whether the side moved since.
    pub(super) fn differs_from(&self, now: Option<&String>) -> bool {
        match self {
            Self::Unknown => true,
            Self::Answered(then) => then.as_ref() != now,
        }
    }
}

impl Pair {
    /// Both sides said the same.
    pub fn agreed(text: Option<String>) -> Self {
        Self { espocrm: Last::Answered(text.clone()), advoware: Last::Answered(text) }
    }

    /// Nothing is known of either side.
    pub fn unknown() -> Self {
        Self { espocrm: Last::Unknown, advoware: Last::Unknown }
    }

    /// `winner` counts as changed, the other side as unchanged since it said `loser`.
    pub fn decided_for(winner: Side, loser: Option<String>) -> Self {
        match winner {
            Side::Espocrm => Self { espocrm: Last::Unknown, advoware: Last::Answered(loser) },
            Side::Advoware => Self { espocrm: Last::Answered(loser), advoware: Last::Unknown },
        }
    }
}

impl Base {
    /// Notes, before a side is written, what is about to happen.
    pub fn intend(&mut self, side: Side, changes: &[Change]) {
        self.begun.extend(changes.iter().map(|change| Begun {
            field: change.field,
            side,
            before: change.was.clone(),
            after: change.becomes.clone(),
        }));
    }

    /// The side has confirmed them: both sides say the same now, and whatever differs later was a user.
    pub fn confirm(&mut self, side: Side, changes: &[Change]) {
        self.withdraw(side, changes);
        for change in changes {
            self.fields.insert(change.field, Pair::agreed(change.becomes.clone()));
        }
    }

    /// The side confirmed them and does not say what was sent: it has not moved, and the other side still waits to be followed (K9).
    pub fn retract(&mut self, side: Side, lost: &[Change], now: &Texts) {
        for change in lost {
            let stands = now.get(change.target).and_then(|text| canonical(change.field, text));
            self.fields.insert(change.field, Pair::decided_for(side.other(), stands));
        }
    }

    /// They did not happen: never sent, or refused.
    pub fn withdraw(&mut self, side: Side, changes: &[Change]) {
        self.begun.retain(|begun| begun.side != side || changes.iter().all(|change| change.field != begun.field));
    }

    /// What was begun, in the light of what the sides say now. A write that shows its effect has happened. One that does not counts as not
    /// happened, though it may have been, before a user's edit: so two edits are taken for a conflict rather than one of them for nothing
    /// (ARCHITECTURE, what remains open).
    pub fn resolve(&mut self, espo: &Texts, advo: &Texts) {
        let kind = PartyKind::of(espo, advo);
        for begun in std::mem::take(&mut self.begun) {
            let texts = match begun.side {
                Side::Espocrm => espo,
                Side::Advoware => advo,
            };
            let now = begun.field.on(begun.side, kind).and_then(|name| texts.get(name));
            if now.and_then(|text| canonical(begun.field, text)) == begun.after {
                self.fields.insert(begun.field, Pair::agreed(begun.after));
            }
        }
    }
}
