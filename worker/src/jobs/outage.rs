//! What a run tells the breakers of the systems it used, and what they make of its end (J4a).

use shared::beteiligte::{AdvoSide, Loaded};
use shared::error::{ApiError, Blame, ErrorKind, System};
use shared::limits::{Evidence, Ticket, Verdict};
use shared::queue::Outcome;

use super::stop::Stop;

/// Which systems answered in the look that a run began with. By default none did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Answered {
    advoware: bool,
    espocrm: bool,
}

impl Answered {
    pub(super) fn only_espocrm() -> Self {
        Self { advoware: false, espocrm: true }
    }

    pub(super) fn in_look(loaded: &Loaded) -> Self {
        Self { advoware: matches!(loaded.advo, AdvoSide::Found(_) | AdvoSide::Missing(_)), espocrm: true }
    }

    fn has(self, system: System) -> bool {
        match system {
            System::Advoware => self.advoware,
            System::Espocrm => self.espocrm,
            // No run of a Beteiligte asks it.
            System::Google => false,
        }
    }
}

/// Tells the breakers how a run ended. If a system is down, the outcome that takes the place of a counted failure, and the records that
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

/// What a run learnt about `system`: the error that stopped it, if it is one of this system's, else whether it answered before.
fn evidence(system: System, answered: Answered, stop: Option<&Stop>) -> Option<Evidence> {
    match stop {
        Some(Stop::Api(error)) if error.system() == system => of_error(error),
        Some(
            Stop::Api(_)
            | Stop::Hub(_)
            | Stop::LeaseLost(_)
            | Stop::NotAgreed(_)
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

    const BOTH: Answered = Answered { advoware: true, espocrm: true };

    fn after(kind: ErrorKind) -> [Option<Evidence>; 2] {
        let stop = Stop::from(ApiError::unanswered(Operation::AdvowareGetBeteiligte, kind));
        let answered = Answered { advoware: false, espocrm: true };
        [System::Advoware, System::Espocrm].map(|system| evidence(system, answered, Some(&stop)))
    }

    #[test]
    fn j4a_an_error_speaks_for_its_own_system_and_the_others_answered_as_they_did() {
        let answered = Some(Evidence::Answered);
        assert_eq!(after(ErrorKind::Unreachable(ConnectFault::Refused)), [Some(Evidence::Outage), answered]);
        assert_eq!(after(ErrorKind::Unavailable { retry_after: None }), [Some(Evidence::Outage), answered]);
        assert_eq!(after(ErrorKind::CredentialsRefused(Refusal::WrongPassword)), [Some(Evidence::Refused), answered]);
        assert_eq!(after(ErrorKind::ServerFault), [answered, answered]);
        assert_eq!(after(ErrorKind::RateLimited { retry_after: None }), [None, answered]);
        assert_eq!(after(ErrorKind::LimitUnavailable), [None, answered]);
    }

    #[test]
    fn j4a_a_run_that_ended_well_or_for_a_reason_of_its_own_speaks_for_the_systems_it_used() {
        let alone = Answered { advoware: false, espocrm: true };
        for stop in [None, Some(Stop::NotAgreed("test")), Some(Stop::Hopeless("test"))] {
            assert_eq!(evidence(System::Advoware, BOTH, stop.as_ref()), Some(Evidence::Answered));
            assert_eq!(evidence(System::Advoware, alone, stop.as_ref()), None);
            assert_eq!(evidence(System::Espocrm, Answered::default(), stop.as_ref()), None);
        }
    }
}
