//! The accounts of `scripts/postgres-roles.sql`: with that of the programs everything works that they do, and nothing else.

use std::borrow::Cow;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDate, Utc};
use domain::calendar::plan::{HubRow, Intent, RowId};
use domain::calendar::policy::{Source, SyncStrategy};
use domain::calendar::{Span, Standard};
use domain::ids::{CalendarId, EventId, FrNr, Kuerzel};
use harness::world::{PATIENCE, World, mail, row};
use harness::{Result, eventually};
use serde_json::json;
use shared::hub::Hub;
use shared::hub::calendar::{
    Begun, CalendarRow, CalendarTarget, PolicyChange, Retry, RowStatus, RunEnd, Saved, Settled,
};
use simulator::Edit;
use sqlx::PgPool;
use uuid::Uuid;

const PROGRAM: &str = "kanzleisync_program";
const MIGRATE: &str = "kanzleisync_migrate";

/// A world whose superuser has run the script as often as the README asks for, and once more.
async fn with_roles() -> Result<(World, PgPool)> {
    let world = World::start().await?;
    let superuser = PgPool::connect(&world.database_url).await?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/postgres-roles.sql");
    let script = fs::read_to_string(path)?;
    for _ in 0..2 {
        sqlx::raw_sql(sqlx::AssertSqlSafe(script.clone())).execute(&superuser).await?;
    }
    for role in [PROGRAM, MIGRATE] {
        let statement = format!("ALTER ROLE {role} PASSWORD 'planted-{role}'");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&superuser).await?;
    }
    Ok((world, superuser))
}

/// The same database, as another account.
fn url_of(world: &World, role: &str) -> String {
    let (_, place) = world.database_url.split_once('@').expect("an address with an account");
    format!("postgres://{role}:planted-{role}@{place}")
}

#[tokio::test]
async fn beteiligte_are_synced_restored_and_erased_with_the_programs_rights() -> Result<()> {
    let (mut world, superuser) = with_roles().await?;
    world.setting("DATABASE_URL", url_of(&world, PROGRAM));
    world.setting("AUDIT_RETENTION_DAYS", "1");
    world.setting("VERIFY_SYNC_HOURS", "0.0005");
    let one =
        world.given(104_860, json!([mail("a@example.org", true)]), json!([]), vec![row(4, "a@example.org", None)]);
    let _worker = world.worker().await?;
    world.sync_at_once(&[&one.id]).await?;
    // A conflict: people are told of it, which is noted in the audit.
    let edits = [
        Edit::EspoSet { id: one.id.clone(), fields: harness::world::fields(json!({"lastName": "Espo"})) },
        Edit::AdvowareSet { betnr: one.betnr, fields: harness::world::fields(json!({"name": "Advo"})) },
    ];
    for edit in &edits {
        world.simulator.edit(edit).expect("the edit is possible");
    }
    world.sync_at_once(&[&one.id]).await?;
    world.then_agreed_and_silent(&[&one]).await?;
    let told: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sync_audit WHERE told_at IS NOT NULL").fetch_one(&superuser).await?;
    assert!(told > 0);
    sqlx::raw_sql("UPDATE sync_audit SET at = at - interval '2 days'").execute(&superuser).await?;
    let _producer = world.producer().await?;
    eventually(PATIENCE, "retention works", async || {
        let left = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM sync_audit").fetch_one(&superuser).await;
        left.is_ok_and(|left| left == 0)
    })
    .await?;
    eventually(PATIENCE, "the continuous check works", async || {
        let compared = "SELECT count(*) FROM beteiligte WHERE verified_at IS NOT NULL";
        sqlx::query_scalar::<_, i64>(compared).fetch_one(&superuser).await.is_ok_and(|compared| compared == 1)
    })
    .await?;
    for line in [format!("decide {} espocrm", one.id), format!("erase {} --apply", one.id)] {
        let finished = world.program("kanzleisync-producer")?.args(line.split(' ')).run(PATIENCE).await?;
        assert!(finished.code() < Some(2), "{line}: {finished:?}");
    }
    let migrate = world.program("kanzleisync-producer")?.env("DATABASE_URL", url_of(&world, MIGRATE)).arg("migrate");
    let finished = migrate.run(PATIENCE).await?;
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    Ok(())
}

fn termin() -> Standard {
    let day = NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day");
    let span = Span::AllDay { first: day, last: day };
    Standard { span, text: "Frist".to_owned(), notiz: String::new(), ort: String::new(), series: None }
}

fn agreed(intent: Option<Intent>) -> CalendarRow {
    let hub = HubRow {
        source: Source::Advoware,
        frnr: Some(FrNr(85_861)),
        event: Some(EventId::from_random([7; 16])),
        advoware_base: Some(termin()),
        google_base: Some(termin()),
        etag: Some("\"1\"".to_owned()),
        intent,
    };
    CalendarRow {
        hub,
        status: RowStatus::Synced,
        retry: Retry::default(),
        advoware_changed_at: None,
        run_id: Uuid::nil(),
    }
}

#[tokio::test]
async fn a_calendars_whole_life_in_the_hub_works_with_the_programs_rights() -> Result<()> {
    let (world, superuser) = with_roles().await?;
    let hub = Hub::new(url_of(&world, PROGRAM).parse()?);
    hub.check().await.expect("the version may be read");
    let now: DateTime<Utc> = SystemTime::now().into();
    let (hour, kuerzel) = (Duration::from_hours(1), Kuerzel::parse("SB").expect("a Kürzel"));
    assert_eq!(hub.note_staff(std::slice::from_ref(&kuerzel), now).await.expect("noted").joined, 1);
    hub.add_employee(&kuerzel).await.expect("added");
    assert_eq!(hub.spread_employees(hour, now).await.expect("spread"), 1);
    let due = hub.due_employees(hour, None, now).await.expect("asked").expect("the only one is due at once");
    due.asked_for(now).await.expect("noted");
    let calendar = CalendarId::parse("a@group.calendar.google.com").expect("an id");
    hub.remember_calendar(&kuerzel, &calendar).await.expect("remembered");
    hub.move_rows_to(&kuerzel, &calendar).await.expect("moved");
    hub.remember_sharing(&kuerzel, "b@example.org").await.expect("remembered");
    let change = PolicyChange { anonymize: Some(Some(true)), ..PolicyChange::default() };
    assert!(hub.set_policy(&kuerzel, &change).await.expect("set"));

    let (run_id, audit_id, id) = (Uuid::now_v7(), Uuid::now_v7(), RowId(Uuid::now_v7().as_u128()));
    let form = termin();
    let begun = Begun {
        audit_id,
        target: CalendarTarget::Google,
        rule: "update_event",
        before: Some(&form),
        after: Some(&form),
        is_confirmed: false,
    };
    let intended = agreed(Some(Intent::UpdateEvent(termin())));
    let saved = Saved {
        run_id,
        kuerzel: &kuerzel,
        id,
        row: &intended,
        takes_over: true,
        deleted: false,
        strategy: SyncStrategy::SourceSystemWins,
        advoware_write_allowed: false,
        last_sync: now,
        now,
    };
    assert!(hub.save_row(&saved, Some(begun), None).await.expect("begun"));
    let done = agreed(None);
    assert!(
        hub.save_row(&Saved { row: &done, takes_over: false, ..saved }, None, Some(audit_id)).await.expect("confirmed")
    );
    let read = CalendarRow { run_id, ..done.clone() };
    let settled = [Settled { id, row: read, last_sync: now }];
    assert_eq!(hub.settle_rows(run_id, &settled, now).await.expect("settled"), 1);
    assert_eq!(hub.reset_rows(&kuerzel).await.expect("reset"), 0);
    let end = RunEnd {
        sync_token: Some("token"),
        token_policy: "policy",
        is_full_list: true,
        lists_were_empty: Some((false, Some(false))),
        held_deletions: 3,
        findings: &[],
        is_settled: true,
    };
    hub.remember_run(&kuerzel, &end, now).await.expect("remembered");
    assert_eq!(hub.held_deletions().await.expect("counted"), 3);
    assert!(hub.employees_with_failed_rows().await.expect("asked").is_empty());
    assert_eq!(hub.count_calendar_rows().await.expect("counted"), [("synced".to_owned(), 1)]);
    assert_eq!(hub.calendar_rows(&kuerzel, now, now + hour, &[FrNr(85_861)], &[], true).await.expect("read").len(), 1);
    assert_eq!(hub.rows_of_employee(&kuerzel).await.expect("read").len(), 1);
    let entry = hub.calendar_audit_entry(audit_id).await.expect("read").expect("it is there");
    assert!(entry.confirmed_at.is_some());
    assert_eq!(hub.row_history(id, 9).await.expect("read"), [entry]);

    assert!(hub.save_row(&Saved { deleted: true, row: &done, ..saved }, None, None).await.expect("deleted"));
    assert_eq!(hub.prune_calendar(now + hour, 10).await.expect("pruned"), 2);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM calendar_sync").fetch_one(&superuser).await?;
    assert_eq!(left, 0);
    hub.close().await;
    Ok(())
}

#[tokio::test]
async fn the_programs_account_may_do_nothing_else() -> Result<()> {
    let (world, superuser) = with_roles().await?;
    sqlx::raw_sql("CREATE TABLE elsewhere (secret text)").execute(&superuser).await?;
    let pool = PgPool::connect(&url_of(&world, PROGRAM)).await?;
    for refused in [
        "CREATE TABLE mine (a int)",
        "CREATE TEMPORARY TABLE mine (a int)",
        "ALTER TABLE beteiligte ADD COLUMN mine int",
        "DROP TABLE sync_audit",
        "TRUNCATE calendar_sync",
        "CREATE INDEX mine ON calendar_sync (reason)",
        "SELECT * FROM elsewhere",
        "DELETE FROM calendar_employee",
        "UPDATE sync_audit SET before = NULL",
        "UPDATE calendar_sync_audit SET after = NULL",
        "UPDATE calendar_sync_audit SET rule = 'x'",
        "DELETE FROM _sqlx_migrations",
        "INSERT INTO _sqlx_migrations (version) VALUES (99)",
        "ALTER SEQUENCE calendar_sync_audit_id_seq RESTART",
        "ALTER TYPE sync_status_enum ADD VALUE 'x'",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "SET ROLE kanzleisync_migrate",
    ] {
        let error = sqlx::raw_sql(refused).execute(&pool).await.expect_err(refused);
        // 42501: insufficient privilege; ownership is told by it, too.
        let code = error.as_database_error().and_then(|refusal| refusal.code().map(Cow::into_owned));
        assert_eq!(code.as_deref(), Some("42501"), "{refused}: {error}");
    }
    let migrate = PgPool::connect(&url_of(&world, MIGRATE)).await?;
    sqlx::raw_sql("ALTER TABLE calendar_sync ADD COLUMN next_version int").execute(&migrate).await?;
    sqlx::raw_sql("CREATE TABLE next_version (a int)").execute(&migrate).await?;
    assert!(sqlx::raw_sql("SELECT * FROM elsewhere").execute(&migrate).await.is_err());
    Ok(())
}
