//! How long the calendar's audit and its soft-deleted rows are kept (`AUDIT_RETENTION_DAYS`).

use chrono::{DateTime, Utc};

use crate::hub::{Hub, HubError};

impl Hub {
    /// Removes audit entries that were written before `cutoff`, and rows that were soft-deleted before it; at most `limit` of each. When
    /// a row was deleted is not kept: it goes when it is older than that, and no entry speaks of it any more. Answers how many are gone.
    pub async fn prune_calendar(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, HubError> {
        let mut gone = 0;
        for statement in [
            "DELETE FROM calendar_sync_audit WHERE id IN
                (SELECT id FROM calendar_sync_audit WHERE timestamp < $1 ORDER BY timestamp LIMIT $2)",
            "DELETE FROM calendar_sync WHERE sync_id IN
                (SELECT sync_id FROM calendar_sync AS gone WHERE deleted AND created_at < $1 AND (last_sync IS NULL OR last_sync < $1)
                    AND NOT EXISTS (SELECT 1 FROM calendar_sync_audit AS entry WHERE entry.sync_id = gone.sync_id)
                 LIMIT $2)",
        ] {
            let done = sqlx::query(statement).bind(cutoff).bind(i64::from(limit)).execute(&self.pool).await?;
            gone += done.rows_affected();
        }
        Ok(gone)
    }
}
