//! What the doctor saw.

use chrono::TimeDelta;
use domain::ids::Kuerzel;
use domain::kommunikation::PhoneFormat;
use shared::error::System;
use shared::espocrm::{SetUp, WebhookEvent};
use shared::hub::HubServer;
use shared::queue::{Counts, QueueName, RedisServer};

use super::trouble::Trouble;
use crate::command::webhooks::standing::{SecretHere, Standing};

/// Everything that was looked at.
#[derive(Debug)]
pub(super) struct Facts {
    /// What is wrong with the settings, each with its name.
    pub(super) settings: Vec<String>,
    /// Whether calendars are synced at all.
    pub(super) has_calendars: bool,
    pub(super) redis: Looked<RedisFacts>,
    pub(super) postgres: Looked<PostgresFacts>,
    pub(super) advoware: AdvowareFacts,
    pub(super) espocrm: Looked<EspocrmFacts>,
    pub(super) webhooks: Looked<WebhookFacts>,
    /// Only where calendars are synced.
    pub(super) google: Looked<GoogleFacts>,
    pub(super) clocks: Vec<ServerClock>,
}

/// What came of a look.
#[derive(Debug)]
pub(super) enum Looked<T> {
    /// This was seen.
    Seen(T),
    /// Nothing could be seen.
    Failed(Trouble),
    /// It was not looked at: its settings are missing, which is told already, or it is not used.
    Left,
}

#[derive(Debug)]
pub(super) struct RedisFacts {
    pub(super) server: RedisServer,
    /// Its clock's lead over ours.
    pub(super) ahead: TimeDelta,
    pub(super) queues: Vec<(QueueName, Counts)>,
}

#[derive(Debug)]
pub(super) struct PostgresFacts {
    pub(super) server: HubServer,
    /// Its clock's lead over ours.
    pub(super) ahead: TimeDelta,
}

#[derive(Debug)]
pub(super) struct AdvowareFacts {
    /// Log-in and the read of one Beteiligter, whether there is one or not.
    pub(super) beteiligte: Looked<()>,
    /// How many employees its list has; only where calendars are synced.
    pub(super) employees: Looked<usize>,
}

#[derive(Debug)]
pub(super) struct EspocrmFacts {
    pub(super) set_up: SetUp,
    /// `ESPOCRM_PHONE_FORMAT`
    pub(super) phone_format: PhoneFormat,
}

#[derive(Debug)]
pub(super) struct WebhookFacts {
    /// Whether the address that they should have is known.
    pub(super) address_is_known: bool,
    pub(super) webhooks: Vec<WebhookFact>,
}

#[derive(Debug)]
pub(super) struct WebhookFact {
    pub(super) event: WebhookEvent,
    pub(super) standing: Standing,
    pub(super) secret: SecretHere,
    /// How many others tell the same.
    pub(super) surplus: usize,
}

#[derive(Debug)]
pub(super) struct GoogleFacts {
    /// `GOOGLE_CALENDAR_OWNER` is set.
    pub(super) has_owner: bool,
    /// `GOOGLE_CALENDAR_REQUESTS_PER_MINUTE`
    pub(super) requests_per_minute: u32,
    /// Calendars of employees who are synced; `None` where the hub does not tell.
    pub(super) calendars: Option<Vec<EmployeeCalendar>>,
}

#[derive(Debug)]
pub(super) struct EmployeeCalendar {
    pub(super) kuerzel: Kuerzel,
    /// A person has named it.
    pub(super) is_given: bool,
    pub(super) access: Access,
}

/// What we may do with a calendar.
#[derive(Debug)]
pub(super) enum Access {
    /// The first sync finds or creates it.
    NotYet,
    /// Read and write.
    Write,
    /// Only read.
    Read,
    /// Nothing; or there is no such calendar.
    None,
    /// It cannot be told.
    Unknown(Trouble),
}

/// Another machine's clock.
#[derive(Debug)]
pub(super) struct ServerClock {
    pub(super) system: System,
    /// Which of its servers.
    pub(super) server: &'static str,
    /// How far it is ahead of ours; `None` where it tells no time.
    pub(super) ahead: Looked<Option<TimeDelta>>,
}
