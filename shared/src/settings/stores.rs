//! Where Redis and PostgreSQL are.

use std::fmt;
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;

use super::reader::{Reader, Unit};

/// Database of queue and token cache where neither variable nor URL names one.
const REDIS_DB: i64 = 1;

/// `REDIS_*`. The queue and Advoware's token may live in different databases of one server.
#[derive(Clone)]
pub struct RedisSettings {
    server: ConnectionInfo,
    queue_db: i64,
    cache_db: i64,
    /// `REDIS_TIMEOUT_SECONDS`: limit for connecting and for one answer.
    pub timeout: Duration,
}

impl RedisSettings {
    /// Connection to the database of the queue (`REDIS_DB_CALENDAR_SYNC`).
    pub fn queue(&self) -> ConnectionInfo {
        self.database(self.queue_db)
    }

    /// Connection to the database of Advoware's token (`REDIS_DB_ADVOWARE_CACHE`).
    pub fn advoware_cache(&self) -> ConnectionInfo {
        self.database(self.cache_db)
    }

    fn database(&self, db: i64) -> ConnectionInfo {
        let settings = self.server.redis_settings().clone().set_db(db);
        self.server.clone().set_redis_settings(settings)
    }
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings")
            .field("address", &self.server.addr().to_string())
            .field("queue_db", &self.queue_db)
            .field("cache_db", &self.cache_db)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
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
    let (server, url_db) = match r.secret("REDIS_URL") {
        Some(url) => {
            let read = read_redis_url(&url).map_err(|expected| r.problem("REDIS_URL", expected));
            read.map_or((None, None), |(server, db)| (Some(server), db))
        }
        None => (redis_from_parts(r), None),
    };
    let default_db = url_db.unwrap_or(REDIS_DB);
    // Redis has 16 databases unless configured otherwise; more are allowed here.
    let queue_db = r.number("REDIS_DB_CALENDAR_SYNC", default_db, 0..=1023);
    let cache_db = r.number("REDIS_DB_ADVOWARE_CACHE", default_db, 0..=1023);
    let timeout = r.duration("REDIS_TIMEOUT_SECONDS", Unit::Seconds, 5.0);
    Some(RedisSettings { server: server?, queue_db: queue_db?, cache_db: cache_db?, timeout: timeout? })
}

/// The connection, and the database if the URL names one.
fn read_redis_url(url: &SecretString) -> Result<(ConnectionInfo, Option<i64>), &'static str> {
    let text = url.expose_secret();
    let server = text.into_connection_info().map_err(|_| "expected redis://[:password@]host[:port][/db]")?;
    let names_db = match server.addr() {
        ConnectionAddr::Tcp(..) => {
            text.split_once("://").and_then(|(_, rest)| rest.split_once('/')).is_some_and(|(_, path)| !path.is_empty())
        }
        ConnectionAddr::Unix(_) => text.contains("db="),
        _ => return Err("expected redis:// or unix://, TLS to Redis is not built in"),
    };
    let db = names_db.then(|| server.redis_settings().db());
    Ok((server, db))
}

fn redis_from_parts(r: &mut Reader<'_>) -> Option<ConnectionInfo> {
    let host = r.text("REDIS_HOST", "localhost");
    let port = r.number("REDIS_PORT", 6379, 1..=u16::MAX);
    let mut settings = RedisConnectionInfo::default();
    if let Some(password) = r.secret("REDIS_PASSWORD") {
        settings = settings.set_password(password.expose_secret());
    }
    // Never an error for an address; the trait is fallible because it also reads texts.
    let server = ConnectionAddr::Tcp(host, port?).into_connection_info().ok()?;
    Some(server.set_redis_settings(settings))
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
