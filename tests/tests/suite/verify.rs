//! The continuous check: reads only, tells what no sync settles, and forgets it when one has.

use chrono::{TimeDelta, Utc};
use domain::ids::FrNr;
use harness::calendar::Calendars;
use harness::world::{PATIENCE, World, fields};
use harness::{Result, eventually};
use serde_json::{Value, json};
use shared::hub::Hub;
use simulator::Edit;
use sqlx::PgPool;

use crate::visitor::Visitor;

/// Some seconds, so that a scenario sees several rounds.
const OFTEN: &str = "0.0005";

async fn metrics(address: &str) -> String {
    let answer = reqwest::get(format!("{address}/metrics")).await.expect("the producer answers");
    answer.text().await.expect("metrics are text")
}

async fn tells(address: &str, line: &str) -> Result<()> {
    eventually(PATIENCE, line, async || {
        let metrics = metrics(address).await;
        if metrics.lines().any(|known| known == line) { Ok(()) } else { Err(metrics) }
    })
    .await
}

/// A number that a query answers, once it is this one.
async fn counts(pool: &PgPool, query: &'static str, wanted: i64) -> Result<()> {
    eventually(PATIENCE, query, async || match sqlx::query_scalar::<_, i64>(query).fetch_one(pool).await {
        Ok(count) if count == wanted => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await
}

async fn execute(pool: &PgPool, statement: &'static str) -> Result<()> {
    sqlx::raw_sql(statement).execute(pool).await?;
    Ok(())
}

#[tokio::test]
async fn a_beteiligter_that_no_sync_settles_is_told_also_after_a_restart_until_one_does() -> Result<()> {
    let mut world = World::start().await?;
    let pool = PgPool::connect(&world.database_url).await?;
    let hub = Hub::new(world.database_url.parse()?);
    let (one, other) = (world.given_person(104_860), world.given_person(104_861));
    let worker = world.worker().await?;
    world.sync_at_once(&[&one.id, &other.id]).await?;
    // Of several producers that ask at once one gets each record, until its claim is over.
    execute(&pool, "UPDATE beteiligte SET verify_due_at = now()").await?;
    let now = Utc::now() + TimeDelta::seconds(1);
    let claim_end = now + TimeDelta::minutes(10);
    let take = async |at| hub.take_records_to_verify(at, claim_end, 1).await.expect("PostgreSQL answers");
    let (first, second) = tokio::join!(take(now), take(now));
    assert_ne!(first[0].id, second[0].id);
    assert_eq!(take(now).await, [], "both are claimed");
    assert_eq!(take(claim_end).await.len(), 1, "whoever took them has ended");
    execute(&pool, "UPDATE beteiligte SET verify_claimed_until = NULL").await?;

    world.setting("VERIFY_SYNC_HOURS", OFTEN);
    let (producer, address) = world.producer().await?;
    // Two of them: each record is one's at a time.
    let (second, _) = world.producer().await?;
    counts(&pool, "SELECT count(*) FROM beteiligte WHERE verified_at IS NOT NULL AND difference IS NULL", 2).await?;
    tells(&address, "kanzleisync_divergent_records{flow=\"beteiligte\"} 0").await?;

    let edit = Edit::AdvowareSet { betnr: one.betnr, fields: fields(json!({"vorname": "Jule"})) };
    world.simulator.edit(&edit).expect("the edit is possible");
    let written = world.simulator.journal().mutating().len();
    counts(&pool, "SELECT count(*) FROM beteiligte WHERE difference IS NOT NULL AND NOT is_divergent", 1).await?;
    let looked: chrono::DateTime<Utc> =
        sqlx::query_scalar("SELECT verified_at FROM beteiligte WHERE difference IS NOT NULL").fetch_one(&pool).await?;
    assert_eq!(hub.count_divergent_records().await.expect("PostgreSQL answers"), 0, "the scan is still to come");

    // A run that looks and leaves it as it was is what the check is for.
    execute(&pool, "UPDATE beteiligte SET looked_at = now() WHERE difference IS NOT NULL").await?;
    tells(&address, "kanzleisync_divergent_records{flow=\"beteiligte\"} 1").await?;
    let divergent = hub.divergent_records(0, 10).await.expect("PostgreSQL answers");
    assert_eq!(divergent.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), [one.id.as_str()]);
    assert!(divergent[0].since <= looked, "since it was first seen: {divergent:?}");
    let page = Visitor::of(&address).await.page("/console/divergent").await;
    assert!(page.contains(&format!("/console/beteiligte/{}/plan", one.id)) && !page.contains(&other.id), "{page}");
    assert_eq!(world.simulator.journal().mutating().len(), written, "the check writes to neither side");
    let ids = [one.id.as_str(), other.id.as_str()];
    let arguments = ["audit", "verify-sync", "--json", "--beteiligte"];
    let verified = world.program("kanzleisync-producer")?.args(arguments).args(ids).run(PATIENCE).await?;
    assert_eq!(verified.code(), Some(1), "{}", verified.stderr);
    let told: Value = serde_json::from_str(&verified.stdout).expect("JSON");
    assert_eq!(told, json!([{"id": one.id, "state": "differs"}, {"id": other.id, "state": "agrees"}]));

    drop((producer, second));
    world.setting("VERIFY_SYNC_HOURS", "24");
    let (producer, address) = world.producer().await?;
    tells(&address, "kanzleisync_divergent_records{flow=\"beteiligte\"} 1").await?;
    drop(producer);
    world.sync_at_once(&[&one.id]).await?;
    // Whoever was killed in the middle of a look has left a claim.
    execute(&pool, "UPDATE beteiligte SET verify_claimed_until = NULL").await?;
    world.setting("VERIFY_SYNC_HOURS", OFTEN);
    let (_producer, address) = world.producer().await?;
    tells(&address, "kanzleisync_divergent_records{flow=\"beteiligte\"} 0").await?;
    counts(&pool, "SELECT count(*) FROM beteiligte WHERE difference IS NOT NULL", 0).await?;
    drop(worker);
    Ok(())
}

#[tokio::test]
async fn an_entry_that_no_sync_settles_is_told_and_one_that_waits_for_a_job_is_not() -> Result<()> {
    let mut calendars = Calendars::start().await?;
    let pool = PgPool::connect(&calendars.world.database_url).await?;
    calendars.given_employee("SB").await?;
    let frnr = calendars.given_termin("SB", 1, 9, "Besprechung");
    let worker = calendars.world.worker().await?;
    calendars.sync(&["SB"]).await?;
    calendars.world.setting("VERIFY_SYNC_HOURS", OFTEN);
    let (_producer, address) = calendars.world.producer().await?;
    counts(
        &pool,
        "SELECT count(*) FROM calendar_employee WHERE scheduled_at IS NOT NULL AND verified_at IS NOT NULL",
        1,
    )
    .await?;
    calendars.run_until_quiet().await?;
    tells(&address, "kanzleisync_entities{status=\"calendar_synced\"} 1").await?;
    for line in
        ["kanzleisync_entities{status=\"calendar_failed\"} 0", "kanzleisync_divergent_records{flow=\"calendar\"} 0"]
    {
        tells(&address, line).await?;
    }
    eventually(PATIENCE, "Google's quota is told as used", async || {
        let metrics = metrics(&address).await;
        let used =
            metrics.lines().find_map(|line| line.strip_prefix("kanzleisync_api_quota_used_ratio{system=\"google\"} "));
        match used.and_then(|used| used.parse::<f64>().ok()) {
            Some(used) if used > 0.0 && used < 1.0 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await?;

    let written = calendars.world.simulator.journal().mutating().len();
    calendars.change_termin(frnr, json!({"text": "Verlegt"}));
    counts(&pool, "SELECT count(*) FROM calendar_employee WHERE differences <> '[]'", 1).await?;
    assert_eq!(
        calendars.hub.count_divergent_entries().await.expect("PostgreSQL answers"),
        0,
        "its turn is still to come"
    );
    execute(&pool, "UPDATE calendar_employee SET looked_at = now()").await?;
    tells(&address, "kanzleisync_divergent_records{flow=\"calendar\"} 1").await?;
    let divergent = calendars.hub.divergent_entries().await.expect("PostgreSQL answers");
    let told: Vec<_> =
        divergent.iter().map(|told| (told.kuerzel.as_str(), told.entry.kind.as_str(), told.entry.frnr)).collect();
    assert_eq!(told, [("SB", "content", Some(FrNr(frnr)))]);
    let page = Visitor::of(&address).await.page("/console/divergent").await;
    assert!(page.contains("/console/employees/SB") && page.contains(&frnr.to_string()), "{page}");
    assert_eq!(calendars.world.simulator.journal().mutating().len(), written, "the check writes to neither side");

    calendars.sync(&["SB"]).await?;
    tells(&address, "kanzleisync_divergent_records{flow=\"calendar\"} 0").await?;
    // While a job waits for a worker, nothing is compared.
    drop(worker);
    calendars.change_termin(frnr, json!({"text": "Noch einmal verlegt"}));
    calendars.trigger(&["SB"], domain::job::Wants::calendar()).await?;
    execute(&pool, "UPDATE calendar_employee SET verify_due_at = now() - interval '1 hour', verified_at = NULL")
        .await?;
    let before = calendars.world.simulator.journal().last_sequence();
    // Each round of the check gives whoever has none a turn: two of them have gone by.
    calendars.given_employee("AI").await?;
    for _ in 0..2 {
        execute(&pool, "UPDATE calendar_employee SET verify_due_at = NULL WHERE kuerzel = 'AI'").await?;
        counts(&pool, "SELECT count(*) FROM calendar_employee WHERE kuerzel = 'AI' AND verify_due_at IS NOT NULL", 1)
            .await?;
    }
    let asked = calendars.world.simulator.journal().since(before);
    assert!(asked.is_empty(), "nobody was asked: {asked:?}");
    Ok(())
}
