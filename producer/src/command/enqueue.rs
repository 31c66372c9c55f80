//! `enqueue beteiligte`

use domain::ids::EspoId;
use domain::job::Wants;
use domain::kommunikation::Direction;
use serde_json::json;
use shared::espocrm::{Espocrm, Filter};
use shared::queue::{Asker, Queue, QueueName};
use shared::settings::{ProducerSettings, RedisSettings};
use shared::traces::{self, Origin};

use super::report::Report;
use super::{CommandError, connect, record_ids};
use crate::cli::EnqueueBeteiligte;
use crate::listing::{ListingError, Pages, Tally};
use crate::operator::{Act, Action, Of, Operator};

/// Queues single records for an operator: those in back-off come forward.
pub(super) async fn some(
    redis: &RedisSettings,
    operator: &Operator,
    arguments: &EnqueueBeteiligte,
) -> Result<Report, CommandError> {
    let ids = record_ids::parse(&arguments.ids)?;
    let mut tally = Tally::default();
    let queue = connect(redis, QueueName::Beteiligte).await?;
    let enqueue = tally.enqueue(&queue, &ids, Wants::sync(arguments.direction), Asker::Operator);
    let enqueue = traces::begin(Origin::Command, "enqueue beteiligte", enqueue);
    let named: Vec<&str> = ids.iter().map(EspoId::as_str).collect();
    let never_seen = record_ids::never_seen(operator.hub(), &named).await;
    let actions = Action::on_each(Act::Enqueue, QueueName::Beteiligte, named, one_way(arguments.direction));
    operator.noted(actions, enqueue).await?;
    tracing::info!(queue = queue.name().as_str(), queued = tally.queued, "operator: records queued");
    let mut report = report(tally);
    report.text.push_str(&record_ids::never_seen_text(&never_seen));
    report.json["never_seen"] = json!(never_seen);
    report.found_something |= !never_seen.is_empty();
    Ok(report)
}

/// Queues every record that EspoCRM has, as a scan does: who asks for all does not mean those that fail, and does not want the
/// webhooks to wait.
pub(super) async fn everything(settings: &ProducerSettings, direction: Direction) -> Result<Report, CommandError> {
    let espocrm = Espocrm::new(&settings.espocrm)?;
    let queue = connect(&settings.redis, QueueName::Beteiligte).await?;
    let mut tally = Tally::default();
    let walk = enqueue_all(&espocrm, &queue, Wants::sync(direction), &mut tally);
    let walk = traces::begin(Origin::Command, "enqueue all beteiligte", walk);
    let of = Of::flow(Some(QueueName::Beteiligte)).with(one_way(direction).map(str::to_owned));
    let operator = Operator::of_command_without(Some(&settings.postgres));
    let walked = operator.noted(vec![Action { act: Act::EnqueueAll, of }], walk).await;
    operator.leave().await;
    match walked {
        Ok(()) => {
            tracing::info!(queue = queue.name().as_str(), queued = tally.queued, "operator: all records queued");
            Ok(report(tally))
        }
        Err(cause) => Err(CommandError::Listing { queued: tally.queued, cause }),
    }
}

/// What differs from a usual sync.
fn one_way(direction: Direction) -> Option<&'static str> {
    (direction != Direction::Both).then(|| direction.name())
}

/// On an error `tally` says how many are queued already.
pub(crate) async fn enqueue_all(
    espocrm: &Espocrm,
    queue: &Queue,
    wants: Wants,
    tally: &mut Tally,
) -> Result<(), ListingError> {
    let mut pages = Pages::of(espocrm, Filter::All);
    while let Some(page) = pages.next().await? {
        let ids: Vec<_> = page.records.into_iter().map(|record| record.id).collect();
        tally.enqueue(queue, &ids, wants, Asker::Scan).await?;
        tally.unreadable += page.unreadable as usize;
    }
    Ok(())
}

pub(super) fn report(tally: Tally) -> Report {
    let Tally { queued, new, merged, dead, unreadable } = tally;
    let left_dead = match dead {
        0 => String::new(),
        count => format!("; {count} left in the dead set: look at `jobs list dead`, then requeue"),
    };
    let left_out = match unreadable {
        0 => String::new(),
        count => format!("; {count} list entries of EspoCRM could not be read and were left out"),
    };
    let text = format!("{queued} queued: {new} new, {merged} merged into work that waits or runs{left_dead}{left_out}");
    let json = json!({"queued": queued, "new": new, "merged": merged, "dead": dead, "unreadable": unreadable});
    Report { text, json, found_something: unreadable + dead > 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_counts_and_tells_what_was_left_out() {
        let done = report(Tally { queued: 5, new: 3, merged: 2, ..Tally::default() });
        assert_eq!(done.text, "5 queued: 3 new, 2 merged into work that waits or runs");
        assert_eq!(done.json, json!({"queued": 5, "new": 3, "merged": 2, "dead": 0, "unreadable": 0}));
        assert!(!done.found_something);
        assert!(report(Tally { unreadable: 1, ..Tally::default() }).found_something);
        let left = report(Tally { dead: 2, ..Tally::default() });
        assert!(left.found_something && left.text.contains("2 left in the dead set"), "{left:?}");
    }
}
