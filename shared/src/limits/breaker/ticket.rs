//! A run that was admitted, and what it learns about the systems.

use std::time::Duration;

use super::view::PerSystem;
use super::{Breakers, FAILURES, RECORDS, call, millis, until_end, until_probed};
use crate::error::System;
use crate::limits::script;

/// What a run learnt about a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It answered, be it with a refusal of the content.
    Answered,
    /// Out of reach or out of service ([`crate::error::Blame::System`]).
    Outage,
    /// It does not accept who we are ([`crate::error::Blame::Credentials`]).
    Refused,
}

/// What a report means for the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: the run ends as it would without a breaker.
    Nothing,
    /// The system is, or was, down: the job waits without a try being counted.
    Waits {
        /// Until the next run.
        delay: Duration,
        /// Records of the failures that led to the opening, one entry per failure: each gets one try back.
        give_back: Vec<String>,
    },
}

/// What was said of a system when a run began that had asked for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admitted {
    /// How often its breaker had opened.
    pub(super) openings: u64,
    /// The run probes it, and has not reported yet.
    pub(super) is_probe: bool,
}

/// The right of one run to use the systems that it asked for. A probe that ends without a report makes room for the next one.
pub struct Ticket {
    breakers: Breakers,
    record: String,
    run: String,
    /// Nothing for systems that the run did not ask for.
    admitted: PerSystem<Option<Admitted>>,
    random: f64,
}

impl Ticket {
    pub(super) fn new(
        breakers: Breakers,
        record: String,
        run: String,
        admitted: PerSystem<Option<Admitted>>,
        random: f64,
    ) -> Self {
        Self { breakers, record, run, admitted, random }
    }

    pub(super) fn run(&self) -> &str {
        &self.run
    }

    pub(super) fn admit(&mut self, system: System, admitted: Admitted) {
        *self.admitted.of_mut(system) = Some(admitted);
        if admitted.is_probe {
            tracing::info!(system = system.name(), "probing whether the system is back");
        }
    }

    /// Tells what was learnt. Costs a call to Redis only if it changes something. If Redis is away, nothing is learnt. Of a system that
    /// the run did not ask for nothing is heard: it was not judged when the run began, so the run has nothing to compare with.
    pub async fn report(&mut self, system: System, evidence: Evidence) -> Verdict {
        let Some(Admitted { openings, is_probe }) = self.spend(system) else { return Verdict::Nothing };
        let what = match evidence {
            Evidence::Answered if !is_probe && !self.breakers.view(|view| view.has_failures(system)) => {
                return Verdict::Nothing;
            }
            Evidence::Answered => "answered",
            Evidence::Outage => "failed",
            Evidence::Refused => "refused",
        };
        let answer = self.tell(system, openings, what).await;
        let delay = answer.get(1).and_then(|text| text.parse().ok()).map(Duration::from_millis).unwrap_or_default();
        let (name, title, seconds) = (system.name(), system.title(), delay.as_secs_f64());
        let waits = |give_back| {
            let first = self.breakers.0.settings.first;
            let delay = until_end(delay, delay, self.random).max(until_probed(first, self.random));
            Verdict::Waits { delay, give_back }
        };
        let verdict = match answer.first().map(String::as_str) {
            Some("opened") if evidence == Evidence::Refused => {
                tracing::error!(
                    system = name,
                    pause_seconds = seconds,
                    "{title} refuses our credentials, its jobs wait"
                );
                waits(answer.into_iter().skip(2).collect())
            }
            Some("opened") => {
                tracing::error!(system = name, pause_seconds = seconds, "{title} is down, its jobs wait");
                waits(answer.into_iter().skip(2).collect())
            }
            Some("reopened") => {
                tracing::warn!(system = name, pause_seconds = seconds, "{title} is still down, its jobs go on waiting");
                waits(Vec::new())
            }
            Some("closed") => {
                tracing::info!(system = name, "{title} is back");
                Verdict::Nothing
            }
            Some("waits") => return waits(Vec::new()),
            _ => return Verdict::Nothing,
        };
        // What this process has just changed it need not be told.
        self.breakers.look().await;
        verdict
    }

    /// What the run was admitted with, once: one report is all that a probe has to tell.
    fn spend(&mut self, system: System) -> Option<Admitted> {
        let admitted = self.admitted.of_mut(system).as_mut()?;
        Some(Admitted { is_probe: std::mem::take(&mut admitted.is_probe), ..*admitted })
    }

    async fn tell(&self, system: System, openings: u64, what: &str) -> Vec<String> {
        let settings = &self.breakers.0.settings;
        let call = call(&script::BREAKER_REPORT)
            .arg(system.name())
            .arg(what)
            .arg(&self.record)
            .arg(openings)
            .arg(&self.run)
            .arg(FAILURES)
            .arg(RECORDS)
            .arg(millis(settings.first))
            .arg(millis(settings.longest))
            .arg(millis(settings.credentials));
        call.once(&self.breakers.0.link).await.unwrap_or_else(|error| {
            tracing::warn!(system = system.name(), what, category = error.category(), "the breaker did not hear of it");
            Vec::new()
        })
    }

    fn give_up_probes(&mut self) -> Vec<(System, u64)> {
        let probe = |system| {
            let admitted = self.spend(system).filter(|admitted| admitted.is_probe)?;
            Some((system, admitted.openings))
        };
        System::ALL.into_iter().filter_map(probe).collect()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let unused = self.give_up_probes();
        // At the end of the program nobody is there to send it: the probe is then given up when its time is over.
        if let (false, Ok(runtime)) = (unused.is_empty(), tokio::runtime::Handle::try_current()) {
            let ticket = Self {
                breakers: self.breakers.clone(),
                record: String::new(),
                run: std::mem::take(&mut self.run),
                admitted: PerSystem::default(),
                random: self.random,
            };
            runtime.spawn(async move {
                for (system, openings) in unused {
                    ticket.tell(system, openings, "unused").await;
                }
            });
        }
    }
}
