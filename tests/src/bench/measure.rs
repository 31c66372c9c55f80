//! One case, measured.

use std::time::Duration;

use serde_json::Value;
use simulator::{Edit, FirmBeteiligter};
use tokio::time::Instant;

use super::case::{Case, Work};
use super::firm::Firm;
use super::machine::processor_time;
use crate::{Error, Result, RunningProgram};

/// What one worker process achieved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    pub(super) syncs_per_second: f64,
    /// Mean time from claiming a job to its written outcome, by the worker's own histogram.
    pub(super) run: Duration,
    /// The most memory the worker ever held, start-up included, in KiB.
    pub(super) peak_resident_kib: u64,
    /// Processor time of the worker for one sync.
    pub(super) worker_time: Duration,
    /// Processor time of the simulator for one sync.
    pub(super) simulator_time: Duration,
}

pub(super) async fn run(firm: &Firm, case: Case) -> Result<Measured> {
    let worker = firm.worker(case.concurrency).await?;
    // Connections, token and allocator are warm when it counts, as in a worker that runs for weeks.
    firm.enqueue(2 * case.concurrency).await?;
    firm.drained().await?;
    firm.set_latency(case.latency_milliseconds).await?;
    let jobs = match case.work {
        Work::Unchanged => firm.beteiligte[..case.jobs].to_vec(),
        Work::OneChange => change_mails(firm, case.jobs).await?,
    };
    firm.forget_calls().await?;

    let runs_before = RunTime::of(firm, &worker).await?;
    let (worker_before, simulator_before) = (processor_time(worker.pid()), processor_time(firm.simulator.pid()));
    let started = Instant::now();
    firm.enqueue_these(&jobs).await?;
    firm.drained().await?;
    let took = started.elapsed();
    let worker_time = processor_time(worker.pid()).saturating_sub(worker_before);
    let simulator_time = processor_time(firm.simulator.pid()).saturating_sub(simulator_before);
    let peak_resident_kib = worker.pid().peak_resident_kib().ok_or_else(|| Error::new("the worker has ended"))?;

    let run = RunTime::of(firm, &worker).await?.mean_since(&runs_before);
    check_calls(firm, case).await?;
    firm.set_latency(0).await?;
    firm.stop(worker).await?;
    let each = |time: Duration| time / u32::try_from(jobs.len()).unwrap_or(u32::MAX);
    Ok(Measured {
        syncs_per_second: jobs.len() as f64 / took.as_secs_f64(),
        run,
        peak_resident_kib,
        worker_time: each(worker_time),
        simulator_time: each(simulator_time),
    })
}

/// The worker's histogram of run times: how long all runs took together, and how many they were.
struct RunTime {
    seconds: f64,
    runs: f64,
}

impl RunTime {
    async fn of(firm: &Firm, worker: &RunningProgram) -> Result<Self> {
        let metrics = firm.metrics_of(worker).await?;
        let sample = |suffix: &str| {
            let name = format!("kanzleisync_job_duration_seconds_{suffix}");
            let line = metrics.lines().find(|line| line.starts_with(&name));
            line.and_then(|line| line.rsplit_once(' ')?.1.parse().ok()).unwrap_or_default()
        };
        Ok(Self { seconds: sample("sum"), runs: sample("count") })
    }

    fn mean_since(&self, earlier: &Self) -> Duration {
        let seconds = (self.seconds - earlier.seconds) / (self.runs - earlier.runs);
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

/// A fast worker that did not do its work would be no achievement.
async fn check_calls(firm: &Firm, case: Case) -> Result<()> {
    let (calls, writes) = firm.calls().await?;
    let expected = case.jobs * case.work.calls();
    let wrote = writes > 0;
    if calls != expected || wrote != (case.work == Work::OneChange) {
        return Err(Error::new(format!("{case:?}: {calls} calls, {writes} of them writes; expected {expected} calls")));
    }
    Ok(())
}

/// Lets a user change one mail each of so many Beteiligte in Advoware.
async fn change_mails(firm: &Firm, wanted: usize) -> Result<Vec<FirmBeteiligter>> {
    let mut changed = Vec::with_capacity(wanted);
    for one in &firm.beteiligte {
        if changed.len() == wanted {
            return Ok(changed);
        }
        let record = firm.advoware(one.betnr).await?;
        let Some(komm_id) = mail_row(&record) else { continue };
        let tlf = Some(format!("{komm_id}.{}@bench.example", firm.next_number()));
        firm.edit(&Edit::AdvowareChange { betnr: one.betnr, komm_id, tlf, bemerkung: None, online: None }).await?;
        changed.push(one.clone());
    }
    Err(Error::new(format!("only {} Beteiligte have a mail to change", changed.len())))
}

/// Id of a row that holds a mail.
fn mail_row(record: &Value) -> Option<i64> {
    let rows = record["kommunikation"].as_array()?;
    let mail = rows.iter().find(|row| row["tlf"].as_str().is_some_and(|tlf| tlf.contains('@')))?;
    mail["id"].as_i64()
}
