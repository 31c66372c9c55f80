//! What the queue has to achieve.

use super::figures::Figures;
use super::ours::Processed;
use super::peer::Peer;
use super::plan::{LARGE_BACKLOG, SMALL_BACKLOG, USUAL};
use crate::table::grouped;

const PROCESS_PER_SECOND: u64 = 35_000;
const TIMES_BULLMQ: f64 = 2.0;
const PICK_UP_P50_MS: f64 = 2.0;
const PICK_UP_P99_MS: f64 = 5.0;
const REDIS_MICROS_PER_JOB: f64 = 35.0;
const BYTES_PER_JOB: f64 = 250.0;
/// Of the bytes of the backlog, or `LEFT_MIB`, whichever is more.
const LEFT_SHARE: f64 = 0.05;
const LEFT_MIB: f64 = 2.0;
const LARGE_TO_SMALL: f64 = 1.2;

/// A goal in words with its figure.
pub(super) struct Goal {
    pub(super) words: String,
    pub(super) verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Met,
    Missed,
    /// A peer that it compares with was not measured.
    Open,
}

impl Goal {
    fn new(words: String, met: bool) -> Self {
        Self { words, verdict: if met { Verdict::Met } else { Verdict::Missed } }
    }

    pub(super) fn line(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Met => "met:",
            Verdict::Missed => "MISSED:",
            Verdict::Open => "not judged:",
        };
        format!("{verdict} {}", self.words)
    }
}

pub(super) fn all(figures: &Figures) -> Vec<Goal> {
    let mut goals = Vec::new();
    goals.extend(figures.best().map(process));
    goals.push(process_beside_bullmq(figures));
    goals.push(enqueue_beside_sidekiq(figures));
    goals.extend(pick_up(figures));
    goals.extend(figures.of_case(USUAL).map(redis_time));
    goals.extend(figures.of_case(USUAL).map(memory));
    goals.extend([USUAL, LARGE_BACKLOG].into_iter().filter_map(|case| figures.of_case(case)).map(left));
    if let (Some(small), Some(large)) = (figures.of_case(SMALL_BACKLOG), figures.of_case(LARGE_BACKLOG)) {
        goals.push(backlog(small, large));
    }
    goals
}

fn process(best: &Processed) -> Goal {
    let words = format!(
        "process: {} jobs/s in one process, {} at once (goal: at least {})",
        grouped(best.rate.whole_per_second()),
        best.case.concurrency,
        grouped(PROCESS_PER_SECOND)
    );
    Goal::new(words, best.rate.whole_per_second() >= PROCESS_PER_SECOND)
}

fn process_beside_bullmq(figures: &Figures) -> Goal {
    let rates = figures.best().zip(figures.of_peer(Peer::BullMq).and_then(|peer| peer.best()));
    let Some((ours, bullmq)) = rates else {
        return open(format!("process: times BullMQ's rate (goal: at least {TIMES_BULLMQ:.1})"));
    };
    let times = ours.rate.per_second() / bullmq.rate.per_second();
    let words = format!("process: {times:.1} times BullMQ's rate, each at its best (goal: at least {TIMES_BULLMQ:.1})");
    Goal::new(words, times >= TIMES_BULLMQ)
}

fn enqueue_beside_sidekiq(figures: &Figures) -> Goal {
    let Some(sidekiq) = figures.of_peer(Peer::Sidekiq) else {
        return open("enqueue bulk: times Sidekiq's rate (goal: above 1.0)".to_owned());
    };
    let times = figures.enqueue.bulk.per_second() / sidekiq.enqueue_bulk.per_second();
    Goal::new(format!("enqueue bulk: {times:.2} times Sidekiq's rate (goal: above 1.0)"), times > 1.0)
}

fn pick_up(figures: &Figures) -> [Goal; 2] {
    let measured = figures.pick_up.with_file;
    let goal = |name: &str, milliseconds: f64, limit: f64| {
        let words = format!("idle pick-up, {name}: {milliseconds:.2} ms with AOF (goal: at most {limit:.0} ms)");
        Goal::new(words, milliseconds <= limit)
    };
    [goal("p50", measured.p50_ms, PICK_UP_P50_MS), goal("p99", measured.p99_ms, PICK_UP_P99_MS)]
}

fn redis_time(usual: &Processed) -> Goal {
    let micros = usual.rate.redis_micros_per_job();
    let words = format!("Redis CPU: {micros:.1} us per processed job (goal: at most {REDIS_MICROS_PER_JOB:.0} us)");
    Goal::new(words, micros <= REDIS_MICROS_PER_JOB)
}

fn memory(usual: &Processed) -> Goal {
    let bytes = usual.bytes_per_job;
    let words = format!("Redis memory: {bytes:.0} bytes per queued job (goal: at most {BYTES_PER_JOB:.0})");
    Goal::new(words, bytes <= BYTES_PER_JOB)
}

fn left(processed: &Processed) -> Goal {
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    let backlog_mib = mib(processed.bytes_per_job * processed.case.backlog as f64);
    let limit_mib = (LEFT_SHARE * backlog_mib).max(LEFT_MIB);
    let left_mib = mib(processed.left_bytes as f64);
    let words = format!(
        "Redis memory after {} jobs: {left_mib:.2} MiB above the start (goal: at most {limit_mib:.1} MiB)",
        grouped(processed.case.backlog as u64)
    );
    Goal::new(words, left_mib <= limit_mib)
}

fn backlog(small: &Processed, large: &Processed) -> Goal {
    let times = large.rate.redis_micros_per_job() / small.rate.redis_micros_per_job();
    let words = format!(
        "a backlog of {} costs {times:.2} times as much Redis CPU per job as one of {} (goal: at most {LARGE_TO_SMALL:.1})",
        grouped(large.case.backlog as u64),
        grouped(small.case.backlog as u64)
    );
    Goal::new(words, times <= LARGE_TO_SMALL)
}

fn open(words: String) -> Goal {
    Goal { words, verdict: Verdict::Open }
}
