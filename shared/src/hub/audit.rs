//! The audit: every value that a run overwrites or removes, written before it does (K10).

use chrono::{DateTime, Utc};
use domain::beteiligte::stammdaten::{self, Field};
use domain::ids::{BetNr, EspoId, KommId};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{Hub, HubError, rows};
use crate::traces::HubWrite;

/// Rule of an entry whose value in EspoCRM gave way to Advoware's, which was newer (policy `newest_wins`): people are told of it.
pub const OVERWRITTEN_BY_ADVOWARE: &str = "overwritten_by_advoware";
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
    /// The field of the Stammdaten it is about.
    pub field: Option<Field>,
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

/// What an entry is written under.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// Shared by all writes of one run.
    pub run_id: Uuid,
    /// The EspoCRM record.
    pub id: &'a EspoId,
    /// Its number in Advoware, where it has one.
    pub betnr: Option<BetNr>,
    /// When.
    pub now: DateTime<Utc>,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditView {
    /// Its id.
    pub id: Uuid,
    /// All writes of one run share it.
    pub run_id: Uuid,
    /// The EspoCRM record.
    pub espo_id: String,
    /// Its number in Advoware, where it had one.
    pub betnr: Option<BetNr>,
    /// The side that was written to.
    pub target: String,
    /// Why.
    pub rule: String,
    /// The Kommunikation it is about.
    pub komm_id: Option<KommId>,
    /// The field of the Stammdaten it is about.
    pub field: Option<Field>,
    /// What was replaced.
    pub before: Option<Value>,
    /// What replaced it.
    pub after: Option<Value>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A value that lost a conflict and of which people have not been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Untold {
    /// Of a Kommunikation.
    Kommunikation(KommId),
    /// Of a field of the Stammdaten: EspoCRM's value won.
    KeptEspocrms(Field),
    /// Of a field of the Stammdaten: Advoware's value won.
    KeptAdvowares(Field),
}

impl AuditView {
    fn read(row: &PgRow) -> Result<Self, HubError> {
        let field: Option<String> = row.try_get("field")?;
        Ok(Self {
            id: row.try_get("id")?,
            run_id: row.try_get("run_id")?,
            espo_id: row.try_get("espo_id")?,
            betnr: row.try_get::<Option<i64>, _>("betnr")?.map(BetNr),
            target: row.try_get("target")?,
            rule: row.try_get("rule")?,
            komm_id: row.try_get::<Option<i64>, _>("komm_id")?.map(KommId),
            field: field.as_deref().and_then(Field::parse),
            before: row.try_get("before")?,
            after: row.try_get("after")?,
            at: row.try_get("at")?,
        })
    }
}

impl Hub {
    /// Writes the entries of one stage in one statement: all of them stand, or none.
    pub async fn audit(&self, occasion: Occasion<'_>, entries: &[AuditEntry]) -> Result<(), HubError> {
        if entries.is_empty() {
            return Ok(());
        }
        let insert = async { insert(&mut *self.pool.acquire().await?, occasion, entries).await };
        insert.traced("audit").await
    }

    /// The entries of one stage, together with what the run remembers of having begun it: both stand, or none.
    pub async fn audit_begun(
        &self,
        occasion: Occasion<'_>,
        entries: &[AuditEntry],
        base: &stammdaten::Base,
    ) -> Result<(), HubError> {
        let both = async {
            let mut transaction = self.pool.begin().await?;
            sqlx::query("UPDATE beteiligte SET stammdaten = $2 WHERE espo_id = $1")
                .bind(occasion.id.as_str())
                .bind(rows::from_stammdaten(base))
                .execute(&mut *transaction)
                .await?;
            insert(&mut transaction, occasion, entries).await?;
            Ok(transaction.commit().await?)
        };
        both.traced("audit_begun").await
    }

    /// One entry; `None` where there is none of that id.
    pub async fn audit_entry(&self, id: Uuid) -> Result<Option<AuditView>, HubError> {
        let row = sqlx::query("SELECT * FROM sync_audit WHERE id = $1").bind(id).fetch_optional(&self.pool).await?;
        row.as_ref().map(AuditView::read).transpose()
    }

    /// The entries of a record, newest first, at most `limit`.
    pub async fn history(&self, id: &EspoId, limit: u32) -> Result<Vec<AuditView>, HubError> {
        let query = sqlx::query("SELECT * FROM sync_audit WHERE espo_id = $1 ORDER BY at DESC, id DESC LIMIT $2");
        let rows = query.bind(id.as_str()).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(AuditView::read).collect()
    }

    /// Values of a record that lost a conflict and of which people have not been told, each once.
    pub async fn untold(&self, id: &EspoId) -> Result<Vec<Untold>, HubError> {
        let query = sqlx::query(
            "SELECT DISTINCT komm_id, field, rule FROM sync_audit
             WHERE espo_id = $1 AND rule IN ('overwritten_by_espo', 'overwritten_by_advoware') AND told_at IS NULL",
        );
        let mut untold = Vec::new();
        for row in query.bind(id.as_str()).fetch_all(&self.pool).await? {
            let (field, rule): (Option<String>, String) = (row.try_get("field")?, row.try_get("rule")?);
            let komm_id = row.try_get::<Option<i64>, _>("komm_id")?.map(KommId);
            untold.extend(match field.as_deref().and_then(Field::parse) {
                Some(field) if rule == OVERWRITTEN => Some(Untold::KeptEspocrms(field)),
                Some(field) => Some(Untold::KeptAdvowares(field)),
                None => komm_id.map(Untold::Kommunikation),
            });
        }
        untold.sort_unstable();
        Ok(untold)
    }

    /// People have been told of everything that was overwritten on this record.
    pub async fn mark_told(&self, id: &EspoId, now: DateTime<Utc>) -> Result<(), HubError> {
        sqlx::query(
            "UPDATE sync_audit SET told_at = $2
             WHERE espo_id = $1 AND rule IN ('overwritten_by_espo', 'overwritten_by_advoware') AND told_at IS NULL",
        )
        .bind(id.as_str())
        .bind(now)
        .execute(&self.pool)
        .traced("mark_told")
        .await?;
        Ok(())
    }
}

async fn insert(connection: &mut PgConnection, occasion: Occasion<'_>, entries: &[AuditEntry]) -> Result<(), HubError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut insert = sqlx::QueryBuilder::new(
        "INSERT INTO sync_audit (id, run_id, espo_id, betnr, target, rule, komm_id, field, before, after, at) ",
    );
    insert.push_values(entries, |mut row, entry| {
        row.push_bind(Uuid::now_v7())
            .push_bind(occasion.run_id)
            .push_bind(occasion.id.as_str())
            .push_bind(occasion.betnr.map(|betnr| betnr.0))
            .push_bind(entry.target.name())
            .push_bind(entry.rule)
            .push_bind(entry.komm_id.map(|komm_id| komm_id.0))
            .push_bind(entry.field.map(Field::name))
            .push_bind(&entry.before)
            .push_bind(&entry.after)
            .push_bind(occasion.now);
    });
    insert.build().execute(connection).await?;
    Ok(())
}
