//! How fast something went, and how long it took.

use std::time::Duration;

use super::server::Server;
use crate::{Error, Result};

/// So many jobs, in so much time, for so much of Redis' processor time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rate {
    pub(super) jobs: u64,
    pub(super) took: Duration,
    pub(super) redis_time: Duration,
}

impl Rate {
    pub(super) fn per_second(&self) -> f64 {
        self.jobs as f64 / self.took.as_secs_f64()
    }

    /// For people, without the fraction.
    pub(super) fn whole_per_second(&self) -> u64 {
        let per_second = u128::from(self.jobs) * 1_000_000_000 / self.took.as_nanos().max(1);
        u64::try_from(per_second).unwrap_or(u64::MAX)
    }

    pub(super) fn redis_micros_per_job(&self) -> f64 {
        1e6 * self.redis_time.as_secs_f64() / self.jobs as f64
    }

    /// Rounds of the same work together.
    pub(super) fn add(&mut self, other: Self) {
        self.jobs += other.jobs;
        self.took += other.took;
        self.redis_time += other.redis_time;
    }
}

/// What `work` answers, and the processor time that Redis itself took for it.
pub(super) async fn measured<T>(server: &Server, work: impl Future<Output = Result<T>>) -> Result<(T, Duration)> {
    server.settled().await?;
    let before = server.processor_time().await?;
    let answer = work.await?;
    Ok((answer, server.processor_time().await?.saturating_sub(before)))
}

/// Times from enqueueing one job to the start of its run, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Latencies {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

impl Latencies {
    pub(super) fn of(mut samples_ms: Vec<f64>) -> Result<Self> {
        samples_ms.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            let rank = (samples_ms.len() * percent).div_ceil(100);
            samples_ms.get(rank.saturating_sub(1)).copied().ok_or_else(|| Error::new("no latency was measured"))
        };
        Ok(Self { p50_ms: at(50)?, p99_ms: at(99)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_smallest_sample_that_so_many_do_not_exceed() {
        let samples: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(Latencies::of(samples), Ok(Latencies { p50_ms: 100.0, p99_ms: 198.0 }));
        assert!(Latencies::of(Vec::new()).is_err());
    }

    #[test]
    fn rounds_add_up() {
        let round = Rate { jobs: 1_000, took: Duration::from_millis(50), redis_time: Duration::from_millis(20) };
        let mut rate = Rate::default();
        rate.add(round);
        rate.add(round);
        assert!((rate.per_second() - 20_000.0).abs() < 1e-6);
        assert_eq!(rate.whole_per_second(), 20_000);
        assert!((rate.redis_micros_per_job() - 20.0).abs() < 1e-6);
    }
}
