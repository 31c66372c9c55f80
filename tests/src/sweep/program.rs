//! `kanzleisync-sweep`: the long exhaustive checks, one after the other. `--only planner`, `kill`, `race`,
//! `calendar-kill` or `calendar-race` runs one of them.

use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use super::{Depth, Sweep, walk};
use crate::calendar::{self, story::Played};
use crate::kills::{self, Kind};
use crate::mixed::Story;
use crate::races;
use crate::worlds::Worlds;
use crate::{Error, Result};

const MAX_ROWS: usize = 3;
/// Worlds at once: most wait for a lease to end.
const AT_ONCE: usize = 8;
const USAGE: &str = "kanzleisync-sweep [--only planner|kill|race|calendar-kill|calendar-race]";

/// Runs what `arguments` name; fails if anything did.
pub async fn main(arguments: Vec<String>) -> ExitCode {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        [] => all().await,
        ["--only", "planner"] => planner(),
        ["--only", "kill"] => kill().await,
        ["--only", "race"] => race().await,
        ["--only", "calendar-kill"] => calendar_kill().await,
        ["--only", "calendar-race"] => calendar_race().await,
        _ => Err(Error::new(USAGE)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn all() -> Result<()> {
    planner()?;
    kill().await?;
    race().await?;
    calendar_kill().await?;
    calendar_race().await
}

/// Every state of one Beteiligter with up to three rows and three values, stopped everywhere.
fn planner() -> Result<()> {
    let parts = thread::available_parallelism().map_or(1, usize::from);
    for sweep in [Sweep::Mail, Sweep::Phone] {
        let watch = Watch::start();
        let walks: Vec<_> = (0..parts)
            .map(|part| thread::spawn(move || walk(sweep, Depth::EveryStop, MAX_ROWS, part, parts)))
            .collect();
        // A walk panics at the first state that fails, having printed it.
        let checked: Option<usize> = walks.into_iter().map(|walk| walk.join().ok()).sum();
        let checked = checked.ok_or_else(|| Error::new(format!("{sweep:?}: a state fails")))?;
        println!("{sweep:?}: {checked} states, each converges, at every stop, in {watch}");
    }
    Ok(())
}

/// Worker processes, killed before and after every call and statement of the mixed scenario.
async fn kill() -> Result<()> {
    let worlds = Worlds::start().await?;
    let mut failures = Vec::new();
    for story in Story::ALL {
        let watch = Watch::start();
        let swept = kills::sweep(&worlds, Kind::Process, [story].as_slice(), 1, AT_ONCE).await?;
        println!("kill -9, {story:?}: {swept}, in {watch}");
        failures.extend(swept.failures.into_iter().map(|failure| format!("{story:?}: {failure}")));
    }
    none(&failures)
}

/// Users who edit after every call of the mixed scenario.
async fn race() -> Result<()> {
    let worlds = Worlds::start().await?;
    let mut failures = Vec::new();
    for story in Story::ALL {
        let watch = Watch::start();
        let swept = races::sweep(&worlds, story, 1, AT_ONCE).await?;
        println!("edits meanwhile, {story:?}: {swept}, in {watch}");
        failures.extend(swept.failures.into_iter().map(|failure| format!("{story:?}: {failure}")));
    }
    none(&failures)
}

/// The same kills in the calendar's stories, under every policy.
async fn calendar_kill() -> Result<()> {
    let worlds = Worlds::start().await?;
    let mut failures = Vec::new();
    for played in Played::all() {
        let watch = Watch::start();
        let swept = kills::sweep(&worlds, Kind::Process, &played, 1, AT_ONCE).await?;
        println!("kill -9, {played:?}: {swept}, in {watch}");
        failures.extend(swept.failures.into_iter().map(|failure| format!("{played:?}: {failure}")));
    }
    none(&failures)
}

/// Users who edit calendars after every call of a run.
async fn calendar_race() -> Result<()> {
    let (worlds, watch) = (Worlds::start().await?, Watch::start());
    let swept = calendar::races::sweep(&worlds, 1, AT_ONCE).await?;
    println!("edits of calendars meanwhile: {swept}, in {watch}");
    none(&swept.failures)
}

fn none(failures: &[String]) -> Result<()> {
    if failures.is_empty() { Ok(()) } else { Err(Error::new(failures.join("\n"))) }
}

/// Wall time of a part, for whoever reads what is printed.
struct Watch(Instant);

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "wall time of a whole program run, for its reader")]
    fn start() -> Self {
        Self(Instant::now())
    }
}

impl std::fmt::Display for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0} s", self.0.elapsed().as_secs_f64())
    }
}
