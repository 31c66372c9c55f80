//! What people ask of calendars, over HTTP and as commands.

use domain::job::Wants;
use harness::world::{PATIENCE, PRODUCER_API_KEY};
use harness::{Result, eventually};
use reqwest::{Client, StatusCode};
use serde_json::json;
use shared::queue::JobView;

use crate::calendar_firm::{Firm, given_dead, post, trigger};

#[tokio::test]
async fn a_person_triggers_one_calendar_or_all_that_are_synced_before_the_schedules() -> Result<()> {
    let firm = Firm::that_knows(&["AI", "BR", "SB"]).await?;
    firm.sql("UPDATE calendar_employee SET scheduled_at = now()").await?;
    firm.sql("UPDATE calendar_employee SET enabled = FALSE WHERE kuerzel = 'BR'").await?;
    let (_producer, address) = firm.world.producer().await?;
    let answer =
        |kuerzel, jobs| (StatusCode::ACCEPTED, json!({"status": "triggered", "kuerzel": kuerzel, "jobs": jobs}));
    assert_eq!(trigger(&address, r#"{"kuerzel":"SB"}"#).await, answer("SB", 1));
    assert!(firm.job("SB").await.is_some_and(|job| !job.is_from_scan && job.wants == Wants::calendar()));
    assert_eq!(trigger(&address, "{}").await, answer("ALL", 2));
    assert_eq!(trigger(&address, r#"{"kuerzel":"ALL"}"#).await, answer("ALL", 2));
    assert_eq!(firm.waiting().await, ["AI", "SB"]);

    let (status, told) = trigger(&address, r#"{"kuerzel":"XY"}"#).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(told["error"].as_str().is_some_and(|text| text.contains("policy show")), "{told}");
    let (status, told) = trigger(&address, r#"{"kuerzel":"BR","full_content":false}"#).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(told["error"].as_str().is_some_and(|text| text.contains("--enabled on")), "{told}");
    assert_eq!(firm.anonymize("BR").await?, None, "what is refused changes nothing");
    Ok(())
}

#[tokio::test]
async fn c7_full_content_false_holds_at_once_and_of_two_triggers_the_stricter_counts() -> Result<()> {
    let firm = Firm::that_knows(&["AI", "SB"]).await?;
    firm.sql("UPDATE calendar_employee SET scheduled_at = now()").await?;
    let (_producer, address) = firm.world.producer().await?;
    let asked = async |kuerzel| firm.job(kuerzel).await.and_then(|job: JobView| job.wants.full_content());
    assert_eq!(trigger(&address, r#"{"kuerzel":"SB","full_content":true}"#).await.0, StatusCode::ACCEPTED);
    assert_eq!(
        (asked("SB").await, firm.anonymize("SB").await?),
        (Some(true), None),
        "the run lifts it, not the trigger"
    );
    assert_eq!(trigger(&address, r#"{"kuerzel":"SB","full_content":false}"#).await.0, StatusCode::ACCEPTED);
    assert_eq!((asked("SB").await, firm.anonymize("SB").await?), (Some(false), Some(true)));
    assert_eq!(trigger(&address, r#"{"kuerzel":"SB","full_content":true}"#).await.0, StatusCode::ACCEPTED);
    assert_eq!((asked("SB").await, firm.anonymize("SB").await?), (Some(false), Some(true)), "merged: the stricter");
    assert_eq!((asked("AI").await, firm.anonymize("AI").await?), (None, None), "nobody else's");

    firm.sql("UPDATE calendar_employee SET enabled = FALSE WHERE kuerzel = 'AI'").await?;
    assert_eq!(trigger(&address, r#"{"full_content":false}"#).await.1["jobs"], json!(1));
    assert_eq!(firm.anonymize("AI").await?, Some(true), "also for when it is switched on again");
    Ok(())
}

#[tokio::test]
async fn e3_a_trigger_needs_the_key_a_clear_and_bounded_body_and_calendars() -> Result<()> {
    let mut firm = Firm::that_knows(&["SB"]).await?;
    firm.sql("UPDATE calendar_employee SET scheduled_at = now()").await?;
    firm.world.setting("ESPOCRM_WEBHOOK_SECRETS", "hook:secret");
    let (producer, address) = firm.world.producer().await?;
    let url = format!("{address}/advoware/calendar/sync");
    let client = Client::builder().build().expect("a client");
    for header in
        [("accept", "*/*"), ("apikey", "wrong"), ("Authorization", "Bearer wrong"), ("X-Signature", "aG9vazpBQUFB")]
    {
        let refused = client.post(&url).header(header.0, header.1).body("{}").send().await.expect("an answer");
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{header:?}");
    }
    for bad in [
        "",
        "[]",
        "null",
        r#"{"kuerzel":null}"#,
        r#"{"kuerzel":"Erika Beispiel"}"#,
        r#"{"full_content":"no"}"#,
        r#"{"all":true}"#,
    ] {
        let (status, told) = trigger(&address, bad).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}");
        let text = told["error"].as_str().unwrap_or_default();
        assert!(text.contains("expected an object with") && !text.contains("Erika"), "{bad}: {told}");
    }
    let oversized = " ".repeat(3 << 20);
    assert_eq!(trigger(&address, &oversized).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let with_bearer = client.post(&url).bearer_auth(PRODUCER_API_KEY).body("{}").send().await.expect("an answer");
    assert_eq!(with_bearer.status(), StatusCode::ACCEPTED);
    assert_eq!(firm.waiting().await, ["SB"]);

    firm.sql("ALTER TABLE calendar_employee RENAME TO elsewhere").await?;
    let (status, told) = trigger(&address, "{}").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{told}");
    firm.sql("ALTER TABLE elsewhere RENAME TO calendar_employee").await?;
    firm.world.redis.stop().await?;
    let (status, told) = trigger(&address, "{}").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{told}");
    firm.world.redis.start_again().await?;
    producer.kill()?;

    firm.world.setting("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH", "");
    let (_producer, address) = firm.world.producer().await?;
    let (status, told) = trigger(&address, "{}").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(told["error"].as_str().is_some_and(|text| text.contains("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH")), "{told}");
    assert_eq!(trigger(&address, "[]").await.0, StatusCode::BAD_REQUEST);
    Ok(())
}

#[tokio::test]
async fn calendars_are_enqueued_from_the_command_line() -> Result<()> {
    let firm = Firm::with(&[]).await?;
    assert_eq!(firm.ends_with(1, "enqueue calendar --all").await?["queued"], json!(0), "nobody is known yet");
    let firm = Firm::that_knows(&["AI", "SB", "v.M"]).await?;
    let told = firm.ends_with(0, "enqueue calendar SB v.M SB --list-all --full-content true").await?;
    assert_eq!(told, json!({"queued": 2, "new": 2, "merged": 0, "dead": 0, "unreadable": 0}));
    let wants = Wants::calendar().listing_all().with_full_content(true);
    assert!(firm.job("v.M").await.is_some_and(|job| job.wants == wants));
    assert_eq!(firm.ends_with(0, "enqueue calendar --all --full-content false").await?["new"], json!(1));
    assert_eq!(firm.anonymize("AI").await?, Some(true));
    let shown = firm.ends_with(0, "jobs show SB --queue calendar").await?;
    assert_eq!(
        (&shown[0]["full_content"], &shown[0]["lists_all"], &shown[0]["direction"]),
        (&json!(false), &json!(true), &json!(null))
    );
    let text = firm.command("jobs show SB").await?.stdout;
    assert!(
        text.contains("a calendar's sync, anonymised, both calendars read whole, by an event or a person"),
        "{text}"
    );
    assert_eq!(firm.ends_with(0, "jobs list ready --queue calendar").await?.as_array().map(Vec::len), Some(3));

    firm.refuses("enqueue calendar SB XY", "Kürzel number 2").await?;
    firm.refuses("enqueue calendar a/b", "id number 1 is not a Kürzel").await?;
    firm.sql("UPDATE calendar_employee SET departed_at = now() WHERE kuerzel = 'AI'").await?;
    firm.refuses("enqueue calendar AI", "is not synced").await?;
    assert_eq!(firm.ends_with(0, "jobs pause --queue calendar").await?, json!({"paused": ["calendar"]}));
    assert!(firm.counts().await.is_paused);
    assert_eq!(firm.ends_with(0, "jobs resume --queue calendar").await?, json!({"resumed": ["calendar"]}));
    Ok(())
}

const FAILED_ROW: &str = "INSERT INTO calendar_sync (employee_kuerzel, source_system, sync_status, starts_at, retry_count, next_retry_at, run_id)
    VALUES ('AI', 'advoware', 'failed', now(), 4, now() + interval '1 day', gen_random_uuid())";

#[tokio::test]
async fn calendars_are_requeued_by_kuerzel_job_or_all_and_their_failed_rows_are_tried_again() -> Result<()> {
    let firm = Firm::that_knows(&["AI", "SB"]).await?;
    let waits = async || {
        let query = "SELECT count(*) FROM calendar_sync WHERE next_retry_at IS NOT NULL OR retry_count > 0";
        sqlx::query_scalar::<_, i64>(query).fetch_one(&firm.pool).await
    };
    firm.sql(FAILED_ROW).await?;
    given_dead(&firm, "AI").await?;
    let dead = firm.ends_with(0, "jobs list --queue calendar").await?;
    assert_eq!((&dead[0]["entity"], &dead[0]["reason"]), (&json!("AI"), &json!("calendar refused")));
    let job = dead[0]["id"].as_str().unwrap_or_default();

    let dry = firm.ends_with(0, "requeue AI --queue calendar --dry-run").await?;
    assert_eq!((dry, waits().await?), (json!({"requeued": 1, "unknown": 0, "never_seen": [], "dry_run": true}), 1));
    let named = firm.ends_with(0, &format!("requeue {job} --queue calendar --approve-deletions")).await?;
    assert_eq!((named, waits().await?), (json!({"requeued": 1, "unknown": 0, "never_seen": []}), 0));
    assert!(firm.job("AI").await.is_some_and(|job| job.wants == Wants::calendar().approving_deletions()));
    let unknown = firm.ends_with(1, "requeue XY SB.7777777777777777 --queue calendar").await?;
    assert_eq!((unknown, firm.counts().await.ready), (json!({"requeued": 0, "unknown": 2, "never_seen": []}), 1));

    // A failed row alone is enough to be meant by all.
    firm.queue.drop_waiting("AI").await.expect("Redis answers");
    firm.sql(FAILED_ROW).await?;
    let (_producer, address) = firm.world.producer().await?;
    eventually(PATIENCE, "the schedule has asked for all", async || firm.waiting().await.len() == 1).await?;
    firm.queue.drop_waiting("AI").await.expect("Redis answers");
    firm.queue.drop_waiting("SB").await.expect("Redis answers");
    let dry = firm.ends_with(0, "requeue --all --dry-run").await?;
    assert_eq!((dry, waits().await?), (json!({"requeued": 1, "dry_run": true}), 1));
    assert_eq!(firm.ends_with(0, "requeue --reason refused --queue calendar").await?, json!({"requeued": 0}));
    let over_http = post(&address, "/requeue", r#"{"all":true,"queue":"calendar"}"#).await;
    assert_eq!((over_http, waits().await?), ((StatusCode::ACCEPTED, json!({"requeued": 1})), 0));
    assert_eq!(firm.waiting().await, ["AI"]);
    for (body, requeued) in [(r#"{"id":"SB","queue":"calendar"}"#, 1), (r#"{"id":"XY","queue":"calendar"}"#, 0)] {
        assert_eq!(post(&address, "/requeue", body).await, (StatusCode::ACCEPTED, json!({"requeued": requeued})));
    }
    assert_eq!(firm.waiting().await, ["AI", "SB"]);

    given_dead(&firm, "SB").await?;
    let deleted = firm.ends_with(0, "jobs delete SB --queue calendar").await?;
    assert_eq!(deleted, json!({"deleted": 1, "not_dead": 0, "unknown": 0}));
    Ok(())
}

#[tokio::test]
async fn a_policy_is_shown_and_set_part_by_part() -> Result<()> {
    let mut firm = Firm::with(&[]).await?;
    assert!(firm.command("policy show").await?.stdout.contains("no employee is known yet"));
    firm = Firm::that_knows(&["AI", "SB"]).await?;
    let defaults = json!({"strategy": "source_system_wins", "advoware_write": "google_born", "anonymize": "off"});
    let all = firm.ends_with(0, "policy show").await?;
    assert_eq!((&all[1]["kuerzel"], &all[1]["effective"]), (&json!("SB"), &defaults));
    assert_eq!(all[1]["own"], json!({"strategy": null, "advoware_write": null, "anonymize": null}));

    let line = "policy set SB --strategy last_change_wins --advoware-write off --anonymize on --calendar-id a@b.example --enabled off";
    let set = firm.ends_with(0, line).await?;
    assert_eq!(set["effective"], json!({"strategy": "last_change_wins", "advoware_write": "off", "anonymize": "on"}));
    assert_eq!(
        (&set["calendar_id"], &set["calendar_is_given"], &set["enabled"]),
        (&json!("a@b.example"), &json!(true), &json!(false))
    );
    assert_eq!(firm.ends_with(0, "policy show SB").await?, json!([set]));
    assert_eq!(firm.ends_with(0, "policy show AI").await?[0]["effective"], defaults, "nobody else's");
    let table = firm.command("policy show").await?.stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("KUERZEL  SYNCED"), "{table}");
    assert!(lines[1].contains("source_system_wins (default)") && lines[1].contains("google_born (default)"), "{table}");
    assert!(lines[2].starts_with("SB       off     last_change_wins  "), "{table}");

    let part = firm.ends_with(0, "policy set SB --anonymize default").await?;
    assert_eq!(part["effective"], json!({"strategy": "last_change_wins", "advoware_write": "off", "anonymize": "off"}));
    let back = firm
        .ends_with(0, "policy set SB --strategy default --advoware-write on --calendar-id none --enabled on")
        .await?;
    assert_eq!(back["own"], json!({"strategy": null, "advoware_write": "on", "anonymize": null}));
    assert_eq!((&back["calendar_id"], &back["enabled"]), (&json!(null), &json!(true)));
    let text = firm.command("policy set SB --enabled on").await?.stdout;
    assert!(text.contains("`enqueue calendar SB` has it run at once"), "{text}");

    // What the settings demand no policy lifts (C7).
    firm.world.setting("CALENDAR_SYNC_ANONYMIZE_GOOGLE_EVENTS", "true");
    firm.world.setting("CALENDAR_SYNC_STRATEGY", "last_change_wins");
    let strict = firm.ends_with(0, "policy set SB --anonymize off").await?;
    assert_eq!((&strict["own"]["anonymize"], &strict["effective"]["anonymize"]), (&json!("off"), &json!("on")));
    assert_eq!(strict["effective"]["strategy"], json!("last_change_wins"));

    firm.ends_with(0, "policy set AI --calendar-id a@b.example").await?;
    firm.refuses("policy set SB --calendar-id a@b.example", "another employee has this calendar").await?;
    firm.refuses("policy set XY --enabled on", "nobody is known by Kürzel number 1").await?;
    firm.refuses("policy show XY", "nobody is known by Kürzel number 1").await?;
    firm.refuses("policy set SB --strategy newest", "expected source_system_wins").await?;
    firm.refuses("policy set SB", "required").await?;
    Ok(())
}
