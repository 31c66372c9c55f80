//! The console's pages about calendars, asked for as a browser does, with a real producer and worker.

use harness::Result;
use harness::calendar::{Calendars, parsed};
use harness::world::{PATIENCE, address_in};
use reqwest::StatusCode;
use serde_json::json;
use shared::hub::calendar::{CalendarAuditView, PolicyChange};
use simulator::{Calls, FaultKind, Operation};
use sqlx::PgPool;

use crate::visitor::{ESCAPED, SCRIPT, Visitor, between, is_escaped, visited};

const CALENDAR: &str = "/console/employees/SB";
const PLAN: &str = "/console/employees/SB/plan";
const POLICY: &str = "/console/employees/SB/policy";
const RESTORE: &str = "/console/employees/SB/restore";

/// The latest entry of the audit with this rule.
async fn entry_of(calendars: &Calendars, rule: &str) -> CalendarAuditView {
    let entries = calendars.hub.employee_history(&parsed("SB"), 100).await.expect("PostgreSQL answers");
    entries.into_iter().find(|entry| entry.rule == rule).unwrap_or_else(|| panic!("no {rule}"))
}

/// What the hub holds of the employee.
async fn hub_content(calendars: &Calendars) -> Result<String> {
    let history = calendars.hub.employee_history(&parsed("SB"), 100).await.expect("PostgreSQL answers");
    Ok(format!("{:?} {history:?}", calendars.rows("SB").await?))
}

/// The plan, made by reading alone.
async fn planned(calendars: &Calendars, visitor: &Visitor) -> Result<String> {
    let (journal, before) = (calendars.world.simulator.journal(), hub_content(calendars).await?);
    let first = journal.last_sequence();
    let page = visitor.page(PLAN).await;
    let calls = journal.since(first);
    assert!(calls.iter().any(|call| call.operation == Operation::ListTermine), "both sides are looked at: {calls:?}");
    assert!(calls.iter().all(|call| !call.mutating), "a dry run is dry: {calls:?}");
    assert_eq!(hub_content(calendars).await?, before);
    is_escaped(&page);
    Ok(page)
}

#[tokio::test]
async fn a_plan_of_a_calendar_tells_every_step_with_its_reason_and_writes_nothing() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    let changed = calendars.given_termin("SB", 1, 9, SCRIPT);
    let overruled = calendars.given_termin("SB", 2, 9, "Bleibt");
    let deleted = calendars.given_termin("SB", 3, 9, "Geht");
    let (producer, visitor) = visited(&calendars.world).await?;
    assert!(visitor.page(CALENDAR).await.contains(&format!("href=\"{PLAN}\"")));
    let first = planned(&calendars, &visitor).await?;
    for text in ["<code>AW-SB</code>", "new in Advoware", &format!("<ins>{ESCAPED}</ins>")] {
        assert!(first.contains(text), "{text}: {first}");
    }

    let worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    assert!(visitor.page(PLAN).await.contains("Both sides agree: nothing would be written."));
    drop(worker);
    calendars.change_termin(changed, json!({"ort": "Saal 1"}));
    let copy = calendars.event_of("SB", overruled).await?;
    calendars.change_event("SB", &copy, json!({"summary": "Nur in Google"}))?;
    calendars.delete_termin(deleted);
    let new = calendars.enter_event("SB", calendars.event_fields(4, 10, SCRIPT))?;
    let plan = planned(&calendars, &visitor).await?;
    for text in [
        "changed in Advoware",
        "<ins>Saal 1</ins>",
        "Google says something else, and Advoware wins",
        "<del>Nur in Google</del>",
        "gone in Advoware",
        "<del>Geht</del>",
        "new in Google",
        new.as_str(),
    ] {
        assert!(plan.contains(text), "{text}: {plan}");
    }
    assert!(!producer.output().contains("alert(1)"), "values are shown, not logged");

    calendars.given_faults(Calls::to(Operation::ListTermine).always(), FaultKind::MalformedBody);
    let refused = visitor.get(PLAN).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let refused = refused.text().await.expect("text");
    assert!(refused.contains("One side could not be read"), "{refused}");
    calendars.decide("SB", PolicyChange { enabled: Some(false), ..PolicyChange::default() }).await?;
    let before = calendars.world.simulator.journal().last_sequence();
    assert!(visitor.page(PLAN).await.contains("This calendar is not synced"));
    let calls = calendars.world.simulator.journal().since(before);
    assert!(calls.is_empty(), "nothing is looked at: {calls:?}");
    for nobody in ["/console/employees/XX/plan", "/console/employees/%3Cscript%3E/plan"] {
        assert_eq!(visitor.get(nobody).await.status(), StatusCode::NOT_FOUND, "{nobody}");
    }
    Ok(())
}

#[tokio::test]
async fn without_googles_key_a_plan_of_a_calendar_says_which_setting_is_wrong() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    let program = calendars.world.program("kanzleisync-producer")?;
    let producer = program.env("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH", "/nowhere.json").arg("serve").start()?;
    let line = producer.wait_for_line("producer ready", PATIENCE).await?;
    let page = Visitor::of(&format!("http://{}", address_in(&line)?)).await.page(PLAN).await;
    let told = "GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH";
    assert!(page.contains(told) && !page.contains("ADVOWARE_API_KEY"), "{page}");
    Ok(())
}

#[tokio::test]
async fn an_overwritten_entry_of_a_calendar_is_restored_on_its_page_and_the_answer_is_in_its_timeline() -> Result<()> {
    let calendars = Calendars::start().await?;
    for kuerzel in ["SB", "AI"] {
        calendars.given_employee(kuerzel).await?;
    }
    let of_advoware = calendars.given_termin("SB", 1, 9, "Aus Advoware");
    let worker = calendars.world.worker().await?;
    let (_producer, visitor) = visited(&calendars.world).await?;
    calendars.sync(&["SB"]).await?;
    let event = calendars.enter_event("SB", calendars.event_fields(2, 10, "In Google"))?;
    calendars.sync(&["SB"]).await?;
    calendars.change_termin(calendars.frnr_of(&event).await?, json!({"text": SCRIPT}));
    let copy = calendars.event_of("SB", of_advoware).await?;
    calendars.change_event("SB", &copy, json!({"summary": "Überschrieben"}))?;
    calendars.sync(&["SB"]).await?;
    let overwritten = entry_of(&calendars, "update_termin").await.id.to_string();
    let undone_by_sync = entry_of(&calendars, "update_event").await.id.to_string();
    let created = entry_of(&calendars, "create_event").await;
    assert_eq!(created.before, None);

    let page = visitor.page(CALENDAR).await;
    is_escaped(&page);
    for of in [page.as_str(), &visitor.page("/console/audit?q=SB").await] {
        let forms: Vec<&str> = of.split(&format!("action=\"{RESTORE}\"")).skip(1).collect();
        let offered: Vec<&str> = forms.iter().map(|form| between(form, "name=\"entry\" value=\"", "\"")).collect();
        assert!(offered.contains(&overwritten.as_str()), "{offered:?}");
        assert!(!offered.contains(&created.id.to_string().as_str()), "a new entry replaced nothing: {offered:?}");
    }
    for (path, value, status) in [
        ("/console/employees/AI/restore", overwritten.as_str(), StatusCode::NOT_FOUND),
        (RESTORE, "00000000-0000-0000-0000-000000000001", StatusCode::NOT_FOUND),
        (RESTORE, SCRIPT, StatusCode::BAD_REQUEST),
    ] {
        let refused = visitor.post(&page, path, &[("entry", value)]).await;
        assert_eq!(refused.status(), status, "{path}");
        assert!(!refused.text().await.expect("text").contains("alert(1)"), "{path} repeats what was sent");
    }

    drop(worker);
    let to = visitor.send(&page, RESTORE, &[("entry", &overwritten)]).await;
    assert_eq!(to, format!("{CALENDAR}?done=asked"));
    let asked = visitor.page(&to).await;
    for text in ["Handed to a worker", "Asked of a worker: ", "not answered so far", "old value to be written back"] {
        assert!(asked.contains(text), "{text}: {asked}");
    }
    let _worker = calendars.world.worker().await?;
    visitor.sees(CALENDAR, "written back in Google").await?;
    calendars.run_until_quiet().await?;
    assert!(calendars.termine("SB").iter().any(|termin| termin.text == SCRIPT), "{:?}", calendars.termine("SB"));
    visitor.send(&visitor.page(CALENDAR).await, RESTORE, &[("entry", &undone_by_sync)]).await;
    visitor.sees(CALENDAR, "Refused: ").await?;
    let answered = visitor.page(CALENDAR).await;
    for text in ["Done: ", "the next sync would undo it", "Asked of a worker: "] {
        assert!(answered.contains(text), "{text}: {answered}");
    }
    is_escaped(&answered);
    calendars.run_until_quiet().await?;
    assert_eq!(calendars.termine("SB"), calendars.events("SB")?);
    Ok(())
}

#[tokio::test]
async fn a_policy_that_gives_texts_to_google_or_lets_google_change_advoware_is_saved_only_when_confirmed() -> Result<()>
{
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    let anonymous = PolicyChange { anonymize: Some(Some(true)), ..PolicyChange::default() };
    calendars.decide("SB", anonymous).await?;
    let (_producer, visitor) = visited(&calendars.world).await?;
    let pool = PgPool::connect(&calendars.world.database_url).await?;
    let noted = || sqlx::query_scalar::<_, i64>("SELECT count(*) FROM operator_action").fetch_one(&pool);
    let form = |strategy, advoware_write, anonymize| {
        [("strategy", strategy), ("advoware_write", advoware_write), ("anonymize", anonymize), ("enabled", "on")]
    };
    let page = visitor.page(CALENDAR).await;
    let before = calendars.employee("SB").await?.policy;

    for (values, confirmed, texts) in [
        (form("default", "on", "off"), "", &["titles, places and texts"][..]),
        (form("last_change_wins", "on", "on"), "", &["also Termine that were entered there"][..]),
        (form("last_change_wins", "on", "default"), "texts_to_google", &["titles, places", "also Termine that"][..]),
    ] {
        let values: Vec<_> = values.into_iter().chain([("confirmed", confirmed)]).collect();
        let asked = visitor.post(&page, POLICY, &values).await;
        assert_eq!(asked.status(), StatusCode::OK, "{values:?}");
        let asked = asked.text().await.expect("text");
        assert!(asked.contains("Nothing is changed yet.") && texts.iter().all(|text| asked.contains(text)), "{asked}");
        assert_eq!(calendars.employee("SB").await?.policy, before, "{values:?}");
        assert_eq!(noted().await?, 0);
    }

    let last = form("last_change_wins", "on", "off");
    let asked = visitor.post(&page, POLICY, &last).await.text().await.expect("text");
    let names = ["strategy", "advoware_write", "anonymize", "enabled", "confirmed"];
    let carried = names.map(|name| (name, between(&asked, &format!("name=\"{name}\" value=\""), "\"")));
    assert_eq!(carried[..4], last, "the page carries what was chosen");
    assert_eq!(visitor.send(&asked, POLICY, &carried).await, format!("{CALENDAR}?done=saved"));
    let policy = calendars.employee("SB").await?.policy;
    assert_eq!((policy.anonymize, policy.advoware_write_allowed), (Some(false), Some(true)));
    assert_eq!(noted().await?, 1);
    // What holds already, and what is taken back, is not asked for.
    for values in [form("last_change_wins", "on", "default"), form("default", "default", "on")] {
        assert_eq!(visitor.send(&page, POLICY, &values).await, format!("{CALENDAR}?done=saved"), "{values:?}");
    }
    Ok(())
}
