//! What operators asked of one employee's calendar: kept here, carried out by a worker under the employee's lease, each once.

use chrono::{DateTime, Utc};
use domain::calendar::plan::RowId;
use domain::ids::{EventId, Kuerzel};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Row;
use uuid::Uuid;

use crate::hub::{Hub, HubError, RequestView};
use crate::traces::HubWrite;

/// Kind of the request for a rebuild.
const REBUILD: &str = "rebuild_hub";

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CalendarAsked {
    /// Write back what this audit entry replaced or removed.
    Restore(Uuid),
    /// Remove these, as far as they still are what they were named for.
    Remove(Leftover, Removal),
    /// Give rows to the pairs that the hub has lost (C10a).
    Rebuild,
}

/// What is to be removed, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// Nothing binds it, or it binds nothing.
    Orphaned,
    /// It says what another says.
    Duplicate,
}

/// What is to be removed; all of it is checked again before it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Events of ours.
    pub events: Vec<EventId>,
    /// Rows of the hub.
    pub rows: Vec<RowId>,
}

/// A request that is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarRequest {
    /// Its id.
    pub id: Uuid,
    /// What is asked.
    pub asked: CalendarAsked,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRemoval {
    events: Vec<String>,
    rows: Vec<Uuid>,
}

impl Leftover {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Orphaned, Self::Duplicate];

    /// Name of the request.
    fn kind(self) -> &'static str {
        match self {
            Self::Orphaned => "remove_orphaned",
            Self::Duplicate => "remove_duplicates",
        }
    }

    /// Rule of the audit entries.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Orphaned => "remove_orphan",
            Self::Duplicate => "remove_duplicate",
        }
    }
}

impl Removal {
    /// Whether nothing is meant.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.rows.is_empty()
    }
}

fn stored(removal: &Removal) -> String {
    let events = removal.events.iter().map(|event| event.as_str().to_owned()).collect();
    let rows = removal.rows.iter().map(|row| Uuid::from_u128(row.0)).collect();
    json!(StoredRemoval { events, rows }).to_string()
}

fn removal(argument: &str) -> Option<Removal> {
    let StoredRemoval { events, rows } = serde_json::from_str(argument).ok()?;
    let events = events.iter().map(|event| EventId::parse(event).ok()).collect::<Option<_>>()?;
    Some(Removal { events, rows: rows.iter().map(|row| RowId(row.as_u128())).collect() })
}

impl CalendarAsked {
    fn parts(&self) -> (&'static str, String) {
        match self {
            Self::Restore(entry) => ("restore", entry.to_string()),
            Self::Remove(leftover, removal) => (leftover.kind(), stored(removal)),
            Self::Rebuild => (REBUILD, String::new()),
        }
    }

    fn read(kind: &str, argument: &str) -> Option<Self> {
        if kind == "restore" {
            return argument.parse().ok().map(Self::Restore);
        }
        if kind == REBUILD {
            return Some(Self::Rebuild);
        }
        let leftover = Leftover::ALL.into_iter().find(|leftover| leftover.kind() == kind)?;
        Some(Self::Remove(leftover, removal(argument)?))
    }
}

impl Hub {
    /// Keeps what was asked, until a worker answers it. It is withdrawn, answered and looked up like any request.
    pub async fn ask_calendar(
        &self,
        kuerzel: &Kuerzel,
        asked: &CalendarAsked,
        now: DateTime<Utc>,
    ) -> Result<Uuid, HubError> {
        let request = Uuid::now_v7();
        let (kind, argument) = asked.parts();
        sqlx::query("INSERT INTO sync_request (id, kuerzel, kind, argument, asked_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(request)
            .bind(kuerzel.as_str())
            .bind(kind)
            .bind(argument)
            .bind(now)
            .execute(&self.pool)
            .traced("ask_calendar")
            .await?;
        Ok(request)
    }

    /// The oldest request about an employee's calendar that nobody has answered.
    pub async fn calendar_request(&self, kuerzel: &Kuerzel) -> Result<Option<CalendarRequest>, HubError> {
        let query = sqlx::query(
            "SELECT id, kind, argument FROM sync_request WHERE kuerzel = $1 AND done_at IS NULL ORDER BY asked_at, id LIMIT 1",
        );
        let Some(row) = query.bind(kuerzel.as_str()).fetch_optional(&self.pool).await? else { return Ok(None) };
        let asked = CalendarAsked::read(row.try_get("kind")?, row.try_get("argument")?);
        let asked = asked.ok_or(HubError::Unreadable("request"))?;
        Ok(Some(CalendarRequest { id: row.try_get("id")?, asked }))
    }

    /// What was asked of an employee's calendar, answered or not, newest first, at most `limit`.
    pub async fn requests_of_employee(
        &self,
        kuerzel: &Kuerzel,
        limit: u32,
    ) -> Result<Vec<RequestView<CalendarAsked>>, HubError> {
        let query = sqlx::query(
            "SELECT id, kind, argument, asked_at, done_at, outcome, answer FROM sync_request
             WHERE kuerzel = $1 ORDER BY asked_at DESC, id DESC LIMIT $2",
        );
        let rows = query.bind(kuerzel.as_str()).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(|row| RequestView::read(row, CalendarAsked::read)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_comes_back_as_it_was_stored() {
        let removal = Removal { events: vec![EventId::parse("a1").unwrap()], rows: vec![RowId(7)] };
        for asked in [
            CalendarAsked::Restore(Uuid::from_u128(1)),
            CalendarAsked::Remove(Leftover::Orphaned, removal.clone()),
            CalendarAsked::Remove(Leftover::Duplicate, removal),
            CalendarAsked::Rebuild,
        ] {
            let (kind, argument) = asked.parts();
            assert_eq!(CalendarAsked::read(kind, &argument), Some(asked));
        }
        assert_eq!(CalendarAsked::read("remove_orphaned", "{}"), None);
        assert_eq!(CalendarAsked::read("decide", "espocrm"), None);
    }
}
