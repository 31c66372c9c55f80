//! What the hub's PostgreSQL tells of itself: version of the tables, rights of our account, time.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use super::{Hub, HubError, MIGRATIONS};

/// Tables and what the programs do with them: `scripts/postgres-roles.sql` gives no more.
const NEEDED_RIGHTS: &str = "
    SELECT name || ' (' || string_agg(needed, ', ' ORDER BY needed) || ')' FROM (VALUES
        ('beteiligte', 'SELECT'), ('beteiligte', 'INSERT'), ('beteiligte', 'UPDATE'), ('beteiligte', 'DELETE'),
        ('sync_request', 'SELECT'), ('sync_request', 'INSERT'), ('sync_request', 'UPDATE'), ('sync_request', 'DELETE'),
        ('calendar_sync', 'SELECT'), ('calendar_sync', 'INSERT'), ('calendar_sync', 'UPDATE'), ('calendar_sync', 'DELETE'),
        ('calendar_employee', 'SELECT'), ('calendar_employee', 'INSERT'), ('calendar_employee', 'UPDATE'),
        ('sync_audit', 'SELECT'), ('sync_audit', 'INSERT'), ('sync_audit', 'DELETE'),
        ('calendar_sync_audit', 'SELECT'), ('calendar_sync_audit', 'INSERT'), ('calendar_sync_audit', 'DELETE')
    ) AS right_of (name, needed)
    WHERE to_regclass(name) IS NOT NULL AND NOT has_table_privilege(to_regclass(name)::oid, needed)
    GROUP BY name ORDER BY name";

/// A PostgreSQL server and the hub in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubServer {
    /// Its clock.
    pub time: DateTime<Utc>,
    /// Version of its tables; `None`: there are none.
    pub applied_version: Option<i64>,
    /// Version that this program was built for.
    pub known_version: i64,
    /// Tables that our account may not use as the programs do, each with what is missing.
    pub missing_rights: Vec<String>,
}

impl Hub {
    /// One attempt to connect, for who wants to know at once what is wrong: a hub itself waits and tries again.
    pub async fn try_connect(options: &PgConnectOptions) -> Result<(), HubError> {
        Ok(PgConnection::connect_with(options).await?.close().await?)
    }

    /// Asks PostgreSQL about itself and the hub. Changes nothing.
    pub async fn server(&self) -> Result<HubServer, HubError> {
        let time = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&self.pool).await?;
        let known_version = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
        let table: Option<String> =
            sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations')::text").fetch_one(&self.pool).await?;
        let applied_version = match table {
            None => None,
            Some(_) => {
                sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
                    .fetch_one(&self.pool)
                    .await?
            }
        };
        let missing_rights = sqlx::query_scalar(NEEDED_RIGHTS).fetch_all(&self.pool).await?;
        Ok(HubServer { time, applied_version, known_version, missing_rights })
    }
}
