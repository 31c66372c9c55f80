//! What the continuous check found of Beteiligte: which differ, since when, and which it has to look at next.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::divergence::Difference;
use domain::ids::EspoId;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{Hub, HubError};

/// Rows per statement: a long one would keep workers waiting.
const BATCH: i64 = 1000;

/// A record that is to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueRecord {
    /// The record.
    pub id: EspoId,
    /// What it differed in when it was last compared.
    pub before: Option<Difference>,
    /// A run has looked at it since.
    pub was_synced: bool,
}

/// A record that is in agreement by its status, and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DivergentRecord {
    /// The record.
    pub id: EspoId,
    /// What differs: a digest of [`crate::beteiligte::Agreement`].
    pub digest: String,
    /// When it was first seen.
    pub since: DateTime<Utc>,
    /// When it was last.
    pub seen_at: Option<DateTime<Utc>>,
}

fn difference(row: &PgRow) -> Result<Option<Difference>, HubError> {
    let digest: Option<String> = row.try_get("difference")?;
    let since: Option<DateTime<Utc>> = row.try_get("differs_since")?;
    let is_divergent = row.try_get("is_divergent")?;
    Ok(digest.zip(since).map(|(digest, since)| Difference { digest, since, is_divergent }))
}

fn espo_id(row: &PgRow) -> Result<EspoId, HubError> {
    EspoId::parse(row.try_get("espo_id")?).map_err(|_| HubError::Unreadable("espo_id"))
}

impl Hub {
    /// Spreads records that were never compared over the interval from `now`, some at a time. Answers how many.
    pub async fn spread_records(&self, interval: Duration, now: DateTime<Utc>) -> Result<u64, HubError> {
        let done = sqlx::query(
            "UPDATE beteiligte SET verify_due_at = $1 + make_interval(secs => $2 * random()) WHERE espo_id IN (
                SELECT espo_id FROM beteiligte WHERE status = 'clean' AND deleted_at IS NULL AND verify_due_at IS NULL
                LIMIT $3 FOR UPDATE SKIP LOCKED)",
        );
        Ok(done.bind(now).bind(interval.as_secs_f64()).bind(BATCH).execute(&self.pool).await?.rows_affected())
    }

    /// Takes records in agreement whose turn it is, and those that differed and were synced since; at most `limit` of each. Until `claimed_until`
    /// nobody else gets them: if whoever took them ends before, they are due again then.
    pub async fn take_records_to_verify(
        &self,
        now: DateTime<Utc>,
        claimed_until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueRecord>, HubError> {
        let query = sqlx::query(
            "WITH due AS (
                SELECT espo_id FROM beteiligte
                WHERE status = 'clean' AND deleted_at IS NULL AND verify_due_at <= $1
                    AND (verify_claimed_until IS NULL OR verify_claimed_until <= $1)
                ORDER BY verify_due_at LIMIT $3 FOR UPDATE SKIP LOCKED
             ), synced AS (
                SELECT espo_id FROM beteiligte
                WHERE difference IS NOT NULL AND looked_at > verified_at AND status = 'clean' AND deleted_at IS NULL
                    AND (verify_claimed_until IS NULL OR verify_claimed_until <= $1)
                ORDER BY differs_since LIMIT $3 FOR UPDATE SKIP LOCKED
             )
             UPDATE beteiligte SET verify_claimed_until = $2 WHERE espo_id IN (SELECT espo_id FROM due UNION SELECT espo_id FROM synced)
             RETURNING espo_id, difference, differs_since, is_divergent, coalesce(looked_at > verified_at, false) AS was_synced",
        );
        let rows = query.bind(now).bind(claimed_until).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        let read = |row: &PgRow| {
            Ok(DueRecord { id: espo_id(row)?, before: difference(row)?, was_synced: row.try_get("was_synced")? })
        };
        rows.iter().map(read).collect()
    }

    /// Keeps what a look at `looked_at` found, and when the next is due. `false`: a run has looked since, so what was found is outdated.
    pub async fn note_verified(
        &self,
        id: &EspoId,
        found: Option<&Difference>,
        looked_at: DateTime<Utc>,
        due_at: DateTime<Utc>,
    ) -> Result<bool, HubError> {
        let done = sqlx::query(
            "UPDATE beteiligte SET verified_at = $2, difference = $3, differs_since = $4, is_divergent = $5, verify_due_at = $6,
                verify_claimed_until = NULL
             WHERE espo_id = $1 AND ($3 IS NULL OR looked_at <= $2)",
        )
        .bind(id.as_str())
        .bind(looked_at)
        .bind(found.map(|found| found.digest.as_str()))
        .bind(found.map(|found| found.since))
        .bind(found.is_some_and(|found| found.is_divergent))
        .bind(due_at)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// A record could not be compared now, or a sync is about to: not before `until`.
    pub async fn put_off_verifying(&self, id: &EspoId, until: DateTime<Utc>) -> Result<(), HubError> {
        let query = sqlx::query("UPDATE beteiligte SET verify_claimed_until = $2 WHERE espo_id = $1");
        query.bind(id.as_str()).bind(until).execute(&self.pool).await?;
        Ok(())
    }

    /// How many records diverge.
    pub async fn count_divergent_records(&self) -> Result<u64, HubError> {
        let query = "SELECT count(*) FROM beteiligte
                     WHERE difference IS NOT NULL AND is_divergent AND status = 'clean' AND deleted_at IS NULL";
        let count: i64 = sqlx::query_scalar(query).fetch_one(&self.pool).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Records that diverge, the longest first; at most `limit` after the first `offset`.
    pub async fn divergent_records(&self, offset: u64, limit: u32) -> Result<Vec<DivergentRecord>, HubError> {
        let query = sqlx::query(
            "SELECT espo_id, difference, differs_since, verified_at FROM beteiligte
             WHERE difference IS NOT NULL AND is_divergent AND status = 'clean' AND deleted_at IS NULL
             ORDER BY differs_since, espo_id LIMIT $1 OFFSET $2",
        );
        let query = query.bind(i64::from(limit)).bind(i64::try_from(offset).unwrap_or(i64::MAX));
        let rows = query.fetch_all(&self.pool).await?;
        let read = |row: &PgRow| {
            Ok(DivergentRecord {
                id: espo_id(row)?,
                digest: row.try_get("difference")?,
                since: row.try_get("differs_since")?,
                seen_at: row.try_get("verified_at")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
