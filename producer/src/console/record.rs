//! One Beteiligter: why it waits, why it differs, what can be done, and all that happened to it.

use axum::extract::{Form, Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use chrono::{DateTime, Utc};
use domain::beteiligte::stammdaten::Side;
use domain::finding::FindingKind;
use domain::ids::EspoId;
use maud::{Markup, html};
use serde::Deserialize;
use shared::error::System;
use shared::hub::{Asked, AuditView, BeteiligteView};
use shared::limits::Standing;
use shared::queue::{JobView, Queue, QueueName};
use uuid::Uuid;

use super::action::{Act, Of, recorded};
use super::beteiligte::{next_try, record_address, requeue, requeue_saying};
use super::explain::{Facts, Stand, Work, obstacle_sentence, obstacles, sentence};
use super::guard::Visit;
use super::language::Language;
use super::layout::{self, Area, careful_button};
use super::notice::{Done, Problem, Told};
use super::overview::TIME_LIMIT;
use super::timeline::{Sources, side_name};
use super::{Console, finding, queues, show};
use crate::command::ask;
use crate::command::record_ids::Named;
use crate::command::requeue::{Approved, named};

const REFRESH_SECONDS: u32 = 5;
/// What a person takes responsibility for: held deletions (K1a), or that a record whose creation has an unknown outcome is created again
/// (B2b).
const DELETIONS: &str = "deletions";
const CREATION: &str = "creation";
/// Of each source of the timeline, the latest.
const MOST_EVENTS: u32 = 50;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/beteiligte/{id}", get(page))
        .route("/console/beteiligte/{id}/approve", post(approve))
        .route("/console/beteiligte/{id}/decide", post(decide))
        .route("/console/beteiligte/{id}/restore", post(restore))
}

/// What the forms of the page name; each its own.
#[derive(Deserialize)]
struct Chosen {
    /// [`DELETIONS`] or [`CREATION`].
    #[serde(default)]
    what: String,
    /// The side that wins.
    #[serde(default)]
    winner: String,
    /// The audit entry that is taken back.
    #[serde(default)]
    entry: String,
}

/// All that is known of a record.
struct Known {
    id: EspoId,
    view: Option<BeteiligteView>,
    work: Work,
    is_paused: bool,
    has_workers: bool,
    down: Vec<(System, DateTime<Utc>)>,
    /// Where EspoCRM shows it.
    in_espocrm: Option<String>,
    past: Sources<AuditView, Asked>,
}

pub(super) fn parse(id: &str) -> Result<EspoId, Problem> {
    EspoId::parse(id).map_err(|_| Problem::NotFound)
}

pub(super) fn queue(console: &Console) -> Result<&Queue, Problem> {
    console.queue(QueueName::Beteiligte).ok_or(Problem::NotFound)
}

async fn page(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(told): Query<Told>,
) -> Result<Markup, Problem> {
    let known = Known::look(&console, parse(&id)?).await?;
    let (language, now) = (visit.language, console.clock.now());
    let facts = known.facts(&console);
    let stand = Stand::of(&facts);
    let content = html! {
        (told.show(language))
        (layout::live("record", REFRESH_SECONDS, &html! {
            div class=(if stand.is_trouble() { "notice bad" } else { "notice" }) role="status" {
                p { strong { (sentence(&stand, now, language)) } }
                @for obstacle in obstacles(&stand, &facts) { p { (obstacle_sentence(obstacle, now, language)) } }
            }
            (actions(&visit, &known, &stand))
            div.cards { (facts_card(&known, now, language)) (findings_card(&known, language)) }
        }))
        h2 { (language.say("Timeline", "Verlauf")) }
        (layout::live("timeline", REFRESH_SECONDS, &known.past.show(&visit)))
        p.faint { (language.say("The latest events of each kind.", "Die jeweils letzten Ereignisse jeder Art.")) }
    };
    Ok(layout::page(&visit, &format!("Beteiligte {}", known.id), Some(Area::Beteiligte), &content))
}

impl Known {
    /// Refuses an id that nobody has ever seen here.
    async fn look(console: &Console, id: EspoId) -> Result<Self, Problem> {
        let hub = &console.hub;
        let (work, is_paused, has_workers) = at_the_queue(console, &id).await?;
        let (view, entries, requests, actions) = tokio::try_join!(
            hub.beteiligte_view(&id),
            hub.history(&id, MOST_EVENTS),
            hub.requests_of(&id, MOST_EVENTS),
            hub.actions_on(id.as_str(), MOST_EVENTS)
        )?;
        let job = match &work {
            Work::Job(job) => Some(job.clone()),
            Work::None | Work::NotKnown => None,
        };
        let is_nobody = view.is_none() && work == Work::None && entries.is_empty() && requests.is_empty();
        if is_nobody {
            return Err(Problem::NotFound);
        }
        // Calendars alone wait for Google.
        let systems = System::ALL.into_iter().filter(|system| *system != System::Google);
        let down = systems.filter_map(|system| match console.breakers.standing(system) {
            Standing::Up => None,
            Standing::Down { next_try } => Some((system, next_try)),
        });
        let down = down.collect();
        let in_espocrm = console.espocrm_record.as_ref().map(|before| format!("{before}{id}"));
        Ok(Self {
            id,
            view,
            work,
            is_paused,
            has_workers,
            down,
            in_espocrm,
            past: Sources { entries, requests, actions, job },
        })
    }

    fn facts(&self, console: &Console) -> Facts<'_> {
        Facts {
            view: self.view.as_ref(),
            work: &self.work,
            is_paused: self.is_paused,
            has_workers: self.has_workers,
            down: &self.down,
            auto_reset: console.auto_reset,
        }
    }

    fn has(&self, kind: FindingKind) -> bool {
        self.view.as_ref().is_some_and(|view| view.findings.iter().any(|finding| finding.kind == kind))
    }

    fn job(&self) -> Option<&JobView> {
        self.past.job.as_ref()
    }
}

/// Whether there is anything here under an id, as far as the stores answer.
pub(super) async fn is_known(console: &Console, id: &EspoId) -> Result<bool, Problem> {
    match Known::look(console, id.clone()).await {
        Ok(known) => Ok(known.view.is_some() || known.work != Work::NotKnown),
        Err(Problem::NotFound) => Ok(false),
        Err(problem) => Err(problem),
    }
}

/// A queue that is away is part of the answer: what PostgreSQL knows can be read all the same.
async fn at_the_queue(console: &Console, id: &EspoId) -> Result<(Work, bool, bool), Problem> {
    let queue = queue(console)?;
    let ids = [id.to_string()];
    let asked = async { tokio::try_join!(queue.show(&ids), queue.counts()) };
    let Ok(Ok((jobs, counts))) = tokio::time::timeout(TIME_LIMIT, asked).await else {
        return Ok((Work::NotKnown, false, true));
    };
    let work = jobs.into_iter().next().map_or(Work::None, Work::Job);
    Ok((work, counts.is_paused, counts.workers > 0))
}

fn facts_card(known: &Known, now: DateTime<Utc>, language: Language) -> Markup {
    let view = known.view.as_ref();
    let never = || html! { span.faint { (language.say("not yet", "noch nie")) } };
    let time = |at: Option<DateTime<Utc>>| at.map_or_else(never, |at| show::time_and_age(at, now, language));
    html! {
        section.card {
            h2 { (language.say("Facts", "Fakten")) }
            dl {
                dt { (language.say("Id in EspoCRM", "Kennung in EspoCRM")) } dd {
                    code { (known.id) }
                    @if let Some(address) = &known.in_espocrm {
                        " " a href=(address) rel="noreferrer" { (language.say("open in EspoCRM", "in EspoCRM öffnen")) }
                    }
                }
                // Of the last run; EspoCRM may name another meanwhile.
                dt { (language.say("Last synced with betnr", "Zuletzt synchronisiert mit betnr")) }
                dd { @match view.and_then(|view| view.betnr) { Some(betnr) => code { (betnr) }, None => (language.say("none", "keine")) } }
                dt { (language.say("State", "Zustand")) }
                dd { @match view {
                    Some(view) => (show::record_badge(view, language)),
                    None => (language.say("no run so far", "noch kein Lauf")),
                } }
                dt { (language.say("Last looked at", "Zuletzt geprüft")) } dd { (time(view.map(|view| view.looked_at))) }
                dt { (language.say("Last change agreed", "Letzte übernommene Änderung")) } dd { (time(view.and_then(|view| view.agreed_at))) }
                @if let Some(job) = known.job() {
                    dt { (language.say("Job", "Auftrag")) }
                    dd { a href=(queues::address(QueueName::Beteiligte, job.state)) { (queues::state_name(job.state, language)) } " " code { (job.job) } }
                    dt { (language.say("Runs, failures, crashes", "Läufe, Fehler, Abstürze")) }
                    dd { (job.starts) ", " (job.failures) ", " (job.crashes) }
                    dt { (language.say("Next try", "Nächster Versuch")) } dd { (next_try(job, now, language)) }
                }
            }
        }
    }
}

fn findings_card(known: &Known, language: Language) -> Markup {
    html! {
        section.card {
            h2 { (language.say("Findings of the last run", "Hinweise des letzten Laufs")) }
            @match &known.view {
                Some(view) if !view.findings.is_empty() => (finding::list(&view.findings, language)),
                Some(_) | None => p.faint { (language.say("None.", "Keine.")) },
            }
        }
    }
}

fn actions(visit: &Visit, known: &Known, stand: &Stand) -> Markup {
    let (language, path) = (visit.language, record_address(&known.id));
    let is_undecided = known.has(FindingKind::Undecided) || *stand == Stand::Undecided;
    html! {
        div {
            @if stand.is_trouble() { (requeue(visit, &known.id, &path)) }
            @else { (requeue_saying(visit, &known.id, &path, language.say("Sync now", "Jetzt synchronisieren"))) }
            @if known.has(FindingKind::MassDeletionHeld) {
                (careful_button(visit, &format!("{path}/approve"), &[("what", DELETIONS)],
                    language.say("Approve the held deletions", "Zurückgehaltene Löschungen freigeben"),
                    language.say(
                        "What vanished on one side is deleted on the other. What is deleted stays in the audit and can be restored.",
                        "Was auf einer Seite verschwand, wird auf der anderen gelöscht. Gelöschtes bleibt im Protokoll und kann wiederhergestellt werden.",
                    )))
            }
            @if *stand == Stand::CreationUnknown {
                (careful_button(visit, &format!("{path}/approve"), &[("what", CREATION)],
                    language.say("Create in Advoware again", "Erneut in Advoware anlegen"),
                    language.say(
                        "Only if Advoware does not have it: else there are two records then.",
                        "Nur, wenn Advoware ihn nicht hat: sonst gibt es ihn danach zweimal.",
                    )))
            }
            @if is_undecided {
                @for side in Side::ALL {
                    (careful_button(visit, &format!("{path}/decide"), &[("winner", side.name())], wins(side, language),
                        language.say(
                            "Its values replace the other side's in every field that waits for a decision. What loses stays in the audit.",
                            "Ihre Werte ersetzen die der anderen in jedem Feld, das auf eine Entscheidung wartet. Was verliert, bleibt im Protokoll.",
                        )))
                }
            }
            a href={ (path) "/plan" } { (language.say("What would a sync do?", "Was würde eine Synchronisation tun?")) }
        }
    }
}

fn wins(side: Side, language: Language) -> &'static str {
    match side {
        Side::Espocrm => language.say("EspoCRM wins", "EspoCRM gewinnt"),
        Side::Advoware => language.say("Advoware wins", "Advoware gewinnt"),
    }
}

async fn approve(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    let (id, queue) = (parse(&id)?, queue(&console)?);
    let (act, approved) = match chosen.what.as_str() {
        DELETIONS => (Act::ApproveDeletions, Approved { deletions: true, creation: false }),
        CREATION => (Act::CreateAgain, Approved { deletions: false, creation: true }),
        _ => return Err(Problem::Malformed),
    };
    let of = Of { flow: Some(QueueName::Beteiligte), entity: Some(id.to_string()), detail: None };
    let whom = [Named { entity: id.to_string(), job: None }];
    let work = async { Ok(named(&console.hub, queue, &whom, approved, false).await?) };
    recorded(&console, &visit, act, of, work).await?;
    Ok(queues::to(&Done::Approved.address(&record_address(&id), None)))
}

async fn decide(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    let side = Side::ALL.into_iter().find(|side| side.name() == chosen.winner).ok_or(Problem::Malformed)?;
    ask_worker(&console, &visit, &parse(&id)?, Act::Decide, &Asked::Decide(side), side_name(side).to_owned()).await
}

async fn restore(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    let (id, entry) = (parse(&id)?, Uuid::parse_str(&chosen.entry).map_err(|_| Problem::Malformed)?);
    let stored = console.hub.audit_entry(entry).await?;
    if stored.is_none_or(|stored| stored.espo_id != id.as_str()) {
        return Err(Problem::NotFound);
    }
    ask_worker(&console, &visit, &id, Act::Restore, &Asked::Restore(entry), entry.to_string()).await
}

/// Hands it to a worker, whose answer the timeline shows.
pub(super) async fn ask_worker(
    console: &Console,
    visit: &Visit,
    id: &EspoId,
    act: Act,
    asked: &Asked,
    detail: String,
) -> Result<Response, Problem> {
    let queue = queue(console)?;
    let of = Of { flow: Some(QueueName::Beteiligte), entity: Some(id.to_string()), detail: Some(detail) };
    let work = async { Ok(ask::put(&console.hub, queue, id, asked).await?) };
    recorded(console, visit, act, of, work).await?;
    Ok(queues::to(&Done::Asked.address(&record_address(id), None)))
}
