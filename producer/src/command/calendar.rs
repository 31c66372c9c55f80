//! `enqueue calendar`, and what it shares with `POST /advoware/calendar/sync`.

use std::collections::BTreeMap;

use domain::ids::Kuerzel;
use domain::job::Wants;
use shared::hub::calendar::{Employee, PolicyChange};
use shared::hub::{Hub, HubError};
use shared::queue::{Asker, Queue, QueueError, QueueName};
use shared::settings::{PostgresSettings, RedisSettings};
use shared::traces::{self, Origin};

use super::report::Report;
use super::{CommandError, connect, enqueue, record_ids};
use crate::cli::EnqueueCalendar;
use crate::listing::Tally;
use crate::operator::{Act, Action, Of, Operator};
use crate::program::hub_problem;

/// Whose calendars a person means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    /// All that are synced.
    All,
    /// These.
    Named(Vec<Kuerzel>),
}

/// What a person asks of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `full_content`
    pub(crate) full_content: Option<bool>,
    /// Both calendars are read whole.
    pub(crate) lists_all: bool,
}

/// Why calendars were not queued. Employees are named by their positions: what stands in a Kürzel's place may be a name.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// PostgreSQL.
    #[error("{}", hub_problem(.0))]
    Hub(#[from] HubError),
    /// Redis.
    #[error("{0}: check REDIS_URL or REDIS_HOST, REDIS_PORT and REDIS_PASSWORD, then give the command again")]
    Queue(#[from] QueueError),
    /// The hub does not know them.
    #[error(
        "nothing was done: nobody is known by Kürzel number {} (upper and lower case count): `policy show` lists who is; the \
         schedule asks Advoware for new ones once in CALENDAR_SYNC_SECONDS",
        positions(.0)
    )]
    Unknown(Vec<usize>),
    /// Their calendars are not synced.
    #[error(
        "nothing was done: the calendar of Kürzel number {} is not synced: `policy show` says why, `policy set <kuerzel> --enabled on` \
         switches it on",
        positions(.0)
    )]
    Off(Vec<usize>),
}

fn positions(positions: &[usize]) -> String {
    positions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) async fn enqueue(
    postgres: &PostgresSettings,
    redis: &RedisSettings,
    arguments: &EnqueueCalendar,
) -> Result<Report, CommandError> {
    let whom = if arguments.all { Whom::All } else { Whom::Named(record_ids::parse_kuerzel(&arguments.kuerzel)?) };
    let asked = Asked { full_content: arguments.full_content, lists_all: arguments.list_all };
    let hub = Hub::new(postgres.connect_options());
    hub.check().await?;
    let queue = connect(redis, QueueName::Calendar).await?;
    let work = trigger(&hub, &queue, &whom, asked);
    let work = traces::begin(Origin::Command, "enqueue calendar", work);
    let tally = Operator::of_command(&hub).noted(actions(&whom, asked), work).await?;
    hub.close().await;
    let mut report = enqueue::report(tally);
    if tally == Tally::default() {
        report.text.push_str("; nobody's calendar is synced: `policy show` lists the employees");
        report.found_something = true;
    }
    Ok(report)
}

/// As it is noted.
pub(crate) fn actions(whom: &Whom, asked: Asked) -> Vec<Action> {
    let Asked { full_content, lists_all } = asked;
    let content = full_content.map(|is_full| if is_full { "full content" } else { "anonymised" });
    let parts: Vec<&str> = content.into_iter().chain(lists_all.then_some("both calendars whole")).collect();
    let detail = (!parts.is_empty()).then(|| parts.join(", "));
    match whom {
        Whom::All => {
            let of = Of::flow(Some(QueueName::Calendar)).with(detail);
            vec![Action { act: Act::EnqueueAll, of }]
        }
        Whom::Named(named) => {
            let named = named.iter().map(Kuerzel::as_str);
            Action::on_each(Act::Enqueue, QueueName::Calendar, named, detail.as_deref())
        }
    }
}

/// Queues these calendars for a person: before those of the schedule, and out of their back-off. `full_content: false` hides the content
/// from now on, so it stands in the hub before anything is queued; what lifts it again is decided by the run (C7).
pub(crate) async fn trigger(hub: &Hub, queue: &Queue, whom: &Whom, asked: Asked) -> Result<Tally, TriggerError> {
    let employees = hub.employees().await?;
    let synced = meant(&employees, whom)?;
    if asked.full_content == Some(false) {
        let anonymize = PolicyChange { anonymize: Some(Some(true)), ..PolicyChange::default() };
        let everybody = || employees.iter().map(|employee| &employee.kuerzel).collect();
        // Those whose calendar is off may be switched on later.
        let hidden: Vec<&Kuerzel> = if *whom == Whom::All { everybody() } else { synced.clone() };
        for kuerzel in hidden {
            hub.set_policy(kuerzel, &anonymize).await?;
        }
    }
    let mut wants = Wants::calendar();
    if let Some(full_content) = asked.full_content {
        wants = wants.with_full_content(full_content);
    }
    if asked.lists_all {
        wants = wants.listing_all();
    }
    let kuerzel: Vec<&str> = synced.into_iter().map(Kuerzel::as_str).collect();
    let mut tally = Tally::default();
    tally.enqueue(queue, &kuerzel, wants, Asker::Operator).await?;
    let queue = queue.name().as_str();
    let Asked { full_content, lists_all } = asked;
    tracing::info!(queue, queued = tally.queued, full_content, lists_all, "operator: calendars queued");
    Ok(tally)
}

fn meant<'a>(employees: &'a [Employee], whom: &Whom) -> Result<Vec<&'a Kuerzel>, TriggerError> {
    let is_synced = |employee: &&Employee| employee.enabled && employee.departed_at.is_none();
    let named = match whom {
        Whom::All => return Ok(employees.iter().filter(is_synced).map(|employee| &employee.kuerzel).collect()),
        Whom::Named(named) => named,
    };
    let by_kuerzel: BTreeMap<_, _> = employees.iter().map(|employee| (&employee.kuerzel, employee)).collect();
    let (mut meant, mut unknown, mut off) = (Vec::new(), Vec::new(), Vec::new());
    for (index, kuerzel) in named.iter().enumerate() {
        match by_kuerzel.get(kuerzel) {
            None => unknown.push(index + 1),
            Some(employee) if is_synced(employee) => meant.push(&employee.kuerzel),
            Some(_) => off.push(index + 1),
        }
    }
    match (unknown.is_empty(), off.is_empty()) {
        (false, _) => Err(TriggerError::Unknown(unknown)),
        (true, false) => Err(TriggerError::Off(off)),
        (true, true) => Ok(meant),
    }
}
