//! Where Redis is, and as whom to reach it.

mod parse;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;

use redis::{ErrorKind, RedisConnectionInfo, RedisError};
use secrecy::{ExposeSecret, SecretString};

/// One Redis (or Valkey), or the Sentinels that know which of several is the master; and as whom to log in.
///
/// Read from a URL (`try_from`):
/// * `redis://[user:password@]host[:6379][/database]`, `rediss://` the same over TLS,
/// * `redis+unix:///path[?db=..&user=..&pass=..]`, also `unix://`,
/// * `redis+sentinel://[user:password@]host[:26379],host,.../service[/database][?sentinel_user=..&sentinel_password=..]`,
///   `rediss+sentinel://` the same over TLS. User and password are those of the Redis servers; Sentinels have their own.
///
/// Special characters of users and passwords are written as `%40` and the like. `Debug` and `Display` show no password.
#[derive(Clone)]
pub struct RedisAddress {
    pub(super) place: Place,
    login: Login,
    database: Option<i64>,
}

#[derive(Clone)]
pub(super) enum Place {
    Server(Endpoint),
    Sentinels(Sentinels),
}

/// Where one server listens.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    Tcp { host: String, port: u16, tls: bool },
    Unix(PathBuf),
}

/// Those to ask for the master of `service`. They and the servers are reached by TLS, or neither.
#[derive(Clone)]
pub(super) struct Sentinels {
    /// Never empty.
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) service: String,
    pub(super) tls: bool,
    login: Login,
}

#[derive(Clone, Default)]
struct Login {
    user: Option<String>,
    password: Option<SecretString>,
}

/// A text is no address. Says what is expected, never what was given: a password would be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AddressError(&'static str);

impl RedisAddress {
    /// A server at a TCP port, without TLS; with a password if there is one.
    pub fn tcp(host: String, port: u16, password: Option<SecretString>) -> Self {
        let place = Place::Server(Endpoint::Tcp { host, port, tls: false });
        Self { place, login: Login { user: None, password }, database: None }
    }

    /// The numbered database, if the address names one.
    pub fn database(&self) -> Option<i64> {
        self.database
    }

    /// The same server, another of its numbered databases.
    #[must_use]
    pub fn with_database(mut self, number: i64) -> Self {
        self.database = Some(number);
        self
    }

    /// How to introduce oneself to the server.
    pub(super) fn greeting(&self) -> RedisConnectionInfo {
        self.login.greeting().set_db(self.database.unwrap_or_default())
    }
}

impl Sentinels {
    /// How to introduce oneself to a Sentinel.
    pub(super) fn greeting(&self) -> RedisConnectionInfo {
        self.login.greeting().set_skip_set_lib_name()
    }
}

impl Login {
    fn greeting(&self) -> RedisConnectionInfo {
        let mut greeting = RedisConnectionInfo::default();
        if let Some(user) = &self.user {
            greeting = greeting.set_username(user);
        }
        if let Some(password) = &self.password {
            greeting = greeting.set_password(password.expose_secret());
        }
        greeting
    }
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Server(endpoint) => endpoint.fmt(f),
            Place::Sentinels(sentinels) => {
                write!(f, "{} of", sentinels.service)?;
                sentinels.endpoints.iter().try_for_each(|endpoint| write!(f, " {endpoint}"))
            }
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port, .. } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port, .. } => write!(f, "{host}:{port}"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisAddress")
            .field("place", &self.to_string())
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

impl TryFrom<&str> for RedisAddress {
    type Error = AddressError;

    fn try_from(url: &str) -> Result<Self, AddressError> {
        parse::url(url)
    }
}

impl From<AddressError> for RedisError {
    fn from(error: AddressError) -> Self {
        Self::from((ErrorKind::InvalidClientConfig, error.0))
    }
}

/// For callers that pass an address where a text would do too.
impl From<Infallible> for AddressError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
