//! Jobs by the ids that people give: those of entities, or of jobs.

use std::collections::{BTreeSet, HashMap, HashSet};

use shared::queue::{JobId, JobView, Queue, QueueError, QueueName};

/// What ids name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Each once, in the order of the ids.
    pub(super) jobs: Vec<(QueueName, JobView)>,
    /// Positions, from 1, of ids that name no job.
    pub(super) unknown: Vec<usize>,
}

/// Looks in all of `queues`.
pub(super) async fn named(queues: &[Queue], ids: &[String]) -> Result<Found, QueueError> {
    let jobs = ids.iter().filter_map(|id| JobId::parse(id));
    let entities: BTreeSet<String> = ids.iter().cloned().chain(jobs.map(|job| job.entity().to_owned())).collect();
    let entities: Vec<String> = entities.into_iter().collect();
    let mut views = Vec::new();
    for queue in queues {
        views.extend(queue.show(&entities).await?.into_iter().map(|view| (queue.name(), view)));
    }
    Ok(matched(ids, &views))
}

fn matched(ids: &[String], views: &[(QueueName, JobView)]) -> Found {
    let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, (_, view)) in views.iter().enumerate() {
        by_id.entry(view.entity.clone()).or_default().push(index);
        by_id.entry(view.job.to_string()).or_default().push(index);
    }
    let (mut found, mut seen) = (Found::default(), HashSet::new());
    for (position, id) in ids.iter().enumerate() {
        match by_id.get(id) {
            None => found.unknown.push(position + 1),
            Some(hits) => {
                let new = hits.iter().filter(|hit| seen.insert(**hit));
                found.jobs.extend(new.map(|hit| views[*hit].clone()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use domain::job::Wants;
    use shared::queue::JobState;

    use super::*;

    fn view(id: &str) -> (QueueName, JobView) {
        let job = JobId::parse(id).unwrap();
        let entity = job.entity().to_owned();
        let view = JobView {
            job,
            state: JobState::Dead,
            entity,
            wants: Wants::from_bits(3),
            is_from_scan: false,
            since_ms: 0,
            starts: 1,
            failures: 1,
            crashes: 0,
            reason: String::new(),
            dead_since_ms: Some(0),
            lease_until_ms: None,
        };
        (QueueName::Beteiligte, view)
    }

    #[test]
    fn jobs_are_found_by_entity_or_by_their_own_id_and_each_once() {
        let views = [view("a.7"), view("b.8"), view("c.9.10")];
        let ids = ["b.8", "a", "a.7", "a.6", "nobody", "c.9"].map(str::to_owned);
        let found = matched(&ids, &views);
        let jobs: Vec<_> = found.jobs.iter().map(|(_, view)| view.job.to_string()).collect();
        assert_eq!(jobs, ["b.8", "a.7", "c.9.10"]);
        assert_eq!(found.unknown, [4, 5]);
    }
}
