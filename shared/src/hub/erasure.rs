//! Everything that is kept on one person, and its end.

use domain::ids::EspoId;

use super::{Hub, HubError};

/// How much is, or was, kept on a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// What was last agreed on it: one, or none.
    pub records: u64,
    /// Values that syncs overwrote or removed.
    pub audit_entries: u64,
    /// What operators asked of it.
    pub requests: u64,
}

impl Hub {
    /// How much is kept on a record.
    pub async fn kept(&self, id: &EspoId) -> Result<Kept, HubError> {
        let counts: (i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM beteiligte WHERE espo_id = $1), (SELECT count(*) FROM sync_audit WHERE espo_id = $1),
                    (SELECT count(*) FROM sync_request WHERE espo_id = $1)",
        )
        .bind(id.as_str())
        .fetch_one(&self.pool)
        .await?;
        let [records, audit_entries, requests] =
            [counts.0, counts.1, counts.2].map(|count| u64::try_from(count).unwrap_or_default());
        Ok(Kept { records, audit_entries, requests })
    }

    /// Removes it, all or nothing, and tells how much it was. A record that still exists in EspoCRM is known again after its next sync.
    pub async fn erase(&self, id: &EspoId) -> Result<Kept, HubError> {
        let mut transaction = self.pool.begin().await?;
        let mut gone = [0; 3];
        let statements = [
            "DELETE FROM beteiligte WHERE espo_id = $1",
            "DELETE FROM sync_audit WHERE espo_id = $1",
            "DELETE FROM sync_request WHERE espo_id = $1",
        ];
        let of_operators = sqlx::query("DELETE FROM operator_action WHERE flow = 'beteiligte' AND entity = $1");
        of_operators.bind(id.as_str()).execute(&mut *transaction).await?;
        for (statement, gone) in statements.into_iter().zip(&mut gone) {
            *gone = sqlx::query(statement).bind(id.as_str()).execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        let [records, audit_entries, requests] = gone;
        Ok(Kept { records, audit_entries, requests })
    }
}
