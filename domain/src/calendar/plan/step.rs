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
}
