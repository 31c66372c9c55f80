//! What a process knows of the breakers.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::Standing;
use crate::error::System;

/// One value for each system.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PerSystem<T>([T; System::ALL.len()]);

impl<T> PerSystem<T> {
    pub(super) fn of(&self, system: System) -> &T {
        &self.0[system as usize]
    }

    pub(super) fn of_mut(&mut self, system: System) -> &mut T {
        &mut self.0[system as usize]
    }
}

/// The breakers as last seen.
#[derive(Default)]
pub(super) struct View {
    is_known: bool,
    systems: PerSystem<Seen>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    state: State,
    openings: u64,
    streak: u64,
    /// By our own clock, counted from the answer's arrival.
    ends: Option<Instant>,
    /// By Redis' clock, in milliseconds since 1970.
    until_ms: i64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open,
    Probing,
}

/// State, milliseconds left, until in ms since 1970, openings, streak.
pub(super) type Told = (String, u64, i64, u64, u64);

/// Whether a run may begin, as far as the view can tell.
pub(super) enum Judgement {
    /// All is well; with the openings of each system so far.
    Go(PerSystem<u64>),
    /// A system's pause lasts so much longer.
    Open(Duration),
    /// A run probes.
    Probing,
    /// A pause or a probe's time is over, or nothing is known yet: Redis decides.
    Ask,
}

impl View {
    pub(super) fn learn(&mut self, told: Vec<Told>, now: Instant) {
        self.is_known = true;
        for (system, (state, left_ms, until_ms, openings, streak)) in System::ALL.into_iter().zip(told) {
            let state = match state.as_str() {
                "open" => State::Open,
                "probing" => State::Probing,
                _ => State::Closed,
            };
            let ends = Some(now + Duration::from_millis(left_ms));
            *self.systems.of_mut(system) = Seen { state, openings, streak, ends, until_ms };
        }
    }

    pub(super) fn judge(&self, now: Instant) -> Judgement {
        if !self.is_known {
            return Judgement::Ask;
        }
        let mut openings = PerSystem::default();
        let (mut open, mut is_probing, mut is_over) = (None, false, false);
        for system in System::ALL {
            let seen = self.systems.of(system);
            *openings.of_mut(system) = seen.openings;
            let left = seen.ends.map(|ends| ends.saturating_duration_since(now)).unwrap_or_default();
            match seen.state {
                State::Closed => {}
                State::Open | State::Probing if left.is_zero() => is_over = true,
                State::Open => open = open.max(Some(left)),
                State::Probing => is_probing = true,
            }
        }
        match (open, is_probing, is_over) {
            (Some(left), _, _) => Judgement::Open(left),
            (None, true, _) => Judgement::Probing,
            (None, false, true) => Judgement::Ask,
            (None, false, false) => Judgement::Go(openings),
        }
    }

    pub(super) fn standing(&self, system: System) -> Standing {
        let seen = self.systems.of(system);
        match seen.state {
            State::Closed => Standing::Up,
            State::Open | State::Probing => {
                Standing::Down { next_try: DateTime::<Utc>::from_timestamp_millis(seen.until_ms).unwrap_or_default() }
            }
        }
    }

    /// Whether a good answer changes anything.
    pub(super) fn has_failures(&self, system: System) -> bool {
        !self.is_known || self.systems.of(system).streak > 0
    }
}
