//! The employee's calendar in Google: the one that is known, else the one of that name, else a new one, once (DOMAIN 6).

use domain::ids::{CalendarId, Kuerzel};
use shared::calendar::calendar_name;
use shared::hub::calendar::Employee;
use shared::queue::Lease;

use super::CalendarJobs;
use crate::jobs::stop::Stop;

impl CalendarJobs {
    /// The employee with a calendar that is shared as the settings say. Asks Google only until both are known.
    pub(super) async fn locate(&self, mut employee: Employee, lease: &Lease) -> Result<Employee, Stop> {
        let calendar = match &employee.calendar {
            Some(calendar) => calendar.clone(),
            None => self.find_or_create(&employee.kuerzel, lease).await?,
        };
        // One that a person gave is shared by that person.
        if let (Some(owner), false) = (&self.owner, employee.calendar_is_given)
            && employee.shared_with.as_ref() != Some(owner)
        {
            self.share(&employee.kuerzel, &calendar, owner, lease).await?;
            employee.shared_with = Some(owner.clone());
        }
        if employee.rows_of_calendar.as_ref() != Some(&calendar) {
            lease.check()?;
            let ended = self.systems.hub.move_rows_to(&employee.kuerzel, &calendar).await?;
            if ended > 0 {
                tracing::warn!(
                    rows = ended,
                    "the employee has another calendar now, the rows of the former one are ended"
                );
            }
            (employee.sync_token, employee.google_was_empty) = (None, false);
        }
        employee.calendar = Some(calendar);
        Ok(employee)
    }

    /// Google gives few calendars and none back, so the id is stored before anything else happens; where a creation got no answer, the next run
    /// finds it by its name.
    async fn find_or_create(&self, kuerzel: &Kuerzel, lease: &Lease) -> Result<CalendarId, Stop> {
        let calendar = if let Some(calendar) = self.systems.find_calendar(kuerzel).await? {
            calendar
        } else {
            lease.check()?;
            self.systems.google.create_calendar(&calendar_name(kuerzel)).await?.id
        };
        if self.systems.hub.remember_calendar(kuerzel, &calendar).await? {
            return Ok(calendar);
        }
        let given = self.systems.hub.employee(kuerzel).await?.and_then(|employee| employee.calendar);
        Ok(given.unwrap_or(calendar))
    }

    async fn share(&self, kuerzel: &Kuerzel, calendar: &CalendarId, owner: &str, lease: &Lease) -> Result<(), Stop> {
        let google = &self.systems.google;
        if !google.list_acl(calendar).await?.iter().any(|rule| rule.makes_owner(owner)) {
            lease.check()?;
            google.insert_acl(calendar, owner).await?;
        }
        Ok(self.systems.hub.remember_sharing(kuerzel, owner).await?)
    }
}
