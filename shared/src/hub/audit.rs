//! The audit: every value that a run overwrites or removes, written before it does (K10).

use chrono::{DateTime, Utc};
use domain::ids::{BetNr, EspoId, KommId};
use serde_json::Value;
use uuid::Uuid;

use super::{Hub, HubError};

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
}
