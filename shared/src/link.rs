//! The connection to Redis, patience with it, and the calling of Lua scripts.
//!
//! One mechanism for a single server and for Sentinels: whenever a connection is needed and there is none, it is opened
//! anew, which with Sentinels begins with the question who is the master. One attempt at a time; whoever waited for it
//! shares its result.

mod address;
mod commands;
#[cfg(test)]
pub(crate) mod private_redis;
pub(crate) mod script;
mod sentinel;
mod stream;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, ErrorKind, RedisError};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

pub use address::{AddressError, RedisAddress};
use address::{Endpoint, Place};
pub(crate) use commands::Commands;
use script::passes;

/// Between two looks whether Redis is back: work goes on within 2 s of it (J4).
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// A failed attempt to connect stands for those who ask this soon after it.
const ATTEMPT_INTERVAL: Duration = Duration::from_millis(100);
/// While an answer is overdue, the Sentinels are asked this often whether its server has been replaced.
const ASK_INTERVAL: Duration = Duration::from_millis(500);

/// How long a link waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// For a connection, log-in included; and before that, with Sentinels, for the name of the master.
    pub(crate) connect: Duration,
    /// For one answer.
    pub(crate) answer: Duration,
}

impl Default for Limits {
    /// Redis stalls for seconds while it saves or its machine is busy; the crate's half a second ended workers (QUEUE 3,
    /// defect 6).
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), answer: Duration::from_secs(10) }
    }
}

/// A shared connection for commands, and the means to open one that listens. Clones share the connection.
#[derive(Clone)]
pub(crate) struct Link(Arc<Inner>);

struct Inner {
    address: RedisAddress,
    limits: Limits,
    slot: Mutex<Slot>,
}

/// The connection, if one was opened, and how the last attempt to open one failed. Locked while one is being opened.
#[derive(Default)]
struct Slot {
    open: Option<Arc<Open>>,
    failed: Option<(Instant, RedisError)>,
}

/// An open connection. Ends with its last user, and then at once: nobody waits for what is still to be answered.
struct Open {
    connection: MultiplexedConnection,
    driver: AbortOnDropHandle<()>,
    endpoint: Endpoint,
    left: AtomicBool,
    /// Held by the one command that asks the Sentinels for all.
    asking: Mutex<()>,
}

impl Link {
    /// Connects; fails if Redis does not answer within some seconds.
    pub(crate) async fn connect(
        redis: impl TryInto<RedisAddress, Error: Into<AddressError>>,
    ) -> Result<Self, RedisError> {
        let address = redis.try_into().map_err(Into::into)?;
        Self::connect_within(Limits::default(), address).await
    }

    /// As [`Self::connect`], with limits of one's own.
    pub(crate) async fn connect_within(limits: Limits, address: RedisAddress) -> Result<Self, RedisError> {
        let link = Self(Arc::new(Inner { address, limits, slot: Mutex::default() }));
        link.open().await?;
        Ok(link)
    }

    pub(crate) fn commands(&self) -> Commands {
        Commands(self.clone())
    }

    /// A connection of its own to subscribe on. It does not heal: when its messages end, ask for a new one.
    pub(crate) async fn listen(&self) -> Result<PubSub, RedisError> {
        let endpoint = self.endpoint().await?;
        within(self.0.limits.connect, async {
            PubSub::new(&self.address().greeting(), stream::open(&endpoint).await?).await
        })
        .await
    }

    /// The next command opens a connection of its own; those under way on the present one may still be answered.
    pub(crate) async fn leave_connection(&self) {
        if let Some(open) = &self.0.slot.lock().await.open {
            open.leave();
        }
    }

    /// Returns when Redis answers again, or with its error at `give_up`.
    pub(crate) async fn wait_until_back(&self, give_up: Instant) -> Result<(), RedisError> {
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let answer: redis::RedisResult<()> = redis::cmd("PING").query_async(&mut self.commands()).await;
            match answer {
                Ok(()) => return Ok(()),
                Err(error) if !passes(&error) || Instant::now() >= give_up => return Err(error),
                Err(_) => {}
            }
        }
    }

    fn address(&self) -> &RedisAddress {
        &self.0.address
    }

    /// The connection to use now; opens one if there is none.
    async fn open(&self) -> Result<Arc<Open>, RedisError> {
        let asked = Instant::now();
        let mut slot = self.0.slot.lock().await;
        if let Some(open) = slot.open.as_ref().filter(|open| open.is_usable()) {
            return Ok(Arc::clone(open));
        }
        slot.open = None;
        if let Some((at, error)) = &slot.failed
            && (*at >= asked || at.elapsed() < ATTEMPT_INTERVAL)
        {
            return Err(error.clone());
        }
        match self.attempt().await {
            Ok(open) => {
                let open = Arc::new(open);
                *slot = Slot { open: Some(Arc::clone(&open)), failed: None };
                Ok(open)
            }
            Err(error) => {
                slot.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn attempt(&self) -> Result<Open, RedisError> {
        let endpoint = self.endpoint().await?;
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(self.0.limits.answer));
        let opened = within(self.0.limits.connect, async {
            let stream = stream::open(&endpoint).await?;
            let (mut connection, driver) =
                MultiplexedConnection::new_with_config(&self.address().greeting(), stream, config).await?;
            let driver = AbortOnDropHandle::new(tokio::spawn(driver));
            if matches!(self.address().place, Place::Sentinels(_)) {
                sentinel::expect_master(&mut connection).await?;
            }
            Ok((connection, driver))
        });
        let (connection, driver) = opened.await.map_err(plainly)?;
        Ok(Open { connection, driver, endpoint, left: AtomicBool::new(false), asking: Mutex::default() })
    }

    /// Waits until the Sentinels name another server than that of `open`; for ever where there are none. To be dropped when
    /// the answer is there.
    async fn replaced(&self, open: &Open) {
        let Place::Sentinels(sentinels) = &self.address().place else { return std::future::pending().await };
        tokio::time::sleep(ASK_INTERVAL).await;
        let _asking = open.asking.lock().await;
        loop {
            let named = sentinel::master(sentinels, self.0.limits.connect).await;
            if named.is_ok_and(|named| named != open.endpoint) {
                return;
            }
            tokio::time::sleep(ASK_INTERVAL).await;
        }
    }

    /// Where to connect to now.
    async fn endpoint(&self) -> Result<Endpoint, RedisError> {
        match &self.address().place {
            Place::Server(endpoint) => Ok(endpoint.clone()),
            Place::Sentinels(sentinels) => sentinel::master(sentinels, self.0.limits.connect).await,
        }
    }
}

impl Open {
    fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }

    /// No further command takes this connection; those under way may still be answered.
    fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    /// As [`Self::leave`], and those under way fail at once: nobody will answer them.
    fn cut(&self) {
        self.leave();
        self.driver.abort();
    }

    fn is_usable(&self) -> bool {
        !self.left.load(Ordering::Relaxed) && !self.driver.is_finished()
    }
}

/// The crate speaks of the password only, where the user may be the wrong one.
fn plainly(error: RedisError) -> RedisError {
    match error.kind() {
        ErrorKind::AuthenticationFailed => {
            (ErrorKind::AuthenticationFailed, "Redis refuses this user or password").into()
        }
        _ => error,
    }
}

async fn within<T>(limit: Duration, opening: impl Future<Output = Result<T, RedisError>>) -> Result<T, RedisError> {
    match tokio::time::timeout(limit, opening).await {
        Ok(result) => result,
        Err(_) => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "no connection within the limit").into()),
    }
}
