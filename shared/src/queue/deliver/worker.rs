//! The loop of a worker process.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::lease::{Lease, Leases};
use super::run_one::{failed, run_one};
use super::wake::Bell;
use super::{DeliverSettings, Running};
use crate::link::script::passes;
use crate::queue::book::{CHUNK, Queue};
use crate::queue::error::QueueError;
use crate::queue::job::Outcome;
use crate::queue::turn::{Caller, Claim, Ended, Note, Turn};
use crate::queue::{metrics, traces};

/// Looks without being woken: for wake-ups that were published while nobody listened.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Between two tries while Redis is away, and after an answer that should not be.
const TRY_AGAIN: Duration = Duration::from_millis(100);
const TRY_AGAIN_AFTER_FAULT: Duration = Duration::from_secs(1);
/// Longest that the last words of a stopping worker may take, after the grace period.
const FAREWELL: Duration = Duration::from_secs(4);

/// What all runs of a process share.
struct Office<H> {
    settings: DeliverSettings,
    handler: H,
}

/// A run that goes on.
struct Run {
    fence: u64,
    /// Ends with the worker.
    task: AbortOnDropHandle<()>,
}

/// Sends the outcome of a run, also if a destructor panics on its way out.
struct Report {
    queue_of_done: mpsc::UnboundedSender<Done>,
    claim: Option<Claim>,
    began: Instant,
    if_it_panics: Outcome,
}

impl Report {
    fn send(&mut self, outcome: Outcome) {
        if let Some(claim) = self.claim.take() {
            // Nobody listens only when the worker itself is gone.
            let _ = self.queue_of_done.send(Done { ended: Ended { claim, outcome }, took: self.began.elapsed() });
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let outcome = self.if_it_panics.clone();
            self.send(outcome);
        }
    }
}

/// A run that has ended, with the times of its life for the metrics.
struct Done {
    ended: Ended,
    took: Duration,
}

pub(super) struct Worker<H> {
    queue: Queue,
    office: Arc<Office<H>>,
    bell: Bell,
    /// Tells the workers apart; new at every start.
    name: String,
    calls: u64,
    leases: Leases,
    /// By entity.
    runs: HashMap<String, Run>,
    done: (mpsc::UnboundedSender<Done>, mpsc::UnboundedReceiver<Done>),
    /// Outcomes that Redis has not confirmed.
    unwritten: Vec<Done>,
    /// There may be work that nobody has looked for.
    may_find: bool,
    /// What the queue said last about taking more.
    note: Note,
    /// An answer was lost: outcomes may be written, and jobs taken that we do not know of.
    is_unsure: bool,
}

impl<H, F> Worker<H>
where
    H: Fn(Running) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    pub(super) fn new(queue: Queue, settings: DeliverSettings, handler: H, bell: Bell) -> Self {
        Self {
            queue,
            office: Arc::new(Office { settings, handler }),
            bell,
            name: format!("{:016x}", fastrand::u64(..)),
            calls: 0,
            leases: Leases::default(),
            runs: HashMap::new(),
            done: mpsc::unbounded_channel(),
            unwritten: Vec::new(),
            may_find: true,
            note: Note::None,
            is_unsure: false,
        }
    }

    /// Keeps the leases of its runs; to be run beside [`Self::work_until`].
    pub(super) fn renewing(&self) -> impl Future<Output = Infallible> + Send + use<H, F> {
        let settings = &self.office.settings;
        self.leases.clone().keep(self.queue.clone(), self.name.clone(), settings.lease, settings.run_limit)
    }

    pub(super) async fn work_until(mut self, shutdown: CancellationToken) -> Result<(), QueueError> {
        let mut look = tokio::time::interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let grace = self.office.settings.shutdown_grace;
        let asked_to_stop = shutdown.clone();
        let mut grace_over = std::pin::pin!(async move {
            asked_to_stop.cancelled().await;
            tokio::time::sleep(grace).await;
        });
        while !shutdown.is_cancelled() {
            // Runs that are done at once get their turn first: one call for many outcomes instead of one for each.
            tokio::task::yield_now().await;
            self.collect();
            let wanted = self.room();
            if self.is_unsure || !self.unwritten.is_empty() || (wanted > 0 && self.may_find) {
                let was_cut = tokio::select! {
                    biased;
                    () = self.turn(wanted) => false,
                    () = &mut grace_over => true,
                };
                self.is_unsure |= was_cut;
                continue;
            }
            tokio::select! {
                Some(done) = self.done.1.recv() => self.take_in(done),
                () = self.bell.rung() => self.may_find = true,
                _ = look.tick() => self.may_find = true,
                () = shutdown.cancelled() => {}
            }
        }
        self.leave(grace_over).await
    }

    /// Takes no more jobs and lets the runs end; those that do not are cut off when the grace period is over.
    async fn leave(mut self, grace_over: impl Future<Output = ()>) -> Result<(), QueueError> {
        let all_ended = async {
            while self.is_unsure || !self.unwritten.is_empty() || !self.runs.is_empty() {
                self.collect();
                if self.is_unsure || !self.unwritten.is_empty() {
                    self.turn(0).await;
                } else if let Some(done) = self.done.1.recv().await {
                    self.take_in(done);
                }
            }
        };
        let in_time = tokio::select! {
            biased;
            () = all_ended => true,
            () = grace_over => false,
        };
        if !in_time {
            let (queue, runs) = (self.queue.name().as_str(), self.runs.len());
            tracing::warn!(queue, runs, "grace period over, runs are cut off");
        }
        self.runs.values().for_each(|run| run.task.abort());
        let farewell = async {
            // Before their jobs go back: they must not be at work any more.
            for run in std::mem::take(&mut self.runs).into_values() {
                let _ = run.task.await;
            }
            loop {
                self.calls += 1;
                match self.queue.hand_back(&caller(&self.name, self.calls), true, &[]).await {
                    Err(QueueError::Redis(error)) if passes(&error) => tokio::time::sleep(TRY_AGAIN).await,
                    answer => return answer,
                }
            }
        };
        match tokio::time::timeout(FAREWELL, farewell).await {
            Ok(answer) => answer.map(drop),
            Err(_) => Err(QueueError::Away),
        }
    }

    /// How many jobs may begin.
    fn room(&self) -> usize {
        let runs_alone = self.note == Note::Alone && !self.runs.is_empty();
        if runs_alone || self.is_unsure {
            0
        } else {
            self.office.settings.concurrency.max(1).saturating_sub(self.runs.len())
        }
    }

    fn collect(&mut self) {
        while let Ok(done) = self.done.1.try_recv() {
            self.take_in(done);
        }
    }

    fn take_in(&mut self, done: Done) {
        let Claim { job, fence, .. } = &done.ended.claim;
        // A run that lost its lease may have a successor here already.
        if self.runs.get(job.entity()).is_some_and(|run| run.fence == *fence) {
            self.runs.remove(job.entity());
        }
        self.unwritten.push(done);
        // Whoever waits for its runs to end asks again after each.
        self.may_find |= self.note != Note::None;
    }

    /// One call. Whatever goes wrong, nothing is forgotten: the next call repeats it.
    async fn turn(&mut self, wanted: usize) {
        if self.is_unsure {
            if let Err(error) = self.make_sure().await {
                self.wait_after(&error).await;
            }
            return;
        }
        let ended: Vec<Ended> = self.unwritten.iter().take(CHUNK).map(|done| done.ended.clone()).collect();
        // Before the call: the lease runs from when Redis saw it, which is later, so ours ends first.
        let asked_at = Instant::now();
        let lease = self.office.settings.lease;
        self.calls += 1;
        match self.queue.work(&caller(&self.name, self.calls), lease, wanted, self.runs.len(), &ended, false).await {
            Ok(turn) => {
                self.written(&turn);
                if wanted > 0 {
                    self.may_find = turn.taken.len() == wanted || turn.note == Note::More;
                    self.note = turn.note;
                }
                for claim in turn.taken {
                    self.start(claim, asked_at);
                }
            }
            Err(error) => {
                self.is_unsure = true;
                self.wait_after(&error).await;
            }
        }
    }

    /// After a lost answer: leases first, nobody must take over what we hold; then the outcomes once more; then what was given to us
    /// without our knowing goes back.
    async fn make_sure(&mut self) -> Result<(), QueueError> {
        self.leases.renew_at_once();
        let lease = self.office.settings.lease;
        let ended: Vec<Ended> = self.unwritten.iter().take(CHUNK).map(|done| done.ended.clone()).collect();
        self.calls += 1;
        let turn = self.queue.work(&caller(&self.name, self.calls), lease, 0, self.runs.len(), &ended, true).await?;
        self.written(&turn);
        let unwritten = self.unwritten.iter().map(|done| (done.ended.claim.job.entity(), done.ended.claim.fence));
        // Last, so that the run that goes on counts where an entity has both.
        let running = self.runs.iter().map(|(entity, run)| (entity.as_str(), run.fence));
        let known: Vec<_> = unwritten.chain(running).map(|(entity, fence)| (entity.to_owned(), fence)).collect();
        self.calls += 1;
        let given_back = self.queue.hand_back(&caller(&self.name, self.calls), false, &known).await?;
        tracing::info!(queue = self.queue.name().as_str(), given_back, "Redis is back");
        self.is_unsure = false;
        self.may_find = true;
        Ok(())
    }

    async fn wait_after(&self, error: &QueueError) {
        match error {
            QueueError::Redis(cause) if passes(cause) => {
                tracing::debug!(%error, "Redis is away");
                tokio::time::sleep(TRY_AGAIN).await;
            }
            _ => {
                tracing::error!(%error, "the queue refuses, trying again");
                tokio::time::sleep(TRY_AGAIN_AFTER_FAULT).await;
            }
        }
    }

    fn written(&mut self, turn: &Turn) {
        let queue = self.queue.name();
        for (done, is_written) in
            self.unwritten.drain(..turn.written.len().min(self.unwritten.len())).zip(&turn.written)
        {
            let Ended { claim, outcome } = done.ended;
            // Only now: until then nobody else may begin.
            self.leases.remove(claim.fence);
            if *is_written {
                metrics::finished(queue, &outcome, done.took);
                tell(&claim, &outcome);
            } else {
                metrics::stale(queue);
                tracing::warn!(job = %claim.job, "outcome refused: another run has taken over");
            }
        }
    }

    fn start(&mut self, claim: Claim, asked_at: Instant) {
        metrics::taken(self.queue.name(), claim.waited);
        let lease = Lease::from(asked_at, self.office.settings.lease);
        let (entity, fence) = (claim.job.entity().to_owned(), claim.fence);
        self.leases.add(&entity, fence, lease.clone());
        let (office, queue, done) = (self.office.clone(), self.queue.name(), self.done.0.clone());
        let run = async move {
            let mut report = Report {
                queue_of_done: done,
                if_it_panics: failed(&office.settings, &claim, "the run panicked"),
                claim: Some(claim.clone()),
                began: asked_at,
            };
            let in_progress = metrics::InProgress::new(queue);
            let span = traces::run(queue, &claim);
            let outcome = run_one(&office.settings, &office.handler, &claim, lease).instrument(span.clone()).await;
            traces::ended(&span, &outcome);
            drop(in_progress);
            report.send(outcome);
        };
        self.runs.insert(entity, Run { fence, task: AbortOnDropHandle::new(tokio::spawn(run)) });
    }
}

fn caller(name: &str, call: u64) -> Caller<'_> {
    Caller { name, call }
}

fn tell(claim: &Claim, outcome: &Outcome) {
    let job = &claim.job;
    match outcome {
        Outcome::Done { .. } | Outcome::Snooze { .. } => tracing::debug!(%job, ?outcome, "finished"),
        Outcome::RetryAfter { delay, reason } => tracing::warn!(%job, ?delay, reason, "failed"),
        Outcome::GiveUp { reason } => tracing::error!(%job, reason, "dead"),
    }
}
