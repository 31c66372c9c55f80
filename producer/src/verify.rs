//! The continuous check (`VERIFY_SYNC_HOURS`): all that should be in agreement is compared once in that time, a little at a time. It reads only.
//!
//! - Sync jobs go first: nothing is compared while some wait that could run, while a system is down, or while half of Google's quota is in use;
//!   and of each flow one record or calendar at a time.
//! - Whose turn it is stands in the hub, and whoever takes it has it alone for a while: of several producers one compares.
//! - What differs counts when a second look tells that no sync settles it (`domain::divergence`).

mod beteiligte;
mod calendar;

use std::convert::Infallible;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::divergence::Difference;
use shared::advoware::Advoware;
use shared::beteiligte::{LoadError, Systems};
use shared::calendar::{CalendarSystems, Identity, LookError};
use shared::clock::Clock;
use shared::error::{ApiError, Blame, System};
use shared::espocrm::Espocrm;
use shared::google::Google;
use shared::http::SetupError;
use shared::hub::{Hub, HubError};
use shared::limits::{Breakers, Limits, Standing};
use shared::queue::{Queue, QueueError, Seen};
use shared::settings::{ProducerSettings, VerifySettings};

use crate::program::hub_problem;

/// Longest wait after a look that failed; the same where a system refused our credentials: it may lock the account (J4a).
const FAILED_PAUSE: Duration = Duration::from_mins(1);
const REFUSED_PAUSE: Duration = Duration::from_mins(5);
/// Between two slices.
const LEAST_PAUSE: Duration = Duration::from_secs(5);
const MOST_PAUSE: Duration = Duration::from_mins(1);
/// How much more than its part a slice may take, so that what was put off has its turn, too.
const RESERVE: u64 = 2;
/// Whoever takes a turn has it for so long, looks included.
const CLAIM: Duration = Duration::from_mins(10);
/// What could not be compared, and what diverges, is looked at again after so long.
const SOON: Duration = Duration::from_mins(5);
const TELLING_INTERVAL: Duration = Duration::from_secs(15);
/// Of Google's burst, what is left to sync jobs.
const MOST_OF_QUOTA: f64 = 0.5;

const DIVERGENT: &str = "kanzleisync_divergent_records";
const COMPARED: &str = "kanzleisync_compared_total";

/// Compares what is in agreement.
pub(crate) struct Verify {
    hub: Hub,
    clock: Clock,
    breakers: Breakers,
    /// `VERIFY_SYNC_HOURS`
    interval: Duration,
    beteiligte: beteiligte::Records,
    calendar: Option<calendar::Calendars>,
}

/// Nothing could be compared.
#[derive(Debug, thiserror::Error)]
enum VerifyError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("{}", hub_problem(.0))]
    Hub(#[from] HubError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error("Redis does not answer ({})", .0.category())]
    Redis(#[from] redis::RedisError),
}

impl From<LoadError> for VerifyError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Espocrm(error) => Self::Api(error),
            LoadError::Hub(error) => Self::Hub(error),
        }
    }
}

impl From<LookError> for VerifyError {
    fn from(error: LookError) -> Self {
        match error {
            LookError::Api(error) => Self::Api(error),
            LookError::Hub(error) => Self::Hub(error),
        }
    }
}

/// A part of what is compared in one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slice {
    most: u32,
    pause: Duration,
}

/// What the check shares with the rest of the producer.
pub(crate) struct Around<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) breakers: Breakers,
    pub(crate) hub: Hub,
    pub(crate) espocrm: Espocrm,
    pub(crate) advoware: Advoware,
    pub(crate) beteiligte: Queue,
    pub(crate) calendar: Queue,
}

impl Verify {
    /// A check as the settings say. Its calls are within the limits that all workers share.
    pub(crate) fn new(
        settings: &ProducerSettings,
        check: &VerifySettings,
        around: Around<'_>,
    ) -> Result<Self, SetupError> {
        let Around { limits, breakers, hub, espocrm, advoware, beteiligte, calendar } = around;
        let clock = Clock::system();
        let records = beteiligte::Records {
            systems: Systems { espocrm, advoware: advoware.clone(), hub: hub.clone() },
            queue: beteiligte,
            policy: settings.sync.conflict_policy,
            // The scan has each record looked at once in this time.
            patience: delta(settings.beteiligte_look + settings.beteiligte_scan),
        };
        let calendars = match (&settings.calendar, &check.google) {
            (Some(of), Some(google)) => {
                let rate = Google::rate_settings(settings.limits.google_requests_per_minute);
                let quota = limits.rate(System::Google.name(), rate);
                let google = Google::within(quota.clone(), google, clock.clone())?;
                Some(calendar::Calendars {
                    systems: CalendarSystems { advoware, google, hub: hub.clone() },
                    identity: Identity::new(check.advoware.api_key.clone()),
                    queue: calendar,
                    quota,
                    patience: delta(2 * of.rules.interval),
                    settings: of.rules.clone(),
                })
            }
            (Some(_) | None, None) | (None, Some(_)) => None,
        };
        Ok(Self { hub, clock, breakers, interval: check.interval, beteiligte: records, calendar: calendars })
    }

    /// Goes on until it is dropped.
    pub(crate) async fn keep(self) -> Infallible {
        let calendars = async {
            match &self.calendar {
                Some(calendars) => self.keep_comparing_calendars(calendars).await,
                None => std::future::pending().await,
            }
        };
        let (never, _, _) = tokio::join!(self.keep_comparing_records(), calendars, self.keep_telling());
        never
    }

    async fn keep_telling(&self) -> Infallible {
        loop {
            match tokio::try_join!(self.hub.count_divergent_records(), self.hub.count_divergent_entries()) {
                Ok((records, entries)) => {
                    set_divergent("beteiligte", records);
                    set_divergent("calendar", if self.calendar.is_some() { entries } else { 0 });
                }
                Err(error) => tracing::debug!(%error, "how much diverges is not known"),
            }
            tokio::time::sleep(self.interval.min(TELLING_INTERVAL)).await;
        }
    }

    /// Whether nothing stands before the check.
    async fn may_look(&self, systems: &[System], queue: &Queue) -> Result<bool, VerifyError> {
        let is_up = |system: &System| matches!(self.breakers.standing(*system), Standing::Up);
        Ok(systems.iter().all(is_up) && queue.counts().await?.ready == 0)
    }

    /// When a difference is to be looked at again: when its time is over, and what diverges soon, so that its end is seen.
    fn due(&self, found: &Difference, looked_at: DateTime<Utc>, patience: TimeDelta) -> DateTime<Utc> {
        let end = found.since + patience;
        if !found.is_divergent && end > looked_at { end } else { self.soon(looked_at) }
    }

    fn soon(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + delta(SOON.min(self.interval / 10))
    }

    fn failed(&self, error: &VerifyError) -> Duration {
        tracing::warn!(%error, "the continuous check could not look, tried again later");
        pause_after(error).min(self.interval)
    }
}

/// Whether a sync is about to look at it.
async fn is_queued(queue: &Queue, entity: String) -> Result<bool, QueueError> {
    let seen = queue.look(std::slice::from_ref(&entity)).await?;
    Ok(match seen.get(&entity) {
        Some(Seen::Waiting | Seen::Running { .. }) => true,
        Some(Seen::Dead { .. }) | None => false,
    })
}

/// All of `count` have their turn once in `interval`.
fn slice(count: u64, interval: Duration) -> Slice {
    let share = interval / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    let pause = share.clamp(LEAST_PAUSE, MOST_PAUSE).min(interval / 10);
    let slices = (interval.as_millis() / pause.as_millis().max(1)).max(1);
    let most = u128::from(count * RESERVE).div_ceil(slices).max(1);
    Slice { most: u32::try_from(most).unwrap_or(u32::MAX), pause }
}

fn pause_after(error: &VerifyError) -> Duration {
    match error {
        VerifyError::Api(error) if error.blame() == Blame::Credentials => REFUSED_PAUSE,
        VerifyError::Api(_) | VerifyError::Hub(_) | VerifyError::Queue(_) | VerifyError::Redis(_) => FAILED_PAUSE,
    }
}

fn delta(duration: Duration) -> TimeDelta {
    // A century is as good as never, and can still be added to a time.
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX).min(TimeDelta::days(36_500))
}

/// Until when whoever takes a turn now has it alone.
fn claim_end(now: DateTime<Utc>) -> DateTime<Utc> {
    now + delta(CLAIM)
}

fn count_compared(flow: &'static str, result: &'static str) {
    metrics::counter!(COMPARED, "flow" => flow, "result" => result).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a gauge; nobody has 2^53 records")]
fn set_divergent(flow: &'static str, count: u64) {
    metrics::gauge!(DIVERGENT, "flow" => flow).set(count as f64);
}

/// Every series exists from the start, at 0 (CONTRACT).
pub(crate) fn register_metrics() {
    for flow in ["beteiligte", "calendar"] {
        set_divergent(flow, 0);
        for result in ["agrees", "differs", "put_off"] {
            metrics::counter!(COMPARED, "flow" => flow, "result" => result).increment(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_are_spread_over_the_day_and_few_come_one_by_one() {
        let day = Duration::from_hours(24);
        assert_eq!(slice(100_000, day), Slice { most: 12, pause: LEAST_PAUSE });
        assert_eq!(slice(40, day), Slice { most: 1, pause: MOST_PAUSE });
        assert_eq!(slice(0, day), Slice { most: 1, pause: MOST_PAUSE });
        assert_eq!(slice(5, Duration::from_secs(10)), Slice { most: 1, pause: Duration::from_secs(1) });
    }
}
