//! What operators do by commands and over HTTP is noted, as what they do in the console: from where, what, to whom, with which outcome.

use harness::calendar::Calendars;
use harness::world::{PATIENCE, PRODUCER_API_KEY, World};
use harness::{Finished, Result};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

/// Records that nobody has.
const A: &str = "00000000000000abc";
const B: &str = "00000000000000abd";

/// As stored: origin, flow, entity, action, detail, outcome.
type Row = (String, Option<String>, Option<String>, String, Option<String>, Option<String>);
/// Flow, entity, action, detail, outcome.
type Noted = (Option<String>, Option<String>, String, Option<String>, Option<String>);

async fn command(world: &World, line: &str) -> Result<Finished> {
    world.program("kanzleisync-producer")?.args(line.split(' ')).run(PATIENCE).await
}

/// The account under which these tests run, as the system has it.
fn account() -> String {
    let output = std::process::Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// What was noted since the last time, in order, all of it from `origin`.
async fn noted_from(world: &World, origin: &str) -> Result<Vec<Noted>> {
    let pool = PgPool::connect(&world.database_url).await?;
    let rows: Vec<Row> = sqlx::query_as(
        "WITH gone AS (DELETE FROM operator_action RETURNING *)
         SELECT origin, flow, entity, action, detail, outcome FROM gone ORDER BY at, action, entity",
    )
    .fetch_all(&pool)
    .await?;
    assert!(rows.iter().all(|row| row.0 == origin), "not from {origin}: {rows:?}");
    Ok(rows
        .into_iter()
        .map(|(_, flow, entity, action, detail, outcome)| (flow, entity, action, detail, outcome))
        .collect())
}

/// That since the last time a command has noted just this of an employee.
pub(crate) async fn then_noted_of_employee(
    world: &World,
    kuerzel: &str,
    action: &str,
    detail: &str,
    outcome: &str,
) -> Result<()> {
    let origin = format!("command {}", account());
    assert_eq!(noted_from(world, &origin).await?, [noted("calendar", kuerzel, action, detail, outcome)]);
    Ok(())
}

fn noted(flow: &str, entity: &str, action: &str, detail: &str, outcome: &str) -> Noted {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    (given(flow), given(entity), action.to_owned(), given(detail), given(outcome))
}

async fn post(address: &str, path: &str, body: Value) -> StatusCode {
    let request = Client::new().post(format!("{address}{path}")).header("apikey", PRODUCER_API_KEY);
    request.body(body.to_string()).send().await.expect("the producer answers").status()
}

#[tokio::test]
async fn commands_about_queues_and_records_are_noted_and_dry_runs_are_not() -> Result<()> {
    let world = World::start().await?;
    let origin = format!("command {}", account());
    let cases = [
        ("jobs pause", vec![noted("", "", "pause", "", "done")]),
        ("jobs resume --queue calendar", vec![noted("calendar", "", "resume", "", "done")]),
        ("jobs counts", vec![]),
        (
            "enqueue beteiligte 00000000000000abc 00000000000000abd --direction to_espocrm",
            vec![
                noted("beteiligte", A, "enqueue", "to_espocrm", "done"),
                noted("beteiligte", B, "enqueue", "to_espocrm", "done"),
            ],
        ),
        ("enqueue beteiligte --all", vec![noted("beteiligte", "", "enqueue_all", "", "done")]),
        ("requeue 00000000000000abc", vec![noted("beteiligte", A, "requeue", "", "done")]),
        ("requeue 00000000000000abc --dry-run", vec![]),
        (
            "requeue 00000000000000abc --approve-deletions --create-again",
            vec![
                noted("beteiligte", A, "approve_deletions", "", "done"),
                noted("beteiligte", A, "create_again", "", "done"),
            ],
        ),
        ("requeue --all --queue beteiligte", vec![noted("beteiligte", "", "requeue_all", "", "done")]),
        (
            "requeue --reason Erika --younger-than 1h",
            vec![noted("", "", "requeue_alike", "reason, younger than", "done")],
        ),
        ("requeue --all --dry-run", vec![]),
        ("jobs delete --all", vec![]),
        ("jobs delete --all --apply", vec![noted("", "", "delete_all", "", "done")]),
        (
            "jobs delete --older-than 24h --queue beteiligte --apply",
            vec![noted("beteiligte", "", "delete_alike", "older than", "done")],
        ),
        // Not dead: nothing is done to it.
        ("jobs delete 00000000000000abc", vec![]),
        // No worker answers.
        ("decide 00000000000000abc advoware --wait 0.1s", vec![noted("beteiligte", A, "decide", "advoware", "failed")]),
        (
            "plan beteiligte 00000000000000abc --apply 0f --wait 0.1s",
            vec![noted("beteiligte", A, "apply", "0f", "failed")],
        ),
        ("audit restore 01890000-0000-7000-8000-000000000000", vec![]),
        (
            "webhooks install --url https://sync.example.org/",
            vec![noted("beteiligte", "", "install_webhooks", "", "done")],
        ),
        ("webhooks status", vec![]),
        ("webhooks remove", vec![]),
        ("webhooks remove --apply", vec![noted("beteiligte", "", "remove_webhooks", "", "done")]),
    ];
    for (line, expected) in cases {
        let finished = command(&world, line).await?;
        assert_eq!(noted_from(&world, &origin).await?, expected, "{line}: {finished:?}");
    }
    let _worker = world.worker().await?;
    world.trigger(&[A]).await?;
    assert_eq!(command(&world, "jobs resume").await?.code(), Some(0));
    world.run_until_quiet().await?;
    noted_from(&world, &origin).await?;
    assert_eq!(command(&world, "jobs delete 00000000000000abc").await?.code(), Some(0));
    assert_eq!(noted_from(&world, &origin).await?, [noted("beteiligte", A, "delete_dead", "", "done")]);
    Ok(())
}

#[tokio::test]
async fn commands_about_calendars_are_noted_too() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    let world = &calendars.world;
    let origin = format!("command {}", account());
    let of = |action, detail| noted("calendar", "SB", action, detail, "done");
    let cases = [
        ("policy show", vec![]),
        ("policy set SB --anonymize on --enabled on", vec![of("set_policy", "anonymize on, enabled on")]),
        ("policy set NN --enabled on", vec![noted("calendar", "NN", "set_policy", "enabled on", "failed")]),
        ("enqueue calendar SB --full-content false", vec![of("enqueue", "anonymised")]),
        (
            "enqueue calendar --all --list-all",
            vec![noted("calendar", "", "enqueue_all", "both calendars whole", "done")],
        ),
        ("requeue SB --queue calendar --approve-deletions", vec![of("approve_deletions", "")]),
        ("plan calendar SB", vec![]),
        ("audit cleanup-orphaned SB", vec![]),
        ("audit rebuild-hub SB", vec![]),
        ("audit rebuild-hub SB --apply", vec![of("rebuild_hub", "")]),
    ];
    for (line, expected) in cases {
        let finished = command(world, line).await?;
        assert_eq!(noted_from(world, &origin).await?, expected, "{line}: {finished:?}");
    }
    Ok(())
}

#[tokio::test]
async fn requests_over_http_are_noted_with_their_address() -> Result<()> {
    let calendars = Calendars::start().await?;
    calendars.given_employee("SB").await?;
    let world = &calendars.world;
    let (producer, address) = world.producer().await?;
    producer.wait_for_line("scan done", PATIENCE).await?;
    let accepted = StatusCode::ACCEPTED;
    let cases = [
        ("/requeue", json!({"id": A}), accepted, vec![noted("beteiligte", A, "requeue", "", "done")]),
        ("/requeue", json!({"all": true}), accepted, vec![noted("", "", "requeue_all", "", "done")]),
        (
            "/requeue",
            json!({"reason": "Erika", "queue": "calendar"}),
            accepted,
            vec![noted("calendar", "", "requeue_alike", "reason", "done")],
        ),
        ("/requeue", json!({"all": true, "dry_run": true}), accepted, vec![]),
        ("/requeue", json!({}), StatusCode::BAD_REQUEST, vec![]),
        (
            "/beteiligte/sync",
            json!({"ids": [B, A]}),
            accepted,
            vec![noted("beteiligte", A, "enqueue", "", "done"), noted("beteiligte", B, "enqueue", "", "done")],
        ),
        ("/beteiligte/sync", json!({"all": true}), accepted, vec![noted("beteiligte", "", "enqueue_all", "", "done")]),
        (
            "/advoware/calendar/sync",
            json!({"kuerzel": "SB"}),
            accepted,
            vec![noted("calendar", "SB", "enqueue", "", "done")],
        ),
        (
            "/advoware/calendar/sync",
            json!({"kuerzel": "NN"}),
            StatusCode::NOT_FOUND,
            vec![noted("calendar", "NN", "enqueue", "", "failed")],
        ),
    ];
    for (path, body, status, expected) in cases {
        assert_eq!(post(&address, path, body.clone()).await, status, "{path} {body}");
        assert_eq!(noted_from(world, "http 127.0.0.1").await?, expected, "{path} {body}");
    }
    let stranger = Client::new().post(format!("{address}/requeue")).body(r#"{"all":true}"#).send().await;
    assert_eq!(stranger.expect("the producer answers").status(), StatusCode::UNAUTHORIZED);
    assert_eq!(noted_from(world, "http 127.0.0.1").await?, []);
    Ok(())
}

#[tokio::test]
async fn what_needs_redis_alone_is_done_without_postgresql_and_says_that_it_was_not_noted() -> Result<()> {
    let world = World::start().await?;
    let (_producer, address) = world.producer().await?;
    let is_paused = async || world.queue.counts().await.expect("Redis answers").is_paused;
    // A machine that has no usable settings of PostgreSQL.
    let program = world.program("kanzleisync-producer")?.env("DATABASE_URL", "nothing of the kind");
    let paused = program.args(["jobs", "pause"]).run(PATIENCE).await?;
    assert_eq!(paused.code(), Some(0), "{paused:?}");
    assert!(paused.stderr.contains("settings of PostgreSQL are missing") && is_paused().await, "{paused:?}");

    world.postgres.stop().await?;
    let resumed = command(&world, "jobs resume").await?;
    assert_eq!(resumed.code(), Some(0), "{resumed:?}");
    assert!(resumed.stderr.contains("not noted in the audit") && !is_paused().await, "{resumed:?}");
    for line in ["enqueue beteiligte 00000000000000abc", "requeue 00000000000000abc", "jobs delete --all --apply"] {
        let finished = command(&world, line).await?;
        assert_eq!((finished.code(), finished.stderr.contains("not noted")), (Some(0), true), "{line}: {finished:?}");
    }
    assert_eq!(post(&address, "/beteiligte/sync", json!({"ids": [B]})).await, StatusCode::ACCEPTED);
    assert_eq!(post(&address, "/requeue", json!({"id": B})).await, StatusCode::ACCEPTED);
    assert_eq!(world.queue.counts().await.expect("Redis answers").ready, 2);
    Ok(())
}
