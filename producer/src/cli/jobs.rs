//! `jobs`

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use shared::queue::{JobState, QueueName};

use super::values;

/// What can be done with jobs.
#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// How many jobs there are in each state, the age of the oldest that waits, and whether the queue is paused
    Counts(OfQueue),
    /// A page of the jobs in one state
    List(ListJobs),
    /// Single jobs with all that is known of them
    Show(ShowJobs),
    /// Remove dead jobs for good
    Delete(DeleteJobs),
    /// Let nobody start jobs any more, on any worker; those that run end, new ones are queued
    Pause(OfQueue),
    /// Let work go on after a pause
    Resume(OfQueue),
}

/// Which queue is meant.
#[derive(Debug, Args)]
pub struct OfQueue {
    /// Only this queue [default: all]
    #[arg(long, value_parser = values::queue())]
    pub queue: Option<QueueName>,
}

/// `jobs list`
#[derive(Debug, Args)]
pub struct ListJobs {
    /// In which state: ready and delayed ones are listed next first, dead ones latest first
    #[arg(value_name = "STATE", default_value = JobState::Dead.name(), value_parser = values::state())]
    pub state: JobState,
    /// Where
    #[command(flatten)]
    pub of: OfQueue,
    /// How many of each queue at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
    /// How many of each queue to leave out before
    #[arg(long, default_value_t = 0)]
    pub offset: u32,
}

/// `jobs show`
#[derive(Debug, Args)]
pub struct ShowJobs {
    /// Ids of records, of employees (Kürzel), or of jobs (`<entity>.<number>`)
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
    /// Where
    #[command(flatten)]
    pub of: OfQueue,
}

/// `jobs delete`
#[derive(Debug, Args)]
pub struct DeleteJobs {
    /// Ids of records, of employees (Kürzel), or of jobs (`<entity>.<number>`): deleted at once if dead
    #[arg(value_name = "ID", required_unless_present = "Selection", conflicts_with = "Selection")]
    pub ids: Vec<String>,
    /// Instead of ids
    #[command(flatten)]
    pub selection: Option<Selection>,
    /// Where
    #[command(flatten)]
    pub of: OfQueue,
    /// Really delete what was not named one by one; without it the command only says how many
    #[arg(long)]
    pub apply: bool,
}

/// What jobs have in common; those that have all of it are meant.
#[derive(Debug, Args)]
pub struct Selection {
    /// All of them, instead of ids
    #[arg(long)]
    pub all: bool,
    /// Those whose last failure's reason holds this text
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub reason: Option<String>,
    /// Those that died longer ago than this, e.g. `24h`
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub older_than: Option<Duration>,
    /// Those that died no longer ago than this, e.g. `15m`
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub younger_than: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(line: &str) -> Result<Jobs, ErrorKind> {
        let words = ["producer", "jobs"].into_iter().chain(line.split_whitespace());
        match Cli::try_parse_from(words).map_err(|error| error.kind())?.command {
            Some(Command::Jobs { what }) => Ok(what),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_dead_are_listed_unless_another_state_is_named() {
        let list = |line| match parse(line) {
            Ok(Jobs::List(arguments)) => (arguments.state, arguments.of.queue, arguments.limit, arguments.offset),
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(list("list"), (JobState::Dead, None, 50, 0));
        let all = "list delayed --queue calendar --limit 1000 --offset 2000";
        assert_eq!(list(all), (JobState::Delayed, Some(QueueName::Calendar), 1000, 2000));
        for line in ["list done", "list --limit 0", "list --limit 1001", "list --offset=-1", "list --queue mail"] {
            assert!(matches!(parse(line), Err(ErrorKind::InvalidValue | ErrorKind::ValueValidation)), "{line}");
        }
    }

    #[test]
    fn what_is_deleted_is_named_by_ids_or_by_what_it_has_in_common() {
        let delete = |line| match parse(line) {
            Ok(Jobs::Delete(arguments)) => arguments,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(delete("delete a b.7").ids, ["a", "b.7"]);
        let old = delete("delete --older-than 24h --queue beteiligte");
        assert_eq!(old.selection.unwrap().older_than, Some(Duration::from_hours(24)));
        assert_eq!((old.of.queue, old.apply), (Some(QueueName::Beteiligte), false));
        assert!(delete("delete --all --apply").apply);
        assert_eq!(parse("delete a --all").unwrap_err(), ErrorKind::ArgumentConflict);
        for line in ["delete", "delete --apply", "delete --queue beteiligte", "show"] {
            assert_eq!(parse(line).unwrap_err(), ErrorKind::MissingRequiredArgument, "{line}");
        }
    }

    #[test]
    fn a_pause_is_of_all_queues_unless_one_is_named() {
        assert!(matches!(parse("pause"), Ok(Jobs::Pause(OfQueue { queue: None }))));
        assert!(matches!(
            parse("resume --queue calendar"),
            Ok(Jobs::Resume(OfQueue { queue: Some(QueueName::Calendar) }))
        ));
        assert!(matches!(parse("counts"), Ok(Jobs::Counts(OfQueue { queue: None }))));
    }
}
