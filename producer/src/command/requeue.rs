//! `requeue`

use domain::job::Wants;
use domain::kommunikation::Direction;
use serde_json::json;
use shared::queue::Asker;
use shared::settings::RedisSettings;

use super::report::Report;
use super::{CommandError, connect, record_ids};
use crate::cli::Requeue;
use crate::listing::Tally;

/// Makes the records run again: dead jobs go back to work, those in back-off come forward, counters start anew, and those that had no
/// job get one.
pub(super) async fn requeue(redis: &RedisSettings, arguments: &Requeue) -> Result<Report, CommandError> {
    let ids = record_ids::parse(&arguments.ids)?;
    let wants = Wants::sync(Direction::Both);
    let wants = if arguments.approve_deletions { wants.approving_deletions() } else { wants };
    let queue = connect(redis).await?;
    let mut tally = Tally::default();
    tally.enqueue(&queue, &ids, wants, Asker::Requeue).await?;
    Ok(Report {
        text: format!("{} records queued", tally.queued),
        json: json!({"requeued": tally.queued}),
        found_something: false,
    })
}
