//! What operators asked of single records: kept here, carried out by a worker under the record's lease, each once.

use chrono::{DateTime, Utc};
use domain::beteiligte::stammdaten::Side;
use domain::ids::EspoId;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Hub, HubError};
use crate::traces::HubWrite;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Carry out the plan of this hash and nothing else.
    Apply(String),
    /// Write back what this audit entry replaced.
    Restore(Uuid),
    /// This side wins every conflict that waits for a person.
    Decide(Side),
}

/// A request that is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub id: Uuid,
    /// What is asked.
    pub asked: Asked,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestAnswer {
    /// Carried out; else refused.
    pub is_done: bool,
    /// In words, without values.
    pub text: String,
}

/// A request as it is stored, about a record or, with `CalendarAsked`, about a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestView<A = Asked> {
    /// Its id.
    pub id: Uuid,
    /// What was asked.
    pub asked: A,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// What came of it, and when; `None`: no worker has answered so far.
    pub answered: Option<(DateTime<Utc>, RequestAnswer)>,
}

impl Asked {
    fn parts(&self) -> (&'static str, String) {
        match self {
            Self::Apply(hash) => ("apply", hash.clone()),
            Self::Restore(entry) => ("restore", entry.to_string()),
            Self::Decide(side) => ("decide", side.name().to_owned()),
        }
    }

    fn read(kind: &str, argument: &str) -> Option<Self> {
        match kind {
            "apply" => Some(Self::Apply(argument.to_owned())),
            "restore" => argument.parse().ok().map(Self::Restore),
            "decide" => Side::ALL.into_iter().find(|side| side.name() == argument).map(Self::Decide),
            _ => None,
        }
    }
}

impl Request {
    /// Of a row with the columns `request`, `kind` and `argument`, all null where there is none.
    pub(super) fn read(row: &PgRow) -> Result<Option<Self>, HubError> {
        let Some(id) = row.try_get::<Option<Uuid>, _>("request")? else { return Ok(None) };
        let asked = Asked::read(row.try_get("kind")?, row.try_get("argument")?);
        asked.map(|asked| Some(Self { id, asked })).ok_or(HubError::Unreadable("request"))
    }
}

impl<A> RequestView<A> {
    /// `asked` reads kind and argument; `None`: they are none of its.
    pub(super) fn read(row: &PgRow, asked: fn(&str, &str) -> Option<A>) -> Result<Self, HubError> {
        let asked = asked(row.try_get("kind")?, row.try_get("argument")?);
        let answered = match row.try_get::<Option<DateTime<Utc>>, _>("done_at")? {
            Some(at) => {
                let outcome: String = row.try_get("outcome")?;
                Some((at, RequestAnswer { is_done: outcome == "done", text: row.try_get("answer")? }))
            }
            None => None,
        };
        Ok(Self {
            id: row.try_get("id")?,
            asked: asked.ok_or(HubError::Unreadable("request"))?,
            asked_at: row.try_get("asked_at")?,
            answered,
        })
    }
}

impl Hub {
    /// Keeps what was asked, until a worker answers it.
    pub async fn ask(&self, id: &EspoId, asked: &Asked, now: DateTime<Utc>) -> Result<Uuid, HubError> {
        let request = Uuid::now_v7();
        let (kind, argument) = asked.parts();
        sqlx::query("INSERT INTO sync_request (id, espo_id, kind, argument, asked_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(request)
            .bind(id.as_str())
            .bind(kind)
            .bind(argument)
            .bind(now)
            .execute(&self.pool)
            .traced("ask")
            .await?;
        Ok(request)
    }

    /// Takes back what nobody has begun.
    pub async fn withdraw_request(&self, request: Uuid) -> Result<(), HubError> {
        let query = sqlx::query("DELETE FROM sync_request WHERE id = $1 AND done_at IS NULL");
        query.bind(request).execute(&self.pool).await?;
        Ok(())
    }

    /// Answers a request. The first answer stands.
    pub async fn answer_request(
        &self,
        request: Uuid,
        answer: &RequestAnswer,
        now: DateTime<Utc>,
    ) -> Result<(), HubError> {
        sqlx::query(
            "UPDATE sync_request SET done_at = $2, outcome = $3, answer = $4 WHERE id = $1 AND done_at IS NULL",
        )
        .bind(request)
        .bind(now)
        .bind(if answer.is_done { "done" } else { "refused" })
        .bind(&answer.text)
        .execute(&self.pool)
        .traced("answer_request")
        .await?;
        Ok(())
    }

    /// What came of a request; `None` as long as nobody answered it.
    pub async fn request_answer(&self, request: Uuid) -> Result<Option<RequestAnswer>, HubError> {
        let query = sqlx::query("SELECT outcome, answer FROM sync_request WHERE id = $1 AND done_at IS NOT NULL");
        let Some(row) = query.bind(request).fetch_optional(&self.pool).await? else { return Ok(None) };
        let outcome: String = row.try_get("outcome")?;
        Ok(Some(RequestAnswer { is_done: outcome == "done", text: row.try_get("answer")? }))
    }

    /// What was asked of a record, answered or not, newest first, at most `limit`.
    pub async fn requests_of(&self, id: &EspoId, limit: u32) -> Result<Vec<RequestView>, HubError> {
        let query = sqlx::query(
            "SELECT id, kind, argument, asked_at, done_at, outcome, answer FROM sync_request
             WHERE espo_id = $1 ORDER BY asked_at DESC, id DESC LIMIT $2",
        );
        let rows = query.bind(id.as_str()).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(|row| RequestView::read(row, Asked::read)).collect()
    }
}
