//! `audit rebuild-hub`: the rows of a lost hub come back from what stands in both systems, and the next sync has nothing to write (C10a).

use domain::calendar::policy::Source;
use domain::ids::{EventId, FrNr};
use harness::calendar::{Calendars, parsed, with, writes};
use harness::world::PATIENCE;
use harness::{Finished, Result};
use serde_json::{Value, json};
use shared::hub::calendar::{PolicyChange, RowView};

async fn command(calendars: &Calendars, line: &str) -> Result<Finished> {
    calendars.world.program("kanzleisync-producer")?.args(line.split(' ')).run(PATIENCE).await
}

async fn ends_with(calendars: &Calendars, code: i32, line: &str) -> Result<Value> {
    let finished = command(calendars, &format!("{line} --json")).await?;
    assert_eq!(finished.code(), Some(code), "{line}: {}{}", finished.stdout, finished.stderr);
    Ok(serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("{line}: no JSON: {}", finished.stdout)))
}

/// The living rows of all employees, as text: what a command that leaves them alone does not change.
async fn rows(calendars: &Calendars) -> Result<Vec<String>> {
    let pool = sqlx::PgPool::connect(&calendars.world.database_url).await?;
    let rows = sqlx::query_scalar("SELECT t::text FROM calendar_sync AS t WHERE NOT deleted ORDER BY sync_id");
    Ok(rows.fetch_all(&pool).await?)
}

async fn execute(calendars: &Calendars, statement: &'static str) -> Result<()> {
    let pool = sqlx::PgPool::connect(&calendars.world.database_url).await?;
    sqlx::raw_sql(statement).execute(&pool).await?;
    Ok(())
}

/// What the rows of an employee bind, and where each pair was born.
async fn pairs(calendars: &Calendars, kuerzel: &str) -> Vec<(Option<FrNr>, Option<EventId>, Source)> {
    let views = calendars.hub.rows_of_employee(&parsed(kuerzel)).await.expect("PostgreSQL answers");
    let pair = |view: RowView| (view.row.hub.frnr, view.row.hub.event, view.row.hub.source);
    let mut pairs: Vec<_> = views.into_iter().map(pair).collect();
    pairs.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
    pairs
}

fn mutating(calendars: &Calendars) -> usize {
    calendars.world.simulator.journal().mutating().len()
}

/// Two Termine and an event of the employee's own, all synced.
async fn given_synced(calendars: &Calendars, kuerzel: &str) -> Result<()> {
    calendars.given_termin(kuerzel, 1, 9, "Besprechung");
    // The same time and text twice: two pairs all the same.
    calendars.given_termin(kuerzel, 1, 9, "Besprechung");
    calendars.given_termin(kuerzel, 2, 14, "Verhandlung");
    calendars.sync(&[kuerzel]).await?;
    calendars.enter_event(kuerzel, calendars.event_fields(3, 10, "Von Hand in Google"))?;
    calendars.sync(&[kuerzel]).await?;
    Ok(())
}

async fn employees(calendars: &Calendars) -> Result<()> {
    for kuerzel in ["AI", "SB"] {
        calendars.given_employee(kuerzel).await?;
    }
    // Only the hub knows this wish.
    let hidden = PolicyChange { anonymize: Some(Some(true)), ..PolicyChange::default() };
    assert!(calendars.hub.set_policy(&parsed("AI"), &hidden).await.expect("PostgreSQL answers"));
    Ok(())
}

#[tokio::test]
async fn c10a_a_lost_hub_is_rebuilt_and_the_next_sync_writes_nothing() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    employees(&calendars).await?;
    for kuerzel in ["AI", "SB"] {
        given_synced(&calendars, kuerzel).await?;
    }
    let before = (pairs(&calendars, "AI").await, pairs(&calendars, "SB").await);
    assert_eq!((before.0.len(), before.1.len()), (4, 4));
    let events = (calendars.events("AI")?, calendars.events("SB")?);
    execute(&calendars, "TRUNCATE calendar_sync, calendar_sync_audit, calendar_employee, sync_request").await?;
    let written = mutating(&calendars);

    let dry = ends_with(&calendars, 1, "audit rebuild-hub --all").await?;
    let evidence = |employee: &Value| {
        let pairs = employee["pairs"].as_array().expect("pairs").iter();
        let mut names: Vec<_> = pairs.map(|pair| pair["evidence"].as_str().unwrap_or_default().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(evidence(&dry[0]), ["property", "property", "property", "users_text"], "{dry}");
    assert_eq!(evidence(&dry[1]), ["property", "property", "property", "users_text"], "{dry}");
    assert_eq!((&dry[0]["anonymizeComesBack"], &dry[1]["anonymizeComesBack"]), (&json!(true), &json!(false)), "{dry}");
    assert_eq!(rows(&calendars).await?, Vec::<String>::new(), "a dry run writes nothing");
    assert!(calendars.hub.employees().await.expect("PostgreSQL answers").is_empty());

    let applied = ends_with(&calendars, 0, "audit rebuild-hub --all --apply").await?;
    assert_eq!(
        (&applied[0]["outcome"]["outcome"], &applied[1]["outcome"]["outcome"]),
        (&json!("done"), &json!("done"))
    );
    calendars.run_until_quiet().await?;
    assert_eq!((pairs(&calendars, "AI").await, pairs(&calendars, "SB").await), before, "as they were, and born there");
    assert_eq!(mutating(&calendars), written, "neither side was written to");
    assert_eq!(calendars.employee("AI").await?.policy.anonymize, Some(true), "the copies say so");
    assert_eq!(calendars.employee("SB").await?.policy.anonymize, None);

    let rebuilt = rows(&calendars).await?;
    let again = ends_with(&calendars, 0, "audit rebuild-hub --all --apply").await?;
    assert_eq!((&again[0]["pairs"], &again[1]["outcome"]), (&json!([]), &Value::Null), "{again}");
    assert_eq!(rows(&calendars).await?, rebuilt, "the second rebuild changes nothing");

    for kuerzel in ["AI", "SB"] {
        let calls = calendars.sync(&[kuerzel]).await?;
        let shared: Vec<_> =
            writes(&calls).into_iter().filter(|call| *call != simulator::Operation::GoogleAclInsert).collect();
        assert_eq!(shared, [], "{kuerzel}: nothing to write");
        calendars.then_silent(kuerzel).await?;
    }
    assert_eq!((calendars.events("AI")?, calendars.events("SB")?), events);
    // Born in Google it stays: what its user changes there goes to Advoware.
    let born = before.1.iter().find(|(.., source)| *source == Source::Google).and_then(|(_, event, _)| event.clone());
    let born = born.expect("one was born in Google");
    calendars.change_event("SB", born.as_str(), json!({"summary": "Umbenannt"}))?;
    calendars.sync(&["SB"]).await?;
    calendars.then_agreed_and_silent("SB").await
}

#[tokio::test]
async fn c10a_of_a_half_lost_hub_only_what_is_lost_comes_back_and_what_cannot_be_proven_is_told() -> Result<()> {
    let calendars = Calendars::start().await?;
    let worker = calendars.world.worker().await?;
    employees(&calendars).await?;
    for kuerzel in ["AI", "SB"] {
        given_synced(&calendars, kuerzel).await?;
    }
    let before = (pairs(&calendars, "AI").await, pairs(&calendars, "SB").await);
    execute(
        &calendars,
        "DELETE FROM calendar_sync WHERE source_system = 'google' OR sync_id IN (SELECT min(sync_id::text)::uuid FROM calendar_sync \
         WHERE source_system = 'advoware' GROUP BY employee_kuerzel)",
    )
    .await?;
    let kept = rows(&calendars).await?;
    // A blocked copy whose property names nobody's Termin: where it is from cannot be known.
    let stray = with(
        calendars.event_fields(5, 9, "Advoware blocked"),
        json!({"extendedProperties": {"private": {"kanzleisync": "0123456789abcdef0123456789abcdef"}}}),
    );
    let calendar = calendars.calendar_id("AI")?;
    let stray = calendars.world.simulator.google().seed(&calendar, stray).expect("Google takes the event");

    let dry = ends_with(&calendars, 1, "audit rebuild-hub AI SB").await?;
    let count = |employee: &Value| employee["pairs"].as_array().map_or(0, Vec::len);
    assert_eq!((count(&dry[0]), count(&dry[1]), &dry[0]["unproven"]), (2, 2, &json!([stray])), "{dry}");
    let text = command(&calendars, "audit rebuild-hub AI").await?.stdout;
    assert!(text.contains("cannot be proven") && text.contains("--apply"), "{text}");
    assert_eq!(rows(&calendars).await?, kept, "a dry run writes nothing");

    let written = mutating(&calendars);
    ends_with(&calendars, 1, "audit rebuild-hub AI --apply").await?;
    ends_with(&calendars, 0, "audit rebuild-hub SB --apply").await?;
    calendars.run_until_quiet().await?;
    assert_eq!((pairs(&calendars, "AI").await, pairs(&calendars, "SB").await), before);
    let of_employee = |row: &&String| row.contains(",AI,");
    let now = rows(&calendars).await?;
    assert!(kept.iter().filter(of_employee).all(|row| now.contains(row)), "rows that were there are as they were");
    assert_eq!(mutating(&calendars), written, "neither side was written to");
    for kuerzel in ["AI", "SB"] {
        assert_eq!(writes(&calendars.sync(&[kuerzel]).await?), [], "{kuerzel}: nothing to write");
    }
    let left = calendars.world.simulator.google().events(&calendar);
    assert!(left.iter().any(|event| event["id"] == stray.as_str()), "nothing is deleted");

    // Only a worker does it, under the employee's lease; what nobody began is taken back.
    drop(worker);
    execute(&calendars, "DELETE FROM calendar_sync WHERE employee_kuerzel = 'SB'").await?;
    let kept = rows(&calendars).await?;
    let unanswered = command(&calendars, "audit rebuild-hub SB --apply --wait 1s").await?;
    assert_eq!(unanswered.code(), Some(2), "{}", unanswered.stdout);
    assert!(calendars.hub.calendar_request(&parsed("SB")).await.expect("PostgreSQL answers").is_none(), "taken back");
    assert_eq!(rows(&calendars).await?, kept);
    Ok(())
}

#[tokio::test]
async fn c7_copies_that_were_blocked_stay_so_when_the_hub_that_said_it_is_lost() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    employees(&calendars).await?;
    calendars.given_termin("AI", 1, 9, "Besprechung");
    calendars.sync(&["AI"]).await?;
    let blocked = calendars.events("AI")?;
    calendars.lose_hub().await?;
    // No rebuild, and nobody has set the policy again.
    calendars.given_termin("AI", 2, 9, "Neu");
    calendars.sync(&["AI"]).await?;
    let texts: Vec<String> = calendars.events("AI")?.into_iter().map(|event| event.text).collect();
    assert_eq!(texts, ["Advoware blocked", "Advoware blocked"], "before: {blocked:?}");
    assert_eq!(calendars.employee("AI").await?.policy.anonymize, Some(true));
    calendars.then_silent("AI").await
}

#[tokio::test]
async fn c10a_under_another_key_a_copy_is_known_by_what_it_says_and_a_blocked_one_is_not() -> Result<()> {
    let calendars = Calendars::start().await?;
    let _worker = calendars.world.worker().await?;
    employees(&calendars).await?;
    calendars.sync(&["SB", "AI"]).await?;
    let mark = json!({"extendedProperties": {"private": {"kanzleisync": "0123456789abcdef0123456789abcdef"}}});
    for (kuerzel, text) in [("SB", "Besprechung"), ("AI", "Advoware blocked")] {
        calendars.given_termin(kuerzel, 1, 9, "Besprechung");
        let copy = with(calendars.event_fields(1, 9, text), mark.clone());
        calendars
            .world
            .simulator
            .google()
            .seed(&calendars.calendar_id(kuerzel)?, copy)
            .expect("Google takes the event");
    }
    let applied = ends_with(&calendars, 1, "audit rebuild-hub SB AI --apply").await?;
    let pair = &applied[0]["pairs"][0];
    assert_eq!((&pair["evidence"], &pair["source"]), (&json!("our_text"), &json!("advoware")), "{applied}");
    assert_eq!((&applied[1]["pairs"], applied[1]["unproven"].as_array().map(Vec::len)), (&json!([]), Some(1)));
    calendars.run_until_quiet().await?;
    assert_eq!(writes(&calendars.sync(&["SB"]).await?), [], "nothing is doubled");
    calendars.then_agreed_and_silent("SB").await
}
