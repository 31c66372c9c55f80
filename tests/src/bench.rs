//! `make bench`: syncs per second and memory of one worker process, and the queue by itself beside other queues, each beside the
//! bounds that physics sets; and how long the console's pages take.
//!
//! The sync part: the worker is the real program. The simulator is a process of its own, and so are Redis and PostgreSQL; all of them
//! share the machine's cores with the worker, which is why every row also tells what the worker itself used of them.
#![expect(clippy::cast_precision_loss, reason = "counts of jobs and KiB, for people: far below 2^52")]

mod calendar;
mod case;
mod console;
mod firm;
mod machine;
mod measure;
mod queue;
mod reference;
mod report;
mod traces;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::{Error, Result, interrupted};
use case::CASES;
use firm::Firm;
use machine::Machine;
use reference::Reference;

const USAGE: &str = "usage: kanzleisync-bench [sync|calendar|queue|console|traces|all] [--peers] [--markdown FILE]";

/// What is measured, and where the result goes beside standard output.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    subjects: Vec<Subject>,
    /// Other queues beside ours, where they are installed.
    peers: bool,
    markdown: Option<PathBuf>,
}

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Sync,
    Calendar,
    Queue,
    Console,
    Traces,
}

impl Subject {
    const ALL: [Self; 5] = [Self::Sync, Self::Calendar, Self::Queue, Self::Console, Self::Traces];

    fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Calendar => "calendar",
            Self::Queue => "queue",
            Self::Console => "console",
            Self::Traces => "traces",
        }
    }
}

/// What one part has to say.
struct Part {
    text: String,
    markdown: String,
    goals_are_met: bool,
}

/// Runs the benchmarks: exit code 0 when every goal is met, 1 when one is missed, 2 when they could not be run.
pub async fn main(arguments: Vec<String>) -> ExitCode {
    let outcome = tokio::select! {
        outcome = run(&arguments) => outcome,
        signal = interrupted() => {
            eprintln!("interrupted{}", signal.err().map(|error| format!(": {error}")).unwrap_or_default());
            return ExitCode::from(130);
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("kanzleisync-bench: {error}");
            ExitCode::from(2)
        }
    }
}

/// The program that the queue part starts as its worker.
pub async fn queue_worker(arguments: Vec<String>) -> ExitCode {
    match queue::worker::main(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kanzleisync-bench-queue-worker: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether every goal is met.
async fn run(arguments: &[String]) -> Result<bool> {
    let options = read_options(arguments)?;
    let machine = Machine::look()?.with_versions().await?;
    println!("{}\n", machine.line());
    let mut parts = Vec::new();
    for subject in options.subjects {
        parts.push(told_at_once(match subject {
            Subject::Sync => sync().await?,
            Subject::Calendar => calendar::run().await?,
            Subject::Queue => {
                let report = queue::run(options.peers).await?;
                let (text, markdown) = (report.to_text(), report.to_markdown());
                Part { text, markdown, goals_are_met: report.goals_are_met() }
            }
            Subject::Console => console::run().await?,
            Subject::Traces => traces::run().await?,
        }));
    }
    if let Some(path) = options.markdown {
        let sections: Vec<&str> = parts.iter().map(|part| part.markdown.as_str()).collect();
        let head = format!("# Benchmarks\n\nWritten by `make bench`. Machine: {}.", machine.line());
        std::fs::write(&path, format!("{head}\n\n{}", sections.join("\n")))?;
        println!("written to {}", path.display());
    }
    Ok(parts.iter().all(|part| part.goals_are_met))
}

/// What follows may take minutes, or fail.
fn told_at_once(part: Part) -> Part {
    println!("\n{}", part.text);
    part
}

async fn sync() -> Result<Part> {
    let firm = Firm::start().await?;
    println!("{}", firm.set_up_line());
    let mut report = report::Report::default();
    for case in CASES {
        let measured = measure::run(&firm, case).await?;
        let reference = match case.latency_milliseconds {
            0 => Some(Reference::measure(&firm, case).await?),
            _ => None,
        };
        report.add(case, measured, reference);
        if std::io::stderr().is_terminal() {
            eprint!("\r{} of {} measured", report.rows(), CASES.len());
        }
    }
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[2K");
    }
    Ok(Part { text: report.to_text(), markdown: report.to_markdown(), goals_are_met: report.goals_are_met() })
}

/// Without the name of a part: everything, with the peers.
fn read_options(arguments: &[String]) -> Result<Options> {
    let mut options = Options { subjects: Subject::ALL.to_vec(), peers: false, markdown: None };
    let mut words = arguments.iter().map(String::as_str).peekable();
    let is_named = |word: &&str| *word == "all" || Subject::ALL.iter().any(|subject| subject.name() == *word);
    match words.next_if(is_named) {
        Some("all") => {}
        Some(one) => options.subjects.retain(|subject| subject.name() == one),
        None => options.peers = true,
    }
    while let Some(word) = words.next() {
        match (word, words.peek()) {
            ("--peers", _) => options.peers = true,
            ("--markdown", Some(_)) => options.markdown = words.next().map(PathBuf::from),
            _ => return Err(Error::new(USAGE)),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options> {
        read_options(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn no_part_named_means_everything_with_the_peers() {
        let everything = || Options { subjects: Subject::ALL.to_vec(), peers: true, markdown: None };
        assert_eq!(read(""), Ok(everything()));
        assert_eq!(read("--markdown b.md"), Ok(Options { markdown: Some("b.md".into()), ..everything() }));
        assert_eq!(read("all"), Ok(Options { peers: false, ..everything() }));
        for subject in Subject::ALL {
            let alone = || Options { subjects: vec![subject], peers: false, markdown: None };
            assert_eq!(read(subject.name()), Ok(alone()));
            assert_eq!(read(&format!("{} --peers", subject.name())), Ok(Options { peers: true, ..alone() }));
        }
        assert!(read("queues").is_err());
        assert!(read("queue --markdown").is_err());
        assert!(read("queue sync").is_err());
    }
}
