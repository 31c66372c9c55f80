//! Commands about an employee's calendar, and about single entries of it.

use clap::{Args, Subcommand};

use super::records::Wait;

/// `audit`, of calendars.
#[derive(Debug, Subcommand)]
pub enum AuditCalendar {
    /// Compare both sides of calendars entry by entry, and Beteiligte by what a sync would write. Exit code 1: something differs without a
    /// listed reason
    VerifySync(VerifySync),
    /// Everything about one Termin: rows of the hub, deleted ones too, what both sides say now, history
    QueryFrnr(QueryFrnr),
    /// The same for one event
    QueryEvent(QueryEvent),
    /// Entries that say the same, on either side
    FindDuplicates(Find),
    /// Delete events of ours that say what another event says and that no row binds; never what users or Advoware made
    DeleteDuplicates(Remove),
    /// Events of ours that no row binds, and rows whose entries are gone on both sides
    FindOrphaned(Find),
    /// Delete those events and close those rows
    CleanupOrphaned(Remove),
    /// Give rows of a hub that was lost, wholly or in part, back to pairs: from our property on events, and from what both sides say. Creates,
    /// changes and deletes nothing in Advoware or Google, and leaves rows that exist alone. Exit code 1: something can be rebuilt, or cannot be proven
    RebuildHub(RebuildHub),
}

/// `plan calendar`
#[derive(Debug, Args)]
pub struct PlanCalendar {
    /// Whose calendar
    #[arg(value_name = "KÜRZEL")]
    pub kuerzel: String,
}

/// `audit verify-sync`
#[derive(Debug, Args)]
pub struct VerifySync {
    /// Whose calendars
    #[arg(value_name = "KÜRZEL", required_unless_present_any = ["all", "beteiligte", "all_beteiligte"])]
    pub kuerzel: Vec<String>,
    /// Every employee whose calendar is synced
    #[arg(long, conflicts_with = "kuerzel")]
    pub all: bool,
    /// These Beteiligte (ids of EspoCRM records)
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub beteiligte: Vec<String>,
    /// Every Beteiligter in agreement
    #[arg(long, conflicts_with = "beteiligte")]
    pub all_beteiligte: bool,
}

/// `audit query-frnr`
#[derive(Debug, Args)]
pub struct QueryFrnr {
    /// Number of the Termin
    #[arg(value_name = "FRNR", allow_negative_numbers = true)]
    pub frnr: i64,
}

/// `audit query-event`
#[derive(Debug, Args)]
pub struct QueryEvent {
    /// Id of the event
    #[arg(value_name = "EVENT_ID")]
    pub event: String,
}

/// `audit find-orphaned`, `audit find-duplicates`
#[derive(Debug, Args)]
pub struct Find {
    /// Whose calendar [default: every employee whose calendar is synced]
    #[arg(value_name = "KÜRZEL")]
    pub kuerzel: Option<String>,
}

/// `audit cleanup-orphaned`, `audit delete-duplicates`
#[derive(Debug, Args)]
pub struct Remove {
    /// Whose calendar
    #[command(flatten)]
    pub of: Find,
    /// Do it; else only tell what it would be
    #[arg(long)]
    pub apply: bool,
    /// How long to wait for a worker, for each employee
    #[command(flatten)]
    pub wait: Wait,
}

/// `audit rebuild-hub`
#[derive(Debug, Args)]
pub struct RebuildHub {
    /// Whose rows
    #[arg(value_name = "KÜRZEL", required_unless_present = "all")]
    pub kuerzel: Vec<String>,
    /// Everybody whom Advoware lists or the hub knows
    #[arg(long, conflicts_with = "kuerzel")]
    pub all: bool,
    /// Do it; else only tell what it would be
    #[arg(long)]
    pub apply: bool,
    /// How long to wait for a worker, for each employee
    #[command(flatten)]
    pub wait: Wait,
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;

    use super::*;
    use crate::cli::{Audit, Cli, Command, Plan};

    fn parse(line: &str) -> Result<Command, ErrorKind> {
        let words = ["producer"].into_iter().chain(line.split_whitespace());
        let cli = Cli::try_parse_from(words).map_err(|error| error.kind())?;
        Ok(cli.command.unwrap_or(Command::Serve))
    }

    #[test]
    fn a_calendar_is_planned_and_verified_by_its_kuerzel() {
        assert!(matches!(parse("plan calendar SB"), Ok(Command::Plan { what: Plan::Calendar(_) })));
        assert!(parse("audit verify-sync SB MÜ --json").is_ok() && parse("audit verify-sync --all").is_ok());
        assert_eq!(parse("audit verify-sync").unwrap_err(), ErrorKind::MissingRequiredArgument);
        assert!(
            parse("audit verify-sync --beteiligte a1 b2").is_ok()
                && parse("audit verify-sync --all-beteiligte").is_ok()
        );
        assert_eq!(parse("audit verify-sync SB --all").unwrap_err(), ErrorKind::ArgumentConflict);
    }

    #[test]
    fn an_entry_is_named_by_its_number_or_id() {
        let frnr = |line| match parse(line) {
            Ok(Command::Audit { what: Audit::Calendar(AuditCalendar::QueryFrnr(query)) }) => query.frnr,
            other => panic!("{other:?}"),
        };
        assert_eq!(frnr("audit query-frnr 85861"), 85_861);
        assert_eq!(frnr("audit query-frnr -7"), -7, "a computed one");
        assert_eq!(parse("audit query-frnr x").unwrap_err(), ErrorKind::ValueValidation);
        assert!(parse("audit query-event abc_20261127").is_ok());
    }

    #[test]
    fn nothing_is_removed_unless_told_to() {
        let applies = |line| match parse(line) {
            Ok(Command::Audit { what: Audit::Calendar(what) }) => match what {
                AuditCalendar::CleanupOrphaned(remove) | AuditCalendar::DeleteDuplicates(remove) => remove.apply,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        assert!(!applies("audit cleanup-orphaned") && !applies("audit delete-duplicates SB"));
        assert!(applies("audit cleanup-orphaned SB --apply") && applies("audit delete-duplicates --apply --wait 5s"));
        let rebuilds = |line| match parse(line) {
            Ok(Command::Audit { what: Audit::Calendar(AuditCalendar::RebuildHub(rebuild)) }) => rebuild.apply,
            other => panic!("{other:?}"),
        };
        assert!(!rebuilds("audit rebuild-hub --all") && rebuilds("audit rebuild-hub SB MÜ --apply --wait 5s"));
        assert_eq!(parse("audit rebuild-hub").unwrap_err(), ErrorKind::MissingRequiredArgument);
        assert_eq!(parse("audit find-orphaned --apply").unwrap_err(), ErrorKind::UnknownArgument);
    }
}
