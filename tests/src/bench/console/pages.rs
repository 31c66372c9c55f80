//! What is asked for: every page of the console, its lists in every state, at their beginning and near their end.

use shared::queue::JobState;

use super::firm::{CALENDAR_JOBS, EMPLOYEES, Firm, JOBS};
use super::hub::STATES;
use super::jobs::Fill;
use crate::Result;

/// Jobs on a page of a queue; records on a page of Beteiligte are as many.
const PER_PAGE: usize = 50;
const FOUND: u16 = 200;
const LED_ON: u16 = 303;

/// One page that is asked for.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) name: String,
    pub(super) path: String,
    /// The answer's status code.
    pub(super) status: u16,
    /// Text without which it is not the page that is meant.
    pub(super) says: String,
}

pub(super) async fn all(firm: &Firm) -> Result<Vec<Page>> {
    let mut pages = vec![page("overview", "/", "beteiligte")];
    pages.extend(of_queues());
    pages.extend(of_lists(firm).await?);
    pages.extend(of_records(firm));
    pages.push(page("calendars", "/console/employees", &firm.kuerzel[EMPLOYEES - 1]));
    for (name, kuerzel) in [("calendar", &firm.kuerzel[1]), ("calendar with held deletions", &firm.kuerzel[19])] {
        pages.push(page(name, &format!("/console/employees/{kuerzel}"), "update_event"));
    }
    pages.extend(of_audit(firm).await?);
    pages.push(page("settings", "/console/settings", "PRODUCER_LISTEN"));
    pages.push(page("log-in", "/console/login", "form"));
    let style = firm.get("/console/login").await?.body;
    for (name, mark) in
        [("style sheet", "rel=\"stylesheet\" href=\""), ("script", "script src=\""), ("icon", "rel=\"icon\" href=\"")]
    {
        let address = style.split_once(mark).and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
        pages.push(page(name, address, ""));
    }
    Ok(pages)
}

fn page(name: &str, path: &str, says: &str) -> Page {
    Page { name: name.to_owned(), path: path.to_owned(), status: FOUND, says: says.to_owned() }
}

fn of_queues() -> Vec<Page> {
    let mut pages = Vec::new();
    for (queue, fill) in [("beteiligte", JOBS), ("calendar", CALENDAR_JOBS)] {
        for state in JobState::ALL {
            let path = format!("/console/queues?queue={queue}&state={}", state.name());
            pages.push(page(&format!("queue {queue}: {}", state.name()), &path, "class=\"id\""));
            let last = in_state(fill, state).div_ceil(PER_PAGE) - 1;
            if last > 1 {
                let name = format!("queue {queue}: {}, page {}", state.name(), last + 1);
                pages.push(page(&name, &format!("{path}&page={last}"), "class=\"id\""));
            }
        }
    }
    pages
}

fn in_state(fill: Fill, state: JobState) -> usize {
    match state {
        JobState::Ready => fill.events + fill.scans - fill.running,
        JobState::Delayed => fill.delayed,
        JobState::Running => fill.running,
        JobState::Dead => fill.dead,
    }
}

/// The last page of each list of Beteiligte begins after a record that only its order tells.
async fn of_lists(firm: &Firm) -> Result<Vec<Page>> {
    let mut pages = vec![page("Beteiligte", "/console/beteiligte", "class=\"id\"")];
    let states = STATES.iter().filter_map(|(state, _)| *state).map(|state| (state, format!("status = '{state}'")));
    let others = [("all", "true"), ("findings", "findings <> '[]'")];
    for (of, condition) in states.chain(others.map(|(of, condition)| (of, condition.to_owned()))) {
        let path = format!("/console/beteiligte?of={of}");
        pages.push(page(&format!("Beteiligte: {of}"), &path, "class=\"id\""));
        let last = format!(
            "SELECT espo_id FROM beteiligte WHERE {condition} AND deleted_at IS NULL ORDER BY espo_id DESC LIMIT 1 OFFSET {PER_PAGE}"
        );
        let after = firm.value(last).await?;
        pages.push(page(&format!("Beteiligte: {of}, last page"), &format!("{path}&after={after}"), "class=\"id\""));
    }
    Ok(pages)
}

fn of_records(firm: &Firm) -> Vec<Page> {
    let address = |id: &str| format!("/console/beteiligte/{id}");
    let (long, failed, clean) = (&firm.ids[0], &firm.ids[JOBS.waiting().start - 1], &firm.ids[firm.ids.len() - 1]);
    let found =
        |name: &str, q: &str| Page { status: LED_ON, ..page(name, &format!("/console/beteiligte/find?q={q}"), "") };
    vec![
        page("record, long history, dead", &address(long), "Verlauf"),
        page("record, failed", &address(failed), "Verlauf"),
        page("record, clean", &address(clean), "Verlauf"),
        page("plan of a record", &format!("{}/plan", address(&firm.real)), "Probelauf"),
        found("find by betnr", "4711"),
        found("find by id", long),
    ]
}

async fn of_audit(firm: &Firm) -> Result<Vec<Page>> {
    let path = "/console/audit";
    let search =
        |name: &str, q: &str| page(&format!("audit of {name}"), &format!("{path}?q={q}"), "class=\"timeline\"");
    let last = "SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM operator_action ORDER BY at LIMIT 1 OFFSET 50";
    let before = firm.value(last.to_owned()).await?;
    let one = async |column: &str, table: &str| {
        firm.value(format!("SELECT {column}::text FROM {table} LIMIT 1 OFFSET 500")).await
    };
    Ok(vec![
        page("what diverges", "/console/divergent", "VERIFY_SYNC_HOURS"),
        page("audit", path, "192.0.2.7"),
        page("audit, last page", &format!("{path}?before={before}"), "192.0.2.7"),
        search("a record, long history", &firm.ids[0]),
        search("a betnr", "4711"),
        search("a frNr", "4711"),
        search("a Kürzel", &firm.kuerzel[1]),
        search("an event", &one("google_event_id", "calendar_sync").await?),
        search("a row", &one("sync_id", "calendar_sync").await?),
        search("an entry", &one("id", "sync_audit").await?),
        search("an entry of a calendar", &one("audit_id", "calendar_sync_audit").await?),
        page("audit of nothing", &format!("{path}?q=0000000000000beef"), "bekannt"),
    ])
}
