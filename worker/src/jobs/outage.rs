//! What a run tells the breakers of the systems it used, and what they make of its end (J4a).

use shared::beteiligte::{AdvoSide, Loaded};
use shared::error::{ApiError, Blame, ErrorKind, System};
use shared::limits::{Evidence, Ticket, Verdict};
use shared::queue::{Outcome, Queue};

use super::stop::Stop;

/// Which systems answered in the look that a run began with. By default none did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Answered([bool; System::ALL.len()]);

impl Answered {
    pub(super) fn of(systems: &[System]) -> Self {
        Self(System::ALL.map(|system| systems.contains(&system)))
    }

    pub(super) fn in_look(loaded: &Loaded) -> Self {
        match loaded.advo {
            AdvoSide::Found(_) | AdvoSide::Missing(_) => Self::of(&[System::Advoware, System::Espocrm]),
            AdvoSide::NoBetnr | AdvoSide::Failed(_) => Self::of(&[System::Espocrm]),
        }
    }

    fn has(self, system: System) -> bool {
        self.0[system as usize]
    }
}

/// Tells the breakers how a run ended; those of systems that it was not admitted for do not listen. If a system is down, the outcome that takes the place of a counted failure, and the records that
/// get a try back.
pub(super) async fn settle(
    ticket: &mut Ticket,
    answered: Answered,
    stop: Option<&Stop>,
) -> Option<(Outcome, Vec<String>)> {
    let mut instead = None;
    for system in System::ALL {
        if let Some(evidence) = evidence(system, answered, stop)
            && let Verdict::Waits { delay, give_back } = ticket.report(system, evidence).await
        {
            instead = Some((Outcome::Snooze { delay }, give_back));
        }
    }
    instead
}

/// The failures that led to the opening of a breaker do not count either, in whichever queue they were. Best effort: a try too many
/// costs a wait.
pub(super) async fn give_back_tries(queues: &[Queue], records: &[String]) {
    for queue in queues {
        if let Err(error) = queue.give_back_tries(records).await {
            tracing::warn!(%error, queue = queue.name().as_str(), records = records.len(), "tries are not given back");
        }
    }
}

/// What a run learnt about `system`: the error that stopped it, if it is one of this system's, else whether it answered before.
fn evidence(system: System, answered: Answered, stop: Option<&Stop>) -> Option<Evidence> {
    match stop {
        Some(Stop::Api(error)) if error.system() == system => of_error(error),
        Some(
            Stop::Api(_)
            | Stop::Hub(_)
            | Stop::LeaseLost(_)
            | Stop::NotAgreed(_)
            | Stop::Busy
            | Stop::Deleted
            | Stop::CreationHeld
            | Stop::Hopeless(_),
        )
        | None => answered.has(system).then_some(Evidence::Answered),
    }
}

fn of_error(error: &ApiError) -> Option<Evidence> {
    match error.blame() {
        Blame::System => Some(Evidence::Outage),
        Blame::Credentials => Some(Evidence::Refused),
        Blame::Record => Some(Evidence::Answered),
        // Of these only what is said about the record is an answer to the call itself.
        Blame::Nobody => matches!(error.kind, ErrorKind::Conflict | ErrorKind::Duplicate | ErrorKind::FullSyncRequired)
            .then_some(Evidence::Answered),
    }
}

#[cfg(test)]
mod tests {
    use shared::error::{ConnectFault, Operation, Refusal};

    use super::*;

    /// What is learnt of all systems if `operation` failed, and if only `other` had answered before.
    fn after(operation: Operation, kind: ErrorKind, other: System) -> [Option<Evidence>; 3] {
        let stop = Stop::from(ApiError::unanswered(operation, kind));
        System::ALL.map(|system| evidence(system, Answered::of(&[other]), Some(&stop)))
    }

    #[test]
    fn j4a_an_error_speaks_for_its_own_system_and_the_others_answered_as_they_did() {
        let table = [
            (ErrorKind::Unreachable(ConnectFault::Refused), Some(Evidence::Outage)),
            (ErrorKind::Unavailable { retry_after: None }, Some(Evidence::Outage)),
            (ErrorKind::CredentialsRefused(Refusal::WrongPassword), Some(Evidence::Refused)),
            (ErrorKind::ServerFault, Some(Evidence::Answered)),
            (ErrorKind::RateLimited { retry_after: None }, None),
            (ErrorKind::QuotaExceeded, None),
            (ErrorKind::LimitUnavailable, None),
        ];
        let answered = Some(Evidence::Answered);
        for (kind, own) in table {
            let beteiligter = after(Operation::AdvowareGetBeteiligte, kind.clone(), System::Espocrm);
            assert_eq!(beteiligter, [own, answered, None], "{kind:?}");
            let calendar = after(Operation::GoogleListEvents, kind.clone(), System::Advoware);
            assert_eq!(calendar, [answered, None, own], "{kind:?}");
        }
    }

    #[test]
    fn j4a_a_run_that_ended_well_or_for_a_reason_of_its_own_speaks_for_the_systems_it_used() {
        let answered = Some(Evidence::Answered);
        let table: [(&[System], _); 4] = [
            (&[], [None, None, None]),
            (&[System::Espocrm], [None, answered, None]),
            (&[System::Advoware, System::Espocrm], [answered, answered, None]),
            (&[System::Google, System::Advoware], [answered, None, answered]),
        ];
        for stop in [None, Some(Stop::NotAgreed("test")), Some(Stop::Hopeless("test"))] {
            for (systems, learnt) in table {
                let of = |system| evidence(system, Answered::of(systems), stop.as_ref());
                assert_eq!(System::ALL.map(of), learnt, "{systems:?}");
            }
        }
        assert_eq!(System::ALL.map(|system| evidence(system, Answered::default(), None)), [None; 3]);
    }
}
