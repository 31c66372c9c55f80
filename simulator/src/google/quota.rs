//! Sliding windows of a minute, as Google counts its quotas (reference G11).

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

const WINDOW_SECONDS: i64 = 60;

/// Units spent within the last minute.
#[derive(Debug, Default)]
pub(crate) struct Window {
    spent: VecDeque<(DateTime<Utc>, u32)>,
}

impl Window {
    /// Spends, unless that would exceed `most`; what is refused costs nothing.
    pub(crate) fn spend(&mut self, units: u32, most: Option<u32>, now: DateTime<Utc>) -> bool {
        let Some(most) = most else { return true };
        self.spent.retain(|(at, _)| now - *at < TimeDelta::seconds(WINDOW_SECONDS));
        let so_far: u32 = self.spent.iter().map(|(_, units)| *units).sum();
        let fits = so_far.saturating_add(units) <= most;
        if fits {
            self.spent.push_back((now, units));
        }
        fits
    }
}
