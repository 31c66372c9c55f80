//! What a person should look at: the verdict of the overview.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::beteiligte::SyncStatus;
use maud::{Markup, html};
use shared::error::System;
use shared::limits::Standing;
use shared::queue::{Counts, JobState, QueueName};

use super::language::Language;
use super::layout::Area;
use super::samples::{OfHub, Samples};
use super::{divergent, queues, show};

/// So long work may be there without a success: a producer that was away finds much at once, and its workers are at it.
const WORK_PATIENCE: Duration = Duration::from_mins(5);

/// All that the verdict is made of.
pub(super) struct Facts {
    /// `None`: the queue does not answer.
    pub(super) queues: Vec<(QueueName, Option<Counts>)>,
    pub(super) systems: Vec<(System, Standing)>,
    /// `None`: the hub does not answer, or was not asked yet.
    pub(super) hub: Option<OfHub>,
    /// When the hub was last asked for what is counted; `None`: not yet.
    pub(super) counted_at: Option<DateTime<Utc>>,
    pub(super) flows: Vec<Flow>,
    pub(super) now: DateTime<Utc>,
    /// When this producer began.
    pub(super) started_at: DateTime<Utc>,
}

/// What is known of the successes of a flow in use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    queue: QueueName,
    /// Everything has its turn once in it.
    interval: Duration,
    last_success: Option<DateTime<Utc>>,
    /// Since when, after the last success, there has been work; looked for in the last two intervals, as far as this producer remembers.
    work_since: Option<DateTime<Utc>>,
}

impl Flow {
    pub(super) fn new(
        queue: QueueName,
        interval: Duration,
        last_success: Option<DateTime<Utc>>,
        samples: &Samples,
        now: DateTime<Utc>,
    ) -> Self {
        let window = delta(interval.max(WORK_PATIENCE).saturating_mul(2));
        let begin = now.checked_sub_signed(window).unwrap_or_default();
        let work_since = samples.work_since(queue, last_success.map_or(begin, |last| last.max(begin)));
        Self { queue, interval, last_success, work_since }
    }

    /// How long no run has succeeded, where one should have: as the alert KanzleisyncNoSuccess has it. Quiet is no fault, so only where there
    /// has been work for a while is a success due; and where there never was one, two intervals count from the start of this producer.
    fn silence(&self, started_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<Duration> {
        let silence = (now - self.last_success.unwrap_or(started_at)).to_std().ok()?;
        let had_time = self.work_since.is_some_and(|since| now - since >= delta(WORK_PATIENCE));
        (had_time && silence > self.interval.saturating_mul(2)).then_some(silence)
    }
}

fn delta(duration: Duration) -> TimeDelta {
    // A century is as good as never.
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX).min(TimeDelta::days(36_500))
}

/// Something that a person should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concern {
    QueueAway(QueueName),
    HubAway,
    SystemDown(System),
    NoWorker(QueueName),
    NoSuccess(QueueName, Duration),
    Paused(QueueName),
    Dead(QueueName, u64),
    Records(SyncStatus, u64),
    NumberTaken(u64),
    HeldDeletions(u64),
    FailedRows(u64),
    Divergent(u64),
}

/// What is wrong, the worst first; nothing: all is well.
pub(super) fn concerns(facts: &Facts) -> Vec<Concern> {
    let mut found = Vec::new();
    if facts.counted_at.is_some() && facts.hub.is_none() {
        found.push(Concern::HubAway);
    }
    for (queue, counts) in &facts.queues {
        match counts {
            None => found.push(Concern::QueueAway(*queue)),
            Some(counts) => {
                found.extend((counts.workers == 0).then_some(Concern::NoWorker(*queue)));
                found.extend(counts.is_paused.then_some(Concern::Paused(*queue)));
                found.extend((counts.dead > 0).then_some(Concern::Dead(*queue, counts.dead)));
            }
        }
    }
    let silent = facts.flows.iter().filter_map(|flow| Some((flow.queue, flow.silence(facts.started_at, facts.now)?)));
    found.extend(silent.map(|(queue, silence)| Concern::NoSuccess(queue, silence)));
    let is_down = |(system, standing): &(System, Standing)| match standing {
        Standing::Up => None,
        Standing::Down { .. } => Some(Concern::SystemDown(*system)),
    };
    found.extend(facts.systems.iter().filter_map(is_down));
    if let Some(hub) = &facts.hub {
        let taken = hub.counted.number_taken;
        let counted = hub.counted.by_status.iter().filter_map(|(status, count)| Some(((*status)?, *count)));
        let told_here = counted.map(|(status, count)| (status, count - told_otherwise(status, taken).min(count)));
        let troubled = told_here.filter(|(status, count)| is_trouble(*status) && *count > 0);
        found.extend(troubled.map(|(status, count)| Concern::Records(status, count)));
        found.extend((taken > 0).then_some(Concern::NumberTaken(taken)));
        found.extend((hub.held_deletions > 0).then_some(Concern::HeldDeletions(hub.held_deletions)));
        found.extend((hub.with_failed_rows > 0).then_some(Concern::FailedRows(hub.with_failed_rows)));
        found.extend((hub.divergent > 0).then_some(Concern::Divergent(hub.divergent)));
    }
    found
}

/// Records whose number another one has are `conflict`, and have a line of their own.
fn told_otherwise(status: SyncStatus, number_taken: u64) -> u64 {
    if status == SyncStatus::Conflict { number_taken } else { 0 }
}

/// Whether a record in this state waits for a person, or for better times.
pub(super) fn is_trouble(status: SyncStatus) -> bool {
    match status {
        SyncStatus::Failed | SyncStatus::PermanentlyFailed | SyncStatus::Conflict | SyncStatus::DeletedInAdvoware => {
            true
        }
        SyncStatus::PendingSync | SyncStatus::Dirty | SyncStatus::Syncing | SyncStatus::Clean => false,
    }
}

pub(super) fn concern_line(concern: Concern, language: Language) -> Markup {
    let (address, text) = match concern {
        Concern::HubAway => (None, language.say("PostgreSQL does not answer", "PostgreSQL antwortet nicht").to_owned()),
        Concern::QueueAway(queue) => {
            let name = queues::name(queue, language);
            (
                None,
                language.say(
                    format!("Redis does not answer for the queue {name}"),
                    format!("Redis antwortet nicht für die Warteschlange {name}"),
                ),
            )
        }
        Concern::SystemDown(system) => {
            let name = show::system(system);
            (
                None,
                language.say(
                    format!("{name} is down, its jobs wait"),
                    format!("{name} ist nicht erreichbar, die Aufträge warten"),
                ),
            )
        }
        Concern::NoWorker(queue) => {
            let name = queues::name(queue, language);
            (
                None,
                language.say(
                    format!("No worker takes jobs of {name}: start one"),
                    format!("Kein Worker nimmt Aufträge von {name}: starten Sie einen"),
                ),
            )
        }
        Concern::NoSuccess(queue, silence) => {
            let (name, silence) = (queues::name(queue, language), show::span(silence));
            let text = language.say(
                format!("No run of {name} has succeeded for {silence}, though there is work"),
                format!("Seit {silence} war kein Lauf für {name} erfolgreich, obwohl es Arbeit gibt"),
            );
            (Some(queues::address(queue, JobState::Delayed)), text)
        }
        Concern::Paused(queue) => {
            let text = language.say("A queue is paused: ", "Eine Warteschlange ist angehalten: ");
            (Some(Area::Queues.path().to_owned()), format!("{text}{}", queues::name(queue, language)))
        }
        Concern::Dead(queue, count) => {
            let text = match count {
                1 => language.say("dead job that nobody tries again", "toter Auftrag, den niemand mehr versucht"),
                _ => language.say("dead jobs that nobody tries again", "tote Aufträge, die niemand mehr versucht"),
            };
            let name = queues::name(queue, language);
            (Some(queues::address(queue, JobState::Dead)), format!("{count} {text} ({name})"))
        }
        Concern::Records(status, count) => {
            let address = format!("{}?of={}", Area::Beteiligte.path(), status.name());
            (Some(address), format!("{count} Beteiligte: {}", show::status(status, language)))
        }
        Concern::NumberTaken(count) => {
            let text = language.say(
                "not synced: another record has the number",
                "nicht synchronisiert: ein anderer Datensatz hat die Nummer",
            );
            (Some(format!("{}?of=findings", Area::Beteiligte.path())), format!("{count} Beteiligte: {text}"))
        }
        Concern::HeldDeletions(count) => {
            let text = match count {
                1 => language
                    .say("deletion in a calendar waits for approval", "Löschung in einem Kalender wartet auf Freigabe"),
                _ => language
                    .say("deletions in calendars wait for approval", "Löschungen in Kalendern warten auf Freigabe"),
            };
            (Some(Area::Employees.path().to_owned()), format!("{count} {text}"))
        }
        Concern::FailedRows(count) => {
            let text = language.say(
                "calendars with entries that could not be written",
                "Kalender mit Einträgen, die nicht geschrieben werden konnten",
            );
            (Some(Area::Employees.path().to_owned()), format!("{count} {text}"))
        }
        Concern::Divergent(count) => {
            let text = language.say(
                "records or entries differ although they count as in sync",
                "Datensätze oder Einträge weichen ab, obwohl sie als synchron gelten",
            );
            (Some(divergent::PATH.to_owned()), format!("{count} {text}"))
        }
    };
    html! { @match address { Some(address) => a href=(address) { (text) }, None => (text) } }
}

#[cfg(test)]
mod tests {
    use shared::hub::Counted;

    use super::*;

    fn well() -> Facts {
        let counts = Counts { workers: 2, ready: 5, ..Counts::default() };
        Facts {
            queues: vec![(QueueName::Beteiligte, Some(counts))],
            systems: vec![(System::Advoware, Standing::Up)],
            hub: Some(OfHub {
                counted: Counted {
                    by_status: vec![(Some(SyncStatus::Clean), 9), (None, 1)],
                    with_findings: 1,
                    number_taken: 0,
                },
                ..OfHub::default()
            }),
            counted_at: Some(DateTime::UNIX_EPOCH),
            flows: Vec::new(),
            now: at(0),
            started_at: at(0),
        }
    }

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    #[test]
    fn work_that_goes_on_is_no_concern() {
        assert_eq!(concerns(&well()), []);
        assert_eq!(concerns(&Facts { hub: None, counted_at: None, ..well() }), [], "not asked yet");
    }

    #[test]
    fn each_trouble_is_told_and_leads_where_it_is_mended() {
        let next_try = DateTime::UNIX_EPOCH;
        let counted = Counted {
            by_status: vec![
                (Some(SyncStatus::Failed), 3),
                (Some(SyncStatus::Clean), 1),
                (Some(SyncStatus::Conflict), 4),
            ],
            with_findings: 0,
            number_taken: 4,
        };
        let facts = Facts {
            queues: vec![
                (QueueName::Beteiligte, None),
                (QueueName::Calendar, Some(Counts { dead: 2, is_paused: true, ..Counts::default() })),
            ],
            systems: vec![(System::Google, Standing::Down { next_try }), (System::Advoware, Standing::Up)],
            hub: Some(OfHub { counted, held_deletions: 7, with_failed_rows: 2, divergent: 5, ..OfHub::default() }),
            ..well()
        };
        assert_eq!(
            concerns(&facts),
            [
                Concern::QueueAway(QueueName::Beteiligte),
                Concern::NoWorker(QueueName::Calendar),
                Concern::Paused(QueueName::Calendar),
                Concern::Dead(QueueName::Calendar, 2),
                Concern::SystemDown(System::Google),
                Concern::Records(SyncStatus::Failed, 3),
                Concern::NumberTaken(4),
                Concern::HeldDeletions(7),
                Concern::FailedRows(2),
                Concern::Divergent(5),
            ]
        );
        assert_eq!(concerns(&Facts { hub: None, ..well() }), [Concern::HubAway]);
        assert_eq!(told_otherwise(SyncStatus::Failed, 4), 0);
        let line = concern_line(Concern::Records(SyncStatus::Failed, 3), Language::English).into_string();
        assert!(line.contains("/console/beteiligte?of=failed"), "{line}");
    }

    /// Minutes of the last success and of the first work after it.
    fn flow(last_success: Option<i64>, work_since: Option<i64>) -> Flow {
        let interval = Duration::from_mins(15);
        Flow {
            queue: QueueName::Calendar,
            interval,
            last_success: last_success.map(at),
            work_since: work_since.map(at),
        }
    }

    #[test]
    fn two_intervals_without_a_success_are_a_concern_only_where_there_is_work() {
        let told = |flow: Flow, now: i64| {
            let facts = Facts { flows: vec![flow], now: at(now), started_at: at(-600), ..well() };
            concerns(&facts)
        };
        let silent = |minutes| vec![Concern::NoSuccess(QueueName::Calendar, Duration::from_mins(minutes))];
        let busy = flow(Some(0), Some(1));
        assert_eq!(told(busy, 30), [], "two intervals are not over");
        assert_eq!(told(busy, 31), silent(31));
        let line = concern_line(silent(31)[0], Language::English).into_string();
        assert!(line.contains("No run of calendars has succeeded for 31 min"), "{line}");
        assert_eq!(told(flow(Some(0), None), 500), [], "quiet is no fault");
        assert_eq!(told(flow(Some(0), Some(496)), 500), [], "what has come just now has had no time yet");
        assert_eq!(told(flow(Some(0), Some(495)), 500), silent(500), "as after a night without producer");
    }

    #[test]
    fn a_fresh_hub_is_no_concern_until_two_intervals_of_this_producer_are_over() {
        let told = |flow: Flow, now: i64| {
            let facts = Facts { flows: vec![flow], now: at(now), started_at: at(0), ..well() };
            concerns(&facts)
        };
        assert_eq!(told(flow(None, None), 500), [], "nobody has anything to sync");
        assert_eq!(told(flow(None, Some(1)), 30), []);
        assert_eq!(told(flow(None, Some(1)), 31), [Concern::NoSuccess(QueueName::Calendar, Duration::from_mins(31))]);
    }
}
