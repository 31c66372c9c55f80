//! The hub of a large firm, written by SQL into the migrated tables. Entries lie there by their time, as they do where they came one by
//! one: those of one record are far apart.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::Result;

/// Beteiligte by the state that their last run left them in, and how many there are; `None`: no run came so far. Those whose jobs are dead
/// or delayed come first.
pub(super) const STATES: [(Option<&str>, usize); 9] = [
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
pub(super) const ENTRIES_EACH: usize = 3;
pub(super) const REQUESTS: usize = 20_000;
pub(super) const ACTIONS: usize = 50_000;
/// Entries, requests and actions each of the one record with a long history.
pub(super) const LONG_HISTORY: usize = 1_000;
/// Calendar rows of each employee, and audit entries.
pub(super) const ROWS_EACH: usize = 1_000;
/// A state's own number of its first record: `betnr` of the record at that place of the ids.
pub(super) const FIRST_BETNR: i64 = 100_000;
pub(super) const FIRST_FRNR: i64 = 500_000;

const KOMMUNIKATION: &str = r#"{"rows": [{"id": 4711, "kommKz": 4, "value": "vorname.nachname@bench.example"},
    {"id": 4712, "kommKz": 1, "value": "+493023125178"}, {"id": 4713, "kommKz": 3, "value": "+4917123456789"}]}"#;
const STAMMDATEN: &str = r#"{"fields": {"name": {"espocrm": ["Nachname"], "advoware": ["Nachname"]},
    "vorname": {"espocrm": ["Vorname"], "advoware": ["Vorname"]}, "anrede": {"espocrm": ["Frau"], "advoware": ["Frau"]},
    "geburtsdatum": {"espocrm": ["1970-02-01"], "advoware": ["1970-02-01"]}}}"#;
const FINDINGS: &str = r#"[{"kind": "overwritten_by_espo", "kommId": 4711}, {"kind": "cannot_hold", "kommId": 4712}]"#;
const FORM: &str = r#"jsonb_build_object('span', jsonb_build_object('timed', jsonb_build_object('starts_at', '2026-12-01T09:00:00Z',
    'ends_at', '2026-12-01T10:00:00Z')), 'text', 'Besprechung ' || k, 'notiz', repeat('Notiz ', 20), 'ort', 'Saal 1', 'series', null)"#;

/// Fills the tables; `ids[long]` gets the long history.
pub(super) async fn fill(url: &str, ids: &[String], long: usize, kuerzel: &[String]) -> Result<()> {
    let mut hub = PgConnection::connect(url).await?;
    let mut arms = String::new();
    let mut up_to = 0;
    for (state, records) in STATES {
        up_to += records;
        let state = state.map_or_else(|| "NULL".to_owned(), |state| format!("'{state}'"));
        arms.push_str(&format!("WHEN n <= {up_to} THEN {state} "));
    }
    let given = "unnest($1::text[]) WITH ORDINALITY AS given (id, n)";
    // Seconds of a year, without order.
    let ago = |number: &str| format!("now() - ({number} % 31000000) * interval '1 second'");
    let one_of = |number: &str, length: &str| format!("(({number}) % {length}) + 1");
    let (at, other) = (ago("(n * 7919 + k * 10476929)"), one_of("k * 7919", "array_length($1::text[], 1)"));
    let uuid = "gen_random_uuid()";
    let change = r#"'{"tlf": "030 23125-1", "bemerkung": "", "kommKz": 1, "online": false}'::jsonb"#;
    let entry = format!(
        "INSERT INTO sync_audit (id, run_id, espo_id, betnr, target, rule, komm_id, field, before, after, at)
         SELECT {uuid}, {uuid}, id, {FIRST_BETNR} + n, CASE WHEN k % 2 = 0 THEN 'espocrm' ELSE 'advoware' END,
            CASE WHEN k % 3 = 0 THEN 'espocrm_changed' ELSE 'var6' END, CASE WHEN k % 3 <> 0 THEN 4711 END,
            CASE WHEN k % 3 = 0 THEN 'name' END, CASE WHEN k % 3 = 0 THEN '\"Nachname\"'::jsonb ELSE {change} END,
            CASE WHEN k % 3 = 0 THEN '\"Neuer\"'::jsonb ELSE {change} END, {at}"
    );
    let request = format!(
        "INSERT INTO sync_request (id, espo_id, kind, argument, asked_at, done_at, outcome, answer)
         SELECT {uuid}, id, 'decide', 'espocrm', at, at + interval '2 seconds', 'done', 'decided: 1 field' FROM (SELECT id, {at} AS at"
    );
    let action = "INSERT INTO operator_action (id, at, origin, action, flow, entity, detail, outcome)
         SELECT gen_random_uuid(), at, 'console 192.0.2.7', 'requeue', 'beteiligte', id, NULL, 'done'";
    let long_one = format!("(SELECT ($1::text[])[{}] AS id, {}::bigint AS n) AS given", long + 1, long + 1);
    let any = |number: usize| {
        format!("(SELECT k, ($1::text[])[{other}] AS id, k AS n FROM generate_series(1::bigint, {number}) k) AS given")
    };
    let each = |number: usize| format!("generate_series(1::bigint, {number}) k");
    let of_ids = [
        format!(
            "INSERT INTO beteiligte (espo_id, betnr, kommunikation, stammdaten, advoware_row_id, espo_modified_at, status, findings, looked_at,
                agreed_at, deleted_at)
             SELECT id, {FIRST_BETNR} + n, '{KOMMUNIKATION}', '{STAMMDATEN}', md5(id), {}, CASE {arms}END,
                CASE WHEN n % 10 = 0 THEN '{FINDINGS}'::jsonb ELSE '[]' END, now() - (n % 40000) * interval '1 second',
                now() - (n % 40000) * interval '1 second', CASE WHEN n % 100 = 99 THEN now() END
             FROM {given} ORDER BY n",
            ago("n * 7919")
        ),
        format!(
            "{entry} FROM {given}, {} UNION ALL {} FROM {long_one}, {} ORDER BY at",
            each(ENTRIES_EACH),
            entry.split_once("SELECT").map_or_else(String::new, |(_, select)| format!("SELECT{select}")),
            each(LONG_HISTORY)
        ),
        format!("{request} FROM {}) AS asked ORDER BY at", any(REQUESTS)),
        format!("{request} FROM {long_one}, {}) AS asked ORDER BY at", each(LONG_HISTORY)),
        format!("{action} FROM (SELECT id, {at} AS at FROM {}) AS done ORDER BY at", any(ACTIONS)),
        format!("{action} FROM (SELECT id, {at} AS at FROM {long_one}, {}) AS done ORDER BY at", each(LONG_HISTORY)),
    ];
    for statement in of_ids {
        sqlx::query(AssertSqlSafe(statement)).bind(ids).execute(&mut hub).await?;
    }
    let per_employee = each(ROWS_EACH);
    let of_employees = [
        format!(
            "INSERT INTO calendar_employee (kuerzel, calendar_id, shared_with, rows_of_calendar, scheduled_at, looked_at, synced_at, findings,
                held_deletions)
             SELECT id, md5(id) || '@group.calendar.google.com', 'owner@bench.example', md5(id) || '@group.calendar.google.com', now(), now(),
                now(), CASE WHEN n % 5 = 0 THEN '[{{\"kind\": \"odd_entry\", \"frNr\": 500001}}]'::jsonb ELSE '[]' END,
                CASE WHEN n % 20 = 0 THEN 40 ELSE 0 END
             FROM {given}"
        ),
        format!(
            "INSERT INTO calendar_sync (employee_kuerzel, advoware_frnr, google_event_id, source_system, sync_status, last_sync, starts_at,
                ends_at, advoware_base, google_base, reason, run_id)
             SELECT id, {FIRST_FRNR} + (n - 1) * {ROWS_EACH} + k, md5(id || k), 'advoware',
                CASE WHEN k = 1 AND n % 10 = 0 THEN 'failed'::sync_status_enum ELSE 'synced' END, now(), {at}, {at} + interval '1 hour',
                {FORM}, {FORM}, CASE WHEN k = 1 AND n % 10 = 0 THEN 'google: 403' END, {uuid}
             FROM {given}, {per_employee} ORDER BY k, n"
        ),
        format!(
            "INSERT INTO calendar_sync_audit (sync_id, action, timestamp, audit_id, run_id, employee_kuerzel, target, advoware_frnr,
                google_event_id, rule, before, after, confirmed_at)
             SELECT sync_id, 'UPDATE', at, {uuid}, {uuid}, employee_kuerzel, 'google', advoware_frnr, google_event_id, 'update_event',
                advoware_base, google_base, at
             FROM (SELECT *, starts_at AS at FROM calendar_sync) AS row ORDER BY at"
        ),
    ];
    for statement in of_employees {
        let query = sqlx::query(AssertSqlSafe(statement.clone()));
        let query = if statement.contains("$1") { query.bind(kuerzel) } else { query };
        query.execute(&mut hub).await?;
    }
    // Autovacuum's work, which would otherwise come while pages are asked for.
    sqlx::raw_sql("VACUUM (ANALYZE)").execute(&mut hub).await?;
    hub.close().await?;
    Ok(())
}
