//! `requeue`, and what it shares with `POST /requeue`.

use std::collections::HashSet;
use std::time::Duration;

use domain::ids::Kuerzel;
use domain::job::Wants;
use domain::kommunikation::Direction;
use serde_json::json;
use shared::hub::Hub;
use shared::queue::{Asker, JobId, Matching, NewJob, Queue, QueueName, Seen};
use shared::settings::{PostgresSettings, RedisSettings};
use shared::traces::{self, Origin};

use super::calendar::TriggerError;
use super::record_ids::{self, Named};
use super::report::Report;
use super::{CommandError, connect, connect_all};
use crate::cli::{Requeue, Selection};
use crate::operator::{Act, Action, Of, Operator};

/// What became of a requeue by ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Requeued {
    /// Entities that run again.
    pub(crate) queued: usize,
    /// Ids that were left alone: of a job that is finished or replaced by a later one, or of an employee that the hub does not know.
    pub(crate) unknown: usize,
    /// Of the queued records, those that no run has seen yet.
    pub(crate) never_seen: Vec<String>,
}

/// What a person takes responsibility for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Approved {
    /// Held deletions are carried out (K1a).
    pub(crate) deletions: bool,
    /// A record whose creation has an unknown outcome is created again (B2b).
    pub(crate) creation: bool,
}

impl Approved {
    fn by(arguments: &Requeue) -> Self {
        Self { deletions: arguments.approve_deletions, creation: arguments.create_again }
    }

    /// As it is noted.
    fn actions(self, queue: QueueName, ids: &[Named]) -> Vec<Action> {
        let approvals = [(self.deletions, Act::ApproveDeletions), (self.creation, Act::CreateAgain)];
        let mut acts: Vec<Act> = approvals.into_iter().filter_map(|(is_given, act)| is_given.then_some(act)).collect();
        if acts.is_empty() {
            acts.push(Act::Requeue);
        }
        let entities = || ids.iter().map(|one| one.entity.as_str());
        acts.into_iter().flat_map(|act| Action::on_each(act, queue, entities(), None)).collect()
    }
}

pub(super) async fn requeue(
    postgres: &PostgresSettings,
    redis: &RedisSettings,
    arguments: &Requeue,
) -> Result<Report, CommandError> {
    let is_dry = arguments.dry_run;
    // Connects where it is needed: for calendars.
    let hub = Hub::new(postgres.connect_options());
    let operator = Operator::of_command(&hub);
    let report = if let Some(selection) = &arguments.selection {
        let queues = connect_all(redis, arguments.queue).await?;
        let spread = arguments.spread.unwrap_or_default();
        let matching = selection.matching_failed();
        let work = alike(&hub, &queues, &matching, spread, is_dry);
        let work = traces::begin(Origin::Command, "requeue", work);
        let action = selection.action(Act::RequeueAll, Act::RequeueAlike, arguments.queue);
        let actions = if is_dry { Vec::new() } else { vec![action] };
        report_alike(operator.noted(actions, work).await?, is_dry)
    } else {
        let queue = arguments.queue.unwrap_or(QueueName::Beteiligte);
        let ids = record_ids::parse_named(&arguments.ids, queue)?;
        let queue = connect(redis, queue).await?;
        let approved = Approved::by(arguments);
        let work = named(&hub, &queue, &ids, approved, is_dry);
        let work = traces::begin(Origin::Command, "requeue", work);
        let actions = if is_dry { Vec::new() } else { approved.actions(queue.name(), &ids) };
        report_named(&operator.noted(actions, work).await?, is_dry)
    };
    hub.close().await;
    Ok(report)
}

/// Makes these entities run again: dead jobs go back to work, those in back-off come forward, counters start anew, and an entity
/// that had no job gets one. An employee's failed rows are tried again, too. A job id means that job only. `is_dry`: only tells.
pub(crate) async fn named(
    hub: &Hub,
    queue: &Queue,
    ids: &[Named],
    approved: Approved,
    is_dry: bool,
) -> Result<Requeued, TriggerError> {
    let single: Vec<String> = ids.iter().filter(|one| one.job.is_some()).map(|one| one.entity.clone()).collect();
    let there: HashSet<JobId> = queue.show(&single).await?.into_iter().map(|view| view.job).collect();
    let employees = match queue.name() {
        QueueName::Beteiligte => None,
        QueueName::Calendar => {
            let employees = hub.employees().await?.into_iter();
            Some(employees.map(|employee| employee.kuerzel.to_string()).collect::<HashSet<_>>())
        }
    };
    let is_there = |one: &&Named| {
        one.job.as_ref().is_none_or(|job| there.contains(job))
            && employees.as_ref().is_none_or(|employees| employees.contains(&one.entity))
    };
    let unknown = ids.iter().filter(|one| !is_there(one)).count();
    let mut seen = HashSet::new();
    let entities = ids.iter().filter(is_there).map(|one| one.entity.as_str());
    let entities: Vec<&str> = entities.filter(|entity| seen.insert(*entity)).collect();
    let never_seen = match queue.name() {
        QueueName::Beteiligte => record_ids::never_seen(Some(hub), &entities).await,
        QueueName::Calendar => Vec::new(),
    };
    if !is_dry {
        match queue.name() {
            QueueName::Beteiligte => {}
            QueueName::Calendar => {
                let employees: Vec<Kuerzel> = entities.iter().filter_map(|text| Kuerzel::parse(text).ok()).collect();
                reset_rows(hub, &employees).await?;
            }
        }
        let wants = wants(queue.name(), approved);
        let jobs: Vec<_> = entities.iter().map(|entity| NewJob { entity: (*entity).to_owned(), wants }).collect();
        queue.enqueue(&jobs, Asker::Requeue).await?;
        let (queue, Approved { deletions: approves_deletions, creation: creates_again }) =
            (queue.name().as_str(), approved);
        tracing::info!(queue, requeued = jobs.len(), approves_deletions, creates_again, "operator: requeued by id");
    }
    Ok(Requeued { queued: entities.len(), unknown, never_seen })
}

/// Puts all jobs that match back to work, counters reset, and tells how many; `is_dry`: only tells.
pub(crate) async fn alike(
    hub: &Hub,
    queues: &[Queue],
    matching: &Matching,
    spread: Duration,
    is_dry: bool,
) -> Result<u64, TriggerError> {
    // Failed rows have no age in the dead set, and their reason is not their job's.
    let is_all = *matching == Matching { includes_failed: true, ..Matching::default() };
    let mut requeued = 0;
    for queue in queues {
        let has_rows = is_all && queue.name() == QueueName::Calendar;
        // Before the jobs are put back: those that are found again here are counted there.
        let without_job = if has_rows { failed_without_job(hub, queue).await? } else { Vec::new() };
        requeued += without_job.len() as u64;
        if is_dry {
            requeued += queue.count(matching).await?;
            continue;
        }
        let of_queue = queue.requeue(matching, spread).await?;
        if has_rows {
            reset_rows(hub, &hub.employees_with_failed_rows().await?).await?;
            let wants = wants(queue.name(), Approved::default());
            let jobs: Vec<_> = without_job.into_iter().map(|entity| NewJob { entity, wants }).collect();
            queue.enqueue(&jobs, Asker::Requeue).await?;
        }
        let (queue, spread_seconds) = (queue.name().as_str(), spread.as_secs_f64());
        tracing::info!(queue, requeued = of_queue, spread_seconds, "operator: requeued all that match");
        requeued += of_queue;
    }
    Ok(requeued)
}

/// Employees with failed rows that have no job which would be put back.
async fn failed_without_job(hub: &Hub, queue: &Queue) -> Result<Vec<String>, TriggerError> {
    let failed: Vec<String> = hub.employees_with_failed_rows().await?.iter().map(Kuerzel::to_string).collect();
    let seen = queue.look(&failed).await?;
    let is_put_back = |entity: &String| match seen.get(entity) {
        Some(Seen::Waiting | Seen::Dead { .. }) => true,
        Some(Seen::Running { .. }) | None => false,
    };
    Ok(failed.into_iter().filter(|entity| !is_put_back(entity)).collect())
}

async fn reset_rows(hub: &Hub, employees: &[Kuerzel]) -> Result<(), TriggerError> {
    for kuerzel in employees {
        let rows = hub.reset_rows(kuerzel).await?;
        if rows > 0 {
            tracing::info!(%kuerzel, rows, "operator: failed rows are tried again");
        }
    }
    Ok(())
}

impl Selection {
    /// Dead jobs, and those in back-off after a failure.
    fn matching_failed(&self) -> Matching {
        Matching { includes_failed: true, ..self.matching_dead() }
    }

    /// As it is noted: `of_all`, or `alike` by these kinds. What stands in a reason is nobody's to keep.
    pub(super) fn action(&self, of_all: Act, alike: Act, flow: Option<QueueName>) -> Action {
        let kinds = [
            (self.reason.is_some(), "reason"),
            (self.older_than.is_some(), "older than"),
            (self.younger_than.is_some(), "younger than"),
        ];
        let kinds: Vec<&str> = kinds.into_iter().filter_map(|(is_given, kind)| is_given.then_some(kind)).collect();
        if kinds.is_empty() {
            return Action { act: of_all, of: Of::flow(flow) };
        }
        Action { act: alike, of: Of::flow(flow).with(Some(kinds.join(", "))) }
    }

    /// Dead jobs only.
    pub(super) fn matching_dead(&self) -> Matching {
        Matching {
            reason: self.reason.clone().unwrap_or_default(),
            died_within: self.younger_than,
            died_before: self.older_than,
            includes_failed: false,
        }
    }
}

/// What a run is asked for that a person wants again.
fn wants(queue: QueueName, approved: Approved) -> Wants {
    let mut wants = match queue {
        QueueName::Beteiligte => Wants::sync(Direction::Both),
        QueueName::Calendar => Wants::calendar(),
    };
    if approved.deletions {
        wants = wants.approving_deletions();
    }
    if approved.creation {
        wants = wants.creating_again();
    }
    wants
}

fn report_alike(requeued: u64, is_dry: bool) -> Report {
    let text = if is_dry {
        format!("would go back to work: {requeued}; give the command without --dry-run")
    } else {
        format!("back at work: {requeued}; `jobs counts` shows how far they are")
    };
    Report { text, json: with_dry(json!({"requeued": requeued}), is_dry), found_something: false }
}

fn report_named(requeued: &Requeued, is_dry: bool) -> Report {
    let Requeued { queued, unknown, never_seen } = requeued;
    let (queued, unknown) = (*queued, *unknown);
    let left_out = match unknown {
        0 => String::new(),
        count => format!(
            "; ids of nobody or of no job any more: {count}, give the id of the record or employee to run it all the same"
        ),
    };
    let left_out = left_out + &record_ids::never_seen_text(never_seen);
    let text = if is_dry {
        format!("would be queued: {queued}; give the command without --dry-run{left_out}")
    } else {
        format!("queued: {queued}{left_out}")
    };
    let json = with_dry(json!({"requeued": queued, "unknown": unknown, "never_seen": never_seen}), is_dry);
    Report { text, json, found_something: unknown > 0 || !never_seen.is_empty() }
}

/// Machines are told in so many words that nothing was changed.
pub(crate) fn with_dry(mut answer: serde_json::Value, is_dry: bool) -> serde_json::Value {
    if is_dry {
        answer["dry_run"] = json!(true);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_says_so() {
        let dry = report_alike(3, true);
        assert_eq!(dry.json, json!({"requeued": 3, "dry_run": true}));
        assert!(dry.text.starts_with("would go back to work: 3;"), "{}", dry.text);
        assert_eq!(report_alike(3, false).json, json!({"requeued": 3}));
    }

    #[test]
    fn ids_of_jobs_that_are_gone_are_told() {
        let left = report_named(&Requeued { queued: 1, unknown: 2, ..Requeued::default() }, false);
        assert!(left.found_something && left.text.contains("of no job any more: 2"), "{left:?}");
        let unseen = report_named(&Requeued { queued: 1, unknown: 0, never_seen: vec!["abc".to_owned()] }, false);
        assert!(unseen.found_something && unseen.text.contains("never seen by a run: 1 (abc)"), "{unseen:?}");
    }

    #[test]
    fn failed_jobs_are_meant_beside_dead_ones_only_by_requeue() {
        let selection = Selection {
            all: false,
            reason: Some("502".to_owned()),
            older_than: None,
            younger_than: Some(Duration::ZERO),
        };
        let dead = Matching { reason: "502".to_owned(), died_within: Some(Duration::ZERO), ..Matching::default() };
        assert_eq!(selection.matching_dead(), dead);
        assert_eq!(selection.matching_failed(), Matching { includes_failed: true, ..dead });
    }
}
