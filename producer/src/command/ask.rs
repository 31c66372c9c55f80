//! Asks a worker to do something to one record, under the record's lease, and waits for its answer.

use std::time::Duration;

use domain::ids::EspoId;
use domain::job::Wants;
use domain::kommunikation::Direction;
use serde_json::json;
use shared::clock::Clock;
use shared::hub::{Asked, Hub};
use shared::queue::{Asker, NewJob, Queue, QueueName};
use shared::settings::RedisSettings;
use shared::traces::{self, Origin};
use tokio::time::Instant;
use uuid::Uuid;

use super::calendar::TriggerError;
use super::report::Report;
use super::{CommandError, connect};
use crate::cli::Wait;
use crate::operator::{Act, Action, Of, Operator};

const LOOK_INTERVAL: Duration = Duration::from_millis(100);

pub(super) async fn ask(
    hub: &Hub,
    redis: &RedisSettings,
    id: &EspoId,
    asked: &Asked,
    wait: Wait,
) -> Result<Report, CommandError> {
    let (act, detail) = match asked {
        Asked::Apply(hash) => (Act::Apply, hash.clone()),
        Asked::Restore(entry) => (Act::Restore, entry.to_string()),
        Asked::Decide(side) => (Act::Decide, side.name().to_owned()),
    };
    let action = Action { act, of: Of::one(QueueName::Beteiligte, id.as_str()).with(Some(detail)) };
    let work = async {
        let queue = connect(redis, QueueName::Beteiligte).await?;
        let request = put(hub, &queue, id, asked).await?;
        answer(hub, request, wait).await
    };
    Operator::of_command(hub).noted_as(vec![action], is_done, work).await
}

/// Whether the worker did what was asked: it may also have refused.
pub(super) fn is_done(answer: &Report) -> bool {
    !answer.found_something
}

/// Hands a request to a worker and does not wait. It stands in the hub before the queue knows of it, so no worker misses it; where the
/// queue does not take it, it is taken back.
pub(crate) async fn put(hub: &Hub, queue: &Queue, id: &EspoId, asked: &Asked) -> Result<Uuid, TriggerError> {
    let request = hub.ask(id, asked, Clock::system().now()).await?;
    // A decision and what was put back are for the sync that follows; a plan is all that is wanted.
    let wants = match asked {
        Asked::Apply(_) => Wants::request(),
        Asked::Restore(_) | Asked::Decide(_) => Wants::sync(Direction::Both),
    };
    let job = NewJob { entity: id.to_string(), wants };
    let enqueued = traces::begin(Origin::Command, "ask beteiligte", queue.enqueue(&[job], Asker::Operator)).await;
    if let Err(error) = enqueued {
        hub.withdraw_request(request).await?;
        return Err(error.into());
    }
    tracing::info!(%request, id = %id, "operator: asked a worker");
    Ok(request)
}

/// Waits for the answer; a request that nobody answered is taken back.
pub(super) async fn answer(hub: &Hub, request: Uuid, wait: Wait) -> Result<Report, CommandError> {
    let until = Instant::now() + wait.at_most;
    loop {
        if let Some(answer) = hub.request_answer(request).await? {
            let outcome = if answer.is_done { "done" } else { "refused" };
            return Ok(Report {
                text: format!("{outcome}: {}", answer.text),
                json: json!({"outcome": outcome, "answer": answer.text}),
                found_something: !answer.is_done,
            });
        }
        if Instant::now() >= until {
            hub.withdraw_request(request).await?;
            return Err(CommandError::NotAnswered { waited: wait.at_most });
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}
