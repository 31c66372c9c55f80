//! Many worlds, one after the other or side by side, on one private Redis and one private PostgreSQL.
//!
//! Sweeps and random histories want a fresh world for every case, and starting two servers costs a second each time. Here a
//! world is a numbered database of Redis and a database of PostgreSQL, emptied before it is given out again.

use std::sync::{Arc, Mutex, PoisonError};

use shared::hub::Hub;
use simulator::SimulatorConfig;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::world::{World, install_crypto};
use crate::{Database, Error, PrivatePostgres, PrivateRedis, Result};

/// Redis numbers its databases from 0 to 15; 0 is left to whoever looks in by hand.
const REDIS_DATABASES: std::ops::RangeInclusive<u8> = 1..=15;

/// A Redis, a PostgreSQL, and the places for worlds in them.
pub struct Worlds {
    redis: Arc<PrivateRedis>,
    postgres: Arc<PrivatePostgres>,
    places: Arc<Places>,
}

/// What is free to be used.
struct Places {
    /// Made once, used before: to be emptied first.
    used: Mutex<Vec<(u8, Database)>>,
    /// Numbers that no world has had yet.
    unused: Mutex<Vec<u8>>,
}

/// Where one world keeps its jobs and its rows. Comes back to its [`Worlds`] when the world is dropped.
pub(crate) struct Place {
    redis_database: u8,
    database: Database,
    home: Option<Arc<Places>>,
}

impl Worlds {
    /// Both servers, with a migrated template.
    pub async fn start() -> Result<Self> {
        install_crypto();
        let (redis, postgres) = tokio::try_join!(PrivateRedis::start(), PrivatePostgres::start())?;
        postgres
            .prepare_template(async |url| {
                let hub = Hub::new(url.parse()?);
                hub.migrate().await.map_err(|error| Error::new(error.to_string()))?;
                hub.close().await;
                Ok(())
            })
            .await?;
        let unused = Mutex::new(REDIS_DATABASES.rev().collect());
        let places = Arc::new(Places { used: Mutex::default(), unused });
        Ok(Self { redis: Arc::new(redis), postgres: Arc::new(postgres), places })
    }

    /// An empty world, migrated. At most fifteen may live at once.
    pub async fn fresh(&self) -> Result<World> {
        self.fresh_with(SimulatorConfig::default()).await
    }

    pub async fn fresh_with(&self, config: SimulatorConfig) -> Result<World> {
        let place = self.place().await?;
        World::at(place, Arc::clone(&self.redis), Arc::clone(&self.postgres), config).await
    }

    async fn place(&self) -> Result<Place> {
        let used = self.places.used.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some((redis_database, database)) = used {
            tokio::try_join!(self.flush(redis_database), empty(&database))?;
            return Ok(Place { redis_database, database, home: Some(Arc::clone(&self.places)) });
        }
        let unused = self.places.unused.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let redis_database = unused.ok_or_else(|| Error::new("fifteen worlds at once are the most"))?;
        let database = self.postgres.create_database().await?;
        Ok(Place { redis_database, database, home: Some(Arc::clone(&self.places)) })
    }

    async fn flush(&self, redis_database: u8) -> Result<()> {
        let mut connection = self.redis.connection().await?;
        let mut both = redis::pipe();
        both.cmd("SELECT").arg(redis_database).ignore().cmd("FLUSHDB").ignore();
        Ok(both.query_async(&mut connection).await?)
    }
}

/// Removes every row. Whoever is still connected, a worker that was aborted for one, is thrown out before.
async fn empty(database: &Database) -> Result<()> {
    let mut connection = PgConnection::connect(&database.url).await?;
    let others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    connection.execute(others).await?;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations'",
    )
    .fetch_all(&mut connection)
    .await?;
    // TRUNCATE would make new files for each table; there are few rows.
    let statements: Vec<String> = tables.iter().map(|table| format!("DELETE FROM {table}")).collect();
    connection.execute(AssertSqlSafe(statements.join("; "))).await?;
    Ok(connection.close().await?)
}

impl Place {
    /// For a world that has servers to itself.
    pub(crate) fn of_its_own(redis_database: u8, database: Database) -> Self {
        Self { redis_database, database, home: None }
    }

    pub(crate) fn redis_database(&self) -> u8 {
        self.redis_database
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            let mut used = home.used.lock().unwrap_or_else(PoisonError::into_inner);
            used.push((self.redis_database, self.database.clone()));
        }
    }
}
