//! `webhooks install|status|remove`, with real programs (reference E11).

use std::fs;
use std::os::unix::fs::PermissionsExt;

use harness::world::{PATIENCE, World, fields};
use harness::{Finished, Result, eventually};
use serde_json::{Value, json};
use simulator::{Edit, EspoLevel, JournalEntry};

const ELSEWHERE: &str = "https://sync.example.org/";

async fn command(world: &World, arguments: &[&str]) -> Result<Finished> {
    world.program("kanzleisync-producer")?.arg("webhooks").args(arguments).run(PATIENCE).await
}

/// Gives the command, which must end with this code, and answers what it wrote to EspoCRM, and its text.
async fn writes(world: &World, code: i32, arguments: &[&str]) -> Result<(Vec<String>, Finished)> {
    let before = world.simulator.journal().last_sequence();
    let finished = command(world, arguments).await?;
    assert_eq!(finished.code(), Some(code), "{arguments:?}: {finished:?}");
    let written = |call: &JournalEntry| call.mutating.then(|| call.method.clone());
    Ok((world.simulator.journal().since(before).iter().filter_map(written).collect(), finished))
}

async fn states(world: &World, arguments: &[&str]) -> Result<Vec<Value>> {
    let finished = command(world, &[arguments, &["--json"]].concat()).await?;
    let told: Value = serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("{finished:?}"));
    let states = told["webhooks"].as_array().into_iter().flatten().map(|one| one["state"].clone());
    Ok(states.collect())
}

#[tokio::test]
async fn webhooks_are_registered_once_tell_the_producer_and_are_removed() -> Result<()> {
    let mut world = World::start().await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("secrets");
    let path = file.display().to_string();
    assert_eq!(states(&world, &["status"]).await?, ["missing"; 3]);

    let (written, finished) = writes(&world, 1, &["install", "--url", ELSEWHERE]).await?;
    assert_eq!(written, ["POST"; 3]);
    assert!(finished.stdout.contains("--secrets-file"), "the keys are nowhere yet: {finished:?}");
    let targets = world.simulator.webhooks().targets();
    assert!(targets.iter().all(|target| target.skip_own && target.url.starts_with(ELSEWHERE)), "{targets:?}");
    let hides_keys =
        |finished: &Finished| targets.iter().all(|target| !format!("{finished:?}").contains(&target.secret));
    assert!(hides_keys(&finished), "no key without being asked");

    let (written, finished) = writes(&world, 0, &["install", "--url", ELSEWHERE, "--secrets-file", &path]).await?;
    assert!(written.is_empty() && hides_keys(&finished), "a second time there is nothing to do: {written:?}");
    assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    let keys = fs::read_to_string(&file)?;
    assert!(targets.iter().all(|target| keys.contains(&format!("{}:{}", target.id, target.secret))));
    let (_, shown) = writes(&world, 0, &["install", "--url", ELSEWHERE, "--show-secrets"]).await?;
    assert!(shown.stdout.contains(&format!("ESPOCRM_WEBHOOK_SECRETS={keys}")), "{shown:?}");
    let (_, told) = writes(&world, 1, &["status", "--url", ELSEWHERE]).await?;
    assert!(told.stdout.contains("missing") && told.stdout.contains("--secrets-file"), "{told:?}");

    world.setting("ESPOCRM_WEBHOOK_SECRETS_FILE", &path);
    let (_producer, address) = world.producer().await?;
    world.setting("PRODUCER_PUBLIC_URL", &address);
    assert_eq!(states(&world, &["status"]).await?, ["wrong address"; 3]);
    assert_eq!(writes(&world, 0, &["install"]).await?.0, ["PUT"; 3], "the address is corrected, the keys stay");
    world.simulator.webhooks().set_active(&targets[1].id, false);
    assert_eq!(states(&world, &["status"]).await?, ["active", "inactive", "active"]);
    assert_eq!(writes(&world, 0, &["install"]).await?.0, ["PUT"]);
    assert_eq!(writes(&world, 0, &["status"]).await?.0, Vec::<String>::new());

    let fields = fields(json!({"lastName": "Neu"}));
    world.simulator.edit(&Edit::EspoCreate { fields }).expect("EspoCRM takes it");
    let report = world.simulator.webhooks().deliver().await;
    assert_eq!((report.delivered, report.postponed + report.lost), (1, 0), "the producer takes it: {report:?}");
    eventually(PATIENCE, "it is queued", async || world.queue.counts().await.is_ok_and(|counts| counts.ready == 1))
        .await?;

    let (written, finished) = writes(&world, 0, &["remove"]).await?;
    assert!(written.is_empty() && finished.stdout.contains("--apply"), "{finished:?}");
    assert_eq!(writes(&world, 0, &["remove", "--apply"]).await?.0, ["DELETE"; 3]);
    assert!(world.simulator.webhooks().targets().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_refusal_of_webhooks_says_what_to_do() -> Result<()> {
    let world = World::start().await?;
    let says = async |arguments: &[&str], text: &str| -> Result<()> {
        let (_, finished) = writes(&world, 2, arguments).await?;
        assert!(finished.stderr.contains(text), "{text}: {finished:?}");
        Ok(())
    };
    says(&["install"], "PRODUCER_PUBLIC_URL").await?;
    world.simulator.espocrm().switch(|switches| switches.internal_webhooks_refused = true);
    says(&["install", "--url", "http://127.0.0.1:9/"], "webhookAllowedAddressList").await?;
    world.simulator.espocrm().switch(|switches| {
        switches.rights.webhooks = false;
        switches.rights.read = EspoLevel::No;
    });
    says(&["install", "--url", ELSEWHERE], "scope Webhooks").await
}
