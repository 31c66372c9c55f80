//! What operators do with the queue, as commands and over HTTP.

use harness::world::{PATIENCE, PRODUCER_API_KEY, World, mail, row};
use harness::{Finished, Result, eventually};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use shared::queue::Counts;
use simulator::{Calls, Fault, FaultKind, Operation};

const A: &str = "a@example.org";
/// A record that EspoCRM does not have: its job dies at the first run.
const UNKNOWN: &str = "00000000000000abc";
const WHY: &str = "EspoCRM has no such record";

/// Runs the producer's command line; words are separated by spaces, `_` stands for one.
async fn command(world: &World, line: &str) -> Result<Finished> {
    let words = line.split(' ').map(|word| word.replace('_', " "));
    world.program("kanzleisync-producer")?.args(words).run(PATIENCE).await
}

/// As [`command`] with `--json`: what it prints, after it ended with this exit code.
async fn ends_with(world: &World, code: i32, line: &str) -> Result<Value> {
    let finished = command(world, &format!("{line} --json")).await?;
    assert_eq!(finished.code(), Some(code), "{line}: {}{}", finished.stdout, finished.stderr);
    Ok(serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("{line}: no JSON: {}", finished.stdout)))
}

async fn counts(world: &World) -> Counts {
    world.queue.counts().await.expect("Redis answers")
}

/// Jobs of records that nobody has, run to their death.
async fn given_dead(world: &World, ids: &[&str]) -> Result<harness::RunningProgram> {
    let worker = world.worker().await?;
    world.trigger(ids).await?;
    world.run_until_quiet().await?;
    assert_eq!(counts(world).await.dead, ids.len() as u64);
    Ok(worker)
}

fn request(url: &str) -> RequestBuilder {
    Client::builder().build().expect("a client").post(url)
}

async fn sent(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.expect("the producer answers");
    (answer.status(), answer.json().await.unwrap_or_default())
}

/// With the key.
async fn post(url: &str, body: Value) -> (StatusCode, Value) {
    sent(request(url).header("apikey", PRODUCER_API_KEY).body(body.to_string())).await
}

#[tokio::test]
async fn j3_a_dead_job_is_listed_shown_requeued_by_reason_and_deleted() -> Result<()> {
    let world = World::start().await?;
    let _worker = given_dead(&world, &[UNKNOWN]).await?;

    let listed = ends_with(&world, 0, "jobs list").await?;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    let (job, id) = (&listed[0], listed[0]["id"].as_str().expect("an id"));
    let told = ["queue", "state", "entity", "starts", "failures", "crashes", "lease_until"].map(|key| job[key].clone());
    assert_eq!(json!(told), json!(["beteiligte", "dead", UNKNOWN, 1, 1, 0, null]), "{job}");
    assert!(job["reason"].as_str().is_some_and(|reason| reason.contains(WHY)), "{job}");
    for time in ["made", "due", "dead_since"] {
        let text = job[time].as_str().unwrap_or_default();
        assert!(chrono::DateTime::parse_from_rfc3339(text).is_ok() && text.ends_with('Z'), "{time}: {job}");
    }
    assert_eq!(ends_with(&world, 0, "jobs list ready").await?, json!([]));
    assert_eq!(ends_with(&world, 0, "jobs list --queue calendar").await?, json!([]));
    assert_eq!(ends_with(&world, 0, "jobs list dead --offset 1").await?, json!([]));
    for named in [UNKNOWN, id] {
        assert_eq!(ends_with(&world, 0, &format!("jobs show {named}")).await?, listed);
    }

    assert_eq!(
        ends_with(&world, 0, "requeue --reason no_such_record --dry-run").await?,
        json!({"requeued": 1, "dry_run": true})
    );
    assert_eq!(ends_with(&world, 0, "requeue --reason anything_else").await?, json!({"requeued": 0}));
    assert_eq!(ends_with(&world, 0, "requeue --all --older-than 1h").await?, json!({"requeued": 0}));
    assert_eq!(ends_with(&world, 0, "requeue --all --queue calendar").await?, json!({"requeued": 0}));
    assert_eq!(ends_with(&world, 0, "jobs list").await?, listed, "nothing of this has touched it");
    world.queue.pause().await.expect("Redis answers");
    assert_eq!(ends_with(&world, 0, "requeue --reason no_such_record").await?, json!({"requeued": 1}));
    let waiting = ends_with(&world, 0, "jobs list ready").await?;
    assert_eq!((&waiting[0]["id"], &waiting[0]["starts"]), (&json!(id), &json!(0)), "the counters start anew");

    let left = ends_with(&world, 1, &format!("jobs delete {UNKNOWN}")).await?;
    assert_eq!(left, json!({"deleted": 0, "not_dead": 1, "unknown": 0}), "only dead jobs are deleted");
    world.queue.resume().await.expect("Redis answers");
    world.run_until_quiet().await?;
    let deleted = ends_with(&world, 0, &format!("jobs delete {id}")).await?;
    assert_eq!(deleted, json!({"deleted": 1, "not_dead": 0, "unknown": 0}));
    assert_eq!(counts(&world).await.dead, 0);
    for line in ["jobs show", "jobs delete", "requeue"] {
        ends_with(&world, 1, &format!("{line} {id}")).await?;
    }
    assert_eq!(counts(&world).await.ready, 0, "a finished job's id puts nothing to work");
    Ok(())
}

#[tokio::test]
async fn many_are_deleted_only_with_apply_and_every_text_says_what_to_do_next() -> Result<()> {
    let world = World::start().await?;
    let _worker = given_dead(&world, &[UNKNOWN, "00000000000000abd", "not an id!"]).await?;
    let table = command(&world, "jobs list").await?.stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("ID ") && lines[0].contains("DEAD SINCE"), "{table}");
    assert!(lines[1..4].iter().any(|line| line.starts_with(UNKNOWN) && line.contains(WHY)), "{table}");
    assert!(table.contains("requeue --reason"), "{table}");
    let page = command(&world, "jobs list --limit 2").await?.stdout;
    assert!(page.contains("give --offset 2"), "{page}");
    let shown = command(&world, &format!("jobs show {UNKNOWN} nobody")).await?;
    assert!(shown.stdout.contains("1 begun, 1 failed, 0 crashed"), "{}", shown.stdout);
    assert!(shown.stdout.contains("id number 2: there is no such job"), "{}", shown.stdout);

    let dry = json!({"deleted": 2, "dry_run": true});
    assert_eq!(ends_with(&world, 0, "jobs delete --reason no_such_record").await?, dry);
    assert!(command(&world, "jobs delete --all").await?.stdout.contains("--apply"));
    let none = json!({"deleted": 0});
    assert_eq!(ends_with(&world, 0, "jobs delete --older-than 24h --apply").await?, none);
    assert_eq!(counts(&world).await.dead, 3);
    let two = json!({"deleted": 2});
    assert_eq!(ends_with(&world, 0, "jobs delete --reason no_such_record --apply").await?, two);
    let odd = ends_with(&world, 0, "jobs delete not_an_id!").await?;
    assert_eq!(odd["deleted"], json!(1), "what should never have been queued can be named too");
    assert!(command(&world, "jobs list").await?.stdout.contains("no dead jobs"));

    let deleted = command(&world, "jobs delete --all --apply").await?;
    let logged = |line: &&str| line.contains("operator: dead jobs deleted");
    assert_eq!(deleted.stderr.lines().filter(logged).count(), 2, "once for each queue: {}", deleted.stderr);
    Ok(())
}

#[tokio::test]
async fn a_pause_lets_runs_end_and_holds_the_others_until_it_is_resumed() -> Result<()> {
    let mut world = World::start().await?;
    // With one run at a time, the call that writes the end of the first run is the one that would take the second.
    world.setting("WORKER_CONCURRENCY", 1);
    let given = |betnr| world.given(betnr, json!([mail(A, true)]), json!([]), vec![row(4, A, None)]);
    let (runs, waits) = (given(104_860), given(104_861));
    let slow = Calls::to(Operation::GetBeteiligte).with_key(runs.betnr).always();
    world.simulator.faults().arm(Fault::new(slow, FaultKind::Delay { milliseconds: 2000 }));
    let _worker = world.worker().await?;
    world.trigger(&[&runs.id]).await?;
    eventually(PATIENCE, "the first runs", async || counts(&world).await.running == 1).await?;
    assert_eq!(ends_with(&world, 0, "jobs pause").await?, json!({"paused": ["beteiligte", "calendar"]}));
    world.trigger(&[&waits.id]).await?;
    eventually(PATIENCE, "the first run has ended", async || counts(&world).await.running == 0).await?;
    assert_eq!(world.field(&runs.id, "syncStatus"), json!("clean"));
    assert_eq!(world.field(&waits.id, "syncStatus"), json!("pending_sync"));
    let depths = ends_with(&world, 0, "jobs counts --queue beteiligte").await?;
    let expected = json!({"queue": "beteiligte", "ready": 1, "delayed": 0, "running": 0, "dead": 0,
        "oldest_ready_seconds": depths[0]["oldest_ready_seconds"], "workers": 1, "paused": true});
    assert_eq!(depths, json!([expected]));
    assert!(depths[0]["oldest_ready_seconds"].as_f64().is_some_and(|age| age > 0.0), "{depths}");
    assert_eq!(ends_with(&world, 0, "jobs list ready").await?[0]["entity"], json!(waits.id));

    world.simulator.faults().clear();
    assert_eq!(ends_with(&world, 0, "jobs resume --queue beteiligte").await?, json!({"resumed": ["beteiligte"]}));
    world.run_until_quiet().await?;
    let paused = ends_with(&world, 0, "jobs counts").await?;
    assert_eq!((&paused[0]["paused"], &paused[1]["paused"]), (&json!(false), &json!(true)), "the other queue is held");
    world.then_agreed_and_silent(&[&runs, &waits]).await
}

#[tokio::test]
async fn failed_jobs_in_back_off_are_requeued_too_and_named_ones_run_at_once() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("SYNC_RETRY_MINUTES", "60");
    let many: Vec<_> =
        (0..2).map(|n| world.given(104_000 + n, json!([mail(A, true)]), json!([]), vec![row(4, A, None)])).collect();
    let calls = Calls::to(Operation::GetBeteiligte).always();
    world.simulator.faults().arm(Fault::new(calls, FaultKind::MalformedBody));
    let _worker = world.worker().await?;
    world.trigger(&[&many[0].id, &many[1].id]).await?;
    eventually(PATIENCE, "both wait in back-off", async || counts(&world).await.delayed == 2).await?;
    world.simulator.faults().clear();

    let named = ends_with(&world, 0, &format!("requeue {} --dry-run", many[0].id)).await?;
    assert_eq!(named, json!({"requeued": 1, "unknown": 0, "never_seen": [], "dry_run": true}));
    let nobodys = ends_with(&world, 1, "requeue 00000000000000abc --dry-run").await?;
    assert_eq!(
        nobodys,
        json!({"requeued": 1, "unknown": 0, "never_seen": ["00000000000000abc"], "dry_run": true}),
        "a slip of the pen"
    );
    let nobodys = ends_with(&world, 1, "enqueue beteiligte 00000000000000abc").await?;
    assert_eq!((&nobodys["new"], &nobodys["never_seen"]), (&json!(1), &json!(["00000000000000abc"])));
    let dies = async || counts(&world).await.dead == 1;
    eventually(PATIENCE, "EspoCRM has no such record, so its job ends in the dead set", dies).await?;
    assert_eq!(ends_with(&world, 0, "jobs delete 00000000000000abc").await?["deleted"], json!(1));
    let all = json!({"requeued": 2, "dry_run": true});
    assert_eq!(ends_with(&world, 0, "requeue --all --dry-run").await?, all);
    assert_eq!(counts(&world).await.delayed, 2, "a dry run changes nothing");

    assert_eq!(ends_with(&world, 0, &format!("requeue {}", many[0].id)).await?["requeued"], json!(1));
    eventually(PATIENCE, "the named one is done", async || {
        world.field(&many[0].id, "syncStatus") == json!("clean") && counts(&world).await.running == 0
    })
    .await?;
    assert_eq!(counts(&world).await.delayed, 1, "the other one waits on");
    assert_eq!(ends_with(&world, 0, "requeue --reason JSON --queue beteiligte").await?, json!({"requeued": 1}));
    world.run_until_quiet().await?;
    world.then_agreed_and_silent(&[&many[0], &many[1]]).await
}

#[tokio::test]
async fn a_requeue_is_spread_over_the_time_that_is_asked_for() -> Result<()> {
    let world = World::start().await?;
    let ids: Vec<String> = (0..4).map(|n| format!("{n:017x}")).collect();
    let worker = given_dead(&world, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    worker.kill()?;
    worker.exited(PATIENCE).await?;
    assert_eq!(ends_with(&world, 0, "requeue --all --spread 4h").await?, json!({"requeued": 4}));
    let delayed = ends_with(&world, 0, "jobs list delayed").await?;
    let due = |job: &Value| chrono::DateTime::parse_from_rfc3339(job["due"].as_str().unwrap_or_default()).expect("ISO");
    let due: Vec<_> = delayed.as_array().into_iter().flatten().map(due).collect();
    assert_eq!(due.len(), 3, "the first is due at once: {delayed}");
    for pair in due.windows(2) {
        assert_eq!((pair[1] - pair[0]).num_minutes(), 60, "{delayed}");
    }
    Ok(())
}

#[tokio::test]
async fn commands_that_cannot_be_carried_out_end_with_2_and_say_what_to_do() -> Result<()> {
    let world = World::start().await?;
    for line in
        ["requeue no/id", "requeue --queue calendar no/kuerzel", "requeue --all --older-than soon", "jobs list done"]
    {
        let finished = command(&world, line).await?;
        assert_eq!(finished.code(), Some(2), "{line}: {}", finished.stdout);
        assert!(
            finished.stderr.contains("expected") || finished.stderr.contains("possible values"),
            "{}",
            finished.stderr
        );
    }
    assert_eq!(counts(&world).await.ready, 0);
    world.redis.stop().await?;
    for line in ["jobs list", "jobs pause", "requeue --all"] {
        let finished = command(&world, line).await?;
        assert_eq!(finished.code(), Some(2), "{line}: {}", finished.stdout);
        assert!(finished.stderr.contains("check REDIS_URL"), "{line}: {}", finished.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn dead_jobs_are_requeued_over_http_by_id_by_reason_or_all() -> Result<()> {
    let world = World::start().await?;
    let _worker = given_dead(&world, &[UNKNOWN, "00000000000000abd"]).await?;
    let (_producer, address) = world.producer().await?;
    let url = format!("{address}/requeue");
    world.queue.pause().await.expect("Redis answers");
    let ready = async || counts(&world).await.ready;

    let dry = post(&url, json!({"all": true, "dry_run": true})).await;
    assert_eq!(dry, (StatusCode::ACCEPTED, json!({"requeued": 2, "dry_run": true})));
    assert_eq!(post(&url, json!({"all": true, "queue": "calendar"})).await.1, json!({"requeued": 0}));
    assert_eq!(post(&url, json!({"reason": "another one"})).await.1, json!({"requeued": 0}));
    assert_eq!(post(&url, json!({"id": format!("{UNKNOWN}.7")})).await.1, json!({"requeued": 0}));
    assert_eq!(ready().await, 0);
    assert_eq!(post(&url, json!({"id": UNKNOWN})).await, (StatusCode::ACCEPTED, json!({"requeued": 1})));
    assert_eq!(ready().await, 1);
    assert_eq!(post(&url, json!({"reason": WHY})).await, (StatusCode::ACCEPTED, json!({"requeued": 1})));
    assert_eq!(ready().await, 2);
    Ok(())
}

#[tokio::test]
async fn e3_requests_over_http_need_the_key_and_a_clear_and_bounded_body() -> Result<()> {
    let mut world = World::start().await?;
    let _worker = given_dead(&world, &[UNKNOWN]).await?;
    world.setting("ESPOCRM_WEBHOOK_SECRETS", "hook:secret");
    let (_producer, address) = world.producer().await?;
    let requeue = format!("{address}/requeue");
    let everything = json!({"all": true, "dry_run": true}).to_string();
    for url in [&requeue, &format!("{address}/beteiligte/sync")] {
        for header in
            [("accept", "*/*"), ("apikey", "wrong"), ("Authorization", "Bearer wrong"), ("X-Signature", "aG9vazpBQUFB")]
        {
            let refused = sent(request(url).header(header.0, header.1).body(everything.clone())).await.0;
            assert_eq!(refused, StatusCode::UNAUTHORIZED, "{url} {header:?}");
        }
        for bad in [
            json!({}),
            json!([]),
            json!({"all": true, "everyone": true}),
            json!({"id": "a", "ids": ["a"], "all": true}),
        ] {
            let (status, told) = post(url, bad.clone()).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{url} {bad}");
            assert!(told["error"].as_str().is_some_and(|told| told.contains("expected an object with")), "{told}");
        }
        let oversized = sent(request(url).header("apikey", PRODUCER_API_KEY).body(vec![b' '; 3 << 20])).await.0;
        assert_eq!(oversized, StatusCode::PAYLOAD_TOO_LARGE, "{url}");
    }
    let with_bearer = request(&requeue).bearer_auth(PRODUCER_API_KEY).body(everything.clone());
    assert_eq!(sent(with_bearer).await, (StatusCode::ACCEPTED, json!({"requeued": 1, "dry_run": true})));
    assert_eq!(counts(&world).await.dead, 1);

    world.redis.stop().await?;
    let with_key = request(&requeue).header("apikey", PRODUCER_API_KEY).body(everything);
    let (status, told) = sent(with_key).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{told}");
    assert!(told["error"].as_str().is_some_and(|told| told.contains("send again")), "{told}");
    Ok(())
}

#[tokio::test]
async fn without_a_configured_key_this_machine_may_requeue() -> Result<()> {
    let world = World::start().await?;
    let producer = world.program("kanzleisync-producer")?.without_env("PRODUCER_API_KEY").start()?;
    let address = harness::world::address_in(&producer.wait_for_line("producer ready", PATIENCE).await?)?;
    let answer = sent(request(&format!("http://{address}/requeue")).body(json!({"all": true}).to_string())).await;
    assert_eq!(answer, (StatusCode::ACCEPTED, json!({"requeued": 0})));
    producer.wait_for_line("operator: requeued all that match", PATIENCE).await?;
    Ok(())
}

#[tokio::test]
async fn records_are_synced_over_http_by_id_or_all_of_them() -> Result<()> {
    let world = World::start().await?;
    let firm = simulator::generate(3, 450);
    world.simulator.load(&firm);
    let lists = Calls::to(Operation::EspoList).always();
    world.simulator.faults().arm(Fault::new(lists, FaultKind::status(400)));
    let (producer, address) = world.producer().await?;
    producer.wait_for_line("scan broke off", PATIENCE).await?;
    let url = format!("{address}/beteiligte/sync");
    let ids: Vec<&str> = firm.beteiligte.iter().take(3).map(|one| one.espo_id.as_str()).collect();
    let triggered = post(&url, json!({"ids": ids})).await;
    assert_eq!(triggered, (StatusCode::ACCEPTED, json!({"status": "triggered", "jobs": 3})));
    assert_eq!(counts(&world).await.ready, 3);
    let (status, told) = post(&url, json!({"ids": ["00000000000000001", "no/id"]})).await;
    assert_eq!((status, counts(&world).await.ready), (StatusCode::BAD_REQUEST, 3), "{told}");

    let started = (StatusCode::ACCEPTED, json!({"status": "started", "jobs": null}));
    assert_eq!(post(&url, json!({"all": true})).await, started);
    producer.wait_for_line("not all records queued, ask again", PATIENCE).await?;
    world.simulator.faults().clear();
    assert_eq!(post(&url, json!({"all": true})).await, started);
    let line = producer.wait_for_line(": all records queued", PATIENCE).await?;
    assert!(line.contains("queued=450 new=447"), "{line}");
    assert_eq!(counts(&world).await.ready, 450);
    Ok(())
}
