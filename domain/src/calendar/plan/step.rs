//! What a plan consists of.

use super::RowId;
use crate::calendar::oddity::{NotRepresentable, Oddity};
use crate::calendar::standard::Standard;
use crate::ids::{EventId, FrNr};

/// One operation, each with its own transaction (C11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The Termin that was begun is there, under this number; what it was begun with is its base, and that of an event which
    /// it copies.
    AdoptTermin(RowId, FrNr),
    /// The event that was begun is not there: insert it, with the same id.
    FinishEvent(RowId, Standard),
    /// The Termin that was begun is not there: create it.
    FinishTermin(RowId, Standard),
    /// What was begun has lost what it was to copy, and nothing came of it: the row is soft-deleted.
    Withdraw(RowId),
    /// A Termin and an event that no row knows say the same: they become a pair, nothing is written to either side.
    Link(FrNr, EventId),
    /// Phase 1: a new Termin, and the event that is to say it.
    CreateEvent(FrNr, Standard),
    /// Phase 2: a new event, and the Termin that is to say it.
    CreateTermin(EventId, Standard),
    /// Phase 3: the event is created again, with a new id.
    RecreateEvent(RowId, Standard),
    /// Phase 3: the Termin is created again.
    RecreateTermin(RowId, Standard),
    /// Phase 3: the event is deleted and the row soft-deleted.
    DeleteEvent(RowId),
    /// Phase 3: the Termin is deleted and the row soft-deleted.
    DeleteTermin(RowId),
    /// Phase 3: both are gone, the row is soft-deleted.
    SoftDelete(RowId),
    /// Phase 4: the event is made to say this.
    UpdateEvent(RowId, Standard),
    /// Phase 4: the Termin is made to say this.
    UpdateTermin(RowId, Standard),
    /// Phase 4: both sides are as they should be; what they say, and the event's version, is stored.
    Store(RowId),
}

impl Step {
    /// The row that it is about; `None` where it makes one.
    pub fn row(&self) -> Option<RowId> {
        match self {
            Self::Link(..) | Self::CreateEvent(..) | Self::CreateTermin(..) => None,
            Self::AdoptTermin(row, _)
            | Self::FinishEvent(row, _)
            | Self::FinishTermin(row, _)
            | Self::Withdraw(row)
            | Self::RecreateEvent(row, _)
            | Self::RecreateTermin(row, _)
            | Self::DeleteEvent(row)
            | Self::DeleteTermin(row)
            | Self::SoftDelete(row)
            | Self::UpdateEvent(row, _)
            | Self::UpdateTermin(row, _)
            | Self::Store(row) => Some(*row),
        }
    }

    /// Its name in the audit, metrics and dry runs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AdoptTermin(..) => "adopt_termin",
            Self::FinishEvent(..) => "finish_event",
            Self::FinishTermin(..) => "finish_termin",
            Self::Withdraw(_) => "withdraw",
            Self::Link(..) => "link",
            Self::CreateEvent(..) => "create_event",
            Self::CreateTermin(..) => "create_termin",
            Self::RecreateEvent(..) => "recreate_event",
            Self::RecreateTermin(..) => "recreate_termin",
            Self::DeleteEvent(_) => "delete_event",
            Self::DeleteTermin(_) => "delete_termin",
            Self::SoftDelete(_) => "soft_delete",
            Self::UpdateEvent(..) => "update_event",
            Self::UpdateTermin(..) => "update_termin",
            Self::Store(_) => "store",
        }
    }

    /// Names of all steps, for metrics that must exist from the start.
    pub const NAMES: [&'static str; 15] = [
        "adopt_termin",
        "finish_event",
        "finish_termin",
        "withdraw",
        "link",
        "create_event",
        "create_termin",
        "recreate_event",
        "recreate_termin",
        "delete_event",
        "delete_termin",
        "soft_delete",
        "update_event",
        "update_termin",
        "store",
    ];
}

/// Why an entry is left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// The Termin makes no sense.
    OddTermin(FrNr, Oddity),
    /// The event makes no sense, or recurs as Advoware cannot (C9).
    OddEvent(EventId, Oddity),
    /// Advoware cannot hold what the event says.
    NotRepresentable(EventId, NotRepresentable),
    /// A new event, which the employee's permission does not let into Advoware (C5).
    NoPermission(EventId),
    /// Another's private Termin (C10).
    OthersPrivate(FrNr),
    /// More deletions than the limit allows; none is done (C4).
    MassDeletionHeld(u64),
}

/// What a run does, in the order in which it does it, and what it leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Operations.
    pub steps: Vec<Step>,
    /// For people.
    pub left: Vec<Left>,
    /// Deletions that the guard holds (C4), for whoever is to approve them.
    pub held: Vec<Step>,
}
