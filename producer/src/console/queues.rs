//! The queues: which jobs wait, run, or are dead and why; hold them, let them go, put them back to work.

use std::time::Duration;

use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use serde::Deserialize;
use shared::queue::{Counts, JobId, JobState, JobView, Matching, Queue, QueueName};

use super::action::{Act, Of, recorded};
use super::guard::Visit;
use super::language::Language;
use super::layout::{self, Area, button, careful_button};
use super::notice::{Done, Problem, Told};
use super::{Console, show};
use crate::command::record_ids;
use crate::command::requeue::{Approved, alike, named};
use crate::printable::visible;

const PER_PAGE: usize = 50;
const REFRESH_SECONDS: u32 = 5;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/queues", get(page))
        .route("/console/queues/pause", post(pause))
        .route("/console/queues/resume", post(resume))
        .route("/console/queues/requeue", post(requeue))
        .route("/console/queues/requeue-all", post(requeue_all))
        .route("/console/queues/delete", post(delete))
}

#[derive(Deserialize)]
struct Wanted {
    queue: Option<String>,
    state: Option<String>,
    #[serde(default)]
    page: usize,
}

/// What a form names.
#[derive(Deserialize)]
struct Chosen {
    queue: String,
    #[serde(default)]
    job: String,
    /// The page to come back to, one of ours.
    #[serde(default)]
    back: String,
}

impl Chosen {
    fn queue<'a>(&self, console: &'a Console) -> Result<&'a Queue, Problem> {
        parse_queue(&self.queue).and_then(|name| console.queue(name)).ok_or(Problem::NotFound)
    }

    fn back(&self, or: &str) -> String {
        if self.back.is_empty() { or.to_owned() } else { super::login::within(&self.back) }
    }
}

/// The page of a queue's jobs in one state.
pub(super) fn address(queue: QueueName, state: JobState) -> String {
    format!("{}?queue={}&state={}", Area::Queues.path(), queue.as_str(), state.name())
}

/// A queue's name for people.
pub(super) fn name(queue: QueueName, language: Language) -> &'static str {
    match queue {
        QueueName::Beteiligte => "Beteiligte",
        QueueName::Calendar => language.say("calendars", "Kalender"),
    }
}

/// A state's name for people.
pub(super) fn state_name(state: JobState, language: Language) -> &'static str {
    match state {
        JobState::Ready => language.say("waiting", "wartend"),
        JobState::Delayed => language.say("delayed", "aufgeschoben"),
        JobState::Running => language.say("running", "laufend"),
        JobState::Dead => language.say("dead", "tot"),
    }
}

fn parse_queue(text: &str) -> Option<QueueName> {
    QueueName::ALL.into_iter().find(|queue| queue.as_str() == text)
}

async fn page(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Query(told): Query<Told>,
    Query(wanted): Query<Wanted>,
) -> Result<Markup, Problem> {
    let language = visit.language;
    let name = wanted.queue.as_deref().map_or(Some(QueueName::Beteiligte), parse_queue).ok_or(Problem::NotFound)?;
    let state = wanted
        .state
        .as_deref()
        .map_or(Some(JobState::Ready), |text| JobState::ALL.into_iter().find(|state| state.name() == text));
    let state = state.ok_or(Problem::NotFound)?;
    let queue = console.queue(name).ok_or(Problem::NotFound)?;
    let counts = queue.counts().await?;
    let jobs = queue.list(state, wanted.page.saturating_mul(PER_PAGE), PER_PAGE).await?;
    let now = console.clock.now();
    let content = html! {
        (told.show(language))
        ul.tabs { @for other in QueueName::ALL {
            li { a href=(address(other, state)) aria-current=[(other == name).then_some("true")] { (self::name(other, language)) } }
        } }
        (layout::live("queue", REFRESH_SECONDS, &html! {
            (controls(&visit, name, counts))
            ul.tabs { @for other in JobState::ALL {
                li { a href=(address(name, other)) aria-current=[(other == state).then_some("true")] {
                    (state_name(other, language)) " " (counts.of(other))
                } }
            } }
            (table(&visit, name, state, &jobs, now))
            (pages(name, state, wanted.page, counts.of(state), language))
        }))
    };
    Ok(layout::page(&visit, language.say("Queues", "Warteschlangen"), Some(Area::Queues), &content))
}

fn controls(visit: &Visit, queue: QueueName, counts: Counts) -> Markup {
    let language = visit.language;
    let fields = [("queue", queue.as_str())];
    html! {
        @if counts.is_paused {
            div.notice.warn { p { (language.say("Paused: no worker takes jobs, new ones are queued.", "Angehalten: kein Worker nimmt Aufträge, neue werden eingereiht.")) } }
            (button(visit, "/console/queues/resume", &fields, language.say("Resume", "Fortsetzen")))
        } @else {
            (careful_button(visit, "/console/queues/pause", &fields, language.say("Pause", "Anhalten"),
                language.say("No worker takes jobs of this queue until it is resumed. Running ones end.",
                             "Kein Worker nimmt Aufträge dieser Warteschlange, bis sie fortgesetzt wird. Laufende enden noch.")))
        }
        @if counts.dead + counts.delayed > 0 {
            (careful_button(visit, "/console/queues/requeue-all", &fields, language.say("Requeue all that failed", "Alle fehlgeschlagenen erneut"),
                language.say("Dead jobs and those that wait after a failure run again at once, their counters start anew.",
                             "Tote Aufträge und solche, die nach einem Fehler warten, laufen sofort wieder; ihre Zähler beginnen neu.")))
        }
    }
}

fn table(visit: &Visit, queue: QueueName, state: JobState, jobs: &[JobView], now: DateTime<Utc>) -> Markup {
    let language = visit.language;
    let since = match state {
        JobState::Ready => language.say("Due since", "Fällig seit"),
        JobState::Delayed => language.say("Due", "Fällig"),
        JobState::Running => language.say("Begun as due since", "Fällig gewesen seit"),
        JobState::Dead => language.say("Dead since", "Tot seit"),
    };
    let (whom, runs) = (language.say("For", "Für"), language.say("Runs", "Läufe"));
    let failures = language.say("Failures", "Fehler");
    let why = language.say("Reason of the last failure", "Grund des letzten Fehlers");
    let acts = language.say("Actions", "Aktionen");
    html! {
        div.scroll { table.list {
            thead { tr {
                th scope="col" { (whom) }
                th scope="col" { (since) }
                th.num scope="col" { (runs) }
                th.num scope="col" { (failures) }
                th scope="col" { (why) }
                th scope="col" { (acts) }
            } }
            tbody {
                @for job in jobs {
                    tr {
                        td data-label=(whom) { a.id href=(entity_address(queue, &job.entity)) { (job.entity) } }
                        td data-label=(since) { (show::time_and_age(show::from_ms(job.dead_since_ms.unwrap_or(job.since_ms)), now, language)) }
                        td.num data-label=(runs) { (job.starts) }
                        td.num data-label=(failures) { (job.failures.max(job.crashes)) }
                        td.text data-label=(why) { (reason(job, language)) }
                        td data-label=(acts) { (actions(visit, queue, job)) }
                    }
                }
                @if jobs.is_empty() { tr.empty { td colspan="6" { (language.say("None.", "Keine.")) } } }
            }
        } }
    }
}

/// Why the last run failed, or why there is none. Reasons are the programs' own, in English.
pub(super) fn reason(job: &JobView, language: Language) -> Markup {
    html! {
        @if job.reason.is_empty() {
            @if job.crashes > 0 {
                (language.say("its worker ended while it ran", "sein Worker endete während des Laufs"))
            } @else if job.state == JobState::Delayed {
                (language.say(
                    "no failure: a system is down or busy, or it was spread over time",
                    "kein Fehler: ein System ist nicht erreichbar oder ausgelastet, oder er wurde über eine Zeit verteilt",
                ))
            }
        } @else {
            span lang="en" { (visible(&job.reason)) }
        }
    }
}

fn actions(visit: &Visit, queue: QueueName, job: &JobView) -> Markup {
    let (language, id) = (visit.language, job.job.to_string());
    let fields = [("queue", queue.as_str()), ("job", id.as_str())];
    html! {
        @match job.state {
            JobState::Ready | JobState::Running => {}
            JobState::Delayed => (button(visit, "/console/queues/requeue", &fields, language.say("Run now", "Jetzt"))),
            JobState::Dead => {
                (button(visit, "/console/queues/requeue", &fields, language.say("Requeue", "Erneut")))
                (careful_button(visit, "/console/queues/delete", &fields, language.say("Delete", "Löschen"),
                    language.say("The job is deleted for good. The record stays as it is, and its next change makes a new job.",
                                 "Der Auftrag wird endgültig gelöscht. Der Datensatz bleibt, wie er ist; seine nächste Änderung macht einen neuen.")))
            }
        }
    }
}

/// The page of whom a job serves.
pub(super) fn entity_address(queue: QueueName, entity: &str) -> String {
    let area = match queue {
        QueueName::Beteiligte => Area::Beteiligte,
        QueueName::Calendar => Area::Employees,
    };
    let entity = percent_encoding::utf8_percent_encode(entity, percent_encoding::NON_ALPHANUMERIC);
    format!("{}/{entity}", area.path())
}

fn pages(queue: QueueName, state: JobState, page: usize, total: u64, language: Language) -> Markup {
    let last = usize::try_from(total.saturating_sub(1)).unwrap_or_default() / PER_PAGE;
    let to = |page: usize| format!("{}&page={page}", address(queue, state));
    html! {
        @if last > 0 {
            nav.pages aria-label=(language.say("Pages", "Seiten")) {
                @if page > 0 { a rel="prev" href=(to(page - 1)) { (language.say("Previous", "Vorige")) } }
                span { (language.say("Page", "Seite")) " " (page + 1) " / " (last + 1) }
                @if page < last { a rel="next" href=(to(page + 1)) { (language.say("Next", "Nächste")) } }
            }
        }
    }
}

async fn pause(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    hold(&console, &visit, &chosen, true).await
}

async fn resume(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    hold(&console, &visit, &chosen, false).await
}

async fn hold(console: &Console, visit: &Visit, chosen: &Chosen, holds: bool) -> Result<Response, Problem> {
    let queue = chosen.queue(console)?;
    let of = Of { flow: Some(queue.name()), ..Of::default() };
    let (act, done) = if holds { (Act::Pause, Done::Paused) } else { (Act::Resume, Done::Resumed) };
    let work = async { Ok(if holds { queue.pause().await } else { queue.resume().await }?) };
    recorded(console, visit, act, of, work).await?;
    Ok(to(&done.address(&chosen.back(&address(queue.name(), JobState::Ready)), None)))
}

/// One job, or an entity with or without one.
async fn requeue(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    let queue = chosen.queue(&console)?;
    let ids =
        record_ids::parse_named(std::slice::from_ref(&chosen.job), queue.name()).map_err(|_| Problem::Malformed)?;
    let entity = ids.first().map(|id| id.entity.clone());
    let of = Of { flow: Some(queue.name()), entity, ..Of::default() };
    let work = async { Ok(named(&console.hub, queue, &ids, Approved::default(), false).await?) };
    let requeued = recorded(&console, &visit, Act::Requeue, of, work).await?;
    let back = chosen.back(&address(queue.name(), JobState::Dead));
    Ok(to(&Done::Requeued.address(&back, Some(requeued.queued as u64))))
}

async fn requeue_all(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    let queue = chosen.queue(&console)?;
    let of = Of { flow: Some(queue.name()), ..Of::default() };
    let matching = Matching { includes_failed: true, ..Matching::default() };
    let work = async { Ok(alike(&console.hub, std::slice::from_ref(queue), &matching, Duration::ZERO, false).await?) };
    let requeued = recorded(&console, &visit, Act::RequeueAll, of, work).await?;
    let back = chosen.back(&address(queue.name(), JobState::Ready));
    Ok(to(&Done::Requeued.address(&back, Some(requeued))))
}

async fn delete(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    let queue = chosen.queue(&console)?;
    let job = JobId::parse(&chosen.job).ok_or(Problem::Malformed)?;
    let of = Of { flow: Some(queue.name()), entity: Some(job.entity().to_owned()), detail: Some(job.to_string()) };
    let work = async { Ok(queue.delete_dead(std::slice::from_ref(&job)).await?) };
    let deleted = recorded(&console, &visit, Act::DeleteDead, of, work).await?;
    Ok(to(&Done::Deleted.address(&chosen.back(&address(queue.name(), JobState::Dead)), Some(deleted))))
}

/// After a form comes a page that may be loaded again without doing it again.
pub(super) fn to(address: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, address.to_owned())]).into_response()
}
