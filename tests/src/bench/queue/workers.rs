//! Worker processes, told when to begin.

use std::time::Duration;

use serde_json::Value;

use super::server::Server;
use super::worker::{BEGIN_KEY, READY};
use crate::bench::firm::told;
use crate::world::PATIENCE;
use crate::{Program, Result, RunningProgram};

/// Longest round; a million jobs take half a minute.
pub(super) const ROUND_WITHIN: Duration = Duration::from_mins(5);

/// Worker processes with the same concurrency.
pub(super) struct Workers {
    programs: Vec<RunningProgram>,
    rounds: usize,
}

/// What the processes did together in one round.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Round {
    pub(super) runs: u64,
    /// From the order to begin to the end of the last run.
    pub(super) took: Duration,
    /// The most memory that one of them ever held, in KiB.
    pub(super) peak_resident_kib: u64,
}

impl Workers {
    /// `jobs`: after so many runs in one process its round is over.
    pub(super) async fn start(server: &Server, processes: usize, concurrency: usize, jobs: usize) -> Result<Self> {
        let program = Program::built("kanzleisync-bench-queue-worker")?
            .args([concurrency, jobs])
            .env("REDIS_URL", server.url())
            .env("RUST_LOG", "warn");
        let programs: Vec<RunningProgram> = (0..processes).map(|_| program.start()).collect::<Result<_>>()?;
        for program in &programs {
            program.wait_for_line(READY, PATIENCE).await?;
        }
        Ok(Self { programs, rounds: 0 })
    }

    pub(super) fn processes(&self) -> usize {
        self.programs.len()
    }

    pub(super) async fn begin(&mut self, server: &Server) -> Result<()> {
        self.rounds += 1;
        let orders = vec!["begin"; self.programs.len()];
        Ok(redis::cmd("RPUSH").arg(BEGIN_KEY).arg(orders).query_async(&mut server.connection()).await?)
    }

    /// Waits for the end of the round. Processes that share the jobs must have been told to end.
    pub(super) async fn ended(&self) -> Result<Round> {
        let mut all = Round::default();
        for program in &self.programs {
            let line = program.wait_for_line(&format!("\"round\":{},", self.rounds), ROUND_WITHIN).await?;
            let told_us: Value = serde_json::from_str(&line).map_err(told)?;
            let seconds = told_us["seconds"].as_f64().unwrap_or_default();
            let peak = told_us["peak_resident_kib"].as_u64().unwrap_or_default();
            all.peak_resident_kib = all.peak_resident_kib.max(peak);
            all.runs += told_us["runs"].as_u64().unwrap_or_default();
            all.took = all.took.max(Duration::try_from_secs_f64(seconds).map_err(told)?);
        }
        Ok(all)
    }

    pub(super) fn terminate(&self) -> Result<()> {
        self.programs.iter().try_for_each(RunningProgram::terminate)
    }

    /// Returns when they are gone, with their connections.
    pub(super) async fn end(self) -> Result<()> {
        for program in &self.programs {
            if program.is_running() {
                program.terminate()?;
            }
            program.exited(PATIENCE).await?;
        }
        Ok(())
    }
}
