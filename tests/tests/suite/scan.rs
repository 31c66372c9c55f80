//! The scan on real parts: what it puts to work, what it leaves alone, and the status machine around it (B2, J3, DOMAIN 4).

use harness::world::{Beteiligter, PATIENCE, PRODUCER_API_KEY, World, mail, row};
use harness::{Result, eventually};
use serde_json::{Value, json};
use simulator::{Calls, Edit, Fault, FaultKind, Moment, Operation, WebhookEvent, WebhookTarget};
use sqlx::PgPool;

use crate::synced::{A, B};

/// Scans so often that a scenario need not wait.
async fn scanned_world() -> Result<World> {
    let mut world = World::start().await?;
    world.setting("BETEILIGTE_SCAN_SECONDS", "0.2");
    Ok(world)
}

async fn becomes(world: &World, id: &str, status: &str) -> Result<()> {
    eventually(PATIENCE, "the status", async || {
        let now = world.field(id, "syncStatus");
        if now == json!(status) { Ok(()) } else { Err(format!("{now}, not {status}")) }
    })
    .await
}

/// So many whole scans, counted by their last call: the eighth count.
async fn scans(world: &World, count: usize) -> Result<()> {
    let lists = || world.simulator.journal().count(Operation::EspoList);
    let enough = lists() + 12 * count;
    eventually(PATIENCE, "scans", async || if lists() >= enough { Ok(()) } else { Err(lists().to_string()) }).await
}

fn given(world: &World) -> Beteiligter {
    world.given(104_860, json!([mail(A, true)]), json!([]), vec![row(4, A, None)])
}

fn set(world: &World, id: &str, fields: Value) {
    let fields = harness::world::fields(fields);
    world.simulator.edit(&Edit::EspoSet { id: id.to_owned(), fields }).expect("the edit is possible");
}

#[tokio::test]
async fn b2_dirty_is_found_without_a_webhook() -> Result<()> {
    let world = scanned_world().await?;
    let one = given(&world);
    let (_worker, _producer) = (world.worker().await?, world.producer().await?);
    becomes(&world, &one.id, "clean").await?;
    let edit = Edit::EspoAddMail { id: one.id.clone(), address: B.to_owned() };
    world.simulator.edit(&edit).expect("the edit is possible");
    becomes(&world, &one.id, "clean").await?;
    eventually(PATIENCE, "both sides", async || {
        if world.advo_values(one.betnr) == [A, B] { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await
}

#[tokio::test]
async fn b2_a_crashed_syncing_is_picked_up_when_its_lease_has_run_out() -> Result<()> {
    let mut world = scanned_world().await?;
    world.setting("SYNC_LEASE_SECONDS", "1");
    let one = given(&world);
    let worker = world.worker().await?;
    // Redis forgets the job as well, so that only the scan can find it.
    let pause = world.simulator.pause_at(Moment::after(Calls::to(Operation::EspoPut)));
    world.trigger(&[&one.id]).await?;
    pause.reached().await;
    worker.kill()?;
    pause.release();
    assert_eq!(world.field(&one.id, "syncStatus"), json!("syncing"));
    redis::cmd("FLUSHALL").exec_async(&mut world.redis.connection().await?).await?;
    let (_worker, _producer) = (world.worker().await?, world.producer().await?);
    becomes(&world, &one.id, "clean").await
}

#[tokio::test]
async fn b2_failed_is_tried_when_it_is_due_and_left_alone_before() -> Result<()> {
    let world = scanned_world().await?;
    let early = given(&world);
    let due = world.given(104_861, json!([mail(B, true)]), json!([]), vec![]);
    for (one, at) in [(&early, "2099-01-01 00:00:00"), (&due, "2020-01-01 00:00:00")] {
        set(&world, &one.id, json!({"syncStatus": "failed", "syncRetryCount": 2, "syncNextRetry": at}));
    }
    let (_worker, _producer) = (world.worker().await?, world.producer().await?);
    becomes(&world, &due.id, "clean").await?;
    scans(&world, 2).await?;
    assert_eq!(world.field(&early.id, "syncStatus"), json!("failed"));
    assert_eq!(
        (world.field(&due.id, "syncRetryCount"), world.field(&due.id, "syncNextRetry")),
        (json!(0), Value::Null)
    );
    Ok(())
}

#[tokio::test]
async fn b2_permanently_failed_after_five_tries_is_reset_by_itself_and_becomes_clean() -> Result<()> {
    let mut world = scanned_world().await?;
    world.setting("SYNC_AUTO_RESET_HOURS", "0.0005");
    let one = given(&world);
    let refusal = FaultKind::Status { code: 500, retry_after_seconds: None, body: None };
    world.simulator.faults().arm(Fault::new(Calls::to(Operation::GetBeteiligte).times(5), refusal));
    let worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    assert_eq!(world.field(&one.id, "syncStatus"), json!("permanently_failed"));
    assert_eq!(world.field(&one.id, "syncRetryCount"), json!(5));
    assert_ne!(world.field(&one.id, "syncAutoResetAt"), Value::Null);
    assert_eq!(world.field(&one.id, "syncNextRetry"), Value::Null);
    assert!(world.field(&one.id, "syncErrorMessage").as_str().is_some_and(|text| text.contains("HTTP 500")));
    let _producer = world.producer().await?;
    becomes(&world, &one.id, "clean").await?;
    for field in ["syncAutoResetAt", "syncErrorMessage", "syncNextRetry"] {
        assert_eq!(world.field(&one.id, field), Value::Null, "{field}");
    }
    let resets = world.simulator.journal().entries().into_iter().filter(|call| {
        call.request.as_ref().is_some_and(|body| body["syncStatus"] == "failed" && body["syncRetryCount"] == 0)
    });
    assert_eq!(resets.count(), 1, "written once, before it was queued");
    drop(worker);
    Ok(())
}

#[tokio::test]
async fn b2_an_operators_requeue_clears_counter_and_times() -> Result<()> {
    let world = World::start().await?;
    let one = given(&world);
    let refusal = FaultKind::Status { code: 400, retry_after_seconds: None, body: None };
    world.simulator.faults().arm(Fault::new(Calls::to(Operation::GetBeteiligte).times(1), refusal));
    let _worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    assert_eq!(world.field(&one.id, "syncStatus"), json!("permanently_failed"));
    let requeue = world.program("kanzleisync-producer")?.args(["requeue", &one.id]).run(PATIENCE).await?;
    assert_eq!(requeue.code(), Some(0), "{requeue:?}");
    world.run_until_quiet().await?;
    assert_eq!(
        (world.field(&one.id, "syncRetryCount"), world.field(&one.id, "syncAutoResetAt")),
        (json!(0), Value::Null)
    );
    world.then_agreed_and_silent(&[&one]).await
}

/// Kills a worker in each of its job's runs, before it can say anything. Somebody else must tend the queue.
async fn poison(world: &World, id: &str) -> Result<()> {
    world.trigger(&[id]).await?;
    for _ in 0..3 {
        let pause = world.simulator.pause_at(Moment::before(Calls::to(Operation::EspoGet)));
        let worker = world.worker().await?;
        pause.reached().await;
        worker.kill()?;
        worker.exited(PATIENCE).await?;
        pause.release();
        eventually(PATIENCE, "the crash is counted", async || {
            world.queue.counts().await.is_ok_and(|counts| counts.running == 0)
        })
        .await?;
    }
    assert_eq!(world.queue.counts().await.map_or(0, |counts| counts.dead), 1);
    Ok(())
}

/// The scan told what the killed workers could not, once.
async fn then_the_death_is_told(world: &World, one: &Beteiligter) -> Result<()> {
    becomes(world, &one.id, "permanently_failed").await?;
    assert!(world.field(&one.id, "syncErrorMessage").as_str().is_some_and(|text| !text.is_empty()));
    assert_ne!(world.field(&one.id, "syncAutoResetAt"), Value::Null);
    scans(world, 2).await?;
    assert_eq!(world.queue.counts().await.map_or(0, |counts| counts.dead), 1, "telling it does not revive it");
    Ok(())
}

#[tokio::test]
async fn j3_a_poison_job_that_nobody_could_tell_is_told_by_the_scan() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("SYNC_LEASE_SECONDS", "0.3");
    // It scans once, before there is anything, and tends the queue from then on.
    let (tending, _) = world.producer().await?;
    let one = given(&world);
    poison(&world, &one.id).await?;
    assert_eq!(world.field(&one.id, "syncStatus"), json!("pending_sync"), "nobody could tell");
    tending.kill()?;
    world.setting("BETEILIGTE_SCAN_SECONDS", "0.2");
    let _producer = world.producer().await?;
    then_the_death_is_told(&world, &one).await
}

#[tokio::test]
async fn j3_a_poison_job_of_a_record_in_agreement_is_told_too() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("SYNC_LEASE_SECONDS", "0.3");
    let one = given(&world);
    let worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    worker.terminate()?;
    worker.exited(PATIENCE).await?;
    let (tending, _) = world.producer().await?;
    poison(&world, &one.id).await?;
    assert_eq!(world.field(&one.id, "syncStatus"), json!("clean"), "nobody could tell");
    tending.kill()?;
    world.setting("BETEILIGTE_SCAN_SECONDS", "0.2");
    world.setting("BETEILIGTE_LOOK_HOURS", "0.0001");
    let _producer = world.producer().await?;
    then_the_death_is_told(&world, &one).await
}

#[tokio::test]
async fn j6_a_status_that_espocrm_refuses_does_not_keep_the_scan_from_the_others() -> Result<()> {
    let world = scanned_world().await?;
    let (refused, other) = (given(&world), world.given(104_861, json!([mail(B, true)]), json!([]), vec![]));
    for one in [&refused, &other] {
        let fields = json!({"syncStatus": "permanently_failed", "syncAutoResetAt": "2020-01-01 00:00:00"});
        set(&world, &one.id, fields);
    }
    let refusal = FaultKind::Status { code: 400, retry_after_seconds: None, body: None };
    let writes = Calls::to(Operation::EspoPut).with_key(&refused.id).always();
    world.simulator.faults().arm(Fault::new(writes, refusal));
    let (_worker, _producer) = (world.worker().await?, world.producer().await?);
    becomes(&world, &other.id, "clean").await?;
    assert_eq!(world.field(&refused.id, "syncStatus"), json!("permanently_failed"));
    world.simulator.faults().clear();
    becomes(&world, &refused.id, "clean").await
}

#[tokio::test]
async fn b2_what_is_in_agreement_is_looked_at_again_so_advowares_edits_are_found() -> Result<()> {
    let mut world = scanned_world().await?;
    world.setting("BETEILIGTE_LOOK_HOURS", "0.0001");
    let one = given(&world);
    let (_worker, _producer) = (world.worker().await?, world.producer().await?);
    becomes(&world, &one.id, "clean").await?;
    world.simulator.edit(&Edit::AdvowareAdd { betnr: one.betnr, row: row(8, B, None) }).expect("the edit is possible");
    eventually(PATIENCE, "EspoCRM has it", async || {
        if world.espo_values(&one.id) == [A, B] { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await
}

/// A record that names the number of another one, which is deleted then; `meanwhile` comes between.
async fn heals(meanwhile: impl AsyncFn(&World) -> Result<()>) -> Result<()> {
    let mut world = scanned_world().await?;
    world.setting("BETEILIGTE_LOOK_HOURS", "0.0001");
    let (one, second) = (given(&world), "00000000000005ec0");
    let (_worker, _producer) = (world.worker().await?, world.producer().await?);
    becomes(&world, &one.id, "clean").await?;
    let named = json!({"betnr": one.betnr, "lastName": "Beispiel", "emailAddressData": [mail(B, true)]});
    world.simulator.espocrm().seed(second, named).expect("EspoCRM takes the record");
    becomes(&world, second, "conflict").await?;
    world.simulator.edit(&Edit::EspoDelete { id: one.id.clone() }).expect("the edit is possible");
    meanwhile(&world).await?;
    becomes(&world, second, "clean").await
}

#[tokio::test]
async fn b2_whose_number_another_record_had_is_synced_when_that_one_is_gone() -> Result<()> {
    heals(async |_: &World| Ok(())).await
}

#[tokio::test]
async fn b2_whose_number_another_record_had_is_synced_though_the_hub_has_forgotten_it() -> Result<()> {
    heals(async |world: &World| {
        let pool = PgPool::connect(&world.database_url).await?;
        sqlx::query("TRUNCATE beteiligte").execute(&pool).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn b2_after_the_hub_was_lost_what_is_in_agreement_is_looked_at_at_the_next_start() -> Result<()> {
    let world = scanned_world().await?;
    let one = given(&world);
    let _worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    let pool = PgPool::connect(&world.database_url).await?;
    sqlx::query("TRUNCATE beteiligte").execute(&pool).await?;
    let _producer = world.producer().await?;
    eventually(PATIENCE, "the hub knows it again", async || {
        let known: i64 = sqlx::query_scalar("SELECT count(*) FROM beteiligte WHERE kommunikation IS NOT NULL")
            .fetch_one(&pool)
            .await
            .unwrap_or_default();
        if known == 1 { Ok(()) } else { Err(known.to_string()) }
    })
    .await?;
    assert_eq!(world.field(&one.id, "syncStatus"), json!("clean"));
    Ok(())
}

#[tokio::test]
async fn b2_three_pages_are_all_found_while_workers_take_records_out_of_the_list() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("WORKER_CONCURRENCY", "64");
    world.setting("ADVOWARE_MAX_PARALLEL", "64");
    let many: Vec<Beteiligter> = (0..450).map(|n| world.given(200_000 + n, json!([]), json!([]), vec![])).collect();
    let (_worker, (_producer, address)) = (world.worker().await?, world.producer().await?);
    eventually(PATIENCE, "all are clean", async || {
        let left = many.iter().filter(|one| world.field(&one.id, "syncStatus") != json!("clean")).count();
        if left == 0 { Ok(()) } else { Err(format!("{left} left")) }
    })
    .await?;
    let lists = world.simulator.journal().entries().into_iter().filter(|call| call.operation == Operation::EspoList);
    let pages = lists.filter(|call| call.path.contains("pending_sync") && call.path.contains("maxSize=200")).count();
    assert_eq!(pages, 3, "one scan, at start-up");
    let metrics = metrics(&address).await;
    assert!(metrics.contains("kanzleisync_entities{status=\"conflict\"} 0"), "{metrics}");
    Ok(())
}

#[tokio::test]
async fn kanzleisync_entities_are_counted_by_status() -> Result<()> {
    let world = scanned_world().await?;
    let one = given(&world);
    set(&world, &one.id, json!({"syncStatus": "conflict"}));
    let (_producer, address) = world.producer().await?;
    eventually(PATIENCE, "the gauge", async || {
        metrics(&address).await.contains("kanzleisync_entities{status=\"conflict\"} 1")
    })
    .await
}

async fn metrics(address: &str) -> String {
    let answer = reqwest::get(format!("{address}/metrics")).await.expect("the producer answers");
    answer.text().await.expect("metrics are text")
}

#[tokio::test]
async fn a_delete_webhook_drops_the_job_and_marks_the_base_before_it_answers() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("ESPOCRM_WEBHOOK_SECRETS", "hook:secret");
    let one = given(&world);
    let worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    worker.terminate()?;
    worker.exited(PATIENCE).await?;
    let (_producer, address) = world.producer().await?;
    world.simulator.webhooks().add(WebhookTarget {
        id: "hook".to_owned(),
        secret: "secret".to_owned(),
        event: WebhookEvent::Delete,
        url: format!("{address}/vmh/webhook/beteiligte/delete"),
        skip_own: false,
    });
    world.trigger(&[&one.id]).await?;
    world.simulator.edit(&Edit::EspoDelete { id: one.id.clone() }).expect("the edit is possible");
    world.simulator.webhooks().deliver().await;
    let pool = PgPool::connect(&world.database_url).await?;
    let query = "SELECT deleted_at IS NOT NULL AND kommunikation IS NOT NULL FROM beteiligte WHERE espo_id = $1";
    assert!(sqlx::query_scalar::<_, bool>(query).bind(&one.id).fetch_one(&pool).await?);
    assert_eq!(world.queue.counts().await.map_or(1, |counts| counts.ready), 0);
    Ok(())
}

#[tokio::test]
async fn a_delete_webhook_that_the_hub_cannot_take_is_sent_again() -> Result<()> {
    let world = World::start().await?;
    let one = given(&world);
    let _worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    let (_producer, address) = world.producer().await?;
    let told = async || {
        let route = format!("{address}/vmh/webhook/beteiligte/delete");
        let request = reqwest::Client::new().post(route).header("apikey", PRODUCER_API_KEY);
        let answer = request.json(&json!([{"id": one.id}])).send().await;
        let answer = answer.expect("the producer answers");
        (answer.status().as_u16(), answer.text().await.expect("it says why"))
    };
    let pool = PgPool::connect(&world.database_url).await?;
    sqlx::query("ALTER TABLE beteiligte RENAME TO elsewhere").execute(&pool).await?;
    let (status, text) = told().await;
    assert!(status == 503 && text.contains("database"), "{status} {text}");
    sqlx::query("ALTER TABLE elsewhere RENAME TO beteiligte").execute(&pool).await?;
    assert_eq!(told().await.0, 200);
    let query = "SELECT deleted_at IS NOT NULL FROM beteiligte WHERE espo_id = $1";
    assert!(sqlx::query_scalar::<_, bool>(query).bind(&one.id).fetch_one(&pool).await?);
    Ok(())
}

#[tokio::test]
async fn e2_the_audit_is_not_kept_beyond_its_retention() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("AUDIT_RETENTION_DAYS", "1");
    let one = world.given(104_860, json!([mail(A, true)]), json!([]), vec![]);
    let _worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    let pool = PgPool::connect(&world.database_url).await?;
    let count = async || sqlx::query_scalar::<_, i64>("SELECT count(*) FROM sync_audit").fetch_one(&pool).await;
    assert_eq!(count().await?, 1);
    sqlx::query("UPDATE sync_audit SET at = at - interval '25 hours'").execute(&pool).await?;
    sqlx::query("INSERT INTO sync_audit SELECT gen_random_uuid(), run_id, espo_id, betnr, target, rule, komm_id, before, after, at + interval '20 hours' FROM sync_audit").execute(&pool).await?;
    let _producer = world.producer().await?;
    eventually(PATIENCE, "the old one is gone", async || match count().await {
        Ok(1) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await
}
