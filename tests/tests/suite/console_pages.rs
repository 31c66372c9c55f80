//! The console's pages about single records and the audit, asked for as a browser does, with a real producer and worker.

use domain::job::Wants;
use harness::Result;
use harness::calendar::Calendars;
use harness::world::{Beteiligter, PATIENCE, World, fields, mail, row};
use reqwest::StatusCode;
use reqwest::header::LOCATION;
use serde_json::json;
use simulator::{Calls, Edit, Fault, FaultKind, Operation};

use crate::visitor::{ESCAPED, SCRIPT, Visitor, between, given_a_failed_one, is_escaped, path_of, visited};

const A: &str = "a@example.org";

fn rename(world: &World, one: &Beteiligter, name: &str) {
    let edit = Edit::EspoSet { id: one.id.clone(), fields: fields(json!({"lastName": name})) };
    world.simulator.edit(&edit).expect("EspoCRM takes the name");
}

#[tokio::test]
async fn a_failed_record_is_listed_with_its_reason_requeued_and_seen_to_turn_clean() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("SYNC_RETRY_MINUTES", "60");
    let _worker = world.worker().await?;
    let (_producer, visitor) = visited(&world).await?;
    let one = given_a_failed_one(&world, 104_860).await?;

    let failed = "/console/beteiligte?of=failed";
    let listed = visitor.page(failed).await;
    for text in [path_of(&one).as_str(), "104860", "failed, is tried again", "JSON", "(in "] {
        assert!(listed.contains(text), "{text}: {listed}");
    }
    let found = visitor.get("/console/beteiligte/find?q=104860").await;
    assert_eq!(found.headers()[LOCATION], path_of(&one).as_str());
    assert!(visitor.page("/console/beteiligte?of=all").await.contains(&path_of(&one)));
    let record = visitor.page(&path_of(&one)).await;
    let in_espocrm = format!("/#CBeteiligte/view/{}", one.id);
    for text in ["It failed once: ", "JSON", "Next try: ", "Its job was made", &in_espocrm] {
        assert!(record.contains(text), "{text}: {record}");
    }

    let values = [("queue", "beteiligte"), ("job", one.id.as_str()), ("back", failed)];
    let to = visitor.send(&listed, "/console/queues/requeue", &values).await;
    assert_eq!(to, "/console/beteiligte?of=failed&done=requeued&count=1");
    assert!(visitor.page(&to).await.contains("Back at work: 1."));
    world.run_until_quiet().await?;
    assert_eq!(world.field(&one.id, "syncStatus"), json!("clean"));
    assert!(!visitor.page(failed).await.contains(&path_of(&one)));
    assert!(visitor.page("/console/beteiligte?of=clean").await.contains(&path_of(&one)));
    let record = visitor.page(&path_of(&one)).await;
    for text in ["Both sides agree", "put back to work", "console 127.0.0.1"] {
        assert!(record.contains(text), "{text}: {record}");
    }
    assert!(visitor.page("/console/audit").await.contains("put back to work"));
    for nobody in ["/console/beteiligte/0000000000000beef", "/console/beteiligte?of=nothing"] {
        assert_eq!(visitor.get(nobody).await.status(), StatusCode::NOT_FOUND, "{nobody}");
    }
    Ok(())
}

#[tokio::test]
async fn a_name_that_is_a_script_is_shown_planned_applied_and_taken_back() -> Result<()> {
    let world = World::start().await?;
    let one = world.given_person(104_861);
    let _worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    let (_producer, visitor) = visited(&world).await?;
    let (record, plan) = (path_of(&one), format!("{}/plan", path_of(&one)));
    assert!(visitor.page(&plan).await.contains("Both sides agree"));
    rename(&world, &one, SCRIPT);

    let before = world.simulator.journal().last_sequence();
    let planned = visitor.page(&plan).await;
    is_escaped(&planned);
    assert!(planned.contains("<del>Beispiel 104861</del>"), "{planned}");
    assert!(world.simulator.journal().since(before).iter().all(|call| !call.mutating), "a dry run is dry");
    let hash = between(&planned, "name=\"hash\" value=\"", "\"");
    let to = visitor.send(&planned, &plan, &[("hash", hash)]).await;
    assert_eq!(to, format!("{record}?done=asked"));
    visitor.sees(&record, "Done: ").await?;
    world.run_until_quiet().await?;
    assert_eq!(world.advo_stammdaten(&one), world.espo_stammdaten(&one.id));

    let shown = visitor.page(&record).await;
    is_escaped(&shown);
    assert!(shown.contains(&format!("<ins>{ESCAPED}</ins>")), "{shown}");
    for found in [one.id.clone(), one.betnr.to_string()] {
        is_escaped(&visitor.page(&format!("/console/audit?q={found}")).await);
    }
    let entry = between(&shown, "name=\"entry\" value=\"", "\"");
    is_escaped(&visitor.page(&format!("/console/audit?q={entry}")).await);
    for (path, value, status) in [
        ("/console/beteiligte/00000000000000abc/restore", entry, StatusCode::NOT_FOUND),
        (&format!("{record}/restore"), SCRIPT, StatusCode::BAD_REQUEST),
        (&format!("{record}/decide"), SCRIPT, StatusCode::BAD_REQUEST),
        (&format!("{record}/approve"), SCRIPT, StatusCode::BAD_REQUEST),
        (&plan, SCRIPT, StatusCode::BAD_REQUEST),
    ] {
        let names = ["entry", "winner", "what", "hash"].map(|name| (name, value));
        let refused = visitor.post(&shown, path, &names).await;
        assert_eq!(refused.status(), status, "{path}");
        assert!(!refused.text().await.expect("text").contains("alert(1)"), "{path} repeats what was sent");
    }
    visitor.send(&shown, &format!("{record}/restore"), &[("entry", entry)]).await;
    visitor.sees(&record, "written back in Advoware").await?;
    world.run_until_quiet().await?;
    assert_eq!(world.field(&one.id, "lastName"), json!("Beispiel 104861"), "the old name is on both sides");
    world.then_agreed_and_silent(&[&one]).await?;
    let acts = visitor.page("/console/audit").await;
    assert!(acts.contains("old value to be written back") && acts.contains("plan to be carried out"), "{acts}");
    Ok(())
}

#[tokio::test]
async fn a_conflict_is_decided_on_the_records_page() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("SYNC_CONFLICT_POLICY", "manual");
    let one = world.given_person(104_862);
    let _worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    let (_producer, visitor) = visited(&world).await?;
    rename(&world, &one, "Von EspoCRM");
    let edit = Edit::AdvowareSet { betnr: one.betnr, fields: fields(json!({"name": "Von Advoware"})) };
    world.simulator.edit(&edit).expect("Advoware takes the name");
    world.sync(&[&one.id]).await?;

    let record = path_of(&one);
    assert!(visitor.page("/console/beteiligte?of=conflict").await.contains("you decide which one wins (name)"));
    let undecided = visitor.page(&record).await;
    assert!(undecided.contains("it waits for your decision"), "{undecided}");
    visitor.send(&undecided, &format!("{record}/decide"), &[("winner", "advoware")]).await;
    visitor.sees(&record, "Both sides agree").await?;
    world.run_until_quiet().await?;
    assert_eq!(world.field(&one.id, "lastName"), json!("Von Advoware"));
    let decided = visitor.page(&record).await;
    assert!(decided.contains("conflict decided") && !decided.contains("/decide\""), "{decided}");
    Ok(())
}

#[tokio::test]
async fn what_waits_for_a_person_says_so_and_is_approved_on_the_records_page() -> Result<()> {
    let world = World::start().await?;
    let mails = [A, "b@example.org", "c@example.org"];
    let rows = mails.iter().map(|address| row(4, address, None)).collect();
    let held = world.given(104_863, json!(mails.map(|address| mail(address, address == A))), json!([]), rows);
    let created = "0000000000000aaaa";
    let _worker = world.worker().await?;
    world.sync(&[&held.id]).await?;
    for row in world.simulator.advoware().rows(held.betnr) {
        let edit = Edit::AdvowareRemove { betnr: held.betnr, komm_id: row.id };
        world.simulator.edit(&edit).expect("Advoware removes the row");
    }
    world.simulator.espocrm().seed(created, json!({"lastName": "Neu"})).expect("EspoCRM takes the record");
    let cut = Fault::new(Calls::to(Operation::PostBeteiligte), FaultKind::CutBefore);
    world.simulator.faults().arm(cut);
    world.sync(&[&held.id, created]).await?;
    let (_producer, visitor) = visited(&world).await?;

    let record = path_of(&held);
    let page = visitor.page(&record).await;
    assert!(page.contains("the deletions wait for your approval"), "{page}");
    let listed = visitor.page("/console/beteiligte?of=findings").await;
    assert!(listed.contains(&record) && listed.contains("Much vanished at once"), "{listed}");
    visitor.send(&page, &format!("{record}/approve"), &[("what", "deletions")]).await;
    visitor.sees(&record, "Both sides agree").await?;
    assert!(world.espo_values(&held.id).is_empty());

    let record = format!("/console/beteiligte/{created}");
    let page = visitor.page(&record).await;
    assert!(page.contains("Whether Advoware has created it is not known"), "{page}");
    visitor.send(&page, &format!("{record}/approve"), &[("what", "creation")]).await;
    visitor.sees(&record, "Both sides agree").await?;
    let betnr = world.simulator.advoware().betnrs().into_iter().find(|betnr| *betnr != held.betnr).expect("a number");
    assert_eq!(world.field(created, "betnr"), json!(betnr));
    let acts = visitor.page("/console/audit").await;
    assert!(acts.contains("held deletions approved") && acts.contains("to be created in Advoware again"), "{acts}");
    Ok(())
}

#[tokio::test]
async fn e3_what_a_terminal_or_a_reader_would_obey_is_shown_instead() -> Result<()> {
    let world = World::start().await?;
    let one = world.given_person(104_865);
    let _worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    let (_producer, visitor) = visited(&world).await?;
    rename(&world, &one, "Rot\u{1b}[31m\u{202e}nettop\nAdvoware: anders");
    let is_harmless = |text: &str| !text.contains(['\u{1b}', '\u{202e}']);
    let plan = world.program("kanzleisync-producer")?.args(["plan", "beteiligte", &one.id]);
    let told = plan.clone().run(PATIENCE).await?.stdout;
    assert!(is_harmless(&told) && told.contains(r"Rot\u{1b}[31m\u{202e}nettop\nAdvoware"), "{told}");
    let told = plan.arg("--json").run(PATIENCE).await?.stdout;
    assert!(is_harmless(&told) && told.contains(r"Rot\u001b[31m\u202enettop\nAdvoware"), "{told}");
    world.sync(&[&one.id]).await?;
    let record = visitor.page(&path_of(&one)).await;
    assert!(is_harmless(&record) && record.contains(r"Rot\u{1b}[31m\u{202e}nettop\u{a}"), "{record}");
    let history = world.program("kanzleisync-producer")?.args(["audit", "history", &one.id]).run(PATIENCE).await?;
    assert!(is_harmless(&history.stdout) && history.stdout.contains("nettop"), "{history:?}");
    Ok(())
}

#[tokio::test]
async fn a_number_that_another_record_has_is_told_as_such_by_page_plan_and_answer() -> Result<()> {
    let world = World::start().await?;
    let (one, second) = (world.given_person(104_864), "00000000000005ec0");
    world.simulator.espocrm().seed(second, json!({"betnr": one.betnr, "lastName": "Tippfehler"})).expect("a record");
    let _worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    let (_producer, visitor) = visited(&world).await?;
    world.sync(&[second]).await?;
    let before = world.simulator.journal().last_sequence();

    let record = format!("/console/beteiligte/{second}");
    visitor.sees(&record, "another EspoCRM record is synced with the number that this one names").await?;
    visitor.sees("/", "1 Beteiligte: not synced: another record has the number").await?;
    let planned = visitor.page(&format!("{record}/plan")).await;
    assert!(planned.contains("nothing would be written") && planned.contains(&path_of(&one)), "{planned}");
    assert!(!planned.contains("name=\"hash\"") && !planned.contains("Tippfehler"), "{planned}");
    let plan = world.program("kanzleisync-producer")?.args(["plan", "beteiligte", second]);
    let planned = plan.run(PATIENCE).await?;
    assert!(planned.code() == Some(1) && planned.stdout.contains(&one.id), "{planned:?}");
    let answered = plan.args(["--apply", "0f", "--wait", "30s"]).run(PATIENCE).await?;
    let said = format!("{}{}", answered.stdout, answered.stderr);
    assert!(said.contains("cannot be synced as it is"), "a worker answers at once: {said}");
    assert!(world.simulator.journal().since(before).iter().all(|call| !call.mutating), "nothing is written");
    Ok(())
}

#[tokio::test]
async fn a_producer_without_a_workers_settings_says_which_are_missing_for_a_dry_run() -> Result<()> {
    let world = World::start().await?;
    let producer = world.program("kanzleisync-producer")?.without_env("ADVOWARE_APP_ID").arg("serve").start()?;
    let line = producer.wait_for_line("producer ready", PATIENCE).await?;
    let visitor = Visitor::of(&format!("http://{}", harness::world::address_in(&line)?)).await;
    let page = visitor.page("/console/beteiligte/00000000000000abc/plan").await;
    assert!(page.contains("ADVOWARE_APP_ID") && !page.contains("ADVOWARE_API_KEY"), "{page}");
    Ok(())
}

#[tokio::test]
async fn the_audit_of_calendars_is_found_by_employee_termin_and_event_and_escapes_what_they_say() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    let frnr = calendars.given_termin("SB", 3, 9, SCRIPT);
    let _worker = calendars.world.worker().await?;
    calendars.sync_wanting(&["SB"], Wants::calendar()).await?;
    let (_producer, visitor) = visited(&calendars.world).await?;
    let by_employee = visitor.page("/console/audit?q=SB").await;
    let event = between(&by_employee, "event <code>", "</code>");
    for id in ["SB", frnr.to_string().as_str(), event] {
        let page = visitor.page(&format!("/console/audit?q={id}")).await;
        is_escaped(&page);
        assert!(page.contains("/console/employees/SB") && page.contains(&frnr.to_string()), "{id}: {page}");
    }
    Ok(())
}
