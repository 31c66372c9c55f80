//! A PostgreSQL of one's own.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::folder::RunFolder;
use crate::installed::{Account, postgres_account, postgres_folder, random_hex};
use crate::port::ReservedPort;
use crate::process::{EndSignal, Launch, Process, ProcessId};
use crate::wait::eventually;
use crate::{Error, Result};

const READY_WITHIN: Duration = Duration::from_secs(30);
const STOPPED_WITHIN: Duration = Duration::from_secs(15);
/// A foreign program may take the port between choosing and binding it.
const PORTS_TRIED: u32 = 5;
const USER: &str = "kanzleisync";
/// Database that the others are copied from, once [`PrivatePostgres::prepare_template`] has filled it.
const TEMPLATE: &str = "kanzleisync_template";

/// Nothing here has to survive a power cut, and everything should be fast. No Unix socket (its path may be too long
/// for one), and no shared memory outside the folder that a killed server would leave.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "dynamic_shared_memory_type=mmap",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "shared_buffers=32MB",
    "jit=off",
];

/// A private PostgreSQL on 127.0.0.1 with a password, run as the account `postgres` when we are root.
///
/// It keeps its port and its data through [`stop`](Self::stop), [`kill`](Self::kill) and
/// [`start_again`](Self::start_again); dropping it ends it with all its children and removes the data.
#[derive(Debug)]
pub struct PrivatePostgres {
    // Declared, and so dropped, before its folder.
    process: Mutex<Option<Process>>,
    port: ReservedPort,
    password: String,
    launch: Launch,
    databases_made: AtomicU32,
    template: Mutex<&'static str>,
    _folder: RunFolder,
}

/// A database of one's own on a [`PrivatePostgres`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    pub name: String,
    /// `postgres://...`; holds the password: not for logs.
    pub url: String,
}

impl PrivatePostgres {
    /// Makes and starts one, and returns when it answers (about 1 s).
    pub async fn start() -> Result<Self> {
        let mut last = Error::new("no port tried");
        for _ in 0..PORTS_TRIED {
            let postgres = Self::prepare().await?;
            match postgres.start_again().await {
                Ok(()) => return Ok(postgres),
                Err(error) if postgres.log().contains("Address already in use") => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    async fn prepare() -> Result<Self> {
        let programs = postgres_folder()?;
        let account = postgres_account()?;
        let folder = RunFolder::create()?;
        let home = folder.subfolder("postgres", account.as_ref())?;
        let port = ReservedPort::reserve()?;
        let password = random_hex()?;
        let launch = Launch {
            program: programs.join("initdb"),
            args: Vec::new(),
            env: BTreeMap::from([("LC_ALL".into(), "C.UTF-8".into()), ("TZ".into(), "UTC".into())]),
            stdout: home.join("log"),
            stderr: home.join("log"),
            folder: home.clone(),
            account,
            end_signal: EndSignal::Kill,
        };
        make_cluster(&launch, &home, &password).await?;
        let launch = Launch {
            program: programs.join("postgres"),
            args: server_arguments(&port),
            end_signal: EndSignal::Quit,
            ..launch
        };
        Ok(Self {
            process: Mutex::new(None),
            port,
            password,
            launch,
            databases_made: AtomicU32::new(0),
            template: Mutex::new("template1"),
            _folder: folder,
        })
    }

    /// Where a database of this name is reached.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{}@{}/{database}", self.password, self.port.address())
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn user(&self) -> &'static str {
        USER
    }

    pub fn password(&self) -> &str {
        &self.password
    }

    /// Fills the database that [`create_database`](Self::create_database) copies from now on, usually with the tables.
    ///
    /// `fill` is given its address and must have closed its connections when it returns: PostgreSQL copies no database
    /// that is in use.
    pub async fn prepare_template(&self, fill: impl AsyncFnOnce(String) -> Result<()>) -> Result<()> {
        self.make_database(TEMPLATE, "template1").await?;
        fill(self.url(TEMPLATE)).await.map_err(|error| error.while_doing("fill the template database"))?;
        *self.template.lock().unwrap_or_else(PoisonError::into_inner) = TEMPLATE;
        Ok(())
    }

    /// A new database, a copy of the template; empty if none was prepared.
    pub async fn create_database(&self) -> Result<Database> {
        let number = self.databases_made.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("kanzleisync_{number}");
        let template = *self.template.lock().unwrap_or_else(PoisonError::into_inner);
        self.make_database(&name, template).await?;
        Ok(Database { url: self.url(&name), name })
    }

    async fn make_database(&self, name: &str, template: &str) -> Result<()> {
        let mut connection = PgConnection::connect(&self.url("postgres")).await?;
        let statement = format!(r#"CREATE DATABASE "{name}" TEMPLATE "{template}""#);
        connection.execute(AssertSqlSafe(statement)).await?;
        Ok(connection.close().await?)
    }

    /// The main process, whose children serve the connections; `None` while it is stopped.
    pub fn pid(&self) -> Option<ProcessId> {
        self.process().as_ref().map(Process::id)
    }

    /// Starts a stopped one on its old port with its old data, and returns when it answers.
    pub async fn start_again(&self) -> Result<()> {
        if self.pid().is_some() {
            return Err(Error::new("PostgreSQL runs already"));
        }
        *self.process() = Some(Process::start(&self.launch)?);
        let ready = eventually(READY_WITHIN, "private PostgreSQL answers", async || self.is_ready().await).await;
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
            return Ok(Err(Error::new(format!("PostgreSQL ended at once: {status}\n{}", self.log()))));
        }
        let mut connection = PgConnection::connect(&self.url("postgres")).await?;
        connection.ping().await?;
        connection.close().await?;
        Ok(Ok(()))
    }

    /// A fast shutdown: open transactions are rolled back, connections are closed.
    pub async fn stop(&self) -> Result<()> {
        let process = self.take()?;
        process.signal(Signal::INT)?;
        process.ended(STOPPED_WITHIN).await.map(drop)
    }

    /// `kill -9` of the main process; returns when its children, which notice it, are gone as well.
    pub async fn kill(&self) -> Result<()> {
        let process = self.take()?;
        let children = process.id().children();
        process.signal(Signal::KILL)?;
        process.ended(STOPPED_WITHIN).await?;
        let all_gone = async || !children.iter().any(|child| child.is_alive());
        eventually(STOPPED_WITHIN, "PostgreSQL's children are gone", all_gone).await
    }

    /// [`stop`](Self::stop) and [`start_again`](Self::start_again).
    pub async fn restart(&self) -> Result<()> {
        self.stop().await?;
        self.start_again().await
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.launch.stderr).unwrap_or_default()
    }

    fn take(&self) -> Result<Process> {
        self.process().take().ok_or_else(|| Error::new("PostgreSQL does not run"))
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn server_arguments(port: &ReservedPort) -> Vec<String> {
    let settings = SETTINGS.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]);
    ["-D".into(), "data".into(), "-p".into(), port.to_string()].into_iter().chain(settings).collect()
}

/// Runs `initdb` in `home`, with the password from a file: arguments are visible to every account of the machine.
async fn make_cluster(launch: &Launch, home: &Path, password: &str) -> Result<()> {
    const FINISHED_WITHIN: Duration = Duration::from_mins(1);
    let password_file = home.join("password");
    write_for(launch.account.as_ref(), &password_file, password)?;
    let mut launch = launch.clone();
    launch.args = ["-D", "data", "-U", USER, "--pwfile=password", "--auth=scram-sha-256"]
        .into_iter()
        .chain(["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"])
        .map(str::to_owned)
        .collect();
    let status = Process::start(&launch)?.ended(FINISHED_WITHIN).await?;
    fs::remove_file(&password_file)?;
    if status.success() {
        return Ok(());
    }
    let log = fs::read_to_string(&launch.stderr).unwrap_or_default();
    Err(Error::new(format!("initdb failed: {status}\n{log}")))
}

fn write_for(account: Option<&Account>, path: &PathBuf, text: &str) -> Result<()> {
    fs::write(path, text)?;
    if let Some(account) = account {
        chown(path, Some(account.uid), Some(account.gid))?;
    }
    Ok(())
}
