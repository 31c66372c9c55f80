//! The hub of a large firm, written by SQL into the migrated tables. Entries lie there by their time, as they do where they came one by
//! one: those of one record are far apart.

use sqlx::{Connection, PgConnection};

use crate::Result;

/// Beteiligte by the state that their last run left them in, and how many there are; `None`: no run came so far. Those whose jobs are dead
/// or delayed come first.
pub(super) const STATES: [(Option<&str>, u32); 9] = [
    (Some("permanently_failed"), 4_000),
    (Some("deleted_in_advoware"), 1_000),
    (Some("conflict"), 3_000),
    (Some("failed"), 12_000),
    (Some("pending_sync"), 2_000),
    (Some("dirty"), 4_000),
    (Some("syncing"), 1_000),
    (None, 1_000),
    (Some("clean"), 72_000),
];
/// Audit entries of each record, over the year that they are kept.
pub(super) const ENTRIES_EACH: i64 = 3;
pub(super) const REQUESTS: i64 = 20_000;
pub(super) const ACTIONS: i64 = 50_000;
/// Entries, requests and actions each of the first record.
pub(super) const LONG_HISTORY: i64 = 1_000;
/// Calendar rows of each employee, and audit entries.
pub(super) const ROWS_EACH: i64 = 1_000;

/// `$1` ids, of which the first gets betnr 1; `$2` states, `$3` the last betnr of each. A tenth has findings, a hundredth was deleted.
const BETEILIGTE: &str = r#"
INSERT INTO beteiligte (espo_id, betnr, kommunikation, stammdaten, advoware_row_id, espo_modified_at, status, findings, looked_at, agreed_at,
    deleted_at)
SELECT id, n,
    '{"rows": [{"id": 4711, "kommKz": 4, "value": "vorname.nachname@bench.example"}, {"id": 4712, "kommKz": 1, "value": "+493023125178"},
        {"id": 4713, "kommKz": 3, "value": "+4917123456789"}]}',
    '{"fields": {"name": {"espocrm": ["Nachname"], "advoware": ["Nachname"]}, "vorname": {"espocrm": ["Vorname"], "advoware": ["Vorname"]},
        "anrede": {"espocrm": ["Frau"], "advoware": ["Frau"]}, "geburtsdatum": {"espocrm": ["1970-02-01"], "advoware": ["1970-02-01"]}}}',
    md5(id), now() - random() * interval '350 days',
    (SELECT state FROM unnest($2::text[], $3::bigint[]) AS of (state, up_to) WHERE n <= up_to ORDER BY up_to LIMIT 1),
    CASE WHEN n % 10 = 0 THEN '[{"kind": "overwritten_by_espo", "kommId": 4711}, {"kind": "cannot_hold", "kommId": 4712}]'::jsonb
        ELSE '[]' END,
    now() - random() * interval '12 hours', now() - random() * interval '12 hours', CASE WHEN n % 100 = 99 THEN now() END
FROM unnest($1::text[]) WITH ORDINALITY AS given (id, n)"#;

/// `$1` entries of each record, `$2` of the first.
const AUDIT: &str = r#"
INSERT INTO sync_audit (id, run_id, espo_id, betnr, target, rule, komm_id, field, before, after, at)
SELECT gen_random_uuid(), gen_random_uuid(), espo_id, betnr,
    CASE WHEN is_field THEN 'espocrm' ELSE 'advoware' END, CASE WHEN is_field THEN 'advoware_changed' ELSE 'var5' END,
    CASE WHEN NOT is_field THEN 4711 END, CASE WHEN is_field THEN 'name' END,
    CASE WHEN is_field THEN '"Nachname"'::jsonb ELSE '{"tlf": "030 23125-1", "bemerkung": "", "kommKz": 1, "online": false}' END,
    CASE WHEN is_field THEN '"Neuname"'::jsonb ELSE '{"tlf": "030 23125-2", "bemerkung": "", "kommKz": 1, "online": true}' END, at
FROM (SELECT espo_id, betnr, k % 3 = 0 AS is_field, now() - random() * interval '350 days' AS at
      FROM beteiligte, generate_series(1, CASE WHEN betnr = 1 THEN $2 ELSE $1 END) AS k) AS entry
ORDER BY at"#;

/// `$1` requests of any record, `$2` of the first.
const ASKED: &str = "
INSERT INTO sync_request (id, espo_id, kind, argument, asked_at, done_at, outcome, answer)
SELECT gen_random_uuid(), espo_id, 'decide', 'espocrm', at, at + interval '2 seconds', 'done', '1 field decided'
FROM (SELECT CASE WHEN k <= $2 THEN 1 ELSE 1 + k * 7919 % 100000 END AS betnr, now() - random() * interval '350 days' AS at
      FROM generate_series(1, $1 + $2) AS k) AS request
JOIN beteiligte USING (betnr) ORDER BY at";

/// `$1` actions on any record, `$2` on the first.
const DONE: &str = "
INSERT INTO operator_action (id, at, origin, action, flow, entity, outcome)
SELECT gen_random_uuid(), at, 'console 192.0.2.7', 'requeue', 'beteiligte', espo_id, 'done'
FROM (SELECT CASE WHEN k <= $2 THEN 1 ELSE 1 + k * 7919 % 100000 END AS betnr, now() - random() * interval '350 days' AS at
      FROM generate_series(1, $1 + $2) AS k) AS action
JOIN beteiligte USING (betnr) ORDER BY at";

/// `$1` Kürzel. A fifth has a finding, a twentieth held deletions.
const EMPLOYEES: &str = r#"
INSERT INTO calendar_employee (kuerzel, calendar_id, shared_with, rows_of_calendar, scheduled_at, looked_at, synced_at, findings,
    held_deletions)
SELECT kuerzel, calendar, 'owner@bench.example', calendar, now(), now(), now(),
    CASE WHEN n % 5 = 0 THEN '[{"kind": "odd_entry", "frNr": 1}]'::jsonb ELSE '[]' END, CASE WHEN n % 20 = 0 THEN 40 ELSE 0 END
FROM (SELECT kuerzel, n, md5(kuerzel) || '@group.calendar.google.com' AS calendar
      FROM unnest($1::text[]) WITH ORDINALITY AS given (kuerzel, n)) AS employee"#;

/// `$1` rows of each employee, whose frNr count from 1. A tenth of the employees has a row that failed.
const ROWS: &str = r"
INSERT INTO calendar_sync (employee_kuerzel, advoware_frnr, google_event_id, source_system, sync_status, last_sync, starts_at, ends_at,
    advoware_base, google_base, reason, run_id)
SELECT kuerzel, frnr, md5(frnr::text), 'advoware', CASE WHEN is_failed THEN 'failed'::sync_status_enum ELSE 'synced' END, at, at,
    at + interval '1 hour', form, form, CASE WHEN is_failed THEN 'google: 403' END, gen_random_uuid()
FROM (SELECT kuerzel, (n - 1) * $1 + k AS frnr, k = 1 AND n % 10 = 0 AS is_failed, now() - random() * interval '350 days' AS at,
        jsonb_build_object('span', jsonb_build_object('timed', jsonb_build_object('starts_at', '2026-12-01T09:00:00Z', 'ends_at',
            '2026-12-01T10:00:00Z')), 'text', 'Besprechung ' || k, 'notiz', repeat('Notiz ', 20), 'ort', 'Saal 1', 'series', null) AS form
      FROM (SELECT kuerzel, row_number() OVER (ORDER BY kuerzel) AS n FROM calendar_employee) AS employee, generate_series(1, $1) AS k) AS row
ORDER BY at";

const ROWS_AUDIT: &str = "
INSERT INTO calendar_sync_audit (sync_id, action, timestamp, audit_id, run_id, employee_kuerzel, target, advoware_frnr, google_event_id,
    rule, before, after, confirmed_at)
SELECT sync_id, 'UPDATE', last_sync, gen_random_uuid(), run_id, employee_kuerzel, 'google', advoware_frnr, google_event_id, 'update_event',
    advoware_base, google_base, last_sync
FROM calendar_sync ORDER BY last_sync";

/// Fills the tables. The first of `ids` gets betnr 1, and the long history.
pub(super) async fn fill(url: &str, ids: &[String], kuerzel: &[String]) -> Result<()> {
    let mut hub = PgConnection::connect(url).await?;
    // The same times in every run.
    sqlx::raw_sql("SELECT setseed(0.5)").execute(&mut hub).await?;
    let states: Vec<Option<&str>> = STATES.iter().map(|(state, _)| *state).collect();
    let records = STATES.iter().scan(0, |up_to, (_, records)| {
        *up_to += i64::from(*records);
        Some(*up_to)
    });
    let last_of_each: Vec<i64> = records.collect();
    sqlx::query(BETEILIGTE).bind(ids).bind(states).bind(last_of_each).execute(&mut hub).await?;
    // The planner is to know how many there are.
    sqlx::raw_sql("ANALYZE").execute(&mut hub).await?;
    for (statement, any) in [(AUDIT, ENTRIES_EACH), (ASKED, REQUESTS), (DONE, ACTIONS)] {
        sqlx::query(statement).bind(any).bind(LONG_HISTORY).execute(&mut hub).await?;
    }
    sqlx::query(EMPLOYEES).bind(kuerzel).execute(&mut hub).await?;
    sqlx::query(ROWS).bind(ROWS_EACH).execute(&mut hub).await?;
    sqlx::raw_sql(ROWS_AUDIT).execute(&mut hub).await?;
    // Autovacuum's work, which would otherwise come while pages are asked for.
    sqlx::raw_sql("VACUUM (ANALYZE)").execute(&mut hub).await?;
    hub.close().await?;
    Ok(())
}
