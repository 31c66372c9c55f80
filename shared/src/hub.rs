//! The hub: what kanzleisync remembers in PostgreSQL. Base of what was last agreed (B2a) and audit (K10).

mod audit;
mod base;
pub mod calendar;
mod erasure;
mod looks;
mod operator;
mod overview;
mod requests;
mod rows;
mod server;
mod verify;

use std::time::Duration;

use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

pub use audit::{AuditEntry, AuditTarget, AuditView, OVERWRITTEN, OVERWRITTEN_BY_ADVOWARE, Occasion, Untold};
pub use base::{Agreed, Claim, Creation, Known};
pub use erasure::Kept;
pub use operator::{ActionView, OperatorAction};
pub use overview::{BeteiligteView, Counted, LastSuccess, Listed};
pub use requests::{Asked, Request, RequestAnswer, RequestView};
pub use server::HubServer;
pub use verify::{DivergentRecord, DueRecord};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Connections per process. A run holds one only while it reads or writes, so few serve many runs.
const MAX_CONNECTIONS: u32 = 8;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// The hub could not do it.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// PostgreSQL does not answer or refused: try again later.
    #[error("PostgreSQL: {0}; try again when it is back")]
    Database(#[from] DatabaseError),
    /// The tables are missing or older than the program.
    #[error("the database is not at this program's version: run `kanzleisync-producer migrate`")]
    NotMigrated,
    /// A migration failed.
    #[error("migration failed: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A stored row cannot be read; a person must look at it.
    #[error(
        "a row of the hub cannot be read ({0}); restore it from a backup or delete it: the next run starts without base"
    )]
    Unreadable(&'static str),
}

/// What PostgreSQL said, without the values that its messages may repeat (E2).
#[derive(Debug)]
pub struct DatabaseError {
    kind: String,
}

impl std::fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.kind)
    }
}

impl std::error::Error for DatabaseError {}

impl From<sqlx::Error> for HubError {
    fn from(error: sqlx::Error) -> Self {
        let kind = match &error {
            sqlx::Error::Database(refused) => match refused.code() {
                Some(code) => format!("refused with code {code}"),
                None => "refused".to_owned(),
            },
            sqlx::Error::Io(cause) => format!("connection failed ({})", cause.kind()),
            sqlx::Error::PoolTimedOut => format!("no connection within {} s", ACQUIRE_TIMEOUT.as_secs()),
            sqlx::Error::Tls(_) => "TLS failed".to_owned(),
            _ => "connection unusable".to_owned(),
        };
        Self::Database(DatabaseError { kind })
    }
}

/// The hub. Cheap to clone; clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct Hub {
    pool: PgPool,
}

impl Hub {
    /// A hub on that database. Connects when first used, so that a program can start before its database.
    pub fn new(options: PgConnectOptions) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options);
        Self { pool }
    }

    /// Brings the tables to this program's version. Forward only; safe to run by several programs at once.
    pub async fn migrate(&self) -> Result<(), HubError> {
        Ok(MIGRATIONS.run(&self.pool).await?)
    }

    /// Whether the database answers and is at this program's version.
    pub async fn check(&self) -> Result<(), HubError> {
        let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
        let table: Option<String> =
            sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations')::text").fetch_one(&self.pool).await?;
        if table.is_none() {
            return Err(HubError::NotMigrated);
        }
        let applied: Option<i64> =
            sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success").fetch_one(&self.pool).await?;
        if applied < Some(known) { Err(HubError::NotMigrated) } else { Ok(()) }
    }

    /// Ends all connections, so that the program can end.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
