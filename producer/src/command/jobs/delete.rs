//! `jobs delete`

use serde_json::json;
use shared::queue::{JobId, JobState, Queue, QueueError};

use super::find::{self, Found};
use crate::cli::{DeleteJobs, Selection};
use crate::command::report::Report;
use crate::command::requeue::with_dry;
use crate::operator::{Act, Action, Operator};

pub(super) async fn delete(
    queues: &[Queue],
    operator: &Operator,
    arguments: &DeleteJobs,
) -> Result<Report, QueueError> {
    match &arguments.selection {
        Some(selection) if arguments.apply => {
            let action = selection.action(Act::DeleteAll, Act::DeleteAlike, arguments.of.queue);
            operator.noted(vec![action], alike(queues, selection, false)).await
        }
        Some(selection) => alike(queues, selection, true).await,
        None => named(queues, operator, &arguments.ids).await,
    }
}

/// Dead jobs that match; `is_dry`: only says how many.
async fn alike(queues: &[Queue], selection: &Selection, is_dry: bool) -> Result<Report, QueueError> {
    let matching = selection.matching_dead();
    let mut deleted = 0;
    for queue in queues {
        if is_dry {
            deleted += queue.count(&matching).await?;
        } else {
            deleted += logged(queue, queue.delete(&matching).await?);
        }
    }
    let text = if is_dry {
        format!("dead jobs that would be deleted for good: {deleted}; give the command with --apply")
    } else {
        format!("dead jobs deleted: {deleted}")
    };
    Ok(Report { text, json: with_dry(json!({"deleted": deleted}), is_dry), found_something: false })
}

/// Dead jobs by their ids; others stay and are told.
async fn named(queues: &[Queue], operator: &Operator, ids: &[String]) -> Result<Report, QueueError> {
    let Found { jobs, unknown } = find::named(queues, ids).await?;
    let mut deleted = 0;
    for queue in queues {
        let is_meant = |name, state| name == queue.name() && state == JobState::Dead;
        let dead = jobs.iter().filter(|(name, view)| is_meant(*name, view.state));
        let dead: Vec<JobId> = dead.map(|(_, view)| view.job.clone()).collect();
        if !dead.is_empty() {
            let entities = dead.iter().map(JobId::entity);
            let actions = Action::on_each(Act::DeleteDead, queue.name(), entities, None);
            deleted += logged(queue, operator.noted(actions, queue.delete_dead(&dead)).await?);
        }
    }
    let left = (jobs.len() as u64).saturating_sub(deleted);
    let mut told = vec![format!("dead jobs deleted: {deleted}")];
    if left > 0 {
        told.push(format!("kept, because not dead: {left}, `jobs show <id>` tells what it waits for"));
    }
    if !unknown.is_empty() {
        told.push(format!("ids that name no job: {}, `jobs list dead` shows those that there are", unknown.len()));
    }
    let json = json!({"deleted": deleted, "not_dead": left, "unknown": unknown.len()});
    Ok(Report { text: told.join("; "), json, found_something: left > 0 || !unknown.is_empty() })
}

fn logged(queue: &Queue, deleted: u64) -> u64 {
    tracing::info!(queue = queue.name().as_str(), deleted, "operator: dead jobs deleted");
    deleted
}
