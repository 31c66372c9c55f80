//! Everything the simulator holds, shared by its connections and its handles.

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::addresses::{Addresses, Credentials};
use crate::advoware::Advoware;
use crate::agenda::Agenda;
use crate::clock::Clock;
use crate::espocrm::EspoCrm;
use crate::fault::Faults;
use crate::google::Google;
use crate::journal::Journal;
use crate::operation::System;
use crate::webhook::Webhooks;

/// A lock that outlives a panicking holder: state is only ever changed by whole, synchronous steps.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a whole system is unreachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    /// It works.
    #[default]
    None,
    /// Every call is answered 503.
    ServiceUnavailable,
    /// Every connection is closed without an answer.
    Cut,
}

/// All systems under one lock, so that an edit and a call never interleave.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) advoware: Advoware,
    pub(crate) espocrm: EspoCrm,
    pub(crate) google: Google,
}

impl World {
    pub(crate) fn outage(&self, system: System) -> Outage {
        match system {
            System::Advoware => self.advoware.switches.outage,
            System::Espocrm => self.espocrm.switches.outage,
            System::Google => self.google.switches.outage,
        }
    }
}

/// Milliseconds every call takes, per system: half before it takes effect, half after.
#[expect(clippy::struct_field_names, reason = "the unit belongs in the name")]
#[derive(Debug, Default)]
pub(crate) struct Latency {
    pub(crate) advoware_milliseconds: AtomicU64,
    pub(crate) espocrm_milliseconds: AtomicU64,
    pub(crate) google_milliseconds: AtomicU64,
}

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) addresses: Addresses,
    pub(crate) credentials: Credentials,
    pub(crate) clock: Clock,
    pub(crate) world: Mutex<World>,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    pub(crate) agenda: Agenda,
    pub(crate) latency: Latency,
    pub(crate) webhooks: Webhooks,
    /// Beteiligte that the edit script has used already.
    pub(crate) scripted: Mutex<HashSet<i64>>,
    /// When the entries begin that the calendar script has used already.
    pub(crate) scripted_begins: Mutex<HashSet<DateTime<Utc>>>,
    pub(crate) stop: CancellationToken,
}
