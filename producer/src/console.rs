//! The operations console: what an administrator sees, understands and puts right, without reading code or Redis.
//!
//! Rendered here, page by page; a small script of ours replaces what is marked as live and nothing more. Nothing is loaded from outside,
//! and reading works without the script. Times of a page are those of its moment.
//!
//! - [`guard`] lets people in and keeps everything else out, before any page is asked; [`session`] decides who is in.
//! - [`layout`] is the frame of every page, [`language`] the two languages, [`notice`] what a page says after something was done.
//! - [`samples`] remembers the last hour, [`chart`] draws it; [`concern`] is what of all this a person should look at.
//! - [`action`] has what an operator does noted, before it is done.
//! - [`explain`] says why a record is where it is, [`finding`] what a run found, [`change`] what was replaced by what; [`timeline`] is all that
//!   happened to one record.
//! - The rest is a page each.

mod action;
mod asset;
mod audit;
mod beteiligte;
mod calendar_plan;
mod change;
mod chart;
mod concern;
mod divergent;
mod employee;
mod employees;
mod explain;
mod finding;
mod guard;
mod language;
mod layout;
mod login;
mod notice;
mod overview;
mod plan;
mod policy;
mod queues;
mod record;
mod samples;
mod session;
mod settings;
mod show;
mod timeline;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::routing::{any, get, post};
use chrono::{DateTime, Utc};
use shared::clock::Clock;
use shared::hub::Hub;
use shared::limits::Breakers;
use shared::queue::{Queue, QueueName};
use shared::settings::{CalendarSettings, EspocrmSettings, ProducerSettings};

use crate::auth::Gate;
use crate::command::calendar_look::Office;
use crate::command::plan::Planner;
pub(crate) use samples::Samples;
use session::Sessions;

/// What the pages need. Clones share it.
#[derive(Clone)]
pub(crate) struct Console(Arc<Parts>);

/// The parts of a [`Console`].
pub(crate) struct Parts {
    pub(crate) queues: Arc<[Queue]>,
    pub(crate) hub: Hub,
    pub(crate) breakers: Breakers,
    pub(crate) samples: Samples,
    pub(crate) clock: Clock,
    pub(crate) has_calendars: bool,
    /// Flows in use, each with the time in which everything of it has its turn once.
    flows: Vec<(QueueName, Duration)>,
    started_at: DateTime<Utc>,
    /// Rules of calendars; `None` where they are not used.
    calendar_rules: Option<CalendarSettings>,
    settings: Vec<settings::Setting>,
    /// Whether the continuous check is on.
    has_check: bool,
    /// Where EspoCRM shows a record, up to its id; `None`: it cannot be told from the address of its API.
    espocrm_record: Option<String>,
    /// `SYNC_AUTO_RESET_HOURS`
    pub(crate) auto_reset: Duration,
    /// Dry runs; where settings are missing for them, which.
    pub(crate) planner: Result<Planner, Vec<String>>,
    /// Dry runs of calendars likewise.
    office: Result<Office, Vec<String>>,
    gate: Arc<Gate>,
    sessions: Sessions,
    wrong_keys: login::WrongKeys,
}

/// What a [`Console`] is made of.
pub(crate) struct Made {
    pub(crate) queues: Arc<[Queue]>,
    pub(crate) hub: Hub,
    pub(crate) breakers: Breakers,
    pub(crate) samples: Samples,
    pub(crate) gate: Arc<Gate>,
    pub(crate) planner: Result<Planner, Vec<String>>,
    pub(crate) office: Result<Office, Vec<String>>,
}

impl Console {
    pub(crate) fn new(of: Made, settings: &ProducerSettings) -> Self {
        let Made { queues, hub, breakers, samples, gate, planner, office } = of;
        let sessions = Sessions::new(settings.api_key.as_ref());
        let calendar_rules = settings.calendar.as_ref().map(|calendar| calendar.rules.clone());
        let beteiligte = [(QueueName::Beteiligte, settings.beteiligte_scan)];
        let calendar = calendar_rules.as_ref().map(|rules| (QueueName::Calendar, rules.interval));
        Self(Arc::new(Parts {
            queues,
            hub,
            breakers,
            samples,
            clock: Clock::system(),
            has_calendars: calendar_rules.is_some(),
            flows: beteiligte.into_iter().chain(calendar).collect(),
            started_at: Clock::system().now(),
            calendar_rules,
            settings: settings::of(settings),
            has_check: settings.verify.is_some(),
            espocrm_record: espocrm_record(&settings.espocrm),
            auto_reset: settings.sync.auto_reset,
            planner,
            office,
            gate,
            sessions,
            wrong_keys: login::WrongKeys::default(),
        }))
    }

    /// The queue of that name.
    fn queue(&self, name: QueueName) -> Option<&Queue> {
        self.0.queues.iter().find(|queue| queue.name() == name)
    }
}

impl std::ops::Deref for Console {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// EspoCRM's own pages stand where its API does, without `api/v1`.
fn espocrm_record(settings: &EspocrmSettings) -> Option<String> {
    let api = settings.api_base_url.to_string();
    let pages = api.trim_end_matches('/').strip_suffix("/api/v1")?;
    Some(format!("{pages}/#{}/view/", settings.fields.entity()))
}

/// Every page. Whatever is added here is behind the guard; what is not, is in `open`.
pub(crate) fn routes(console: Console) -> Router {
    let open = Router::new()
        .route("/console/login", get(login::page).post(login::log_in))
        .route("/console/language/{language}", get(language::choose))
        .route("/console/assets/{name}", get(asset::serve));
    let guarded = Router::new()
        .route("/", get(overview::page))
        .route("/console/logout", post(login::log_out))
        .merge(queues::routes())
        .merge(beteiligte::routes())
        .merge(record::routes())
        .merge(plan::routes())
        .merge(employees::routes())
        .merge(employee::routes())
        .merge(calendar_plan::routes())
        .merge(policy::routes())
        .merge(audit::routes())
        .merge(divergent::routes())
        .merge(settings::routes())
        .route("/console", any(notice::no_page))
        .route("/console/", any(notice::no_page))
        .route("/console/{*rest}", any(notice::no_page))
        .layer(middleware::from_fn_with_state(console.clone(), guard::admit));
    open.merge(guarded).layer(middleware::from_fn(guard::harden)).with_state(console)
}
