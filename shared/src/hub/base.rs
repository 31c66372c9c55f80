//! The base of a Beteiligter: what was last agreed, what a run has begun, and when it was last looked at (B2a).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::beteiligte::SyncStatus;
use domain::beteiligte::stammdaten;
use domain::finding::Finding;
use domain::ids::{BetNr, EspoId, RowId};
use domain::kommunikation::Base;
use serde_json::Value;
use sqlx::Row;

use super::requests::Request;
use super::{Hub, HubError, rows};
use crate::traces::HubWrite;

/// What the hub knows of a Beteiligter before a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Its number in Advoware, as EspoCRM said at the last run. Lets both sides be loaded at once.
    pub betnr: Option<BetNr>,
    /// Both records never agreed yet.
    pub first_meeting: bool,
    /// Its Kommunikationen; `None` before the first run that had any to remember.
    pub kommunikation: Option<Base>,
    /// Its Stammdaten; `None` before they were first compared.
    pub stammdaten: Option<stammdaten::Base>,
    /// How far its creation in Advoware has come, while EspoCRM names no number (B2b).
    pub creation: Option<Creation>,
    /// The oldest of what operators asked of it that is not done.
    pub request: Option<Request>,
    /// What the last run told EspoCRM; `None` before the first.
    pub status: Option<SyncStatus>,
    /// Fields that waited for a person when the last run looked.
    pub undecided: BTreeSet<stammdaten::Field>,
    /// EspoCRM's `modifiedAt` as users left it, where only our own telling of failures has moved it since.
    pub users_modified_at: Option<DateTime<Utc>>,
    /// Whether anything is known of it at all.
    pub is_known: bool,
}

/// A record that is being created in Advoware (B2b).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It was about to be sent. Without more it is not known whether it was.
    Begun {
        /// By a run that a person had told to create the record again. That is good for one POST: a run that finds this holds the record,
        /// whatever its job still says, and a person is asked anew.
        again: bool,
    },
    /// Advoware has created it under this number; EspoCRM does not name it yet.
    Created(BetNr),
}

/// What a run found to be agreed.
#[derive(Clone, Copy, Debug)]
pub struct Agreed<'a> {
    /// Kommunikationen as read again and matched.
    pub kommunikation: &'a Base,
    /// Stammdaten likewise.
    pub stammdaten: &'a stammdaten::Base,
    /// What EspoCRM is told.
    pub status: SyncStatus,
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
    /// What is known of a Beteiligter: nothing before its first run, or after the hub was lost.
    pub async fn known(&self, id: &EspoId) -> Result<Known, HubError> {
        let query = sqlx::query(
            "SELECT known.espo_id IS NOT NULL AS is_known, betnr, first_meeting, kommunikation, stammdaten, creation, status, findings, users_modified_at,
                    request.id AS request, request.kind, request.argument
             FROM (SELECT $1::text AS id) AS asked
             LEFT JOIN beteiligte AS known ON known.espo_id = asked.id
             LEFT JOIN LATERAL (
                 SELECT id, kind, argument FROM sync_request
                 WHERE espo_id = $1 AND done_at IS NULL ORDER BY asked_at, id LIMIT 1
             ) AS request ON true",
        );
        let row = query.bind(id.as_str()).fetch_one(&self.pool).await?;
        let json = |name| row.try_get::<Option<Value>, _>(name);
        Ok(Known {
            is_known: row.try_get("is_known")?,
            betnr: row.try_get::<Option<i64>, _>("betnr")?.map(BetNr),
            first_meeting: row.try_get::<Option<bool>, _>("first_meeting")?.unwrap_or_default(),
            kommunikation: json("kommunikation")?.map(rows::to_base).transpose()?,
            stammdaten: json("stammdaten")?.map(rows::to_stammdaten).transpose()?,
            creation: json("creation")?.map(rows::to_creation).transpose()?,
            status: row.try_get::<Option<String>, _>("status")?.as_deref().and_then(SyncStatus::parse),
            undecided: json("findings")?.map(rows::to_undecided).unwrap_or_default(),
            users_modified_at: row.try_get("users_modified_at")?,
            request: Request::read(&row)?,
        })
    }

    /// Ties a record to its number, before anything is written for the pair. What was remembered with another number is dropped:
    /// it speaks of somebody else. What a creation under this very number was made of stays.
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
               stammdaten = CASE WHEN (beteiligte.creation->>'betnr')::bigint = excluded.betnr THEN beteiligte.stammdaten END,
               creation = NULL, advoware_row_id = NULL, espo_modified_at = NULL, agreed_at = NULL",
        )
        .bind(id.as_str())
        .bind(betnr.0)
        .bind(first_meeting)
        .bind(now)
        .execute(&self.pool)
        .traced("claim")
        .await;
        match claimed {
            Ok(_) => Ok(Claim::Granted),
            Err(sqlx::Error::Database(refused)) if refused.is_unique_violation() => self.holder(betnr).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn holder(&self, betnr: BetNr) -> Result<Claim, HubError> {
        // Freed in this very moment: the next run takes it.
        self.holder_of(betnr).await?.map(Claim::TakenBy).ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// The record that is tied to this number.
    pub async fn holder_of(&self, betnr: BetNr) -> Result<Option<EspoId>, HubError> {
        let query = sqlx::query_scalar("SELECT espo_id FROM beteiligte WHERE betnr = $1").bind(betnr.0);
        let holder: Option<String> = query.fetch_optional(&self.pool).await?;
        holder.map(|id| EspoId::parse(&id).map_err(|_| HubError::Unreadable("espo_id"))).transpose()
    }

    /// Frees the number of a record that no longer exists or names another one.
    pub async fn release(&self, id: &EspoId) -> Result<(), HubError> {
        let query = sqlx::query(
            "UPDATE beteiligte SET betnr = NULL, kommunikation = NULL, stammdaten = NULL WHERE espo_id = $1",
        );
        query.bind(id.as_str()).execute(&self.pool).traced("release").await?;
        Ok(())
    }

    /// Remembers what a run has begun, so that one that is cut off leaves its evidence.
    pub async fn remember_begun(&self, id: &EspoId, kommunikation: &Base) -> Result<(), HubError> {
        let query = sqlx::query("UPDATE beteiligte SET kommunikation = $2 WHERE espo_id = $1");
        query
            .bind(id.as_str())
            .bind(rows::from_base(kommunikation))
            .execute(&self.pool)
            .traced("remember_begun")
            .await?;
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
               findings = $5, agreed_at = $6, looked_at = $6, stammdaten = $8, status = $9, deleted_at = NULL,
               users_modified_at = NULL
             WHERE espo_id = $1",
        )
        .bind(id.as_str())
        .bind(rows::from_base(agreed.kommunikation))
        .bind(agreed.advoware_row_id.map(|row_id| row_id.0.as_str()))
        .bind(agreed.espo_modified_at)
        .bind(rows::from_findings(findings))
        .bind(now)
        .bind(agreed.first_meeting)
        .bind(rows::from_stammdaten(agreed.stammdaten))
        .bind(agreed.status.name())
        .execute(&self.pool)
        .traced("remember_agreed")
        .await?;
        Ok(())
    }

    /// Remembers that a Beteiligter was looked at, what was found and what EspoCRM is told, where nothing new was agreed.
    pub async fn remember_look(
        &self,
        id: &EspoId,
        findings: &[Finding],
        status: Option<SyncStatus>,
        now: DateTime<Utc>,
    ) -> Result<(), HubError> {
        sqlx::query(
            "INSERT INTO beteiligte (espo_id, findings, looked_at, status) VALUES ($1, $2, $3, $4)
             ON CONFLICT (espo_id) DO UPDATE SET
               findings = excluded.findings, looked_at = excluded.looked_at, status = excluded.status, deleted_at = NULL",
        )
        .bind(id.as_str())
        .bind(rows::from_findings(findings))
        .bind(now)
        .bind(status.map(SyncStatus::name))
        .execute(&self.pool)
        .traced("remember_look")
        .await?;
        Ok(())
    }

    /// Remembers how far the creation of a record in Advoware has come; `None`: it is over, or was never sent (B2b).
    pub async fn remember_creation(
        &self,
        id: &EspoId,
        creation: Option<Creation>,
        now: DateTime<Utc>,
    ) -> Result<(), HubError> {
        sqlx::query(
            "INSERT INTO beteiligte (espo_id, creation, looked_at) VALUES ($1, $2, $3)
             ON CONFLICT (espo_id) DO UPDATE SET creation = excluded.creation",
        )
        .bind(id.as_str())
        .bind(creation.map(rows::from_creation))
        .bind(now)
        .execute(&self.pool)
        .traced("remember_creation")
        .await?;
        Ok(())
    }

    /// Remembers under which number Advoware has created the record, and of what: whoever differs from that later was edited (B2b).
    pub async fn remember_created(
        &self,
        id: &EspoId,
        betnr: BetNr,
        made_of: &stammdaten::Base,
        now: DateTime<Utc>,
    ) -> Result<(), HubError> {
        sqlx::query(
            "INSERT INTO beteiligte (espo_id, creation, stammdaten, looked_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (espo_id) DO UPDATE SET creation = excluded.creation, stammdaten = excluded.stammdaten",
        )
        .bind(id.as_str())
        .bind(rows::from_creation(Creation::Created(betnr)))
        .bind(rows::from_stammdaten(made_of))
        .bind(now)
        .execute(&self.pool)
        .traced("remember_created")
        .await?;
        Ok(())
    }

    /// Remembers when users changed a record last, before our own telling of a failure moves that time: the first comparison goes by it.
    pub async fn remember_users_time(
        &self,
        id: &EspoId,
        modified_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(), HubError> {
        sqlx::query(
            "INSERT INTO beteiligte (espo_id, users_modified_at, looked_at) VALUES ($1, $2, $3)
             ON CONFLICT (espo_id) DO UPDATE SET users_modified_at = excluded.users_modified_at",
        )
        .bind(id.as_str())
        .bind(modified_at)
        .bind(now)
        .execute(&self.pool)
        .traced("remember_users_time")
        .await?;
        Ok(())
    }

    /// Remembers what a run knows of the Stammdaten: what timestamps decided, what it has begun, what was confirmed.
    pub async fn remember_stammdaten(&self, id: &EspoId, base: &stammdaten::Base) -> Result<(), HubError> {
        let query = sqlx::query("UPDATE beteiligte SET stammdaten = $2 WHERE espo_id = $1");
        query
            .bind(id.as_str())
            .bind(rows::from_stammdaten(base))
            .execute(&self.pool)
            .traced("remember_stammdaten")
            .await?;
        Ok(())
    }
}
