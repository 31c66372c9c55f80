//! The days that are synced.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use domain::calendar::plan::Policy;
use domain::calendar::{berlin, instant_of};

use crate::settings::CalendarSettings;

/// Days in Berlin, and the instants that bound them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First day.
    pub first: NaiveDate,
    /// Last day, which belongs to it.
    pub last: NaiveDate,
    /// Begin of the first day.
    pub opens: DateTime<Utc>,
    /// End of the last day.
    pub closes: DateTime<Utc>,
}

impl Window {
    /// The window of a run at `now`.
    pub fn around(now: DateTime<Utc>, settings: &CalendarSettings) -> Self {
        let days = |length: Duration| TimeDelta::from_std(length).unwrap_or(TimeDelta::days(36_500));
        let first = berlin(now.checked_sub_signed(days(settings.past)).unwrap_or(now)).date();
        let last = berlin(now.checked_add_signed(days(settings.future)).unwrap_or(now)).date();
        let midnight = |day: NaiveDate| instant_of(day.and_time(NaiveTime::MIN));
        let closes = midnight(last.checked_add_days(Days::new(1)).unwrap_or(last));
        Self { first, last, opens: midnight(first), closes }
    }
}

/// Names what a sync token depends on: what was left alone under another policy, or outside another window, must be seen again.
pub(super) fn policy_name(policy: &Policy, settings: &CalendarSettings) -> String {
    let permission = match policy.write_override {
        Some(true) => "on",
        Some(false) => "off",
        None => policy.write.name(),
    };
    let days = (settings.past.as_secs_f64() / 86_400.0, settings.future.as_secs_f64() / 86_400.0);
    format!("{} {permission} anonymize={} {}..{}", policy.strategy.name(), policy.anonymize, days.0, days.1)
}

#[cfg(test)]
mod tests {
    use domain::calendar::DeletionLimit;
    use domain::calendar::policy::{AdvowareWrite, SyncStrategy};

    use super::*;

    #[test]
    fn c4_the_window_is_counted_in_days_of_berlin() {
        let day = Duration::from_hours(24);
        let settings = CalendarSettings {
            interval: day,
            past: 30 * day,
            future: 2 * day,
            anonymize: false,
            only: None,
            strategy: SyncStrategy::default(),
            write: AdvowareWrite::default(),
            limit: DeletionLimit::default(),
        };
        let window = Window::around("2026-10-23T22:30:00Z".parse().unwrap(), &settings);
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!((window.first, window.last), (day("2026-09-24"), day("2026-10-25")), "past midnight in Berlin");
        let instant = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(window.opens, instant("2026-09-23T22:00:00Z"));
        assert_eq!(window.closes, instant("2026-10-25T23:00:00Z"), "the day with 25 hours");
    }
}
