//! The settings of each part: names, defaults and limits, as in CONTRACT.

use std::net::SocketAddr;

use domain::beteiligte::ConflictPolicy;
use domain::calendar::DeletionLimit;
use domain::calendar::policy::{AdvowareWrite, SyncStrategy};
use domain::ids::Kuerzel;
use domain::kommunikation::PhoneFormat;
use tracing_subscriber::EnvFilter;

use super::reader::{Reader, Unit};
use super::secrets::{self, WebhookSecrets};
use super::stores::{postgres, redis};
use super::{
    AdvowareSettings, CalendarSettings, EspocrmSettings, GoogleSettings, LimitSettings, LogFormat, LogSettings,
    ProducerCalendar, ProducerSettings, SyncSettings, TraceSettings, VerifySettings, WebhookSettings, WorkerSettings,
};
use crate::espocrm::FieldNames;
use crate::google::ServiceAccount;
use crate::http::{ApiPath, BaseUrl};

pub(super) fn worker(r: &mut Reader<'_>) -> Option<WorkerSettings> {
    let advoware = advoware(r);
    let espocrm = espocrm(r);
    let google = google(r);
    let calendar = calendar(r);
    let redis = redis(r);
    let postgres = postgres(r);
    let sync = sync(r);
    let limits = limits(r);
    let log = log(r);
    let listen = listen(r, "WORKER_LISTEN", "127.0.0.1:9100");
    let concurrency = r.number("WORKER_CONCURRENCY", 16, 1..=1000);
    Some(WorkerSettings {
        advoware: advoware?,
        espocrm: espocrm?,
        google: google?,
        calendar: calendar?,
        redis: redis?,
        postgres: postgres?,
        sync: sync?,
        limits: limits?,
        log: log?,
        listen: listen?,
        concurrency: concurrency?,
    })
}

pub(super) fn producer(r: &mut Reader<'_>) -> Option<ProducerSettings> {
    let espocrm = espocrm(r);
    let redis = redis(r);
    let postgres = postgres(r);
    let sync = sync(r);
    let log = log(r);
    let listen = listen(r, "PRODUCER_LISTEN", "127.0.0.1:3000");
    let api_key = match listen {
        Some(address) if !address.ip().is_loopback() => r.required_secret("PRODUCER_API_KEY"),
        _ => r.secret("PRODUCER_API_KEY"),
    };
    let webhook_secrets = webhook_secrets(r);
    let beteiligte_scan = r.duration("BETEILIGTE_SCAN_SECONDS", Unit::Seconds, 900.0);
    let beteiligte_look = r.duration("BETEILIGTE_LOOK_HOURS", Unit::Hours, 24.0);
    let audit_retention = r.duration("AUDIT_RETENTION_DAYS", Unit::Days, 365.0);
    let job_retention = r.duration("JOB_RETENTION_HOURS", Unit::Hours, 24.0);
    let calendar = producer_calendar(r);
    let limits = limits(r);
    let verify = verify(r);
    Some(ProducerSettings {
        espocrm: espocrm?,
        redis: redis?,
        postgres: postgres?,
        sync: sync?,
        log: log?,
        listen: listen?,
        api_key,
        webhook_secrets: webhook_secrets?,
        beteiligte_scan: beteiligte_scan?,
        beteiligte_look: beteiligte_look?,
        audit_retention: audit_retention?,
        job_retention: job_retention?,
        calendar: calendar?,
        limits: limits?,
        verify: verify?,
    })
}

/// A check that is off needs neither Advoware nor Google's key. It is off by default only where nobody has set up Advoware.
#[expect(clippy::option_option, reason = "wrong, off, on")]
fn verify(r: &mut Reader<'_>) -> Option<Option<VerifySettings>> {
    let interval = r.duration_or_off("VERIFY_SYNC_HOURS", Unit::Hours, 24.0);
    let is_wished = r.optional("VERIFY_SYNC_HOURS").is_some() || r.optional("ADVOWARE_APP_ID").is_some();
    if interval == Some(None) || !is_wished {
        return Some(None);
    }
    let (advoware, google) = (advoware(r), google(r));
    let (advoware, google) = (advoware?, google?);
    interval.map(|interval| interval.map(|interval| VerifySettings { interval, advoware, google }))
}

/// Without a service account nobody's calendar is scheduled, and Advoware is not needed; but what is set must be right all the same.
#[expect(clippy::option_option, reason = "wrong, not set, set")]
fn producer_calendar(r: &mut Reader<'_>) -> Option<Option<ProducerCalendar>> {
    let rules = calendar(r);
    if r.optional("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH").is_none() {
        return rules.map(|_| None);
    }
    let advoware = advoware(r);
    Some(Some(ProducerCalendar { advoware: advoware?, rules: rules? }))
}

pub(super) fn advoware(r: &mut Reader<'_>) -> Option<AdvowareSettings> {
    // Absent means: looked up. So a malformed one must not pass for absent.
    let api_base_url = match r.optional("ADVOWARE_API_BASE_URL") {
        None => Some(None),
        Some(_) => r.required_parsed("ADVOWARE_API_BASE_URL", BaseUrl::parse).map(Some),
    };
    let configurator_url =
        r.parsed("ADVOWARE_CONFIGURATOR_URL", "https://www2.advo-net.net/AdvonetConfigurator/", BaseUrl::parse);
    let auth_url = r.parsed("ADVOWARE_AUTH_URL", "https://security.advo-net.net/", BaseUrl::parse);
    let product_id = r.number("ADVOWARE_PRODUCT_ID", 64, 0..=u32::MAX);
    let app_id = r.required("ADVOWARE_APP_ID");
    let api_key = r
        .required_secret("ADVOWARE_API_KEY")
        .and_then(|key| secrets::decode(&key).map_err(|expected| r.problem("ADVOWARE_API_KEY", expected)).ok());
    let kanzlei = r.required("ADVOWARE_KANZLEI");
    let database = r.required("ADVOWARE_DATABASE");
    let user = r.required("ADVOWARE_USER");
    let role = r.number("ADVOWARE_ROLE", 2, 0..=u32::MAX);
    let password = r.required_secret("ADVOWARE_PASSWORD");
    let token_lifetime = r.duration("ADVOWARE_TOKEN_LIFETIME_MINUTES", Unit::Minutes, 55.0);
    let timeout = r.duration("ADVOWARE_API_TIMEOUT_SECONDS", Unit::Seconds, 30.0);
    let employees_path = r.parsed("ADVOWARE_EMPLOYEES_PATH", "api/v1/advonet/Mitarbeiter", ApiPath::parse);
    Some(AdvowareSettings {
        api_base_url: api_base_url?,
        configurator_url: configurator_url?,
        auth_url: auth_url?,
        product_id: product_id?,
        app_id: app_id?,
        api_key: api_key?,
        kanzlei: kanzlei?,
        database: database?,
        user: user?,
        role: role?,
        password: password?,
        token_lifetime: token_lifetime?,
        timeout: timeout?,
        employees_path: employees_path?,
    })
}

pub(super) fn espocrm(r: &mut Reader<'_>) -> Option<EspocrmSettings> {
    let api_base_url = r.required_parsed("ESPOCRM_API_BASE_URL", BaseUrl::parse);
    let api_key = r.required_secret("ESPOCRM_API_KEY");
    let timeout = r.duration("ESPOCRM_API_TIMEOUT_SECONDS", Unit::Seconds, 30.0);
    let fields = espocrm_fields(r);
    let phone_format = r.parsed("ESPOCRM_PHONE_FORMAT", "e164", |text| match text {
        "e164" => Ok(PhoneFormat::E164),
        "as_typed" => Ok(PhoneFormat::AsTyped),
        _ => Err("expected e164 or as_typed"),
    });
    Some(EspocrmSettings {
        api_base_url: api_base_url?,
        api_key: api_key?,
        timeout: timeout?,
        fields: fields?,
        phone_format: phone_format?,
    })
}

fn espocrm_fields(r: &mut Reader<'_>) -> Option<FieldNames> {
    let name = "ESPOCRM_FIELDS";
    let Some(path) = r.optional(name) else { return Some(FieldNames::default()) };
    let json = r.file(name, path)?;
    let parsed = FieldNames::parse(&json);
    parsed.map_err(|problems| problems.into_iter().for_each(|problem| r.problem(name, problem))).ok()
}

/// Without a service account nothing is reached, but what is set must be right all the same.
#[expect(clippy::option_option, reason = "wrong, not set, set")]
pub(super) fn google(r: &mut Reader<'_>) -> Option<Option<GoogleSettings>> {
    let account = match r.optional("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH") {
        None => Some(None),
        Some(path) => service_account(r, "GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH", path).map(Some),
    };
    let owner = match r.optional("GOOGLE_CALENDAR_OWNER") {
        None => Some(None),
        Some(_) => r.required_parsed("GOOGLE_CALENDAR_OWNER", mail_address).map(Some),
    };
    let api_base_url =
        r.parsed("GOOGLE_CALENDAR_API_BASE_URL", "https://www.googleapis.com/calendar/v3/", BaseUrl::parse);
    let timeout = r.duration("GOOGLE_CALENDAR_API_TIMEOUT_SECONDS", Unit::Seconds, 30.0);
    let (account, owner, api_base_url, timeout) = (account?, owner?, api_base_url?, timeout?);
    Some(account.map(|account| GoogleSettings { account, owner, api_base_url, timeout }))
}

fn service_account(r: &mut Reader<'_>, name: &str, path: &str) -> Option<ServiceAccount> {
    let json = r.file(name, path)?;
    let parsed = ServiceAccount::parse(&json);
    parsed.map_err(|problems| problems.into_iter().for_each(|problem| r.problem(name, problem))).ok()
}

fn mail_address(text: &str) -> Result<String, &'static str> {
    match text.split_once('@') {
        Some((name, host)) if !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace) => {
            Ok(text.to_owned())
        }
        _ => Err("expected the mail address of a Google account"),
    }
}

fn sync(r: &mut Reader<'_>) -> Option<SyncSettings> {
    let retry = r.durations("SYNC_RETRY_MINUTES", Unit::Minutes, "1,5,15,60,240");
    let max_tries = r.number("SYNC_MAX_TRIES", 5, 1..=1000);
    let conflict_policy = r.parsed("SYNC_CONFLICT_POLICY", ConflictPolicy::default().name(), |text| {
        ConflictPolicy::parse(text).ok_or("expected espocrm_wins, newest_wins or manual")
    });
    let auto_reset = r.duration("SYNC_AUTO_RESET_HOURS", Unit::Hours, 24.0);
    let run_limit = r.duration("SYNC_RUN_LIMIT_SECONDS", Unit::Seconds, 900.0);
    let lease = r.duration("SYNC_LEASE_SECONDS", Unit::Seconds, 6.0);
    let shutdown_grace = r.duration("SHUTDOWN_GRACE_SECONDS", Unit::Seconds, 25.0);
    Some(SyncSettings {
        retry: retry?,
        max_tries: max_tries?,
        conflict_policy: conflict_policy?,
        auto_reset: auto_reset?,
        run_limit: run_limit?,
        lease: lease?,
        shutdown_grace: shutdown_grace?,
    })
}

pub(super) fn calendar(r: &mut Reader<'_>) -> Option<CalendarSettings> {
    let interval = r.duration("CALENDAR_SYNC_SECONDS", Unit::Seconds, 900.0);
    let past = r.duration("CALENDAR_SYNC_PAST_DAYS", Unit::Days, 30.0);
    let future = r.duration("CALENDAR_SYNC_FUTURE_DAYS", Unit::Days, 730.0);
    let anonymize = r.parsed("CALENDAR_SYNC_ANONYMIZE_GOOGLE_EVENTS", "false", yes_or_no);
    let only = match r.optional("CALENDAR_SYNC_DEBUG_KUERZEL") {
        None => Some(None),
        Some(text) if text.eq_ignore_ascii_case("all") => Some(None),
        Some(_) => r
            .required_parsed("CALENDAR_SYNC_DEBUG_KUERZEL", |text| {
                Kuerzel::parse(text).map_err(|_| "expected ALL or an employee's Kürzel")
            })
            .map(Some),
    };
    let strategy = r.parsed("CALENDAR_SYNC_STRATEGY", SyncStrategy::default().name(), |text| {
        SyncStrategy::parse(text).ok_or("expected source_system_wins or last_change_wins")
    });
    let write = r.parsed("CALENDAR_SYNC_ADVOWARE_WRITE", AdvowareWrite::default().name(), |text| {
        AdvowareWrite::parse(text).ok_or("expected google_born, all or off")
    });
    let percent = r.number("SYNC_MAX_DELETE_PERCENT", 20, 0..=100);
    let count = r.number("SYNC_MAX_DELETE_COUNT", 10, 0..=u64::MAX);
    Some(CalendarSettings {
        interval: interval?,
        past: past?,
        future: future?,
        anonymize: anonymize?,
        only: only?,
        strategy: strategy?,
        write: write?,
        limit: DeletionLimit { percent: percent?, count: count? },
    })
}

fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Ok(true),
        "false" | "0" | "off" | "no" => Ok(false),
        _ => Err("expected true or false"),
    }
}

pub(super) fn limits(r: &mut Reader<'_>) -> Option<LimitSettings> {
    let advoware_max_parallel = r.number("ADVOWARE_MAX_PARALLEL", 8, 1..=1024);
    let google_requests_per_minute = r.number("GOOGLE_CALENDAR_REQUESTS_PER_MINUTE", 600, 1..=60_000);
    let breaker = r.duration("SYSTEM_BREAKER_SECONDS", Unit::Seconds, 30.0);
    Some(LimitSettings {
        advoware_max_parallel: advoware_max_parallel?,
        google_requests_per_minute: google_requests_per_minute?,
        breaker: breaker?,
    })
}

pub(super) fn log(r: &mut Reader<'_>) -> Option<LogSettings> {
    let format = r.parsed("LOG_FORMAT", "text", |text| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("expected text or json"),
    });
    let filter = r.parsed("RUST_LOG", "info", |text| match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("expected a filter such as info or info,worker=debug"),
    });
    let traces = traces(r);
    Some(LogSettings { format: format?, filter: filter?, traces: traces? })
}

/// Without an endpoint there are no traces, but what is set must be right all the same.
#[expect(clippy::option_option, reason = "wrong, not set, set")]
fn traces(r: &mut Reader<'_>) -> Option<Option<TraceSettings>> {
    let name = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let endpoint = match r.optional(name) {
        None => Some(None),
        Some(_) => r.required_parsed(name, BaseUrl::parse).map(Some),
    };
    let name = "OTEL_EXPORTER_OTLP_HEADERS";
    let headers = match r.secret(name) {
        None => Some(Vec::new()),
        Some(text) => secrets::headers(&text).map_err(|expected| r.problem(name, expected)).ok(),
    };
    let service = r.optional("OTEL_SERVICE_NAME").map(str::to_owned);
    let (endpoint, headers) = (endpoint?, headers?);
    Some(endpoint.map(|endpoint| TraceSettings { endpoint, headers, service }))
}

pub(super) fn webhooks(r: &mut Reader<'_>) -> Option<WebhookSettings> {
    let public_url = match r.optional("PRODUCER_PUBLIC_URL") {
        None => Some(None),
        Some(_) => r.required_parsed("PRODUCER_PUBLIC_URL", BaseUrl::parse).map(Some),
    };
    let secrets = webhook_secrets(r);
    Some(WebhookSettings { public_url: public_url?, secrets: secrets? })
}

fn webhook_secrets(r: &mut Reader<'_>) -> Option<WebhookSecrets> {
    let Some(text) = r.secret("ESPOCRM_WEBHOOK_SECRETS") else { return Some(WebhookSecrets::default()) };
    WebhookSecrets::parse(&text).map_err(|expected| r.problem("ESPOCRM_WEBHOOK_SECRETS", expected)).ok()
}

fn listen(r: &mut Reader<'_>, name: &str, default: &str) -> Option<SocketAddr> {
    r.parsed(name, default, |text| text.parse().map_err(|_| "expected an address and port such as 127.0.0.1:3000"))
}
