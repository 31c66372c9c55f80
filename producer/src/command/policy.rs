//! `policy show`, `policy set`

use chrono::{DateTime, SecondsFormat, Utc};
use domain::calendar::policy::SyncStrategy;
use domain::ids::{CalendarId, FrNr, Kuerzel};
use serde_json::{Value, json};
use shared::hub::Hub;
use shared::hub::calendar::{CalendarFinding, Employee, PolicyChange};
use shared::queue::QueueName;
use shared::settings::{CalendarSettings, PostgresSettings};

use super::calendar::TriggerError;
use super::calendar_show::finding_line;
use super::report::Report;
use super::table::table;
use super::{CommandError, record_ids};
use crate::cli::{Own, Policy, PolicyParts, SetPolicy, ShowPolicy};
use crate::operator::{Act, Action, Of, Operator};

pub(super) async fn carry_out(
    postgres: &PostgresSettings,
    rules: &CalendarSettings,
    what: &Policy,
) -> Result<Report, CommandError> {
    let hub = Hub::new(postgres.connect_options());
    hub.check().await?;
    let report = match what {
        Policy::Show(arguments) => show(&hub, rules, arguments).await?,
        Policy::Set(arguments) => set(&hub, rules, arguments).await?,
    };
    hub.close().await;
    Ok(report)
}

async fn show(hub: &Hub, rules: &CalendarSettings, arguments: &ShowPolicy) -> Result<Report, CommandError> {
    let employees = match &arguments.kuerzel {
        Some(kuerzel) => vec![known(hub, &record_ids::parse_one_kuerzel(kuerzel)?).await?],
        None => hub.employees().await?,
    };
    let text = if employees.is_empty() {
        "no employee is known yet: the producer asks Advoware for them once GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH is set"
            .to_owned()
    } else {
        let is_one = arguments.kuerzel.is_some();
        let found = employees.iter().filter(|_| is_one).flat_map(|employee| &employee.findings);
        let told = found.map(|finding| format!("finding: {}", finding_line(finding)));
        [as_table(&employees, rules)].into_iter().chain(told).collect::<Vec<_>>().join("\n")
    };
    let json = employees.iter().map(|employee| object(employee, rules)).collect();
    Ok(Report { text, json, found_something: false })
}

async fn set(hub: &Hub, rules: &CalendarSettings, arguments: &SetPolicy) -> Result<Report, CommandError> {
    let kuerzel = record_ids::parse_one_kuerzel(&arguments.kuerzel)?;
    let change = arguments.parts.change();
    if let Some(Some(calendar)) = &change.calendar {
        let has_it = |other: &Employee| other.kuerzel != kuerzel && other.calendar.as_ref() == Some(calendar);
        if hub.employees().await?.iter().any(has_it) {
            return Err(CommandError::CalendarTaken);
        }
    }
    let work =
        async { if hub.set_policy(&kuerzel, &change).await? { Ok(()) } else { Err(TriggerError::Unknown(vec![1])) } };
    let of = Of::one(QueueName::Calendar, kuerzel.as_str()).with(Some(arguments.parts.chosen()));
    Operator::of_command(hub).noted(vec![Action { act: Act::SetPolicy, of }], work).await?;
    tracing::info!(%kuerzel, "operator: policy set");
    let employee = known(hub, &kuerzel).await?;
    let table = as_table(std::slice::from_ref(&employee), rules);
    let text = format!("{table}\nThe next run goes by it; `enqueue calendar {kuerzel}` has it run at once.");
    Ok(Report { text, json: object(&employee, rules), found_something: false })
}

async fn known(hub: &Hub, kuerzel: &Kuerzel) -> Result<Employee, CommandError> {
    let employee = hub.employee(kuerzel).await?;
    Ok(employee.ok_or(TriggerError::Unknown(vec![1]))?)
}

impl PolicyParts {
    /// What is given and what it is set to, as the console notes it; the calendar's id stands in the policy.
    fn chosen(&self) -> String {
        let switch = |is_on: Option<bool>| match is_on {
            None => "default",
            Some(true) => "on",
            Some(false) => "off",
        };
        let strategy = |strategy: Option<SyncStrategy>| strategy.map_or("default", SyncStrategy::name);
        let given = [
            self.strategy.as_ref().map(|Own(of)| format!("strategy {}", strategy(*of))),
            self.advoware_write.as_ref().map(|Own(is_on)| format!("advoware_write {}", switch(*is_on))),
            self.anonymize.as_ref().map(|Own(is_on)| format!("anonymize {}", switch(*is_on))),
            self.calendar_id.as_ref().map(|_| "calendar_id".to_owned()),
            self.enabled.map(|is_on| format!("enabled {}", switch(Some(is_on)))),
        ];
        given.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn change(&self) -> PolicyChange {
        PolicyChange {
            strategy: self.strategy.clone().map(|Own(strategy)| strategy),
            advoware_write_allowed: self.advoware_write.clone().map(|Own(is_allowed)| is_allowed),
            anonymize: self.anonymize.clone().map(|Own(hides)| hides),
            calendar: self.calendar_id.clone().map(|Own(calendar)| calendar),
            enabled: self.enabled,
        }
    }
}

/// What holds for an employee, their own policy and the settings together.
pub(crate) struct Effective {
    pub(crate) strategy: SyncStrategy,
    pub(crate) advoware_write: &'static str,
    pub(crate) anonymize: bool,
}

impl Effective {
    pub(crate) fn of(employee: &Employee, rules: &CalendarSettings) -> Self {
        let own = &employee.policy;
        Self {
            strategy: own.strategy.unwrap_or(rules.strategy),
            advoware_write: own.advoware_write_allowed.map_or(rules.write.name(), switch),
            // What the settings demand no policy lifts (C7).
            anonymize: rules.anonymize || own.anonymize == Some(true),
        }
    }
}

fn as_table(employees: &[Employee], rules: &CalendarSettings) -> String {
    let row = |employee: &Employee| {
        let (own, effective) = (&employee.policy, Effective::of(employee, rules));
        let marked = |text: &str, is_own: bool| if is_own { text.to_owned() } else { format!("{text} (default)") };
        let synced = match (employee.departed_at, employee.enabled) {
            (Some(_), _) => "departed",
            (None, is_on) => switch(is_on),
        };
        let calendar = employee.calendar.as_ref().map_or_else(|| "none yet".to_owned(), CalendarId::to_string);
        [
            employee.kuerzel.to_string(),
            synced.to_owned(),
            marked(effective.strategy.name(), own.strategy.is_some()),
            marked(effective.advoware_write, own.advoware_write_allowed.is_some()),
            marked(switch(effective.anonymize), own.anonymize == Some(effective.anonymize)),
            employee.synced_at.map_or_else(|| "never".to_owned(), iso),
            employee.held_deletions.to_string(),
            employee.findings.len().to_string(),
            calendar,
        ]
    };
    let titles = [
        "KUERZEL",
        "SYNCED",
        "STRATEGY",
        "ADVOWARE WRITE",
        "ANONYMIZE",
        "LAST AGREED",
        "HELD DELETIONS",
        "FINDINGS",
        "CALENDAR",
    ];
    table(titles, &employees.iter().map(row).collect::<Vec<_>>())
}

fn object(employee: &Employee, rules: &CalendarSettings) -> Value {
    let (own, effective) = (&employee.policy, Effective::of(employee, rules));
    let time = |time: Option<DateTime<Utc>>| time.map(iso);
    json!({
        "kuerzel": employee.kuerzel.as_str(),
        "enabled": employee.enabled,
        "departed_at": time(employee.departed_at),
        "own": {
            "strategy": own.strategy.map(SyncStrategy::name),
            "advoware_write": own.advoware_write_allowed.map(switch),
            "anonymize": own.anonymize.map(switch),
        },
        "effective": {
            "strategy": effective.strategy.name(),
            "advoware_write": effective.advoware_write,
            "anonymize": switch(effective.anonymize),
        },
        "calendar_id": employee.calendar.as_ref().map(CalendarId::as_str),
        "calendar_is_given": employee.calendar_is_given,
        "held_deletions": employee.held_deletions,
        "findings": employee.findings.iter().map(finding).collect::<Vec<_>>(),
        "scheduled_at": time(employee.scheduled_at),
        "looked_at": time(employee.looked_at),
        "synced_at": time(employee.synced_at),
    })
}

fn finding(finding: &CalendarFinding) -> Value {
    json!({
        "kind": finding.kind.name(),
        "frNr": finding.frnr.map(|FrNr(number)| number),
        "event": finding.event.as_ref().map(ToString::to_string),
        "reason": finding.reason,
    })
}

fn switch(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

fn iso(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
