//! `make soak`: steady load on the queue with random faults. Nothing may be lost, and memory must stay level.
//!
//! Handlers write to the ledger. Each minute ends with a line: what was done, what ran again, how much memory Redis and the oldest
//! worker hold. Their *level* in a minute is the least of the samples of its seconds, so that a backlog after a fault does not
//! count. The level of the first minute is compared with that of the last.

mod faults;
mod levels;

use std::process::ExitCode;
use std::time::Duration;

use shared::queue::JobState;
use tokio::time::{Instant, interval, sleep};

use crate::ledger::{Audit, Behaviour, Stage, WorkerSettings, entities};
use crate::{Error, ProcessId, Result};
use faults::Faults;
use levels::{Levels, redis_bytes};

const DEFAULT_MINUTES: u32 = 10;
/// The first minute is what the last is compared with.
const FEWEST_MINUTES: u32 = 2;
/// Triggers per second: what two cores carry beside the servers, with room to catch up after an outage.
const PER_SECOND: usize = 2000;
const SLICE: Duration = Duration::from_millis(50);
/// Who is triggered, again and again; the first word is how its runs go.
const POPULATION: [(&str, usize); 6] =
    [("ok", 19_000), ("again", 200), ("fail-1", 400), ("snooze-1", 200), ("panic-1", 40), ("giveup", 160)];
const MINUTE: Duration = Duration::from_mins(1);
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// What was asked for on the command line.
struct Options {
    minutes: u32,
    seed: u64,
}

/// Runs it; 0 only if nothing was lost and memory stayed level.
pub async fn main(args: Vec<String>) -> ExitCode {
    let options = match options(&args) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("kanzleisync-soak: {error}\nusage: kanzleisync-soak [--minutes N] [--seed N]");
            return ExitCode::from(2);
        }
    };
    println!("soak: {} minutes, {PER_SECOND} triggers a second, seed {}", options.minutes, options.seed);
    let ended = tokio::select! {
        ended = soak(&options) => ended,
        stopped = crate::interrupted() => stopped.and(Err(Error::new("stopped before its end"))),
    };
    match ended {
        Ok(()) => {
            println!("soak: nothing lost, memory level");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(args: &[String]) -> Result<Options> {
    let mut options = Options { minutes: DEFAULT_MINUTES, seed: fastrand::u64(..1_000_000) };
    for pair in args.chunks(2) {
        let [name, value] = pair else { return Err(Error::new(format!("{pair:?} lacks its value"))) };
        let value: u32 = value.parse().map_err(|_| Error::new(format!("{value:?} is no number")))?;
        match name.as_str() {
            "--minutes" if value >= FEWEST_MINUTES => options.minutes = value,
            "--minutes" => return Err(Error::new(format!("at least {FEWEST_MINUTES} minutes"))),
            "--seed" => options.seed = value.into(),
            _ => return Err(Error::new(format!("{name:?} is not known"))),
        }
    }
    Ok(options)
}

async fn soak(options: &Options) -> Result<()> {
    let settings = WorkerSettings { lease: Duration::from_secs(3), ..WorkerSettings::default() };
    let stage = Stage::start(settings).await?;
    let mut dice = fastrand::Rng::with_seed(options.seed);
    let load_dice = dice.fork();
    // Never killed, so that its memory can be followed.
    let oldest = stage.worker().await?;
    let faults = Faults::new(&stage, &oldest, dice).await?;
    let mut audit = Audit::default();
    let begin = Instant::now();
    let end = begin + MINUTE * options.minutes;
    let ((), faults, levels) = tokio::try_join!(
        load(&stage, load_dice, end),
        faults.until(end),
        watch(&stage, oldest.pid(), &mut audit, begin, options.minutes)
    )?;
    println!("soak: load ends; faults were {faults}");
    stage.until_quiet().await?;
    stage.read(&mut audit).await?;
    bury(&stage).await?;
    assess(&stage, &audit).await?;
    levels.assess()
}

/// Triggers at a steady rate. A trigger that an outage outlasted is left to the scan.
async fn load(stage: &Stage, mut dice: fastrand::Rng, end: Instant) -> Result<()> {
    let population: Vec<String> =
        POPULATION.iter().flat_map(|(behaviour, count)| entities(behaviour, *count)).collect();
    let slices_per_second = 1000 / SLICE.as_millis();
    let per_slice = PER_SECOND / usize::try_from(slices_per_second).unwrap_or(1);
    let mut pace = interval(SLICE);
    // What an outage has held up is not made up for.
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while Instant::now() < end {
        pace.tick().await;
        let slice = dice.choose_multiple(population.iter(), per_slice).into_iter().cloned().collect::<Vec<_>>();
        if let Err(error) = stage.trigger(&slice).await {
            println!("soak: triggers refused ({error}), the scan will find them");
            stage.scan().await?;
        }
    }
    Ok(())
}

/// Samples each second, tells each minute, and stops at once when two runs overlapped.
async fn watch(stage: &Stage, oldest: ProcessId, audit: &mut Audit, begin: Instant, minutes: u32) -> Result<Levels> {
    let mut levels = Levels::default();
    for minute in 1..=minutes {
        while Instant::now() < begin + MINUTE * minute {
            sleep(SAMPLE_INTERVAL).await;
            stage.read(audit).await?;
            if !audit.overlaps.is_empty() {
                return Err(Error::new(format!("runs overlapped: {:?}", audit.overlaps)));
            }
            let worker_kib = oldest.resident_kib().ok_or_else(|| Error::new("the oldest worker has ended"))?;
            levels.sample(redis_bytes(&stage.redis).await, worker_kib * 1024);
        }
        let (done, repeated, too_late) = (audit.fresh, audit.repeats.len(), audit.too_late);
        println!("{}; so far {done} done, {too_late} too late; {repeated} repeated in it", levels.close_minute());
        audit.forget_times();
        bury(stage).await?;
    }
    Ok(levels)
}

/// Removes the dead, as the product's retention does; somebody who should not have died stops the soak.
async fn bury(stage: &Stage) -> Result<()> {
    let failed = |error: shared::queue::QueueError| Error::new(error.to_string());
    loop {
        // Redis may be in the middle of an outage; then there is another minute.
        let Ok(dead) = stage.queue.list(JobState::Dead, 0, 1000).await else { return Ok(()) };
        if let Some(innocent) = dead.iter().find(|job| !Behaviour::of(&job.entity).ends_dead()) {
            return Err(Error::new(format!("{} is dead: {}", innocent.entity, innocent.reason)));
        }
        if dead.is_empty() {
            return Ok(());
        }
        let jobs: Vec<_> = dead.into_iter().map(|job| job.job).collect();
        stage.queue.delete_dead(&jobs).await.map_err(failed)?;
    }
}

async fn assess(stage: &Stage, audit: &Audit) -> Result<()> {
    let missing = stage.ledger.missing().await?;
    let lost: Vec<&String> = missing.iter().filter(|entity| !Behaviour::of(entity).ends_dead()).collect();
    println!("soak: {} runs, {} done, {} lost", audit.runs, audit.fresh, lost.len());
    if !lost.is_empty() {
        return Err(Error::new(format!("lost: {lost:?}")));
    }
    if !audit.overlaps.is_empty() {
        return Err(Error::new(format!("runs overlapped: {:?}", audit.overlaps)));
    }
    let kept = stage.kept().await?;
    if kept.is_empty() { Ok(()) } else { Err(Error::new(format!("jobs have left {kept:?}"))) }
}
