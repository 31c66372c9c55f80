//! What the continuous check found of calendars: which entries differ, since when, and whose calendar it has to look at next.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::divergence::Difference;
use domain::ids::{EventId, FrNr, Kuerzel};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::hub::{Hub, HubError};

/// An entry whose sides differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DifferingEntry {
    /// How: a name of [`crate::calendar::Difference`].
    pub kind: String,
    /// The Termin, where there is or was one.
    pub frnr: Option<FrNr>,
    /// The event likewise.
    pub event: Option<EventId>,
    /// Since when, and whether it counts.
    pub difference: Difference,
}

/// An employee whose calendar is to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueCalendar {
    /// Whose.
    pub kuerzel: Kuerzel,
    /// What differed when it was last compared.
    pub before: Vec<DifferingEntry>,
    /// A run has looked at it since.
    pub was_synced: bool,
}

/// An entry that diverges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DivergentEntry {
    /// Whose calendar.
    pub kuerzel: Kuerzel,
    /// The entry.
    pub entry: DifferingEntry,
    /// When it was last seen.
    pub seen_at: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fr_nr: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    digest: String,
    since: DateTime<Utc>,
    is_divergent: bool,
}

fn from_entries(entries: &[DifferingEntry]) -> Value {
    let stored = |entry: &DifferingEntry| Stored {
        kind: entry.kind.clone(),
        fr_nr: entry.frnr.map(|frnr| frnr.0),
        event: entry.event.as_ref().map(|event| event.as_str().to_owned()),
        digest: entry.difference.digest.clone(),
        since: entry.difference.since,
        is_divergent: entry.difference.is_divergent,
    };
    json!(entries.iter().map(stored).collect::<Vec<_>>())
}

fn to_entries(value: Value) -> Result<Vec<DifferingEntry>, HubError> {
    let stored: Vec<Stored> = serde_json::from_value(value).map_err(|_| HubError::Unreadable("differences"))?;
    let read = |stored: Stored| DifferingEntry {
        kind: stored.kind,
        frnr: stored.fr_nr.map(FrNr),
        event: stored.event.and_then(|event| EventId::parse(&event).ok()),
        difference: Difference { digest: stored.digest, since: stored.since, is_divergent: stored.is_divergent },
    };
    Ok(stored.into_iter().map(read).collect())
}

fn kuerzel(row: &PgRow) -> Result<Kuerzel, HubError> {
    Kuerzel::parse(row.try_get("kuerzel")?).map_err(|_| HubError::Unreadable("kuerzel"))
}

impl Hub {
    /// Spreads employees whose calendars were never compared over the interval from `now`. Answers how many.
    pub async fn spread_calendars(&self, interval: Duration, now: DateTime<Utc>) -> Result<u64, HubError> {
        let done = sqlx::query(
            "UPDATE calendar_employee SET verify_due_at = $1 + make_interval(secs => $2 * random()) WHERE verify_due_at IS NULL",
        );
        Ok(done.bind(now).bind(interval.as_secs_f64()).execute(&self.pool).await?.rows_affected())
    }

    /// Takes an employee whose turn it is, or whose calendar differed and was synced since. Until `claimed_until` nobody else gets them: if
    /// whoever took them ends before, they are due again then. Whose calendar was never synced has no turn. `only`: one employee
    /// (`CALENDAR_SYNC_DEBUG_KUERZEL`).
    pub async fn take_calendar_to_verify(
        &self,
        only: Option<&Kuerzel>,
        now: DateTime<Utc>,
        claimed_until: DateTime<Utc>,
    ) -> Result<Option<DueCalendar>, HubError> {
        let query = sqlx::query(
            "UPDATE calendar_employee SET verify_claimed_until = $2 WHERE kuerzel IN (
                SELECT kuerzel FROM calendar_employee
                WHERE enabled AND departed_at IS NULL AND synced_at IS NOT NULL AND ($3::text IS NULL OR kuerzel = $3)
                    AND (verify_claimed_until IS NULL OR verify_claimed_until <= $1)
                    AND (verify_due_at <= $1 OR (differences <> '[]' AND looked_at > verified_at))
                ORDER BY verify_due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
             RETURNING kuerzel, differences, coalesce(looked_at > verified_at, false) AS was_synced",
        );
        let query = query.bind(now).bind(claimed_until).bind(only.map(Kuerzel::as_str));
        let Some(row) = query.fetch_optional(&self.pool).await? else { return Ok(None) };
        let before = to_entries(row.try_get("differences")?)?;
        Ok(Some(DueCalendar { kuerzel: kuerzel(&row)?, before, was_synced: row.try_get("was_synced")? }))
    }

    /// Keeps what a look at `looked_at` found, and when the next is due. `false`: a run has looked since, so what was found is outdated.
    pub async fn note_calendar_verified(
        &self,
        kuerzel: &Kuerzel,
        found: &[DifferingEntry],
        looked_at: DateTime<Utc>,
        due_at: DateTime<Utc>,
    ) -> Result<bool, HubError> {
        let done = sqlx::query(
            "UPDATE calendar_employee SET verified_at = $2, differences = $3, verify_due_at = $4, verify_claimed_until = NULL
             WHERE kuerzel = $1 AND ($3 = '[]' OR looked_at IS NULL OR looked_at <= $2)",
        );
        let query = done.bind(kuerzel.as_str()).bind(looked_at).bind(from_entries(found)).bind(due_at);
        Ok(query.execute(&self.pool).await?.rows_affected() == 1)
    }

    /// A calendar could not be compared now, or a sync is about to: not before `until`.
    pub async fn put_off_verifying_calendar(&self, kuerzel: &Kuerzel, until: DateTime<Utc>) -> Result<(), HubError> {
        let query = sqlx::query("UPDATE calendar_employee SET verify_claimed_until = $2 WHERE kuerzel = $1");
        query.bind(kuerzel.as_str()).bind(until).execute(&self.pool).await?;
        Ok(())
    }

    /// How many entries of all calendars diverge.
    pub async fn count_divergent_entries(&self) -> Result<u64, HubError> {
        let query = "SELECT count(*) FROM calendar_employee, jsonb_array_elements(differences) AS entry
                     WHERE enabled AND departed_at IS NULL AND (entry->>'isDivergent')::boolean";
        let count: i64 = sqlx::query_scalar(query).fetch_one(&self.pool).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Entries that diverge, by employee; the longest first.
    pub async fn divergent_entries(&self) -> Result<Vec<DivergentEntry>, HubError> {
        let query = "SELECT kuerzel, differences, verified_at FROM calendar_employee
                     WHERE enabled AND departed_at IS NULL AND differences <> '[]' ORDER BY kuerzel";
        let mut divergent = Vec::new();
        for row in sqlx::query(query).fetch_all(&self.pool).await? {
            let (kuerzel, seen_at) = (kuerzel(&row)?, row.try_get("verified_at")?);
            let mut entries = to_entries(row.try_get("differences")?)?;
            entries.retain(|entry| entry.difference.is_divergent);
            entries.sort_by_key(|entry| entry.difference.since);
            let told = |entry| DivergentEntry { kuerzel: kuerzel.clone(), entry, seen_at };
            divergent.extend(entries.into_iter().map(told));
        }
        Ok(divergent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differed_comes_back_as_it_was_stored() {
        let since = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let difference = Difference { digest: "ab".to_owned(), since, is_divergent: true };
        let entry =
            |frnr, event| DifferingEntry { kind: "content".to_owned(), frnr, event, difference: difference.clone() };
        let entries = [entry(Some(FrNr(7)), None), entry(None, Some(EventId::parse("a1").unwrap()))];
        assert_eq!(to_entries(from_entries(&entries)).unwrap(), entries);
        assert!(to_entries(json!([{}])).is_err());
    }
}
