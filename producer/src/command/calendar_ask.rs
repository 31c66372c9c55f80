//! Asks a worker to do something to one employee's calendar, under the employee's lease, and waits for its answer. So it never runs beside
//! a sync: a request during a run waits for the run after it (J2).

use domain::ids::Kuerzel;
use domain::job::Wants;
use shared::clock::Clock;
use shared::hub::Hub;
use shared::hub::calendar::{CalendarAsked, Leftover};
use shared::queue::{Asker, NewJob, Queue, QueueName};
use shared::settings::RedisSettings;
use shared::traces::{self, Origin};
use uuid::Uuid;

use super::calendar::TriggerError;
use super::report::Report;
use super::{CommandError, ask, connect};
use crate::cli::Wait;
use crate::operator::{Act, Action, Of, Operator};

pub(super) async fn ask(
    hub: &Hub,
    redis: &RedisSettings,
    kuerzel: &Kuerzel,
    asked: &CalendarAsked,
    wait: Wait,
) -> Result<Report, CommandError> {
    let work = carry_out(hub, redis, kuerzel, asked, wait);
    Operator::of_command(hub).noted_as(vec![action(kuerzel, asked)], ask::is_done, work).await
}

/// As it is noted.
pub(super) fn action(kuerzel: &Kuerzel, asked: &CalendarAsked) -> Action {
    let (act, detail) = match asked {
        CalendarAsked::Restore(entry) => (Act::Restore, Some(entry.to_string())),
        CalendarAsked::Remove(Leftover::Duplicate, _) => (Act::DeleteDuplicates, None),
        CalendarAsked::Remove(Leftover::Orphaned, _) => (Act::CleanupOrphaned, None),
        CalendarAsked::Rebuild => (Act::RebuildHub, None),
    };
    Action { act, of: Of::one(QueueName::Calendar, kuerzel.as_str()).with(detail) }
}

/// As [`ask`], for who notes it.
pub(super) async fn carry_out(
    hub: &Hub,
    redis: &RedisSettings,
    kuerzel: &Kuerzel,
    asked: &CalendarAsked,
    wait: Wait,
) -> Result<Report, CommandError> {
    let queue = connect(redis, QueueName::Calendar).await?;
    let request = put(hub, &queue, kuerzel, asked).await?;
    ask::answer(hub, request, wait).await
}

/// Hands a request to a worker and does not wait. It stands in the hub before the queue knows of it, so no worker misses it; where the
/// queue does not take it, it is taken back.
pub(crate) async fn put(
    hub: &Hub,
    queue: &Queue,
    kuerzel: &Kuerzel,
    asked: &CalendarAsked,
) -> Result<Uuid, TriggerError> {
    let request = hub.ask_calendar(kuerzel, asked, Clock::system().now()).await?;
    let job = NewJob { entity: kuerzel.to_string(), wants: Wants::calendar() };
    let enqueued = traces::begin(Origin::Command, "ask calendar", queue.enqueue(&[job], Asker::Operator)).await;
    if let Err(error) = enqueued {
        hub.withdraw_request(request).await?;
        return Err(error.into());
    }
    tracing::info!(%request, %kuerzel, "operator: asked a worker");
    Ok(request)
}
