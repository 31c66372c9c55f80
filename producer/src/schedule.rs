//! The calendars' schedule: every employee's calendar is synced once in `CALENDAR_SYNC_SECONDS`, each at a time of its own.
//!
//! - Who there is, Advoware tells once per interval; the hub keeps it, so the schedule goes on while Advoware is away.
//! - Whose turn it is stands in the hub, too: of several producers one asks. Their turn counts as taken only once the job is queued.

mod turns;

use std::convert::Infallible;
use std::time::Duration;

use domain::ids::Kuerzel;
use shared::advoware::{Advoware, TokenCache};
use shared::clock::Clock;
use shared::error::{ApiError, Blame, System};
use shared::hub::calendar::Staff;
use shared::hub::{Hub, HubError};
use shared::limits::{Breakers, Parallel, Standing};
use shared::queue::{Queue, QueueError};
use shared::settings::{ProducerCalendar, ProducerSettings};
use tokio::time::Instant;

use crate::program::{ProgramError, hub_problem};
use crate::scan::count_scan;

/// Longest wait after a list of employees that could not be had.
const RETRY_INTERVAL: Duration = Duration::from_mins(1);
/// The same where Advoware refused our credentials: it may lock the account (J4a).
const REFUSED_INTERVAL: Duration = Duration::from_mins(5);
/// Between two looks at how many deletions are held.
const HELD_INTERVAL: Duration = Duration::from_secs(15);

const HELD: &str = "kanzleisync_held_deletions";

/// Asks for syncs of calendars.
pub(crate) struct Schedule {
    advoware: Advoware,
    breakers: Breakers,
    hub: Hub,
    queue: Queue,
    clock: Clock,
    /// `CALENDAR_SYNC_SECONDS`
    interval: Duration,
    /// `CALENDAR_SYNC_DEBUG_KUERZEL`
    only: Option<Kuerzel>,
    /// `SYNC_AUTO_RESET_HOURS`
    auto_reset: Duration,
}

/// Nobody could be asked for.
#[derive(Debug, thiserror::Error)]
enum ScheduleError {
    #[error(transparent)]
    Advoware(#[from] ApiError),
    #[error("Advoware is left alone: its breaker is open")]
    LeftAlone,
    #[error("{}", hub_problem(.0))]
    Hub(#[from] HubError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error("the queue did not answer within {} s", .0.as_secs())]
    QueueSlow(Duration),
}

impl Schedule {
    /// A schedule as the settings say. Its calls to Advoware are within the limit that all workers share; `parallel` is this process's.
    pub(crate) async fn connect(
        settings: &ProducerSettings,
        calendar: &ProducerCalendar,
        parallel: Parallel,
        breakers: Breakers,
        hub: Hub,
        queue: Queue,
    ) -> Result<Self, ProgramError> {
        let clock = Clock::system();
        let tokens = TokenCache::connect(&settings.redis).await?;
        Ok(Self {
            advoware: Advoware::within(parallel, &calendar.advoware, tokens, clock.clone())?,
            breakers,
            hub,
            queue,
            clock,
            interval: calendar.rules.interval,
            only: calendar.rules.only.clone(),
            auto_reset: settings.sync.auto_reset,
        })
    }

    /// Keeps to it until it is dropped.
    pub(crate) async fn keep(self) -> Infallible {
        let (never, _) = tokio::join!(self.keep_asking_the_staff(), self.keep_telling_held());
        never
    }

    /// Nobody is asked for before Advoware was asked once who is still there.
    async fn keep_asking_the_staff(&self) -> Infallible {
        let next = self.note_staff_and_tell().await;
        let (never, _) = tokio::join!(self.keep_noting_staff(next), self.keep_asking());
        never
    }

    async fn keep_noting_staff(&self, mut next: Instant) -> Infallible {
        loop {
            tokio::time::sleep_until(next).await;
            next = self.note_staff_and_tell().await;
        }
    }

    /// Answers when to do so again.
    async fn note_staff_and_tell(&self) -> Instant {
        let begun = Instant::now();
        match self.note_staff().await {
            Ok(staff) => {
                count_scan("calendar", "done");
                tell(staff);
                begun + self.interval
            }
            Err(error) => {
                count_scan("calendar", "failed");
                tracing::warn!(%error, "who works at the firm is not known anew, the schedule goes on with whom the hub knows");
                begun + pause_after(&error).min(self.interval)
            }
        }
    }

    async fn note_staff(&self) -> Result<Staff, ScheduleError> {
        match self.breakers.standing(System::Advoware) {
            Standing::Up => {}
            Standing::Down { .. } => return Err(ScheduleError::LeftAlone),
        }
        let listed = self.advoware.list_mitarbeiter().await?;
        let listed: Vec<Kuerzel> = listed.into_iter().map(|mitarbeiter| mitarbeiter.kuerzel).collect();
        Ok(self.hub.note_staff(&listed, self.clock.now()).await?)
    }

    async fn keep_telling_held(&self) -> Infallible {
        loop {
            match self.hub.held_deletions().await {
                Ok(held) => set_held(held),
                Err(error) => tracing::debug!(%error, "how many deletions are held is not known"),
            }
            tokio::time::sleep(self.interval.min(HELD_INTERVAL)).await;
        }
    }
}

/// Longest wait for the next try.
fn pause_after(error: &ScheduleError) -> Duration {
    match error {
        ScheduleError::Advoware(error) => match error.blame() {
            Blame::Credentials => REFUSED_INTERVAL,
            Blame::Record | Blame::System | Blame::Nobody => RETRY_INTERVAL,
        },
        ScheduleError::LeftAlone | ScheduleError::Hub(_) | ScheduleError::Queue(_) | ScheduleError::QueueSlow(_) => {
            RETRY_INTERVAL
        }
    }
}

fn tell(staff: Staff) {
    let Staff { joined, departed, returned } = staff;
    if staff == Staff::default() {
        tracing::debug!("the employees are those of before");
    } else {
        tracing::info!(joined, departed, returned, "the employees have changed");
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge; nobody holds 2^53 deletions")]
fn set_held(held: u64) {
    metrics::gauge!(HELD, "flow" => "calendar").set(held as f64);
}

/// Every series exists from the start, at 0 (CONTRACT).
pub(crate) fn register_metrics() {
    set_held(0);
}

#[cfg(test)]
mod tests {
    use shared::error::{ErrorKind, Operation};

    use super::*;

    #[test]
    fn j4a_refused_credentials_are_not_tried_every_minute() {
        let pause = |kind| {
            let operation = Operation::AdvowareListMitarbeiter;
            pause_after(&ScheduleError::Advoware(ApiError::unanswered(operation, kind)))
        };
        assert_eq!(pause(ErrorKind::LockedOut), REFUSED_INTERVAL);
        assert_eq!(pause(ErrorKind::NotFound), RETRY_INTERVAL);
        assert_eq!(pause_after(&ScheduleError::LeftAlone), RETRY_INTERVAL);
    }
}
