//! What commands about calendars, and the console's dry runs of them, look with: the job's own clients, within the limits that all workers
//! share.

use domain::ids::Kuerzel;
use shared::advoware::{Advoware, TokenCache};
use shared::calendar::{CalendarSystems, Identity, LoadedCalendar, LookError, LookWanted};
use shared::clock::Clock;
use shared::error::System;
use shared::google::Google;
use shared::hub::Hub;
use shared::hub::calendar::Employee;
use shared::limits::Limits;
use shared::settings::{CalendarSettings, WorkerSettings};

use super::CommandError;

/// Both sides and the hub, for reading.
#[derive(Clone)]
pub(crate) struct Office {
    pub(super) systems: CalendarSystems,
    pub(super) settings: CalendarSettings,
    /// Tells which event copies which Termin.
    pub(super) identity: Identity,
}

/// One employee's calendar, looked at once.
pub(crate) struct Looked {
    pub(super) employee: Employee,
    pub(super) loaded: LoadedCalendar,
}

impl Office {
    pub(super) async fn connect(settings: &WorkerSettings) -> Result<Self, CommandError> {
        let Some(google) = &settings.google else { return Err(CommandError::NoGoogle) };
        let hub = Hub::new(settings.postgres.connect_options());
        hub.check().await?;
        let clock = Clock::system();
        let tokens = TokenCache::connect(&settings.redis).await?;
        let limits = Limits::connect(settings.redis.queue()).await?;
        let parallel = limits.parallel(System::Advoware, settings.limits.advoware_max_parallel);
        let rate = Google::rate_settings(settings.limits.google_requests_per_minute);
        let rate = limits.rate(System::Google.name(), rate);
        let advoware = Advoware::within(parallel, &settings.advoware, tokens, clock.clone())?;
        let google = Google::within(rate, google, clock)?;
        Ok(Self::new(CalendarSystems { advoware, google, hub }, settings))
    }

    /// With clients that are there already.
    pub(crate) fn new(systems: CalendarSystems, settings: &WorkerSettings) -> Self {
        let identity = Identity::new(settings.advoware.api_key.clone());
        Self { systems, settings: settings.calendar.clone(), identity }
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.systems.hub
    }

    /// The employee with the calendar that a run would take. One whom the hub does not know yet must be in Advoware's list, as for a run.
    pub(super) async fn employee(&self, kuerzel: &Kuerzel) -> Result<Employee, CommandError> {
        let known = self.hub().employee(kuerzel).await?;
        if known.is_none() {
            let listed = self.systems.advoware.list_mitarbeiter().await?;
            if !listed.iter().any(|listed| listed.kuerzel == *kuerzel) {
                return Err(CommandError::UnknownEmployee);
            }
        }
        let employee = known.unwrap_or_else(|| Employee::unknown(kuerzel));
        Ok(self.with_calendar(employee).await?)
    }

    async fn with_calendar(&self, mut employee: Employee) -> Result<Employee, LookError> {
        if employee.calendar.is_none() {
            employee.calendar = self.systems.find_calendar(&employee.kuerzel).await?;
        }
        Ok(employee)
    }

    /// Looks as the job does; writes nothing.
    pub(super) async fn look(&self, kuerzel: &Kuerzel, list_all: bool) -> Result<Looked, CommandError> {
        Ok(self.look_once(kuerzel, list_all).await?.with_lost_pairs(&self.identity))
    }

    /// As [`Self::look`], at an employee whom the hub knows.
    pub(crate) async fn look_at(&self, employee: Employee) -> Result<Looked, LookError> {
        let employee = self.with_calendar(employee).await?;
        Ok(self.load(employee, false).await?.with_lost_pairs(&self.identity))
    }

    /// As a run's first look sees it: pairs that the hub has lost have no rows yet.
    pub(super) async fn look_once(&self, kuerzel: &Kuerzel, list_all: bool) -> Result<Looked, CommandError> {
        let employee = self.employee(kuerzel).await?;
        Ok(self.load(employee, list_all).await?)
    }

    async fn load(&self, employee: Employee, list_all: bool) -> Result<Looked, LookError> {
        let wanted = LookWanted { list_all, approve_deletions: false };
        let now = Clock::system().now();
        let loaded = self.systems.look(&employee.kuerzel, &employee, &self.settings, wanted, now).await?;
        Ok(Looked { employee, loaded })
    }

    /// Those that are named; where none is, all whose calendars are synced.
    pub(super) async fn meant(&self, named: &[String]) -> Result<Vec<Kuerzel>, CommandError> {
        if !named.is_empty() {
            return Ok(named.iter().map(|text| Kuerzel::parse(text)).collect::<Result<_, _>>()?);
        }
        let employees = self.hub().employees().await?.into_iter();
        let synced = employees.filter(|employee| employee.enabled && employee.departed_at.is_none());
        Ok(synced.map(|employee| employee.kuerzel).collect())
    }
}

impl Looked {
    fn with_lost_pairs(self, identity: &Identity) -> Self {
        let Self { employee, loaded } = self;
        Self { loaded: loaded.with_lost_pairs(identity, &employee.kuerzel), employee }
    }
}
