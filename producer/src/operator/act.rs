//! What can be done: a closed list for console, HTTP and commands.

/// Something that operators do. The names are stored: none is ever given another meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Pause,
    Resume,
    Enqueue,
    EnqueueAll,
    Requeue,
    RequeueAll,
    RequeueAlike,
    DeleteDead,
    DeleteAll,
    DeleteAlike,
    ApproveDeletions,
    CreateAgain,
    Decide,
    Restore,
    Apply,
    SetPolicy,
    DeleteDuplicates,
    CleanupOrphaned,
    RebuildHub,
    Erase,
    InstallWebhooks,
    RemoveWebhooks,
}

impl Act {
    pub(crate) const ALL: [Self; 22] = [
        Self::Pause,
        Self::Resume,
        Self::Enqueue,
        Self::EnqueueAll,
        Self::Requeue,
        Self::RequeueAll,
        Self::RequeueAlike,
        Self::DeleteDead,
        Self::DeleteAll,
        Self::DeleteAlike,
        Self::ApproveDeletions,
        Self::CreateAgain,
        Self::Decide,
        Self::Restore,
        Self::Apply,
        Self::SetPolicy,
        Self::DeleteDuplicates,
        Self::CleanupOrphaned,
        Self::RebuildHub,
        Self::Erase,
        Self::InstallWebhooks,
        Self::RemoveWebhooks,
    ];

    /// Reads [`Self::name`].
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.name() == name)
    }

    /// As stored.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Enqueue => "enqueue",
            Self::EnqueueAll => "enqueue_all",
            Self::Requeue => "requeue",
            Self::RequeueAll => "requeue_all",
            Self::RequeueAlike => "requeue_alike",
            Self::DeleteDead => "delete_dead",
            Self::DeleteAll => "delete_all",
            Self::DeleteAlike => "delete_alike",
            Self::ApproveDeletions => "approve_deletions",
            Self::CreateAgain => "create_again",
            Self::Decide => "decide",
            Self::Restore => "restore",
            Self::Apply => "apply",
            Self::SetPolicy => "set_policy",
            Self::DeleteDuplicates => "delete_duplicates",
            Self::CleanupOrphaned => "cleanup_orphaned",
            Self::RebuildHub => "rebuild_hub",
            Self::Erase => "erase",
            Self::InstallWebhooks => "install_webhooks",
            Self::RemoveWebhooks => "remove_webhooks",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_are_told_apart_and_read_back() {
        for act in Act::ALL {
            assert_eq!(Act::parse(act.name()), Some(act));
        }
        assert_eq!(Act::parse("of_a_later_version"), None);
    }
}
