//! Commands about single records, with real programs: plan, audit, decide, erase (K10, invariant 10).

use harness::world::{Beteiligter, PATIENCE, World, fields, mail, row};
use harness::{Finished, Result, eventually};
use serde_json::{Value, json};
use simulator::{Calls, Edit, Fault, FaultKind, Moment, Operation};
use sqlx::PgPool;

use crate::synced::{A, B, C, Synced};

/// What operators asked for and no worker has answered.
async fn open_requests(world: &World) -> i64 {
    let pool = PgPool::connect(&world.database_url).await.expect("PostgreSQL answers");
    let query = sqlx::query_scalar("SELECT count(*) FROM sync_request WHERE done_at IS NULL");
    query.fetch_one(&pool).await.expect("PostgreSQL answers")
}

async fn command(world: &World, arguments: &[&str]) -> Result<Finished> {
    world.program("kanzleisync-producer")?.args(arguments).run(PATIENCE).await
}

async fn json_of(world: &World, arguments: &[&str]) -> Result<Value> {
    let finished = command(world, &[arguments, &["--json"]].concat()).await?;
    Ok(serde_json::from_str(finished.stdout.trim()).unwrap_or_else(|_| panic!("{finished:?}")))
}

fn set_advo(one: &Beteiligter, name: &str, value: &str) -> Edit {
    Edit::AdvowareSet { betnr: one.betnr, fields: fields(json!({name: value})) }
}

fn set_espo(one: &Beteiligter, name: &str, value: &str) -> Edit {
    Edit::EspoSet { id: one.id.clone(), fields: fields(json!({name: value})) }
}

fn edit(world: &World, edits: &[Edit]) {
    for edit in edits {
        world.simulator.edit(edit).expect("the edit is possible");
    }
}

async fn hub_state(world: &World) -> Result<String> {
    let pool = PgPool::connect(&world.database_url).await?;
    let query = "SELECT coalesce(string_agg(beteiligte::text, ''), '') FROM beteiligte";
    Ok(sqlx::query_scalar(query).fetch_one(&pool).await?)
}

/// The latest entry of this rule on that side, as `audit history` tells it.
async fn entry(world: &World, id: &str, target: &str, rule: &str) -> Result<Value> {
    let history = json_of(world, &["audit", "history", id]).await?;
    let is_it = |entry: &&Value| entry["rule"] == rule && entry["target"] == target;
    let found = history.as_array().into_iter().flatten().find(is_it).cloned();
    Ok(found.unwrap_or_else(|| panic!("no {rule} in {history}")))
}

async fn restore(synced: &Synced, entry: &Value) -> Result<()> {
    let id = entry["id"].as_str().unwrap_or_default();
    let finished = command(&synced.world, &["audit", "restore", id]).await?;
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    synced.world.run_until_quiet().await?;
    synced.world.then_agreed_and_silent(&[&synced.one]).await
}

#[tokio::test]
async fn a_worker_says_what_it_is_without_any_setting() -> Result<()> {
    let worker = harness::Program::built("kanzleisync-worker")?;
    for (asked, code, answer) in [("--help", 0, "docs/reference.md"), ("--version", 0, "0."), ("--queue", 2, "--help")]
    {
        let finished = worker.clone().arg(asked).run(PATIENCE).await?;
        let said = format!("{}{}", finished.stdout, finished.stderr);
        assert!(finished.code() == Some(code) && said.contains(answer), "{asked}: {finished:?}");
    }
    Ok(())
}

#[tokio::test]
async fn invariant_10_a_plan_writes_nothing_and_says_in_words_what_it_says_in_json() -> Result<()> {
    let synced = Synced::with_a().await?;
    let (world, one) = (&synced.world, &synced.one);
    let finished = command(world, &["plan", "beteiligte", &one.id]).await?;
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    assert!(finished.stdout.contains("Both sides agree"));
    edit(world, &[synced.add_mail(B), set_advo(one, "vorname", "Kim")]);
    let (before, hub) = (world.simulator.journal().last_sequence(), hub_state(world).await?);
    let finished = command(world, &["plan", "beteiligte", &one.id]).await?;
    let told = json_of(world, &["plan", "beteiligte", &one.id]).await?;
    assert_eq!(finished.code(), Some(1), "there is something to do");
    for text in ["var1", B, "firstName", "Kim", told["hash"].as_str().unwrap_or_default()] {
        assert!(finished.stdout.contains(text), "{text}: {}", finished.stdout);
    }
    assert_eq!(told["steps"].as_array().map(Vec::len), Some(2), "{told}");
    assert!(world.simulator.journal().since(before).iter().all(|call| !call.mutating), "a dry run is dry");
    assert_eq!(hub_state(world).await?, hub);
    Ok(())
}

#[tokio::test]
async fn invariant_10_apply_does_exactly_what_was_printed_or_nothing() -> Result<()> {
    let synced = Synced::with_a().await?;
    let (world, one) = (&synced.world, &synced.one);
    edit(world, &[synced.add_mail(B)]);
    let hash = json_of(world, &["plan", "beteiligte", &one.id]).await?["hash"].as_str().unwrap_or_default().to_owned();
    edit(world, &[synced.add_mail(C)]);
    let before = world.simulator.journal().last_sequence();
    for other in [hash.as_str(), "0f"] {
        let stale = command(world, &["plan", "beteiligte", &one.id, "--apply", other]).await?;
        let says_so = stale.stdout.contains("not what a sync would do now");
        assert_eq!((stale.code(), says_so), (Some(1), true), "{stale:?}");
        world.run_until_quiet().await?;
        assert!(world.simulator.journal().since(before).iter().all(|call| !call.mutating), "nothing is written");
    }
    // A sync that somebody else asks for in the meantime is not lost: the plan is refused, and the sync follows.
    command(world, &["jobs", "pause"]).await?;
    world.trigger(&[&one.id]).await?;
    let apply =
        world.program("kanzleisync-producer")?.args(["plan", "beteiligte", &one.id, "--apply", &hash]).start()?;
    eventually(PATIENCE, "it is asked for", async || open_requests(world).await == 1).await?;
    command(world, &["jobs", "resume"]).await?;
    let ended = apply.exited(PATIENCE).await?;
    assert_eq!(ended.code(), Some(1), "{}", apply.output());
    assert!(apply.output().contains("a usual sync follows"), "{}", apply.output());
    world.run_until_quiet().await?;
    assert_eq!(world.advo_values(one.betnr), [A, B, C], "the usual sync follows");
    edit(world, &[synced.remove(C)]);
    let hash = json_of(world, &["plan", "beteiligte", &one.id]).await?["hash"].as_str().unwrap_or_default().to_owned();
    let done = command(world, &["plan", "beteiligte", &one.id, "--apply", &hash]).await?;
    assert_eq!(done.code(), Some(0), "{done:?}");
    world.run_until_quiet().await?;
    assert_eq!(world.advo_values(one.betnr), [A, B]);
    world.then_agreed_and_silent(&[one]).await
}

#[tokio::test]
async fn a_plan_that_was_taken_back_is_not_carried_out_later_and_of_several_each_is_answered() -> Result<()> {
    let synced = Synced::with_a().await?;
    let (world, one) = (&synced.world, &synced.one);
    edit(world, &[synced.add_mail(B)]);
    let hash = json_of(world, &["plan", "beteiligte", &one.id]).await?["hash"].as_str().unwrap_or_default().to_owned();
    let before = world.simulator.journal().last_sequence();
    command(world, &["jobs", "pause"]).await?;
    let late = command(world, &["plan", "beteiligte", &one.id, "--apply", &hash, "--wait", "0.2s"]).await?;
    assert_eq!(late.code(), Some(2), "{late:?}");
    command(world, &["jobs", "resume"]).await?;
    world.run_until_quiet().await?;
    assert!(world.simulator.journal().since(before).iter().all(|call| !call.mutating), "it was taken back");

    command(world, &["jobs", "pause"]).await?;
    let ask = |hash: &str| {
        world.program("kanzleisync-producer")?.args(["plan", "beteiligte", &one.id, "--apply", hash]).start()
    };
    let asked = [ask("0e")?, ask("0f")?];
    eventually(PATIENCE, "both are asked for", async || open_requests(world).await == 2).await?;
    command(world, &["jobs", "resume"]).await?;
    for one in &asked {
        let ended = one.exited(PATIENCE).await?;
        assert!(ended.code() == Some(1) && one.output().contains("Nothing was written"), "{}", one.output());
    }
    world.run_until_quiet().await?;
    assert!(world.simulator.journal().since(before).iter().all(|call| !call.mutating), "both are refused");
    Ok(())
}

#[tokio::test]
async fn k8b_a_plan_that_a_user_overtakes_is_said_to_be_and_the_sync_follows() -> Result<()> {
    for moment in [Moment::before(Calls::to(Operation::EspoPut)), Moment::after(Calls::to(Operation::EspoPut))] {
        let synced = Synced::with_a().await?;
        let (world, one) = (&synced.world, &synced.one);
        edit(world, &[synced.add_mail(B), set_espo(one, "firstName", "Kim")]);
        let told = json_of(world, &["plan", "beteiligte", &one.id]).await?;
        world.simulator.edit_at(moment, synced.add_mail(C));
        let hash = told["hash"].as_str().unwrap_or_default();
        let overtaken = command(world, &["plan", "beteiligte", &one.id, "--apply", hash]).await?;
        assert!(overtaken.code().is_some_and(|code| code < 2), "{overtaken:?}");
        world.run_until_quiet().await?;
        assert_eq!(world.advo_values(one.betnr), [A, B, C], "{overtaken:?}");
        world.then_agreed_and_silent(&[one]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn j3_what_a_plan_could_not_do_is_done_by_a_requeue_of_all() -> Result<()> {
    let synced = Synced::with_a().await?;
    let (world, one) = (&synced.world, &synced.one);
    edit(world, &[synced.add_mail(B)]);
    let hash = json_of(world, &["plan", "beteiligte", &one.id]).await?["hash"].as_str().unwrap_or_default().to_owned();
    let refusal = FaultKind::Status { code: 400, retry_after_seconds: None, body: None };
    world.simulator.faults().arm(Fault::new(Calls::to(Operation::PostKommunikation).times(1), refusal));
    let unanswered = command(world, &["plan", "beteiligte", &one.id, "--apply", &hash, "--wait", "2s"]).await?;
    assert_eq!(unanswered.code(), Some(2), "{unanswered:?}");
    assert_eq!(world.field(&one.id, "syncStatus"), json!("permanently_failed"));
    assert_eq!(command(world, &["requeue", "--all"]).await?.code(), Some(0));
    world.run_until_quiet().await?;
    assert_eq!(world.advo_values(one.betnr), [A, B]);
    world.then_agreed_and_silent(&[one]).await
}

#[tokio::test]
async fn a_creation_is_planned_and_applied_too() -> Result<()> {
    let world = World::start().await?;
    let id = "0000000000000aaaa";
    let record = json!({"lastName": "Neu", "emailAddressData": [mail(A, true)]});
    world.simulator.espocrm().seed(id, record).expect("EspoCRM takes it");
    let told = json_of(&world, &["plan", "beteiligte", id]).await?;
    assert!(world.simulator.advoware().betnrs().is_empty());
    let _worker = world.worker().await?;
    let hash = told["hash"].as_str().unwrap_or_default();
    let done = command(&world, &["plan", "beteiligte", id, "--apply", hash]).await?;
    assert_eq!(done.code(), Some(0), "{done:?}");
    world.run_until_quiet().await?;
    let betnr = world.simulator.advoware().betnrs()[0];
    world.then_agreed_and_silent(&[&Beteiligter { id: id.to_owned(), betnr }]).await
}

#[tokio::test]
async fn a_request_that_no_worker_answers_is_taken_back() -> Result<()> {
    let world = World::start().await?;
    let one = world.given(104_860, json!([]), json!([]), vec![]);
    let late = command(&world, &["decide", &one.id, "espocrm", "--wait", "0.3s"]).await?;
    assert_eq!(late.code(), Some(2), "{late:?}");
    let pool = PgPool::connect(&world.database_url).await?;
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM sync_request").fetch_one(&pool).await?;
    assert_eq!(left, 0);
    Ok(())
}

#[tokio::test]
async fn k10_stammdaten_are_restored_on_either_side_and_the_sync_takes_them_over() -> Result<()> {
    let synced = Synced::with_a().await?;
    let (world, one) = (&synced.world, &synced.one);
    synced.after(&[set_advo(one, "name", "Neuer"), set_espo(one, "firstName", "Kim")]).await?;
    let of_espo = entry(world, &one.id, "espocrm", "advoware_changed").await?;
    assert_eq!((&of_espo["field"], &of_espo["after"]), (&json!("name"), &json!("Neuer")));
    restore(&synced, &of_espo).await?;
    let original = format!("Beispiel {}", one.betnr);
    assert_eq!(world.field(&one.id, "lastName"), json!(original));
    assert_eq!(
        world.simulator.advoware().beteiligter(one.betnr).map(|record| record["name"].clone()),
        Some(json!(original))
    );
    // And the loser of a conflict, in Advoware.
    synced.after(&[set_advo(one, "vorname", "Robin"), set_espo(one, "firstName", "Toni")]).await?;
    restore(&synced, &entry(world, &one.id, "advoware", "overwritten_by_espo").await?).await?;
    assert_eq!(world.field(&one.id, "firstName"), json!("Robin"));
    Ok(())
}

#[tokio::test]
async fn k10_kommunikationen_are_restored_with_their_remarks_and_the_sync_takes_them_over() -> Result<()> {
    let synced = Synced::with_a().await?;
    let (world, one) = (&synced.world, &synced.one);
    // Var2: the row became a slot.
    synced.after(&[synced.remove(A)]).await?;
    restore(&synced, &entry(world, &one.id, "advoware", "var2").await?).await?;
    assert_eq!(synced.values(), [A]);
    assert!(synced.remark(0).ends_with("Büro"), "{}", synced.remark(0));
    // A conflict: Advoware's value was overwritten.
    synced.after(&[synced.replace(A, B), synced.change(0, C)]).await?;
    assert_eq!(synced.values(), [B]);
    restore(&synced, &entry(world, &one.id, "advoware", "overwritten_by_espo").await?).await?;
    assert_eq!(synced.values(), [C]);
    // Var3: the value left EspoCRM.
    synced.after(&[synced.change(0, "")]).await?;
    assert!(synced.values().is_empty());
    restore(&synced, &entry(world, &one.id, "espocrm", "var3").await?).await?;
    assert_eq!(synced.values(), [C]);
    // Var6: one value took another's place in EspoCRM.
    synced.after(&[synced.change(0, A)]).await?;
    restore(&synced, &entry(world, &one.id, "espocrm", "var6").await?).await?;
    assert_eq!(synced.values(), [C]);
    Ok(())
}

#[tokio::test]
async fn what_replaced_nothing_or_is_unknown_cannot_be_restored() -> Result<()> {
    let synced = Synced::with_a().await?;
    synced.after(&[synced.add_mail(B)]).await?;
    let new = entry(&synced.world, &synced.one.id, "advoware", "var1").await?;
    for id in [new["id"].as_str().unwrap_or_default(), "01890000-0000-7000-8000-000000000000"] {
        let finished = command(&synced.world, &["audit", "restore", id]).await?;
        assert_eq!(finished.code(), Some(1), "{finished:?}");
    }
    synced.world.run_until_quiet().await?;
    assert_eq!(synced.values(), [A, B]);
    Ok(())
}

#[tokio::test]
async fn k5_decide_takes_the_side_that_a_person_chose() -> Result<()> {
    for (winner, kept) in [("espocrm", "Espo"), ("advoware", "Advo")] {
        let mut world = World::start().await?;
        world.setting("SYNC_CONFLICT_POLICY", "manual");
        let one = world.given(104_860, json!([mail(A, true)]), json!([]), vec![row(4, A, None)]);
        let _worker = world.worker().await?;
        world.sync(&[&one.id]).await?;
        edit(&world, &[set_espo(&one, "lastName", "Espo"), set_advo(&one, "name", "Advo")]);
        world.sync(&[&one.id]).await?;
        assert_eq!(world.field(&one.id, "syncStatus"), json!("conflict"));
        let done = command(&world, &["decide", &one.id, winner]).await?;
        assert_eq!(done.code(), Some(0), "{done:?}");
        world.run_until_quiet().await?;
        assert_eq!(world.field(&one.id, "lastName"), json!(kept));
        world.then_agreed_and_silent(&[&one]).await?;
        let nothing = command(&world, &["decide", &one.id, winner]).await?;
        assert_eq!((nothing.code(), nothing.stdout.contains("no conflict")), (Some(1), true), "{nothing:?}");
    }
    Ok(())
}

#[tokio::test]
async fn erase_removes_everything_that_is_kept_on_one_person_and_nobody_elses() -> Result<()> {
    let synced = Synced::with_a().await?;
    let (world, one) = (&synced.world, &synced.one);
    let other = world.given(104_861, json!([mail(B, true)]), json!([]), vec![]);
    world.sync(&[&other.id]).await?;
    synced.after(&[synced.add_mail(C)]).await?;
    for id in [&one.id, &other.id] {
        command(world, &["requeue", id]).await?;
    }
    world.run_until_quiet().await?;
    let dry = command(world, &["erase", &one.id]).await?;
    let is_told = ["would be erased: 1 base", "1 operators' actions"].iter().all(|text| dry.stdout.contains(text));
    assert_eq!((dry.code(), is_told), (Some(1), true), "{dry:?}");
    let done = command(world, &["erase", &one.id, "--apply"]).await?;
    assert_eq!(done.code(), Some(0), "{done:?}");
    let pool = PgPool::connect(&world.database_url).await?;
    for table in ["beteiligte", "sync_audit", "sync_request"] {
        let query =
            format!("SELECT count(*) FILTER (WHERE espo_id = $1), count(*) FILTER (WHERE espo_id = $2) FROM {table}");
        let (mine, others): (i64, i64) =
            sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(&one.id).bind(&other.id).fetch_one(&pool).await?;
        assert_eq!((mine, others > 0), (0, table != "sync_request"), "{table}");
    }
    assert!(done.stdout.contains("erased: 1 base") && done.stdout.contains("1 operators' actions"), "{done:?}");
    let acts: Vec<(String, Option<String>)> =
        sqlx::query_as("SELECT action, entity FROM operator_action ORDER BY at").fetch_all(&pool).await?;
    let left = [("requeue".to_owned(), Some(other.id.clone())), ("erase".to_owned(), None)];
    assert_eq!(acts, left, "that somebody was erased, not who");
    let again = json_of(world, &["erase", &one.id]).await?;
    assert_eq!(again["operator_actions"], json!(0), "{again}");
    let again = command(world, &["erase", &one.id]).await?;
    assert_eq!(again.code(), Some(0), "nothing is left: {again:?}");
    Ok(())
}
