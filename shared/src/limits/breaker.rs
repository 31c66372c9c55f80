//! A circuit breaker per outside system, shared by all workers (J4a).
//!
//! What opens and closes it is decided by `breaker_report.lua`, and who may probe by `breaker_begin.lua`. Here is what a process knows
//! of it: a view, kept fresh by pub/sub and a look every second, so that a run costs no call to Redis while all is well.

mod ticket;
mod view;

use std::convert::Infallible;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use metrics::{describe_gauge, gauge};
use redis::{RedisError, Script};
use tokio::time::Instant;
use uuid::Uuid;

use super::{PREFIX, script};
use crate::error::System;
use crate::link::Link;
use crate::link::script::Call;
use ticket::Admitted;
pub use ticket::{Evidence, Ticket, Verdict};
use view::{Judgement, PerSystem, View};

/// Failures in a row, over so many records, that open a breaker.
pub(super) const FAILURES: u32 = 5;
pub(super) const RECORDS: u32 = 3;
/// How long a probe may take before another run may probe: longer than the time limits of a few calls.
pub(super) const PROBE_ALIVE: Duration = Duration::from_mins(1);
/// Looks without being told: for changes that were published while we were not listening.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Of the outside systems set here, of Redis and PostgreSQL where the metrics are asked for.
pub(crate) const UP: &str = "kanzleisync_system_up";

/// How long a system is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// After the failures that open it; doubles with every probe that fails.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
    /// After credentials were refused.
    pub credentials: Duration,
}

impl BreakerSettings {
    /// The rule of `SYSTEM_BREAKER_SECONDS`: the longest pause, and the one after refused credentials, are ten times the first.
    pub fn beginning_with(first: Duration) -> Self {
        Self { first, longest: 10 * first, credentials: 10 * first }
    }
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self::beginning_with(Duration::from_secs(30))
    }
}

/// How a system stands, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its breaker is closed.
    Up,
    /// Its breaker is open. The first job after `next_try` probes.
    Down {
        /// By Redis' clock.
        next_try: DateTime<Utc>,
    },
}

/// May a run begin?
pub enum Admission {
    /// It may, and reports what it learns.
    Go(Ticket),
    /// A system that it asked for is down or being probed: no call is made, and the job waits so long without a try being counted.
    Wait(Duration),
}

/// The breakers of all systems. Clones are the same.
#[derive(Clone)]
pub struct Breakers(Arc<Shared>);

struct Shared {
    link: Link,
    settings: BreakerSettings,
    view: Mutex<View>,
}

impl Breakers {
    pub(super) fn new(link: Link, settings: BreakerSettings) -> Self {
        describe_gauge!(
            UP,
            "1: the system is used; 0: its breaker is open, its jobs wait; redis, postgres: whether it answers"
        );
        for system in System::ALL {
            gauge!(UP, "system" => system.name()).set(1.0);
        }
        Self(Arc::new(Shared { link, settings, view: Mutex::default() }))
    }

    /// How `system` stands, as far as this process knows.
    pub fn standing(&self, system: System) -> Standing {
        self.view(|view| view.standing(system))
    }

    /// Asks whether a run on `record` may begin that calls no other systems than `systems`: how others stand does not hold it up, and it
    /// probes none of them. `random` in 0 to 1 spreads the waits.
    pub async fn admit(&self, record: &str, systems: &[System], random: f64) -> Admission {
        match self.view(|view| view.judge(systems, Instant::now())) {
            Judgement::Go(admitted) => Admission::Go(self.ticket(record, admitted, random)),
            Judgement::Open { left, pause } => Admission::Wait(until_end(left, pause, random)),
            Judgement::Probing(pause) => Admission::Wait(until_probed(pause, random)),
            Judgement::Ask => self.begin(record, systems, random).await,
        }
    }

    /// Keeps the view fresh until it is dropped.
    pub async fn keep_fresh(&self) -> Infallible {
        loop {
            let listening = async {
                let mut channel = self.0.link.listen().await?;
                channel.subscribe(format!("{PREFIX}:breaker:changed")).await?;
                Ok::<_, RedisError>(channel)
            };
            if let Ok(mut channel) = listening.await {
                let mut messages = channel.on_message();
                loop {
                    self.look().await;
                    match tokio::time::timeout(LOOK_INTERVAL, messages.next()).await {
                        Ok(Some(_)) | Err(_) => {}
                        Ok(None) => break,
                    }
                }
            }
            tokio::time::sleep(LOOK_INTERVAL / 4).await;
        }
    }

    /// Learns how all breakers stand. Without an answer the view stays as it is.
    async fn look(&self) {
        let call = System::ALL.iter().fold(call(&script::BREAKER_LOOK), |call, system| call.arg(system.name()));
        match call.once(&self.0.link).await {
            Ok(answer) => self.view(|view| view.learn(answer, Instant::now())),
            Err(error) => tracing::debug!(category = error.category(), "breakers could not be looked at"),
        }
        for system in System::ALL {
            let is_up = self.standing(system) == Standing::Up;
            gauge!(UP, "system" => system.name()).set(if is_up { 1.0 } else { 0.0 });
        }
    }

    async fn begin(&self, record: &str, systems: &[System], random: f64) -> Admission {
        let mut ticket = self.ticket(record, PerSystem::default(), random);
        let call = call(&script::BREAKER_BEGIN).arg(ticket.run()).arg(millis(PROBE_ALIVE));
        let call = systems.iter().fold(call, |call, system| call.arg(system.name()));
        let answer: Vec<String> = match call.once(&self.0.link).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(category = error.category(), "breakers could not be asked, the job waits");
                return Admission::Wait(until_probed(self.0.settings.first, random));
            }
        };
        let number = |at: usize| answer.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
        match answer.first().map(String::as_str) {
            Some("open") => Admission::Wait(until_end(Duration::from_millis(number(1)), self.0.settings.first, random)),
            Some("go") => {
                for (at, system) in systems.iter().enumerate() {
                    let (openings, is_probe) = (number(1 + 2 * at), number(2 + 2 * at) == 1);
                    ticket.admit(*system, Admitted { openings, is_probe });
                }
                Admission::Go(ticket)
            }
            _ => Admission::Wait(until_probed(self.0.settings.first, random)),
        }
    }

    fn ticket(&self, record: &str, admitted: PerSystem<Option<Admitted>>, random: f64) -> Ticket {
        Ticket::new(self.clone(), record.to_owned(), Uuid::now_v7().simple().to_string(), admitted, random)
    }

    fn view<T>(&self, use_it: impl FnOnce(&mut View) -> T) -> T {
        use_it(&mut self.0.view.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Until a pause is over, and a little longer, so that not all jobs come back at once.
fn until_end(left: Duration, pause: Duration, random: f64) -> Duration {
    left + pause.mul_f64(0.1 * random.clamp(0.0, 1.0))
}

/// Until a probe may be done: 0.75 to 2.25 s after a pause of 30 s. After longer ones more jobs wait, and they look less often.
fn until_probed(pause: Duration, random: f64) -> Duration {
    pause.mul_f64(0.05 * (0.5 + random.clamp(0.0, 1.0)))
}

/// A call at Redis' own time.
fn call(script: &'static LazyLock<Script>) -> Call {
    Call::new(script, PREFIX).arg("")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
