//! What comes in wrong: a clear error or finding, the job kept with its reason, and everybody else goes on.

use std::time::Duration;

use harness::Result;
use harness::world::{Beteiligter, PATIENCE, World, mail, row};
use serde_json::json;
use shared::queue::JobState;
use simulator::{Calls, Fault, FaultKind, Operation};

const A: &str = "a@example.org";

struct Neighbours {
    world: World,
    odd: Beteiligter,
    fine: Beteiligter,
    worker: harness::RunningProgram,
}

impl Neighbours {
    /// One record that the test makes trouble with, and one that has to come through.
    async fn start() -> Result<Self> {
        let world = World::start().await?;
        let odd = world.given(104_001, json!([mail(A, true)]), json!([]), vec![row(4, A, None)]);
        let fine = world.given(104_002, json!([mail("fine@example.org", true)]), json!([]), vec![]);
        let worker = world.worker().await?;
        Ok(Self { world, odd, fine, worker })
    }

    /// The reasons in the dead set, after both were triggered; the neighbour must have come through.
    async fn dead_reasons(&self) -> Result<Vec<String>> {
        self.world.sync(&[&self.odd.id, &self.fine.id]).await?;
        assert!(self.worker.is_running());
        self.world.then_agreed_and_silent(&[&self.fine]).await?;
        let dead = self.world.queue.list(JobState::Dead, 0, 10).await.expect("Redis answers");
        Ok(dead.into_iter().map(|job| format!("{}: {}", job.entity, job.reason)).collect())
    }

    fn always(&self, kind: FaultKind) {
        let calls = Calls::to(Operation::GetBeteiligte).with_key(self.odd.betnr).always();
        self.world.simulator.faults().arm(Fault::new(calls, kind));
    }
}

#[tokio::test]
async fn an_unknown_id_is_kept_in_the_dead_set_with_what_to_do() -> Result<()> {
    let neighbours = Neighbours::start().await?;
    neighbours.world.trigger(&["00000000000000abc", "not an id!"]).await?;
    let mut reasons = neighbours.dead_reasons().await?;
    reasons.sort();
    assert_eq!(reasons.len(), 2);
    assert!(reasons[0].contains("EspoCRM has no such record"), "{reasons:?}");
    assert!(reasons[1].contains("names no EspoCRM record id"), "{reasons:?}");
    Ok(())
}

#[tokio::test]
async fn answers_that_cannot_be_used_are_tried_again_and_kept_with_their_reason() -> Result<()> {
    let neighbours = Neighbours::start().await?;
    let kinds = [
        (FaultKind::MalformedBody, "JSON"),
        (FaultKind::TruncatedBody, ""),
        (FaultKind::EmptyBody, ""),
        (FaultKind::OversizedBody { bytes: 9 << 20 }, ""),
        (FaultKind::MissingField { field: "kommunikation".to_owned() }, "kommunikation is missing"),
        (FaultKind::NullField { field: "kommunikation".to_owned() }, "kommunikation is missing"),
        (FaultKind::MissingField { field: "rowId".to_owned() }, "rowId is missing"),
    ];
    for (kind, told) in kinds {
        neighbours.always(kind.clone());
        let reasons = neighbours.dead_reasons().await?;
        assert_eq!(reasons.len(), 1, "{kind:?}: {reasons:?}");
        assert!(reasons[0].starts_with(&neighbours.odd.id) && reasons[0].contains(told), "{kind:?}: {reasons:?}");
        assert_eq!(neighbours.world.simulator.advoware().rows(neighbours.odd.betnr)[0].tlf, A, "nothing was written");
        assert_eq!(neighbours.world.espo_values(&neighbours.odd.id), [A], "nothing was deleted");
        assert_eq!(neighbours.world.field(&neighbours.odd.id, "syncStatus"), json!("permanently_failed"));
        let shown = neighbours.world.field(&neighbours.odd.id, "syncErrorMessage");
        assert!(shown.as_str().is_some_and(|shown| shown.contains(told)), "people see why: {shown}");
        let dead = neighbours.world.queue.list(JobState::Dead, 0, 10).await.expect("Redis answers");
        let jobs: Vec<_> = dead.into_iter().map(|job| job.job).collect();
        neighbours.world.queue.delete_dead(&jobs).await.expect("Redis answers");
        neighbours.world.simulator.faults().clear();
    }
    Ok(())
}

#[tokio::test]
async fn a_record_that_advoware_does_not_know_is_marked_told_once_and_loses_nothing() -> Result<()> {
    let neighbours = Neighbours::start().await?;
    let edit = simulator::Edit::AdvowareDelete { betnr: neighbours.odd.betnr };
    neighbours.world.simulator.edit(&edit).expect("it is there");
    for _ in 0..2 {
        assert_eq!(neighbours.dead_reasons().await?, Vec::<String>::new());
        assert_eq!(neighbours.world.field(&neighbours.odd.id, "syncStatus"), json!("deleted_in_advoware"));
        assert_eq!(neighbours.world.espo_values(&neighbours.odd.id), [A]);
        assert_eq!(neighbours.world.simulator.espocrm().notes().len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_record_without_betnr_and_without_name_is_told_and_nothing_is_created() -> Result<()> {
    let neighbours = Neighbours::start().await?;
    let id = "00000000000000def";
    let fields = json!({"firstName": "Ohne", "emailAddressData": [mail(A, true)]});
    neighbours.world.simulator.espocrm().seed(id, fields).expect("EspoCRM takes it");
    neighbours.world.trigger(&[id]).await?;
    assert_eq!(neighbours.dead_reasons().await?.len(), 1);
    assert_eq!(neighbours.world.simulator.journal().count(Operation::PostBeteiligte), 0);
    assert_eq!(neighbours.world.field(id, "syncStatus"), json!("permanently_failed"));
    assert_eq!(findings(&neighbours.world, id).await?, json!([{"kind": "cannot_hold", "field": "name"}]));
    Ok(())
}

#[tokio::test]
async fn k1_k2_odd_rows_become_findings_and_do_not_stop_the_others() -> Result<()> {
    let world = World::start().await?;
    let rows = vec![
        row(99, "030 23125100", None),
        row(4, "b@example.org", Some("[ESPOCRM:%%%:4] Büro")),
        row(1, "siehe Akte", None),
        row(12, "DE.BRAK.104095.7447", None),
        row(5, "www.example.org", None),
    ];
    let one = world.given(104_001, json!([mail(A, true)]), json!([]), rows);
    let _worker = world.worker().await?;
    world.simulator.advoware().switch(|switches| switches.komm_kz_shown = true);
    world.sync(&[&one.id]).await?;
    assert_eq!(world.espo_values(&one.id), ["+493023125100", A, "b@example.org"]);
    let kinds = findings(&world, &one.id).await?;
    let kinds: Vec<_> = kinds.as_array().into_iter().flatten().map(|finding| finding["kind"].clone()).collect();
    assert!(kinds.contains(&json!("cannot_hold")), "{kinds:?}");
    let remarks: Vec<_> =
        world.simulator.advoware().rows(one.betnr).into_iter().filter_map(|row| row.bemerkung).collect();
    assert!(
        remarks.iter().any(|remark| remark.starts_with("[ESPOCRM:YkBle") && remark.ends_with(" Büro")),
        "{remarks:?}"
    );
    Ok(())
}

#[tokio::test]
async fn wrong_settings_are_told_all_at_once_and_without_secrets() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("ADVOWARE_API_KEY", "%%not-base64-planted-secret%%");
    world.setting("ESPOCRM_API_BASE_URL", "no url");
    world.setting("WORKER_CONCURRENCY", "many");
    let finished = world.program("kanzleisync-worker")?.without_env("ADVOWARE_KANZLEI").run(PATIENCE).await?;
    assert_eq!(finished.code(), Some(2), "{}", finished.stderr);
    for name in ["ADVOWARE_API_KEY", "ESPOCRM_API_BASE_URL", "WORKER_CONCURRENCY", "ADVOWARE_KANZLEI"] {
        assert!(finished.stderr.contains(name), "{name} is not told: {}", finished.stderr);
    }
    assert!(!finished.stderr.contains("planted-secret"), "{}", finished.stderr);
    Ok(())
}

#[tokio::test]
async fn wrong_credentials_are_not_hammered_and_tries_are_not_used_up() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("SYNC_RETRY_MINUTES", "0.001");
    let many: Vec<Beteiligter> =
        (0..40).map(|n| world.given(104_000 + n, json!([mail(A, true)]), json!([]), vec![])).collect();
    world.simulator.espocrm().switch(|switches| switches.refuse_api_key = true);
    let _worker = world.worker().await?;
    let ids: Vec<&str> = many.iter().map(|one| one.id.as_str()).collect();
    world.trigger(&ids).await?;
    harness::eventually(PATIENCE, "all jobs wait", async || {
        world.queue.counts().await.is_ok_and(|counts| counts.delayed == 40)
    })
    .await?;
    let refused = world.simulator.journal().entries().iter().filter(|call| call.status == Some(401)).count();
    assert!(refused <= 2, "a lock-out would follow: {refused} refused calls");
    assert_eq!(world.queue.counts().await.map(|counts| counts.dead).ok(), Some(0));
    Ok(())
}

#[tokio::test]
async fn an_unmigrated_database_is_told_with_the_command_that_helps() -> Result<()> {
    let mut world = World::start().await?;
    let empty = world.postgres.create_database().await?;
    world.setting("DATABASE_URL", empty.url);
    let finished = world.program("kanzleisync-worker")?.run(Duration::from_secs(30)).await?;
    assert_eq!(finished.code(), Some(2));
    assert!(finished.stderr.contains("kanzleisync-producer migrate"), "{}", finished.stderr);
    Ok(())
}

/// What the hub says of a record.
pub(crate) async fn findings(world: &World, id: &str) -> Result<serde_json::Value> {
    let pool = sqlx::PgPool::connect(&world.database_url).await?;
    let query = "SELECT findings FROM beteiligte WHERE espo_id = $1";
    Ok(sqlx::query_scalar(query).bind(id).fetch_one(&pool).await?)
}
