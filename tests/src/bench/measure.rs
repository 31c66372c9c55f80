//! One case, measured.

use std::time::Duration;

use serde_json::Value;
use simulator::{Edit, FirmBeteiligter};
use tokio::time::Instant;

use super::case::{Case, FIRM_SIZE, Work};
use super::firm::Firm;
use super::machine::processor_time;
use crate::world::PATIENCE;
use crate::{Error, Result, RunningProgram};

/// Records on a page of EspoCRM's list; a full last page has an empty one after it.
const PAGE_SIZE: usize = 200;

/// What one worker process achieved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    pub(super) syncs_per_second: f64,
    /// Mean time from claiming a job to its written outcome, by the worker's own histogram.
    pub(super) run: Duration,
    /// The most memory the worker ever held, start-up included, in KiB.
    pub(super) peak_resident_kib: u64,
    /// How much more memory worker and producer held after the whole of a full scan than after a quarter of it, in KiB.
    pub(super) growth_kib: Option<u64>,
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
    let producer = match case.work {
        Work::FullScan => Some(firm.producer().await?),
        Work::Unchanged | Work::OneChange => None,
    };
    firm.set_latency(case.latency_milliseconds).await?;
    let jobs = match case.work {
        Work::Unchanged | Work::FullScan => firm.beteiligte[..case.jobs].to_vec(),
        Work::OneChange => change_mails(firm, case.jobs).await?,
    };
    firm.forget_calls().await?;

    let runs_before = RunTime::of(firm, &worker).await?;
    let (worker_before, simulator_before) = (processor_time(worker.pid()), processor_time(firm.simulator.pid()));
    let started = Instant::now();
    let held = match &producer {
        Some((producer, address)) => Some(full_scan(firm, [&worker, producer], address).await?),
        None => firm.enqueue_these(&jobs).await.map(|()| None)?,
    };
    firm.drained().await?;
    let took = started.elapsed();
    let worker_time = processor_time(worker.pid()).saturating_sub(worker_before);
    let simulator_time = processor_time(firm.simulator.pid()).saturating_sub(simulator_before);
    let peak_resident_kib = worker.pid().peak_resident_kib().ok_or_else(|| Error::new("the worker has ended"))?;

    let run = RunTime::of(firm, &worker).await?.mean_since(&runs_before);
    check_calls(firm, case).await?;
    let growth_kib = match (&producer, held) {
        (Some((producer, _)), Some(before)) => Some(held_kib([&worker, producer])?.saturating_sub(before)),
        _ => None,
    };
    firm.set_latency(0).await?;
    firm.stop(worker).await?;
    if let Some((producer, _)) = producer {
        firm.stop(producer).await?;
    }
    let each = |time: Duration| time / u32::try_from(jobs.len()).unwrap_or(u32::MAX);
    Ok(Measured {
        syncs_per_second: jobs.len() as f64 / took.as_secs_f64(),
        run,
        peak_resident_kib,
        growth_kib,
        worker_time: each(worker_time),
        simulator_time: each(simulator_time),
    })
}

/// Queues everybody; answers what worker and producer held together when a quarter of the runs were done.
async fn full_scan(firm: &Firm, [worker, producer]: [&RunningProgram; 2], address: &str) -> Result<u64> {
    let goal = RunTime::of(firm, worker).await?.runs + (FIRM_SIZE / 4) as f64;
    let quarter = async {
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        loop {
            looks.tick().await;
            if RunTime::of(firm, worker).await?.runs >= goal {
                return held_kib([worker, producer]);
            }
        }
    };
    let (queued, held) = tokio::join!(firm.sync_all(address), tokio::time::timeout(PATIENCE, quarter));
    queued?;
    held.map_err(|_| Error::new("a quarter of the runs took too long"))?
}

fn held_kib(programs: [&RunningProgram; 2]) -> Result<u64> {
    let held = programs.iter().map(|program| program.pid().resident_kib()).sum::<Option<u64>>();
    held.ok_or_else(|| Error::new("a program has ended"))
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
    let pages = if case.work == Work::FullScan { case.jobs / PAGE_SIZE + 1 } else { 0 };
    let expected = case.jobs * case.work.calls() + pages;
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
