//! Whose turn it is: each employee is asked for once an interval, by whichever producer comes first.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::Kuerzel;
use sqlx::{Postgres, Transaction};

use crate::hub::{Hub, HubError};

/// Employees whose turn it is. Nobody else gets them until they are noted as asked for, or this is dropped: then they are due as before.
/// Holds their rows and one connection meanwhile, so not for long.
#[derive(Debug)]
pub struct DueEmployees {
    kuerzel: Vec<Kuerzel>,
    transaction: Transaction<'static, Postgres>,
}

impl DueEmployees {
    /// Who; never empty.
    pub fn kuerzel(&self) -> &[Kuerzel] {
        &self.kuerzel
    }

    /// They were asked for: their next turn comes an interval after `now`.
    pub async fn asked_for(mut self, now: DateTime<Utc>) -> Result<(), HubError> {
        let kuerzel: Vec<&str> = self.kuerzel.iter().map(Kuerzel::as_str).collect();
        let query = sqlx::query("UPDATE calendar_employee SET scheduled_at = $1 WHERE kuerzel = ANY($2)");
        query.bind(now).bind(kuerzel).execute(&mut *self.transaction).await?;
        Ok(self.transaction.commit().await?)
    }
}

impl Hub {
    /// Spreads employees that were never scheduled over the interval from `now`: not all at once. Answers how many.
    pub async fn spread_employees(&self, interval: Duration, now: DateTime<Utc>) -> Result<u64, HubError> {
        let seconds = interval.as_secs_f64();
        let done = sqlx::query(
            "UPDATE calendar_employee SET scheduled_at = $1 - make_interval(secs => $2 * (turn.nth::float8 / turn.total))
             FROM (SELECT kuerzel, row_number() OVER (ORDER BY kuerzel) AS nth, count(*) OVER () AS total
                   FROM calendar_employee WHERE scheduled_at IS NULL) AS turn
             WHERE calendar_employee.kuerzel = turn.kuerzel AND calendar_employee.scheduled_at IS NULL",
        );
        Ok(done.bind(now).bind(seconds).execute(&self.pool).await?.rows_affected())
    }

    /// Employees whose turn it is, and that nobody else is asking for at the moment; `None`: nobody's. Who was never spread has no turn
    /// yet. `only`: one employee (`CALENDAR_SYNC_DEBUG_KUERZEL`).
    pub async fn due_employees(
        &self,
        interval: Duration,
        only: Option<&Kuerzel>,
        now: DateTime<Utc>,
    ) -> Result<Option<DueEmployees>, HubError> {
        let interval = TimeDelta::from_std(interval).unwrap_or(TimeDelta::MAX);
        let due = now.checked_sub_signed(interval).unwrap_or(DateTime::UNIX_EPOCH);
        let mut transaction = self.pool.begin().await?;
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT kuerzel FROM calendar_employee
             WHERE enabled AND departed_at IS NULL AND scheduled_at <= $1 AND ($2::text IS NULL OR kuerzel = $2)
             ORDER BY scheduled_at, kuerzel FOR UPDATE SKIP LOCKED",
        )
        .bind(due)
        .bind(only.map(Kuerzel::as_str))
        .fetch_all(&mut *transaction)
        .await?;
        if found.is_empty() {
            return Ok(None);
        }
        let read = |text: &String| Kuerzel::parse(text).map_err(|_| HubError::Unreadable("kuerzel"));
        let kuerzel = found.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Some(DueEmployees { kuerzel, transaction }))
    }

    /// Deletions that the last runs of all employees held (C4).
    pub async fn held_deletions(&self) -> Result<u64, HubError> {
        let query = "SELECT coalesce(sum(held_deletions), 0) FROM calendar_employee";
        let held: i64 = sqlx::query_scalar(query).fetch_one(&self.pool).await?;
        Ok(u64::try_from(held).unwrap_or_default())
    }

    /// Employees with rows that failed, whose next try [`Self::reset_rows`] brings forward.
    pub async fn employees_with_failed_rows(&self) -> Result<Vec<Kuerzel>, HubError> {
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT employee_kuerzel FROM calendar_sync
             WHERE deleted = FALSE AND sync_status = 'failed' ORDER BY employee_kuerzel",
        )
        .fetch_all(&self.pool)
        .await?;
        found.iter().map(|text| Kuerzel::parse(text).map_err(|_| HubError::Unreadable("employee_kuerzel"))).collect()
    }
}
