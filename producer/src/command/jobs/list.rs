//! `jobs list`, `jobs show`

use serde_json::json;
use shared::queue::{JobState, JobView, Queue, QueueError, QueueName};

use super::find::{self, Found};
use super::view::{JsonJob, time_of, time_title};
use crate::cli::ListJobs;
use crate::command::report::Report;
use crate::command::table::table;
use crate::printable::one_line;

/// A page of the jobs in one state.
pub(super) async fn list(queues: &[Queue], arguments: &ListJobs) -> Result<Report, QueueError> {
    let (offset, limit) = (arguments.offset as usize, usize::from(arguments.limit));
    let (mut jobs, mut has_more) = (Vec::new(), false);
    for queue in queues {
        let page = queue.list(arguments.state, offset, limit).await?;
        has_more |= page.len() == limit;
        jobs.extend(page.into_iter().map(|view| (queue.name(), view)));
    }
    let mut lines = vec![if jobs.is_empty() {
        format!("no {} jobs", arguments.state.name())
    } else {
        as_table(arguments.state, &jobs)
    }];
    if has_more {
        lines.push(format!("There may be more: give --offset {}.", offset + limit));
    }
    if arguments.state == JobState::Dead && !jobs.is_empty() {
        lines.push(
            "`requeue <id>` or `requeue --reason TEXT` puts them back to work, `jobs delete <id>` removes one."
                .to_owned(),
        );
    }
    if jobs.iter().any(|(_, job)| job.state == JobState::Delayed && job.reason.is_empty()) {
        lines.push(
            "Without a reason: put off, for a system that is down or busy (`doctor` says which), or spread by `requeue --spread`."
                .to_owned(),
        );
    }
    Ok(Report { text: lines.join("\n"), json: as_json(&jobs), found_something: false })
}

/// Everything about single jobs.
pub(super) async fn show(queues: &[Queue], ids: &[String]) -> Result<Report, QueueError> {
    let Found { jobs, unknown } = find::named(queues, ids).await?;
    let shown = jobs.iter().map(|(queue, view)| JsonJob::new(*queue, view).lines());
    let missing = |position| format!("id number {position}: there is no such job; a finished one leaves nothing");
    let text = shown.chain(unknown.iter().map(missing)).collect::<Vec<_>>().join("\n\n");
    Ok(Report { text, json: as_json(&jobs), found_something: !unknown.is_empty() })
}

fn as_json(jobs: &[(QueueName, JobView)]) -> serde_json::Value {
    jobs.iter().map(|(queue, view)| json!(JsonJob::new(*queue, view))).collect()
}

fn as_table(state: JobState, jobs: &[(QueueName, JobView)]) -> String {
    let row = |(queue, view): &(QueueName, JobView)| {
        [
            one_line(&view.job.to_string()),
            queue.as_str().to_owned(),
            view.state.name().to_owned(),
            one_line(&view.entity),
            time_of(view),
            view.starts.to_string(),
            view.failures.to_string(),
            view.crashes.to_string(),
            one_line(&view.reason),
        ]
    };
    let titles = ["ID", "QUEUE", "STATE", "ENTITY", time_title(state), "STARTS", "FAILURES", "CRASHES", "REASON"];
    table(titles, &jobs.iter().map(row).collect::<Vec<_>>())
}
