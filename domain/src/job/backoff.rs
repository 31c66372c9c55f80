//! How long a failed job waits, and when it has failed often enough (J3, DOMAIN 4).

use std::time::Duration;

/// Waiting times after a failure, and the number of failures that end a job's tries.
#[derive(Clone, Debug, PartialEq)]
pub struct Backoff {
    /// Wait after the first, second, ... failure; the last one also serves all further ones.
    pub delays: Vec<Duration>,
    /// Failures until the job is given up (`SYNC_MAX_TRIES`).
    pub max_tries: u32,
}

/// Spread around each delay, so that what failed together does not come back together.
const JITTER: f64 = 0.1;

impl Backoff {
    /// Wait before the next try after failure number `failures` (from 1); `None`: it was the last. `random` is drawn by the caller,
    /// in 0 to 1.
    pub fn after(&self, failures: u32, random: f64) -> Option<Duration> {
        if failures >= self.max_tries {
            return None;
        }
        let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
        let delay = self.delays.get(index).or(self.delays.last()).copied().unwrap_or_default();
        let factor = 1.0 - JITTER + 2.0 * JITTER * random.clamp(0.0, 1.0);
        Some(delay.mul_f64(factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed() -> Backoff {
        let delays = [1, 5, 15, 60, 240].map(|minutes| Duration::from_secs(60 * minutes)).to_vec();
        Backoff { delays, max_tries: 5 }
    }

    #[test]
    fn j3_waits_as_the_seed_says_and_gives_up_at_the_fifth_failure() {
        let minutes: Vec<_> =
            (1..=5).map(|failure| seed().after(failure, 0.5).map(|wait| wait.as_secs() / 60)).collect();
        assert_eq!(minutes, [Some(1), Some(5), Some(15), Some(60), None]);
    }

    #[test]
    fn j3_the_last_wait_serves_all_further_failures() {
        let patient = Backoff { max_tries: 9, ..seed() };
        assert_eq!(patient.after(8, 0.5), Some(Duration::from_hours(4)));
    }

    #[test]
    fn j3_jitter_is_ten_percent_either_way() {
        assert_eq!(seed().after(1, 0.0), Some(Duration::from_secs(54)));
        assert_eq!(seed().after(1, 1.0), Some(Duration::from_secs(66)));
    }
}
