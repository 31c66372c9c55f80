//! The audit: what was overwritten or removed, found by any id of either flow; and what operators did.

use axum::extract::{Form, State};
use axum::routing::get;
use axum::{Extension, Router};
use chrono::{DateTime, SecondsFormat, Utc};
use domain::calendar::plan::RowId;
use domain::ids::{BetNr, EspoId, EventId, FrNr, Kuerzel};
use maud::{Markup, html};
use serde::Deserialize;
use shared::hub::calendar::{CalendarAuditView, RowView};
use shared::hub::{ActionView, AuditView, Hub, HubError};
use shared::queue::QueueName;
use uuid::Uuid;

use super::action::Act;
use super::beteiligte::record_address;
use super::guard::Visit;
use super::language::Language;
use super::layout::{self, Area, token};
use super::notice::{Problem, Search};
use super::queues::{self, entity_address};
use super::timeline::{Entry, action_line};
use super::{Console, show};

/// Entries of each source, and actions on a page.
const PER_PAGE: u32 = 50;
/// Rows of one Termin or event whose entries are shown: it has one for each employee who takes part.
const MOST_ROWS: usize = 10;
/// The longest id is an event's.
const MAX_CHARS: usize = 1024;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/audit", get(page).post(page))
}

/// In the query where a link of ours names an id. What people type is sent in a form: it may be a name by mistake, and addresses are kept in
/// histories and logs.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    q: String,
    /// A time in RFC 3339.
    before: Option<String>,
}

/// What a text may be an id of: often of several things at once.
#[derive(Debug, Default, PartialEq, Eq)]
struct Meant {
    record: Option<EspoId>,
    number: Option<i64>,
    uuid: Option<Uuid>,
    employee: Option<Kuerzel>,
    event: Option<EventId>,
}

impl Meant {
    /// `None`: nothing has such an id.
    fn by(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > MAX_CHARS {
            return None;
        }
        let meant = Self {
            record: EspoId::parse(text).ok(),
            number: text.parse().ok().filter(|number| *number > 0),
            uuid: Uuid::parse_str(text).ok(),
            employee: Kuerzel::parse(text).ok(),
            event: EventId::parse(text).ok(),
        };
        (meant != Self::default()).then_some(meant)
    }
}

/// All that the hub has under an id.
#[derive(Default)]
struct Found {
    records: Vec<EspoId>,
    employees: Vec<Kuerzel>,
    rows: Vec<RowView>,
    entries: Vec<AuditView>,
    of_calendars: Vec<CalendarAuditView>,
}

impl Found {
    async fn look(hub: &Hub, meant: Meant) -> Result<Self, HubError> {
        let mut found = Self::default();
        let mut ids: Vec<EspoId> = meant.record.into_iter().collect();
        if let Some(number) = meant.number {
            ids.extend(hub.beteiligte_of_betnr(BetNr(number)).await?);
            found.rows.extend(hub.rows_of_frnr(FrNr(number)).await?);
        }
        // Records and rows end, their entries stay.
        for id in ids {
            found.entries.extend(hub.history(&id, PER_PAGE).await?);
            if hub.beteiligte_view(&id).await?.is_some() && !found.records.contains(&id) {
                found.records.push(id);
            }
        }
        if let Some(uuid) = meant.uuid {
            found.entries.extend(hub.audit_entry(uuid).await?);
            found.of_calendars.extend(hub.calendar_audit_entry(uuid).await?);
            found.rows.extend(hub.calendar_row(RowId(uuid.as_u128())).await?);
            found.of_calendars.extend(hub.row_history(RowId(uuid.as_u128()), PER_PAGE).await?);
        }
        if let Some(event) = meant.event {
            found.rows.extend(hub.rows_of_event(&event).await?);
        }
        if let Some(kuerzel) = meant.employee {
            found.employees.extend(hub.employee(&kuerzel).await?.map(|employee| employee.kuerzel));
            found.of_calendars.extend(hub.employee_history(&kuerzel, PER_PAGE).await?);
        }
        found.rows.truncate(MOST_ROWS);
        for row in &found.rows {
            found.of_calendars.extend(hub.row_history(row.id, PER_PAGE).await?);
        }
        found.order();
        Ok(found)
    }

    /// Each entry once, the newest first.
    fn order(&mut self) {
        let most = usize::try_from(PER_PAGE).unwrap_or(usize::MAX);
        self.entries.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.id)));
        self.entries.dedup_by_key(|entry| entry.id);
        self.entries.truncate(most);
        self.of_calendars.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.id)));
        self.of_calendars.dedup_by_key(|entry| entry.id);
        self.of_calendars.truncate(most);
    }

    fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.employees.is_empty()
            && self.rows.is_empty()
            && self.entries.is_empty()
            && self.of_calendars.is_empty()
    }
}

async fn page(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    Form(wanted): Form<Wanted>,
) -> Result<Markup, Problem> {
    let (language, text) = (visit.language, wanted.q.trim());
    let found = if text.is_empty() {
        None
    } else {
        Some(Found::look(&console.hub, Meant::by(text).ok_or(Problem::NoId(Search::Audit))?).await?)
    };
    let before = wanted.before.as_deref().map(str::parse::<DateTime<Utc>>).transpose();
    let before = before.map_err(|_| Problem::NotFound)?;
    let actions = console.hub.actions(before, PER_PAGE).await?;
    let content = html! {
        (search(text, &visit))
        @if let Some(found) = &found { (results(found, &visit)) }
        h2 { (language.say("What operators did", "Was Betreiber taten")) }
        (actions_table(&actions, language))
        (pages(&actions, before.is_some(), language))
    };
    Ok(layout::page(&visit, language.say("Audit", "Protokoll"), Some(Area::Audit), &content))
}

/// Looks for a text in the audit; also where one was no id.
pub(super) fn search(text: &str, visit: &Visit) -> Markup {
    let language = visit.language;
    html! {
        form.row method="post" action=(Area::Audit.path()) role="search" {
            (token(visit))
            label {
                (language.say(
                    "Id: of a record (EspoCRM, betnr), Kürzel, Termin (frNr), event, sync row or audit entry; no names",
                    "Kennung: eines Datensatzes (EspoCRM, betnr), Kürzel, Termin (frNr), Google-Termin, Zeile oder Protokolleintrag; keine Namen",
                ))
                input type="search" name="q" value=(text) required maxlength=(MAX_CHARS) autocomplete="off";
            }
            button type="submit" { (language.say("Find", "Suchen")) }
        }
    }
}

fn results(found: &Found, visit: &Visit) -> Markup {
    let language = visit.language;
    html! {
        h2 { (language.say("Found", "Gefunden")) }
        @if found.is_empty() {
            div.notice { p { (language.say(
                "The hub has nothing under this id, as far as the audit reaches back.",
                "Unter dieser Kennung ist nichts bekannt, soweit das Protokoll zurückreicht.",
            )) } }
        }
        ul {
            @for id in &found.records { li { "Beteiligte " a.id href=(record_address(id)) { (id) } } }
            @for kuerzel in &found.employees {
                li { (language.say("Employee ", "Mitarbeiter ")) a.id href=(employee_address(kuerzel.as_str())) { (kuerzel) } }
            }
            @for row in &found.rows { li { (row_line(row, language)) } }
        }
        ol.timeline {
            @for entry in &found.entries { li {
                (show::time(entry.at, language)) (of_record(entry, visit))
            } }
            @for entry in &found.of_calendars { li {
                (show::time(entry.at, language)) (entry.lines(visit))
            } }
        }
    }
}

fn employee_address(kuerzel: &str) -> String {
    entity_address(QueueName::Calendar, kuerzel)
}

/// The record's own page offers the same entries.
fn of_record(entry: &AuditView, visit: &Visit) -> Markup {
    html! {
        @match EspoId::parse(&entry.espo_id) {
            Ok(id) => { a.id href=(record_address(&id)) { (id) } " " (entry.lines(visit)) }
            Err(_) => code { (entry.espo_id) }
        }
    }
}

fn row_line(view: &RowView, language: Language) -> Markup {
    let hub = &view.row.hub;
    html! {
        (language.say("Row ", "Zeile ")) code { (Uuid::from_u128(view.id.0)) } " "
        a.id href=(employee_address(&view.kuerzel)) { (view.kuerzel) }
        @if let Some(frnr) = hub.frnr { ", Termin " code { (frnr) } }
        @if let Some(event) = &hub.event { (language.say(", event ", ", Google-Termin ")) code { (event) } }
        ": " @if view.deleted { (language.say("deleted", "gelöscht")) } @else { (view.row.status.name()) }
        @if let Some(reason) = &view.row.retry.reason { " (" span lang="en" { (reason) } ")" }
    }
}

fn actions_table(actions: &[ActionView], language: Language) -> Markup {
    let (when, whom, what) =
        (language.say("When", "Wann"), language.say("About", "Betrifft"), language.say("What", "Was"));
    html! {
        div.scroll { table.list {
            thead { tr {
                th scope="col" { (when) }
                th scope="col" { (whom) }
                th scope="col" { (what) }
            } }
            tbody {
                @for action in actions { tr {
                    td data-label=(when) { (show::time(action.at, language)) }
                    td data-label=(whom) { (about(action, language)) }
                    td.text data-label=(what) { (action_line(action, language)) }
                } }
                @if actions.is_empty() { tr.empty { td colspan="3" { (language.say("None.", "Keine.")) } } }
            }
        } }
    }
}

fn about(action: &ActionView, language: Language) -> Markup {
    let is_of_queues = matches!(Act::parse(&action.action), Some(Act::Pause | Act::Resume));
    let flow = action.flow.as_deref().and_then(|flow| QueueName::ALL.into_iter().find(|name| name.as_str() == flow));
    html! {
        @match (flow, &action.entity) {
            (Some(flow), Some(entity)) => a.id href=(entity_address(flow, entity)) { (entity) },
            (None, Some(entity)) => code { (entity) }
            (Some(flow), None) => (queues::name(flow, language)),
            (None, None) if is_of_queues => (language.say("all queues", "alle Warteschlangen")),
            (None, None) => span.faint { "–" }
        }
    }
}

fn pages(actions: &[ActionView], is_older: bool, language: Language) -> Markup {
    let is_full = actions.len() >= usize::try_from(PER_PAGE).unwrap_or(usize::MAX);
    let last = actions.last().filter(|_| is_full);
    let path = Area::Audit.path();
    html! {
        @if is_older || last.is_some() {
            nav.pages aria-label=(language.say("Pages", "Seiten")) {
                @if is_older { a rel="first" href=(path) { (language.say("Latest", "Neueste")) } }
                @if let Some(last) = last {
                    a rel="next" href={ (path) "?before=" (last.at.to_rfc3339_opts(SecondsFormat::Micros, true)) } {
                        (language.say("Older", "Ältere"))
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_looked_for_as_everything_that_it_may_be() {
        let number = Meant::by("104711").unwrap();
        assert_eq!(number.number, Some(104_711));
        assert!(
            number.record.is_some() && number.employee.is_some() && number.event.is_some() && number.uuid.is_none()
        );
        let entry = Meant::by("01890000-0000-7000-8000-000000000000").unwrap();
        assert!(entry.uuid.is_some() && entry.record.is_some() && entry.employee.is_none());
        let kuerzel = Meant::by("S.B.").unwrap();
        assert!(kuerzel.employee.is_some() && kuerzel.record.is_none());
        assert_eq!(Meant::by("-5").unwrap().number, None);
        for no_id in ["", "Erika Beispiel", "Müller, Jürgen", &"a".repeat(MAX_CHARS + 1)] {
            assert_eq!(Meant::by(no_id), None);
        }
    }

    #[test]
    fn an_action_on_all_queues_says_so_and_one_on_a_flow_names_it_for_people() {
        let told = |act: Act, flow: Option<QueueName>| {
            let action = ActionView {
                id: Uuid::from_u128(1),
                at: DateTime::default(),
                origin: "command line".to_owned(),
                action: act.name().to_owned(),
                flow: flow.map(|flow| flow.as_str().to_owned()),
                entity: None,
                detail: None,
                is_done: Some(true),
            };
            about(&action, Language::German).into_string()
        };
        assert_eq!(told(Act::Pause, None), "alle Warteschlangen");
        assert_eq!(told(Act::Resume, Some(QueueName::Calendar)), "Kalender");
        assert!(told(Act::Erase, None).contains('–'));
    }
}
