//! `requeue`

use std::collections::HashSet;

use domain::ids::EspoId;
use domain::job::Wants;
use domain::kommunikation::Direction;
use serde_json::json;
use shared::queue::{Asker, JobId, Queue, QueueError};
use shared::settings::RedisSettings;

use super::report::Report;
use super::{CommandError, connect, record_ids};
use crate::cli::Requeue;
use crate::listing::Tally;

/// Dead jobs read at once.
const DEAD_PAGE: usize = 1000;

/// Makes the records run again. Their dead jobs go back first, counters reset; the trigger after it adds what is wanted and serves
/// those that had none.
pub(super) async fn requeue(redis: &RedisSettings, arguments: &Requeue) -> Result<Report, CommandError> {
    let ids = record_ids::parse(&arguments.ids)?;
    let wants = Wants::sync(Direction::Both);
    let wants = if arguments.approve_deletions { wants.approving_deletions() } else { wants };
    let queue = connect(redis).await?;
    let dead = queue.requeue(&dead_jobs_of(&queue, &ids).await?).await?;
    let mut tally = Tally::default();
    tally.enqueue(&queue, &ids, wants, Asker::Operator).await?;
    Ok(Report {
        text: format!("{} records queued; {dead} dead jobs went back to work", tally.queued),
        json: json!({"requeued": tally.queued, "dead": dead}),
        found_something: false,
    })
}

/// Collected before any goes back, so that the pages do not move below us.
async fn dead_jobs_of(queue: &Queue, ids: &[EspoId]) -> Result<Vec<JobId>, QueueError> {
    let entities: HashSet<&str> = ids.iter().map(EspoId::as_str).collect();
    let mut jobs = Vec::new();
    for offset in (0..).step_by(DEAD_PAGE) {
        let page = queue.dead(offset, DEAD_PAGE).await?;
        let is_last = page.len() < DEAD_PAGE;
        jobs.extend(page.into_iter().filter(|job| entities.contains(job.entity.as_str())).map(|job| job.job));
        if is_last {
            break;
        }
    }
    Ok(jobs)
}
