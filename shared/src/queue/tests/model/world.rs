//! The model, and the queue beside it.

use std::collections::BTreeMap;

use super::{ENTITIES, Step};
use crate::queue::tests::stage::{LEASE, Stage, caller};
use crate::queue::turn::{Claim, Ended, Note};
use crate::queue::{Asker, EnqueueResult, JobState, Matching, Outcome};

/// What a job should be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expected {
    state: JobState,
    wants: u32,
    is_from_scan: bool,
    failures: u32,
    crashes: u32,
    /// Wants and asker's rank of triggers during the run.
    next: Option<(u32, u8)>,
    /// Given back during the run.
    credit: u32,
}

impl Expected {
    pub(super) fn new(wants: u32, rank: u8) -> Self {
        let is_from_scan = rank == 0;
        Self { state: JobState::Ready, wants, is_from_scan, failures: 0, crashes: 0, next: None, credit: 0 }
    }

    fn merge(&mut self, wants: u32, rank: u8) {
        self.wants |= wants;
        self.is_from_scan &= rank == 0;
    }

    /// The run is over; what was asked for meanwhile belongs to the next. Answers who asked.
    fn end_run(&mut self) -> Option<u8> {
        let (wants, rank) = self.next.take()?;
        self.merge(wants, rank);
        Some(rank)
    }
}

struct Run {
    worker: u8,
    claim: Claim,
    is_alone: bool,
}

pub(super) struct World {
    pub(super) stage: Stage,
    jobs: BTreeMap<String, Expected>,
    runs: Vec<Run>,
    lost_runs: Vec<Run>,
    is_paused: bool,
}

fn entity_name(entity: u8) -> String {
    format!("e{entity}")
}

fn worker_name(worker: u8) -> String {
    format!("w{worker}")
}

impl World {
    pub(super) fn new(stage: Stage, jobs: BTreeMap<String, Expected>) -> Self {
        Self { stage, jobs, runs: Vec::new(), lost_runs: Vec::new(), is_paused: false }
    }

    fn busy(&self, worker: u8) -> usize {
        self.runs.iter().filter(|run| run.worker == worker).count()
    }

    fn job(&mut self, entity: &str) -> &mut Expected {
        self.jobs.get_mut(entity).expect("the model knows it")
    }

    pub(super) async fn apply(&mut self, step: Step) {
        match step {
            Step::Trigger { entity, bits, asker } => self.trigger(&entity_name(entity), bits, asker).await,
            Step::Take { worker, wanted } => self.take(worker, wanted).await,
            Step::TakeWithLostAnswer { worker, wanted } => {
                self.queue_take(worker, wanted).await;
                self.hand_back(worker, true).await;
            }
            Step::End { run, outcome, is_repeated } if !self.runs.is_empty() => {
                let run = self.runs.remove(run % self.runs.len());
                self.end(&run, outcome, is_repeated).await;
            }
            Step::Crash { run } if !self.runs.is_empty() => {
                let run = self.runs.remove(run % self.runs.len());
                self.crash(run).await;
            }
            Step::EndLate { run } if !self.lost_runs.is_empty() => {
                let run = &self.lost_runs[run % self.lost_runs.len()];
                assert!(!self.stage.finish("late", &run.claim, Outcome::Done { follow_up: None }).await, "refused");
            }
            Step::Due { entity } => self.due(&entity_name(entity)).await,
            Step::Drop { entity } => self.withdraw(&entity_name(entity)).await,
            Step::GiveBackTries { entity } => self.give_back_tries(&entity_name(entity)).await,
            Step::RequeueDead => self.requeue_dead().await,
            Step::DeleteDead => {
                let dead = self.jobs.values().filter(|job| job.state == JobState::Dead).count() as u64;
                assert_eq!(self.stage.queue.delete(&Matching::default()).await.expect("delete"), dead);
                self.jobs.retain(|_, job| job.state != JobState::Dead);
            }
            Step::HandBack { worker } => {
                let gone = self.runs.extract_if(.., |run| run.worker == worker).collect::<Vec<_>>();
                self.lost_runs.extend(gone);
                self.hand_back(worker, false).await;
            }
            Step::Pause(is_paused) => {
                let queue = &self.stage.queue;
                if is_paused {
                    queue.pause().await.expect("pause");
                } else {
                    queue.resume().await.expect("resume");
                }
                self.is_paused = is_paused;
            }
            Step::End { .. } | Step::Crash { .. } | Step::EndLate { .. } => {}
        }
        self.compare().await;
    }

    async fn trigger(&mut self, entity: &str, bits: u32, asker: Asker) {
        let result = self.stage.trigger_as(entity, bits, asker).await.result;
        let rank = asker.rank();
        let Some(job) = self.jobs.get_mut(entity) else {
            assert_eq!(result, EnqueueResult::New);
            self.jobs.insert(entity.to_owned(), Expected::new(bits, rank));
            return;
        };
        let expected = match (job.state, asker) {
            (JobState::Running, _) => {
                let (wants, earlier) = job.next.unwrap_or((0, 0));
                job.next = Some((wants | bits, earlier.max(rank)));
                EnqueueResult::FollowUp
            }
            (JobState::Dead, Asker::Scan) => EnqueueResult::LeftDead,
            (JobState::Dead, _) => {
                job.crashes = if asker == Asker::Requeue { 0 } else { job.crashes.min(2) };
                (job.state, job.failures, job.wants) = (JobState::Ready, 0, 0);
                job.merge(bits, rank);
                EnqueueResult::Revived
            }
            (state, Asker::Operator | Asker::Requeue) => {
                if asker == Asker::Requeue {
                    (job.failures, job.crashes) = (0, 0);
                }
                job.state = JobState::Ready;
                job.merge(bits, rank);
                if state == JobState::Delayed { EnqueueResult::BroughtForward } else { EnqueueResult::Coalesced }
            }
            (_, _) => {
                job.merge(bits, rank);
                EnqueueResult::Coalesced
            }
        };
        assert_eq!(result, expected);
    }

    async fn queue_take(&mut self, worker: u8, wanted: usize) -> (Vec<Claim>, Note) {
        let busy = self.busy(worker);
        // A worker whose job runs alone takes none.
        let wanted = if self.runs.iter().any(|run| run.worker == worker && run.is_alone) { 0 } else { wanted };
        let turn = self.stage.turn(&worker_name(worker), wanted, busy, &[]).await;
        let ready = |is_alone: bool| {
            let jobs = self.jobs.values().filter(|job| job.state == JobState::Ready);
            jobs.filter(|job| (job.crashes >= 2) == is_alone).count()
        };
        let taken = turn.taken.len();
        match turn.note {
            Note::Paused => assert!(self.is_paused && taken == 0),
            Note::Alone => assert_eq!((taken, busy, turn.taken[0].crashes), (1, 0, 2)),
            Note::Drain => assert!(taken == 0 && busy > 0 && ready(true) > 0),
            Note::None | Note::More => {
                assert!(wanted == 0 || !self.is_paused);
                assert!(turn.taken.iter().all(|claim| claim.crashes < 2));
                // No job is overlooked.
                assert!(turn.note == Note::More || taken == wanted.min(ready(false)), "{taken} of {wanted}");
                assert!(taken > 0 || wanted == 0 || busy > 0 || ready(true) == 0, "one that runs alone starves");
            }
        }
        for claim in &turn.taken {
            let job = self.job(claim.job.entity());
            assert_eq!(job.state, JobState::Ready, "never two runs of one entity");
            assert_eq!((claim.wants.bits(), claim.failures, claim.crashes), (job.wants, job.failures, job.crashes));
            job.state = JobState::Running;
        }
        (turn.taken, turn.note)
    }

    pub(super) async fn take(&mut self, worker: u8, wanted: usize) {
        let (taken, note) = self.queue_take(worker, wanted).await;
        let is_alone = note == Note::Alone;
        self.runs.extend(taken.into_iter().map(|claim| Run { worker, claim, is_alone }));
    }

    async fn end(&mut self, run: &Run, outcome: Outcome, is_repeated: bool) {
        let worker = worker_name(run.worker);
        let ended = [Ended { claim: run.claim.clone(), outcome: outcome.clone() }];
        assert_eq!(self.stage.turn(&worker, 0, 0, &ended).await.written, [true]);
        if is_repeated {
            let answer = self.stage.queue.work(&caller(&worker), LEASE, 0, 0, &ended, true).await.expect("work");
            assert_eq!(answer.written, [true]);
        }
        let entity = run.claim.job.entity().to_owned();
        let job = self.job(&entity);
        let next = job.next;
        let asked = job.end_run();
        let credit = std::mem::take(&mut job.credit);
        job.crashes = 0;
        match outcome {
            Outcome::Done { follow_up } => {
                let follow_up = follow_up.map(|wants| (wants.bits(), 1));
                match (next, follow_up) {
                    (None, None) => drop(self.jobs.remove(&entity)),
                    (Some((a, b)), Some((c, d))) => *job = Expected::new(a | c, b.max(d)),
                    (Some((wants, rank)), None) | (None, Some((wants, rank))) => *job = Expected::new(wants, rank),
                }
            }
            Outcome::GiveUp { .. } if asked.is_some() => (job.state, job.failures) = (JobState::Ready, 0),
            Outcome::GiveUp { .. } => {
                (job.state, job.failures) = (JobState::Dead, (job.failures + 1).saturating_sub(credit));
            }
            Outcome::RetryAfter { .. } | Outcome::Snooze { .. } => {
                let failed = u32::from(matches!(outcome, Outcome::RetryAfter { .. }));
                job.failures = (job.failures + failed).saturating_sub(credit);
                job.state = if asked.is_some_and(|rank| rank >= 2) { JobState::Ready } else { JobState::Delayed };
                if asked == Some(3) {
                    (job.failures, job.crashes) = (0, 0);
                }
            }
        }
    }

    async fn crash(&mut self, run: Run) {
        let entity = run.claim.job.entity().to_owned();
        let tended = self.stage.crash(&run.claim).await;
        self.lost_runs.push(run);
        let job = self.job(&entity);
        let asked = job.end_run();
        job.failures = job.failures.saturating_sub(std::mem::take(&mut job.credit));
        job.crashes += 1;
        job.state = JobState::Ready;
        match (job.crashes, asked) {
            (3, Some(rank)) => (job.failures, job.crashes) = (0, if rank == 3 { 0 } else { 2 }),
            (3, None) => job.state = JobState::Dead,
            _ => {}
        }
        assert_eq!(tended.poisoned.len(), usize::from(job.state == JobState::Dead));
    }

    async fn due(&mut self, entity: &str) {
        if self.jobs.get(entity).is_some_and(|job| job.state == JobState::Delayed) {
            self.stage.due(entity).await;
            self.job(entity).state = JobState::Ready;
        }
    }

    async fn withdraw(&mut self, entity: &str) {
        let withdrawn = self.stage.queue.drop_waiting(entity).await.expect("drop");
        let expected = match self.jobs.get_mut(entity) {
            Some(Expected { state: JobState::Running, next, .. }) => next.take().is_some(),
            Some(Expected { state: JobState::Ready | JobState::Delayed, .. }) => self.jobs.remove(entity).is_some(),
            Some(Expected { state: JobState::Dead, .. }) | None => false,
        };
        assert_eq!(withdrawn, expected);
    }

    async fn give_back_tries(&mut self, entity: &str) {
        self.stage.queue.give_back_tries(&[entity.to_owned()]).await.expect("give back");
        match self.jobs.get_mut(entity) {
            Some(job) if job.state == JobState::Running => job.credit += 1,
            Some(job) if job.state == JobState::Dead && job.crashes < 3 && job.failures > 0 => {
                (job.state, job.failures) = (JobState::Delayed, job.failures - 1);
            }
            Some(job) if job.state != JobState::Dead => job.failures = job.failures.saturating_sub(1),
            _ => {}
        }
    }

    async fn requeue_dead(&mut self) {
        let requeued =
            self.stage.queue.requeue(&Matching::default(), std::time::Duration::ZERO).await.expect("requeue");
        let dead = self.jobs.values_mut().filter(|job| job.state == JobState::Dead);
        let dead = dead.map(|job| (job.state, job.failures, job.crashes) = (JobState::Ready, 0, 0)).count() as u64;
        assert_eq!(requeued, dead);
    }

    /// Gives back all runs of the worker that the model does not list.
    async fn hand_back(&mut self, worker: u8, keeps_known: bool) {
        let known = self.runs.iter().filter(|run| run.worker == worker && keeps_known);
        let kept: Vec<_> = known.map(|run| (run.claim.job.entity().to_owned(), run.claim.fence)).collect();
        self.stage.hand_back(&worker_name(worker), false, &kept).await;
        let running: Vec<String> = self.runs.iter().map(|run| run.claim.job.entity().to_owned()).collect();
        for (entity, job) in &mut self.jobs {
            if job.state == JobState::Running && !running.contains(entity) {
                job.end_run();
                job.failures = job.failures.saturating_sub(std::mem::take(&mut job.credit));
                job.state = JobState::Ready;
            }
        }
    }

    /// The queue holds exactly what the model says.
    async fn compare(&self) {
        let count = |state| self.jobs.values().filter(|job| job.state == state).count() as u64;
        assert_eq!(self.stage.counts().await, JobState::ALL.map(count));
        let entities: Vec<String> = self.jobs.keys().cloned().collect();
        let shown = self.stage.queue.show(&entities).await.expect("show");
        for (view, (entity, job)) in shown.iter().zip(&self.jobs) {
            let is_running = view.state == JobState::Running;
            let failures = if is_running { job.failures.saturating_sub(job.credit) } else { job.failures };
            assert_eq!((&view.entity, view.state, view.wants.bits()), (entity, job.state, job.wants));
            assert_eq!(
                (view.is_from_scan, view.failures, view.crashes),
                (job.is_from_scan, failures, job.crashes),
                "{entity}"
            );
        }
    }

    /// All runs end, all times come: everybody is served, and nothing is left but the dead.
    pub(super) async fn wind_up(&mut self) {
        self.apply(Step::Pause(false)).await;
        for _ in 0..200 {
            while !self.runs.is_empty() {
                self.apply(Step::End { run: 0, outcome: Outcome::Done { follow_up: None }, is_repeated: false }).await;
            }
            for entity in 0..ENTITIES {
                self.apply(Step::Due { entity }).await;
            }
            if self.jobs.values().all(|job| job.state == JobState::Dead) {
                return;
            }
            self.apply(Step::Take { worker: 0, wanted: 2 }).await;
        }
        panic!("somebody is never served: {:?}", self.jobs);
    }
}
