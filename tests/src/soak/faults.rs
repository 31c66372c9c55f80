//! Faults, one after the other, drawn by a seeded generator.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::ledger::{PATIENCE, Stage};
use crate::{Error, Result, RunningProgram};

/// Workers that may be killed, beside the oldest one.
const YOUNGER: usize = 2;
/// Between two faults, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 4_000..12_000;
/// No fault comes in the last seconds: what it began would be cut off.
const QUIET_END: Duration = Duration::from_secs(5);
/// Fault number this is the long outage.
const LONG_OUTAGE_AT: usize = 12;
const LONG_OUTAGE: Duration = Duration::from_mins(1);

const FAULTS: [Fault; 8] = [
    Fault::KillWorker,
    Fault::TerminateWorker,
    Fault::FreezeWorker,
    Fault::FreezeOldest,
    Fault::RestartRedis,
    Fault::KillRedis,
    Fault::StallRedis,
    Fault::CutConnections,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    KillWorker,
    TerminateWorker,
    FreezeWorker,
    FreezeOldest,
    RestartRedis,
    KillRedis,
    StallRedis,
    CutConnections,
    LongOutage,
}

/// How often each fault came.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<Fault, u32>);

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each: Vec<String> = self.0.iter().map(|(fault, count)| format!("{fault:?} {count}")).collect();
        f.write_str(&each.join(", "))
    }
}

/// Who makes the faults, and the workers that they may end.
pub(super) struct Faults<'a> {
    stage: &'a Stage,
    oldest: &'a RunningProgram,
    younger: Vec<RunningProgram>,
    dice: fastrand::Rng,
    tally: Tally,
}

impl<'a> Faults<'a> {
    pub(super) async fn new(stage: &'a Stage, oldest: &'a RunningProgram, dice: fastrand::Rng) -> Result<Self> {
        let younger = stage.workers(YOUNGER).await?;
        Ok(Self { stage, oldest, younger, dice, tally: Tally::default() })
    }

    pub(super) async fn until(mut self, end: Instant) -> Result<Tally> {
        for number in 1.. {
            sleep(Duration::from_millis(self.dice.u64(PAUSE_MS))).await;
            let fault =
                if number == LONG_OUTAGE_AT { Fault::LongOutage } else { FAULTS[self.dice.usize(..FAULTS.len())] };
            let longest = if fault == Fault::LongOutage { LONG_OUTAGE } else { Duration::ZERO };
            if Instant::now() + longest + QUIET_END > end {
                break;
            }
            self.make(fault).await.map_err(|error| error.while_doing(&format!("{fault:?}")))?;
            *self.tally.0.entry(fault).or_default() += 1;
            if let Some(ended) = self.younger.iter().find(|worker| !worker.is_running()) {
                return Err(Error::new(format!("a worker ended at {fault:?}: {}", ended.output())));
            }
        }
        self.stop().await?;
        Ok(self.tally)
    }

    async fn make(&mut self, fault: Fault) -> Result<()> {
        let (stage, redis) = (self.stage, &self.stage.redis);
        let one = self.dice.usize(..YOUNGER);
        let seconds = Duration::from_millis(self.dice.u64(500..5_000));
        match fault {
            Fault::KillWorker => {
                self.younger[one].kill()?;
                self.younger[one] = stage.worker().await?;
            }
            Fault::TerminateWorker => {
                ended_well(&self.younger[one]).await?;
                self.younger[one] = stage.worker().await?;
            }
            Fault::FreezeWorker => freeze(&self.younger[one], seconds).await?,
            Fault::FreezeOldest => freeze(self.oldest, seconds).await?,
            Fault::RestartRedis => redis.restart().await?,
            Fault::KillRedis => {
                redis.kill().await?;
                redis.start_again().await?;
                // The log's last moment may be gone; this is what the scan is for.
                stage.scan().await?;
            }
            Fault::StallRedis => {
                redis.pause()?;
                sleep(seconds).await;
                redis.resume()?;
            }
            Fault::CutConnections => {
                let mut admin = redis.connection().await?;
                for kind in ["normal", "pubsub"] {
                    let mut kill = redis::cmd("CLIENT");
                    kill.arg("KILL").arg("TYPE").arg(kind).arg("SKIPME").arg("yes");
                    kill.query_async::<u64>(&mut admin).await?;
                }
            }
            Fault::LongOutage => {
                redis.stop().await?;
                sleep(LONG_OUTAGE).await;
                redis.start_again().await?;
            }
        }
        Ok(())
    }

    /// The oldest worker finishes what is left.
    async fn stop(&self) -> Result<()> {
        for worker in &self.younger {
            ended_well(worker).await?;
        }
        Ok(())
    }
}

async fn freeze(worker: &RunningProgram, length: Duration) -> Result<()> {
    worker.pause()?;
    sleep(length).await;
    worker.resume()
}

async fn ended_well(worker: &RunningProgram) -> Result<()> {
    worker.terminate()?;
    let status = worker.exited(PATIENCE).await?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::new(format!("a terminated worker: {status}: {}", worker.stderr())))
    }
}
