//! Employees and their Google calendars.

use super::super::facts::{Access, EmployeeCalendar, GoogleFacts};
use super::super::finding::{Area, Finding};

/// What Google allows one service account (DOMAIN 6; reference G11).
const MOST_REQUESTS_PER_MINUTE: u32 = 600;

/// About so many calendars one account can create; the 39th was refused, and deleting gives none back (reference G11).
const MOST_CREATED: usize = 38;

pub(super) fn employees(count: usize) -> Vec<Finding> {
    let area = Area::Advoware;
    vec![if count == 0 {
        area.problem(
            "its list of employees is empty: nobody has a calendar",
            "check ADVOWARE_EMPLOYEES_PATH and the rights of our user",
        )
    } else {
        area.ok(format!("employees in its list: {count}"))
    }]
}

pub(super) fn google(facts: &GoogleFacts) -> Vec<Finding> {
    let area = Area::Google;
    let mut found = vec![area.ok("token given, list of calendars read")];
    if facts.requests_per_minute > MOST_REQUESTS_PER_MINUTE {
        found.push(area.warning(
            format!(
                "GOOGLE_CALENDAR_REQUESTS_PER_MINUTE is {}, Google allows one service account {MOST_REQUESTS_PER_MINUTE}",
                facts.requests_per_minute
            ),
            "lower it, unless Google has raised your quota",
        ));
    }
    let Some(calendars) = &facts.calendars else {
        found.push(area.warning(
            "which employees are synced is not known, so their calendars were not looked at",
            "see postgresql",
        ));
        return found;
    };
    let wrong: Vec<Finding> = calendars.iter().filter_map(calendar).collect();
    let (ours, not_yet) = (
        calendars.iter().filter(|calendar| !calendar.is_given).count(),
        calendars.iter().filter(|calendar| matches!(calendar.access, Access::NotYet)).count(),
    );
    if wrong.is_empty() {
        let reached = calendars.len() - not_yet;
        found.push(
            area.ok(format!("calendars of employees: {reached} can be written, {not_yet} come with the first sync")),
        );
    }
    found.extend(wrong);
    if ours > MOST_CREATED {
        found.push(area.warning(
            format!("{ours} employees without a calendar of their own, and Google lets one account create about {MOST_CREATED}"),
            "create calendars in the firm's account, share them with the service account as writer, `policy set <Kürzel> --calendar-id ...`",
        ));
    }
    if ours > 0 && !facts.has_owner {
        found.push(area.warning(
            "GOOGLE_CALENDAR_OWNER is not set: the calendars that we create are shared with nobody",
            "set it to the Google account that shall see them",
        ));
    }
    found
}

fn calendar(of: &EmployeeCalendar) -> Option<Finding> {
    let (area, kuerzel) = (Area::Google, &of.kuerzel);
    let share = format!("share it with the service account as writer, or `policy set {kuerzel} --calendar-id ...`");
    match &of.access {
        Access::NotYet | Access::Write => None,
        Access::Read => Some(area.problem(format!("calendar of {kuerzel}: can be read, not written"), share)),
        Access::None => Some(area.problem(format!("calendar of {kuerzel}: not there, or not shared with us"), share)),
        Access::Unknown(trouble) => {
            Some(area.problem(format!("calendar of {kuerzel}: {}", trouble.found), trouble.advice.clone()))
        }
    }
}
