//! What a process knows of the breakers.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::{Admitted, Standing};
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
    pause: Duration,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open,
    Probing,
}

/// State, milliseconds left, until in ms since 1970, openings, streak, pause in ms.
pub(super) type Told = (String, u64, i64, u64, u64, u64);

/// Whether a run may begin, as far as the view can tell.
pub(super) enum Judgement {
    /// All is well; no run need probe.
    Go(PerSystem<Option<Admitted>>),
    /// A system's pause lasts so much longer.
    Open {
        /// From now.
        left: Duration,
        /// The whole of it.
        pause: Duration,
    },
    /// A run probes, after a pause of this length.
    Probing(Duration),
    /// A pause or a probe's time is over, or nothing is known yet: Redis decides.
    Ask,
}

impl View {
    pub(super) fn learn(&mut self, told: Vec<Told>, now: Instant) {
        self.is_known = true;
        for (system, (state, left_ms, until_ms, openings, streak, pause_ms)) in System::ALL.into_iter().zip(told) {
            let state = match state.as_str() {
                "open" => State::Open,
                "probing" => State::Probing,
                _ => State::Closed,
            };
            let ends = Some(now + Duration::from_millis(left_ms));
            *self.systems.of_mut(system) =
                Seen { state, openings, streak, ends, until_ms, pause: Duration::from_millis(pause_ms) };
        }
    }

    /// Only `systems` are looked at.
    pub(super) fn judge(&self, systems: &[System], now: Instant) -> Judgement {
        if !self.is_known {
            return Judgement::Ask;
        }
        let mut admitted = PerSystem::default();
        let (mut open, mut probing, mut is_over) = (None, None, false);
        for &system in systems {
            let seen = self.systems.of(system);
            *admitted.of_mut(system) = Some(Admitted { openings: seen.openings, is_probe: false });
            let left = seen.ends.map(|ends| ends.saturating_duration_since(now)).unwrap_or_default();
            match seen.state {
                State::Closed => {}
                State::Open | State::Probing if left.is_zero() => is_over = true,
                State::Open => open = open.max(Some((left, seen.pause))),
                State::Probing => probing = probing.max(Some(seen.pause)),
            }
        }
        match (open, probing, is_over) {
            (Some((left, pause)), _, _) => Judgement::Open { left, pause },
            (None, Some(pause), _) => Judgement::Probing(pause),
            (None, None, true) => Judgement::Ask,
            (None, None, false) => Judgement::Go(admitted),
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
