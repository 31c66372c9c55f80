//! A law firm's calendars: employees, their Termine and their Google calendars around the programs under test, with verbs for scenarios.

pub mod content;
pub mod converge;
pub mod entry;
pub mod ledger;
mod look;
pub mod races;
pub mod story;

use domain::ids::Kuerzel;
use domain::job::Wants;
use serde_json::{Map, Value, json};
use shared::hub::Hub;
use shared::hub::calendar::Employee;
use shared::queue::{Asker, NewJob, Queue, QueueName};
use simulator::{Edit, JournalEntry, Operation, SimulatorConfig};
use tempfile::TempDir;

use crate::world::{PATIENCE, World, fields};
use crate::worlds::Worlds;
use crate::{Error, Result, eventually};
use entry::Entry;

pub use look::writes_to;

/// The account that calendars are shared with in scenarios.
pub const OWNER: &str = "kanzlei@example.org";

/// A world with calendars.
pub struct Calendars {
    pub world: World,
    pub queue: Queue,
    pub hub: Hub,
    _folder: TempDir,
}

impl Calendars {
    /// On servers of its own, no employee yet, no program running.
    pub async fn start() -> Result<Self> {
        Self::around(World::start().await?).await
    }

    /// In a place of `worlds`.
    pub async fn fresh(worlds: &Worlds) -> Result<Self> {
        Self::around(worlds.fresh_with(SimulatorConfig::default()).await?).await
    }

    pub async fn around(mut world: World) -> Result<Self> {
        let folder = TempDir::new()?;
        let account = folder.path().join("service-account.json");
        world.simulator.google().write_service_account(&account)?;
        let base = world.simulator.addresses().google_calendar_api_base_url.clone();
        world.setting("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH", account.display());
        world.setting("GOOGLE_CALENDAR_API_BASE_URL", base);
        world.setting("GOOGLE_CALENDAR_OWNER", OWNER);
        world.setting("GOOGLE_CALENDAR_REQUESTS_PER_MINUTE", 60_000);
        let queue = Queue::connect(world.environment_of("REDIS_URL").as_str(), QueueName::Calendar).await;
        let queue = queue.map_err(|error| Error::new(error.to_string()))?;
        let hub = Hub::new(world.database_url.parse()?);
        Ok(Self { world, queue, hub, _folder: folder })
    }

    /// An employee of the firm, known to the hub as after a look of the schedule.
    pub async fn given_employee(&self, kuerzel: &str) -> Result<()> {
        self.world.simulator.advoware().seed_mitarbeiter(kuerzel, "Beispiel");
        self.hub.add_employee(&parsed(kuerzel)).await.map_err(|error| Error::new(error.to_string()))
    }

    /// A Termin of one hour on a day from today on, as Advoware's own program writes it.
    pub fn given_termin(&self, kuerzel: &str, days_ahead: i64, hour: u32, text: &str) -> i64 {
        self.world.simulator.advoware().seed_termin(self.termin_fields(kuerzel, days_ahead, hour, text))
    }

    /// The fields of such a Termin.
    pub fn termin_fields(&self, kuerzel: &str, days_ahead: i64, hour: u32, text: &str) -> Value {
        let day = self.day(days_ahead);
        json!({
            "datum": format!("{day}T{hour:02}:00:00"), "datumBis": format!("{day}T{:02}:00:00", hour + 1),
            "uhrzeitVon": format!("{hour:02}:00:00"), "uhrzeitBis": format!("{:02}:00:00", hour + 1),
            "text": text, "notiz": "", "ort": "", "sb": kuerzel, "anwalt": kuerzel, "dauertermin": 0, "turnus": 0, "turnusArt": 0,
        })
    }

    /// An event of one hour in Berlin's winter time or summer time, as Google's page writes it.
    pub fn event_fields(&self, days_ahead: i64, hour: u32, summary: &str) -> Value {
        let day = self.day(days_ahead);
        let at = |hour: u32| json!({"dateTime": entry::rfc3339(day, hour), "timeZone": "Europe/Berlin"});
        json!({"summary": summary, "start": at(hour), "end": at(hour + 1)})
    }

    /// A day from today on, as the simulator's clock has it.
    pub fn day(&self, days_ahead: i64) -> chrono::NaiveDate {
        entry::berlin(shared::clock::Clock::system().now()).date() + chrono::TimeDelta::days(days_ahead)
    }

    /// What a user does.
    pub fn edit(&self, edit: Edit) -> Option<i64> {
        let outcome = self.world.simulator.edit(&edit).expect("the simulator takes the edit");
        outcome.frnr
    }

    /// A user enters an event; answers its id.
    pub fn enter_event(&self, kuerzel: &str, event: Value) -> Result<String> {
        let insert = Edit::GoogleInsert { calendar_id: self.calendar_id(kuerzel)?, event: fields(event) };
        let outcome = self.world.simulator.edit(&insert).expect("the simulator takes the edit");
        outcome.event_id.ok_or_else(|| Error::new("the event has no id"))
    }

    /// A user changes fields of an event.
    pub fn change_event(&self, kuerzel: &str, event_id: &str, changed: Value) -> Result<()> {
        let calendar_id = self.calendar_id(kuerzel)?;
        self.edit(Edit::GoogleSet { calendar_id, event_id: event_id.to_owned(), fields: fields(changed) });
        Ok(())
    }

    /// A user deletes an event.
    pub fn delete_event(&self, kuerzel: &str, event_id: &str) -> Result<()> {
        let calendar_id = self.calendar_id(kuerzel)?;
        self.edit(Edit::GoogleDelete { calendar_id, event_id: event_id.to_owned() });
        Ok(())
    }

    /// A user changes fields of a Termin.
    pub fn change_termin(&self, frnr: i64, changed: Value) {
        self.edit(Edit::TerminChange { frnr, fields: fields(changed) });
    }

    /// A user deletes a Termin.
    pub fn delete_termin(&self, frnr: i64) {
        self.edit(Edit::TerminDelete { frnr });
    }

    /// The calendar `AW-<Kürzel>`.
    pub fn calendar_id(&self, kuerzel: &str) -> Result<String> {
        let name = format!("AW-{kuerzel}");
        let calendars = self.world.simulator.google().calendars();
        let found = calendars.iter().find(|calendar| calendar["summary"] == name.as_str());
        let id = found.and_then(|calendar| calendar["id"].as_str());
        id.map(str::to_owned).ok_or_else(|| Error::new(format!("no calendar of {kuerzel}")))
    }

    /// The employee as the hub knows them.
    pub async fn employee(&self, kuerzel: &str) -> Result<Employee> {
        let employee = self.hub.employee(&parsed(kuerzel)).await.map_err(|error| Error::new(error.to_string()))?;
        employee.ok_or_else(|| Error::new(format!("the hub does not know {kuerzel}")))
    }

    pub async fn trigger(&self, employees: &[&str], wants: Wants) -> Result<()> {
        let job = |kuerzel: &&str| NewJob { entity: (*kuerzel).to_owned(), wants };
        let jobs: Vec<NewJob> = employees.iter().map(job).collect();
        self.queue.enqueue(&jobs, Asker::Event).await.map(drop).map_err(|error| Error::new(error.to_string()))
    }

    /// Waits until no job is ready, delayed or running.
    pub async fn run_until_quiet(&self) -> Result<()> {
        eventually(PATIENCE, "the calendar's queue is quiet", async || match self.queue.counts().await {
            Ok(counts) if counts.ready + counts.delayed + counts.running == 0 => Ok(()),
            Ok(counts) => Err(format!("{counts:?}")),
            Err(error) => Err(error.to_string()),
        })
        .await
    }

    /// A run for each of these, to its end; answers the calls it made, log-ins aside.
    pub async fn sync(&self, employees: &[&str]) -> Result<Vec<JournalEntry>> {
        self.sync_wanting(employees, Wants::calendar()).await
    }

    pub async fn sync_wanting(&self, employees: &[&str], wants: Wants) -> Result<Vec<JournalEntry>> {
        let before = self.world.simulator.journal().last_sequence();
        self.trigger(employees, wants).await?;
        self.run_until_quiet().await?;
        let calls = self.world.simulator.journal().since(before);
        Ok(calls.into_iter().filter(|call| !is_log_in(call)).collect())
    }

    /// What an employee sees in Advoware, in comparable form; computed entries are left out.
    pub fn termine(&self, kuerzel: &str) -> Vec<Entry> {
        let advoware = self.world.simulator.advoware();
        let seen = advoware.frnrs_seen_by(kuerzel).into_iter().filter(|frnr| *frnr > 0);
        sorted(seen.filter_map(|frnr| Entry::of_termin(&advoware.termin(frnr)?)))
    }

    /// What stands in the employee's Google calendar, in comparable form.
    pub fn events(&self, kuerzel: &str) -> Result<Vec<Entry>> {
        let events = self.world.simulator.google().events(&self.calendar_id(kuerzel)?);
        Ok(sorted(events.iter().filter_map(Entry::of_event)))
    }

    /// Invariants 1 and 2: both sides say the same, and two more runs cost one list on each side and write nothing.
    pub async fn then_agreed_and_silent(&self, kuerzel: &str) -> Result<()> {
        assert_eq!(self.termine(kuerzel), self.events(kuerzel)?, "the sides of {kuerzel} differ");
        self.then_silent(kuerzel).await
    }

    /// Two more runs cost one list on each side and write nothing, whatever the sides say.
    pub async fn then_silent(&self, kuerzel: &str) -> Result<()> {
        for run in ["second", "third"] {
            let calls = self.sync(&[kuerzel]).await?;
            let mut operations: Vec<Operation> = calls.iter().map(|call| call.operation).collect();
            operations.sort_by_key(|operation| *operation != Operation::ListTermine);
            assert_eq!(operations, [Operation::ListTermine, Operation::GoogleEventList], "the {run} run: {calls:?}");
        }
        Ok(())
    }
}

/// Calls of a run that write.
pub fn writes(calls: &[JournalEntry]) -> Vec<Operation> {
    calls.iter().filter(|call| call.mutating).map(|call| call.operation).collect()
}

/// Fields that are laid over others.
pub fn with(fields: Value, changed: Value) -> Value {
    let mut fields: Map<String, Value> = fields.as_object().cloned().unwrap_or_default();
    fields.extend(changed.as_object().cloned().unwrap_or_default());
    Value::Object(fields)
}

/// A Kürzel of a scenario.
pub fn parsed(kuerzel: &str) -> Kuerzel {
    Kuerzel::parse(kuerzel).expect("Kürzel of scenarios are some")
}

fn is_log_in(call: &JournalEntry) -> bool {
    matches!(call.operation, Operation::AdvowareToken | Operation::GoogleToken)
}

fn sorted(entries: impl Iterator<Item = Entry>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = entries.collect();
    entries.sort();
    entries
}
