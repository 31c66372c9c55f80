//! Random stories: users edit both sides, systems fail, workers crash; in the end both sides agree and nobody's edit is lost.
//!
//! A story is made from its seed and nothing else. One that fails is told in as few steps as still fail.

mod check;
mod play;
mod step;

use std::ops::Range;
use std::process::ExitCode;

use futures::stream::{self, StreamExt};
use tokio::time::Instant;

pub use step::{Step, Story};

use crate::worlds::Worlds;
use crate::{Error, Result, calendar};

/// Stories under way at once: they mostly wait for leases and retries.
const AT_ONCE: usize = 12;
/// Steps of a story.
const STEPS: usize = 30;

/// What stories are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Beteiligte,
    Calendar,
}

/// Plays what is asked for on the command line; 0 if every story ends well.
pub async fn main(args: Vec<String>) -> ExitCode {
    let Some((flows, seeds)) = asked(&args) else {
        eprintln!("usage: kanzleisync-converge [--only beteiligte|calendar] [--seeds N | --seed N]");
        return ExitCode::from(2);
    };
    let ended = tokio::select! {
        ended = all(flows, seeds) => ended,
        stopped = crate::interrupted() => stopped.and(Err(Error::new("stopped before its end"))),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("converge: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn all(flows: Vec<Flow>, seeds: Range<u64>) -> Result<()> {
    for flow in flows {
        let begun = Instant::now();
        let (count, steps) = match flow {
            Flow::Beteiligte => (converge(seeds.clone()).await?, STEPS),
            Flow::Calendar => (calendar::converge::converge(seeds.clone()).await?, calendar::converge::STEPS),
        };
        let seconds = begun.elapsed().as_secs_f64();
        println!("converge, {flow:?}: {count} stories of {steps} steps ended well, {seconds:.0} s");
    }
    Ok(())
}

fn asked(args: &[String]) -> Option<(Vec<Flow>, Range<u64>)> {
    let (flows, args) = match args {
        [only, flow, rest @ ..] if only == "--only" => match flow.as_str() {
            "beteiligte" => (vec![Flow::Beteiligte], rest),
            "calendar" => (vec![Flow::Calendar], rest),
            _ => return None,
        },
        _ => (vec![Flow::Beteiligte, Flow::Calendar], args),
    };
    let seeds = match args {
        [] => 0..1000,
        [name, number] if name == "--seeds" => 0..number.parse().ok()?,
        [name, number] if name == "--seed" => number.parse().ok().map(|seed| seed..seed + 1)?,
        _ => return None,
    };
    Some((flows, seeds))
}

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
            return Err(Error::new(format!("seed {seed}: {problem}\n{shrunk}")));
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
