//! What the hub and the queue know of a calendar, and what goes wrong on the way there.

use domain::finding::FindingKind;
use domain::ids::{EventId, FrNr};
use domain::job::Wants;
use shared::hub::calendar::{PolicyChange, RowStatus, RowView};
use shared::queue::{Asker, JobState, JobView, NewJob};
use simulator::{Calls, Fault, FaultKind, JournalEntry, Operation, System};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{Calendars, parsed};
use crate::world::PATIENCE;
use crate::{Error, Result, eventually};

impl Calendars {
    /// What a person decides for an employee.
    pub async fn decide(&self, kuerzel: &str, change: PolicyChange) -> Result<()> {
        let is_known = self.hub.set_policy(&parsed(kuerzel), &change).await.map_err(told)?;
        if is_known { Ok(()) } else { Err(Error::new(format!("the hub does not know {kuerzel}"))) }
    }

    /// Whether the employee's permission lets all rows into Advoware, or none; `None`: as the setting says.
    pub async fn permit(&self, kuerzel: &str, allowed: Option<bool>) -> Result<()> {
        self.decide(kuerzel, PolicyChange { advoware_write_allowed: Some(allowed), ..PolicyChange::default() }).await
    }

    /// What the last run found: kinds and reasons.
    pub async fn findings(&self, kuerzel: &str) -> Result<Vec<(FindingKind, Option<String>)>> {
        let findings = self.employee(kuerzel).await?.findings;
        Ok(findings.into_iter().map(|finding| (finding.kind, finding.reason)).collect())
    }

    /// Kinds of what the last run found.
    pub async fn kinds(&self, kuerzel: &str) -> Result<Vec<FindingKind>> {
        Ok(self.findings(kuerzel).await?.into_iter().map(|(kind, _)| kind).collect())
    }

    /// The employee's living rows.
    pub async fn rows(&self, kuerzel: &str) -> Result<Vec<RowView>> {
        self.hub.rows_of_employee(&parsed(kuerzel)).await.map_err(told)
    }

    /// The employee's living row with this Termin.
    pub async fn row_of(&self, kuerzel: &str, frnr: i64) -> Result<RowView> {
        let rows = self.hub.rows_of_frnr(FrNr(frnr)).await.map_err(told)?;
        let own = rows.into_iter().find(|row| row.kuerzel == kuerzel && !row.deleted);
        own.ok_or_else(|| Error::new(format!("{kuerzel} has no row with Termin {frnr}")))
    }

    /// The event that copies a Termin in this employee's calendar.
    pub async fn event_of(&self, kuerzel: &str, frnr: i64) -> Result<String> {
        let event = self.row_of(kuerzel, frnr).await?.row.hub.event;
        event.map(|event| event.as_str().to_owned()).ok_or_else(|| Error::new("the row has no event"))
    }

    /// The Termin that an event has become.
    pub async fn frnr_of(&self, event: &str) -> Result<i64> {
        let event = EventId::parse(event).map_err(told)?;
        let rows = self.hub.rows_of_event(&event).await.map_err(told)?;
        let frnr = rows.into_iter().find(|row| !row.deleted).and_then(|row| row.row.hub.frnr);
        frnr.map(|frnr| frnr.0).ok_or_else(|| Error::new("the event has no Termin"))
    }

    /// An event as Google holds it.
    pub fn event(&self, kuerzel: &str, event: &str) -> Result<serde_json::Value> {
        let found = self.world.simulator.google().event(&self.calendar_id(kuerzel)?, event);
        found.ok_or_else(|| Error::new("there is no such event"))
    }

    /// A Termin as Advoware holds it.
    pub fn termin(&self, frnr: i64) -> Result<serde_json::Value> {
        let found = self.world.simulator.advoware().termin(frnr);
        found.ok_or_else(|| Error::new(format!("there is no Termin {frnr}")))
    }

    /// The next call of this kind goes wrong.
    pub fn given_fault(&self, operation: Operation, kind: FaultKind) {
        self.given_faults(Calls::to(operation), kind);
    }

    /// These calls go wrong.
    pub fn given_faults(&self, calls: Calls, kind: FaultKind) {
        self.world.simulator.faults().arm(Fault::new(calls, kind));
    }

    /// Runs until the job ends well, nothing is found and every row of the employee is agreed: rows that failed are tried again when their
    /// time has come.
    pub async fn settle(&self, kuerzel: &str) -> Result<()> {
        eventually(PATIENCE, "all rows are agreed", async || {
            self.sync(&[kuerzel]).await.map_err(|error| error.to_string())?;
            let job = self.job(kuerzel).await.map_err(|error| error.to_string())?;
            let found = self.findings(kuerzel).await.map_err(|error| error.to_string())?;
            if job.is_some() || !found.is_empty() {
                return Err(format!("{job:?} {found:?}"));
            }
            let rows = self.rows(kuerzel).await.map_err(|error| error.to_string())?;
            let open = rows.into_iter().find(|row| row.row.status != RowStatus::Synced);
            open.map_or(Ok(()), |row| Err(format!("{:?}", row.row.retry)))
        })
        .await
    }

    /// The hub forgets all employees and rows, as after a loss of PostgreSQL; what people decided, too.
    pub async fn lose_hub(&self) -> Result<()> {
        let mut connection = PgConnection::connect(&self.world.database_url).await?;
        for table in ["calendar_sync_audit", "calendar_sync", "calendar_employee"] {
            connection.execute(AssertSqlSafe(format!("DELETE FROM {table}"))).await?;
        }
        Ok(connection.close().await?)
    }

    /// A run that reads the window whole.
    pub async fn sync_whole(&self, kuerzel: &str) -> Result<Vec<JournalEntry>> {
        self.sync_wanting(&[kuerzel], Wants::calendar().listing_all()).await
    }

    /// A person brings a dead job back; it runs to its end.
    pub async fn requeue(&self, kuerzel: &str) -> Result<()> {
        let job = NewJob { entity: kuerzel.to_owned(), wants: Wants::calendar() };
        self.queue.enqueue(&[job], Asker::Requeue).await.map_err(told)?;
        self.run_until_quiet().await
    }

    /// The employee's job, if the queue has one.
    pub async fn job(&self, kuerzel: &str) -> Result<Option<JobView>> {
        let jobs = self.queue.show(&[kuerzel.to_owned()]).await.map_err(told)?;
        Ok(jobs.into_iter().next())
    }

    /// Why the employee's job is dead.
    pub async fn reason_of_death(&self, kuerzel: &str) -> Result<String> {
        let job = self.job(kuerzel).await?.filter(|job| job.state == JobState::Dead);
        Ok(job.ok_or_else(|| Error::new(format!("the job of {kuerzel} is not dead")))?.reason)
    }
}

/// Writes of these calls into one system.
pub fn writes_to(system: System, calls: &[JournalEntry]) -> Vec<Operation> {
    calls.iter().filter(|call| call.mutating && call.system == system).map(|call| call.operation).collect()
}

fn told(error: impl std::fmt::Display) -> Error {
    Error::new(error.to_string())
}
