//! Random stories: users edit both sides, systems fail, workers crash; in the end both sides agree and nobody's edit is lost.
//!
//! A story is made from its seed and nothing else. One that fails is told in as few steps as still fail.

mod check;
mod play;
mod step;

use std::fmt::Display;
use std::ops::Range;
use std::process::ExitCode;

use futures::stream::{self, StreamExt};
use tokio::time::Instant;

pub use step::{Step, Story};

use crate::calendar::converge::Story as Calendars;
use crate::worlds::Worlds;
use crate::{Error, Result};

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
            Flow::Beteiligte => (converge::<Story>(seeds.clone()).await?, Story::STEPS),
            Flow::Calendar => (converge::<Calendars>(seeds.clone()).await?, Calendars::STEPS),
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

/// A story that can be made from a seed, played and cut short.
pub trait Tale: Clone + Display {
    /// Steps of one.
    const STEPS: usize;
    /// Under way at once: they mostly wait for leases and retries.
    const AT_ONCE: usize;

    fn of_seed(seed: u64) -> Self;

    /// What it consists of, to be left out in part.
    fn length(&self) -> usize;

    #[must_use]
    fn without(&self, steps: Range<usize>) -> Self;

    /// Why it did not end well.
    fn play(&self, worlds: &Worlds) -> impl Future<Output = std::result::Result<(), String>>;
}

impl Tale for Story {
    const STEPS: usize = 30;
    const AT_ONCE: usize = 12;

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

/// Plays the stories of these seeds; the first that fails is shrunk and told.
pub async fn converge<T: Tale>(seeds: impl Iterator<Item = u64>) -> Result<u64> {
    let worlds = Worlds::start().await?;
    let stories = stream::iter(seeds).map(async |seed| {
        let story = T::of_seed(seed);
        story.play(&worlds).await.map_err(|problem| (seed, story, problem))
    });
    let mut played = stories.buffer_unordered(T::AT_ONCE);
    let mut count = 0;
    while let Some(outcome) = played.next().await {
        if let Err((seed, story, problem)) = outcome {
            drop(played);
            // Before it is played again and again: whoever is cut off on the way has at least this.
            eprintln!("seed {seed}: {problem}");
            let (shrunk, problem) = shrink(&worlds, story, problem).await;
            return Err(Error::new(format!("seed {seed}: {problem}\n{shrunk}")));
        }
        count += 1;
    }
    Ok(count)
}

/// One story, as it is kept after it has failed once.
pub async fn replay<T: Tale>(story: &T) -> Result<()> {
    let worlds = Worlds::start().await?;
    story.play(&worlds).await.map_err(|problem| Error::new(format!("{problem}\n{story}")))
}

/// Leaves out steps, halves before single ones, as long as the story still fails.
async fn shrink<T: Tale>(worlds: &Worlds, mut story: T, mut problem: String) -> (T, String) {
    let mut size = story.length() / 2;
    while size > 0 {
        let mut at = 0;
        while at < story.length() {
            let shorter = story.without(at..(at + size).min(story.length()));
            match shorter.play(worlds).await {
                Err(still) => (story, problem) = (shorter, still),
                Ok(()) => at += size,
            }
        }
        size /= 2;
    }
    (story, problem)
}
