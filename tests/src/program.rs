//! Programs of ours, run as their users run them: as processes of their own, set up by their environment.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;

use crate::folder::RunFolder;
use crate::installed::built_binary;
use crate::process::{EndSignal, Launch, Process, ProcessId};
use crate::wait::eventually;
use crate::{Error, Result};

/// What to run. Can be started any number of times; nothing of this process' environment is passed on.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    args: Vec<String>,
    env: BTreeMap<String, String>,
}

#[allow(clippy::needless_pass_by_value, reason = "settings are written down as literals: no `&` before each")]
impl Program {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        // Reading local time or the user's language from the machine would make runs differ.
        let env = BTreeMap::from([("LC_ALL".to_owned(), "C.UTF-8".to_owned()), ("TZ".to_owned(), "UTC".to_owned())]);
        Self { path: path.into(), args: Vec::new(), env }
    }

    /// One of this workspace's binaries by its name.
    pub fn built(name: &str) -> Result<Self> {
        Ok(Self::new(built_binary(name)?))
    }

    #[must_use]
    pub fn arg(mut self, arg: impl ToString) -> Self {
        self.args.push(arg.to_string());
        self
    }

    #[must_use]
    pub fn args<T: ToString>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.to_string()));
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.env.insert(name.to_owned(), value.to_string());
        self
    }

    #[must_use]
    pub fn envs<V: ToString>(self, settings: impl IntoIterator<Item = (&'static str, V)>) -> Self {
        settings.into_iter().fold(self, |program, (name, value)| program.env(name, value))
    }

    #[must_use]
    pub fn without_env(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    /// Starts it; what it prints is kept.
    pub fn start(&self) -> Result<RunningProgram> {
        let folder = RunFolder::create()?;
        let home = folder.subfolder("program", None)?;
        let launch = Launch {
            program: self.path.clone(),
            args: self.args.clone(),
            env: self.env.clone(),
            stdout: folder.path().join("stdout"),
            stderr: folder.path().join("stderr"),
            folder: home,
            account: None,
            end_signal: EndSignal::Kill,
        };
        let process = Process::start(&launch)?;
        Ok(RunningProgram { process, launch, _folder: folder })
    }

    /// Runs it to its end, at most `within`, and answers with its exit status and all it printed.
    pub async fn run(&self, within: Duration) -> Result<Finished> {
        let program = self.start()?;
        let status = program.exited(within).await?;
        Ok(Finished { status, stdout: program.stdout(), stderr: program.stderr() })
    }
}

/// How a program that ran to its end ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// The exit code; `None` if a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

/// A program that was started; killed on drop.
#[derive(Debug)]
pub struct RunningProgram {
    // Declared, and so dropped, before its folder.
    process: Process,
    launch: Launch,
    _folder: RunFolder,
}

impl RunningProgram {
    pub fn pid(&self) -> ProcessId {
        self.process.id()
    }

    pub fn is_running(&self) -> bool {
        self.process.exit_status().is_none()
    }

    /// All of standard output so far.
    pub fn stdout(&self) -> String {
        read_text(&self.launch.stdout)
    }

    /// All of standard error so far.
    pub fn stderr(&self) -> String {
        read_text(&self.launch.stderr)
    }

    /// Standard output and standard error, for a search in everything that it printed.
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout(), self.stderr())
    }

    /// The first complete line, of either stream, that contains `text`. Fails at once when the program ends without it.
    pub async fn wait_for_line(&self, text: &str, within: Duration) -> Result<String> {
        let what = format!("{} prints a line with {text:?}", self.launch.program.display());
        let seen = eventually(within, &what, async || {
            // Asked first: what was printed before the end is in the files by then.
            let exit = self.process.exit_status();
            match (self.line_with(text), exit) {
                (Some(line), _) => Some(Ok(line)),
                (None, Some(status)) => Some(Err(Error::new(format!("it has ended: {status}")))),
                (None, None) => None,
            }
        });
        let seen = seen.await.and_then(|answer| answer.map_err(|error| error.while_doing(&what)));
        seen.map_err(|error| Error::new(format!("{error}; it printed:\n{}", self.output())))
    }

    fn line_with(&self, text: &str) -> Option<String> {
        let output = [self.stdout(), self.stderr()];
        let mut complete = output.iter().flat_map(|stream| stream.split_inclusive('\n'));
        complete.find(|line| line.ends_with('\n') && line.contains(text)).map(|line| line.trim_end().to_owned())
    }

    /// SIGTERM: please finish.
    pub fn terminate(&self) -> Result<()> {
        self.process.signal(Signal::TERM)
    }

    /// SIGINT, what Ctrl-C sends.
    pub fn interrupt(&self) -> Result<()> {
        self.process.signal(Signal::INT)
    }

    /// SIGKILL: gone at once, with nothing tidied up.
    pub fn kill(&self) -> Result<()> {
        self.process.signal(Signal::KILL)
    }

    /// Freezes it (SIGSTOP): it misses its deadlines without knowing.
    pub fn pause(&self) -> Result<()> {
        self.process.signal(Signal::STOP)
    }

    pub fn resume(&self) -> Result<()> {
        self.process.signal(Signal::CONT)
    }

    /// Its exit status as soon as it has ended by itself or by a signal; an error when it still runs after `within`.
    pub async fn exited(&self, within: Duration) -> Result<ExitStatus> {
        let ended = self.process.ended(within).await;
        ended.map_err(|error| Error::new(format!("{}: {error}; it printed:\n{}", self.name(), self.output())))
    }

    fn name(&self) -> String {
        self.launch.program.display().to_string()
    }
}

impl Drop for RunningProgram {
    /// A failed test shows what its programs said last; their output goes with the folder.
    fn drop(&mut self) {
        const LAST_LINES: usize = 40;
        if std::thread::panicking() {
            let output = self.output();
            let lines: Vec<&str> = output.lines().collect();
            let last = lines.split_at(lines.len().saturating_sub(LAST_LINES)).1;
            eprintln!("--- last lines of {}\n{}\n---", self.name(), last.join("\n"));
        }
    }
}

/// A program may be killed in the middle of a character.
fn read_text(path: &PathBuf) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}
