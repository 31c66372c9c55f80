//! The base of a Beteiligter: what was last agreed, what a run has begun, and when it was last looked at (B2a).

use chrono::{DateTime, Utc};
use domain::finding::Finding;
use domain::ids::{BetNr, EspoId, RowId};
use domain::kommunikation::Base;
use serde_json::Value;
use sqlx::Row;

use super::{Hub, HubError, rows};

/// What the hub knows of a Beteiligter before a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number in Advoware, as EspoCRM said at the last run. Lets both sides be loaded at once.
    pub betnr: Option<BetNr>,
    /// Both records never agreed yet.
    pub first_meeting: bool,
    /// Its Kommunikationen; `None` before the first run that had any to remember.
    pub kommunikation: Option<Base>,
}

/// What a run found to be agreed.
#[derive(Clone, Copy, Debug)]
pub struct Agreed<'a> {
    /// Kommunikationen as read again and matched.
    pub kommunikation: &'a Base,
    /// Advoware's change token of the record.
    pub advoware_row_id: Option<&'a RowId>,
    /// EspoCRM's `modifiedAt` as read again.
    pub espo_modified_at: Option<DateTime<Utc>>,
    /// A one-way run left something to do: markers may still be another record's.
    pub first_meeting: bool,
}

/// Whether a record may be synced with the number it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It may.
    Granted,
    /// Another EspoCRM record is synced with this number.
    TakenBy(EspoId),
}

impl Hub {
    /// What is known of a Beteiligter; `None` before its first run, or after the hub was lost.
    pub async fn known(&self, id: &EspoId) -> Result<Option<Known>, HubError> {
        let query = sqlx::query("SELECT betnr, first_meeting, kommunikation FROM beteiligte WHERE espo_id = $1");
        let Some(row) = query.bind(id.as_str()).fetch_optional(&self.pool).await? else { return Ok(None) };
        let kommunikation: Option<Value> = row.try_get("kommunikation")?;
        Ok(Some(Known {
            betnr: row.try_get::<Option<i64>, _>("betnr")?.map(BetNr),
            first_meeting: row.try_get("first_meeting")?,
            kommunikation: kommunikation.map(rows::to_base).transpose()?,
        }))
    }

    /// Ties a record to its number, before anything is written for the pair. What was remembered with another number is dropped:
    /// it speaks of somebody else.
    pub async fn claim(
        &self,
        id: &EspoId,
        betnr: BetNr,
        first_meeting: bool,
        now: DateTime<Utc>,
    ) -> Result<Claim, HubError> {
        let claimed = sqlx::query(
            "INSERT INTO beteiligte (espo_id, betnr, first_meeting, looked_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (espo_id) DO UPDATE SET
               betnr = excluded.betnr, first_meeting = excluded.first_meeting, kommunikation = NULL,
               advoware_row_id = NULL, espo_modified_at = NULL, agreed_at = NULL",
        )
        .bind(id.as_str())
        .bind(betnr.0)
        .bind(first_meeting)
        .bind(now)
        .execute(&self.pool)
        .await;
        match claimed {
            Ok(_) => Ok(Claim::Granted),
            Err(sqlx::Error::Database(refused)) if refused.is_unique_violation() => self.holder(betnr).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn holder(&self, betnr: BetNr) -> Result<Claim, HubError> {
        let query = sqlx::query_scalar("SELECT espo_id FROM beteiligte WHERE betnr = $1").bind(betnr.0);
        let holder: String = query.fetch_one(&self.pool).await?;
        EspoId::parse(&holder).map(Claim::TakenBy).map_err(|_| HubError::Unreadable("espo_id"))
    }

    /// Frees the number of a record that no longer exists or names another one.
    pub async fn release(&self, id: &EspoId) -> Result<(), HubError> {
        let query = sqlx::query("UPDATE beteiligte SET betnr = NULL, kommunikation = NULL WHERE espo_id = $1");
        query.bind(id.as_str()).execute(&self.pool).await?;
        Ok(())
    }

    /// Remembers what a run has begun, so that one that is cut off leaves its evidence.
    pub async fn remember_begun(&self, id: &EspoId, kommunikation: &Base) -> Result<(), HubError> {
        let query = sqlx::query("UPDATE beteiligte SET kommunikation = $2 WHERE espo_id = $1");
        query.bind(id.as_str()).bind(rows::from_base(kommunikation)).execute(&self.pool).await?;
        Ok(())
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
            "UPDATE beteiligte SET
               first_meeting = $7, kommunikation = $2, advoware_row_id = $3, espo_modified_at = $4,
               findings = $5, agreed_at = $6, looked_at = $6
             WHERE espo_id = $1",
        )
        .bind(id.as_str())
        .bind(rows::from_base(agreed.kommunikation))
        .bind(agreed.advoware_row_id.map(|row_id| row_id.0.as_str()))
        .bind(agreed.espo_modified_at)
        .bind(rows::from_findings(findings))
        .bind(now)
        .bind(agreed.first_meeting)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Remembers that a Beteiligter was looked at and what was found, where nothing new was agreed.
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
