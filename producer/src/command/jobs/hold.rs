//! `jobs counts`, `jobs pause`, `jobs resume`

use serde_json::json;
use shared::queue::{Counts, Queue, QueueError};

use crate::command::report::Report;
use crate::command::table::table;

/// How full the queues are.
pub(super) async fn counts(queues: &[Queue]) -> Result<Report, QueueError> {
    let (mut rows, mut json) = (Vec::new(), Vec::new());
    for queue in queues {
        let name = queue.name().as_str();
        let Counts { ready, delayed, running, dead, oldest_ready, workers, is_paused } = queue.counts().await?;
        let oldest_ready_seconds = oldest_ready.as_secs_f64();
        json.push(json!({
            "queue": name, "ready": ready, "delayed": delayed, "running": running, "dead": dead,
            "oldest_ready_seconds": oldest_ready_seconds, "workers": workers, "paused": is_paused,
        }));
        let depths = [ready, delayed, running, dead].map(|count| count.to_string());
        let [ready, delayed, running, dead] = depths;
        let oldest = format!("{oldest_ready_seconds:.1} s");
        let paused = if is_paused { "paused" } else { "no" };
        rows.push([name.to_owned(), ready, delayed, running, dead, oldest, workers.to_string(), paused.to_owned()]);
    }
    let titles = ["QUEUE", "READY", "DELAYED", "RUNNING", "DEAD", "OLDEST READY", "WORKERS", "PAUSED"];
    Ok(Report { text: table(titles, &rows), json: json.into(), found_something: false })
}

/// From now on nobody starts jobs.
pub(super) async fn pause(queues: &[Queue]) -> Result<Report, QueueError> {
    for queue in queues {
        queue.pause().await?;
        tracing::info!(queue = queue.name().as_str(), "operator: paused");
    }
    let next = "runs that are going on end, new work is queued; `jobs resume` lets it go";
    Ok(report(queues, "paused", next))
}

/// Work goes on.
pub(super) async fn resume(queues: &[Queue]) -> Result<Report, QueueError> {
    for queue in queues {
        queue.resume().await?;
        tracing::info!(queue = queue.name().as_str(), "operator: resumed");
    }
    Ok(report(queues, "resumed", "`jobs counts` shows how far the work is"))
}

fn report(queues: &[Queue], done: &str, next: &str) -> Report {
    let names: Vec<_> = queues.iter().map(|queue| queue.name().as_str()).collect();
    Report { text: format!("{done}: {}; {next}", names.join(", ")), json: json!({done: names}), found_something: false }
}
