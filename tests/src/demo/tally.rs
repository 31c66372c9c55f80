//! Figures of a phase: from the simulator's journal what was asked of the systems, from the audit what was changed and why.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::json;
use simulator::{FirmBeteiligter, JournalEntry, Operation, System};
use sqlx::{Connection, PgConnection};

use crate::Result;

/// Calls of one phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Calls {
    pub(super) advoware_reads: u64,
    pub(super) advoware_writes: u64,
    pub(super) espocrm_reads: u64,
    pub(super) espocrm_writes: u64,
    /// Pages of EspoCRM's list, which the producer fetches to find records.
    pub(super) list_pages: u64,
    /// Log-ins at Advoware.
    pub(super) log_ins: u64,
}

impl Calls {
    pub(super) fn of(entries: &[JournalEntry]) -> Self {
        let mut calls = Self::default();
        for entry in entries {
            *match (entry.operation, entry.system, entry.mutating) {
                (Operation::EspoList, ..) => &mut calls.list_pages,
                (Operation::AdvowareToken | Operation::AdvowareUrl, ..) => &mut calls.log_ins,
                (_, System::Advoware, false) => &mut calls.advoware_reads,
                (_, System::Advoware, true) => &mut calls.advoware_writes,
                (_, System::Espocrm, false) => &mut calls.espocrm_reads,
                (_, System::Espocrm, true) => &mut calls.espocrm_writes,
                (_, System::Google, _) => continue,
            } += 1;
        }
        calls
    }

    pub(super) fn writes(&self) -> u64 {
        self.advoware_writes + self.espocrm_writes
    }

    /// Reads of single records.
    pub(super) fn reads(&self) -> u64 {
        self.advoware_reads + self.espocrm_reads
    }
}

/// What the audit has: how often each rule wrote to each side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes(BTreeMap<(String, String), i64>);

impl Changes {
    pub(super) async fn so_far(hub: &mut PgConnection) -> Result<Self> {
        let rows: Vec<(String, String, i64)> =
            sqlx::query_as("SELECT target, rule, count(*) FROM sync_audit GROUP BY 1, 2").fetch_all(hub).await?;
        Ok(Self(rows.into_iter().map(|(target, rule, count)| ((target, rule), count)).collect()))
    }

    pub(super) fn since(&self, earlier: &Self) -> Self {
        let added = |key: &(String, String), count: &i64| count - earlier.0.get(key).copied().unwrap_or_default();
        Self(self.0.iter().map(|(key, count)| (key.clone(), added(key, count))).collect())
    }

    /// `target`: the side that was written to.
    pub(super) fn count(&self, target: &str, rule: &str) -> u64 {
        let count = self.0.get(&(target.to_owned(), rule.to_owned())).copied().unwrap_or_default();
        u64::try_from(count).unwrap_or_default()
    }
}

/// How long runs took, from their first call to their last answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RunTimes {
    /// Ascending, in milliseconds.
    sorted: Vec<u64>,
}

impl RunTimes {
    /// Of the runs that wrote: such a run ends with the write that sets another status than `syncing`.
    pub(super) fn of_writing_runs(entries: &[JournalEntry], beteiligte: &[FirmBeteiligter]) -> Self {
        let mut times = Vec::new();
        for calls in by_beteiligter(entries, beteiligte) {
            let mut start = None;
            let mut announced = false;
            for call in calls {
                let status = call.request.as_ref().and_then(|body| body.get("syncStatus"));
                match (call.operation, status) {
                    // A look that led to nothing was a run of its own.
                    (Operation::EspoGet, _) if !announced => start = Some(call.started_milliseconds),
                    (Operation::EspoPut, Some(status)) if *status == json!("syncing") => announced = true,
                    (Operation::EspoPut, Some(_)) => {
                        times.extend(start.take().and_then(|start| Some(call.finished_milliseconds? - start)));
                        announced = false;
                    }
                    _ => {}
                }
            }
        }
        Self::sorted(times)
    }

    /// Where every Beteiligter had one run.
    pub(super) fn of_single_runs(entries: &[JournalEntry], beteiligte: &[FirmBeteiligter]) -> Self {
        let time = |calls: Vec<&JournalEntry>| {
            let start = calls.iter().map(|call| call.started_milliseconds).min()?;
            Some(calls.iter().filter_map(|call| call.finished_milliseconds).max()? - start)
        };
        Self::sorted(by_beteiligter(entries, beteiligte).filter_map(time).collect())
    }

    fn sorted(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        Self { sorted: times }
    }

    /// The time that so many percent of the runs did not exceed.
    pub(super) fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.sorted.len() * percent).div_ceil(100).max(1);
        self.sorted.get(rank - 1).map(|milliseconds| Duration::from_millis(*milliseconds))
    }
}

/// The calls about each Beteiligter, in order of arrival.
fn by_beteiligter<'a>(
    entries: &'a [JournalEntry],
    beteiligte: &[FirmBeteiligter],
) -> impl Iterator<Item = Vec<&'a JournalEntry>> {
    let numbers: HashMap<&str, i64> = beteiligte.iter().map(|one| (one.espo_id.as_str(), one.betnr)).collect();
    let mut calls: BTreeMap<i64, Vec<&JournalEntry>> = BTreeMap::new();
    for entry in entries {
        let Some(key) = entry.keys.first() else { continue };
        let betnr = match entry.system {
            System::Advoware => key.parse().ok(),
            System::Espocrm => numbers.get(key.as_str()).copied(),
            System::Google => None,
        };
        if let Some(betnr) = betnr {
            calls.entry(betnr).or_default().push(entry);
        }
    }
    calls.into_values()
}

/// How many records have been looked at so far, and when the last was.
pub(super) async fn looked_at(hub: &mut PgConnection, since: Option<Look>) -> Result<u64> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM beteiligte WHERE $1 IS NULL OR looked_at > $1")
        .bind(since.map(|look| look.0))
        .fetch_one(hub)
        .await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// A moment by the workers' clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look(chrono::DateTime<chrono::Utc>);

pub(super) async fn last_look(hub: &mut PgConnection) -> Result<Option<Look>> {
    let last: Option<chrono::DateTime<chrono::Utc>> =
        sqlx::query_scalar("SELECT max(looked_at) FROM beteiligte").fetch_one(hub).await?;
    Ok(last.map(Look))
}

/// Closes politely, so that nothing is logged about a lost connection.
pub(super) async fn close(hub: PgConnection) -> Result<()> {
    Ok(hub.close().await?)
}
