//! `calendar_sync_audit`, read: what runs changed on either side.

use chrono::{DateTime, Utc};
use domain::calendar::Standard;
use domain::calendar::plan::RowId;
use domain::ids::{EventId, FrNr, Kuerzel};
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::forms::{from_standard, to_standard};
use crate::hub::{Hub, HubError};
use crate::traces::HubWrite;

/// A side that is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CalendarTarget {
    /// Advoware.
    Advoware,
    /// Google Calendar.
    Google,
}

impl CalendarTarget {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Advoware, Self::Google];

    /// Its name in the hub.
    pub fn name(self) -> &'static str {
        match self {
            Self::Advoware => "advoware",
            Self::Google => "google",
        }
    }
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarAuditView {
    /// Its name.
    pub id: Uuid,
    /// All entries of one run share it.
    pub run_id: Uuid,
    /// The row that it is about.
    pub row: RowId,
    /// Whose.
    pub kuerzel: Kuerzel,
    /// INSERT, UPDATE or DELETE.
    pub action: String,
    /// The side that was written to.
    pub target: CalendarTarget,
    /// The row's Termin, where it had one.
    pub frnr: Option<FrNr>,
    /// The row's event, where it had one.
    pub event: Option<EventId>,
    /// Why.
    pub rule: String,
    /// What was there.
    pub before: Option<Standard>,
    /// What was to be there.
    pub after: Option<Standard>,
    /// When it was begun.
    pub at: DateTime<Utc>,
    /// When it was confirmed; `None`: what came of it is not known, or it was overtaken.
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// A change of one side that is about to be made beside any row: what an operator asked for.
#[derive(Clone, Copy, Debug)]
pub struct Noted<'a> {
    /// Shared by all entries of one request.
    pub run_id: Uuid,
    /// The row that it is about, living or not; one that never was where there is none.
    pub row: RowId,
    /// Whose.
    pub kuerzel: &'a Kuerzel,
    /// The side that is written to.
    pub target: CalendarTarget,
    /// Its Termin, where it has one.
    pub frnr: Option<FrNr>,
    /// Its event, where it has one.
    pub event: Option<&'a EventId>,
    /// Why.
    pub rule: &'static str,
    /// What that side says now.
    pub before: Option<&'a Standard>,
    /// What it is to say.
    pub after: Option<&'a Standard>,
}

/// Name of what happens to a side that says the one and is to say the other.
pub(super) fn action(has_before: bool, has_after: bool) -> &'static str {
    match (has_before, has_after) {
        (false, _) => "INSERT",
        (true, true) => "UPDATE",
        (true, false) => "DELETE",
    }
}

impl CalendarAuditView {
    fn read(row: &PgRow) -> Result<Self, HubError> {
        let form = |name: &str| row.try_get::<Option<Value>, _>(name)?.map(to_standard).transpose();
        let target: &str = row.try_get("target")?;
        let target = CalendarTarget::ALL.into_iter().find(|known| known.name() == target);
        let event: Option<String> = row.try_get("google_event_id")?;
        Ok(Self {
            id: row.try_get("audit_id")?,
            run_id: row.try_get("run_id")?,
            row: RowId(row.try_get::<Uuid, _>("sync_id")?.as_u128()),
            kuerzel: Kuerzel::parse(row.try_get("employee_kuerzel")?)
                .map_err(|_| HubError::Unreadable("employee_kuerzel"))?,
            action: row.try_get("action")?,
            target: target.ok_or(HubError::Unreadable("target"))?,
            frnr: row.try_get::<Option<i64>, _>("advoware_frnr")?.map(FrNr),
            event: event.as_deref().and_then(|event| EventId::parse(event).ok()),
            rule: row.try_get("rule")?,
            before: form("before")?,
            after: form("after")?,
            at: row.try_get("timestamp")?,
            confirmed_at: row.try_get("confirmed_at")?,
        })
    }
}

impl Hub {
    /// Writes an entry before what it tells of is done. Answers its name.
    pub async fn note_change(&self, noted: Noted<'_>, now: DateTime<Utc>) -> Result<Uuid, HubError> {
        let audit_id = Uuid::now_v7();
        sqlx::query(
            "INSERT INTO calendar_sync_audit (sync_id, action, timestamp, audit_id, run_id, employee_kuerzel, target, advoware_frnr,
                google_event_id, rule, before, after)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(Uuid::from_u128(noted.row.0))
        .bind(action(noted.before.is_some(), noted.after.is_some()))
        .bind(now)
        .bind(audit_id)
        .bind(noted.run_id)
        .bind(noted.kuerzel.as_str())
        .bind(noted.target.name())
        .bind(noted.frnr.map(|frnr| frnr.0))
        .bind(noted.event.map(EventId::as_str))
        .bind(noted.rule)
        .bind(noted.before.map(from_standard))
        .bind(noted.after.map(from_standard))
        .execute(&self.pool)
        .traced("note_change")
        .await?;
        Ok(audit_id)
    }

    /// What an entry of [`Self::note_change`] tells of is done; of a new Termin, under this number.
    pub async fn confirm_change(&self, entry: Uuid, frnr: Option<FrNr>, now: DateTime<Utc>) -> Result<(), HubError> {
        let query = "UPDATE calendar_sync_audit SET confirmed_at = $2, advoware_frnr = COALESCE($3, advoware_frnr) WHERE audit_id = $1";
        sqlx::query(query)
            .bind(entry)
            .bind(now)
            .bind(frnr.map(|frnr| frnr.0))
            .execute(&self.pool)
            .traced("confirm_change")
            .await?;
        Ok(())
    }

    /// One entry; `None` where there is none of that name.
    pub async fn calendar_audit_entry(&self, id: Uuid) -> Result<Option<CalendarAuditView>, HubError> {
        let query = sqlx::query("SELECT * FROM calendar_sync_audit WHERE audit_id = $1").bind(id);
        query.fetch_optional(&self.pool).await?.as_ref().map(CalendarAuditView::read).transpose()
    }

    /// The entries of a row, newest first, at most `limit`.
    pub async fn row_history(&self, row: RowId, limit: u32) -> Result<Vec<CalendarAuditView>, HubError> {
        let query = sqlx::query("SELECT * FROM calendar_sync_audit WHERE sync_id = $1 ORDER BY id DESC LIMIT $2");
        let rows = query.bind(Uuid::from_u128(row.0)).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(CalendarAuditView::read).collect()
    }

    /// The entries of an employee, newest first, at most `limit`.
    pub async fn employee_history(&self, kuerzel: &Kuerzel, limit: u32) -> Result<Vec<CalendarAuditView>, HubError> {
        let query = "SELECT * FROM calendar_sync_audit WHERE employee_kuerzel = $1 ORDER BY id DESC LIMIT $2";
        let rows = sqlx::query(query).bind(kuerzel.as_str()).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(CalendarAuditView::read).collect()
    }
}
