//! What was seen, judged; pure.

mod calendars;
mod clocks;
mod espocrm;
mod fields;
mod stores;
#[cfg(test)]
mod tests;
mod webhooks;

use super::facts::{Facts, Looked};
use super::finding::{Area, Finding};

/// A line for everything that was looked at, more where something is not as it should be.
pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut found = settings(&facts.settings);
    found.extend(seen(Area::Redis, &facts.redis, stores::redis));
    found.extend(seen(Area::Postgresql, &facts.postgres, stores::postgres));
    if let Looked::Seen(redis) = &facts.redis {
        found.extend(stores::workers(&redis.queues, facts.has_calendars));
    }
    found.extend(seen(Area::Advoware, &facts.advoware.beteiligte, |()| {
        vec![Area::Advoware.ok("logged in, Beteiligte can be read")]
    }));
    if !says_no_more(&facts.advoware.beteiligte, &facts.advoware.employees) {
        found.extend(seen(Area::Advoware, &facts.advoware.employees, |count| calendars::employees(*count)));
    }
    found.extend(seen(Area::Espocrm, &facts.espocrm, espocrm::set_up));
    if !says_no_more(&facts.espocrm, &facts.webhooks) {
        found.extend(seen(Area::Webhooks, &facts.webhooks, webhooks::webhooks));
    }
    found.extend(seen(Area::Google, &facts.google, calendars::google));
    found.extend(clocks::clocks(facts));
    found
}

fn settings(problems: &[String]) -> Vec<Finding> {
    if problems.is_empty() {
        return vec![Area::Settings.ok("complete")];
    }
    let told =
        |problem: &String| Area::Settings.problem(problem, "correct it; docs/reference.md, Settings, has all of them");
    problems.iter().map(told).collect()
}

/// Two looks at one system that both failed: the first has told why.
fn says_no_more<T, U>(first: &Looked<T>, second: &Looked<U>) -> bool {
    matches!((first, second), (Looked::Failed(_), Looked::Failed(_)))
}

fn seen<T>(area: Area, looked: &Looked<T>, judge: impl Fn(&T) -> Vec<Finding>) -> Vec<Finding> {
    match looked {
        Looked::Seen(facts) => judge(facts),
        Looked::Failed(trouble) => vec![area.problem(&trouble.found, &trouble.advice)],
        Looked::Left => Vec::new(),
    }
}
