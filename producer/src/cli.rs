//! The command line (CONTRACT). Secrets are never on it: they come from the environment or from files that it names.

mod calendar;
mod calendar_audit;
mod jobs;
mod records;
mod set_up;
#[cfg(test)]
mod tree_tests;
mod values;

use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use domain::kommunikation::Direction;
use shared::queue::QueueName;

pub use calendar::{EnqueueCalendar, Own, Policy, PolicyParts, SetPolicy, ShowPolicy};
pub use calendar_audit::{AuditCalendar, Find, PlanCalendar, QueryEvent, QueryFrnr, RebuildHub, Remove, VerifySync};
pub use jobs::{DeleteJobs, Jobs, ListJobs, Selection, ShowJobs};
pub use records::{Audit, Decide, Erase, History, Plan, PlanBeteiligte, Restore, Wait};
pub use set_up::{Completions, Doctor, InstallWebhooks, RemoveWebhooks, WebhookAddress, Webhooks};

const EXIT_CODES: &str = "Exit codes: 0 done, 1 done but something was found, 2 it could not be done (the message says what to do).\n\
    Settings come from environment variables; every secret X may instead be in a file named by X_FILE.";

/// Command lines as a person types them.
macro_rules! examples {
    ($first:literal $(, $more:literal)*) => {
        concat!("Examples:\n  kanzleisync-producer ", $first $(, "\n  kanzleisync-producer ", $more)*)
    };
}

/// Turns events into jobs: webhooks of EspoCRM, regular scans, and requests of operators.
#[derive(Debug, Parser)]
#[command(name = "kanzleisync-producer", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do; without one: serve
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take webhooks on `PRODUCER_LISTEN`, scan EspoCRM every `BETEILIGTE_SCAN_SECONDS` and have calendars synced every
    /// `CALENDAR_SYNC_SECONDS`, until SIGTERM or Ctrl-C (the default)
    Serve,
    /// Queue a sync; records that wait already are merged
    #[command(after_help = examples!("enqueue beteiligte 64f0c1d2e3f4a5b6c", "enqueue calendar SB MK"))]
    Enqueue {
        /// Of what
        #[command(subcommand)]
        what: Enqueue,
    },
    /// Put records back to work that have failed: dead jobs start over, waiting ones come forward
    #[command(after_help = examples!("requeue 64f0c1d2e3f4a5b6c", "requeue --reason 502 --dry-run", "requeue SB --queue calendar --approve-deletions"))]
    Requeue(Requeue),
    /// Look at the queue and its jobs, delete dead ones, hold the work and let it go
    #[command(after_help = examples!("jobs counts", "jobs list dead --queue calendar", "jobs delete --older-than 7d --apply"))]
    Jobs {
        /// What to do
        #[command(subcommand)]
        what: Jobs,
    },
    /// Show what a sync would do, with values, and write nothing; or carry out exactly what was shown. Exit code 1: something would be written,
    /// is held, or cannot be synced
    #[command(after_help = examples!("plan beteiligte 64f0c1d2e3f4a5b6c", "plan calendar SB"))]
    Plan {
        /// Of what
        #[command(subcommand)]
        what: Plan,
    },
    /// Look up what syncs have overwritten or removed, and write it back; compare calendars, and tidy them up
    #[command(after_help = examples!("audit history 64f0c1d2e3f4a5b6c --limit 5", "audit verify-sync --all"))]
    Audit {
        /// What to do
        #[command(subcommand)]
        what: Audit,
    },
    /// What is done with an employee's calendar: look at it, or set it; what is not set for an employee is what the settings say
    #[command(after_help = examples!("policy show SB", "policy set SB --strategy last_change_wins --anonymize on"))]
    Policy {
        /// What to do
        #[command(subcommand)]
        what: Policy,
    },
    /// Decide a conflict of the Stammdaten (`SYNC_CONFLICT_POLICY=manual`)
    #[command(after_help = examples!("decide 64f0c1d2e3f4a5b6c advoware"))]
    Decide(Decide),
    /// Erase everything that is kept here on one person: base, audit, requests, jobs. A record that still exists in EspoCRM is known again
    /// after its next sync
    #[command(after_help = examples!("erase 64f0c1d2e3f4a5b6c", "erase 64f0c1d2e3f4a5b6c --apply"))]
    Erase(Erase),
    /// Bring the database to this program's version; safe to repeat
    Migrate,
    /// Check everything that has to be right: settings, reachability, log-ins, rights, EspoCRM's fields, calendars, clocks, Redis,
    /// PostgreSQL, workers, webhooks. Each line says what to do. Writes nothing anywhere. Exit code 1: something is not as it should be
    #[command(after_help = examples!("doctor", "doctor --timeout 5s --json"))]
    Doctor(Doctor),
    /// EspoCRM's three webhooks, which tell the producer what users change
    #[command(after_help = examples!(
        "webhooks install --url https://sync.example.org/ --secrets-file webhook_secrets",
        "webhooks status",
        "webhooks remove --apply"
    ))]
    Webhooks {
        /// What to do
        #[command(subcommand)]
        what: Webhooks,
    },
    /// Print what a shell needs to complete these commands
    #[command(after_help = examples!(
        "completions bash > /etc/bash_completion.d/kanzleisync-producer",
        "completions zsh > \"${fpath[1]}/_kanzleisync-producer\"",
        "completions fish > ~/.config/fish/completions/kanzleisync-producer.fish"
    ))]
    Completions(Completions),
}

/// What can be queued.
#[derive(Debug, Subcommand)]
pub enum Enqueue {
    /// Sync Beteiligte between EspoCRM and Advoware
    Beteiligte(EnqueueBeteiligte),
    /// Sync employees' calendars between Advoware and Google
    Calendar(EnqueueCalendar),
}

/// `enqueue beteiligte`
#[derive(Debug, Args)]
pub struct EnqueueBeteiligte {
    /// Ids of EspoCRM records (`CBeteiligte`)
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub ids: Vec<String>,
    /// Every record that EspoCRM has, instead of ids
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
    /// Which side may be written
    #[arg(long, default_value = Direction::Both.name(), value_parser = values::direction())]
    pub direction: Direction,
}

/// `requeue`
#[derive(Debug, Args)]
pub struct Requeue {
    /// Ids of EspoCRM records (`CBeteiligte`), of employees (Kürzel, with `--queue calendar`), or of jobs (`<entity>.<number>`)
    #[arg(value_name = "ID", required_unless_present = "Selection", conflicts_with = "Selection")]
    pub ids: Vec<String>,
    /// Instead of ids: dead jobs, and failed ones in back-off unless an age is given
    #[command(flatten)]
    pub selection: Option<Selection>,
    /// Only this queue [default: `beteiligte` for ids, else all]
    #[arg(long, value_parser = values::queue())]
    pub queue: Option<QueueName>,
    /// Let them run evenly over this time instead of at once, e.g. `15m`
    #[arg(long, value_name = "DURATION", value_parser = values::duration, conflicts_with = "ids")]
    pub spread: Option<Duration>,
    /// Only say how many it would be
    #[arg(long)]
    pub dry_run: bool,
    /// Carry out the deletions that the mass-deletion guard holds back for these records or calendars
    #[arg(long, conflicts_with = "Selection")]
    pub approve_deletions: bool,
    /// Create these records in Advoware again: nobody knows whether they were, and you have looked
    #[arg(long, conflicts_with = "Selection")]
    pub create_again: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Cli, ErrorKind> {
        Cli::try_parse_from(line.split_whitespace()).map_err(|error| error.kind())
    }

    fn beteiligte(line: &str) -> EnqueueBeteiligte {
        match parse(line).unwrap().command {
            Some(Command::Enqueue { what: Enqueue::Beteiligte(arguments) }) => arguments,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_is_the_default() {
        assert!(parse("producer").unwrap().command.is_none());
        assert!(matches!(parse("producer serve").unwrap().command, Some(Command::Serve)));
        assert!(matches!(
            parse("producer migrate --json").unwrap(),
            Cli { json: true, command: Some(Command::Migrate) }
        ));
        assert!(matches!(
            parse("producer --json migrate").unwrap(),
            Cli { json: true, command: Some(Command::Migrate) }
        ));
    }

    #[test]
    fn beteiligte_are_named_by_ids_or_all_of_them_never_both_or_none() {
        assert_eq!(beteiligte("producer enqueue beteiligte a b").ids, ["a", "b"]);
        assert!(beteiligte("producer enqueue beteiligte --all").all);
        assert_eq!(beteiligte("producer enqueue beteiligte a").direction, Direction::Both);
        let one_way = beteiligte("producer enqueue beteiligte a --direction to_espocrm");
        assert_eq!(one_way.direction, Direction::ToEspocrm);
        assert_eq!(parse("producer enqueue beteiligte").unwrap_err(), ErrorKind::MissingRequiredArgument);
        assert_eq!(parse("producer enqueue beteiligte a --all").unwrap_err(), ErrorKind::ArgumentConflict);
    }

    #[test]
    fn approval_of_deletions_is_asked_for_by_name_only() {
        let approves = |line| match parse(line).unwrap().command {
            Some(Command::Requeue(arguments)) => arguments.approve_deletions,
            other => panic!("{other:?}"),
        };
        assert!(!approves("producer requeue a"));
        assert!(approves("producer requeue a --approve-deletions"));
        assert_eq!(
            parse("producer requeue --all --approve-deletions").unwrap_err(),
            ErrorKind::ArgumentConflict,
            "nobody approves what they have not named"
        );
    }

    #[test]
    fn records_are_planned_restored_decided_and_erased_by_id() {
        let plan = |line| match parse(line).unwrap().command {
            Some(Command::Plan { what: Plan::Beteiligte(arguments) }) => arguments,
            other => panic!("{line}: {other:?}"),
        };
        assert!(plan("producer plan beteiligte a").apply.is_none());
        assert_eq!(plan("producer plan beteiligte a --apply 0f --wait 5s").wait.at_most, Duration::from_secs(5));
        assert!(parse("producer audit history a --limit 3").is_ok());
        assert!(parse("producer audit restore 01890000-0000-7000-8000-000000000000").is_ok());
        assert_eq!(parse("producer audit restore x").unwrap_err(), ErrorKind::ValueValidation);
        assert!(matches!(parse("producer decide a advoware").unwrap().command, Some(Command::Decide(_))));
        assert_eq!(parse("producer decide a both").unwrap_err(), ErrorKind::InvalidValue);
        let erase = |line| match parse(line).unwrap().command {
            Some(Command::Erase(arguments)) => arguments.apply,
            other => panic!("{other:?}"),
        };
        assert!(!erase("producer erase a"), "dry unless told otherwise");
        assert!(erase("producer erase a --apply"));
        assert_eq!(parse("producer requeue --all --create-again").unwrap_err(), ErrorKind::ArgumentConflict);
    }

    #[test]
    fn what_is_requeued_is_named_by_ids_or_by_what_it_has_in_common() {
        let requeue = |line: &str| match parse(line).unwrap().command {
            Some(Command::Requeue(arguments)) => arguments,
            other => panic!("{line}: {other:?}"),
        };
        let named = requeue("producer requeue a a.7 --queue calendar --dry-run");
        assert_eq!((named.ids.len(), named.queue, named.dry_run), (2, Some(QueueName::Calendar), true));
        assert!(named.selection.is_none());

        let alike = requeue("producer requeue --reason 502 --older-than 24h --younger-than 7d --spread 15m");
        let selection = alike.selection.unwrap();
        assert_eq!(selection.reason.as_deref(), Some("502"));
        assert_eq!(selection.older_than, Some(Duration::from_hours(24)));
        assert_eq!(selection.younger_than, Some(Duration::from_hours(7 * 24)));
        assert_eq!(alike.spread, Some(Duration::from_mins(15)));
        assert!(requeue("producer requeue --all").selection.unwrap().all);

        for line in ["requeue a --all", "requeue a --reason x", "requeue a --spread 1m"] {
            assert_eq!(parse(&format!("producer {line}")).unwrap_err(), ErrorKind::ArgumentConflict, "{line}");
        }
        for line in ["requeue", "requeue --dry-run", "requeue --queue beteiligte"] {
            assert_eq!(parse(&format!("producer {line}")).unwrap_err(), ErrorKind::MissingRequiredArgument, "{line}");
        }
        assert_eq!(
            parse("producer requeue --reason=").unwrap_err(),
            ErrorKind::InvalidValue,
            "an empty text is in every reason"
        );
    }
}
