//! Commands about calendars: dry run, comparison, look-ups, leftovers, history and restore.

use harness::calendar::{Calendars, parsed, with, writes};
use harness::world::PATIENCE;
use harness::{Finished, Result};
use serde_json::{Value, json};
use shared::hub::calendar::{CalendarAsked, Leftover, PolicyChange, Removal};
use simulator::Operation;

use crate::operator_actions::then_noted_of_employee;

/// Our private property, whatever it says.
const MARK: &str = "kanzleisync";

async fn command(calendars: &Calendars, line: &str) -> Result<Finished> {
    calendars.world.program("kanzleisync-producer")?.args(line.split(' ')).run(PATIENCE).await
}

/// As [`command`] with `--json`: what it prints, after it ended with this exit code.
async fn ends_with(calendars: &Calendars, code: i32, line: &str) -> Result<Value> {
    let finished = command(calendars, &format!("{line} --json")).await?;
    assert_eq!(finished.code(), Some(code), "{line}: {}{}", finished.stdout, finished.stderr);
    Ok(serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("{line}: no JSON: {}", finished.stdout)))
}

/// All that the hub holds of calendars, as text.
async fn hub_content(calendars: &Calendars) -> Result<Vec<String>> {
    let pool = sqlx::PgPool::connect(&calendars.world.database_url).await?;
    let mut content = Vec::new();
    for table in ["calendar_sync", "calendar_sync_audit", "calendar_employee", "sync_request"] {
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT t::text FROM {table} AS t ORDER BY 1")))
                .fetch_all(&pool)
                .await?;
        content.push(format!("{table}: {rows:?}"));
    }
    Ok(content)
}

/// Runs read-only commands and makes sure that they are.
async fn reads_only(calendars: &Calendars, code: i32, line: &str) -> Result<Value> {
    let before = (calendars.world.simulator.journal().mutating().len(), hub_content(calendars).await?);
    let answer = ends_with(calendars, code, line).await?;
    let after = (calendars.world.simulator.journal().mutating().len(), hub_content(calendars).await?);
    assert_eq!(before, after, "{line} wrote something");
    Ok(answer)
}

fn steps(plan: &Value) -> Vec<&str> {
    let steps = plan["steps"].as_array().expect("steps");
    steps.iter().filter_map(|step| step["step"].as_str()).collect()
}

/// An event as a lost answer leaves it behind: ours, and no row knows it.
fn marked(event: Value) -> Value {
    with(event, json!({"extendedProperties": {"private": {MARK: "0123456789abcdef0123456789abcdef"}}}))
}

fn leave_behind(calendars: &Calendars, kuerzel: &str, event: Value) -> Result<String> {
    let calendar = calendars.calendar_id(kuerzel)?;
    Ok(calendars.world.simulator.google().seed(&calendar, marked(event)).expect("the simulator takes the event"))
}

fn is_living(calendars: &Calendars, kuerzel: &str, event: &str) -> Result<bool> {
    let events = calendars.world.simulator.google().events(&calendars.calendar_id(kuerzel)?);
    Ok(events.iter().any(|known| known["id"] == event))
}

/// The latest entry of the audit with this rule.
async fn entry_of(calendars: &Calendars, kuerzel: &str, rule: &str) -> Result<String> {
    let history = ends_with(calendars, 0, &format!("audit history {kuerzel}")).await?;
    let entries = history.as_array().expect("entries");
    let entry = entries.iter().find(|entry| entry["rule"] == rule).unwrap_or_else(|| panic!("no {rule}: {history}"));
    Ok(entry["id"].as_str().expect("an id").to_owned())
}

#[tokio::test]
async fn invariant_10_a_plan_of_a_calendar_writes_nothing_and_tells_what_a_sync_then_does() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    calendars.given_termin("SB", 1, 9, "Besprechung");
    let plan = reads_only(&calendars, 1, "plan calendar SB").await?;
    assert_eq!((steps(&plan), &plan["createsCalendar"]), (vec!["create_event"], &json!(true)), "{plan}");
    assert_eq!(plan["steps"][0]["after"]["text"], "Besprechung", "{plan}");

    let worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let plan = reads_only(&calendars, 0, "plan calendar SB").await?;
    assert_eq!((steps(&plan), &plan["createsCalendar"]), (vec![], &json!(false)), "{plan}");
    assert!(command(&calendars, "plan calendar SB").await?.stdout.contains("no entry would be written"));

    let odd = with(
        calendars.event_fields(3, 8, "Zweimal wöchentlich"),
        json!({"recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO,WE"]}),
    );
    let odd = calendars.enter_event("SB", odd)?;
    calendars.enter_event("SB", calendars.event_fields(2, 10, "Neu in Google"))?;
    let frnr = calendars.given_termin("SB", 4, 9, "Noch einer");
    let plan = reads_only(&calendars, 1, "plan calendar SB").await?;
    assert_eq!(steps(&plan), ["create_event", "create_termin"], "{plan}");
    let findings = plan["findings"].as_array().expect("findings");
    assert!(
        findings.iter().any(|finding| finding["event"] == odd.as_str() && finding["kind"] == "odd_entry"),
        "{plan}"
    );
    let text = command(&calendars, "plan calendar SB").await?.stdout;
    for told in ["STEP", "create_termin", "\"Neu in Google\"", &frnr.to_string(), "left as it is:"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let calls = calendars.sync(&["SB"]).await?;
    let mut done = writes(&calls);
    done.sort_by_key(|operation| format!("{operation:?}"));
    assert_eq!(done, [Operation::GoogleEventInsert, Operation::PostTermin], "what the plan said");
    reads_only(&calendars, 0, "plan calendar SB").await?;

    let unknown = command(&calendars, "plan calendar XX").await?;
    assert_eq!(unknown.code(), Some(2), "{}", unknown.stdout);
    assert!(unknown.stderr.contains("Kürzel"), "{}", unknown.stderr);
    drop(worker);
    Ok(())
}

#[tokio::test]
async fn invariant_1_verify_sync_tells_what_differs_and_whether_a_reason_says_why() -> Result<()> {
    let calendars = Calendars::start().await?;
    for kuerzel in ["SB", "AI"] {
        calendars.given_employee(kuerzel).await?;
        calendars.given_termin(kuerzel, 1, 9, "Besprechung");
    }
    let unsynced = reads_only(&calendars, 1, "audit verify-sync --all").await?;
    assert_eq!((&unsynced[0]["kuerzel"], &unsynced[1]["unexplained"]), (&json!("AI"), &json!(1)), "{unsynced}");
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB", "AI"]).await?;
    let agreed = reads_only(&calendars, 0, "audit verify-sync SB AI").await?;
    assert_eq!((&agreed[0]["agreed"], &agreed[0]["differing"]), (&json!(1), &json!([])), "{agreed}");

    let off = PolicyChange { advoware_write_allowed: Some(Some(false)), ..PolicyChange::default() };
    assert!(calendars.hub.set_policy(&parsed("SB"), &off).await.expect("PostgreSQL answers"));
    let event = calendars.enter_event("SB", calendars.event_fields(2, 10, "Bleibt in Google"))?;
    calendars.sync(&["SB"]).await?;
    let explained = reads_only(&calendars, 0, "audit verify-sync SB").await?;
    let differs = &explained[0]["differing"][0];
    let told = ["difference", "event", "frNr"].map(|name| differs[name].clone());
    assert_eq!(json!(told), json!(["missing_in_advoware", event, null]), "{explained}");
    assert_eq!(differs["reason"]["kind"], "no_permission", "{explained}");

    let frnr = calendars.given_termin("SB", 5, 9, "Eben erst");
    let unexplained = reads_only(&calendars, 1, "audit verify-sync SB").await?;
    assert_eq!(unexplained[0]["unexplained"], json!(1), "{unexplained}");
    let text = command(&calendars, "audit verify-sync SB").await?.stdout;
    assert!(text.contains(&format!("missing_in_google, Termin {frnr}")) && text.contains("no_permission"), "{text}");
    Ok(())
}

#[tokio::test]
async fn an_entry_is_found_by_its_number_and_by_its_event_also_after_its_end() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    let frnr = calendars.given_termin("SB", 1, 9, "Besprechung");
    calendars.given_termin("SB", 1, 11, "Ein anderer");
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let found = reads_only(&calendars, 0, &format!("audit query-frnr {frnr}")).await?;
    let event = found["rows"][0]["event"].as_str().expect("an event").to_owned();
    let told = ["/rows/0/status", "/advoware/0/state", "/google/0/state", "/google/0/form/text", "/history/0/rule"];
    let told = told.map(|path| found.pointer(path).cloned().unwrap_or_default());
    assert_eq!(json!(told), json!(["synced", "there", "there", "Besprechung", "create_event"]), "{found}");
    assert_eq!(reads_only(&calendars, 0, &format!("audit query-event {event}")).await?, found, "one and the same");

    calendars.delete_termin(frnr);
    calendars.sync(&["SB"]).await?;
    let gone = reads_only(&calendars, 0, &format!("audit query-event {event}")).await?;
    let told = ["/rows/0/deleted", "/advoware/0/state", "/google/0/state", "/history/0/rule"];
    let told = told.map(|path| gone.pointer(path).cloned().unwrap_or_default());
    assert_eq!(json!(told), json!([true, "not there", "deleted", "delete_event"]), "{gone}");

    let strange = calendars.enter_event("SB", calendars.event_fields(2, 10, "Unbekannt"))?;
    let live = reads_only(&calendars, 0, &format!("audit query-event {strange}")).await?;
    assert_eq!((&live["rows"], &live["google"][0]["form"]["text"]), (&json!([]), &json!("Unbekannt")), "{live}");
    reads_only(&calendars, 1, "audit query-frnr 99999999").await?;
    reads_only(&calendars, 1, "audit query-event nobodyknows0").await?;
    Ok(())
}

#[tokio::test]
async fn orphans_are_removed_only_with_apply_and_nothing_that_is_bound_or_a_users() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    let both_gone = calendars.given_termin("SB", 1, 9, "Geht auf beiden Seiten");
    calendars.given_termin("SB", 1, 11, "Bleibt");
    let worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let row = calendars.hub.rows_of_frnr(domain::ids::FrNr(both_gone)).await.expect("PostgreSQL answers").remove(0);
    let event = row.row.hub.event.clone().expect("an event");
    calendars.delete_termin(both_gone);
    calendars.delete_event("SB", event.as_str())?;
    let orphan = leave_behind(&calendars, "SB", calendars.event_fields(3, 9, "Verwaist"))?;
    let of_user = calendars.enter_event("SB", calendars.event_fields(3, 12, "Von Hand"))?;

    let found = reads_only(&calendars, 1, "audit find-orphaned SB").await?;
    assert_eq!(found[0]["events"][0]["event"], json!(orphan), "{found}");
    assert_eq!(found[0]["events"].as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(found[0]["rows"][0]["frNr"], json!(both_gone), "{found}");
    let dry = reads_only(&calendars, 1, "audit cleanup-orphaned SB").await?;
    assert_eq!((&dry[0]["removable"], &dry[0]["applied"]), (&json!({"events": 1, "rows": 1}), &json!(false)), "{dry}");

    let applied = ends_with(&calendars, 0, "audit cleanup-orphaned SB --apply").await?;
    assert_eq!(applied[0]["outcome"]["outcome"], "done", "{applied}");
    then_noted_of_employee(&calendars.world, "SB", "cleanup_orphaned", "", "done").await?;
    calendars.run_until_quiet().await?;
    assert!(!is_living(&calendars, "SB", &orphan)? && is_living(&calendars, "SB", &of_user)?);
    let views = calendars.hub.rows_of_frnr(domain::ids::FrNr(both_gone)).await.expect("PostgreSQL answers");
    assert!(views.iter().all(|view| view.deleted), "{views:?}");
    let history = ends_with(&calendars, 0, "audit history SB").await?;
    let removed = history.as_array().expect("entries").iter().find(|entry| entry["rule"] == "remove_orphan");
    let removed = removed.expect("the removal is in the audit");
    assert_eq!((&removed["before"]["text"], &removed["action"]), (&json!("Verwaist"), &json!("DELETE")), "{removed}");
    assert!(removed["confirmedAt"].is_string(), "{removed}");
    ends_with(&calendars, 0, "audit find-orphaned").await?;
    calendars.then_agreed_and_silent("SB").await?;

    // What is named is checked again: a row binds it, so it stays.
    let bound = calendars.hub.rows_of_employee(&parsed("SB")).await.expect("PostgreSQL answers");
    let events: Vec<_> = bound.iter().filter_map(|view| view.row.hub.event.clone()).collect();
    let asked = CalendarAsked::Remove(
        Leftover::Orphaned,
        Removal { rows: bound.iter().map(|view| view.id).collect(), events: events.clone() },
    );
    let request = calendars.hub.ask_calendar(&parsed("SB"), &asked, chrono::Utc::now()).await.expect("a request");
    let calls = calendars.sync(&["SB"]).await?;
    assert_eq!(writes(&calls), [], "nothing is removed");
    let answer = calendars.hub.request_answer(request).await.expect("PostgreSQL answers").expect("an answer");
    assert!(!answer.is_done && answer.text.contains("4 left"), "{answer:?}");

    leave_behind(&calendars, "SB", calendars.event_fields(4, 9, "Noch einer"))?;
    drop(worker);
    let unanswered = command(&calendars, "audit cleanup-orphaned SB --apply --wait 1s").await?;
    assert_eq!(unanswered.code(), Some(2), "{}", unanswered.stdout);
    then_noted_of_employee(&calendars.world, "SB", "cleanup_orphaned", "", "failed").await?;
    assert!(calendars.hub.calendar_request(&parsed("SB")).await.expect("PostgreSQL answers").is_none(), "taken back");
    Ok(())
}

#[tokio::test]
async fn of_what_says_the_same_only_our_unbound_events_go() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    calendars.given_termin("SB", 1, 9, "Doppelt");
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    ends_with(&calendars, 0, "audit find-duplicates").await?;
    let superfluous = leave_behind(&calendars, "SB", calendars.event_fields(1, 9, "Doppelt"))?;
    let of_user = calendars.enter_event("SB", calendars.event_fields(1, 9, "Doppelt"))?;
    let first = leave_behind(&calendars, "SB", calendars.event_fields(2, 9, "Nur unsere"))?;
    let second = leave_behind(&calendars, "SB", calendars.event_fields(2, 9, "Nur unsere"))?;

    let found = reads_only(&calendars, 1, "audit find-duplicates SB").await?;
    let groups = found[0]["google"].as_array().expect("groups");
    assert_eq!(
        groups.iter().map(|group| group["events"].as_array().map_or(0, Vec::len)).collect::<Vec<_>>(),
        [3, 2],
        "{found}"
    );
    let dry = reads_only(&calendars, 1, "audit delete-duplicates SB").await?;
    assert_eq!(dry[0]["removable"], json!({"events": 2, "rows": 0}), "{dry}");
    let applied = ends_with(&calendars, 0, "audit delete-duplicates SB --apply").await?;
    assert_eq!(applied[0]["outcome"]["outcome"], "done", "{applied}");
    then_noted_of_employee(&calendars.world, "SB", "delete_duplicates", "", "done").await?;
    calendars.run_until_quiet().await?;
    assert!(!is_living(&calendars, "SB", &superfluous)? && is_living(&calendars, "SB", &of_user)?);
    assert_ne!(is_living(&calendars, "SB", &first)?, is_living(&calendars, "SB", &second)?, "one of them stays");
    assert!(!entry_of(&calendars, "SB", "remove_duplicate").await?.is_empty());
    ends_with(&calendars, 0, "audit cleanup-orphaned SB --apply").await?;
    calendars.run_until_quiet().await?;
    calendars.then_agreed_and_silent("SB").await?;
    Ok(())
}

#[tokio::test]
async fn k10_an_overwritten_edit_is_written_back_and_reaches_both_sides() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let event = calendars.enter_event("SB", calendars.event_fields(2, 10, "In Google"))?;
    calendars.sync(&["SB"]).await?;
    let frnr =
        calendars.world.simulator.advoware().frnrs_seen_by("SB").into_iter().find(|frnr| *frnr > 0).expect("one");
    calendars.change_termin(frnr, json!({"text": "In Advoware geändert"}));
    calendars.sync(&["SB"]).await?;
    assert_eq!(calendars.termine("SB")[0].text, "In Google", "the source wins");
    let entry = entry_of(&calendars, "SB", "update_termin").await?;
    let of_row = ends_with(&calendars, 0, &format!("audit query-event {event}")).await?;
    let row = of_row["rows"][0]["row"].as_str().expect("a row").to_owned();
    let history = ends_with(&calendars, 0, &format!("audit history {row}")).await?;
    assert_eq!(history[0]["id"].as_str(), Some(entry.as_str()), "newest first: {history}");
    assert_eq!(
        (&history[0]["before"]["text"], &history[0]["after"]["text"]),
        (&json!("In Advoware geändert"), &json!("In Google"))
    );
    assert!(command(&calendars, &format!("audit history {row}")).await?.stdout.contains("\"In Advoware geändert\""));

    calendars.change_event("SB", &event, json!({"summary": "Später anders"}))?;
    calendars.sync(&["SB"]).await?;
    let refused = ends_with(&calendars, 1, &format!("audit restore {entry}")).await?;
    assert!(refused["answer"].as_str().is_some_and(|answer| answer.contains("later changes first")), "{refused}");
    then_noted_of_employee(&calendars.world, "SB", "restore", &entry, "failed").await?;
    calendars.change_event("SB", &event, json!({"summary": "In Google"}))?;
    calendars.sync(&["SB"]).await?;

    let restored = ends_with(&calendars, 0, &format!("audit restore {entry}")).await?;
    assert_eq!(restored["outcome"], "done", "{restored}");
    then_noted_of_employee(&calendars.world, "SB", "restore", &entry, "done").await?;
    calendars.run_until_quiet().await?;
    assert_eq!(calendars.termine("SB")[0].text, "In Advoware geändert");
    calendars.then_agreed_and_silent("SB").await?;
    assert!(!entry_of(&calendars, "SB", "restore").await?.is_empty());
    let again = ends_with(&calendars, 0, &format!("audit restore {entry}")).await?;
    assert!(again["answer"].as_str().is_some_and(|answer| answer.contains("already")), "{again}");

    let created = entry_of(&calendars, "SB", "create_termin").await?;
    let refused = ends_with(&calendars, 1, &format!("audit restore {created}")).await?;
    assert!(refused["answer"].as_str().is_some_and(|answer| answer.contains("replaced nothing")), "{refused}");
    ends_with(&calendars, 1, "audit restore 01890000-0000-7000-8000-000000000000").await?;
    Ok(())
}

#[tokio::test]
async fn k10_a_deleted_entry_comes_back_once_on_both_sides_and_stays() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    let of_advoware = calendars.given_termin("SB", 1, 9, "In Advoware gelöscht");
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let of_google = calendars.enter_event("SB", calendars.event_fields(2, 10, "In Google gelöscht"))?;
    calendars.sync(&["SB"]).await?;
    calendars.delete_termin(of_advoware);
    calendars.delete_event("SB", &of_google)?;
    calendars.sync(&["SB"]).await?;
    assert_eq!((calendars.termine("SB").len(), calendars.events("SB")?.len()), (0, 0));

    for (deleted, count) in [("delete_event", 1), ("delete_termin", 2)] {
        let entry = entry_of(&calendars, "SB", deleted).await?;
        for time in ["first", "second"] {
            let restored = ends_with(&calendars, 0, &format!("audit restore {entry}")).await?;
            assert_eq!(restored["outcome"], "done", "{deleted}, the {time} time: {restored}");
            calendars.run_until_quiet().await?;
            assert_eq!(calendars.termine("SB").len(), count, "{deleted}, the {time} time");
        }
        calendars.then_agreed_and_silent("SB").await?;
    }

    // With the permission, one of Advoware's comes back in Advoware.
    let on = PolicyChange { advoware_write_allowed: Some(Some(true)), ..PolicyChange::default() };
    let frnr = calendars.given_termin("SB", 5, 9, "Noch einer");
    calendars.sync(&["SB"]).await?;
    calendars.delete_termin(frnr);
    calendars.sync(&["SB"]).await?;
    assert!(calendars.hub.set_policy(&parsed("SB"), &on).await.expect("PostgreSQL answers"));
    let entry = entry_of(&calendars, "SB", "delete_event").await?;
    let before = calendars.world.simulator.journal().count(Operation::PostTermin);
    ends_with(&calendars, 0, &format!("audit restore {entry}")).await?;
    calendars.run_until_quiet().await?;
    assert_eq!(calendars.world.simulator.journal().count(Operation::PostTermin), before + 1);
    calendars.then_agreed_and_silent("SB").await?;
    Ok(())
}

#[tokio::test]
async fn c5_what_the_next_run_would_undo_is_refused_with_what_to_do() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    let frnr = calendars.given_termin("SB", 1, 9, "Aus Advoware");
    let _worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    let rows = calendars.hub.rows_of_frnr(domain::ids::FrNr(frnr)).await.expect("PostgreSQL answers");
    let event = rows[0].row.hub.event.clone().expect("an event");
    calendars.change_event("SB", event.as_str(), json!({"summary": "Überschrieben"}))?;
    calendars.sync(&["SB"]).await?;
    let entry = entry_of(&calendars, "SB", "update_event").await?;
    let before = calendars.world.simulator.journal().mutating().len();
    let refused = ends_with(&calendars, 1, &format!("audit restore {entry}")).await?;
    assert!(refused["answer"].as_str().is_some_and(|answer| answer.contains("--advoware-write on")), "{refused}");
    calendars.run_until_quiet().await?;
    assert_eq!(calendars.world.simulator.journal().mutating().len(), before);

    let disabled = PolicyChange { enabled: Some(false), ..PolicyChange::default() };
    let allowed =
        PolicyChange { advoware_write_allowed: Some(Some(true)), enabled: Some(true), ..PolicyChange::default() };
    assert!(calendars.hub.set_policy(&parsed("SB"), &disabled).await.expect("PostgreSQL answers"));
    let refused = ends_with(&calendars, 1, &format!("audit restore {entry}")).await?;
    assert!(refused["answer"].as_str().is_some_and(|answer| answer.contains("--enabled on")), "{refused}");
    assert!(calendars.hub.set_policy(&parsed("SB"), &allowed).await.expect("PostgreSQL answers"));
    let restored = ends_with(&calendars, 0, &format!("audit restore {entry}")).await?;
    assert_eq!(restored["outcome"], "done", "{restored}");
    calendars.run_until_quiet().await?;
    assert_eq!(calendars.termine("SB")[0].text, "Überschrieben");
    calendars.then_agreed_and_silent("SB").await
}
