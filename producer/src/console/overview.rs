//! `GET /`: is everything in sync, and if not, where to look.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, State};
use chrono::{DateTime, Utc};
use domain::beteiligte::SyncStatus;
use maud::{Markup, html};
use shared::error::System;
use shared::limits::Standing;
use shared::queue::{Counts, JobState, QueueName};

use super::guard::Visit;
use super::language::Language;
use super::layout::{self, Area};
use super::notice::Told;
use super::samples::{OfHub, Sample};
use super::{Console, chart, queues, show};

const REFRESH_SECONDS: u32 = 5;
/// A page does not wait longer for a queue: it says that it is away.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(2);

/// All that the verdict is made of.
struct Facts {
    /// `None`: the queue does not answer.
    queues: Vec<(QueueName, Option<Counts>)>,
    systems: Vec<(System, Standing)>,
    /// `None`: the hub does not answer, or was not asked yet.
    hub: Option<OfHub>,
    is_sampled: bool,
}

/// Something that a person should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Concern {
    QueueAway(QueueName),
    HubAway,
    SystemDown(System),
    NoWorker(QueueName),
    Paused(QueueName),
    Dead(QueueName, u64),
    Records(SyncStatus, u64),
    HeldDeletions(u64),
    FailedRows(u64),
    Divergent(u64),
}

/// What is wrong, the worst first; nothing: all is well.
fn concerns(facts: &Facts) -> Vec<Concern> {
    let mut found = Vec::new();
    if facts.is_sampled && facts.hub.is_none() {
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
    let is_down = |(system, standing): &(System, Standing)| match standing {
        Standing::Up => None,
        Standing::Down { .. } => Some(Concern::SystemDown(*system)),
    };
    found.extend(facts.systems.iter().filter_map(is_down));
    if let Some(hub) = &facts.hub {
        let troubled = hub.counted.by_status.iter().filter_map(|(status, count)| Some(((*status)?, *count)));
        found.extend(
            troubled.filter(|(status, _)| is_trouble(*status)).map(|(status, count)| Concern::Records(status, count)),
        );
        found.extend((hub.held_deletions > 0).then_some(Concern::HeldDeletions(hub.held_deletions)));
        found.extend((hub.with_failed_rows > 0).then_some(Concern::FailedRows(hub.with_failed_rows)));
        found.extend((hub.divergent > 0).then_some(Concern::Divergent(hub.divergent)));
    }
    found
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

pub(super) async fn page(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Query(told): Query<Told>,
) -> Markup {
    let language = visit.language;
    let facts = facts(&console).await;
    let now = console.clock.now();
    let content = html! {
        (told.show(language))
        (layout::live("state", REFRESH_SECONDS, &html! {
            (verdict(&facts, language))
            div.cards {
                @for (queue, counts) in &facts.queues { (queue_card(&console, *queue, *counts, now, language)) }
            }
            div.cards {
                (flow_card(&facts, now, language))
                (systems_card(&facts, now, language))
            }
        }))
    };
    layout::page(&visit, language.say("Overview", "Übersicht"), Some(Area::Overview), &content)
}

async fn facts(console: &Console) -> Facts {
    let mut queues = Vec::new();
    for queue in console.queues.iter() {
        let is_used = queue.name() != QueueName::Calendar || console.has_calendars;
        if is_used {
            let counts = tokio::time::timeout(TIME_LIMIT, queue.counts()).await;
            queues.push((queue.name(), counts.ok().and_then(Result::ok)));
        }
    }
    let is_used = |system: &System| *system != System::Google || console.has_calendars;
    let systems = System::ALL.into_iter().filter(is_used);
    let sample = console.samples.latest();
    Facts {
        queues,
        systems: systems.map(|system| (system, console.breakers.standing(system))).collect(),
        is_sampled: sample.is_some(),
        hub: sample.and_then(|Sample { hub, .. }| hub),
    }
}

fn verdict(facts: &Facts, language: Language) -> Markup {
    let concerns = concerns(facts);
    let waiting: u64 =
        facts.queues.iter().filter_map(|(_, counts)| *counts).map(|counts| counts.ready + counts.running).sum();
    html! {
        @if !concerns.is_empty() {
            div.notice.bad role="status" {
                p { strong { (language.say("Not everything is in sync.", "Nicht alles ist synchron.")) } }
                ul { @for concern in &concerns { li { (concern_line(*concern, language)) } } }
            }
        } @else if waiting > 0 {
            div.notice.warn role="status" { p { strong {
                (language.say("Syncing: ", "Wird synchronisiert: ")) (waiting) (language.say(" jobs wait or run.", " Aufträge warten oder laufen."))
            } } }
        } @else {
            div.notice.good role="status" { p { strong { (language.say("Everything is in sync.", "Alles ist synchron.")) } } }
        }
    }
}

fn concern_line(concern: Concern, language: Language) -> Markup {
    let (address, text) = match concern {
        Concern::HubAway => (None, language.say("PostgreSQL does not answer", "PostgreSQL antwortet nicht").to_owned()),
        Concern::QueueAway(queue) => {
            let name = queue.as_str();
            (
                None,
                language.say(
                    format!("Redis does not answer for the queue {name}"),
                    format!("Redis antwortet nicht für die Warteschlange {name}"),
                ),
            )
        }
        Concern::SystemDown(system) => {
            let name = system.name();
            (
                None,
                language.say(
                    format!("{name} is down, its jobs wait"),
                    format!("{name} ist nicht erreichbar, die Aufträge warten"),
                ),
            )
        }
        Concern::NoWorker(queue) => {
            let name = queue.as_str();
            (
                None,
                language.say(
                    format!("No worker takes jobs of {name}: start one"),
                    format!("Kein Worker nimmt Aufträge von {name}: starten Sie einen"),
                ),
            )
        }
        Concern::Paused(queue) => {
            let text = language.say("A queue is paused: ", "Eine Warteschlange ist angehalten: ");
            (Some(Area::Queues.path().to_owned()), format!("{text}{}", queue.as_str()))
        }
        Concern::Dead(queue, count) => {
            let text = language.say("dead jobs that nobody tries again", "tote Aufträge, die niemand mehr versucht");
            (Some(queues::address(queue, JobState::Dead)), format!("{count} {text} ({})", queue.as_str()))
        }
        Concern::Records(status, count) => {
            let address = format!("{}?of={}", Area::Beteiligte.path(), status.name());
            (Some(address), format!("{count} Beteiligte: {}", show::status(status, language)))
        }
        Concern::HeldDeletions(count) => {
            let text =
                language.say("deletions in calendars wait for approval", "Löschungen in Kalendern warten auf Freigabe");
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
                "records or entries differ although they count as in sync: `audit verify-sync` says which",
                "Datensätze oder Einträge weichen ab, obwohl sie als synchron gelten: `audit verify-sync` sagt, welche",
            );
            (None, format!("{count} {text}"))
        }
    };
    html! { @match address { Some(address) => a href=(address) { (text) }, None => (text) } }
}

fn queue_card(
    console: &Console,
    queue: QueueName,
    counts: Option<Counts>,
    now: DateTime<Utc>,
    language: Language,
) -> Markup {
    let depth = console.samples.series(queue, |counts| whole(counts.ready));
    let age = console.samples.series(queue, |counts| counts.oldest_ready.as_secs_f64());
    let seconds = |value: f64| show::span(Duration::try_from_secs_f64(value).unwrap_or_default());
    html! {
        section.card {
            h2 { (language.say("Queue", "Warteschlange")) " " (queues::name(queue, language)) }
            @if let Some(counts) = counts {
                dl {
                    @for state in JobState::ALL {
                        dt { (queues::state_name(state, language)) }
                        dd { a href=(queues::address(queue, state)) { (counts.of(state)) } }
                    }
                    dt { (language.say("Oldest waits for", "Ältester wartet seit")) }
                    dd { (show::span(counts.oldest_ready)) }
                    dt { "Worker" }
                    dd { (counts.workers) }
                }
            } @else {
                p.bad { (language.say("Redis does not answer.", "Redis antwortet nicht.")) }
            }
            h3.faint { (language.say("Waiting jobs, last hour", "Wartende Aufträge, letzte Stunde")) }
            (chart::hour(&depth, now, language.say("Waiting jobs", "Wartende Aufträge"), language, |value| format!("{value:.0}")))
            h3.faint { (language.say("Age of the oldest, last hour", "Alter des ältesten, letzte Stunde")) }
            (chart::hour(&age, now, language.say("Age of the oldest", "Alter des ältesten"), language, seconds))
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a graph shows no more than three digits")]
fn whole(count: u64) -> f64 {
    count as f64
}

fn flow_card(facts: &Facts, now: DateTime<Utc>, language: Language) -> Markup {
    let never = || html! { span.faint { (language.say("not yet", "noch nie")) } };
    let time = |at: Option<DateTime<Utc>>| at.map_or_else(never, |at| show::time_and_age(at, now, language));
    html! {
        section.card {
            h2 { "Beteiligte" }
            @if let Some(hub) = &facts.hub {
                dl {
                    @for (status, count) in &hub.counted.by_status {
                        @match status {
                            Some(status) => {
                                dt { (show::status_badge(*status, language)) }
                                dd { a href={ (Area::Beteiligte.path()) "?of=" (status.name()) } { (count) } }
                            }
                            None => {
                                dt { (language.say("No run so far", "Noch kein Lauf")) }
                                dd { (count) }
                            }
                        }
                    }
                    dt { (language.say("With findings", "Mit Hinweisen")) }
                    dd { a href={ (Area::Beteiligte.path()) "?of=findings" } { (hub.counted.with_findings) } }
                    dt { (language.say("Last success", "Letzter Erfolg")) }
                    dd { (time(hub.last_success.beteiligte)) }
                    dt { (language.say("Last success, calendars", "Letzter Erfolg, Kalender")) }
                    dd { (time(hub.last_success.calendar)) }
                }
            } @else if facts.is_sampled {
                p.bad { (language.say("PostgreSQL does not answer.", "PostgreSQL antwortet nicht.")) }
            } @else {
                p.faint { (language.say("Counted within ten seconds of the start.", "Wird binnen zehn Sekunden nach dem Start gezählt.")) }
            }
        }
    }
}

fn systems_card(facts: &Facts, now: DateTime<Utc>, language: Language) -> Markup {
    html! {
        section.card {
            h2 { (language.say("Systems", "Systeme")) }
            dl {
                @for (system, standing) in &facts.systems {
                    dt { (system.name()) }
                    dd {
                        @match standing {
                            Standing::Up => span.badge.good { (language.say("up", "erreichbar")) },
                            Standing::Down { next_try } => {
                                span.badge.bad { (language.say("down", "nicht erreichbar")) }
                                " " (language.say("next try ", "nächster Versuch ")) (show::time_and_age(*next_try, now, language))
                            }
                        }
                    }
                }
            }
        }
    }
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
                counted: Counted { by_status: vec![(Some(SyncStatus::Clean), 9), (None, 1)], with_findings: 1 },
                ..OfHub::default()
            }),
            is_sampled: true,
        }
    }

    #[test]
    fn work_that_goes_on_is_no_concern() {
        assert_eq!(concerns(&well()), []);
        assert_eq!(concerns(&Facts { hub: None, is_sampled: false, ..well() }), [], "not asked yet");
    }

    #[test]
    fn each_trouble_is_told_and_leads_where_it_is_mended() {
        let next_try = DateTime::UNIX_EPOCH;
        let counted =
            Counted { by_status: vec![(Some(SyncStatus::Failed), 3), (Some(SyncStatus::Clean), 1)], with_findings: 0 };
        let facts = Facts {
            queues: vec![
                (QueueName::Beteiligte, None),
                (QueueName::Calendar, Some(Counts { dead: 2, is_paused: true, ..Counts::default() })),
            ],
            systems: vec![(System::Google, Standing::Down { next_try }), (System::Advoware, Standing::Up)],
            hub: Some(OfHub { counted, held_deletions: 7, with_failed_rows: 2, divergent: 5, ..OfHub::default() }),
            is_sampled: true,
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
                Concern::HeldDeletions(7),
                Concern::FailedRows(2),
                Concern::Divergent(5),
            ]
        );
        assert_eq!(concerns(&Facts { hub: None, ..well() }), [Concern::HubAway]);
        let line = concern_line(Concern::Records(SyncStatus::Failed, 3), Language::English).into_string();
        assert!(line.contains("/console/beteiligte?of=failed"), "{line}");
    }
}
