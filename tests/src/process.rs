//! Child processes that never outlive this one.
//!
//! Two things end them. Dropping [`Process`] does, which covers returning, errors and panics. And the kernel does when
//! this process is gone without having run any of its code (Ctrl-C, `kill -9`): each child asks for a parent-death
//! signal, through `setpriv`, because asking from here would need `unsafe`.
//!
//! The kernel sends that signal when the *thread* that made the child ends, not the process. A test's thread ends long
//! before its servers should, so all children are made by one thread that lives as long as the process.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::installed::{Account, setpriv};
use crate::{Error, Result};

/// Run in place of the program: if the parent is already gone, its death can no longer be signalled, so do not start.
const UNLESS_ORPHANED: &str = r#"test "$PPID" = "$0" || exit 125; exec "$@""#;
const CHILD_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What is to be started, and how.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    /// Nothing is inherited from this process: what a developer has exported must not change a test.
    pub(crate) env: BTreeMap<String, String>,
    /// Working folder; `account` must be able to enter it.
    pub(crate) folder: PathBuf,
    pub(crate) account: Option<Account>,
    /// Sent by the kernel when this process is gone, and first on drop. KILL, unless the program has children of its
    /// own that it must take along.
    pub(crate) end_signal: EndSignal,
    pub(crate) stdout: PathBuf,
    pub(crate) stderr: PathBuf,
}

/// How a process is ended when nobody cares any more for what it was doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndSignal {
    Kill,
    /// PostgreSQL's immediate shutdown: ends its children and frees its shared memory, which KILL would leave.
    Quit,
}

impl EndSignal {
    fn name(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::Quit => "QUIT",
        }
    }
}

/// A running child process; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Process {
    pid: Pid,
    end_signal: EndSignal,
    ending: Arc<Ending>,
    exit: watch::Receiver<Option<ExitStatus>>,
    reaper: Option<JoinHandle<()>>,
}

/// The exit status once there is one. Its lock is also held while a signal is sent, so that none can reach a stranger
/// that was given the same process id.
#[derive(Debug, Default)]
struct Ending {
    status: Mutex<Option<ExitStatus>>,
    ended: Condvar,
}

impl Ending {
    fn lock(&self) -> MutexGuard<'_, Option<ExitStatus>> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Process {
    pub(crate) fn start(launch: &Launch) -> Result<Self> {
        let name = launch.program.display();
        let child =
            spawn(command(launch)?).map_err(|error| Error::from(error).while_doing(&format!("start {name}")))?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| Error::new("no process id"))?;
        let ending = Arc::new(Ending::default());
        let (report, exit) = watch::channel(None);
        let reaper = thread::Builder::new().name("harness-reaper".into()).spawn({
            let ending = Arc::clone(&ending);
            move || reap(child, pid, &ending, &report)
        })?;
        Ok(Self { pid, end_signal: launch.end_signal, ending, exit, reaper: Some(reaper) })
    }

    pub(crate) fn id(&self) -> ProcessId {
        ProcessId(self.pid.as_raw_nonzero().get().unsigned_abs())
    }

    /// Sends a signal; an error says that the process has ended already.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let status = self.ending.lock();
        match *status {
            None => Ok(kill_process(self.pid, signal)?),
            Some(status) => Err(Error::new(format!("process {} has ended: {status}", self.id()))),
        }
    }

    pub(crate) fn exit_status(&self) -> Option<ExitStatus> {
        *self.ending.lock()
    }

    /// The exit status as soon as there is one, at most `within` from now.
    pub(crate) async fn ended(&self, within: Duration) -> Result<ExitStatus> {
        let mut exit = self.exit.clone();
        let ended = timeout(within, exit.wait_for(Option::is_some)).await;
        let status = ended.ok().and_then(|answer| answer.ok().and_then(|status| *status));
        status.ok_or_else(|| Error::new(format!("process {} still runs after {within:?}", self.id())))
    }

    fn ended_blocking(&self, within: Duration) -> bool {
        let status = self.ending.lock();
        let waited = self.ending.ended.wait_timeout_while(status, within, |status| status.is_none());
        waited.is_ok_and(|(status, _)| status.is_some())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        /// PostgreSQL itself kills children that do not follow within 5 s.
        const QUIT_LIMIT: Duration = Duration::from_secs(6);
        if self.end_signal == EndSignal::Quit {
            let _ = self.signal(Signal::QUIT);
            // A stopped process would not notice.
            let _ = self.signal(Signal::CONT);
            self.ended_blocking(QUIT_LIMIT);
        }
        let _ = self.signal(Signal::KILL);
        if let Some(reaper) = self.reaper.take() {
            let _ = reaper.join();
        }
    }
}

fn command(launch: &Launch) -> Result<Command> {
    let mut command = Command::new(setpriv()?);
    command.args(["--pdeathsig", launch.end_signal.name()]);
    if let Some(account) = &launch.account {
        let (uid, gid) = (account.uid, account.gid);
        command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--init-groups".into()]);
    }
    command.args(["--", "/bin/sh", "-c", UNLESS_ORPHANED, &std::process::id().to_string()]);
    command.arg(&launch.program).args(&launch.args);
    command.env_clear().env("PATH", CHILD_PATH).envs(&launch.env).current_dir(&launch.folder);
    // Its own group: Ctrl-C is for this process, which then ends its children in an order of its own.
    command.process_group(0).stdin(Stdio::null());
    command.stdout(append(&launch.stdout)?).stderr(append(&launch.stderr)?);
    Ok(command)
}

fn append(path: &Path) -> Result<File> {
    Ok(File::options().create(true).append(true).open(path)?)
}

struct Order {
    command: Command,
    answer: mpsc::Sender<io::Result<Child>>,
}

/// Starts a process from the launcher thread (see the module's head).
fn spawn(command: Command) -> io::Result<Child> {
    static LAUNCHER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let gone = || io::Error::other("the launcher thread is gone");
    let launcher = LAUNCHER.get_or_init(|| {
        let (orders, incoming) = mpsc::channel::<Order>();
        // If there is no thread to be had, the channel closes and every start says so.
        let _ = thread::Builder::new().name("harness-launcher".into()).spawn(move || {
            for mut order in incoming {
                let _ = order.answer.send(order.command.spawn());
            }
        });
        orders
    });
    let (answer, child) = mpsc::channel();
    launcher.send(Order { command, answer }).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

fn reap(mut child: Child, pid: Pid, ending: &Ending, report: &watch::Sender<Option<ExitStatus>>) {
    // Only looks; the process id stays taken until `wait` below, which happens under the lock.
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while waitid(WaitId::Pid(pid), look).is_err_and(|error| error == Errno::INTR) {}
    let mut status = ending.lock();
    *status = child.wait().ok();
    report.send_replace(*status);
    ending.ended.notify_all();
}

/// A process by its number: of a server, a program, or of one of their children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u32);

impl std::fmt::Display for ProcessId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ProcessId {
    /// Whether it still runs. One that ended and only waits for its parent to notice does not.
    pub fn is_alive(self) -> bool {
        self.status_field("State:").is_some_and(|state| !state.starts_with(['Z', 'X']))
    }

    /// Its direct children.
    pub fn children(self) -> Vec<Self> {
        let me = self.to_string();
        let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
        ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Self))
            .filter(|id| id.status_field("PPid:").as_deref() == Some(&me))
            .collect()
    }

    /// Memory held now, in KiB.
    pub fn resident_kib(self) -> Option<u64> {
        self.kib("VmRSS:")
    }

    /// The most memory ever held, in KiB.
    pub fn peak_resident_kib(self) -> Option<u64> {
        self.kib("VmHWM:")
    }

    fn kib(self, field: &str) -> Option<u64> {
        self.status_field(field)?.split_whitespace().next()?.parse().ok()
    }

    fn status_field(self, field: &str) -> Option<String> {
        let status = fs::read_to_string(format!("/proc/{self}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix(field)).map(|value| value.trim().to_owned())
    }
}
