//! Random stories of calendars: users edit both sides, systems fail, workers crash, policies change; in the end both sides agree and
//! nobody's edit is lost.
//!
//! A story is made from its seed and nothing else. One that fails is told in as few steps as still fail.

mod play;
mod step;

use std::ops::Range;

pub use step::{Edit, Kind, Step, Story};

use crate::converge::Tale;
use crate::worlds::Worlds;

impl Tale for Story {
    const STEPS: usize = 30;
    const AT_ONCE: usize = 10;

    fn of_seed(seed: u64) -> Self {
        Self::of_seed(seed, Self::STEPS)
    }

    fn length(&self) -> usize {
        self.steps.len()
    }

    fn without(&self, steps: Range<usize>) -> Self {
        let mut shorter = self.clone();
        shorter.steps.drain(steps);
        shorter
    }

    async fn play(&self, worlds: &Worlds) -> std::result::Result<(), String> {
        play::play(worlds, self).await
    }
}
