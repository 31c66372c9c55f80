//! `calendar_employee`: policy, calendar and memory of one employee.

use chrono::{DateTime, Utc};
use domain::calendar::policy::SyncStrategy;
use domain::finding::FindingKind;
use domain::ids::{CalendarId, EventId, FrNr, Kuerzel};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::hub::{Hub, HubError};
use crate::traces::HubWrite;

/// An employee as the hub knows them.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "a row of the table, not a state")]
pub struct Employee {
    /// Whose.
    pub kuerzel: Kuerzel,
    /// Whether their calendar is synced.
    pub enabled: bool,
    /// Since when Advoware does not list them any more.
    pub departed_at: Option<DateTime<Utc>>,
    /// What goes before the settings.
    pub policy: EmployeePolicy,
    /// Their calendar, once found, created or given.
    pub calendar: Option<CalendarId>,
    /// A person gave it: we neither create nor share it.
    pub calendar_is_given: bool,
    /// The account that it is known to be shared with.
    pub shared_with: Option<String>,
    /// The calendar that the employee's rows are of.
    pub rows_of_calendar: Option<CalendarId>,
    /// When it was last decided whether their copies are anonymised.
    pub anonymize_set_at: Option<DateTime<Utc>>,
    /// Google's list of changes continues here.
    pub sync_token: Option<String>,
    /// Name of the policy under which the token was taken.
    pub token_policy: Option<String>,
    /// When the window was last read whole.
    pub full_list_at: Option<DateTime<Utc>>,
    /// Advoware's list was entirely empty last time (C4).
    pub advoware_was_empty: bool,
    /// Google's complete list was.
    pub google_was_empty: bool,
    /// Deletions that the last run held (C4).
    pub held_deletions: u32,
    /// What the last run found.
    pub findings: Vec<CalendarFinding>,
    /// When a run was last asked for by the schedule.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// When a run last looked.
    pub looked_at: Option<DateTime<Utc>>,
    /// When one last ended with nothing left to do.
    pub synced_at: Option<DateTime<Utc>>,
}

/// An employee's own policy; `None`: what the settings say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmployeePolicy {
    /// `sync_strategy`
    pub strategy: Option<SyncStrategy>,
    /// `advoware_write_allowed`
    pub advoware_write_allowed: Option<bool>,
    /// `anonymize`
    pub anonymize: Option<bool>,
}

/// A change of policy: `None` leaves as it is, `Some(None)` goes back to the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyChange {
    /// `sync_strategy`
    pub strategy: Option<Option<SyncStrategy>>,
    /// `advoware_write_allowed`
    pub advoware_write_allowed: Option<Option<bool>>,
    /// `anonymize`
    pub anonymize: Option<Option<bool>>,
    /// A calendar that a person gives, or none: then it is looked for by its name.
    pub calendar: Option<Option<CalendarId>>,
    /// Whether the calendar is synced.
    pub enabled: Option<bool>,
}

/// Something that a run found and left: kinds and ids, no values (E2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CalendarFinding {
    /// What.
    pub kind: FindingKind,
    /// On which Termin.
    pub frnr: Option<FrNr>,
    /// On which event.
    pub event: Option<EventId>,
    /// Name of the reason, from closed lists.
    pub reason: Option<String>,
}

/// What a run leaves for the next.
#[derive(Clone, Debug)]
pub struct RunEnd<'a> {
    /// The new token; `None` keeps the old one, with which the next run sees the same changes again.
    pub sync_token: Option<&'a str>,
    /// Name of the policy that the token is good for.
    pub token_policy: &'a str,
    /// The window was read whole.
    pub is_full_list: bool,
    /// Whether Advoware's list was entirely empty, and Google's complete one (`None`: it was not asked for); `None` keeps what is known.
    pub lists_were_empty: Option<(bool, Option<bool>)>,
    /// Deletions that were held.
    pub held_deletions: u32,
    /// What was found and left.
    pub findings: &'a [CalendarFinding],
    /// Nothing is left to do.
    pub is_settled: bool,
}

/// What the list of employees changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Staff {
    /// Seen for the first time.
    pub joined: u64,
    /// No longer in the list.
    pub departed: u64,
    /// In it again.
    pub returned: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredFinding {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fr_nr: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

fn from_findings(findings: &[CalendarFinding]) -> Value {
    let stored = |finding: &CalendarFinding| StoredFinding {
        kind: finding.kind.name().to_owned(),
        fr_nr: finding.frnr.map(|frnr| frnr.0),
        event: finding.event.as_ref().map(|event| event.as_str().to_owned()),
        reason: finding.reason.clone(),
    };
    json!(findings.iter().map(stored).collect::<Vec<_>>())
}

/// A kind that this program does not know was another version's; what it found is found again.
fn to_findings(value: Value) -> Result<Vec<CalendarFinding>, HubError> {
    let stored: Vec<StoredFinding> = serde_json::from_value(value).map_err(|_| HubError::Unreadable("findings"))?;
    let read = |finding: StoredFinding| {
        Some(CalendarFinding {
            kind: FindingKind::parse(&finding.kind)?,
            frnr: finding.fr_nr.map(FrNr),
            event: finding.event.and_then(|event| EventId::parse(&event).ok()),
            reason: finding.reason,
        })
    };
    Ok(stored.into_iter().filter_map(read).collect())
}

impl Employee {
    /// An employee whom the hub does not know yet: what the settings say, and nothing remembered.
    pub fn unknown(kuerzel: &Kuerzel) -> Self {
        Self {
            kuerzel: kuerzel.clone(),
            enabled: true,
            departed_at: None,
            policy: EmployeePolicy::default(),
            calendar: None,
            calendar_is_given: false,
            shared_with: None,
            rows_of_calendar: None,
            anonymize_set_at: None,
            sync_token: None,
            token_policy: None,
            full_list_at: None,
            advoware_was_empty: false,
            google_was_empty: false,
            held_deletions: 0,
            findings: Vec::new(),
            scheduled_at: None,
            looked_at: None,
            synced_at: None,
        }
    }

    /// Whether the hub's rows are of a calendar that is no longer theirs: what the new one lacks says nothing about them (C4).
    pub fn has_rows_of_another_calendar(&self) -> bool {
        self.rows_of_calendar.is_some() && self.rows_of_calendar != self.calendar
    }

    fn read(row: &PgRow) -> Result<Self, HubError> {
        let strategy: Option<&str> = row.try_get("strategy")?;
        let calendar: Option<&str> = row.try_get("calendar_id")?;
        let rows_of: Option<&str> = row.try_get("rows_of_calendar")?;
        let held: i32 = row.try_get("held_deletions")?;
        Ok(Self {
            kuerzel: Kuerzel::parse(row.try_get("kuerzel")?).map_err(|_| HubError::Unreadable("kuerzel"))?,
            enabled: row.try_get("enabled")?,
            departed_at: row.try_get("departed_at")?,
            policy: EmployeePolicy {
                strategy: strategy.and_then(SyncStrategy::parse),
                advoware_write_allowed: row.try_get("advoware_write_allowed")?,
                anonymize: row.try_get("anonymize")?,
            },
            calendar: calendar.map(CalendarId::parse).transpose().map_err(|_| HubError::Unreadable("calendar_id"))?,
            calendar_is_given: row.try_get("calendar_is_given")?,
            shared_with: row.try_get("shared_with")?,
            rows_of_calendar: rows_of.and_then(|calendar| CalendarId::parse(calendar).ok()),
            anonymize_set_at: row.try_get("anonymize_set_at")?,
            sync_token: row.try_get("sync_token")?,
            token_policy: row.try_get("token_policy")?,
            full_list_at: row.try_get("full_list_at")?,
            advoware_was_empty: row.try_get("advoware_was_empty")?,
            google_was_empty: row.try_get("google_was_empty")?,
            held_deletions: u32::try_from(held).unwrap_or_default(),
            findings: to_findings(row.try_get("findings")?)?,
            scheduled_at: row.try_get("scheduled_at")?,
            looked_at: row.try_get("looked_at")?,
            synced_at: row.try_get("synced_at")?,
        })
    }
}

impl Hub {
    /// One employee; `None` where the hub does not know them.
    pub async fn employee(&self, kuerzel: &Kuerzel) -> Result<Option<Employee>, HubError> {
        let query = sqlx::query("SELECT *, sync_strategy::text AS strategy FROM calendar_employee WHERE kuerzel = $1");
        query.bind(kuerzel.as_str()).fetch_optional(&self.pool).await?.as_ref().map(Employee::read).transpose()
    }

    /// All employees, by Kürzel.
    pub async fn employees(&self) -> Result<Vec<Employee>, HubError> {
        let query = "SELECT *, sync_strategy::text AS strategy FROM calendar_employee ORDER BY kuerzel";
        sqlx::query(query).fetch_all(&self.pool).await?.iter().map(Employee::read).collect()
    }

    /// Takes in Advoware's list of employees: who is new is added, who is not in it has departed and is no longer synced, with everything
    /// kept; who is in it again is synced again. A list without anybody changes nothing: no firm has no employees.
    pub async fn note_staff(&self, listed: &[Kuerzel], now: DateTime<Utc>) -> Result<Staff, HubError> {
        if listed.is_empty() {
            return Ok(Staff::default());
        }
        let listed: Vec<&str> = listed.iter().map(Kuerzel::as_str).collect();
        let mut transaction = self.pool.begin().await?;
        let mut changed = [0; 3];
        let statements = [
            "INSERT INTO calendar_employee (kuerzel) SELECT UNNEST($1::text[]) EXCEPT SELECT kuerzel FROM calendar_employee
             ON CONFLICT (kuerzel) DO NOTHING",
            "UPDATE calendar_employee SET departed_at = $2 WHERE departed_at IS NULL AND kuerzel <> ALL($1::text[])",
            "UPDATE calendar_employee SET departed_at = NULL WHERE departed_at IS NOT NULL AND kuerzel = ANY($1::text[])
                AND $2 IS NOT NULL",
        ];
        for (at, (statement, changed)) in statements.into_iter().zip(&mut changed).enumerate() {
            let query = sqlx::query(statement).bind(&listed);
            let query = if at == 0 { query } else { query.bind(now) };
            *changed = query.execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        let [joined, departed, returned] = changed;
        Ok(Staff { joined, departed, returned })
    }

    /// Makes sure that the hub knows an employee, with the settings' policy.
    pub async fn add_employee(&self, kuerzel: &Kuerzel) -> Result<(), HubError> {
        let query = sqlx::query("INSERT INTO calendar_employee (kuerzel) VALUES ($1) ON CONFLICT (kuerzel) DO NOTHING");
        query.bind(kuerzel.as_str()).execute(&self.pool).await?;
        Ok(())
    }

    /// Changes an employee's policy. `false`: the hub does not know them.
    pub async fn set_policy(&self, kuerzel: &Kuerzel, change: &PolicyChange) -> Result<bool, HubError> {
        let calendar = change.calendar.as_ref().map(|calendar| calendar.as_ref().map(CalendarId::as_str));
        let done = sqlx::query(
            "UPDATE calendar_employee SET
                sync_strategy = CASE WHEN $2 THEN $3::sync_strategy_enum ELSE sync_strategy END,
                advoware_write_allowed = CASE WHEN $4 THEN $5 ELSE advoware_write_allowed END,
                anonymize = CASE WHEN $6 THEN $7 ELSE anonymize END,
                anonymize_set_at = CASE WHEN $6 THEN now() ELSE anonymize_set_at END,
                calendar_id = CASE WHEN $8 THEN $9 ELSE calendar_id END,
                calendar_is_given = CASE WHEN $8 THEN $9 IS NOT NULL ELSE calendar_is_given END,
                shared_with = CASE WHEN $8 THEN NULL ELSE shared_with END,
                sync_token = CASE WHEN $8 THEN NULL ELSE sync_token END,
                enabled = COALESCE($10, enabled)
             WHERE kuerzel = $1",
        )
        .bind(kuerzel.as_str())
        .bind(change.strategy.is_some())
        .bind(change.strategy.flatten().map(SyncStrategy::name))
        .bind(change.advoware_write_allowed.is_some())
        .bind(change.advoware_write_allowed.flatten())
        .bind(change.anonymize.is_some())
        .bind(change.anonymize.flatten())
        .bind(change.calendar.is_some())
        .bind(calendar.flatten())
        .bind(change.enabled)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The calendar that was found or created, at once: it is created only once (DOMAIN 6). `false`: a person has given another meanwhile.
    pub async fn remember_calendar(&self, kuerzel: &Kuerzel, calendar: &CalendarId) -> Result<bool, HubError> {
        let query = "UPDATE calendar_employee SET calendar_id = $2, calendar_is_given = FALSE, sync_token = NULL
                     WHERE kuerzel = $1 AND calendar_id IS NULL";
        let done = sqlx::query(query)
            .bind(kuerzel.as_str())
            .bind(calendar.as_str())
            .execute(&self.pool)
            .traced("remember_calendar")
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// From now on the employee's rows are of this calendar. Those of another one end here, with what they said in the audit as far as it
    /// was written: what that calendar held stays there, and the Termine are new to this one (C4). Answers how many ended.
    pub async fn move_rows_to(&self, kuerzel: &Kuerzel, calendar: &CalendarId) -> Result<u64, HubError> {
        let mut transaction = self.pool.begin().await?;
        let ended = sqlx::query(
            "UPDATE calendar_sync SET deleted = TRUE, intent = NULL FROM calendar_employee AS employee
             WHERE employee.kuerzel = $1 AND calendar_sync.employee_kuerzel = $1 AND calendar_sync.deleted = FALSE
               AND employee.rows_of_calendar <> $2",
        );
        let ended = ended.bind(kuerzel.as_str()).bind(calendar.as_str()).execute(&mut *transaction).await?;
        let known = "UPDATE calendar_employee SET rows_of_calendar = $2, full_list_at = NULL, google_was_empty = FALSE WHERE kuerzel = $1";
        sqlx::query(known).bind(kuerzel.as_str()).bind(calendar.as_str()).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(ended.rows_affected())
    }

    /// The account that the calendar is now shared with.
    pub async fn remember_sharing(&self, kuerzel: &Kuerzel, owner: &str) -> Result<(), HubError> {
        let query = sqlx::query("UPDATE calendar_employee SET shared_with = $2 WHERE kuerzel = $1");
        query.bind(kuerzel.as_str()).bind(owner).execute(&self.pool).traced("remember_sharing").await?;
        Ok(())
    }

    /// What a run leaves for the next.
    pub async fn remember_run(&self, kuerzel: &Kuerzel, end: &RunEnd<'_>, now: DateTime<Utc>) -> Result<(), HubError> {
        sqlx::query(
            "UPDATE calendar_employee SET
                sync_token = COALESCE($2, sync_token), token_policy = CASE WHEN $2 IS NULL THEN token_policy ELSE $3 END,
                full_list_at = CASE WHEN $4 AND $2 IS NOT NULL THEN $5 ELSE full_list_at END,
                advoware_was_empty = COALESCE($6, advoware_was_empty), google_was_empty = COALESCE($7, google_was_empty), held_deletions = $8, findings = $9,
                looked_at = $5, synced_at = CASE WHEN $10 THEN $5 ELSE synced_at END
             WHERE kuerzel = $1",
        )
        .bind(kuerzel.as_str())
        .bind(end.sync_token)
        .bind(end.token_policy)
        .bind(end.is_full_list)
        .bind(now)
        .bind(end.lists_were_empty.map(|(advoware, _)| advoware))
        .bind(end.lists_were_empty.and_then(|(_, google)| google))
        .bind(i32::try_from(end.held_deletions).unwrap_or(i32::MAX))
        .bind(from_findings(end.findings))
        .bind(end.is_settled)
        .execute(&self.pool)
        .traced("remember_run")
        .await?;
        Ok(())
    }
}
