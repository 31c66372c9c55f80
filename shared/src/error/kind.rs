//! Kinds of failure, each with the text that says what to do.

use std::fmt;
use std::time::Duration;

/// What went wrong with a call. Holds names and times, never content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// No connection came about: the request was never sent.
    #[error("not reachable ({0}): tried again later")]
    Unreachable(ConnectFault),
    /// No answer within the time limit.
    #[error("no answer in time: tried again later")]
    TimedOut,
    /// The connection ended before an answer arrived.
    #[error("the connection was lost before the answer: tried again later")]
    ConnectionLost,
    /// 502, 503, 504: the system, or what stands before it, is down or in maintenance.
    #[error("out of service{}: tried again later", wish(*retry_after))]
    Unavailable {
        /// The system's wish, within [`crate::http::MAX_RETRY_AFTER`].
        retry_after: Option<Duration>,
    },
    /// 429.
    #[error("asked to slow down{}: tried again later, without counting", wish(*retry_after))]
    RateLimited {
        /// The system's wish, within [`crate::http::MAX_RETRY_AFTER`].
        retry_after: Option<Duration>,
    },
    /// Google's 403 `quotaExceeded`: a limit that lasts, of calendars created or of writes (DOMAIN 6).
    #[error("a lasting limit is used up: tried again after an hour, without counting")]
    QuotaExceeded,
    /// 400: the same content will be refused again.
    #[error("the content was refused{}: correct the record, then requeue it", place(field.as_deref(), rule.as_deref()))]
    Rejected {
        /// Name of the field, where the system says it.
        field: Option<String>,
        /// Name of the violated rule, where the system says it.
        rule: Option<String>,
    },
    /// 403 with a reason: our user lacks a right.
    #[error("not permitted: give our API user the right, then requeue")]
    Forbidden,
    /// 404 for the record.
    #[error("the record does not exist there")]
    NotFound,
    /// The route itself is unknown: a wrong base address or a missing entity type.
    #[error("the address is not known there: check the base URL and the entity type in the settings")]
    WrongAddress,
    /// 409: somebody changed the record since it was read.
    #[error("the record was changed meanwhile: read again and planned anew")]
    Conflict,
    /// Google's 409: the id that we chose is taken, by our own call of before or by an event that was deleted since (DOMAIN 6).
    #[error("the id is taken: read again and planned anew")]
    Duplicate,
    /// Google's 410 for a list of changes: what is known of the calendar is too old for it (DOMAIN 6).
    #[error("the changes are no longer known there: everything is read again")]
    FullSyncRequired,
    /// The system does not accept who we are.
    #[error("credentials refused ({0}); nothing is sent for five minutes")]
    CredentialsRefused(Refusal),
    /// EspoCRM's empty 403: too many failed log-ins from our address (DOMAIN 5).
    #[error("our address is locked out after failed log-ins: correct the API key of whoever causes them, then wait")]
    LockedOut,
    /// 500.
    #[error("fault inside the system: tried again later")]
    ServerFault,
    /// The answer is no JSON, or not of the agreed shape.
    #[error("the answer cannot be read: {what}")]
    Malformed {
        /// Which part; a fixed text.
        what: &'static str,
    },
    /// The answer ends too early, or is empty where content is due.
    #[error("the answer is incomplete: tried again later")]
    Truncated,
    /// The answer is larger than [`crate::http::MAX_ANSWER_BYTES`].
    #[error("the answer is too large: look at the record")]
    Oversized,
    /// Any other status, redirects included: they are not followed, they would carry our credentials elsewhere.
    #[error("unexpected status: check the base URL in the settings")]
    UnexpectedStatus,
    /// Redis, which holds the token that all workers share, does not answer.
    #[error("the token cache in Redis does not answer: tried again later")]
    CacheUnavailable,
    /// Redis, which bounds the calls of all workers together, does not answer: nothing was sent.
    #[error("Redis, which counts the calls of all workers, does not answer: tried again later")]
    LimitUnavailable,
}

/// Why no connection came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectFault {
    /// The name did not resolve, or the network is down; the library does not tell them apart.
    #[error("name or network")]
    Network,
    /// Nobody listens there.
    #[error("connection refused")]
    Refused,
    /// No connection within the time limit.
    #[error("no connection in time")]
    TimedOut,
    /// The certificate or the handshake is not acceptable.
    #[error("TLS not acceptable")]
    Tls,
}

/// Why credentials were refused, with what to do. All need a person (DOMAIN 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `freigeschaltet`: the product or the user is not enabled for the interface.
    NotEnabled,
    /// `ist nicht angemeldet`.
    NotLoggedOn,
    /// `ist nicht registriert`.
    NotRegistered,
    /// `Falscher Name oder falsches Kennwort`.
    WrongPassword,
    /// The gateway refused without a text we know.
    LogInRefused,
    /// A fresh token was refused.
    TokenRejected,
    /// EspoCRM's 401.
    ApiKeyRejected,
    /// Google gave the service account no token.
    ServiceAccountRefused,
    /// Google refused a fresh token.
    ServiceTokenRejected,
}

impl Refusal {
    /// Every refusal.
    pub const ALL: [Self; 9] = [
        Self::NotEnabled,
        Self::NotLoggedOn,
        Self::NotRegistered,
        Self::WrongPassword,
        Self::LogInRefused,
        Self::TokenRejected,
        Self::ApiKeyRejected,
        Self::ServiceAccountRefused,
        Self::ServiceTokenRejected,
    ];

    /// Short name, as remembered in Redis.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotEnabled => "not_enabled",
            Self::NotLoggedOn => "not_logged_on",
            Self::NotRegistered => "not_registered",
            Self::WrongPassword => "wrong_password",
            Self::LogInRefused => "log_in_refused",
            Self::TokenRejected => "token_rejected",
            Self::ApiKeyRejected => "api_key_rejected",
            Self::ServiceAccountRefused => "service_account_refused",
            Self::ServiceTokenRejected => "service_token_rejected",
        }
    }

    /// Back from [`Self::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.name() == name)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotEnabled => "the product or the user is not enabled: have Advoware enable it",
            Self::NotLoggedOn => "the user is not known to the interface: check ADVOWARE_USER and ADVOWARE_DATABASE",
            Self::NotRegistered => {
                "the firm or the application is not registered: check ADVOWARE_KANZLEI and ADVOWARE_APP_ID"
            }
            Self::WrongPassword => "wrong name or password: check ADVOWARE_USER and ADVOWARE_PASSWORD",
            Self::LogInRefused => "the gateway refused the log-in: check the ADVOWARE_ settings",
            Self::TokenRejected => "a fresh token was refused: check the user's rights and ADVOWARE_API_BASE_URL",
            Self::ApiKeyRejected => "check ESPOCRM_API_KEY",
            Self::ServiceAccountRefused => {
                "the service account gets no token: check the key in GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH and this machine's clock"
            }
            Self::ServiceTokenRejected => {
                "a fresh token was refused: check GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH and GOOGLE_CALENDAR_API_BASE_URL"
            }
        })
    }
}

impl ErrorKind {
    /// Label in `kanzleisync_api_requests_total`; `OUTCOMES` lists them all.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::TimedOut => "timed_out",
            Self::ConnectionLost => "connection_lost",
            Self::Unavailable { .. } => "unavailable",
            Self::RateLimited { .. } => "rate_limited",
            Self::QuotaExceeded => "quota_exceeded",
            Self::Rejected { .. } => "rejected",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::WrongAddress => "wrong_address",
            Self::Conflict => "conflict",
            Self::Duplicate => "duplicate",
            Self::FullSyncRequired => "full_sync_required",
            Self::CredentialsRefused(_) => "credentials_refused",
            Self::LockedOut => "locked_out",
            Self::ServerFault => "server_fault",
            Self::Malformed { .. } => "malformed",
            Self::Truncated => "truncated",
            Self::Oversized => "oversized",
            Self::UnexpectedStatus => "unexpected_status",
            Self::CacheUnavailable => "cache_unavailable",
            Self::LimitUnavailable => "limit_unavailable",
        }
    }
}

/// Every outcome that a request can have in metrics.
pub(crate) const OUTCOMES: [&str; 21] = [
    "ok",
    "unreachable",
    "timed_out",
    "connection_lost",
    "unavailable",
    "rate_limited",
    "quota_exceeded",
    "rejected",
    "forbidden",
    "not_found",
    "wrong_address",
    "conflict",
    "duplicate",
    "full_sync_required",
    "credentials_refused",
    "locked_out",
    "server_fault",
    "malformed",
    "truncated",
    "oversized",
    "unexpected_status",
];

fn wish(retry_after: Option<Duration>) -> String {
    retry_after.map(|wait| format!(" for {} s", wait.as_secs())).unwrap_or_default()
}

fn place(field: Option<&str>, rule: Option<&str>) -> String {
    match (field, rule) {
        (Some(field), Some(rule)) => format!(" (field {field}, rule {rule})"),
        (Some(field), None) => format!(" (field {field})"),
        (None, Some(rule)) => format!(" (rule {rule})"),
        (None, None) => String::new(),
    }
}
