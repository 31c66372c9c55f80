//! `GET /`: is everything in sync, and if not, where to look.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, State};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use shared::error::System;
use shared::limits::Standing;
use shared::queue::{Counts, JobState, QueueName};

use super::concern::{Facts, Flow, concern_line, concerns};
use super::guard::Visit;
use super::language::Language;
use super::layout::{self, Area};
use super::notice::Told;
use super::samples::Sample;
use super::{Console, chart, queues, show};

const REFRESH_SECONDS: u32 = 5;
/// A page does not wait longer for a queue: it says that it is away.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(2);

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
                (flow_card(&facts, now, language))
                (systems_card(&facts, now, language))
            }
            div.cards {
                @for (queue, counts) in &facts.queues { (queue_card(&console, *queue, *counts, now, language)) }
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
    let now = console.clock.now();
    // A hub that is away knows of no success, which is no reason to say that there was none.
    let last_success = sample.as_ref().and_then(|sample| sample.hub.as_ref()).map(|hub| hub.last_success);
    let flow = |(queue, interval): &(QueueName, Duration)| {
        let last_success = match queue {
            QueueName::Beteiligte => last_success?.beteiligte,
            QueueName::Calendar => last_success?.calendar,
        };
        Some(Flow::new(*queue, *interval, last_success, &console.samples, now))
    };
    Facts {
        flows: console.flows.iter().filter_map(flow).collect(),
        now,
        started_at: console.started_at,
        queues,
        systems: systems.map(|system| (system, console.breakers.standing(system))).collect(),
        counted_at: sample.as_ref().map(|sample| sample.at),
        hub: sample.and_then(|Sample { hub, .. }| hub),
    }
}

fn verdict(facts: &Facts, language: Language) -> Markup {
    let concerns = concerns(facts);
    let waiting: u64 =
        facts.queues.iter().filter_map(|(_, counts)| *counts).map(|counts| counts.ready + counts.running).sum();
    let with_findings = facts.hub.as_ref().map_or(0, |hub| hub.counted.with_findings);
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
            div.notice.good role="status" {
                p { strong { (language.say("Everything is in sync.", "Alles ist synchron.")) } }
                @if with_findings > 0 {
                    p { a href={ (Area::Beteiligte.path()) "?of=findings" } {
                        (with_findings) " " (language.say(
                            "Beteiligte have findings: what these name stays as it is.",
                            "Beteiligte mit Hinweisen: was diese nennen, bleibt, wie es ist.",
                        ))
                    } }
                }
            }
        }
        // What the queues and systems say is of this moment.
        @if let (Some(at), Some(_)) = (facts.counted_at, &facts.hub) {
            p.faint {
                (language.say("Beteiligte and calendars as counted ", "Beteiligte und Kalender nach dem Stand von "))
                (show::time_and_age(at, facts.now, language)) "."
            }
        }
    }
}

fn queue_card(
    console: &Console,
    queue: QueueName,
    counts: Option<Counts>,
    now: DateTime<Utc>,
    language: Language,
) -> Markup {
    let depth = console.samples.series(queue, |counts| whole(counts.ready + counts.delayed));
    let age = console.samples.series(queue, |counts| counts.oldest_ready.as_secs_f64());
    let seconds = |value: f64| show::span(Duration::try_from_secs_f64(value).unwrap_or_default());
    html! {
        section.card {
            h2 { (language.say("Queue", "Warteschlange")) " " (queues::name(queue, language)) }
            @if let Some(counts) = counts {
                dl.figures {
                    @for state in JobState::ALL {
                        dt { (queues::state_name(state, language)) }
                        dd { a href=(queues::address(queue, state)) { (counts.of(state)) } }
                    }
                    dt { (language.say("Oldest waits for", "Ältester wartet seit")) }
                    dd { (show::span(counts.oldest_ready)) }
                    dt { (language.say("Workers", "Worker")) }
                    dd { (counts.workers) }
                }
            } @else {
                p.bad { (language.say("Redis does not answer.", "Redis antwortet nicht.")) }
            }
            h3.faint { (language.say("Waiting and delayed jobs, last hour", "Wartende und aufgeschobene Aufträge, letzte Stunde")) }
            (chart::hour(&depth, now, language.say("Waiting and delayed jobs", "Wartende und aufgeschobene Aufträge"), language, |value| format!("{value:.0}")))
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
                dl.figures {
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
                    @if facts.queues.iter().any(|(queue, _)| *queue == QueueName::Calendar) {
                        dt { (language.say("Last success, calendars", "Letzter Erfolg, Kalender")) }
                        dd { (time(hub.last_success.calendar)) }
                    }
                }
            } @else if facts.counted_at.is_some() {
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
            dl.figures {
                @for (system, standing) in &facts.systems {
                    dt { (show::system(*system)) }
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
