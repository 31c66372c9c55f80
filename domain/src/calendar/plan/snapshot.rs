//! What a plan stands on.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::calendar::guard::DeletionLimit;
use crate::calendar::oddity::Oddity;
use crate::calendar::policy::{AdvowareWrite, Source, SyncStrategy};
use crate::calendar::standard::Standard;
use crate::ids::{EventId, FrNr};

/// `sync_id` of a row of the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub u128);

/// How an employee's calendar is synced: settings and the employee's policy, put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who wins where the sides differ.
    pub strategy: SyncStrategy,
    /// Which rows may be written to Advoware.
    pub write: AdvowareWrite,
    /// The employee's own permission, which goes before [`Self::write`] for all rows.
    pub write_override: Option<bool>,
    /// Copies of Termine in Google say when, not what (C7).
    pub anonymize: bool,
    /// How many deletions one run may make.
    pub limit: DeletionLimit,
    /// An operator has approved what the limit held.
    pub deletions_are_approved: bool,
}

/// A Termin of the employee's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenTermin {
    /// What it says.
    pub form: Result<Standard, Oddity>,
    /// When it was changed last; a hint (C5).
    pub changed_at: Option<DateTime<Utc>>,
    /// False for another's private entry (C10).
    pub may_change: bool,
}

/// An event of the employee's calendar that is not cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenEvent {
    /// What it says.
    pub form: Result<Standard, Oddity>,
    /// When it was changed last; a hint (C5).
    pub updated: Option<DateTime<Utc>>,
    /// Its version.
    pub etag: String,
}

/// What a run has begun with a row and not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// The event with the row's id, which is to say this.
    CreateEvent(Standard),
    /// A Termin that is to say this; its number is not known yet.
    CreateTermin(Standard),
    /// The event is to say this.
    UpdateEvent(Standard),
    /// The Termin is to say this.
    UpdateTermin(Standard),
    /// The event is to go.
    DeleteEvent,
    /// The Termin is to go.
    DeleteTermin,
}

/// A row of the hub that is not deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubRow {
    /// Where it was born.
    pub source: Source,
    /// Its Termin, once it has one.
    pub frnr: Option<FrNr>,
    /// Its event, once it has one; chosen before it is inserted (C3).
    pub event: Option<EventId>,
    /// What the Termin said when the row was last agreed (C1).
    pub advoware_base: Option<Standard>,
    /// What the event said then: a copy that was anonymised or normalised differs from its original.
    pub google_base: Option<Standard>,
    /// Version of the event then.
    pub etag: Option<String>,
    /// What was begun and not confirmed.
    pub intent: Option<Intent>,
}

/// What Google was asked, and what it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Events {
    /// Everything in the window.
    Complete(BTreeMap<EventId, SeenEvent>),
    /// What changed since the state that the hub stores; all else is as it was.
    Changes(BTreeMap<EventId, SeenEvent>),
}

/// All that a plan stands on.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The complete list of the window.
    pub termine: BTreeMap<FrNr, SeenTermin>,
    /// The calendar.
    pub events: Events,
    /// Rows whose reach meets the window.
    pub rows: BTreeMap<RowId, HubRow>,
    /// Termine that are gone, with evidence (C4).
    pub gone_termine: BTreeSet<FrNr>,
    /// Events that are gone, with evidence (C4): cancelled, or 404 or 410 on their id.
    pub gone_events: BTreeSet<EventId>,
}
