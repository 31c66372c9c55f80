//! Which records the scan puts to work (DOMAIN 4, J3): one table over status, queue and times.

use super::status::SyncStatus;

/// What the queue has for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queued<T> {
    /// Nothing.
    Nothing,
    /// A job that waits.
    Waiting,
    /// A run whose lease holds.
    Running,
    /// A run whose lease has ended: its worker died.
    Crashed,
    /// A dead job, since then.
    Dead {
        /// When it died, in EspoCRM's whole seconds: an edit of that very second counts as later, else it could be lost.
        since: T,
    },
}

/// A record as the scan sees it. Times are of the systems' own clocks: hints, good for deciding who looks, never for what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned<T> {
    /// `syncStatus`; `None` where empty or unknown.
    pub status: Option<SyncStatus>,
    /// `syncNextRetry`
    pub next_retry: Option<T>,
    /// `syncAutoResetAt`
    pub auto_reset_at: Option<T>,
    /// `modifiedAt`
    pub modified_at: Option<T>,
    /// What the queue has for it.
    pub queued: Queued<T>,
}

/// What the scan does with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing: somebody is at it, or it waits for its time or for a person.
    No,
    /// Queue it; its back-off stands.
    Sync,
    /// Queue it: it was edited since its job died.
    Revive,
    /// Write the reset, then queue it with its counters at zero.
    Reset,
    /// The reset is written, and whoever wrote it ended before queueing it.
    FinishReset,
    /// Its job died and nobody could tell (a poison job takes its process along): write `permanently_failed` with the job's reason.
    Tell,
}

/// The table.
#[expect(clippy::match_same_arms, reason = "read row by row")]
pub fn due<T: Ord + Copy>(scanned: Scanned<T>, now: T) -> Due {
    let is_past = |time: Option<T>| time.is_none_or(|time| time <= now);
    match (scanned.status, scanned.queued) {
        // In agreement or waiting for a person; `clean` ones are looked at by their age.
        (Some(SyncStatus::Conflict | SyncStatus::DeletedInAdvoware) | None, _) => Due::No,
        (Some(SyncStatus::Clean), Queued::Nothing | Queued::Waiting | Queued::Running | Queued::Crashed) => Due::No,
        // The queue takes the job of a worker that died up by itself, within seconds (J4); a trigger now would save a poison job from its end.
        (_, Queued::Crashed) => Due::No,

        // Without a time it waits for a person (B2b).
        (Some(SyncStatus::PermanentlyFailed), Queued::Running) => Due::No,
        (Some(SyncStatus::PermanentlyFailed), Queued::Nothing | Queued::Waiting | Queued::Dead { .. }) => {
            if scanned.auto_reset_at.is_some_and(|at| at <= now) { Due::Reset } else { Due::No }
        }

        (Some(SyncStatus::PendingSync | SyncStatus::Dirty | SyncStatus::Clean), Queued::Dead { since }) => {
            if scanned.modified_at.is_some_and(|at| at >= since) { Due::Revive } else { Due::Tell }
        }
        (Some(SyncStatus::PendingSync | SyncStatus::Dirty), Queued::Nothing | Queued::Waiting | Queued::Running) => {
            Due::Sync
        }

        // Our own write moved `modifiedAt`, so it says nothing.
        (Some(SyncStatus::Syncing), Queued::Dead { .. }) => Due::Tell,
        (Some(SyncStatus::Syncing), Queued::Running) => Due::No,
        (Some(SyncStatus::Syncing), Queued::Nothing | Queued::Waiting) => Due::Sync,

        (Some(SyncStatus::Failed), Queued::Dead { since }) => {
            if scanned.next_retry.is_some_and(|at| at > since && at <= now) { Due::FinishReset } else { Due::Tell }
        }
        (Some(SyncStatus::Failed), Queued::Running) => Due::No,
        (Some(SyncStatus::Failed), Queued::Nothing | Queued::Waiting) => {
            if is_past(scanned.next_retry) {
                Due::Sync
            } else {
                Due::No
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u32 = 100;

    fn decided(status: SyncStatus, queued: Queued<u32>, times: [Option<u32>; 3]) -> Due {
        let [next_retry, auto_reset_at, modified_at] = times;
        due(Scanned { status: Some(status), next_retry, auto_reset_at, modified_at, queued }, NOW)
    }

    #[test]
    fn b2_what_waits_is_queued_whatever_the_queue_has_but_a_dead_job() {
        for status in [SyncStatus::PendingSync, SyncStatus::Dirty] {
            for queued in [Queued::Nothing, Queued::Waiting, Queued::Running] {
                assert_eq!(decided(status, queued, [None; 3]), Due::Sync);
            }
        }
    }

    #[test]
    fn j3_a_dead_job_that_nobody_told_is_told_unless_the_record_was_edited_since() {
        for status in [SyncStatus::PendingSync, SyncStatus::Dirty, SyncStatus::Clean] {
            let dead = Queued::Dead { since: 50 };
            assert_eq!(decided(status, dead, [None, None, Some(50)]), Due::Revive, "edited since, or in that second");
            assert_eq!(decided(status, dead, [None, None, Some(49)]), Due::Tell);
            assert_eq!(decided(status, dead, [None; 3]), Due::Tell);
        }
    }

    #[test]
    fn b2_syncing_without_a_live_run_is_picked_up() {
        let decided = |queued| decided(SyncStatus::Syncing, queued, [None, None, Some(99)]);
        assert_eq!(decided(Queued::Running), Due::No);
        assert_eq!([Queued::Nothing, Queued::Waiting].map(decided), [Due::Sync; 2]);
        assert_eq!(decided(Queued::Dead { since: 50 }), Due::Tell, "our own write moved modifiedAt");
    }

    #[test]
    fn b2_failed_waits_for_its_time() {
        let decided = |queued, next_retry| decided(SyncStatus::Failed, queued, [next_retry, None, Some(99)]);
        for queued in [Queued::Nothing, Queued::Waiting] {
            assert_eq!([Some(101), Some(100), None].map(|at| decided(queued, at)), [Due::No, Due::Sync, Due::Sync]);
        }
        assert_eq!(decided(Queued::Running, None), Due::No);
        let dead = Queued::Dead { since: 50 };
        assert_eq!(decided(dead, Some(60)), Due::FinishReset, "the reset was written after its death");
        assert_eq!([decided(dead, Some(50)), decided(dead, None)], [Due::Tell; 2]);
    }

    #[test]
    fn b2_permanently_failed_is_reset_when_its_time_has_come_and_by_nothing_else() {
        for queued in [Queued::Nothing, Queued::Waiting, Queued::Dead { since: 50 }] {
            let decided = |reset| decided(SyncStatus::PermanentlyFailed, queued, [None, reset, Some(99)]);
            assert_eq!([Some(100), Some(101), None].map(decided), [Due::Reset, Due::No, Due::No], "{queued:?}");
        }
        assert_eq!(decided(SyncStatus::PermanentlyFailed, Queued::Running, [None, Some(1), None]), Due::No);
    }

    #[test]
    fn j4_a_run_whose_worker_died_is_the_queues_business() {
        for status in SyncStatus::ALL {
            assert_eq!(decided(status, Queued::Crashed, [Some(1), Some(1), Some(99)]), Due::No, "{status:?}");
        }
    }

    #[test]
    fn b2_the_other_states_wait_for_their_age_or_for_a_person() {
        for status in [SyncStatus::Clean, SyncStatus::Conflict, SyncStatus::DeletedInAdvoware] {
            assert_eq!(decided(status, Queued::Nothing, [Some(1), Some(1), Some(99)]), Due::No);
        }
        let unknown =
            Scanned { status: None, next_retry: None, auto_reset_at: None, modified_at: None, queued: Queued::Nothing };
        assert_eq!(due(unknown, NOW), Due::No);
    }
}
