//! One employee's calendar: why it waits, what the last run found and held, its policy, and all that happened to it.

use axum::extract::{Form, Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use chrono::{DateTime, Utc};
use domain::ids::Kuerzel;
use maud::{Markup, html};
use serde::Deserialize;
use shared::error::System;
use shared::hub::calendar::{CalendarAsked, CalendarAuditView, Employee};
use shared::limits::Standing;
use shared::queue::{Counts, Queue, QueueName};
use shared::settings::CalendarSettings;
use uuid::Uuid;

use super::action::{Act, Of, recorded};
use super::beteiligte::next_try;
use super::employees::{hides, is_synced, time};
use super::guard::Visit;
use super::language::Language;
use super::layout::{self, Area, button, careful_button};
use super::notice::{Done, Problem, Told};
use super::queues::{self, entity_address};
use super::timeline::Sources;
use super::{Console, finding, policy, show};
use crate::command::calendar_ask;
use crate::command::policy::Effective;
use crate::command::record_ids::Named;
use crate::command::requeue::{Approved, named};

const REFRESH_SECONDS: u32 = 5;
/// Of each source of the timeline, the latest.
const MOST_EVENTS: u32 = 50;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/employees/{kuerzel}", get(page))
        .route("/console/employees/{kuerzel}/requeue", post(requeue))
        .route("/console/employees/{kuerzel}/approve", post(approve))
        .route("/console/employees/{kuerzel}/restore", post(restore))
}

/// What the form of an audit entry names.
#[derive(Deserialize)]
struct Chosen {
    /// The entry that is taken back.
    #[serde(default)]
    entry: String,
}

/// All that is known of an employee.
struct Known {
    employee: Employee,
    counts: Counts,
    down: Vec<(System, DateTime<Utc>)>,
    past: Sources<CalendarAuditView, CalendarAsked>,
}

pub(super) fn address(kuerzel: &Kuerzel) -> String {
    entity_address(QueueName::Calendar, kuerzel.as_str())
}

fn queue(console: &Console) -> Result<&Queue, Problem> {
    console.queue(QueueName::Calendar).ok_or(Problem::NotFound)
}

pub(super) async fn find(console: &Console, kuerzel: &str) -> Result<Employee, Problem> {
    let kuerzel = Kuerzel::parse(kuerzel).map_err(|_| Problem::NotFound)?;
    console.hub.employee(&kuerzel).await?.ok_or(Problem::NotFound)
}

async fn page(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Path(kuerzel): Path<String>,
    Query(told): Query<Told>,
) -> Result<Markup, Problem> {
    let rules = console.calendar_rules.as_ref().ok_or(Problem::NotFound)?;
    let known = Known::look(&console, find(&console, &kuerzel).await?).await?;
    let (language, now) = (visit.language, console.clock.now());
    let content = html! {
        (told.show(language))
        (layout::live("employee", REFRESH_SECONDS, &html! {
            (standing(&known, now, language))
            (actions(&visit, &known.employee))
            div.cards { (facts(&known, rules, now, language)) (finding::of_calendar(language.say("Findings of the last run", "Hinweise des letzten Laufs"), &known.employee.findings, language)) }
        }))
        (policy::form(&visit, &known.employee, rules))
        h2 { (language.say("Timeline", "Verlauf")) }
        (layout::live("timeline", REFRESH_SECONDS, &known.past.show(&visit)))
        p.faint { (language.say("The latest events of each kind.", "Die jeweils letzten Ereignisse jeder Art.")) }
    };
    Ok(layout::page(
        &visit,
        &format!("{} {}", language.say("Calendar of", "Kalender von"), known.employee.kuerzel),
        Some(Area::Employees),
        &content,
    ))
}

impl Known {
    async fn look(console: &Console, employee: Employee) -> Result<Self, Problem> {
        let (hub, queue, whom) = (&console.hub, queue(console)?, [employee.kuerzel.to_string()]);
        let (jobs, counts) = tokio::try_join!(queue.show(&whom), queue.counts())?;
        let (entries, requests, actions) = tokio::try_join!(
            hub.employee_history(&employee.kuerzel, MOST_EVENTS),
            hub.requests_of_employee(&employee.kuerzel, MOST_EVENTS),
            hub.actions_on(employee.kuerzel.as_str(), MOST_EVENTS)
        )?;
        // EspoCRM alone may be down and no calendar waits.
        let systems = System::ALL.into_iter().filter(|system| *system != System::Espocrm);
        let down = systems.filter_map(|system| match console.breakers.standing(system) {
            Standing::Up => None,
            Standing::Down { next_try } => Some((system, next_try)),
        });
        let (job, down) = (jobs.into_iter().next(), down.collect());
        Ok(Self { employee, counts, down, past: Sources { entries, requests, actions, job } })
    }
}

/// Why it is where it is, in words.
fn standing(known: &Known, now: DateTime<Utc>, language: Language) -> Markup {
    let Known { employee, counts, down, past: Sources { job, .. } } = known;
    let waits_for_approval = employee.enabled && job.is_none() && employee.held_deletions > 0;
    html! {
        div.notice.bad[waits_for_approval] role="status" {
            @if employee.departed_at.is_some() {
                p { strong { (language.say("Advoware does not list this employee any more: nothing is synced and nothing deleted.",
                    "Advoware führt diesen Mitarbeiter nicht mehr: nichts wird synchronisiert und nichts gelöscht.")) } }
            } @else if !employee.enabled {
                p { strong { (language.say("Switched off: nothing is synced.", "Ausgeschaltet: nichts wird synchronisiert.")) } }
            } @else if let Some(job) = job {
                p { strong { (language.say("Its job is ", "Der Auftrag ist ")) (queues::state_name(job.state, language)) "." }
                    @if job.failures + job.crashes > 0 {
                        " " (language.say("Failures: ", "Fehler: ")) (job.failures.max(job.crashes)) ". " (queues::reason(job, language))
                    }
                }
                p { (language.say("Next try: ", "Nächster Versuch: ")) (next_try(job, now, language)) }
            } @else if employee.held_deletions > 0 {
                p { strong { (employee.held_deletions) " "
                    (language.say("deletions wait for your approval: that many entries vanished on one side at once.",
                        "Löschungen warten auf Ihre Freigabe: so viele Einträge verschwanden auf einer Seite auf einmal.")) } }
            } @else if employee.synced_at.is_some() {
                p { strong { (language.say("In sync when a run last looked: ", "Synchron, als ein Lauf zuletzt nachsah: ")) }
                    (time(employee.looked_at, now, language)) }
            } @else {
                p { strong { (language.say("No run has ended well so far.", "Noch kein Lauf endete gut.")) } }
            }
            @if counts.is_paused { p { (language.say("The queue is paused.", "Die Warteschlange ist angehalten.")) } }
            @if counts.workers == 0 { p { (language.say("No worker takes jobs.", "Kein Worker nimmt Aufträge.")) } }
            @for (system, next_try) in down {
                p { (show::system(*system)) (language.say(" is down; next try ", " ist nicht erreichbar; nächster Versuch ")) (show::time_and_age(*next_try, now, language)) }
            }
        }
    }
}

fn actions(visit: &Visit, employee: &Employee) -> Markup {
    let (language, path) = (visit.language, address(&employee.kuerzel));
    html! {
        @if employee.enabled && employee.departed_at.is_none() {
            (button(visit, &format!("{path}/requeue"), &[], language.say("Sync now", "Jetzt synchronisieren")))
            @if employee.held_deletions > 0 {
                (careful_button(visit, &format!("{path}/approve"), &[],
                    language.say("Approve the held deletions", "Zurückgehaltene Löschungen freigeben"),
                    language.say(
                        "What vanished on one side is deleted on the other. What is deleted stays in the audit and can be restored.",
                        "Was auf einer Seite verschwand, wird auf der anderen gelöscht. Gelöschtes bleibt im Protokoll und kann wiederhergestellt werden.",
                    )))
            }
        }
        a href={ (path) "/plan" } { (language.say("What would a sync do?", "Was würde eine Synchronisation tun?")) }
    }
}

fn facts(known: &Known, rules: &CalendarSettings, now: DateTime<Utc>, language: Language) -> Markup {
    let (employee, effective) = (&known.employee, Effective::of(&known.employee, rules));
    html! {
        section.card {
            h2 { (language.say("Facts", "Fakten")) }
            dl {
                dt { (language.say("Synced", "Synchronisiert")) } dd { (is_synced(employee, language)) }
                dt { (language.say("Google sees", "Google sieht")) } dd { (hides(effective.anonymize, language)) }
                dt { (language.say("Who wins", "Wer gewinnt")) } dd { (policy::wins(effective.strategy, language)) }
                dt { (language.say("Writes to Advoware", "Schreiben nach Advoware")) } dd { (policy::writes(rules.write, employee.policy.advoware_write_allowed, language)) }
                dt { (language.say("Calendar", "Kalender")) }
                dd { @match &employee.calendar {
                    Some(calendar) => code { (calendar) },
                    None => (language.say("none yet", "noch keiner")),
                } @if employee.calendar_is_given { " " (language.say("(given)", "(vorgegeben)")) } }
                dt { (language.say("Last due by schedule", "Zuletzt fällig nach Zeitplan")) } dd { (time(employee.scheduled_at, now, language)) }
                dt { (language.say("Last looked at", "Zuletzt geprüft")) } dd { (time(employee.looked_at, now, language)) }
                dt { (language.say("Last in agreement", "Zuletzt übereinstimmend")) } dd { (time(employee.synced_at, now, language)) }
                dt { (language.say("Held deletions", "Zurückgehaltene Löschungen")) } dd { (employee.held_deletions) }
            }
        }
    }
}

async fn requeue(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Path(kuerzel): Path<String>,
) -> Result<Response, Problem> {
    let kuerzel = again(&console, &visit, &kuerzel, Act::Requeue, Approved::default()).await?;
    Ok(queues::to(&Done::Requeued.address(&address(&kuerzel), None)))
}

async fn approve(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Path(kuerzel): Path<String>,
) -> Result<Response, Problem> {
    let approved = Approved { deletions: true, creation: false };
    let kuerzel = again(&console, &visit, &kuerzel, Act::ApproveDeletions, approved).await?;
    Ok(queues::to(&Done::Approved.address(&address(&kuerzel), None)))
}

async fn restore(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Path(kuerzel): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    let (kuerzel, queue) = (find(&console, &kuerzel).await?.kuerzel, queue(&console)?);
    let entry = Uuid::parse_str(&chosen.entry).map_err(|_| Problem::Malformed)?;
    let stored = console.hub.calendar_audit_entry(entry).await?;
    if stored.is_none_or(|stored| stored.kuerzel != kuerzel) {
        return Err(Problem::NotFound);
    }
    let (flow, entity) = (Some(QueueName::Calendar), Some(kuerzel.to_string()));
    let of = Of { flow, entity, detail: Some(entry.to_string()) };
    let asked = CalendarAsked::Restore(entry);
    let work = async { Ok(calendar_ask::put(&console.hub, queue, &kuerzel, &asked).await?) };
    recorded(&console, &visit, Act::Restore, of, work).await?;
    Ok(queues::to(&Done::Asked.address(&address(&kuerzel), None)))
}

async fn again(
    console: &Console,
    visit: &Visit,
    kuerzel: &str,
    act: Act,
    approved: Approved,
) -> Result<Kuerzel, Problem> {
    let (kuerzel, queue) = (find(console, kuerzel).await?.kuerzel, queue(console)?);
    let of = Of { flow: Some(QueueName::Calendar), entity: Some(kuerzel.to_string()), detail: None };
    let whom = [Named { entity: kuerzel.to_string(), job: None }];
    recorded(console, visit, act, of, async { Ok(named(&console.hub, queue, &whom, approved, false).await?) }).await?;
    Ok(kuerzel)
}
