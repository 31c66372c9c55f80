//! A Redis of one's own.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
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
use crate::{Error, Result};

const READY_WITHIN: Duration = Duration::from_secs(20);
const STOPPED_WITHIN: Duration = Duration::from_secs(10);
/// A foreign program may take the port between choosing and binding it.
const PORTS_TRIED: u32 = 5;

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
    launch: Launch,
    _folder: RunFolder,
}

impl PrivateRedis {
    /// Starts one and returns when it answers.
    pub async fn start() -> Result<Self> {
        let mut last = Error::new("no port tried");
        for _ in 0..PORTS_TRIED {
            let redis = Self::prepare()?;
            match redis.start_again().await {
                Ok(()) => return Ok(redis),
                Err(error) if redis.log().contains("Address already in use") => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn prepare() -> Result<Self> {
        let folder = RunFolder::create()?;
        let data = folder.subfolder("redis", None)?;
        let port = ReservedPort::reserve()?;
        let password = random_hex()?;
        write_config(&data.join("redis.conf"), &port, &password)?;
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
        Ok(Self { process: Mutex::new(None), port, password, launch, _folder: folder })
    }

    /// `redis://:password@127.0.0.1:port/` (database 0). Holds the password: not for logs.
    pub fn url(&self) -> String {
        self.url_of_database(0)
    }

    /// The same for another of Redis' numbered databases.
    pub fn url_of_database(&self, number: u8) -> String {
        format!("redis://:{}@{}/{number}", self.password, self.port.address())
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn password(&self) -> &str {
        &self.password
    }

    /// A new connection to database 0.
    pub async fn connection(&self) -> Result<MultiplexedConnection> {
        Ok(redis::Client::open(self.url())?.get_multiplexed_async_connection().await?)
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

/// The password goes into a file that only we can read: arguments are visible to every account of the machine.
fn write_config(path: &PathBuf, port: &ReservedPort, password: &str) -> Result<()> {
    let lines = format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {password}\ndaemonize no\n\
         appendonly yes\nappendfsync everysec\nsave \"\"\n"
    );
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(lines.as_bytes())?)
}
