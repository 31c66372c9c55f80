//! A job as it is printed.

use chrono::{DateTime, SecondsFormat};
use serde::Serialize;
use shared::queue::{JobState, JobView, QueueName};

use crate::printable::one_line;

/// What machines get of a job; times are ISO 8601 in UTC.
#[derive(Debug, Serialize)]
pub(super) struct JsonJob<'a> {
    id: String,
    queue: &'static str,
    state: &'static str,
    entity: &'a str,
    made: String,
    /// When it is, or became, due.
    due: String,
    dead_since: Option<String>,
    lease_until: Option<String>,
    is_from_scan: bool,
    /// Of a record.
    direction: Option<&'static str>,
    /// Of a calendar, where it was asked for.
    full_content: Option<bool>,
    /// Of a calendar.
    lists_all: bool,
    approves_deletions: bool,
    starts: u32,
    failures: u32,
    crashes: u32,
    reason: &'a str,
}

impl<'a> JsonJob<'a> {
    pub(super) fn new(queue: QueueName, view: &'a JobView) -> Self {
        Self {
            id: view.job.to_string(),
            queue: queue.as_str(),
            state: view.state.name(),
            entity: &view.entity,
            made: iso(view.job.made_at_ms()),
            due: iso(view.since_ms),
            dead_since: view.dead_since_ms.map(iso),
            lease_until: view.lease_until_ms.map(iso),
            is_from_scan: view.is_from_scan,
            direction: match queue {
                QueueName::Beteiligte => Some(view.wants.direction().name()),
                QueueName::Calendar => None,
            },
            full_content: view.wants.full_content(),
            lists_all: view.wants.lists_all(),
            approves_deletions: view.wants.approves_deletions(),
            starts: view.starts,
            failures: view.failures,
            crashes: view.crashes,
            reason: &view.reason,
        }
    }

    /// All of it, a line each, without what the job does not have.
    pub(super) fn lines(&self) -> String {
        let Self { id, queue, state, entity, made, due, starts, failures, crashes, reason, .. } = self;
        let asker = if self.is_from_scan { "the scan" } else { "an event or a person" };
        let what = self.direction.map_or_else(|| "a calendar's sync".to_owned(), |name| format!("direction {name}"));
        let content = match self.full_content {
            None => "",
            Some(true) => ", with full content",
            Some(false) => ", anonymised",
        };
        let lists_all = if self.lists_all { ", both calendars read whole" } else { "" };
        let approved = if self.approves_deletions { ", held deletions approved" } else { "" };
        let mut lines = vec![
            ("id", id.clone()),
            ("queue", (*queue).to_owned()),
            ("entity", (*entity).to_owned()),
            ("state", (*state).to_owned()),
            ("asked for", format!("{what}{content}{lists_all}{approved}, by {asker}")),
            ("made", made.clone()),
            ("due", due.clone()),
        ];
        lines.extend(self.dead_since.clone().map(|since| ("dead since", since)));
        lines.extend(self.lease_until.clone().map(|until| ("lease until", until)));
        lines.push(("runs", format!("{starts} begun, {failures} failed, {crashes} crashed")));
        if !reason.is_empty() {
            lines.push(("reason", (*reason).to_owned()));
        }
        lines.iter().map(|(name, value)| format!("{name:<12} {}", one_line(value))).collect::<Vec<_>>().join("\n")
    }
}

/// What the time in a list says of jobs in this state.
pub(super) fn time_title(state: JobState) -> &'static str {
    match state {
        JobState::Ready => "READY SINCE",
        JobState::Delayed => "DUE",
        JobState::Running => "LEASE UNTIL",
        JobState::Dead => "DEAD SINCE",
    }
}

/// That time.
pub(super) fn time_of(view: &JobView) -> String {
    iso(view.dead_since_ms.or(view.lease_until_ms).unwrap_or(view.since_ms))
}

/// Milliseconds since 1970 as ISO 8601 in UTC.
pub(super) fn iso(ms: u64) -> String {
    let time = i64::try_from(ms).ok().and_then(DateTime::from_timestamp_millis);
    // Nothing that the queue writes; a text all the same, so that the rest of the job can be read.
    time.map_or_else(|| format!("{ms} ms"), |time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_iso_in_utc() {
        assert_eq!(iso(1_763_758_235_123), "2025-11-21T20:50:35.123Z");
        assert_eq!(iso(u64::MAX), format!("{} ms", u64::MAX));
    }
}
