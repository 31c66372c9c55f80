//! When records were looked at, and which are gone.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::finding::FindingKind;
use domain::ids::EspoId;
use serde_json::json;

use super::{Hub, HubError};
use crate::traces::HubWrite;

impl Hub {
    /// EspoCRM told that these were deleted. What is remembered of them stays, should they be restored.
    pub async fn mark_deleted(&self, ids: &[EspoId], now: DateTime<Utc>) -> Result<(), HubError> {
        let ids: Vec<&str> = ids.iter().map(EspoId::as_str).collect();
        let query = sqlx::query("UPDATE beteiligte SET deleted_at = coalesce(deleted_at, $2) WHERE espo_id = ANY($1)");
        query.bind(ids).bind(now).execute(&self.pool).traced("mark_deleted").await?;
        Ok(())
    }

    /// Records that were in agreement when they were last looked at, before `cutoff`; those that wait longest first, at most `limit`.
    pub async fn stale_clean(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<Vec<EspoId>, HubError> {
        let query = sqlx::query_scalar(
            "SELECT espo_id FROM beteiligte WHERE status = 'clean' AND deleted_at IS NULL AND looked_at < $1
             ORDER BY looked_at, espo_id LIMIT $2",
        );
        let ids: Vec<String> = query.bind(cutoff).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        Ok(ids.iter().filter_map(|id| EspoId::parse(id).ok()).collect())
    }

    /// Records whose number another one had when they were last looked at, before `cutoff`: the other may be gone by now. Those that wait
    /// longest first, at most `limit`.
    pub async fn stale_number_taken(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<Vec<EspoId>, HubError> {
        let query = sqlx::query_scalar(
            "SELECT espo_id FROM beteiligte WHERE findings <> '[]' AND findings @> $3 AND deleted_at IS NULL AND looked_at < $1
             ORDER BY looked_at, espo_id LIMIT $2",
        );
        let taken = json!([{"kind": FindingKind::BetnrTaken.name()}]);
        let ids: Vec<String> = query.bind(cutoff).bind(i64::from(limit)).bind(taken).fetch_all(&self.pool).await?;
        Ok(ids.iter().filter_map(|id| EspoId::parse(id).ok()).collect())
    }

    /// How many records are in agreement, as far as the hub knows.
    pub async fn count_clean(&self) -> Result<u64, HubError> {
        let query = sqlx::query_scalar("SELECT count(*) FROM beteiligte WHERE status = 'clean' AND deleted_at IS NULL");
        let count: i64 = query.fetch_one(&self.pool).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Those of `ids` that the hub does not know as in agreement or waiting for a person, so that no other question finds them.
    pub async fn never_looked_at(&self, ids: &[EspoId]) -> Result<Vec<EspoId>, HubError> {
        let texts: Vec<&str> = ids.iter().map(EspoId::as_str).collect();
        let query = sqlx::query_scalar(
            "SELECT espo_id FROM beteiligte WHERE espo_id = ANY($1) AND status IN ('clean', 'conflict') AND deleted_at IS NULL",
        );
        let known: Vec<String> = query.bind(texts).fetch_all(&self.pool).await?;
        let known: HashSet<String> = known.into_iter().collect();
        Ok(ids.iter().filter(|id| !known.contains(id.as_str())).cloned().collect())
    }

    /// Those of `ids` that no run has seen yet, in their order.
    pub async fn unseen(&self, ids: &[&str]) -> Result<Vec<String>, HubError> {
        let query = sqlx::query_scalar(
            "SELECT id FROM unnest($1::text[]) WITH ORDINALITY AS asked (id, place)
             WHERE NOT EXISTS (SELECT FROM beteiligte WHERE espo_id = id) ORDER BY place",
        );
        Ok(query.bind(ids).fetch_all(&self.pool).await?)
    }

    /// Removes audit entries and operators' actions that were written before `cutoff`, and answered requests that were asked before it; at most
    /// `limit` of each. Answers how many are gone.
    pub async fn prune(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, HubError> {
        let mut gone = 0;
        for statement in [
            "DELETE FROM sync_audit WHERE id IN (SELECT id FROM sync_audit WHERE at < $1 ORDER BY at LIMIT $2)",
            "DELETE FROM operator_action WHERE id IN (SELECT id FROM operator_action WHERE at < $1 ORDER BY at LIMIT $2)",
            "DELETE FROM sync_request WHERE id IN (SELECT id FROM sync_request WHERE asked_at < $1 AND done_at IS NOT NULL ORDER BY asked_at LIMIT $2)",
        ] {
            let done = sqlx::query(statement).bind(cutoff).bind(i64::from(limit)).execute(&self.pool).await?;
            gone += done.rows_affected();
        }
        Ok(gone)
    }
}
