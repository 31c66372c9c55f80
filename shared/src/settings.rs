//! Settings of the programs, read once at start-up.
//!
//! Each program takes the parts it needs. All problems come in one message, which names variables and what is expected,
//! never a value: a mistyped secret would be in it. Every secret `X` may come from a file named by `X_FILE`. A variable
//! that is set but empty counts as absent, because compose files pass absent ones on that way.

mod parts;
mod reader;
mod secrets;
mod source;
mod stores;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use domain::beteiligte::ConflictPolicy;
use domain::calendar::DeletionLimit;
use domain::calendar::policy::{AdvowareWrite, SyncStrategy};
use domain::ids::Kuerzel;
use domain::kommunikation::PhoneFormat;
use secrecy::{SecretSlice, SecretString};

use crate::espocrm::FieldNames;
use crate::google::ServiceAccount;
use crate::http::{ApiPath, BaseUrl};
pub use crate::link::{AddressError, RedisAddress};
use reader::Reader;
pub use secrets::WebhookSecrets;
pub use source::Source;
pub use stores::{PostgresSettings, RedisSettings};

/// What a worker needs.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// Where and as whom to reach Advoware.
    pub advoware: AdvowareSettings,
    /// Where and as whom to reach EspoCRM.
    pub espocrm: EspocrmSettings,
    /// Where and as whom to reach Google Calendar; `None` where calendars are not used.
    pub google: Option<GoogleSettings>,
    /// Rules of a calendar's sync.
    pub calendar: CalendarSettings,
    /// Queue and token cache.
    pub redis: RedisSettings,
    /// Hub.
    pub postgres: PostgresSettings,
    /// Rules of a sync.
    pub sync: SyncSettings,
    /// Limits that all workers share.
    pub limits: LimitSettings,
    /// Logs.
    pub log: LogSettings,
    /// `WORKER_LISTEN`: metrics and health.
    pub listen: SocketAddr,
    /// `WORKER_CONCURRENCY`: jobs at once in this process.
    pub concurrency: usize,
}

/// What a producer needs.
#[derive(Clone, Debug)]
pub struct ProducerSettings {
    /// Where and as whom to reach EspoCRM, for the scan.
    pub espocrm: EspocrmSettings,
    /// Queue.
    pub redis: RedisSettings,
    /// Hub.
    pub postgres: PostgresSettings,
    /// Rules of a sync; the scan must agree with the workers on them.
    pub sync: SyncSettings,
    /// Logs.
    pub log: LogSettings,
    /// `PRODUCER_LISTEN`: webhooks, API, metrics, health.
    pub listen: SocketAddr,
    /// `PRODUCER_API_KEY`; `None` is possible only while listening on loopback.
    pub api_key: Option<SecretString>,
    /// `ESPOCRM_WEBHOOK_SECRETS`.
    pub webhook_secrets: WebhookSecrets,
    /// `BETEILIGTE_SCAN_SECONDS`.
    pub beteiligte_scan: Duration,
    /// `BETEILIGTE_LOOK_HOURS`: how long a record in agreement is left alone before the scan has it looked at.
    pub beteiligte_look: Duration,
    /// `AUDIT_RETENTION_DAYS`.
    pub audit_retention: Duration,
    /// `JOB_RETENTION_HOURS`.
    pub job_retention: Duration,
    /// Schedule of the calendars; `None` where calendars are not used.
    pub calendar: Option<ProducerCalendar>,
    /// Limits that it shares with all workers.
    pub limits: LimitSettings,
    /// The continuous check; `None` where it is off.
    pub verify: Option<VerifySettings>,
}

/// What a producer needs for the continuous check, which looks at both sides as a worker does.
#[derive(Clone, Debug)]
pub struct VerifySettings {
    /// `VERIFY_SYNC_HOURS`: everything is compared once in it.
    pub interval: Duration,
    /// Where and as whom to ask Advoware.
    pub advoware: AdvowareSettings,
    /// Google Calendar likewise; `None` where calendars are not used.
    pub google: Option<GoogleSettings>,
}

/// What a producer needs for calendars, where `GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH` is set. For the schedule it never asks Google, so
/// it reads that file for the continuous check only.
#[derive(Clone, Debug)]
pub struct ProducerCalendar {
    /// Where and as whom to ask Advoware for the employees.
    pub advoware: AdvowareSettings,
    /// How often, and whose.
    pub rules: CalendarSettings,
}

/// `ADVOWARE_*`
#[derive(Clone, Debug)]
pub struct AdvowareSettings {
    /// `ADVOWARE_API_BASE_URL`; looked up where absent.
    pub api_base_url: Option<BaseUrl>,
    /// `ADVOWARE_CONFIGURATOR_URL`, of the look-up.
    pub configurator_url: BaseUrl,
    /// `ADVOWARE_AUTH_URL`, of the log-in.
    pub auth_url: BaseUrl,
    /// `ADVOWARE_PRODUCT_ID`
    pub product_id: u32,
    /// `ADVOWARE_APP_ID`
    pub app_id: String,
    /// `ADVOWARE_API_KEY`, decoded from base64: the key of the signature.
    pub api_key: SecretSlice<u8>,
    /// `ADVOWARE_KANZLEI`
    pub kanzlei: String,
    /// `ADVOWARE_DATABASE`
    pub database: String,
    /// `ADVOWARE_USER`, a Kürzel.
    pub user: String,
    /// `ADVOWARE_ROLE`
    pub role: u32,
    /// `ADVOWARE_PASSWORD`
    pub password: SecretString,
    /// `ADVOWARE_TOKEN_LIFETIME_MINUTES`; counts only where the gateway does not say.
    pub token_lifetime: Duration,
    /// `ADVOWARE_API_TIMEOUT_SECONDS`, of one call.
    pub timeout: Duration,
    /// `ADVOWARE_EMPLOYEES_PATH`, where the API lists the Mitarbeiter (A, DOMAIN 3).
    pub employees_path: ApiPath,
}

/// `ESPOCRM_*`
#[derive(Clone, Debug)]
pub struct EspocrmSettings {
    /// `ESPOCRM_API_BASE_URL`, includes `/api/v1`.
    pub api_base_url: BaseUrl,
    /// `ESPOCRM_API_KEY`
    pub api_key: SecretString,
    /// `ESPOCRM_API_TIMEOUT_SECONDS`, of one call.
    pub timeout: Duration,
    /// `ESPOCRM_FIELDS`
    pub fields: FieldNames,
    /// `ESPOCRM_PHONE_FORMAT`
    pub phone_format: PhoneFormat,
}

/// `GOOGLE_CALENDAR_*`
#[derive(Clone, Debug)]
pub struct GoogleSettings {
    /// `GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH`, the content of that file.
    pub account: ServiceAccount,
    /// `GOOGLE_CALENDAR_OWNER`: the account that every calendar is shared with.
    pub owner: Option<String>,
    /// `GOOGLE_CALENDAR_API_BASE_URL`
    pub api_base_url: BaseUrl,
    /// `GOOGLE_CALENDAR_API_TIMEOUT_SECONDS`, of one call.
    pub timeout: Duration,
}

/// `CALENDAR_SYNC_*` and `SYNC_MAX_DELETE_*`
#[derive(Clone, Debug)]
pub struct CalendarSettings {
    /// `CALENDAR_SYNC_SECONDS`: each employee is synced once in it.
    pub interval: Duration,
    /// `CALENDAR_SYNC_PAST_DAYS`: how far back the window reaches.
    pub past: Duration,
    /// `CALENDAR_SYNC_FUTURE_DAYS`: how far ahead.
    pub future: Duration,
    /// `CALENDAR_SYNC_ANONYMIZE_GOOGLE_EVENTS`: an employee's policy can add to this, never lift it (C7).
    pub anonymize: bool,
    /// `CALENDAR_SYNC_DEBUG_KUERZEL`: the schedule serves this employee alone; `None`: all.
    pub only: Option<Kuerzel>,
    /// `CALENDAR_SYNC_STRATEGY`
    pub strategy: SyncStrategy,
    /// `CALENDAR_SYNC_ADVOWARE_WRITE`
    pub write: AdvowareWrite,
    /// `SYNC_MAX_DELETE_PERCENT`, `SYNC_MAX_DELETE_COUNT`
    pub limit: DeletionLimit,
}

/// What the commands about webhooks need beside EspoCRM's settings.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// `PRODUCER_PUBLIC_URL`: where EspoCRM reaches the producer.
    pub public_url: Option<BaseUrl>,
    /// `ESPOCRM_WEBHOOK_SECRETS`
    pub secrets: WebhookSecrets,
}

/// `SYNC_*` and the grace period.
#[derive(Clone, Debug)]
pub struct SyncSettings {
    /// `SYNC_RETRY_MINUTES`: wait after failure 1, 2, ...; the last repeats. Never empty.
    pub retry: Vec<Duration>,
    /// `SYNC_MAX_TRIES`: failures until permanently failed.
    pub max_tries: u32,
    /// `SYNC_CONFLICT_POLICY`
    pub conflict_policy: ConflictPolicy,
    /// `SYNC_AUTO_RESET_HOURS`
    pub auto_reset: Duration,
    /// `SYNC_RUN_LIMIT_SECONDS`: longest run of one job.
    pub run_limit: Duration,
    /// `SYNC_LEASE_SECONDS`, renewed every third of it.
    pub lease: Duration,
    /// `SHUTDOWN_GRACE_SECONDS`
    pub shutdown_grace: Duration,
}

/// What all workers together may ask of the outside systems (J5), and when to leave one alone (J4a).
#[derive(Clone, Debug)]
pub struct LimitSettings {
    /// `ADVOWARE_MAX_PARALLEL`: calls to Advoware's API at once.
    pub advoware_max_parallel: u32,
    /// `GOOGLE_CALENDAR_REQUESTS_PER_MINUTE`
    pub google_requests_per_minute: u32,
    /// `SYSTEM_BREAKER_SECONDS`: first pause of a breaker. The longest pause, and the one after refused credentials, are ten times as
    /// long.
    pub breaker: Duration,
}

/// `LOG_FORMAT`, `RUST_LOG`, and where traces go.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// `LOG_FORMAT`
    pub format: LogFormat,
    /// `RUST_LOG`, in the syntax of `tracing_subscriber::EnvFilter`; checked to be.
    pub filter: String,
    /// `None`: there are no traces.
    pub traces: Option<TraceSettings>,
}

/// Where traces go. OpenTelemetry's own library reads the rest of its variables (`OTEL_TRACES_SAMPLER` and others).
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`, without `/v1/traces`.
    pub endpoint: BaseUrl,
    /// `OTEL_EXPORTER_OTLP_HEADERS`: what the collector wants to see, a log-in for example.
    pub headers: Vec<(String, SecretString)>,
    /// `OTEL_SERVICE_NAME`; `None`: the program's name.
    pub service: Option<String>,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Every setting that is missing or malformed.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsError {
    problems: Vec<String>,
}

impl SettingsError {
    /// One line per problem: the variable, then what is expected.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("settings (environment variables) are missing or malformed:")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for SettingsError {}

impl WorkerSettings {
    /// Reads a worker's settings.
    pub fn read(source: &Source) -> Result<Self, SettingsError> {
        Reader::read(source, parts::worker)
    }
}

impl ProducerSettings {
    /// Reads a producer's settings.
    pub fn read(source: &Source) -> Result<Self, SettingsError> {
        Reader::read(source, parts::producer)
    }
}

impl LogSettings {
    /// Reads the log settings alone, so that a program can report the problems of all others in its log's form.
    pub fn read(source: &Source) -> Result<Self, SettingsError> {
        Reader::read(source, parts::log)
    }
}

impl AdvowareSettings {
    /// Reads Advoware's settings alone, for `doctor` and tests.
    pub fn read(source: &Source) -> Result<Self, SettingsError> {
        Reader::read(source, parts::advoware)
    }
}

impl EspocrmSettings {
    /// Reads EspoCRM's settings alone, for `doctor` and tests.
    pub fn read(source: &Source) -> Result<Self, SettingsError> {
        Reader::read(source, parts::espocrm)
    }
}

impl WebhookSettings {
    /// Reads the settings of the webhooks alone, for commands.
    pub fn read(source: &Source) -> Result<Self, SettingsError> {
        Reader::read(source, parts::webhooks)
    }
}

impl LimitSettings {
    /// Reads the limits alone, for `doctor`.
    pub fn read(source: &Source) -> Result<Self, SettingsError> {
        Reader::read(source, parts::limits)
    }
}

impl GoogleSettings {
    /// Reads Google's settings alone, for `doctor` and tests; `None` where no service account is set.
    pub fn read(source: &Source) -> Result<Option<Self>, SettingsError> {
        Reader::read(source, parts::google)
    }
}

impl CalendarSettings {
    /// Reads the calendar's rules alone, for commands.
    pub fn read(source: &Source) -> Result<Self, SettingsError> {
        Reader::read(source, parts::calendar)
    }
}

impl RedisSettings {
    /// Reads Redis' settings alone, for commands that need nothing else.
    pub fn read(source: &Source) -> Result<Self, SettingsError> {
        Reader::read(source, stores::redis)
    }
}

impl PostgresSettings {
    /// Reads PostgreSQL's settings alone, for commands that need nothing else (`migrate`).
    pub fn read(source: &Source) -> Result<Self, SettingsError> {
        Reader::read(source, stores::postgres)
    }
}
