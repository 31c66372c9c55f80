//! How work gets into the queue: webhooks, scan, command line; and what a producer tells about itself.

use harness::Result;
use harness::world::{Beteiligter, PATIENCE, PRODUCER_API_KEY, World, mail, row};
use harness::{RunningProgram, eventually};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use simulator::{Edit, WebhookEvent, WebhookTarget};

use crate::calendar_firm::metric;

const A: &str = "a@example.org";
const B: &str = "b@example.org";

fn given_one(world: &World) -> Beteiligter {
    world.given(104_860, json!([mail(A, true)]), json!([]), vec![row(4, A, None)])
}

/// A producer that takes signed webhooks, and the simulator set up to send them.
async fn with_webhooks(world: &mut World) -> Result<(RunningProgram, String)> {
    world.setting("ESPOCRM_WEBHOOK_SECRETS", "hook-create:secret-c,hook-update:secret-u,hook-delete:secret-d");
    let (producer, address) = world.producer().await?;
    let hooks = [
        (WebhookEvent::Create, "create", "secret-c"),
        (WebhookEvent::Update, "update", "secret-u"),
        (WebhookEvent::Delete, "delete", "secret-d"),
    ];
    for (event, name, secret) in hooks {
        let url = format!("{address}/vmh/webhook/beteiligte/{name}");
        let target =
            WebhookTarget { id: format!("hook-{name}"), secret: secret.to_owned(), event, url, skip_own: false };
        world.simulator.webhooks().add(target);
    }
    Ok((producer, address))
}

async fn post(url: &str, body: impl Into<reqwest::Body>) -> (StatusCode, Value) {
    let request = client().post(url).header("apikey", PRODUCER_API_KEY).header("content-type", "application/json");
    let answer = request.body(body).send().await.expect("the producer answers");
    (answer.status(), answer.json().await.unwrap_or_default())
}

fn client() -> Client {
    Client::builder().build().expect("a client")
}

#[tokio::test]
async fn an_edit_in_espocrm_comes_by_signed_webhook_and_is_synced() -> Result<()> {
    let mut world = World::start().await?;
    let one = given_one(&world);
    let _worker = world.worker().await?;
    let _producer = with_webhooks(&mut world).await?;
    eventually(PATIENCE, "the scan at start-up has it synced", async || {
        world.field(&one.id, "syncStatus") == json!("clean")
    })
    .await?;
    world.simulator.webhooks().deliver().await;
    world.run_until_quiet().await?;

    world.simulator.webhooks().set_twice(true);
    world.simulator.edit(&Edit::EspoAddMail { id: one.id.clone(), address: B.to_owned() }).expect("B is new");
    assert_eq!(world.field(&one.id, "syncStatus"), json!("dirty"));
    let report = world.simulator.webhooks().deliver().await;
    assert!(report.delivered >= 1 && report.lost == 0, "{report:?}");
    world.run_until_quiet().await?;
    assert_eq!(world.advo_values(one.betnr), [A, B]);
    world.then_agreed_and_silent(&[&one]).await
}

#[tokio::test]
async fn the_scan_finds_what_waits_is_due_or_unknown_to_the_hub_and_no_others() -> Result<()> {
    let world = World::start().await?;
    let many: Vec<Beteiligter> =
        (0..8).map(|n| world.given(104_000 + n, json!([mail(A, true)]), json!([]), vec![row(4, A, None)])).collect();
    let states = [
        "pending_sync",
        "dirty",
        "syncing",
        // Without a time for its next try it is due.
        "failed",
        // The hub knows nothing of these.
        "clean",
        "conflict",
        "permanently_failed",
        "deleted_in_advoware",
    ];
    for (one, state) in many.iter().zip(states) {
        let fields = json!({"betnr": one.betnr, "lastName": "Beispiel", "syncStatus": state});
        world.simulator.espocrm().seed(&one.id, fields).expect("EspoCRM takes it");
    }
    let _producer = world.producer().await?;
    eventually(PATIENCE, "six are queued", async || world.queue.counts().await.is_ok_and(|counts| counts.ready == 6))
        .await?;
    let _worker = world.worker().await?;
    world.run_until_quiet().await?;
    let after: Vec<Value> = many.iter().map(|one| world.field(&one.id, "syncStatus")).collect();
    assert_eq!(after[..6], vec![json!("clean"); 6]);
    assert_eq!(after[6..], states[6..].iter().map(|state| json!(state)).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn a_webhooks_body_is_judged_element_by_element() -> Result<()> {
    let world = World::start().await?;
    let (_producer, address) = world.producer().await?;
    let url = format!("{address}/vmh/webhook/beteiligte/update");
    let (status, body) =
        post(&url, r#"[{"id":"00000000000000001"},{"id":"00000000000000001"},{"id":7},{},"x",{"id":"../../etc"}]"#)
            .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["accepted"], json!(1), "{body}");
    assert_eq!(world.queue.counts().await.map(|counts| counts.ready).ok(), Some(1));
    for bad in [&b"{}"[..], b"not json", b"", b"[", b"\xff\xfe", b"null"] {
        assert_eq!(post(&url, bad.to_vec()).await.0, StatusCode::BAD_REQUEST, "{bad:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_oversized_body_is_refused_and_starts_a_scan_that_finds_what_it_told() -> Result<()> {
    let world = World::start().await?;
    let (_producer, address) = world.producer().await?;
    let one = given_one(&world);
    let (status, _) = post(&format!("{address}/vmh/webhook/beteiligte/update"), vec![b' '; 6 << 20]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    eventually(PATIENCE, "the scan queues the record", async || {
        world.queue.counts().await.is_ok_and(|counts| counts.ready == 1)
    })
    .await?;
    assert_eq!(world.field(&one.id, "syncStatus"), json!("pending_sync"));
    Ok(())
}

#[tokio::test]
async fn e3_unsigned_wrongly_signed_and_anonymous_webhooks_are_refused() -> Result<()> {
    let mut world = World::start().await?;
    let (_producer, address) = with_webhooks(&mut world).await?;
    let url = format!("{address}/vmh/webhook/beteiligte/update");
    let body = r#"[{"id":"00000000000000001"}]"#;
    let headers = [
        None,
        Some(("Signature", "AAAA")),
        Some(("X-Signature", "%%")),
        Some(("apikey", "wrong")),
        Some(("Authorization", "Bearer wrong")),
    ];
    for header in headers {
        let request = client().post(&url).body(body);
        let request = if let Some((name, value)) = header { request.header(name, value) } else { request };
        let status = request.send().await.expect("the producer answers").status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{header:?}");
    }
    assert_eq!(world.queue.counts().await.map(|counts| counts.ready).ok(), Some(0));
    Ok(())
}

#[tokio::test]
async fn a_deleted_record_loses_its_waiting_job_and_nothing_in_advoware() -> Result<()> {
    let world = World::start().await?;
    let one = given_one(&world);
    world.trigger(&[&one.id]).await?;
    let (_producer, address) = world.producer().await?;
    world.simulator.edit(&Edit::EspoDelete { id: one.id.clone() }).expect("it is there");
    let (status, _) =
        post(&format!("{address}/vmh/webhook/beteiligte/delete"), json!([{"id": one.id}]).to_string()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(world.queue.counts().await.map(|counts| counts.ready).ok(), Some(0));
    assert_eq!(world.advo_values(one.betnr), [A]);
    Ok(())
}

#[tokio::test]
async fn a_webhook_is_answered_503_while_redis_is_away_and_readyz_and_metrics_name_it() -> Result<()> {
    let world = World::start().await?;
    let (_producer, address) = world.producer().await?;
    let up = async |system| metric(&address, &format!("kanzleisync_system_up{{system=\"{system}\"}}")).await;
    assert_eq!((up("redis").await, up("postgres").await), (1, 1));
    world.redis.stop().await?;
    assert_eq!((up("redis").await, up("postgres").await), (0, 1));
    let ready = client().get(format!("{address}/readyz")).send().await.expect("the producer answers");
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let told: Value = ready.json().await.expect("JSON");
    assert_eq!((told["postgres"].clone(), told["redis"] == json!("ready")), (json!("ready"), false), "{told}");
    let alive = client().get(format!("{address}/healthz")).send().await.expect("the producer answers");
    assert_eq!(alive.status(), StatusCode::OK);
    let url = format!("{address}/vmh/webhook/beteiligte/update");
    let (status, _) = post(&url, r#"[{"id":"00000000000000001"}]"#).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);

    world.redis.start_again().await?;
    world.postgres.stop().await?;
    eventually(PATIENCE, "PostgreSQL is told to be away", async || (up("redis").await, up("postgres").await) == (1, 0))
        .await?;
    world.postgres.start_again().await?;
    eventually(PATIENCE, "PostgreSQL is told to be back", async || up("postgres").await == 1).await
}

#[tokio::test]
async fn the_command_line_enqueues_ids_or_everybody_and_refuses_what_is_no_id() -> Result<()> {
    let world = World::start().await?;
    let firm = simulator::generate(3, 450);
    world.simulator.load(&firm);
    let run = |args: Vec<String>| {
        let program = world.program("kanzleisync-producer").map(|program| program.args(args));
        async move { program?.run(PATIENCE).await }
    };
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let some = run(words(&format!("enqueue beteiligte {} --json", firm.beteiligte[0].espo_id))).await?;
    assert_eq!(some.code(), Some(1), "queued, though no run has seen it yet: {}", some.stderr);
    let wrong = run(words("enqueue beteiligte 00000000000000001 no/id")).await?;
    assert_eq!(wrong.code(), Some(2), "{}", wrong.stdout);
    assert_eq!(
        world.queue.counts().await.map(|counts| counts.ready).ok(),
        Some(1),
        "nothing of a wrong list is queued"
    );
    let all = run(words("enqueue beteiligte --all")).await?;
    assert_eq!(all.code(), Some(0), "{}", all.stderr);
    assert_eq!(world.queue.counts().await.map(|counts| counts.ready).ok(), Some(450));
    Ok(())
}

#[tokio::test]
async fn k1a_requeue_with_approval_releases_held_deletions() -> Result<()> {
    let world = World::start().await?;
    let addresses = [A, B, "c@example.org"];
    let rows = addresses.iter().map(|address| row(4, address, None)).collect();
    let mails = addresses.iter().map(|address| mail(address, *address == A)).collect();
    let one = world.given(104_860, Value::Array(mails), json!([]), rows);
    let _worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    for row in world.simulator.advoware().rows(one.betnr) {
        world.simulator.edit(&Edit::AdvowareRemove { betnr: one.betnr, komm_id: row.id }).expect("it is there");
    }
    world.sync(&[&one.id]).await?;
    assert_eq!(world.espo_values(&one.id).len(), 3);
    let plan = world.program("kanzleisync-producer")?.args(["plan", "beteiligte", &one.id]).run(PATIENCE).await?;
    assert!(plan.code() == Some(1) && plan.stdout.contains("waits for a person"), "{plan:?}");
    let requeue =
        world.program("kanzleisync-producer")?.args(["requeue", &one.id, "--approve-deletions"]).run(PATIENCE).await?;
    assert_eq!(requeue.code(), Some(0), "{}", requeue.stderr);
    world.run_until_quiet().await?;
    assert!(world.espo_values(&one.id).is_empty());
    Ok(())
}

#[tokio::test]
async fn every_series_exists_from_the_start_at_0() -> Result<()> {
    let world = World::start().await?;
    let (_producer, address) = world.producer().await?;
    let metrics = client().get(format!("{address}/metrics")).send().await.expect("metrics").text().await.expect("text");
    for series in [
        "kanzleisync_queue_jobs{queue=\"beteiligte\",state=\"ready\"} 0",
        "kanzleisync_queue_jobs{queue=\"beteiligte\",state=\"dead\"} 0",
        "kanzleisync_queue_oldest_job_age_seconds{queue=\"beteiligte\"} 0",
        "kanzleisync_jobs_enqueued_total{queue=\"beteiligte\",result=\"new\"} 0",
        "kanzleisync_workers 0",
    ] {
        assert!(metrics.contains(series), "{series} is missing in\n{metrics}");
    }
    let worker = world.worker().await?;
    let line = worker.wait_for_line("worker ready", PATIENCE).await?;
    let url = format!("http://{}/metrics", harness::world::address_in(&line)?);
    let metrics = client().get(url).send().await.expect("metrics").text().await.expect("text");
    for series in [
        "kanzleisync_jobs_total{queue=\"beteiligte\",outcome=\"done\"} 0",
        "kanzleisync_changes_total{flow=\"beteiligte\",change=\"var6\"} 0",
        "kanzleisync_findings_total{flow=\"beteiligte\",kind=\"cannot_hold\"} 0",
        "kanzleisync_api_requests_total{system=\"advoware\"",
        "kanzleisync_last_success_timestamp_seconds{flow=\"beteiligte\"} 0",
    ] {
        assert!(metrics.contains(series), "{series} is missing in\n{metrics}");
    }
    assert!(
        !metrics.contains("kanzleisync_queue_jobs"),
        "the producer alone tells the depth, else sums over all would be wrong"
    );
    Ok(())
}

#[tokio::test]
async fn migrate_needs_the_database_only_and_a_stopped_producer_ends_with_0() -> Result<()> {
    let mut world = World::start().await?;
    let empty = world.postgres.create_database().await?;
    world.setting("DATABASE_URL", empty.url);
    let program = world.program("kanzleisync-producer")?.arg("migrate");
    for name in ["ESPOCRM_API_BASE_URL", "ESPOCRM_API_KEY", "REDIS_URL"] {
        let program = program.clone().without_env(name);
        assert_eq!(program.run(PATIENCE).await?.code(), Some(0), "{name} is not needed");
    }
    let (producer, _) = world.producer().await?;
    producer.terminate()?;
    assert!(producer.exited(PATIENCE).await?.success());
    Ok(())
}
