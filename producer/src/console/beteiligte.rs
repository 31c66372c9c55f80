//! Beteiligte by state: which are in trouble, why, and when they are tried again.

use std::collections::HashMap;

use axum::extract::{Form, Query, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use chrono::{DateTime, Utc};
use domain::beteiligte::SyncStatus;
use domain::ids::{BetNr, EspoId};
use maud::{Markup, html};
use serde::Deserialize;
use shared::hub::{BeteiligteView, Counted, Listed};
use shared::queue::{JobState, JobView, QueueName};

use super::concern::is_trouble;
use super::guard::Visit;
use super::language::Language;
use super::layout::{self, Area, button, token};
use super::notice::{Problem, Search, Told};
use super::overview::TIME_LIMIT;
use super::queues::{self, entity_address};
use super::record::is_known;
use super::{Console, finding, show};

const PER_PAGE: usize = 50;
const REFRESH_SECONDS: u32 = 5;
/// Of the tab that lists by finding, where others have a state's name.
const FINDINGS: &str = "findings";
const ALL: &str = "all";

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/beteiligte", get(page)).route("/console/beteiligte/find", get(find).post(find))
}

#[derive(Deserialize)]
struct Wanted {
    of: Option<String>,
    after: Option<String>,
}

#[derive(Deserialize)]
struct Searched {
    #[serde(default)]
    q: String,
}

/// The page of a record.
pub(super) fn record_address(id: &EspoId) -> String {
    entity_address(QueueName::Beteiligte, id.as_str())
}

fn tab_name(of: Listed) -> &'static str {
    match of {
        Listed::All => ALL,
        Listed::InStatus(status) => status.name(),
        Listed::WithFindings => FINDINGS,
    }
}

fn parse_tab(text: &str) -> Option<Listed> {
    match text {
        ALL => Some(Listed::All),
        FINDINGS => Some(Listed::WithFindings),
        status => SyncStatus::parse(status).map(Listed::InStatus),
    }
}

fn address(of: Listed) -> String {
    format!("{}?of={}", Area::Beteiligte.path(), tab_name(of))
}

/// One page of it, which begins after a record.
fn address_after(of: Listed, after: Option<&EspoId>) -> String {
    after.map_or_else(|| address(of), |after| format!("{}&after={after}", address(of)))
}

fn count(counted: &Counted, of: Listed) -> u64 {
    match of {
        Listed::All => counted.by_status.iter().map(|(_, count)| count).sum(),
        Listed::InStatus(status) => {
            let of_status = counted.by_status.iter().find(|(known, _)| *known == Some(status));
            of_status.map_or(0, |(_, count)| *count)
        }
        Listed::WithFindings => counted.with_findings,
    }
}

/// What is shown where nothing was chosen: where somebody should look, else that all is well.
fn first_tab(counted: &Counted) -> Listed {
    let troubled = SyncStatus::ALL.into_iter().filter(|status| is_trouble(*status)).map(Listed::InStatus);
    let mut candidates = troubled.chain([Listed::WithFindings]);
    candidates.find(|of| count(counted, *of) > 0).unwrap_or(Listed::All)
}

async fn page(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Query(told): Query<Told>,
    Query(wanted): Query<Wanted>,
) -> Result<Markup, Problem> {
    let language = visit.language;
    let counted = console.samples.latest().and_then(|sample| sample.hub).map(|hub| hub.counted);
    let of = match &wanted.of {
        Some(text) => parse_tab(text).ok_or(Problem::NotFound)?,
        None => first_tab(counted.as_ref().unwrap_or(&Counted::default())),
    };
    let after = wanted.after.as_deref().map(EspoId::parse).transpose().map_err(|_| Problem::NotFound)?;
    // One more than is shown tells whether there is another page.
    let limit = u32::try_from(PER_PAGE + 1).unwrap_or(u32::MAX);
    let mut records = console.hub.beteiligte_page(of, after.as_ref(), limit).await?;
    let has_more = records.len() > PER_PAGE;
    records.truncate(PER_PAGE);
    let jobs = jobs_of(&console, &records).await;
    let now = console.clock.now();
    let content = html! {
        (told.show(language))
        (search(&visit))
        (layout::live("records", REFRESH_SECONDS, &html! {
            (tabs(of, counted.as_ref(), language))
            @if jobs.is_none() {
                div.notice.bad { p { (language.say("The queue does not answer: reasons and next tries are not known.", "Die Warteschlange antwortet nicht: Gründe und nächste Versuche sind nicht bekannt.")) } }
            }
            (table(&visit, &address_after(of, after.as_ref()), &records, &jobs.unwrap_or_default(), now))
            (pages(of, after.is_some(), records.last().filter(|_| has_more), language))
        }))
    };
    Ok(layout::page(&visit, "Beteiligte", Some(Area::Beteiligte), &content))
}

/// What the queue has for a page of records, in one call; `None`: it does not answer.
async fn jobs_of(console: &Console, records: &[BeteiligteView]) -> Option<HashMap<String, JobView>> {
    let queue = console.queue(QueueName::Beteiligte)?;
    let ids: Vec<String> = records.iter().map(|record| record.id.to_string()).collect();
    let shown = tokio::time::timeout(TIME_LIMIT, queue.show(&ids)).await.ok()?.ok()?;
    Some(shown.into_iter().map(|job| (job.entity.clone(), job)).collect())
}

/// Leads to a record by its id; also where one was searched for and nobody has it.
pub(super) fn search(visit: &Visit) -> Markup {
    let language = visit.language;
    html! {
        form.row method="post" action="/console/beteiligte/find" role="search" {
            (token(visit))
            label {
                (language.say("Id in EspoCRM or number in Advoware (betnr)", "Kennung in EspoCRM oder Nummer in Advoware (betnr)"))
                input type="search" name="q" required maxlength=(EspoId::MAX_CHARS) pattern="[A-Za-z0-9\\-]+" autocomplete="off";
            }
            button type="submit" { (language.say("Find", "Suchen")) }
        }
    }
}

fn tabs(of: Listed, counted: Option<&Counted>, language: Language) -> Markup {
    let by_status = SyncStatus::ALL.into_iter().map(Listed::InStatus);
    let all = [Listed::All].into_iter().chain(by_status).chain([Listed::WithFindings]);
    html! {
        ul.tabs { @for other in all {
            li { a href=(address(other)) aria-current=[(other == of).then_some("true")] {
                @match other {
                    Listed::All => (language.say("all", "alle")),
                    Listed::InStatus(status) => (show::status(status, language)),
                    Listed::WithFindings => (language.say("with findings", "mit Hinweisen")),
                }
                @if let Some(counted) = counted { " " (count(counted, other)) }
            } }
        } }
    }
}

fn table(
    visit: &Visit,
    back: &str,
    records: &[BeteiligteView],
    jobs: &HashMap<String, JobView>,
    now: DateTime<Utc>,
) -> Markup {
    let language = visit.language;
    let (whom, betnr) = (language.say("Record", "Datensatz"), "betnr");
    let (state, findings) = (language.say("State", "Zustand"), language.say("Findings", "Hinweise"));
    let why = language.say("Reason of the last failure", "Grund des letzten Fehlers");
    let (next, acts) = (language.say("Next try", "Nächster Versuch"), language.say("Actions", "Aktionen"));
    html! {
        div.scroll { table.list {
            thead { tr {
                th scope="col" { (whom) }
                th.num scope="col" { (betnr) }
                th scope="col" { (state) }
                th scope="col" { (findings) }
                th scope="col" { (why) }
                th scope="col" { (next) }
                th scope="col" { (acts) }
            } }
            tbody {
                @for record in records {
                    @let job = jobs.get(record.id.as_str());
                    tr {
                        td data-label=(whom) { a.id href=(record_address(&record.id)) { (record.id) } }
                        td.num data-label=(betnr) { @if let Some(betnr) = record.betnr { (betnr) } }
                        td data-label=(state) { (show::record_badge(record, language)) }
                        td.text data-label=(findings) { (finding::list(&record.findings, language)) }
                        td.text data-label=(why) { @if let Some(job) = job { (queues::reason(job, language)) } }
                        td data-label=(next) { @if let Some(job) = job { (next_try(job, now, language)) } }
                        td data-label=(acts) { (requeue(visit, &record.id, back)) }
                    }
                }
                @if records.is_empty() { tr.empty { td colspan="7" { (language.say("None.", "Keine.")) } } }
            }
        } }
    }
}

/// When the queue takes the job up.
pub(super) fn next_try(job: &JobView, now: DateTime<Utc>, language: Language) -> Markup {
    html! {
        @match job.state {
            JobState::Ready => (language.say("when its turn comes", "sobald er an der Reihe ist")),
            JobState::Delayed => (show::time_and_age(show::from_ms(job.since_ms), now, language)),
            JobState::Running => (language.say("running", "läuft")),
            JobState::Dead => (language.say("none", "keiner")),
        }
    }
}

/// Puts one record back to work; `back` is the page to come back to.
pub(super) fn requeue(visit: &Visit, id: &EspoId, back: &str) -> Markup {
    requeue_saying(visit, id, back, visit.language.say("Requeue", "Erneut"))
}

/// As [`requeue`]: on a record that has not failed it is not the same in words.
pub(super) fn requeue_saying(visit: &Visit, id: &EspoId, back: &str, label: &str) -> Markup {
    let fields = [("queue", QueueName::Beteiligte.as_str()), ("job", id.as_str()), ("back", back)];
    button(visit, "/console/queues/requeue", &fields, label)
}

fn pages(of: Listed, is_later: bool, last: Option<&BeteiligteView>, language: Language) -> Markup {
    html! {
        @if is_later || last.is_some() {
            nav.pages aria-label=(language.say("Pages", "Seiten")) {
                @if is_later { a rel="first" href=(address(of)) { (language.say("First page", "Erste Seite")) } }
                @if let Some(last) = last {
                    a rel="next" href=(address_after(of, Some(&last.id))) { (language.say("Next", "Nächste")) }
                }
            }
        }
    }
}

/// `/console/beteiligte/find`, sent as a form, or with an id in the query: leads to the record. A number is Advoware's first, and EspoCRM's
/// where Advoware's is nobody's. What nobody has as an id may be a name, and goes into no address.
async fn find(State(console): State<Console>, Form(searched): Form<Searched>) -> Result<Response, Problem> {
    let text = searched.q.trim();
    let by_number = match text.parse() {
        Ok(betnr) => console.hub.beteiligte_of_betnr(BetNr(betnr)).await?,
        Err(_) => None,
    };
    if let Some(id) = by_number {
        return Ok(queues::to(&record_address(&id)));
    }
    let id = EspoId::parse(text).map_err(|_| Problem::NoId(Search::Beteiligte))?;
    if !is_known(&console, &id).await? {
        return Err(Problem::NoHit);
    }
    Ok(queues::to(&record_address(&id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tab_is_where_somebody_should_look() {
        let counted = |by_status: &[(SyncStatus, u64)], with_findings| Counted {
            by_status: by_status.iter().map(|(status, count)| (Some(*status), *count)).collect(),
            with_findings,
            number_taken: 0,
        };
        let clean = (SyncStatus::Clean, 9);
        let troubled = counted(&[clean, (SyncStatus::Conflict, 1), (SyncStatus::PermanentlyFailed, 2)], 3);
        assert_eq!(first_tab(&troubled), Listed::InStatus(SyncStatus::PermanentlyFailed));
        assert_eq!(first_tab(&counted(&[clean, (SyncStatus::Failed, 0)], 3)), Listed::WithFindings);
        for well in [counted(&[clean, (SyncStatus::Dirty, 4)], 0), Counted::default()] {
            assert_eq!(first_tab(&well), Listed::All);
        }
    }

    #[test]
    fn every_tab_is_read_back_from_its_address() {
        let states = SyncStatus::ALL.into_iter().map(Listed::InStatus);
        for of in states.chain([Listed::All, Listed::WithFindings]) {
            assert_eq!(parse_tab(tab_name(of)), Some(of));
        }
        assert_eq!(parse_tab("anything"), None);
    }
}
