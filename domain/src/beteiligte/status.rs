//! `syncStatus` on EspoCRM's `CBeteiligte` (DOMAIN 4, B2).
//!
//! ```text
//!   EspoCRM, on create            EspoCRM, on a user's change (from any state)
//!          |                                     |
//!          v                                     v
//!   +--------------+                      +-------------+   a one-way run left something
//!   | pending_sync |                      |    dirty    |<--------------------------+
//!   +--------------+                      +-------------+                           |
//!          |      job (webhook, scan, operator)  |                                  |
//!          +------------------+------------------+                                  |
//!                             v                                                     |
//!                      +-------------+  both agree      +-------+   edit, 24 h      |
//!                      |   syncing   |----------------->| clean |-------------------+--> next run
//!                      | worker, if  |                  +-------+                   |
//!                      | it writes   |  policy manual,  +----------+  decide, edit   |
//!                      |             |  number taken -->| conflict |---------------->+
//!                      |             |  Advoware: 404   +--------------------+  edit |
//!                      |             |----------------->| deleted_in_advoware |----->+
//!                      |             |  failure n < max +--------+  syncNextRetry    |
//!                      |             |----------------->| failed |------------------>+
//!                      |             |                  +--------+<---+              |
//!                      |             |  last failure,        scan:    | syncAutoResetAt is due
//!                      |             |  give up, poison +--------------------+       |
//!                      |             |----------------->| permanently_failed |-------+
//!                      +-------------+                  +--------------------+  operator, edit
//! ```
//!
//! Who writes what at the end of a run is one table, [`after`](super::after); which of them the scan puts back to work another, [`due`](super::due).

/// Where a record stands, as people see it in EspoCRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SyncStatus {
    /// Waits for its first sync. Set by EspoCRM on create.
    PendingSync,
    /// Changed, sync needed. Set by EspoCRM on update.
    Dirty,
    /// A worker holds it. For people only: the lease is the queue's (B1).
    Syncing,
    /// In agreement.
    Clean,
    /// The last run failed and another follows.
    Failed,
    /// Given up until the automatic reset or an operator.
    PermanentlyFailed,
    /// A person must decide: both sides changed the same field (policy `manual`), or two records name one number.
    Conflict,
    /// Advoware answered 404 for its betnr.
    DeletedInAdvoware,
}

impl SyncStatus {
    /// Every status, in the order of a record's life.
    pub const ALL: [Self; 8] = [
        Self::PendingSync,
        Self::Dirty,
        Self::Syncing,
        Self::Clean,
        Self::Failed,
        Self::PermanentlyFailed,
        Self::Conflict,
        Self::DeletedInAdvoware,
    ];

    /// The value of EspoCRM's enum.
    pub fn name(self) -> &'static str {
        match self {
            Self::PendingSync => "pending_sync",
            Self::Dirty => "dirty",
            Self::Syncing => "syncing",
            Self::Clean => "clean",
            Self::Failed => "failed",
            Self::PermanentlyFailed => "permanently_failed",
            Self::Conflict => "conflict",
            Self::DeletedInAdvoware => "deleted_in_advoware",
        }
    }

    /// From EspoCRM's value; `None` for an empty or unknown one.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == text)
    }
}
