//! Rows of `calendar_sync`, read.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::calendar::PLACEHOLDER;
use domain::calendar::plan::{HubRow, RowId};
use domain::calendar::policy::Source;
use domain::ids::{EventId, FrNr, Kuerzel};
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::forms::{to_intent, to_standard};
use crate::hub::{Hub, HubError};

/// A row that is not deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarRow {
    /// What a plan stands on.
    pub hub: HubRow,
    /// Whether its last write came through.
    pub status: RowStatus,
    /// Failures in a row.
    pub retry: Retry,
    /// `zuletztGeaendertAm` of the Termin when the row was last agreed.
    pub advoware_changed_at: Option<DateTime<Utc>>,
    /// The run that wrote it last.
    pub run_id: Uuid,
}

/// `sync_status` of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowStatus {
    /// Something was begun and not confirmed.
    Pending,
    /// Agreed.
    Synced,
    /// What was begun was refused; tried again later.
    Failed,
}

/// How often a row has failed since it was last agreed, and when it may be tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    /// Failures in a row.
    pub failures: u32,
    /// `None`: at once.
    pub due_at: Option<DateTime<Utc>>,
    /// Why the last try failed; no values.
    pub reason: Option<String>,
}

/// A row as commands show it.
#[derive(Clone, Debug, PartialEq)]
pub struct RowView {
    /// Its id.
    pub id: RowId,
    /// Whose.
    pub kuerzel: String,
    /// Soft-deleted: its pair is gone on both sides.
    pub deleted: bool,
    /// What it says.
    pub row: CalendarRow,
    /// Reach of the entry.
    pub starts_at: DateTime<Utc>,
    /// `None`: a series without end.
    pub ends_at: Option<DateTime<Utc>>,
    /// `last_sync`.
    pub last_sync: Option<DateTime<Utc>>,
}

impl RowStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Synced, Self::Failed];

    /// Its name in the hub.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Synced => "synced",
            Self::Failed => "failed",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl CalendarRow {
    /// A row to be begun.
    pub fn new(source: Source, frnr: Option<FrNr>, event: Option<EventId>) -> Self {
        let hub = HubRow { source, frnr, event, advoware_base: None, google_base: None, etag: None, intent: None };
        let retry = Retry::default();
        Self { hub, status: RowStatus::Pending, retry, advoware_changed_at: None, run_id: Uuid::nil() }
    }

    fn read(row: &PgRow) -> Result<Self, HubError> {
        let form = |name: &str| row.try_get::<Option<Value>, _>(name)?.map(to_standard).transpose();
        let source: &str = row.try_get("source")?;
        let status: &str = row.try_get("status")?;
        let event: Option<String> = row.try_get("google_event_id")?;
        let event = event.as_deref().map(EventId::parse).transpose();
        let hub = HubRow {
            source: Source::parse(source).ok_or(HubError::Unreadable("source_system"))?,
            frnr: row.try_get::<Option<i64>, _>("advoware_frnr")?.map(FrNr),
            event: event.map_err(|_| HubError::Unreadable("google_event_id"))?,
            advoware_base: form("advoware_base")?,
            google_base: form("google_base")?,
            etag: row.try_get("google_etag")?,
            intent: row.try_get::<Option<Value>, _>("intent")?.map(to_intent).transpose()?,
        };
        let failures: i32 = row.try_get("retry_count")?;
        let retry = Retry {
            failures: u32::try_from(failures).unwrap_or_default(),
            due_at: row.try_get("next_retry_at")?,
            reason: row.try_get("reason")?,
        };
        Ok(Self {
            hub,
            status: RowStatus::parse(status).ok_or(HubError::Unreadable("sync_status"))?,
            retry,
            advoware_changed_at: row.try_get("advoware_changed_at")?,
            run_id: row.try_get("run_id")?,
        })
    }
}

/// Enums as text, so that they are read here and nowhere else.
const COLUMNS: &str = "sync_id, employee_kuerzel, source_system::text AS source, sync_status::text AS status, deleted, advoware_frnr,
    google_event_id, advoware_base, google_base, google_etag, advoware_changed_at, intent, retry_count, next_retry_at, reason,
    starts_at, ends_at, last_sync, run_id";

impl RowView {
    fn read(row: &PgRow) -> Result<Self, HubError> {
        Ok(Self {
            id: row_id(row)?,
            kuerzel: row.try_get("employee_kuerzel")?,
            deleted: row.try_get("deleted")?,
            row: CalendarRow::read(row)?,
            starts_at: row.try_get("starts_at")?,
            ends_at: row.try_get("ends_at")?,
            last_sync: row.try_get("last_sync")?,
        })
    }
}

fn row_id(row: &PgRow) -> Result<RowId, HubError> {
    Ok(RowId(row.try_get::<Uuid, _>("sync_id")?.as_u128()))
}

impl Hub {
    /// The live rows of an employee that meet the window `from` to `to`, that are not agreed, or whose Termin or event is among those named, and
    /// with `blocks_all` those whose copies still tell what their Termine say (C7): all that a run may have to do with, in one query.
    pub async fn calendar_rows(
        &self,
        kuerzel: &Kuerzel,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        frnrs: &[FrNr],
        events: &[EventId],
        blocks_all: bool,
    ) -> Result<Vec<(RowId, CalendarRow)>, HubError> {
        let text = format!(
            "SELECT {COLUMNS} FROM calendar_sync
             WHERE employee_kuerzel = $1 AND deleted = FALSE
               AND ((starts_at < $3 AND (ends_at IS NULL OR ends_at > $2 OR starts_at >= $2))
                    OR sync_status <> 'synced' OR advoware_frnr = ANY($4) OR google_event_id = ANY($5)
                    OR ($6 AND source_system = 'advoware' AND google_base->>'text' <> $7))"
        );
        let frnrs: Vec<i64> = frnrs.iter().map(|frnr| frnr.0).collect();
        let events: Vec<&str> = events.iter().map(EventId::as_str).collect();
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(kuerzel.as_str()).bind(from).bind(to);
        let rows = query.bind(frnrs).bind(events).bind(blocks_all).bind(PLACEHOLDER).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((row_id(row)?, CalendarRow::read(row)?))).collect()
    }

    /// Rows of any employee with this Termin, the living first, then the latest.
    pub async fn rows_of_frnr(&self, frnr: FrNr) -> Result<Vec<RowView>, HubError> {
        self.row_views("advoware_frnr = $1", |query| query.bind(frnr.0)).await
    }

    /// Rows of any employee with this event, the living first, then the latest.
    pub async fn rows_of_event(&self, event: &EventId) -> Result<Vec<RowView>, HubError> {
        self.row_views("google_event_id = $1", |query| query.bind(event.as_str().to_owned())).await
    }

    /// Those of `events` that living rows of other employees bind: a calendar may have been given to several.
    pub async fn bound_to_others(&self, kuerzel: &Kuerzel, events: &[EventId]) -> Result<BTreeSet<EventId>, HubError> {
        let events: Vec<&str> = events.iter().map(EventId::as_str).collect();
        let query = sqlx::query_scalar(
            "SELECT DISTINCT google_event_id FROM calendar_sync
             WHERE google_event_id = ANY($2) AND deleted = FALSE AND employee_kuerzel <> $1",
        );
        let found: Vec<String> = query.bind(kuerzel.as_str()).bind(events).fetch_all(&self.pool).await?;
        let read = |event: &String| EventId::parse(event).map_err(|_| HubError::Unreadable("google_event_id"));
        found.iter().map(read).collect()
    }

    /// All living rows of an employee.
    pub async fn rows_of_employee(&self, kuerzel: &Kuerzel) -> Result<Vec<RowView>, HubError> {
        let condition = "employee_kuerzel = $1 AND deleted = FALSE";
        self.row_views(condition, |query| query.bind(kuerzel.as_str().to_owned())).await
    }

    /// One row, living or not.
    pub async fn calendar_row(&self, id: RowId) -> Result<Option<RowView>, HubError> {
        let found = self.row_views("sync_id = $1", |query| query.bind(Uuid::from_u128(id.0))).await?;
        Ok(found.into_iter().next())
    }

    async fn row_views<'q>(
        &self,
        condition: &str,
        bind: impl FnOnce(Query<'q>) -> Query<'q>,
    ) -> Result<Vec<RowView>, HubError> {
        let text =
            format!("SELECT {COLUMNS} FROM calendar_sync WHERE {condition} ORDER BY deleted, created_at DESC, sync_id");
        let rows = bind(sqlx::query(sqlx::AssertSqlSafe(text))).fetch_all(&self.pool).await?;
        rows.iter().map(RowView::read).collect()
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;
