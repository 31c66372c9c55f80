//! Calendars: every employee whose calendar may be synced, how far it is, and by which policy.

use std::collections::HashMap;

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Extension, Router};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use shared::hub::calendar::Employee;
use shared::queue::{JobView, QueueName};
use shared::settings::CalendarSettings;

use super::guard::Visit;
use super::language::Language;
use super::layout::{self, Area};
use super::notice::{Problem, Told};
use super::queues::{self, entity_address};
use super::{Console, show};
use crate::command::policy::Effective;

const REFRESH_SECONDS: u32 = 5;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/employees", get(page))
}

async fn page(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Query(told): Query<Told>,
) -> Result<Markup, Problem> {
    let language = visit.language;
    let employees = console.hub.employees().await?;
    let jobs = jobs_of(&console, &employees).await?;
    let now = console.clock.now();
    let content = html! {
        (told.show(language))
        @match &console.calendar_rules {
            Some(rules) => (layout::live("employees", REFRESH_SECONDS, &table(&employees, rules, &jobs, now, language))),
            None => div.notice { p { (language.say(
                "Calendars are not configured: set GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH for the producer and the workers.",
                "Kalender sind nicht eingerichtet: setzen Sie GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH für Producer und Worker.",
            )) } },
        }
    };
    Ok(layout::page(&visit, language.say("Calendars", "Kalender"), Some(Area::Employees), &content))
}

async fn jobs_of(console: &Console, employees: &[Employee]) -> Result<HashMap<String, JobView>, Problem> {
    let Some(queue) = console.queue(QueueName::Calendar) else { return Ok(HashMap::new()) };
    let names: Vec<String> = employees.iter().map(|employee| employee.kuerzel.to_string()).collect();
    Ok(queue.show(&names).await?.into_iter().map(|job| (job.entity.clone(), job)).collect())
}

fn table(
    employees: &[Employee],
    rules: &CalendarSettings,
    jobs: &HashMap<String, JobView>,
    now: DateTime<Utc>,
    language: Language,
) -> Markup {
    let (synced, in_google) = (language.say("Synced", "Synchronisiert"), "In Google");
    let (agreed, its_job) =
        (language.say("Last in agreement", "Zuletzt übereinstimmend"), language.say("Job", "Auftrag"));
    let held = language.say("Held deletions", "Zurückgehaltene Löschungen");
    let findings = language.say("Findings", "Hinweise");
    html! {
        div.scroll { table.list {
            thead { tr {
                th scope="col" { "Kürzel" }
                th scope="col" { (synced) }
                th scope="col" { (in_google) }
                th scope="col" { (agreed) }
                th scope="col" { (its_job) }
                th.num scope="col" { (held) }
                th.num scope="col" { (findings) }
            } }
            tbody {
                @for employee in employees {
                    tr {
                        td data-label="Kürzel" { a.id href=(entity_address(QueueName::Calendar, employee.kuerzel.as_str())) { (employee.kuerzel) } }
                        td data-label=(synced) { (is_synced(employee, language)) }
                        td data-label=(in_google) { (hides(Effective::of(employee, rules).anonymize, language)) }
                        td data-label=(agreed) { (time(employee.synced_at, now, language)) }
                        td.text data-label=(its_job) { @if let Some(job) = jobs.get(employee.kuerzel.as_str()) {
                            (queues::state_name(job.state, language)) " " (queues::reason(job, language))
                        } }
                        td.num data-label=(held) { @if employee.held_deletions > 0 { span.badge.bad { (employee.held_deletions) } } @else { "0" } }
                        td.num data-label=(findings) { (employee.findings.len()) }
                    }
                }
                @if employees.is_empty() {
                    tr.empty { td colspan="7" { (language.say(
                        "Nobody yet: the producer asks Advoware for its employees once in CALENDAR_SYNC_SECONDS.",
                        "Noch niemand: der Producer fragt Advoware einmal je CALENDAR_SYNC_SECONDS nach den Mitarbeitern.",
                    )) } }
                }
            }
        } }
    }
}

/// Whether a calendar is synced, and why not.
pub(super) fn is_synced(employee: &Employee, language: Language) -> Markup {
    html! {
        @match (employee.departed_at, employee.enabled) {
            (Some(_), _) => span.badge.warn { (language.say("left the firm", "ausgeschieden")) },
            (None, true) => span.badge.good { (language.say("on", "an")) },
            (None, false) => span.badge.warn { (language.say("off", "aus")) },
        }
    }
}

/// What Google sees.
pub(super) fn hides(is_anonymous: bool, language: Language) -> &'static str {
    if is_anonymous {
        language.say("times only", "nur Zeiten")
    } else {
        language.say("times and texts", "Zeiten und Texte")
    }
}

/// A time, or that there was none.
pub(super) fn time(at: Option<DateTime<Utc>>, now: DateTime<Utc>, language: Language) -> Markup {
    html! {
        @match at {
            Some(at) => (show::time_and_age(at, now, language)),
            None => span.faint { (language.say("not yet", "noch nie")) },
        }
    }
}
