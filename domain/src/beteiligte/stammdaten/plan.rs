//! The plan for the Stammdaten of one run. Pure; carrying it out is the worker's business.

use super::base::{Base, Pair};
use super::comparison::Comparison;
use super::field::{Field, PartyKind, Side, Texts};
use super::text::{canonical, render};
use crate::beteiligte::ConflictPolicy;
use crate::finding::{Finding, FindingKind};
use crate::kommunikation::Direction;

/// What a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// EspoCRM's side.
    pub espo: &'a Texts,
    /// Advoware's side.
    pub advo: &'a Texts,
    /// What is remembered of both, with nothing begun left in it ([`Base::resolve`]).
    pub base: &'a Base,
    /// The side that was changed last, by its timestamp, for [`ConflictPolicy::NewestWins`]; `None` where it cannot be told.
    pub newest: Option<Side>,
}

/// One field to be written on one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The field.
    pub field: Field,
    /// Its name on that side; EspoCRM's standard one.
    pub target: &'static str,
    /// The text that stands there; `None`: it is empty.
    pub before: Option<String>,
    /// The text to be written; `None` empties it.
    pub after: Option<String>,
    /// `before` in comparable form.
    pub was: Option<String>,
    /// `after` in comparable form: what the other side has.
    pub becomes: Option<String>,
    /// A user had changed what stands there: it lost a conflict.
    pub overwrites: bool,
}

/// What a run has to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// One PUT, if any.
    pub advoware: Vec<Change>,
    /// One patch, if any.
    pub espocrm: Vec<Change>,
    /// Conflicts that wait for a person ([`ConflictPolicy::Manual`]).
    pub undecided: Vec<Field>,
    /// What a person may want to know.
    pub findings: Vec<Finding>,
    /// Which side moved.
    pub comparison: Option<Comparison>,
    /// The base with what timestamps have decided; to be stored before the first write, which moves them.
    pub decided: Base,
}

impl Plan {
    /// Nothing to write.
    pub fn is_empty(&self) -> bool {
        self.advoware.is_empty() && self.espocrm.is_empty()
    }

    /// What is written on a side.
    pub fn changes(&self, side: Side) -> &[Change] {
        match side {
            Side::Espocrm => &self.espocrm,
            Side::Advoware => &self.advoware,
        }
    }
}

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// Both sides say the same.
    Agreed,
    /// They differ, and neither has moved since that was accepted.
    LeftToDiffer,
    /// This side moved, the other follows.
    Follows {
        /// The side that moved.
        winner: Side,
    },
    /// Both moved.
    Conflict,
}

/// The table: same text, EspoCRM moved, Advoware moved.
pub(super) fn case(is_same: bool, espo_moved: bool, advo_moved: bool) -> Case {
    match (is_same, espo_moved, advo_moved) {
        (true, _, _) => Case::Agreed,
        (false, false, false) => Case::LeftToDiffer,
        (false, true, false) => Case::Follows { winner: Side::Espocrm },
        (false, false, true) => Case::Follows { winner: Side::Advoware },
        (false, true, true) => Case::Conflict,
    }
}

/// A field as both sides have it.
struct Compared<'a> {
    field: Field,
    espo: Option<String>,
    advo: Option<String>,
    espo_text: Option<&'a String>,
    advo_text: Option<&'a String>,
    /// `None`: never compared.
    known: Option<Pair>,
}

impl Compared<'_> {
    fn case(&self) -> Case {
        let (espo, advo) = (self.espo.as_ref(), self.advo.as_ref());
        let (espo_moved, advo_moved) = match &self.known {
            Some(known) => (known.espocrm.differs_from(espo), known.advoware.differs_from(advo)),
            // It came with the kind of party: what only one side has is filled in on the other.
            None => (espo.is_some(), advo.is_some()),
        };
        case(espo == advo, espo_moved, advo_moved)
    }

    fn on(&self, side: Side) -> Option<&String> {
        match side {
            Side::Espocrm => self.espo.as_ref(),
            Side::Advoware => self.advo.as_ref(),
        }
    }
}

/// Plans the Stammdaten of a run.
pub fn plan(seen: Seen<'_>, policy: ConflictPolicy, direction: Direction) -> Plan {
    let kind = PartyKind::of(seen.espo, seen.advo);
    let mut plan = Plan { decided: seen.base.clone(), ..Plan::default() };
    let (mut moved, mut is_conflict) = ([false; 2], false);
    for compared in compare(seen, kind) {
        let winner = match compared.case() {
            Case::Agreed => continue,
            Case::LeftToDiffer => {
                plan.findings.push(Finding::in_field(FindingKind::LeftToDiffer, compared.field));
                continue;
            }
            Case::Follows { winner } => winner,
            Case::Conflict => match policy {
                ConflictPolicy::EspocrmWins => Side::Espocrm,
                ConflictPolicy::NewestWins => {
                    let winner = seen.newest.unwrap_or(Side::Espocrm);
                    let loser = compared.on(winner.other()).cloned();
                    plan.decided.fields.insert(compared.field, Pair::decided_for(winner, loser));
                    winner
                }
                ConflictPolicy::Manual => {
                    plan.undecided.push(compared.field);
                    plan.findings.push(Finding::in_field(FindingKind::Undecided, compared.field));
                    continue;
                }
            },
        };
        let overwrites = compared.case() == Case::Conflict;
        // What cannot or may not be written decides nothing: else a value that a side cannot hold would be a conflict in every run.
        if plan.follow(&compared, winner, kind, overwrites, direction) {
            is_conflict |= overwrites && policy == ConflictPolicy::EspocrmWins;
            moved[usize::from(winner == Side::Advoware)] = true;
        }
    }
    plan.comparison = Some(match (is_conflict, moved) {
        (true, _) => Comparison::Conflict,
        (false, [false, false]) => Comparison::NoChange,
        (false, [true, false]) => Comparison::EspocrmNewer,
        (false, [false, true]) => Comparison::AdvowareNewer,
        (false, [true, true]) => Comparison::BothDifferent,
    });
    if kind_differs(kind, seen.advo) {
        plan.findings.push(Finding::general(FindingKind::KindDiffers));
    }
    plan
}

impl Plan {
    /// The side that did not move, or lost, gets what the other has, if it can hold it and the direction allows it: whether it does.
    fn follow(
        &mut self,
        compared: &Compared<'_>,
        winner: Side,
        kind: PartyKind,
        overwrites: bool,
        direction: Direction,
    ) -> bool {
        let field = compared.field;
        let side = winner.other();
        let (before, changes) = match side {
            Side::Espocrm => (compared.espo_text, &mut self.espocrm),
            Side::Advoware => (compared.advo_text, &mut self.advoware),
        };
        let becomes = compared.on(winner).cloned();
        let rendered = render(field, side, kind, becomes.as_deref(), before.map(String::as_str));
        let (Ok(after), Some(target)) = (rendered, field.on(side, kind)) else {
            self.findings.push(Finding::in_field(FindingKind::CannotHold, field));
            return false;
        };
        let is_allowed = match direction {
            Direction::Both => true,
            Direction::ToEspocrm => side == Side::Espocrm,
            Direction::ToAdvoware => side == Side::Advoware,
        };
        if !is_allowed {
            return false;
        }
        if overwrites {
            let kind = match winner {
                Side::Espocrm => FindingKind::OverwrittenByEspo,
                Side::Advoware => FindingKind::OverwrittenByAdvoware,
            };
            self.findings.push(Finding::in_field(kind, field));
        }
        changes.push(Change {
            field,
            target,
            before: before.cloned(),
            after,
            was: compared.on(side).cloned(),
            becomes,
            overwrites,
        });
        true
    }
}

/// Every field that this kind of party has on both sides.
fn compare(seen: Seen<'_>, kind: PartyKind) -> impl Iterator<Item = Compared<'_>> {
    Field::ALL.into_iter().filter_map(move |field| {
        let espo_text = seen.espo.get(field.on(Side::Espocrm, kind)?);
        let advo_text = seen.advo.get(field.on(Side::Advoware, kind)?);
        let espo = espo_text.and_then(|text| canonical(field, text));
        let advo = advo_text.and_then(|text| canonical(field, text));
        let known = seen.base.fields.get(&field).cloned();
        Some(Compared { field, espo, advo, espo_text, advo_text, known })
    })
}

fn kind_differs(kind: PartyKind, advo: &Texts) -> bool {
    match kind {
        PartyKind::Company => advo.contains_key("vorname"),
        PartyKind::Person => PartyKind::in_advoware(advo) == PartyKind::Company,
    }
}

/// What is to be remembered after a run (B2a): what both sides agree on. What they do not agree on keeps its evidence.
pub fn settled(seen: Seen<'_>) -> Base {
    let kind = PartyKind::of(seen.espo, seen.advo);
    let mut base = Base { fields: seen.base.fields.clone(), begun: Vec::new() };
    for compared in compare(seen, kind) {
        let pair = match compared.case() {
            Case::Agreed => Some(Pair::agreed(compared.espo)),
            Case::LeftToDiffer | Case::Follows { .. } | Case::Conflict => compared.known,
        };
        base.fields.extend(pair.map(|pair| (compared.field, pair)));
    }
    base
}

/// Every conflict is decided for `winner`, by a person: the base in which the other side counts as unchanged, and the fields.
pub fn decided_for(seen: Seen<'_>, winner: Side) -> (Base, Vec<Field>) {
    let kind = PartyKind::of(seen.espo, seen.advo);
    let mut base = seen.base.clone();
    let mut fields = Vec::new();
    for compared in compare(seen, kind).filter(|compared| compared.case() == Case::Conflict) {
        let loser = compared.on(winner.other()).cloned();
        base.fields.insert(compared.field, Pair::decided_for(winner, loser));
        fields.push(compared.field);
    }
    (base, fields)
}

/// K9: fields that a side confirmed and that do not say what was sent, where nobody touched the record since (the caller knows by its
/// change token or version).
pub fn not_kept(changes: &[Change], now: &Texts) -> Vec<Change> {
    let is_kept =
        |change: &&Change| now.get(change.target).and_then(|text| canonical(change.field, text)) == change.becomes;
    changes.iter().filter(|change| !is_kept(change)).cloned().collect()
}

/// What a new record in Advoware is made of (B2b): the Stammdaten of EspoCRM. `Err`: Advoware would not take it.
pub fn creation(espo: &Texts) -> Result<Vec<Change>, Finding> {
    let kind = PartyKind::of(espo, &Texts::new());
    let mut changes = Vec::new();
    for field in Field::ALL {
        let (Some(in_espo), Some(target)) = (field.on(Side::Espocrm, kind), field.on(Side::Advoware, kind)) else {
            continue;
        };
        let becomes = espo.get(in_espo).and_then(|text| canonical(field, text));
        let cannot_hold = |_| Finding::in_field(FindingKind::CannotHold, field);
        let after = render(field, Side::Advoware, kind, becomes.as_deref(), None).map_err(cannot_hold)?;
        changes.push(Change { field, target, before: None, after, was: None, becomes, overwrites: false });
    }
    changes.retain(|change| change.after.is_some());
    Ok(changes)
}

/// The base with which a created pair begins: what Advoware got, and nothing in the other fields. Whatever differs from it on either side
/// was edited since, also while the record was being created; timestamps would take our own POST for the newer change.
pub fn created_base(changes: &[Change]) -> Base {
    let mut base = Base::default();
    for field in Field::ALL {
        let becomes = changes.iter().find(|change| change.field == field).and_then(|change| change.becomes.clone());
        base.fields.insert(field, Pair::agreed(becomes));
    }
    base
}
