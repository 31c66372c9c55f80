//! Starting, stopping and holding a simulator.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::addresses::{Addresses, Credentials};
use crate::advoware::{Advoware, AdvowareSwitches, kalender_route};
use crate::agenda::{Agenda, Moment, Pause};
use crate::call::Call;
use crate::clock::Clock;
use crate::control;
use crate::edit::{self, Edit, EditOutcome, EditRefused};
use crate::espocrm::{EspoCrm, EspoSwitches, Record};
use crate::fault::Faults;
use crate::firm::{Firm, FirmCalendar};
use crate::gate;
use crate::google::{Google, GoogleHandle, GoogleSwitches};
use crate::handles::{AdvowareHandle, EspoHandle, WebhooksHandle};
use crate::journal::Journal;
use crate::operation::{System, route};
use crate::script::{self, CalendarScriptEdit, CalendarScriptOutcome, ScriptEdit, ScriptOutcome};
use crate::stage::{Latency, Stage, World, locked};
use crate::webhook::{self, Webhooks};
use crate::wire::{CuttableListener, Wire};

/// Largest request body that is read.
const BODY_LIMIT_BYTES: usize = 16 << 20;
/// Connections that do not end by then are abandoned.
const STOP_SECONDS: u64 = 5;

/// How a simulator starts.
#[derive(Debug, Clone)]
pub struct SimulatorConfig {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Seed of generated ids and tokens.
    pub seed: u64,
    /// What the systems accept.
    pub credentials: Credentials,
    /// Advoware's behaviour.
    pub advoware: AdvowareSwitches,
    /// EspoCRM's behaviour.
    pub espocrm: EspoSwitches,
    /// Google's behaviour.
    pub google: GoogleSwitches,
    /// Time a call to Advoware takes.
    pub advoware_latency_milliseconds: u64,
    /// Time a call to EspoCRM takes.
    pub espocrm_latency_milliseconds: u64,
    /// Time a call to Google takes.
    pub google_latency_milliseconds: u64,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: 1,
            credentials: Credentials::default(),
            advoware: AdvowareSwitches::default(),
            espocrm: EspoSwitches::default(),
            google: GoogleSwitches::default(),
            advoware_latency_milliseconds: 0,
            espocrm_latency_milliseconds: 0,
            google_latency_milliseconds: 0,
        }
    }
}

/// A running simulator. Dropping it stops the server.
#[derive(Debug)]
pub struct Simulator {
    stage: Arc<Stage>,
    server: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Binds and serves.
    pub async fn start(config: SimulatorConfig) -> io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        let addresses = Addresses::of(listener.local_addr()?);
        let client_email = config.credentials.google_client_email.clone();
        let google = Google::new(client_email, addresses.google_token_uri.clone(), config.google, config.seed);
        let stage = Arc::new(Stage {
            addresses,
            credentials: config.credentials.clone(),
            clock: Clock::default(),
            world: Mutex::new(World {
                espocrm: EspoCrm::new(config.credentials.espocrm_api_key.clone(), config.espocrm, config.seed),
                advoware: Advoware::new(config.credentials, config.advoware, config.seed),
                google,
            }),
            journal: Journal::default(),
            faults: Faults::default(),
            agenda: Agenda::default(),
            latency: Latency::default(),
            webhooks: Webhooks::default(),
            scripted: Mutex::default(),
            scripted_begins: Mutex::default(),
            stop: CancellationToken::new(),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&stage)));
        let simulator = Self { stage, server: Some(server) };
        simulator.set_latency_milliseconds(System::Advoware, config.advoware_latency_milliseconds);
        simulator.set_latency_milliseconds(System::Espocrm, config.espocrm_latency_milliseconds);
        simulator.set_latency_milliseconds(System::Google, config.google_latency_milliseconds);
        Ok(simulator)
    }

    /// Ends every connection and waits for the port to be free.
    pub async fn stop(mut self) {
        self.stage.stop.cancel();
        if let Some(server) = self.server.take() {
            let abort = server.abort_handle();
            if tokio::time::timeout(Duration::from_secs(STOP_SECONDS), server).await.is_err() {
                abort.abort();
            }
        }
    }

    /// Base addresses of the systems.
    pub fn addresses(&self) -> &Addresses {
        &self.stage.addresses
    }

    /// What the systems accept.
    pub fn credentials(&self) -> &Credentials {
        &self.stage.credentials
    }

    /// The clock that expires tokens and dates changes.
    pub fn clock(&self) -> &Clock {
        &self.stage.clock
    }

    /// Everything that was asked.
    pub fn journal(&self) -> &Journal {
        &self.stage.journal
    }

    /// Misbehaviour on demand.
    pub fn faults(&self) -> &Faults {
        &self.stage.faults
    }

    /// Advoware's state.
    pub fn advoware(&self) -> AdvowareHandle<'_> {
        AdvowareHandle::new(&self.stage)
    }

    /// EspoCRM's state.
    pub fn espocrm(&self) -> EspoHandle<'_> {
        EspoHandle::new(&self.stage)
    }

    /// Google's state.
    pub fn google(&self) -> GoogleHandle<'_> {
        GoogleHandle::new(&self.stage)
    }

    /// EspoCRM's webhooks.
    pub fn webhooks(&self) -> WebhooksHandle<'_> {
        WebhooksHandle::new(&self.stage)
    }

    /// How long every call to a system takes, half before and half after it takes effect.
    pub fn set_latency_milliseconds(&self, system: System, milliseconds: u64) {
        let latency = match system {
            System::Advoware => &self.stage.latency.advoware_milliseconds,
            System::Espocrm => &self.stage.latency.espocrm_milliseconds,
            System::Google => &self.stage.latency.google_milliseconds,
        };
        latency.store(milliseconds, Ordering::Relaxed);
    }

    /// Does a user's edit now.
    pub fn edit(&self, edit: &Edit) -> Result<EditOutcome, EditRefused> {
        edit::apply(&mut locked(&self.stage.world), edit, self.stage.clock.now())
    }

    /// Does a user's edit at a moment to come.
    pub fn edit_at(&self, moment: Moment, edit: Edit) {
        self.stage.agenda.edit_at(moment, edit);
    }

    /// Holds the call that comes to this moment until the pause is released or dropped.
    pub fn pause_at(&self, moment: Moment) -> Pause {
        self.stage.agenda.pause_at(moment)
    }

    /// What became of the edits of `edit_at`, in the order they ran.
    pub fn scheduled_outcomes(&self) -> Vec<Result<EditOutcome, EditRefused>> {
        self.stage.agenda.outcomes()
    }

    /// Drops what `edit_at` and `pause_at` have planned.
    pub fn clear_schedule(&self) {
        self.stage.agenda.clear();
    }

    /// Applies a line of `edit_script` to a suitable Beteiligter, each used once except for slots; `None` where none is
    /// suitable (slot reuse before any sync made a slot).
    pub fn apply_script_edit(&self, line: &ScriptEdit) -> Option<ScriptOutcome> {
        let now = self.stage.clock.now();
        script::apply(&mut locked(&self.stage.world), line, &mut locked(&self.stage.scripted), now)
    }

    /// Applies a line of `calendar_edit_script` to a suitable single entry ahead of now, each used once; `None` where none is
    /// suitable (events before there is a calendar in Google).
    pub fn apply_calendar_script_edit(&self, line: &CalendarScriptEdit) -> Option<CalendarScriptOutcome> {
        let now = self.stage.clock.now();
        let used = &mut locked(&self.stage.scripted_begins);
        script::apply_to_calendar(&mut locked(&self.stage.world), line, used, now)
    }

    /// Loads a generated firm into both systems, beside what is there.
    pub fn load(&self, firm: &Firm) {
        load(&self.stage, firm);
    }

    /// Loads generated employees and their Termine into Advoware, beside what is there.
    pub fn load_calendar(&self, calendar: &FirmCalendar) {
        load_calendar(&self.stage, calendar);
    }
}

pub(crate) fn load(stage: &Stage, firm: &Firm) {
    if let Some(calendar) = &firm.calendar {
        load_calendar(stage, calendar);
    }
    let mut world = locked(&stage.world);
    for one in &firm.beteiligte {
        world.advoware.create(Some(one.betnr), one.advoware_fields.clone(), one.advoware_changed_at);
        for row in &one.rows {
            world.advoware.add_row(one.betnr, None, row.clone());
        }
    }
    let known = firm.beteiligte.iter().map(|one| (&one.espo_id, &one.espo_fields, one.espo_changed_at));
    let unknown = firm.unknown_to_advoware.iter().map(|one| (&one.espo_id, &one.espo_fields, one.espo_changed_at));
    for (id, fields, changed_at) in known.chain(unknown) {
        let mut record = Record::new(id.clone(), changed_at);
        if let Err(refusal) = world.espocrm.fill(&mut record, fields) {
            tracing::error!(?refusal, id, "generated record refused");
        }
        world.espocrm.seed(record);
    }
}

pub(crate) fn load_calendar(stage: &Stage, calendar: &FirmCalendar) {
    let kalender = &mut locked(&stage.world).advoware.kalender;
    for who in &calendar.mitarbeiter {
        kalender.join(who.clone());
    }
    for termin in &calendar.termine {
        kalender.seed(termin.fields.clone(), termin.changed_at);
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stage.stop.cancel();
    }
}

async fn serve(listener: TcpListener, stage: Arc<Stage>) {
    let router = Router::new()
        .nest("/control", control::router())
        .route("/control/", get(control::overview))
        .fallback(outside_system)
        .with_state(Arc::clone(&stage))
        .into_make_service_with_connect_info::<Wire>();
    let stop = stage.stop.clone();
    let served = axum::serve(CuttableListener(listener), router).with_graceful_shutdown(stop.cancelled_owned());
    let (served, ()) = tokio::join!(served.into_future(), webhook::run(&stage));
    if let Err(error) = served {
        tracing::error!(%error, "server ended");
    }
}

async fn outside_system(
    State(stage): State<Arc<Stage>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let entity = locked(&stage.world).espocrm.switches.entity.clone();
    let mitarbeiter_path = locked(&stage.world).advoware.switches.termine.mitarbeiter_path.clone();
    let route = kalender_route(&parts.method, &parts.uri, &mitarbeiter_path)
        .or_else(|| route(&parts.method, parts.uri.path(), &entity));
    let Some(route) = route else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let call = Call { method: parts.method, uri: parts.uri, headers: parts.headers, body, peer: wire.peer };
    gate::pass(stage, wire, call, route).await
}
