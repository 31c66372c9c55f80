//! When records were looked at, and which are gone.

use chrono::{DateTime, Utc};
use domain::ids::EspoId;

use super::{Hub, HubError};

impl Hub {
    /// EspoCRM told that these were deleted. What is remembered of them stays, should they be restored.
    pub async fn mark_deleted(&self, ids: &[EspoId], now: DateTime<Utc>) -> Result<(), HubError> {
        let ids: Vec<&str> = ids.iter().map(EspoId::as_str).collect();
        let query = sqlx::query("UPDATE beteiligte SET deleted_at = coalesce(deleted_at, $2) WHERE espo_id = ANY($1)");
        query.bind(ids).bind(now).execute(&self.pool).await?;
        Ok(())
    }
}
