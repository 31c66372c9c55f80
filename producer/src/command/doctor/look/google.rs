//! Google: token, list of calendars, and whether each employee's calendar can be written.

use domain::ids::CalendarId;
use futures::{StreamExt, stream};
use shared::clock::Clock;
use shared::error::ErrorKind;
use shared::google::{Google, GoogleCalendar};
use shared::hub::Hub;
use shared::hub::calendar::Employee;
use shared::settings::{GoogleSettings, LimitSettings, PostgresSettings};

use super::super::facts::{Access, EmployeeCalendar, GoogleFacts};
use super::super::trouble::Trouble;

/// Looks at once. Calendars in our own list cost none.
const AT_ONCE: usize = 4;

pub(super) async fn google(
    settings: &GoogleSettings,
    limits: &LimitSettings,
    postgres: Option<&PostgresSettings>,
    clock: &Clock,
) -> Result<GoogleFacts, Trouble> {
    let google = Google::new(settings, clock.clone())?;
    let (listed, employees) = tokio::join!(google.list_calendars(), employees(postgres));
    let listed = listed?;
    let calendars = match employees {
        None => None,
        Some(employees) => {
            let looks = employees.into_iter().map(|employee| access(&google, &listed, employee));
            Some(stream::iter(looks).buffered(AT_ONCE).collect().await)
        }
    };
    Ok(GoogleFacts {
        has_owner: settings.owner.is_some(),
        requests_per_minute: limits.google_requests_per_minute,
        calendars,
    })
}

/// Those whose calendars are synced; `None` where the hub does not tell, which its own line says.
async fn employees(postgres: Option<&PostgresSettings>) -> Option<Vec<Employee>> {
    let options = postgres?.connect_options();
    Hub::try_connect(&options).await.ok()?;
    let hub = Hub::new(options);
    let employees = hub.employees().await.ok();
    hub.close().await;
    let is_synced = |employee: &Employee| employee.enabled && employee.departed_at.is_none();
    employees.map(|employees| employees.into_iter().filter(is_synced).collect())
}

async fn access(google: &Google, listed: &[GoogleCalendar], employee: Employee) -> EmployeeCalendar {
    let access = match &employee.calendar {
        None => Access::NotYet,
        Some(calendar) => match listed.iter().find(|known| known.id == *calendar).and_then(role) {
            Some(access) => access,
            None => access_by_rules(google, calendar).await,
        },
    };
    EmployeeCalendar { kuerzel: employee.kuerzel, is_given: employee.calendar_is_given, access }
}

fn role(calendar: &GoogleCalendar) -> Option<Access> {
    match calendar.access_role.as_deref()? {
        "owner" | "writer" => Some(Access::Write),
        "reader" | "freeBusyReader" => Some(Access::Read),
        // Another role, of Google's future: its rules tell.
        _ => None,
    }
}

/// A calendar that others share with us is in no list of ours, but its rules are shown to writers only (DOMAIN 6).
async fn access_by_rules(google: &Google, calendar: &CalendarId) -> Access {
    match google.list_acl(calendar).await {
        Ok(_) => Access::Write,
        Err(error) => match error.kind {
            ErrorKind::Forbidden => Access::Read,
            ErrorKind::NotFound => Access::None,
            _ => Access::Unknown(error.into()),
        },
    }
}
