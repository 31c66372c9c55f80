//! The audit: every value that a run overwrites or removes, written before it does (K10).

use chrono::{DateTime, Utc};
use domain::ids::{BetNr, EspoId, KommId};
use serde_json::Value;
use uuid::Uuid;

use super::{Hub, HubError};

/// Rule of an entry whose value in Advoware gave way to EspoCRM's although a user had changed it: people are told of it.
pub const OVERWRITTEN: &str = "overwritten_by_espo";

/// One change that a run is about to make.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// The side that is written to.
    pub target: AuditTarget,
    /// Why: name of the rule's case.
    pub rule: &'static str,
    /// The Kommunikation in Advoware it is about; `None` for one that is being created.
    pub komm_id: Option<KommId>,
    /// What is replaced; `None` where nothing was.
    pub before: Option<Value>,
    /// What replaces it; `None` where it is removed.
    pub after: Option<Value>,
}

/// A side that is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditTarget {
    /// EspoCRM.
    Espocrm,
    /// Advoware.
    Advoware,
}

impl AuditTarget {
    fn name(self) -> &'static str {
        match self {
            Self::Espocrm => "espocrm",
            Self::Advoware => "advoware",
        }
    }
}

impl Hub {
    /// Writes the entries of one stage in one statement: all of them stand, or none.
    pub async fn audit(
        &self,
        run_id: Uuid,
        id: &EspoId,
        betnr: BetNr,
        entries: &[AuditEntry],
        now: DateTime<Utc>,
    ) -> Result<(), HubError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut insert = sqlx::QueryBuilder::new(
            "INSERT INTO sync_audit (id, run_id, espo_id, betnr, target, rule, komm_id, before, after, at) ",
        );
        insert.push_values(entries, |mut row, entry| {
            row.push_bind(Uuid::now_v7())
                .push_bind(run_id)
                .push_bind(id.as_str())
                .push_bind(betnr.0)
                .push_bind(entry.target.name())
                .push_bind(entry.rule)
                .push_bind(entry.komm_id.map(|komm_id| komm_id.0))
                .push_bind(&entry.before)
                .push_bind(&entry.after)
                .push_bind(now);
        });
        insert.build().execute(&self.pool).await?;
        Ok(())
    }

    /// Kommunikationen of a record whose value was overwritten and of which people have not been told.
    pub async fn untold(&self, id: &EspoId) -> Result<Vec<KommId>, HubError> {
        let query = sqlx::query_scalar(
            "SELECT DISTINCT komm_id FROM sync_audit
             WHERE espo_id = $1 AND rule = 'overwritten_by_espo' AND told_at IS NULL AND komm_id IS NOT NULL
             ORDER BY komm_id",
        );
        let komm_ids: Vec<i64> = query.bind(id.as_str()).fetch_all(&self.pool).await?;
        Ok(komm_ids.into_iter().map(KommId).collect())
    }

    /// People have been told of everything that was overwritten on this record.
    pub async fn mark_told(&self, id: &EspoId, now: DateTime<Utc>) -> Result<(), HubError> {
        sqlx::query(
            "UPDATE sync_audit SET told_at = $2
             WHERE espo_id = $1 AND rule = 'overwritten_by_espo' AND told_at IS NULL",
        )
        .bind(id.as_str())
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
