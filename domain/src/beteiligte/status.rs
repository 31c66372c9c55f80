//! `syncStatus` on EspoCRM's `CBeteiligte` (DOMAIN 4).

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
    /// Both sides changed the same field and a person must decide (policy `manual` only).
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
