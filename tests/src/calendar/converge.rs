//! Random stories of calendars: users edit both sides, systems fail, workers crash, policies change; in the end both sides agree and
//! nobody's edit is lost.
//!
//! A story is made from its seed and nothing else. One that fails is told in as few steps as still fail.

mod play;
mod step;

use futures::stream::{self, StreamExt};

pub use step::{Edit, Kind, Step, Story};

use crate::worlds::Worlds;
use crate::{Error, Result};

/// Stories under way at once: they mostly wait for leases and retries.
const AT_ONCE: usize = 10;
/// Steps of a story.
pub const STEPS: usize = 30;

/// Plays the stories of these seeds; the first that fails is shrunk and told.
pub async fn converge(seeds: impl Iterator<Item = u64>) -> Result<u64> {
    let worlds = Worlds::start().await?;
    let stories = stream::iter(seeds).map(async |seed| {
        let story = Story::of_seed(seed, STEPS);
        play::play(&worlds, &story).await.map_err(|problem| (seed, story, problem))
    });
    let mut played = stories.buffer_unordered(AT_ONCE);
    let mut count = 0;
    while let Some(outcome) = played.next().await {
        if let Err((seed, story, problem)) = outcome {
            drop(played);
            let (shrunk, problem) = shrink(&worlds, story, problem).await;
            return Err(Error::new(format!("seed {seed} of calendars: {problem}\n{shrunk}")));
        }
        count += 1;
    }
    Ok(count)
}

/// One story, as it is kept after it has failed once.
pub async fn replay(story: &Story) -> Result<()> {
    let worlds = Worlds::start().await?;
    play::play(&worlds, story).await.map_err(|problem| Error::new(format!("{problem}\n{story}")))
}

/// Leaves out steps, halves before single ones, as long as the story still fails.
async fn shrink(worlds: &Worlds, mut story: Story, mut problem: String) -> (Story, String) {
    let mut size = story.steps.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < story.steps.len() {
            let mut shorter = story.clone();
            shorter.steps.drain(at..(at + size).min(story.steps.len()));
            match play::play(worlds, &shorter).await {
                Err(still) => (story, problem) = (shorter, still),
                Ok(()) => at += size,
            }
        }
        size /= 2;
    }
    (story, problem)
}
