//! The base of a Beteiligte: what was last agreed, and when it was last looked at (B2a).

use chrono::{DateTime, Utc};
use domain::finding::Finding;
use domain::ids::{BetNr, EspoId, RowId};
use domain::kommunikation::BaseRow;
use serde_json::Value;
use sqlx::Row;

use super::{Hub, HubError, rows};

/// What the hub knows of a Beteiligte before a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number in Advoware, as EspoCRM said at the last run. Lets both sides be loaded at once.
    pub betnr: Option<BetNr>,
    /// The Kommunikationen last agreed; `None` before the first agreement.
    pub kommunikation: Option<Vec<BaseRow>>,
}

/// What a run found to be agreed.
#[derive(Clone, Copy, Debug)]
pub struct Agreed<'a> {
    /// Number in Advoware.
    pub betnr: BetNr,
    /// Kommunikationen as re-read and matched.
    pub kommunikation: &'a [BaseRow],
    /// Advoware's change token of the record.
    pub advoware_row_id: Option<&'a RowId>,
    /// EspoCRM's `modifiedAt` as re-read.
    pub espo_modified_at: Option<DateTime<Utc>>,
}

impl Hub {
    /// What is known of a Beteiligte; `None` before its first run, or after the hub was lost.
    pub async fn known(&self, id: &EspoId) -> Result<Option<Known>, HubError> {
        let query = sqlx::query("SELECT betnr, kommunikation FROM beteiligte WHERE espo_id = $1").bind(id.as_str());
        let Some(row) = query.fetch_optional(&self.pool).await? else { return Ok(None) };
        let kommunikation: Option<Value> = row.try_get("kommunikation")?;
        Ok(Some(Known {
            betnr: row.try_get::<Option<i64>, _>("betnr")?.map(BetNr),
            kommunikation: kommunikation.map(rows::to_base).transpose()?,
        }))
    }

    /// Remembers what a run found to be agreed, as the base of the next one.
    pub async fn remember_agreed(
        &self,
        id: &EspoId,
        agreed: Agreed<'_>,
        findings: &[Finding],
        now: DateTime<Utc>,
    ) -> Result<(), HubError> {
        sqlx::query(
            "INSERT INTO beteiligte
               (espo_id, betnr, kommunikation, advoware_row_id, espo_modified_at, agreed_at, findings, looked_at)
             VALUES ($1, $2, $3, $4, $5, $7, $6, $7)
             ON CONFLICT (espo_id) DO UPDATE SET
               betnr = excluded.betnr, kommunikation = excluded.kommunikation,
               advoware_row_id = excluded.advoware_row_id, espo_modified_at = excluded.espo_modified_at,
               agreed_at = excluded.agreed_at, findings = excluded.findings, looked_at = excluded.looked_at",
        )
        .bind(id.as_str())
        .bind(agreed.betnr.0)
        .bind(rows::from_base(agreed.kommunikation))
        .bind(agreed.advoware_row_id.map(|row_id| row_id.0.as_str()))
        .bind(agreed.espo_modified_at)
        .bind(rows::from_findings(findings))
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Remembers that a Beteiligte was looked at and what was found, where nothing new was agreed.
    pub async fn remember_look(&self, id: &EspoId, findings: &[Finding], now: DateTime<Utc>) -> Result<(), HubError> {
        sqlx::query(
            "INSERT INTO beteiligte (espo_id, findings, looked_at) VALUES ($1, $2, $3)
             ON CONFLICT (espo_id) DO UPDATE SET findings = excluded.findings, looked_at = excluded.looked_at",
        )
        .bind(id.as_str())
        .bind(rows::from_findings(findings))
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
