//! What operators did: written before it is done, closed with its outcome.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Hub, HubError};
use crate::queue::QueueName;

/// What an operator is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorAction {
    /// `console`, `http` or `command`, and the address or account it came from.
    pub origin: String,
    /// From a closed list of the program that writes it.
    pub action: &'static str,
    /// The flow it is about; `None`: neither alone.
    pub flow: Option<QueueName>,
    /// Id of the record, or Kürzel; `None` where many are meant.
    pub entity: Option<String>,
    /// What else was chosen: ids and kinds, no values.
    pub detail: Option<String>,
}

/// An operator's action as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionView {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// Where it came from.
    pub origin: String,
    /// What was done.
    pub action: String,
    /// The flow it was about.
    pub flow: Option<String>,
    /// Whom it was about.
    pub entity: Option<String>,
    /// What else was chosen.
    pub detail: Option<String>,
    /// Whether it was done; `None`: begun, and what came of it is not known.
    pub is_done: Option<bool>,
}

impl ActionView {
    fn read(row: &PgRow) -> Result<Self, HubError> {
        let outcome: Option<String> = row.try_get("outcome")?;
        Ok(Self {
            id: row.try_get("id")?,
            at: row.try_get("at")?,
            origin: row.try_get("origin")?,
            action: row.try_get("action")?,
            flow: row.try_get("flow")?,
            entity: row.try_get("entity")?,
            detail: row.try_get("detail")?,
            is_done: outcome.map(|outcome| outcome == "done"),
        })
    }
}

impl Hub {
    /// Notes what is about to be done, all of it or nothing. Answers the ids under which the outcome is told.
    pub async fn note_actions(&self, actions: &[OperatorAction], now: DateTime<Utc>) -> Result<Vec<Uuid>, HubError> {
        let ids: Vec<Uuid> = actions.iter().map(|_| Uuid::now_v7()).collect();
        let column =
            |of: fn(&OperatorAction) -> Option<&str>| -> Vec<Option<&str>> { actions.iter().map(of).collect() };
        sqlx::query(
            "INSERT INTO operator_action (id, at, origin, action, flow, entity, detail)
             SELECT one.id, $1, one.origin, one.action, one.flow, one.entity, one.detail
             FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
                AS one (id, origin, action, flow, entity, detail)",
        )
        .bind(now)
        .bind(&ids)
        .bind(column(|action| Some(&action.origin)))
        .bind(column(|action| Some(action.action)))
        .bind(column(|action| action.flow.map(QueueName::as_str)))
        .bind(column(|action| action.entity.as_deref()))
        .bind(column(|action| action.detail.as_deref()))
        .execute(&self.pool)
        .await?;
        Ok(ids)
    }

    /// Notes how it ended.
    pub async fn close_actions(&self, ids: &[Uuid], is_done: bool) -> Result<(), HubError> {
        let query = sqlx::query("UPDATE operator_action SET outcome = $2 WHERE id = ANY($1) AND outcome IS NULL");
        query.bind(ids).bind(if is_done { "done" } else { "failed" }).execute(&self.pool).await?;
        Ok(())
    }

    /// What was done, newest first, at most `limit`, before `before` where it is given.
    pub async fn actions(&self, before: Option<DateTime<Utc>>, limit: u32) -> Result<Vec<ActionView>, HubError> {
        let query = sqlx::query(
            "SELECT * FROM operator_action WHERE $1::timestamptz IS NULL OR at < $1 ORDER BY at DESC, id DESC LIMIT $2",
        );
        let rows = query.bind(before).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(ActionView::read).collect()
    }

    /// What was done to one record or employee, newest first, at most `limit`.
    pub async fn actions_on(&self, entity: &str, limit: u32) -> Result<Vec<ActionView>, HubError> {
        let query = sqlx::query("SELECT * FROM operator_action WHERE entity = $1 ORDER BY at DESC, id DESC LIMIT $2");
        let rows = query.bind(entity).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(ActionView::read).collect()
    }
}
