//! Jobs in every state, brought there by the queue's own code: enqueued, run, failed, given up, held.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use domain::job::Wants;
use shared::queue::{self, Asker, Counts, DeliverSettings, NewJob, Outcome, Queue, Running};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::bench::firm::told;
use crate::world::PATIENCE;
use crate::{Error, Result, eventually};

/// How many jobs are to be in which state. Those that run are some of the ready ones.
#[derive(Clone, Copy)]
pub(super) struct Fill {
    pub(super) dead: usize,
    pub(super) delayed: usize,
    /// Asked for by webhooks and people.
    pub(super) events: usize,
    /// Asked for by the scan only.
    pub(super) scans: usize,
    pub(super) running: usize,
}

/// Runs that do not end before this is dropped.
pub(super) struct Held {
    _runs: AbortOnDropHandle<()>,
}

const REASONS: [&str; 4] = [
    "Advoware answered 503 to PUT /Beteiligte/{id}/Kommunikation: tried again",
    "EspoCRM: no answer within 30 s",
    "Advoware refused it: 400, kommKz cannot be changed",
    "after the run both sides did not agree",
];

impl Fill {
    pub(super) fn jobs(&self) -> usize {
        self.dead + self.delayed + self.events + self.scans
    }

    /// The entities that are ready or run.
    pub(super) fn waiting(&self) -> Range<usize> {
        self.dead + self.delayed..self.jobs()
    }
}

/// One job for each of `entities`, as many as `fill` says: dead ones first, then delayed ones, events, scans.
pub(super) async fn fill(queue: &Queue, fill: Fill, entities: &[String], wants: Wants) -> Result<Held> {
    let fates: HashMap<String, Outcome> = entities[..fill.waiting().start]
        .iter()
        .enumerate()
        .map(|(at, entity)| (entity.clone(), fate(at, fill)))
        .collect();
    let handler = move |run: Running| {
        let fate = fates.get(&run.entity).cloned();
        async move {
            match fate {
                Some(fate) => fate,
                None => std::future::pending().await,
            }
        }
    };
    let day = Duration::from_hours(24);
    let settings = DeliverSettings { concurrency: fill.running, run_limit: day, ..DeliverSettings::default() };
    let work = queue::run(queue.clone(), settings, handler, CancellationToken::new());
    let held = Held { _runs: AbortOnDropHandle::new(tokio::spawn(async move { drop(work.await) })) };

    let is = async |expected: &dyn Fn(&Counts) -> bool| {
        eventually(PATIENCE, "the jobs are where they belong", async || {
            let counts = queue.counts().await.map_err(told)?;
            if expected(&counts) { Ok(()) } else { Err(Error::new(format!("{counts:?}"))) }
        })
        .await
    };
    let failed = (fill.dead as u64, fill.delayed as u64);
    enqueue(queue, &entities[..fill.waiting().start], wants, Asker::Event).await?;
    is(&|counts| (counts.dead, counts.delayed) == failed && counts.ready + counts.running == 0).await?;
    let (events, scans) = entities[fill.waiting()].split_at(fill.events);
    enqueue(queue, events, wants, Asker::Event).await?;
    enqueue(queue, scans, wants, Asker::Scan).await?;
    let (waiting, running) = ((fill.events + fill.scans) as u64, fill.running as u64);
    is(&|counts| counts.running == running && counts.ready + counts.running == waiting).await?;
    Ok(held)
}

async fn enqueue(queue: &Queue, entities: &[String], wants: Wants, asker: Asker) -> Result<()> {
    let jobs: Vec<NewJob> = entities.iter().map(|entity| NewJob { entity: entity.clone(), wants }).collect();
    queue.enqueue(&jobs, asker).await.map(drop).map_err(told)
}

fn fate(at: usize, fill: Fill) -> Outcome {
    let reason = REASONS[at % REASONS.len()].to_owned();
    if at < fill.dead {
        return Outcome::GiveUp { reason };
    }
    // As the back-off has it: none falls due while pages are asked for.
    let delay = Duration::from_mins(60 + (at % 180) as u64);
    Outcome::RetryAfter { delay, reason }
}
