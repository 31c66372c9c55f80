//! A Redis of one's own.

pub(crate) mod config;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use rustix::process::Signal;

use crate::folder::RunFolder;
use crate::installed::{random_hex, redis_server};
use crate::port::ReservedPort;
use crate::process::{EndSignal, Launch, Process, ProcessId};
use crate::wait::eventually;
use crate::{Certificates, Error, Result};

const READY_WITHIN: Duration = Duration::from_secs(20);
const STOPPED_WITHIN: Duration = Duration::from_secs(10);
/// A foreign program may take the port between choosing and binding it.
const PORTS_TRIED: u32 = 5;

/// What one Redis has beyond the usual.
#[derive(Debug, Clone, Copy, Default)]
pub struct RedisOptions<'a> {
    /// Its port speaks TLS, and nothing else.
    pub tls: Option<&'a Certificates>,
    /// It starts as a replica of this one, and has its password.
    pub replica_of: Option<&'a PrivateRedis>,
}

/// A private Redis on 127.0.0.1 with a password, durable as in production (append-only file, synced every second).
///
/// It keeps its port, its password and its data through [`stop`](Self::stop), [`kill`](Self::kill) and
/// [`start_again`](Self::start_again); dropping it ends it and removes the data.
#[derive(Debug)]
pub struct PrivateRedis {
    // Declared, and so dropped, before its folder.
    process: Mutex<Option<Process>>,
    port: ReservedPort,
    password: String,
    tls: bool,
    launch: Launch,
    _folder: RunFolder,
}

impl PrivateRedis {
    /// Starts one and returns when it answers.
    pub async fn start() -> Result<Self> {
        Self::start_with(RedisOptions::default()).await
    }

    /// The same with something special about it.
    pub async fn start_with(options: RedisOptions<'_>) -> Result<Self> {
        let mut last = Error::new("no port tried");
        for _ in 0..PORTS_TRIED {
            let redis = Self::prepare(options)?;
            match redis.start_again().await {
                Ok(()) => return Ok(redis),
                Err(error) if redis.log().contains("Address already in use") => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn prepare(options: RedisOptions<'_>) -> Result<Self> {
        let folder = RunFolder::create()?;
        let data = folder.subfolder("redis", None)?;
        let port = ReservedPort::reserve()?;
        let password = options.replica_of.map_or_else(random_hex, |master| Ok(master.password.clone()))?;
        config::write_private(&data.join("redis.conf"), &config::of_redis(&port, &password, options))?;
        let launch = Launch {
            program: redis_server()?,
            args: vec!["redis.conf".into()],
            env: BTreeMap::from([("LC_ALL".into(), "C.UTF-8".into())]),
            stdout: data.join("log"),
            stderr: data.join("log"),
            folder: data,
            account: None,
            end_signal: EndSignal::Kill,
        };
        Ok(Self { process: Mutex::new(None), port, password, tls: options.tls.is_some(), launch, _folder: folder })
    }

    /// `redis://:password@127.0.0.1:port/` (database 0). Holds the password: not for logs.
    pub fn url(&self) -> String {
        self.url_of_database(0)
    }

    /// The same for another of Redis' numbered databases.
    pub fn url_of_database(&self, number: u8) -> String {
        let scheme = if self.tls { "rediss" } else { "redis" };
        format!("{scheme}://:{}@{}/{number}", self.password, self.port.address())
    }

    /// Its unix socket.
    pub fn socket(&self) -> PathBuf {
        self.launch.folder.join("redis.sock")
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn password(&self) -> &str {
        &self.password
    }

    /// A new connection to database 0. By the socket, which is there whatever the port speaks.
    pub async fn connection(&self) -> Result<MultiplexedConnection> {
        let url = format!("redis+unix://{}?pass={}", self.socket().display(), self.password);
        Ok(redis::Client::open(url)?.get_multiplexed_async_connection().await?)
    }

    /// `None` while it is stopped.
    pub fn pid(&self) -> Option<ProcessId> {
        self.process().as_ref().map(Process::id)
    }

    /// Starts a stopped one on its old port with its old data, and returns when it answers.
    pub async fn start_again(&self) -> Result<()> {
        if self.pid().is_some() {
            return Err(Error::new("Redis runs already"));
        }
        *self.process() = Some(Process::start(&self.launch)?);
        let ready = eventually(READY_WITHIN, "private Redis answers", async || self.is_ready().await).await;
        match ready? {
            Ok(()) => Ok(()),
            Err(error) => {
                *self.process() = None;
                Err(error)
            }
        }
    }

    /// The outer result is "not yet", the inner one final: it answers, or it has ended.
    async fn is_ready(&self) -> Result<Result<()>> {
        let exit = self.process().as_ref().and_then(Process::exit_status);
        if let Some(status) = exit {
            return Ok(Err(Error::new(format!("Redis ended at once: {status}\n{}", self.log()))));
        }
        redis::cmd("PING").query_async::<()>(&mut self.connection().await?).await?;
        Ok(Ok(()))
    }

    /// An orderly stop: what was accepted is on disk.
    pub async fn stop(&self) -> Result<()> {
        let process = self.take()?;
        process.signal(Signal::TERM)?;
        process.ended(STOPPED_WITHIN).await.map(drop)
    }

    /// `kill -9`; returns when it is gone.
    pub async fn kill(&self) -> Result<()> {
        let process = self.take()?;
        process.signal(Signal::KILL)?;
        process.ended(STOPPED_WITHIN).await.map(drop)
    }

    /// [`stop`](Self::stop) and [`start_again`](Self::start_again).
    pub async fn restart(&self) -> Result<()> {
        self.stop().await?;
        self.start_again().await
    }

    /// Freezes it: connections stay open, nothing is answered.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.launch.stdout).unwrap_or_default()
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        self.process().as_ref().ok_or_else(not_running)?.signal(signal)
    }

    fn take(&self) -> Result<Process> {
        self.process().take().ok_or_else(not_running)
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_running() -> Error {
    Error::new("Redis does not run")
}
