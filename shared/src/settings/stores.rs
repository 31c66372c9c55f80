//! Where Redis and PostgreSQL are.

use std::fmt;
use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::postgres::PgConnectOptions;

use super::reader::{Reader, Unit};
use crate::link::RedisAddress;

/// Database of queue and token cache where neither variable nor URL names one.
const REDIS_DB: i64 = 1;

/// `REDIS_*`. The queue and Advoware's token may live in different databases of one server.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    address: RedisAddress,
    queue_db: i64,
    cache_db: i64,
    /// `REDIS_TIMEOUT_SECONDS`: limit for connecting and for one answer, of the token cache. The queue has its own.
    pub timeout: Duration,
}

impl RedisSettings {
    /// The database of the queue (`REDIS_DB_CALENDAR_SYNC`).
    pub fn queue(&self) -> RedisAddress {
        self.address.clone().with_database(self.queue_db)
    }

    /// The database of Advoware's token (`REDIS_DB_ADVOWARE_CACHE`).
    pub fn advoware_cache(&self) -> RedisAddress {
        self.address.clone().with_database(self.cache_db)
    }
}

/// `POSTGRES_*`
#[derive(Clone)]
pub struct PostgresSettings(PgConnectOptions);

impl PostgresSettings {
    /// How to connect.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.0.clone()
    }
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSettings")
            .field("host", &self.0.get_host())
            .field("port", &self.0.get_port())
            .field("database", &self.0.get_database())
            .finish_non_exhaustive()
    }
}

pub(super) fn redis(r: &mut Reader<'_>) -> Option<RedisSettings> {
    let address = match r.secret("REDIS_URL") {
        Some(url) => {
            let read = RedisAddress::try_from(url.expose_secret());
            read.map_err(|expected| r.problem("REDIS_URL", expected)).ok()
        }
        None => redis_from_parts(r),
    };
    let default_db = address.as_ref().and_then(RedisAddress::database).unwrap_or(REDIS_DB);
    // Redis has 16 databases unless configured otherwise; more are allowed here.
    let queue_db = r.number("REDIS_DB_CALENDAR_SYNC", default_db, 0..=1023);
    let cache_db = r.number("REDIS_DB_ADVOWARE_CACHE", default_db, 0..=1023);
    let timeout = r.duration("REDIS_TIMEOUT_SECONDS", Unit::Seconds, 5.0);
    Some(RedisSettings { address: address?, queue_db: queue_db?, cache_db: cache_db?, timeout: timeout? })
}

fn redis_from_parts(r: &mut Reader<'_>) -> Option<RedisAddress> {
    let host = r.text("REDIS_HOST", "localhost");
    let port = r.number("REDIS_PORT", 6379, 1..=u16::MAX);
    let password = r.secret("REDIS_PASSWORD");
    Some(RedisAddress::tcp(host, port?, password))
}

pub(super) fn postgres(r: &mut Reader<'_>) -> Option<PostgresSettings> {
    let Some(url) = r.secret("DATABASE_URL") else { return postgres_from_parts(r) };
    let text = url.expose_secret();
    let usable = text.starts_with("postgres://") || text.starts_with("postgresql://");
    match text.parse() {
        Ok(options) if usable => Some(PostgresSettings(options)),
        _ => {
            r.problem("DATABASE_URL", "expected postgres://user:password@host:port/database");
            None
        }
    }
}

fn postgres_from_parts(r: &mut Reader<'_>) -> Option<PostgresSettings> {
    let host = r.text("POSTGRES_HOST", "localhost");
    let port = r.number("POSTGRES_PORT", 5432, 1..=u16::MAX);
    let user = r.text("POSTGRES_USER", "calendar_sync_user");
    let password = r.secret("POSTGRES_PASSWORD");
    let database = r.text("POSTGRES_DB_NAME", "calendar_sync_db");
    let mut options = PgConnectOptions::new_without_pgpass().port(port?).username(&user).database(&database);
    // A host that is a path names the folder of the socket, as everywhere in PostgreSQL.
    options = if host.starts_with('/') { options.socket(&host) } else { options.host(&host) };
    if let Some(password) = password {
        options = options.password(password.expose_secret());
    }
    Some(PostgresSettings(options))
}
