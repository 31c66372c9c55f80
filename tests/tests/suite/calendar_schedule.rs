//! The calendars' schedule: whose turn it is, with real programs.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use domain::ids::Kuerzel;
use domain::job::Wants;
use harness::world::PATIENCE;
use harness::{Result, eventually};
use reqwest::StatusCode;
use serde_json::json;
use shared::hub::Hub;
use shared::hub::calendar::PolicyChange;
use simulator::{Calls, Fault, FaultKind, Operation};

use crate::calendar_firm::{Firm, asked, given_dead, metric, trigger};

#[tokio::test]
async fn new_employees_are_spread_over_the_interval_and_departed_ones_are_left_alone() -> Result<()> {
    let firm = Firm::with(&["AI", "BR", "CD", "SB"]).await?;
    let (producer, _) = firm.world.producer().await?;
    eventually(PATIENCE, "all four have a turn", async || match firm.scheduled().await {
        // Its job is queued before its turn is taken.
        Ok(scheduled) if scheduled.len() == 4 && scheduled["SB"] < 60.0 => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await?;
    let scheduled = firm.scheduled().await?;
    for (kuerzel, seconds) in [("AI", 900.0), ("BR", 1800.0), ("CD", 2700.0), ("SB", 0.0)] {
        assert!((scheduled[kuerzel] - seconds).abs() < 60.0, "a quarter of an hour apart: {scheduled:?}");
    }
    assert_eq!(firm.waiting().await, ["SB"], "the last is due at once");
    let job = firm.job("SB").await.expect("it waits");
    assert_eq!((job.is_from_scan, job.wants), (true, Wants::calendar()));
    let told = producer.wait_for_line("the employees have changed", PATIENCE).await?;
    assert!(told.contains("joined=4") && !producer.stderr().contains("Beispiel"), "{told}");
    producer.kill()?;

    let advoware = firm.world.simulator.advoware();
    assert!(advoware.remove_mitarbeiter("AI"));
    advoware.seed_mitarbeiter("EF", "Neu Beispiel");
    firm.sql("UPDATE calendar_employee SET enabled = FALSE WHERE kuerzel = 'BR'").await?;
    firm.sql("UPDATE calendar_employee SET scheduled_at = now() - interval '2 hours'").await?;
    let _producer = firm.world.producer().await?;
    eventually(PATIENCE, "the others", async || match firm.waiting().await {
        waiting if waiting == ["CD", "EF", "SB"] => Ok(()),
        waiting => Err(format!("{waiting:?}")),
    })
    .await?;
    assert!(firm.scheduled().await?["AI"] > 3600.0, "its turn is not taken");
    Ok(())
}

#[tokio::test]
async fn of_two_producers_one_asks_for_each_employee_once_an_interval() -> Result<()> {
    let firm = Firm::with(&["AI", "BR", "CD", "SB"]).await?;
    let ((_one, a), (_other, b)) = tokio::try_join!(firm.world.producer(), firm.world.producer())?;
    let total = async || asked(&a).await + asked(&b).await;
    eventually(PATIENCE, "all have a turn, and one is due at once", async || {
        firm.scheduled().await.is_ok_and(|scheduled| scheduled.len() == 4) && total().await > 0
    })
    .await?;
    for wave in 1..=4 {
        firm.sql("UPDATE calendar_employee SET scheduled_at = now() - interval '61 minutes'").await?;
        let expected = 1 + 4 * wave;
        eventually(PATIENCE, "each was asked for", async || match total().await {
            asked if asked < expected => Err(asked.to_string()),
            asked => {
                assert!(asked <= expected, "wave {wave}: {asked} instead of {expected}");
                Ok(())
            }
        })
        .await?;
    }
    assert_eq!(firm.waiting().await, ["AI", "BR", "CD", "SB"]);
    Ok(())
}

#[tokio::test]
async fn the_debug_kuerzel_keeps_the_schedule_to_one_employee() -> Result<()> {
    let mut firm = Firm::that_knows(&["AI", "BR", "SB"]).await?;
    firm.world.setting("CALENDAR_SYNC_DEBUG_KUERZEL", "BR");
    firm.sql("UPDATE calendar_employee SET scheduled_at = now() - interval '2 hours'").await?;
    let (_producer, address) = firm.world.producer().await?;
    eventually(PATIENCE, "the one is asked for", async || firm.waiting().await == ["BR"]).await?;
    firm.sql("UPDATE calendar_employee SET scheduled_at = now() - interval '2 hours' WHERE kuerzel = 'BR'").await?;
    eventually(PATIENCE, "again", async || asked(&address).await >= 2).await?;
    assert_eq!(firm.waiting().await, ["BR"]);
    // What a person asks for is not kept from them.
    let triggered = trigger(&address, r#"{"kuerzel":"SB"}"#).await;
    assert_eq!(triggered, (StatusCode::ACCEPTED, json!({"status": "triggered", "kuerzel": "SB", "jobs": 1})));
    Ok(())
}

#[tokio::test]
async fn an_advoware_that_is_away_changes_nobodys_turn_and_is_asked_again() -> Result<()> {
    let mut firm = Firm::that_knows(&["AI"]).await?;
    firm.world.setting("CALENDAR_SYNC_SECONDS", "2");
    let lists = Calls::to(Operation::ListMitarbeiter).always();
    firm.world.simulator.faults().arm(Fault::new(lists, FaultKind::status(400)));
    let (producer, address) = firm.world.producer().await?;
    producer.wait_for_line("the schedule goes on with whom the hub knows", PATIENCE).await?;
    eventually(PATIENCE, "whom the hub knows is asked for", async || firm.waiting().await == ["AI"]).await?;
    assert!(firm.world.simulator.advoware().remove_mitarbeiter("AI"));
    firm.world.simulator.advoware().seed_mitarbeiter("SB", "Neu Beispiel");
    firm.world.simulator.faults().clear();
    eventually(PATIENCE, "the new one is found, and who is not in the list has departed", async || {
        firm.waiting().await == ["AI", "SB"]
    })
    .await?;
    let departed = "SELECT departed_at IS NOT NULL FROM calendar_employee WHERE kuerzel = 'AI'";
    assert!(sqlx::query_scalar::<_, bool>(departed).fetch_one(&firm.pool).await?);
    assert!(metric(&address, "kanzleisync_scans_total{flow=\"calendar\",outcome=\"failed\"}").await >= 1);
    assert!(metric(&address, "kanzleisync_scans_total{flow=\"calendar\",outcome=\"done\"}").await >= 1);
    Ok(())
}

#[tokio::test]
async fn a_turn_that_redis_did_not_take_stays_due() -> Result<()> {
    let firm = Firm::that_knows(&["AI"]).await?;
    let (producer, _) = firm.world.producer().await?;
    eventually(PATIENCE, "the first turn", async || firm.waiting().await == ["AI"]).await?;
    firm.world.redis.stop().await?;
    firm.sql("UPDATE calendar_employee SET scheduled_at = now() - interval '2 hours'").await?;
    producer.wait_for_line("they stay due", PATIENCE).await?;
    assert!(firm.scheduled().await?["AI"] > 3600.0);
    firm.world.redis.start_again().await?;
    eventually(PATIENCE, "it is asked for now", async || firm.scheduled().await.is_ok_and(|all| all["AI"] < 3600.0))
        .await
}

#[tokio::test]
async fn j3_a_dead_calendar_is_left_dead_until_its_automatic_reset() -> Result<()> {
    let mut firm = Firm::that_knows(&["AI", "SB"]).await?;
    given_dead(&firm, "AI").await?;
    let (producer, _) = firm.world.producer().await?;
    firm.sql("UPDATE calendar_employee SET scheduled_at = now() - interval '2 hours'").await?;
    producer.wait_for_line("jobs of others are dead", PATIENCE).await?;
    assert_eq!((firm.counts().await.dead, firm.waiting().await), (1, vec!["SB".to_owned()]));
    producer.kill()?;
    firm.world.setting("SYNC_AUTO_RESET_HOURS", "0.00001");
    firm.sql("UPDATE calendar_employee SET scheduled_at = now() - interval '2 hours'").await?;
    let _producer = firm.world.producer().await?;
    eventually(PATIENCE, "it is back at work", async || firm.waiting().await == ["AI", "SB"]).await
}

#[tokio::test]
async fn every_calendar_series_exists_from_the_start_and_held_deletions_are_told() -> Result<()> {
    let mut firm = Firm::that_knows(&["AI", "SB"]).await?;
    firm.sql("UPDATE calendar_employee SET scheduled_at = now()").await?;
    let (producer, address) = firm.world.producer().await?;
    for series in [
        "kanzleisync_queue_jobs{queue=\"calendar\",state=\"ready\"}",
        "kanzleisync_queue_jobs{queue=\"calendar\",state=\"dead\"}",
        "kanzleisync_queue_oldest_job_age_seconds{queue=\"calendar\"}",
        "kanzleisync_queue_paused{queue=\"calendar\"}",
        "kanzleisync_jobs_enqueued_total{queue=\"calendar\",result=\"new\"}",
        "kanzleisync_scans_total{flow=\"calendar\",outcome=\"failed\"}",
        "kanzleisync_held_deletions{flow=\"calendar\"}",
    ] {
        assert_eq!(metric(&address, series).await, 0, "{series}");
    }
    producer.kill()?;
    firm.world.setting("CALENDAR_SYNC_SECONDS", "1");
    firm.sql("UPDATE calendar_employee SET held_deletions = 11").await?;
    let (_producer, address) = firm.world.producer().await?;
    eventually(PATIENCE, "the gauge", async || {
        metric(&address, "kanzleisync_held_deletions{flow=\"calendar\"}").await == 22
    })
    .await
}

#[tokio::test]
async fn e2_the_calendars_audit_and_deleted_rows_are_not_kept_beyond_their_retention() -> Result<()> {
    let mut firm = Firm::that_knows(&["AI"]).await?;
    firm.world.setting("AUDIT_RETENTION_DAYS", "1");
    // Old and deleted with an old entry, deleted lately, old and alive, old and deleted with a new entry.
    firm.sql(
        "INSERT INTO calendar_sync (sync_id, employee_kuerzel, source_system, deleted, last_sync, created_at, starts_at, run_id)
         SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'AI', 'advoware', n <> 3,
                now() - CASE WHEN n = 2 THEN interval '1 hour' ELSE interval '3 days' END, now() - interval '3 days', now(), gen_random_uuid()
         FROM generate_series(1, 4) AS n;
         INSERT INTO calendar_sync_audit (sync_id, action, timestamp, audit_id, run_id, employee_kuerzel, target, rule)
         SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'UPDATE', now() - CASE WHEN n = 4 THEN interval '1 hour' ELSE interval '3 days' END,
                gen_random_uuid(), gen_random_uuid(), 'AI', 'google', 'update_event'
         FROM unnest(ARRAY[1, 4]) AS n",
    )
    .await?;
    let _producer = firm.world.producer().await?;
    let query = "SELECT coalesce(string_agg(right(sync_id::text, 1), ',' ORDER BY sync_id), '') FROM calendar_sync";
    let left = async || sqlx::query_scalar::<_, String>(query).fetch_one(&firm.pool).await;
    eventually(PATIENCE, "the first is gone", async || match left().await {
        Ok(left) if left == "2,3,4" => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await?;
    let entries: i64 = sqlx::query_scalar("SELECT count(*) FROM calendar_sync_audit").fetch_one(&firm.pool).await?;
    assert_eq!(entries, 1);
    Ok(())
}

#[tokio::test]
async fn a_turn_is_held_for_one_caller_and_given_back_when_it_is_not_taken() -> Result<()> {
    let firm = Firm::that_knows(&["AI", "SB"]).await?;
    let (hub, other) = (firm.hub(), firm.hub());
    let (now, hour) = (DateTime::<Utc>::from(SystemTime::now()), Duration::from_hours(1));
    let due = async |hub: &Hub| hub.due_employees(hour, None, now).await.expect("PostgreSQL answers");
    assert!(due(&hub).await.is_none(), "who has no turn yet is not due");
    assert_eq!(hub.spread_employees(hour, now).await.expect("spread"), 2);
    assert_eq!(hub.spread_employees(hour, now).await.expect("spread"), 0);
    let later = now + hour;
    let held = hub.due_employees(hour, None, later).await.expect("PostgreSQL answers").expect("both are due");
    assert_eq!(held.kuerzel().len(), 2);
    assert!(other.due_employees(hour, None, later).await.expect("PostgreSQL answers").is_none(), "held");
    drop(held);
    let only = Kuerzel::parse("SB").expect("a Kürzel");
    let again = async || other.due_employees(hour, Some(&only), later).await.expect("PostgreSQL answers");
    let taken = eventually(PATIENCE, "they are given back", async || again().await).await?;
    assert_eq!(taken.kuerzel(), std::slice::from_ref(&only));
    taken.asked_for(later).await.expect("PostgreSQL answers");
    let rest = hub.due_employees(hour, None, later).await.expect("PostgreSQL answers").expect("one is left");
    assert_eq!(rest.kuerzel(), [Kuerzel::parse("AI").expect("a Kürzel")]);
    drop(rest);
    let change = PolicyChange { enabled: Some(false), ..PolicyChange::default() };
    assert!(hub.set_policy(&Kuerzel::parse("AI").expect("a Kürzel"), &change).await.expect("set"));
    assert!(due(&hub).await.is_none());
    Ok(())
}
