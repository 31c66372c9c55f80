//! The command line (CONTRACT). Secrets are never on it: they come from the environment or from files that it names.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use domain::kommunikation::Direction;

const DIRECTIONS: [Direction; 3] = [Direction::Both, Direction::ToEspocrm, Direction::ToAdvoware];

const EXIT_CODES: &str = "Exit codes: 0 done, 1 done but something was found, 2 it could not be done (the message says what to do).\n\
    Settings come from environment variables; every secret X may instead be in a file named by X_FILE.";

/// Turns events into jobs: webhooks of EspoCRM, regular scans, and requests of operators.
#[derive(Debug, Parser)]
#[command(name = "kanzleisync-producer", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do; without one: serve
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take webhooks on `PRODUCER_LISTEN` and scan EspoCRM every `BETEILIGTE_SCAN_SECONDS`, until SIGTERM or Ctrl-C (the default)
    Serve,
    /// Queue a sync; records that wait already are merged
    Enqueue {
        /// Of what
        #[command(subcommand)]
        what: Enqueue,
    },
    /// Put records back to work that have failed: dead jobs start over, waiting ones come forward
    Requeue(Requeue),
    /// Bring the database to this program's version; safe to repeat
    Migrate,
}

/// What can be queued.
#[derive(Debug, Subcommand)]
pub enum Enqueue {
    /// Sync Beteiligte between EspoCRM and Advoware
    Beteiligte(EnqueueBeteiligte),
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
    #[arg(long, default_value = Direction::Both.name(), value_parser = direction())]
    pub direction: Direction,
}

/// `requeue`
#[derive(Debug, Args)]
pub struct Requeue {
    /// Ids of EspoCRM records (`CBeteiligte`)
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
    /// Carry out the deletions that the mass-deletion guard holds back for these records
    #[arg(long)]
    pub approve_deletions: bool,
}

fn direction() -> impl TypedValueParser<Value = Direction> {
    PossibleValuesParser::new(DIRECTIONS.map(Direction::name)).try_map(|name| {
        DIRECTIONS.into_iter().find(|direction| direction.name() == name).ok_or("expected one of the values above")
    })
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
        assert_eq!(parse("producer enqueue beteiligte").unwrap_err(), ErrorKind::MissingRequiredArgument);
        assert_eq!(parse("producer enqueue beteiligte a --all").unwrap_err(), ErrorKind::ArgumentConflict);
        assert_eq!(parse("producer requeue").unwrap_err(), ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn every_direction_is_read_by_its_name_and_both_is_the_default() {
        assert_eq!(beteiligte("producer enqueue beteiligte a").direction, Direction::Both);
        for direction in DIRECTIONS {
            let line = format!("producer enqueue beteiligte a --direction {}", direction.name());
            assert_eq!(beteiligte(&line).direction, direction);
        }
        for other in ["", "Both", "to-espocrm", "to_google"] {
            let line = format!("producer enqueue beteiligte a --direction={other}");
            assert_eq!(parse(&line).unwrap_err(), ErrorKind::InvalidValue, "{other}");
        }
    }

    #[test]
    fn approval_of_deletions_is_asked_for_by_name_only() {
        let approves = |line| match parse(line).unwrap().command {
            Some(Command::Requeue(arguments)) => arguments.approve_deletions,
            other => panic!("{other:?}"),
        };
        assert!(!approves("producer requeue a"));
        assert!(approves("producer requeue a --approve-deletions"));
    }
}
