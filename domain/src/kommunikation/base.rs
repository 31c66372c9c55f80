//! What the hub remembers of a Beteiligter's Kommunikationen (B2a), and how a run adds to it while it works.

use super::komm_kz::KommKz;
use super::marker::{Marker, Remark};
use super::plan::{Plan, RowContent};
use crate::ids::KommId;

/// What was last agreed, and what a run has begun since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Base {
    /// Rows on which both sides agreed, and slots.
    pub rows: Vec<BaseRow>,
    /// Rows whose change has reached EspoCRM and not yet their marker; of one row, the last that is in force counts.
    pub ahead: Vec<Ahead>,
}

/// One Advoware row as last agreed. An empty value is a slot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseRow {
    /// The row.
    pub id: KommId,
    /// Its kind.
    pub komm_kz: KommKz,
    /// The value as EspoCRM held it; empty for a slot.
    pub value: String,
    /// The row vanished together with most others and its deletion waits for approval (K1a). Remembered, for the record may
    /// get new rows meanwhile, and then the vanished ones would no longer look like a mass deletion.
    pub held: bool,
}

/// EspoCRM's half of a change is written, Advoware's marker is not (K8, between stages 2 and 3). Until it is, the row is known by
/// this, before its marker: else a user's edit meets our own write, and is taken for a conflict or a deletion (invariant 5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ahead {
    /// The row.
    pub id: KommId,
    /// Its kind.
    pub komm_kz: KommKz,
    /// The value that EspoCRM has for it now; empty: none, the row is as good as a slot, or vanished for good.
    pub value: String,
    /// The value in its marker when the change was planned, if it had one. Another marker since then is the change's own: it was
    /// written, and only the hub does not know it.
    pub marked: Option<String>,
    /// The value that leaves EspoCRM with the change, if one does.
    pub left: Option<String>,
    /// EspoCRM has confirmed the write. If not, the process may have ended before or after it, and EspoCRM's values tell.
    pub confirmed: bool,
}

impl Base {
    /// Notes, before EspoCRM is written, what the write will make of each row. What was confirmed of a row before stays beside it:
    /// it holds if the write does not happen.
    pub fn intend(&mut self, plan: &Plan) {
        self.ahead.extend(plan.ahead.iter().cloned());
    }

    /// EspoCRM has confirmed the write that was intended. The last word on a row replaces earlier ones.
    pub fn confirm(&mut self) {
        let mut latest: Vec<Ahead> = Vec::with_capacity(self.ahead.len());
        for ahead in self.ahead.drain(..) {
            latest.retain(|known| known.id != ahead.id);
            latest.push(Ahead { confirmed: true, ..ahead });
        }
        self.ahead = latest;
    }

    /// Advoware has confirmed this content of a row: its marker speaks for itself, and should the row vanish, a user removed it.
    pub fn learn(&mut self, id: KommId, content: &RowContent) {
        self.ahead.retain(|known| known.id != id);
        self.rows.retain(|known| known.id != id);
        let (komm_kz, value) = match Remark::parse(&content.bemerkung).marker {
            Some(Marker::Value { value, komm_kz }) => (komm_kz, value),
            Some(Marker::Slot { komm_kz }) => (komm_kz, String::new()),
            None => return,
        };
        self.rows.push(BaseRow { id, komm_kz, value, held: false });
        self.rows.sort_by_key(|known| known.id);
    }
}
