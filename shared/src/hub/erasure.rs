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
    /// What operators did to it, by name.
    pub actions: u64,
}

/// What is kept, table by table, in the order of [`Kept`].
const PLACES: [&str; 4] = [
    "beteiligte WHERE espo_id = $1",
    "sync_audit WHERE espo_id = $1",
    "sync_request WHERE espo_id = $1",
    // A Kürzel may look like an id.
    "operator_action WHERE flow = 'beteiligte' AND entity = $1",
];

impl Kept {
    fn of([records, audit_entries, requests, actions]: [u64; 4]) -> Self {
        Self { records, audit_entries, requests, actions }
    }
}

impl Hub {
    /// How much is kept on a record.
    pub async fn kept(&self, id: &EspoId) -> Result<Kept, HubError> {
        let mut counts = [0; 4];
        for (place, count) in PLACES.into_iter().zip(&mut counts) {
            let text = format!("SELECT count(*) FROM {place}");
            let query = sqlx::query_scalar(sqlx::AssertSqlSafe(text)).bind(id.as_str());
            let there: i64 = query.fetch_one(&self.pool).await?;
            *count = u64::try_from(there).unwrap_or_default();
        }
        Ok(Kept::of(counts))
    }

    /// Removes it, all or nothing, and tells how much it was. A record that still exists in EspoCRM is known again after its next sync.
    pub async fn erase(&self, id: &EspoId) -> Result<Kept, HubError> {
        let mut transaction = self.pool.begin().await?;
        let mut gone = [0; 4];
        for (place, gone) in PLACES.into_iter().zip(&mut gone) {
            let query = sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM {place}"))).bind(id.as_str());
            *gone = query.execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        Ok(Kept::of(gone))
    }
}
