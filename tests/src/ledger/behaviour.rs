//! What a run does is told by its entity's name, so that every process, and every repetition, does the same.

/// How the runs of an entity go: the first word of its name, and for some the number after it (`fail-2-000017`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// `ok-...`: works, and is done.
    Ok,
    /// `fail-n-...`: fails n times, then is done.
    Fail(u32),
    /// `snooze-n-...`: snoozes until its start n + 1.
    Snooze(u32),
    /// `panic-n-...`: panics n times, then is done.
    Panic(u32),
    /// `giveup-...`: gives up at once.
    GiveUp,
    /// `abort-...`: takes its process along, each time.
    Abort,
    /// `hang-...`: never ends.
    Hang,
    /// `held-...`: its first run waits until the ledger releases it; later runs do not.
    Held,
    /// `slow-...`: works for half of its lease, so that it is renewed.
    Slow,
    /// `again-...`: its first run triggers the entity once more, as a user's edit in the middle of a sync does.
    Again,
}

impl Behaviour {
    /// Of an entity by its name. A word nobody knows means `Ok`.
    pub fn of(entity: &str) -> Self {
        let mut words = entity.split('-');
        let word = words.next().unwrap_or_default();
        let times = words.next().and_then(|times| times.parse().ok()).unwrap_or(1);
        match word {
            "fail" => Self::Fail(times),
            "snooze" => Self::Snooze(times),
            "panic" => Self::Panic(times),
            "giveup" => Self::GiveUp,
            "abort" => Self::Abort,
            "hang" => Self::Hang,
            "held" => Self::Held,
            "slow" => Self::Slow,
            "again" => Self::Again,
            _ => Self::Ok,
        }
    }

    /// Whether an entity that behaves so ends in the dead set.
    pub fn ends_dead(self) -> bool {
        matches!(self, Self::GiveUp | Self::Abort)
    }
}
