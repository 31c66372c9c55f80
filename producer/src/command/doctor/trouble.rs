//! Why something could not be looked at, and what to do about it.

use std::time::Duration;

use shared::error::{ApiError, ConnectFault, ErrorKind, System};
use shared::http::SetupError;
use shared::hub::HubError;
use shared::queue::QueueError;

/// A look that failed. Names, kinds and statuses only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) found: String,
    pub(super) advice: String,
}

impl Trouble {
    pub(super) fn new(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { found: found.into(), advice: advice.into() }
    }

    /// It took longer than a check may.
    pub(super) fn too_slow(limit: Duration) -> Self {
        let found = format!("no answer within {} s", limit.as_secs_f64());
        Self::new(
            found,
            "look whether it hangs, or whether a firewall or proxy on the way drops connections; then --timeout",
        )
    }
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        let status = error.status.map(|status| format!(", HTTP {status}")).unwrap_or_default();
        let name = match &error.kind {
            ErrorKind::CredentialsRefused(refusal) => refusal.name(),
            other => other.name(),
        };
        let found = format!("{} fails: {name}{status}", error.operation.name());
        Self { found, advice: advice(error.system(), &error.kind) }
    }
}

/// The prefix of a system's settings.
fn settings_of(system: System) -> &'static str {
    match system {
        System::Advoware => "ADVOWARE_API_BASE_URL and ADVOWARE_AUTH_URL",
        System::Espocrm => "ESPOCRM_API_BASE_URL",
        System::Google => "GOOGLE_CALENDAR_API_BASE_URL",
    }
}

/// What a person does who stands before the screen; the error's own text speaks of jobs that are tried again.
fn advice(system: System, kind: &ErrorKind) -> String {
    use ErrorKind as K;
    let settings = settings_of(system);
    match kind {
        K::Unreachable(ConnectFault::Tls) => {
            "its certificate is not accepted: correct it, or name your authority in SSL_CERT_FILE".to_owned()
        }
        K::Unreachable(ConnectFault::Network | ConnectFault::Refused | ConnectFault::TimedOut)
        | K::TimedOut
        | K::ConnectionLost => {
            format!("check {settings}, and the network from here: name, firewall, HTTPS_PROXY")
        }
        K::Unavailable { .. } | K::ServerFault => "it is down or in maintenance: ask whoever runs it".to_owned(),
        K::RateLimited { .. } => "too many requests just now: try again in a minute".to_owned(),
        K::QuotaExceeded => "a lasting limit of Google's is used up: wait, and create fewer calendars".to_owned(),
        K::Forbidden => "give our user the right to do this".to_owned(),
        K::NotFound | K::WrongAddress | K::UnexpectedStatus | K::Malformed { .. } | K::Truncated | K::Oversized => {
            format!("something else answers there: check {settings}")
        }
        K::CredentialsRefused(refusal) => refusal.to_string(),
        K::LockedOut => {
            "our address is locked out after failed log-ins: correct the key of whoever causes them, wait a minute"
                .to_owned()
        }
        K::CacheUnavailable | K::LimitUnavailable => "see redis".to_owned(),
        K::Rejected { .. } | K::Conflict | K::Duplicate | K::FullSyncRequired => {
            "unexpected for a read: look at that system's log".to_owned()
        }
    }
}

impl From<SetupError> for Trouble {
    fn from(error: SetupError) -> Self {
        Self::from(&error)
    }
}

impl From<&SetupError> for Trouble {
    fn from(error: &SetupError) -> Self {
        Self::new(error.to_string(), "correct the setting, or this machine's TLS set-up")
    }
}

impl From<HubError> for Trouble {
    fn from(error: HubError) -> Self {
        let advice = match &error {
            HubError::Database(_) => {
                "check DATABASE_URL or POSTGRES_HOST, POSTGRES_PORT and the password, and whether PostgreSQL runs"
            }
            HubError::NotMigrated | HubError::Migration(_) => "run `kanzleisync-producer migrate`",
            HubError::Unreadable(_) => "restore the row from a backup or delete it",
        };
        let found = match error {
            HubError::Database(cause) => cause.to_string(),
            other => other.to_string(),
        };
        Self::new(found, advice)
    }
}

impl From<QueueError> for Trouble {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Redis(cause) => cause.into(),
            other => Self::new(other.to_string(), "are producer and workers of one version?"),
        }
    }
}

impl From<redis::RedisError> for Trouble {
    fn from(error: redis::RedisError) -> Self {
        // The category alone: what Redis says may repeat what was sent.
        let found = format!("no use of it ({})", error.category());
        Self::new(found, "check REDIS_URL or REDIS_HOST, REDIS_PORT and the password, and whether Redis runs")
    }
}
