//! Ids as people type them: of records, of employees, of jobs.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use domain::ids::{EspoId, InvalidEspoId, InvalidKuerzel, Kuerzel};
use shared::hub::Hub;
use shared::queue::{JobId, QueueName};

/// Longest that a command waits for PostgreSQL only to tell more.
const HUB_LIMIT: Duration = Duration::from_secs(2);
/// Ids that are named of many; machines get all.
const MOST_NAMED: usize = 20;

/// Which of the ids are none. Does not repeat them: what stands in their place may be a name.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidIds(Vec<(usize, Problem)>);

/// Why a text names nothing that a queue serves.
#[derive(Debug, PartialEq, Eq)]
enum Problem {
    Record(InvalidEspoId),
    Kuerzel(InvalidKuerzel),
}

/// Whom an operator means: an entity, or one job of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Named {
    /// Whom the job serves.
    pub(crate) entity: String,
    /// This very job and no later one of the entity.
    pub(crate) job: Option<JobId>,
}

impl fmt::Display for InvalidIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing was done:")?;
        self.0.iter().try_for_each(|(position, problem)| write!(f, "\n  id number {position} is {problem}"))
    }
}

impl std::error::Error for InvalidIds {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(invalid) => invalid.fmt(f),
            Self::Kuerzel(invalid) => invalid.fmt(f),
        }
    }
}

/// All ids of records, each once, in their order; or every one that is none.
pub(crate) fn parse(texts: &[String]) -> Result<Vec<EspoId>, InvalidIds> {
    each_once(texts, |text| EspoId::parse(text).map_err(Problem::Record))
}

/// The id of one record.
pub(crate) fn parse_one(text: &str) -> Result<EspoId, InvalidIds> {
    EspoId::parse(text).map_err(|invalid| InvalidIds(vec![(1, Problem::Record(invalid))]))
}

/// All Kürzel of employees, each once, in their order; or every text that is none.
pub(crate) fn parse_kuerzel(texts: &[String]) -> Result<Vec<Kuerzel>, InvalidIds> {
    each_once(texts, |text| Kuerzel::parse(text).map_err(Problem::Kuerzel))
}

/// The Kürzel of one employee.
pub(crate) fn parse_one_kuerzel(text: &str) -> Result<Kuerzel, InvalidIds> {
    Kuerzel::parse(text).map_err(|invalid| InvalidIds(vec![(1, Problem::Kuerzel(invalid))]))
}

/// All entities and jobs that `queue` may have, each once, in their order; or every text that names none.
pub(crate) fn parse_named(texts: &[String], queue: QueueName) -> Result<Vec<Named>, InvalidIds> {
    each_once(texts, |text| match queue {
        // No record's id has a point in it, so a text is one or the other.
        QueueName::Beteiligte => named(text, |entity| EspoId::parse(entity).map(Into::into).map_err(Problem::Record)),
        // A Kürzel may have one, but a job's number alone is longer than any Kürzel.
        QueueName::Calendar => match Kuerzel::parse(text) {
            Ok(kuerzel) => Ok(Named { entity: kuerzel.into(), job: None }),
            Err(_) => named(text, |entity| Kuerzel::parse(entity).map(Into::into).map_err(Problem::Kuerzel)),
        },
    })
}

/// Those of these records that no run has seen yet: one is new, or nobody has it. PostgreSQL may be away: what is queued does not wait for it.
pub(crate) async fn never_seen(hub: Option<&Hub>, ids: &[&str]) -> Vec<String> {
    let Some(hub) = hub else { return Vec::new() };
    tokio::time::timeout(HUB_LIMIT, hub.unseen(ids)).await.ok().and_then(Result::ok).unwrap_or_default()
}

/// What an operator is told of them: their job is queued all the same.
pub(super) fn never_seen_text(ids: &[String]) -> String {
    let named: Vec<&str> = ids.iter().take(MOST_NAMED).map(String::as_str).collect();
    let more = if ids.len() > named.len() { ", ..." } else { "" };
    match ids.len() {
        0 => String::new(),
        count => format!(
            "; never seen by a run: {count} ({}{more}): where EspoCRM has no such record, the job ends in the dead set and says so",
            named.join(", ")
        ),
    }
}

fn named(text: &str, entity: impl Fn(&str) -> Result<String, Problem>) -> Result<Named, Problem> {
    let job = JobId::parse(text);
    let entity = entity(job.as_ref().map_or(text, JobId::entity))?;
    Ok(Named { entity, job })
}

fn each_once<T: Clone + Eq + std::hash::Hash>(
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, Problem>,
) -> Result<Vec<T>, InvalidIds> {
    let (mut ids, mut seen, mut problems) = (Vec::new(), HashSet::new(), Vec::new());
    for (index, text) in texts.iter().enumerate() {
        match parse(text) {
            Ok(id) => {
                if seen.insert(id.clone()) {
                    ids.push(id);
                }
            }
            Err(problem) => problems.push((index + 1, problem)),
        }
    }
    if problems.is_empty() { Ok(ids) } else { Err(InvalidIds(problems)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn each_id_counts_once() {
        let ids = parse(&texts(&["b", "a", "b"])).unwrap();
        assert_eq!(ids.iter().map(EspoId::as_str).collect::<Vec<_>>(), ["b", "a"]);
    }

    #[test]
    fn e2_every_invalid_id_is_told_by_its_position_and_not_repeated() {
        let told = parse(&texts(&["a", "Erika Beispiel", "b", ""])).unwrap_err().to_string();
        let expected = "expected 1 to 36 letters, digits or hyphens";
        assert_eq!(
            told,
            format!(
                "nothing was done:\n  id number 2 is not an EspoCRM record id (length 14): {expected}\n  \
                 id number 4 is not an EspoCRM record id (length 0): {expected}"
            )
        );
    }

    #[test]
    fn an_entity_is_told_from_a_job_of_it() {
        let named = parse_named(&texts(&["a", "a.7", "a"]), QueueName::Beteiligte).unwrap();
        let job = JobId::parse("a.7");
        assert_eq!(named, [Named { entity: "a".to_owned(), job: None }, Named { entity: "a".to_owned(), job }]);
        for text in ["a.b.7", "a.", ".7", "a b.7", "a.7.8"] {
            assert!(parse_named(&texts(&[text]), QueueName::Beteiligte).is_err(), "{text}");
        }
    }

    #[test]
    fn employees_are_named_by_their_kuerzel() {
        let job = JobId::parse("MÜ.1763758235123456");
        let named = parse_named(&texts(&[" SB", "MÜ.1763758235123456", "v. M.2", "SB"]), QueueName::Calendar).unwrap();
        let expected = [("SB", None), ("MÜ", job), ("v. M.2", None)];
        assert_eq!(named, expected.map(|(entity, job)| Named { entity: entity.to_owned(), job }));
        let told = parse_named(&texts(&["Erika Beispiel"]), QueueName::Calendar).unwrap_err().to_string();
        assert!(told.contains("id number 1 is not a Kürzel (length 14): expected 1 to 10 characters"), "{told}");
        assert_eq!(parse_kuerzel(&texts(&["SB", "a/b"])).unwrap_err().0.len(), 1);
        assert!(parse_one_kuerzel("").is_err() && parse_one_kuerzel("SB").is_ok());
    }
}
