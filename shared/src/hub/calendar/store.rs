//! Rows of `calendar_sync`, written: each operation in one statement, the row together with its audit entry (C11).

use chrono::{DateTime, Utc};
use domain::calendar::Standard;
use domain::calendar::plan::{Intent, RowId};
use domain::calendar::policy::SyncStrategy;
use domain::ids::{EventId, Kuerzel};
use serde_json::Value;
use sqlx::Row;
use uuid::Uuid;

use super::audit::{CalendarTarget, action};
use super::forms::{from_intent, from_standard};
use super::rows::CalendarRow;
use crate::hub::{Hub, HubError};
use crate::traces::HubWrite;

/// A row as it is to be stored, whole: while a run holds its employee, what it has in memory is the row.
#[derive(Clone, Copy, Debug)]
pub struct Saved<'a> {
    /// The run that writes it.
    pub run_id: Uuid,
    /// Whose row.
    pub kuerzel: &'a Kuerzel,
    /// Its id.
    pub id: RowId,
    /// What is stored.
    pub row: &'a CalendarRow,
    /// Its pair is gone.
    pub deleted: bool,
    /// Whether the run begins something with it; else it must have done so before.
    pub takes_over: bool,
    /// As the run finds it, for people (C1).
    pub strategy: SyncStrategy,
    /// As the run finds it, for people (C1).
    pub advoware_write_allowed: bool,
    /// `last_sync`: when the source says that it was changed, else when it was agreed.
    pub last_sync: DateTime<Utc>,
    /// When it is stored.
    pub now: DateTime<Utc>,
}

/// A change of one side that is about to be made (K10).
#[derive(Clone, Copy, Debug)]
pub struct Begun<'a> {
    /// Name of the entry.
    pub audit_id: Uuid,
    /// The side that is written to.
    pub target: CalendarTarget,
    /// Name of the plan's step.
    pub rule: &'static str,
    /// What that side says now; `None` where it has nothing.
    pub before: Option<&'a Standard>,
    /// What it is to say; `None` where it is removed.
    pub after: Option<&'a Standard>,
    /// It has happened already.
    pub is_confirmed: bool,
}

/// What both sides of an agreed row say, and its versions, where nothing was written.
#[derive(Clone, Debug)]
pub struct Settled {
    /// Its id.
    pub id: RowId,
    /// The row, agreed.
    pub row: CalendarRow,
    /// As in [`Saved`].
    pub last_sync: DateTime<Utc>,
}

/// Begin and end of all that the row speaks of.
fn reach(row: &CalendarRow, now: DateTime<Utc>) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
    let begun = match &row.hub.intent {
        Some(
            Intent::CreateEvent(form)
            | Intent::CreateTermin(form)
            | Intent::UpdateEvent(form)
            | Intent::UpdateTermin(form),
        ) => Some(form),
        Some(Intent::DeleteEvent | Intent::DeleteTermin) | None => None,
    };
    let forms = || [row.hub.advoware_base.as_ref(), row.hub.google_base.as_ref(), begun].into_iter().flatten();
    let starts_at = forms().map(Standard::starts_at).min().unwrap_or(now);
    let ends: Option<Vec<_>> = forms().map(Standard::ends_at).collect();
    (starts_at, ends.map(|ends| ends.into_iter().max().unwrap_or(now)))
}

const SAVE: &str = "
WITH saved AS (
    INSERT INTO calendar_sync (sync_id, employee_kuerzel, advoware_frnr, google_event_id, source_system, sync_strategy, sync_status,
        advoware_write_allowed, deleted, last_sync, created_at, starts_at, ends_at, advoware_base, google_base, google_etag,
        advoware_changed_at, intent, retry_count, next_retry_at, reason, run_id)
    VALUES ($1, $2, $3, $4, $5::source_system_enum, $6::sync_strategy_enum, $7::sync_status_enum, $8, $9, $10, $11, $12, $13, $14, $15,
        $16, $17, $18, $19, $20, $21, $22)
    ON CONFLICT (sync_id) DO UPDATE SET
        advoware_frnr = EXCLUDED.advoware_frnr, google_event_id = EXCLUDED.google_event_id, sync_strategy = EXCLUDED.sync_strategy,
        sync_status = EXCLUDED.sync_status, advoware_write_allowed = EXCLUDED.advoware_write_allowed, deleted = EXCLUDED.deleted,
        last_sync = EXCLUDED.last_sync, starts_at = EXCLUDED.starts_at, ends_at = EXCLUDED.ends_at,
        advoware_base = EXCLUDED.advoware_base, google_base = EXCLUDED.google_base, google_etag = EXCLUDED.google_etag,
        advoware_changed_at = EXCLUDED.advoware_changed_at, intent = EXCLUDED.intent, retry_count = EXCLUDED.retry_count,
        next_retry_at = EXCLUDED.next_retry_at, reason = EXCLUDED.reason, run_id = EXCLUDED.run_id
    WHERE calendar_sync.deleted = FALSE AND (calendar_sync.run_id = EXCLUDED.run_id OR $23)
    RETURNING sync_id
), confirmed AS (
    UPDATE calendar_sync_audit SET confirmed_at = $11, advoware_frnr = $3, google_event_id = $4
    WHERE audit_id = $24 AND EXISTS (SELECT 1 FROM saved)
), begun AS (
    INSERT INTO calendar_sync_audit (sync_id, action, timestamp, audit_id, run_id, employee_kuerzel, target, advoware_frnr,
        google_event_id, rule, before, after, confirmed_at)
    SELECT sync_id, $26, $11, $25, $22, $2, $27, $3, $4, $28, $29, $30, CASE WHEN $31 THEN $11 END FROM saved WHERE $25 IS NOT NULL
)
SELECT count(*) FROM saved";

impl Hub {
    /// Stores a row, with the entry of what is begun or the confirmation of what was. `false`: another run has written it since, or its
    /// pair was found gone; nothing was stored. Only a run that begins something takes a row over.
    pub async fn save_row(
        &self,
        saved: &Saved<'_>,
        begun: Option<Begun<'_>>,
        confirms: Option<Uuid>,
    ) -> Result<bool, HubError> {
        let hub = &saved.row.hub;
        let (starts_at, ends_at) = reach(saved.row, saved.now);
        let action = begun.map(|begun| action(begun.before.is_some(), begun.after.is_some()));
        let stored: i64 = sqlx::query_scalar(SAVE)
            .bind(Uuid::from_u128(saved.id.0))
            .bind(saved.kuerzel.as_str())
            .bind(hub.frnr.map(|frnr| frnr.0))
            .bind(hub.event.as_ref().map(EventId::as_str))
            .bind(hub.source.name())
            .bind(saved.strategy.name())
            .bind(saved.row.status.name())
            .bind(saved.advoware_write_allowed)
            .bind(saved.deleted)
            .bind(saved.last_sync)
            .bind(saved.now)
            .bind(starts_at)
            .bind(ends_at)
            .bind(hub.advoware_base.as_ref().map(from_standard))
            .bind(hub.google_base.as_ref().map(from_standard))
            .bind(&hub.etag)
            .bind(saved.row.advoware_changed_at)
            .bind(hub.intent.as_ref().map(from_intent))
            .bind(i32::try_from(saved.row.retry.failures).unwrap_or(i32::MAX))
            .bind(saved.row.retry.due_at)
            .bind(&saved.row.retry.reason)
            .bind(saved.run_id)
            .bind(saved.takes_over)
            .bind(confirms)
            .bind(begun.map(|begun| begun.audit_id))
            .bind(action)
            .bind(begun.map(|begun| begun.target.name()))
            .bind(begun.map(|begun| begun.rule))
            .bind(begun.and_then(|begun| begun.before).map(from_standard))
            .bind(begun.and_then(|begun| begun.after).map(from_standard))
            .bind(begun.is_some_and(|begun| begun.is_confirmed))
            .fetch_one(&self.pool)
            .traced("save_row")
            .await?;
        Ok(stored == 1)
    }

    /// Stores what was found to be agreed, for any number of rows in one statement: nothing was written to either side, so there is no
    /// operation to keep apart. A row that another run has written since it was read is left alone.
    pub async fn settle_rows(&self, run_id: Uuid, rows: &[Settled], now: DateTime<Utc>) -> Result<u64, HubError> {
        if rows.is_empty() {
            return Ok(0);
        }
        let each =
            |value: fn(&CalendarRow) -> Option<Value>| rows.iter().map(|row| value(&row.row)).collect::<Vec<_>>();
        let reaches: Vec<_> = rows.iter().map(|row| reach(&row.row, now)).collect();
        let done = sqlx::query(
            "UPDATE calendar_sync SET advoware_base = u.advoware_base, google_base = u.google_base, google_etag = u.etag,
                advoware_changed_at = u.changed_at, last_sync = u.last_sync, starts_at = u.starts_at, ends_at = u.ends_at,
                sync_status = 'synced', intent = NULL, retry_count = 0, next_retry_at = NULL, reason = NULL, run_id = $9
             FROM UNNEST($1::uuid[], $2::jsonb[], $3::jsonb[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
                $8::timestamptz[], $10::uuid[])
                AS u (sync_id, advoware_base, google_base, etag, changed_at, last_sync, starts_at, ends_at, run_id)
             WHERE calendar_sync.sync_id = u.sync_id AND calendar_sync.deleted = FALSE AND calendar_sync.run_id = u.run_id",
        )
        .bind(rows.iter().map(|row| Uuid::from_u128(row.id.0)).collect::<Vec<_>>())
        .bind(each(|row| row.hub.advoware_base.as_ref().map(from_standard)))
        .bind(each(|row| row.hub.google_base.as_ref().map(from_standard)))
        .bind(rows.iter().map(|row| row.row.hub.etag.clone()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.row.advoware_changed_at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.last_sync).collect::<Vec<_>>())
        .bind(reaches.iter().map(|reach| reach.0).collect::<Vec<_>>())
        .bind(reaches.iter().map(|reach| reach.1).collect::<Vec<_>>())
        .bind(run_id)
        .bind(rows.iter().map(|row| row.row.run_id).collect::<Vec<_>>())
        .execute(&self.pool)
        .traced("settle_rows")
        .await?;
        Ok(done.rows_affected())
    }

    /// Lets failed rows of an employee be tried again at once, counters reset. Answers how many.
    pub async fn reset_rows(&self, kuerzel: &Kuerzel) -> Result<u64, HubError> {
        let done = sqlx::query(
            "UPDATE calendar_sync SET retry_count = 0, next_retry_at = NULL
             WHERE employee_kuerzel = $1 AND deleted = FALSE AND sync_status = 'failed'",
        );
        Ok(done.bind(kuerzel.as_str()).execute(&self.pool).await?.rows_affected())
    }

    /// How many living rows there are in each status, over all employees.
    pub async fn count_calendar_rows(&self) -> Result<Vec<(String, i64)>, HubError> {
        let query =
            "SELECT sync_status::text AS status, count(*) AS rows FROM calendar_sync WHERE deleted = FALSE GROUP BY 1";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((row.try_get("status")?, row.try_get("rows")?))).collect()
    }
}
