//! What people look at first: how many records are in which state, one page of them, and when each flow last succeeded.

use chrono::{DateTime, Utc};
use domain::beteiligte::SyncStatus;
use domain::finding::{Finding, FindingKind};
use domain::ids::{BetNr, EspoId};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{Hub, HubError, rows};

/// A record as the console lists it; no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeteiligteView {
    /// Its id in EspoCRM.
    pub id: EspoId,
    /// Its number in Advoware, where it has one.
    pub betnr: Option<BetNr>,
    /// `syncStatus` as the last run left it; `None`: no run came so far.
    pub status: Option<SyncStatus>,
    /// What the last run found.
    pub findings: Vec<Finding>,
    /// When a run last looked at it.
    pub looked_at: DateTime<Utc>,
    /// When both sides were last in agreement.
    pub agreed_at: Option<DateTime<Utc>>,
    /// When EspoCRM told that it was deleted there.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// Which records are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Those in this state, as their last runs left them.
    InStatus(SyncStatus),
    /// All.
    All,
    /// Those on which the last run found something that people may want to know.
    WithFindings,
}

/// How many living records there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// In each state, as their last runs left them; `None`: no run came so far. States without records are left out.
    pub by_status: Vec<(Option<SyncStatus>, u64)>,
    /// On which the last run found something that people may want to know.
    pub with_findings: u64,
    /// Whose number another record has: nothing is written for them.
    pub number_taken: u64,
}

/// When a run of each flow last ended well, as `kanzleisync_last_success_timestamp_seconds` counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastSuccess {
    /// Of Beteiligte.
    pub beteiligte: Option<DateTime<Utc>>,
    /// Of calendars.
    pub calendar: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "espo_id, betnr, status, findings, looked_at, agreed_at, deleted_at";

impl BeteiligteView {
    fn read(row: &PgRow) -> Result<Self, HubError> {
        let id: String = row.try_get("espo_id")?;
        Ok(Self {
            id: EspoId::parse(&id).map_err(|_| HubError::Unreadable("espo_id"))?,
            betnr: row.try_get::<Option<i64>, _>("betnr")?.map(BetNr),
            status: row.try_get::<Option<String>, _>("status")?.as_deref().and_then(SyncStatus::parse),
            findings: rows::to_findings(&row.try_get::<Value, _>("findings")?),
            looked_at: row.try_get("looked_at")?,
            agreed_at: row.try_get("agreed_at")?,
            deleted_at: row.try_get("deleted_at")?,
        })
    }
}

impl Hub {
    /// Counts the living records, by walks over two indexes.
    pub async fn count_beteiligte(&self) -> Result<Counted, HubError> {
        let query =
            sqlx::query("SELECT status, count(*) AS records FROM beteiligte WHERE deleted_at IS NULL GROUP BY 1");
        let mut counted = Counted::default();
        for row in query.fetch_all(&self.pool).await? {
            let (status, records): (Option<String>, i64) = (row.try_get("status")?, row.try_get("records")?);
            let status = status.as_deref().and_then(SyncStatus::parse);
            counted.by_status.push((status, u64::try_from(records).unwrap_or_default()));
        }
        let query = sqlx::query(
            "SELECT count(*) AS found, count(*) FILTER (WHERE findings @> $1 AND status = 'conflict') AS taken
             FROM beteiligte WHERE findings <> '[]' AND deleted_at IS NULL",
        );
        let row = query.bind(json!([{"kind": FindingKind::BetnrTaken.name()}])).fetch_one(&self.pool).await?;
        counted.with_findings = u64::try_from(row.try_get::<i64, _>("found")?).unwrap_or_default();
        counted.number_taken = u64::try_from(row.try_get::<i64, _>("taken")?).unwrap_or_default();
        Ok(counted)
    }

    /// One page of the living records, in the order of their ids, after `after`.
    pub async fn beteiligte_page(
        &self,
        of: Listed,
        after: Option<&EspoId>,
        limit: u32,
    ) -> Result<Vec<BeteiligteView>, HubError> {
        let condition = match of {
            Listed::All => "$3::text IS NULL",
            Listed::InStatus(_) => "status = $3",
            Listed::WithFindings => "findings <> '[]' AND $3::text IS NULL",
        };
        let text = format!(
            "SELECT {COLUMNS} FROM beteiligte WHERE {condition} AND deleted_at IS NULL AND espo_id > $1 ORDER BY espo_id LIMIT $2"
        );
        let query =
            sqlx::query(sqlx::AssertSqlSafe(text)).bind(after.map_or("", EspoId::as_str)).bind(i64::from(limit));
        let query = match of {
            Listed::InStatus(status) => query.bind(Some(status.name())),
            Listed::All | Listed::WithFindings => query.bind(None::<&str>),
        };
        query.fetch_all(&self.pool).await?.iter().map(BeteiligteView::read).collect()
    }

    /// One record; `None`: the hub does not know it.
    pub async fn beteiligte_view(&self, id: &EspoId) -> Result<Option<BeteiligteView>, HubError> {
        let text = format!("SELECT {COLUMNS} FROM beteiligte WHERE espo_id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id.as_str()).fetch_optional(&self.pool).await?;
        row.as_ref().map(BeteiligteView::read).transpose()
    }

    /// The record that is synced with this number in Advoware.
    pub async fn beteiligte_of_betnr(&self, betnr: BetNr) -> Result<Option<EspoId>, HubError> {
        let query = sqlx::query_scalar("SELECT espo_id FROM beteiligte WHERE betnr = $1").bind(betnr.0);
        let id: Option<String> = query.fetch_optional(&self.pool).await?;
        Ok(id.and_then(|id| EspoId::parse(&id).ok()))
    }

    /// When each flow last succeeded.
    pub async fn last_success(&self) -> Result<LastSuccess, HubError> {
        let row = sqlx::query(
            "SELECT greatest((SELECT max(agreed_at) FROM beteiligte WHERE agreed_at IS NOT NULL),
                             (SELECT max(looked_at) FROM beteiligte WHERE status = 'clean' AND deleted_at IS NULL)) AS beteiligte,
                    (SELECT max(looked_at) FROM calendar_employee) AS calendar",
        );
        let row = row.fetch_one(&self.pool).await?;
        Ok(LastSuccess { beteiligte: row.try_get("beteiligte")?, calendar: row.try_get("calendar")? })
    }
}
