//! Every state that one Beteiligte can be in, small but complete: the planner must converge from each (invariants 1, 2, 4; K8, K8a).
//!
//! A state is up to three Advoware rows, up to three EspoCRM values, and what the hub remembers. Values are interchangeable,
//! so only one state of each renaming is walked.

mod check;
pub mod program;

use std::fmt;

use domain::ids::{KommId, RowId};
use domain::kommunikation::model::World;
use domain::kommunikation::{AdvoRow, Base, BaseRow, EspoMail, EspoPhone, KommKz};

/// What is swept: the two kinds differ in what else varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// One group of two kinds (business and private mail), with primary and `online`.
    Mail,
    /// Two groups (office, mobile), which EspoCRM can tell apart.
    Phone,
}

/// What is checked in each state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// One run converges, the next is silent, no deletion is resurrected.
    Converges,
    /// That, and every stop within a run, every failed subset of a stage, and `to_advoware` before `both` end in the same state.
    EveryStop,
}

/// A value: none, or one of three letters.
type Letter = Option<u8>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    None,
    Unreadable,
    Slot,
    /// The marker's letter; right if it is the row's value, stale if not.
    Value(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RowState {
    second_kind: bool,
    online: bool,
    tlf: Letter,
    mark: Mark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hub {
    None,
    Right,
    RowGone,
    RemarkCleared,
    /// Nothing is known, and the pair never agreed: markers may be another record's.
    FirstMeeting,
}

const HUBS: [Hub; 5] = [Hub::None, Hub::Right, Hub::RowGone, Hub::RemarkCleared, Hub::FirstMeeting];
const LETTERS: [u8; 3] = [0, 1, 2];

/// EspoCRM's side: for each letter absent, or present in the first or second group; and which letter is primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EspoState {
    held: [Option<bool>; 3],
    primary: Letter,
}

/// A state under one naming of its values; of all namings, the smallest is walked.
type Key = (Vec<(u8, Option<bool>)>, Letter, Vec<RowState>);

/// One state.
#[derive(Clone, Debug)]
pub struct State {
    sweep: Sweep,
    rows: Vec<RowState>,
    espo: EspoState,
    hub: Hub,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} hub {:?} espo {:?} rows {:?}", self.sweep, self.hub, self.espo, self.rows)
    }
}

impl Sweep {
    fn kinds(self) -> [KommKz; 2] {
        match self {
            Self::Mail => [KommKz::MailGesch, KommKz::MailPrivat],
            Self::Phone => [KommKz::TelGesch, KommKz::Mobil],
        }
    }

    /// Reserved numbers and example domains, in the form that EspoCRM holds.
    fn value(self, letter: u8) -> String {
        match self {
            Self::Mail => format!("{}@example.org", char::from(b'a' + letter)),
            Self::Phone => format!("+493023125{letter}00"),
        }
    }

    fn row_states(self) -> Vec<RowState> {
        let mut states = Vec::new();
        let onlines: &[bool] = if self == Self::Mail { &[false, true] } else { &[false] };
        for second_kind in [false, true] {
            for &online in onlines {
                for tlf in [None, Some(0), Some(1), Some(2)] {
                    for mark in
                        [Mark::None, Mark::Unreadable, Mark::Slot, Mark::Value(0), Mark::Value(1), Mark::Value(2)]
                    {
                        states.push(RowState { second_kind, online, tlf, mark });
                    }
                }
            }
        }
        states
    }

    fn espo_states(self) -> Vec<EspoState> {
        let groups: &[Option<bool>] = match self {
            Self::Mail => &[None, Some(false)],
            Self::Phone => &[None, Some(false), Some(true)],
        };
        let mut states = Vec::new();
        for &a in groups {
            for &b in groups {
                for &c in groups {
                    let held = [a, b, c];
                    let present = || LETTERS.into_iter().filter(|letter| held[usize::from(*letter)].is_some());
                    let primaries: Vec<Letter> = match self {
                        Self::Mail => present().map(Some).collect(),
                        Self::Phone => present().take(1).map(Some).collect(),
                    };
                    let primaries = if primaries.is_empty() { vec![None] } else { primaries };
                    states.extend(primaries.into_iter().map(|primary| EspoState { held, primary }));
                }
            }
        }
        states
    }
}

/// Walks all states whose number modulo `of` is `part`, and returns how many were checked. Panics on the first that fails.
pub fn walk(sweep: Sweep, depth: Depth, max_rows: usize, part: usize, of: usize) -> usize {
    let (row_states, espo_states) = (sweep.row_states(), sweep.espo_states());
    let mut checked = 0;
    let mut number = 0;
    for_each_multiset(&row_states, max_rows, &mut |rows| {
        number += 1;
        if number % of != part {
            return;
        }
        for espo in &espo_states {
            for hub in HUBS {
                let state = State { sweep, rows: rows.to_vec(), espo: *espo, hub };
                if state.is_first_of_its_renamings() && state.makes_sense() {
                    state.check(depth);
                    checked += 1;
                }
            }
        }
    });
    checked
}

fn for_each_multiset(all: &[RowState], max: usize, visit: &mut impl FnMut(&[RowState])) {
    fn extend(all: &[RowState], max: usize, chosen: &mut Vec<RowState>, visit: &mut impl FnMut(&[RowState])) {
        visit(chosen);
        if chosen.len() < max {
            for (index, state) in all.iter().enumerate() {
                chosen.push(*state);
                extend(&all[index..], max, chosen, visit);
                chosen.pop();
            }
        }
    }
    extend(all, max, &mut Vec::new(), visit);
}

impl State {
    fn makes_sense(&self) -> bool {
        match self.hub {
            Hub::None | Hub::Right | Hub::FirstMeeting => true,
            // The vanished row is one more than the visible ones.
            Hub::RowGone => self.rows.len() < 3,
            Hub::RemarkCleared => self.rows.iter().any(|row| matches!(row.mark, Mark::Value(_))),
        }
    }

    /// Letters appear in the order a, b, c, reading EspoCRM first: one state for each renaming of values.
    fn is_first_of_its_renamings(&self) -> bool {
        let mine = self.key([0, 1, 2]);
        [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].into_iter().all(|names| mine <= self.key(names))
    }

    fn key(&self, names: [u8; 3]) -> Key {
        let rename = |letter: u8| names[usize::from(letter)];
        let mut held: Vec<_> = LETTERS.into_iter().map(|l| (rename(l), self.espo.held[usize::from(l)])).collect();
        held.sort_unstable();
        let mut rows: Vec<RowState> = self
            .rows
            .iter()
            .map(|row| RowState {
                tlf: row.tlf.map(rename),
                mark: if let Mark::Value(letter) = row.mark { Mark::Value(rename(letter)) } else { row.mark },
                ..*row
            })
            .collect();
        rows.sort_unstable();
        (held, self.espo.primary.map(rename), rows)
    }

    fn world(&self) -> World {
        let mut world = World::default();
        for letter in LETTERS {
            let Some(second) = self.espo.held[usize::from(letter)] else { continue };
            let (value, primary) = (self.sweep.value(letter), self.espo.primary == Some(letter));
            match self.sweep {
                Sweep::Mail => {
                    world.espo.mails.push(EspoMail { address: value, primary, opt_out: false, invalid: false });
                }
                Sweep::Phone => world.espo.phones.push(EspoPhone {
                    number: value,
                    phone_type: Some(if second { "Mobile" } else { "Office" }.to_owned()),
                    primary,
                    opt_out: false,
                    invalid: false,
                }),
            }
        }
        let mut base = Vec::new();
        let mut cleared = false;
        for (index, row) in (1..).zip(&self.rows) {
            let id = KommId(10 * index);
            let komm_kz = self.sweep.kinds()[usize::from(row.second_kind)];
            let mut bemerkung = self.remark(*row, komm_kz);
            match row.mark {
                Mark::Value(letter) => {
                    base.push(BaseRow { id, komm_kz, value: self.sweep.value(letter), held: false });
                    if self.hub == Hub::RemarkCleared && !cleared {
                        cleared = true;
                        bemerkung = Some("text".to_owned());
                    }
                }
                Mark::Slot => base.push(BaseRow { id, komm_kz, value: String::new(), held: false }),
                Mark::None | Mark::Unreadable => {}
            }
            let tlf = row.tlf.map(|letter| self.sweep.value(letter)).unwrap_or_default();
            let (row_id, online) = (RowId(format!("S{index}")), row.online);
            world.advo.rows.push(AdvoRow { id, row_id, komm_kz: i64::from(komm_kz.number()), tlf, bemerkung, online });
        }
        if self.hub == Hub::RowGone {
            base.push(BaseRow {
                id: KommId(5),
                komm_kz: self.sweep.kinds()[0],
                value: self.sweep.value(0),
                held: false,
            });
        }
        world.first_meeting = self.hub == Hub::FirstMeeting;
        world.base =
            (!matches!(self.hub, Hub::None | Hub::FirstMeeting)).then_some(Base { rows: base, ahead: Vec::new() });
        world
    }

    fn remark(&self, row: RowState, komm_kz: KommKz) -> Option<String> {
        match row.mark {
            Mark::None => None,
            Mark::Unreadable => Some("[ESPOCRM:%%:4] text".to_owned()),
            Mark::Slot => Some(format!("[ESPOCRM-SLOT:{}]", komm_kz.number())),
            Mark::Value(letter) => Some(self.marker(letter, komm_kz) + " text"),
        }
    }

    /// The markers of the six values, encoded by hand so that the sweep does not share the planner's encoder.
    fn marker(&self, letter: u8, komm_kz: KommKz) -> String {
        let encoded = match (self.sweep, letter) {
            (Sweep::Mail, 0) => "YUBleGFtcGxlLm9yZw==",
            (Sweep::Mail, 1) => "YkBleGFtcGxlLm9yZw==",
            (Sweep::Mail, _) => "Y0BleGFtcGxlLm9yZw==",
            (Sweep::Phone, 0) => "KzQ5MzAyMzEyNTAwMA==",
            (Sweep::Phone, 1) => "KzQ5MzAyMzEyNTEwMA==",
            (Sweep::Phone, _) => "KzQ5MzAyMzEyNTIwMA==",
        };
        format!("[ESPOCRM:{encoded}:{}]", komm_kz.number())
    }
}
