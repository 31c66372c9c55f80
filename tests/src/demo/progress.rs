//! What is going on, told while it is: a moving bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

/// Lines per step where nothing can move.
const PLAIN_PARTS: u64 = 3;

pub(super) struct Progress {
    started: Instant,
    is_terminal: bool,
}

/// Something that takes a while.
pub(super) struct Step<'a> {
    progress: &'a Progress,
    name: &'static str,
    started: Instant,
    total: Option<u64>,
    /// Parts of `total` told so far.
    told: u64,
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn start() -> Self {
        Self { started: Instant::now(), is_terminal: std::io::stdout().is_terminal() }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Begins a step; `total`: how many of something it goes through.
    pub(super) fn begin(&self, name: &'static str, total: Option<u64>) -> Step<'_> {
        let bar = if self.is_terminal { moving(name, total) } else { ProgressBar::hidden() };
        Step { progress: self, name, started: Instant::now(), total, told: 0, bar }
    }

    /// Bold on a terminal.
    pub(super) fn strong(&self, text: &str) -> String {
        self.painted("1", text)
    }

    pub(super) fn good(&self, text: &str) -> String {
        self.painted("1;32", text)
    }

    pub(super) fn bad(&self, text: &str) -> String {
        self.painted("1;31", text)
    }

    pub(super) fn quiet(&self, text: &str) -> String {
        self.painted("2", text)
    }

    fn painted(&self, code: &str, text: &str) -> String {
        if self.is_terminal { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

impl Step<'_> {
    /// So many are through.
    pub(super) fn at(&mut self, done: u64) {
        self.bar.set_position(done);
        let Some(total) = self.total.filter(|total| !self.progress.is_terminal && done < *total) else { return };
        let part = done * PLAIN_PARTS / total;
        if part > self.told {
            self.told = part;
            let seconds = self.progress.elapsed().as_secs_f64();
            println!("{seconds:>6.1} s  {:<12}  {done} of {total}", self.name);
        }
    }

    /// What is going on now that all are through.
    pub(super) fn say(&self, what: &'static str) {
        self.bar.set_message(what);
    }

    /// It is over; `outcome` says what is there now. Answers how long it took.
    pub(super) fn end(self, outcome: &str) -> Duration {
        self.bar.finish_and_clear();
        let took = self.started.elapsed();
        let seconds = format!("{:>6.1} s", self.progress.elapsed().as_secs_f64());
        let name = format!("{:<12}", self.name);
        println!("{}  {}  {outcome}", self.progress.quiet(&seconds), self.progress.strong(&name));
        took
    }
}

fn moving(name: &'static str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), "{spinner:>8}  {prefix:12}  {bar:40.green} {pos:>4} of {len}  {msg}"),
        None => (ProgressBar::new_spinner(), "{spinner:>8}  {prefix:12}"),
    };
    let style = ProgressStyle::with_template(template).expect("the template is right");
    bar.set_style(style.progress_chars("━╸─"));
    bar.set_prefix(name);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
