//! The machine that the figures belong to.

use std::fs;
use std::time::Duration;

use crate::installed::{postgres_folder, redis_server};
use crate::{ProcessId, Program, Result};

const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// The kernel tells processor time in hundredths of a second, on every machine.
const TICKS_PER_SECOND: u64 = 100;

#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) cores: usize,
    pub(super) processor: String,
    pub(super) memory_gib: u64,
    pub(super) kernel: String,
    pub(super) rust: String,
    pub(super) redis: String,
    pub(super) postgres: String,
    pub(super) date: String,
}

impl Machine {
    pub(super) fn look() -> Result<Self> {
        let memory_kib = field_of("/proc/meminfo", "MemTotal").unwrap_or_default();
        let memory_kib: u64 = memory_kib.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or_default();
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            processor: field_of("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned()),
            memory_gib: memory_kib.div_ceil(1 << 20),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            rust: rust_version().to_owned(),
            redis: String::new(),
            postgres: String::new(),
            date: shared::clock::Clock::system().now().format("%Y-%m-%d").to_string(),
        })
    }

    /// The versions, which only the programs themselves can tell.
    pub(super) async fn with_versions(mut self) -> Result<Self> {
        self.redis = version(&Program::new(redis_server()?)).await?;
        self.postgres = version(&Program::new(postgres_folder()?.join("postgres"))).await?;
        Ok(self)
    }

    pub(super) fn line(&self) -> String {
        format!(
            "{} cores ({}), {} GiB, Linux {}, Rust {}, Redis {}, PostgreSQL {}, {}",
            self.cores, self.processor, self.memory_gib, self.kernel, self.rust, self.redis, self.postgres, self.date
        )
    }
}

/// The first word with a digit and a point in it that `--version` prints.
async fn version(program: &Program) -> Result<String> {
    let finished = program.clone().arg("--version").run(ANSWERS_WITHIN).await?;
    let words = finished.stdout.split([' ', '\n', '=']).map(|word| word.trim_start_matches('v'));
    let mut numbers = words.filter(|word| word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.'));
    Ok(numbers.next().unwrap_or("unknown").to_owned())
}

/// The version that the workspace is pinned to, and so was built with.
fn rust_version() -> &'static str {
    let pinned = include_str!("../../../rust-toolchain.toml").lines().find_map(|line| line.strip_prefix("channel = "));
    pinned.map_or("unknown", |version| version.trim_matches('"'))
}

fn field_of(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Processor time that a process has used so far, in all its threads.
pub(super) fn processor_time(process: ProcessId) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold blanks; user and system time are the 12th and 13th field after it.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}
