//! Commands about employees' calendars.

use clap::{Args, Subcommand};
use domain::calendar::policy::SyncStrategy;
use domain::ids::CalendarId;

use super::values;

/// `enqueue calendar`
#[derive(Debug, Args)]
pub struct EnqueueCalendar {
    /// Initials of employees, as Advoware writes them
    #[arg(value_name = "KUERZEL", required_unless_present = "all")]
    pub kuerzel: Vec<String>,
    /// Every employee whose calendar is synced, instead of some
    #[arg(long, conflicts_with = "kuerzel")]
    pub all: bool,
    /// Whether copies in Google show text, notes and place from now on; `false` counts at once, `true` unless the settings hide them
    #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set)]
    pub full_content: Option<bool>,
    /// Read both calendars whole, whatever is known of changes
    #[arg(long)]
    pub list_all: bool,
}

/// `policy`
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Employees, what holds for their calendars, and how their last syncs ended
    Show(ShowPolicy),
    /// Change what holds for one employee; `default` goes back to the settings
    Set(SetPolicy),
}

/// `policy show`
#[derive(Debug, Args)]
pub struct ShowPolicy {
    /// One employee's initials [default: all]
    #[arg(value_name = "KUERZEL")]
    pub kuerzel: Option<String>,
}

/// `policy set`
#[derive(Debug, Args)]
pub struct SetPolicy {
    /// The employee's initials
    #[arg(value_name = "KUERZEL")]
    pub kuerzel: String,
    /// What is set
    #[command(flatten)]
    pub parts: PolicyParts,
}

/// Parts of a policy; those that are not given stay.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct PolicyParts {
    /// Who wins where both sides differ: `source_system_wins`, `last_change_wins` or `default`
    #[arg(long, value_name = "STRATEGY", value_parser = values::strategy)]
    pub strategy: Option<Own<SyncStrategy>>,
    /// Whether entries may be written to Advoware: `on` (all), `off` (none) or `default`
    #[arg(long, value_name = "SWITCH", value_parser = values::own_switch)]
    pub advoware_write: Option<Own<bool>>,
    /// Whether copies in Google hide text, notes and place: `on`, `off` or `default`; what the settings demand is not lifted
    #[arg(long, value_name = "SWITCH", value_parser = values::own_switch)]
    pub anonymize: Option<Own<bool>>,
    /// The Google calendar to use instead of one called AW-<kuerzel>, or `none`
    #[arg(long, value_name = "ID", value_parser = values::calendar_id)]
    pub calendar_id: Option<Own<CalendarId>>,
    /// Whether the calendar is synced at all: `on` or `off`
    #[arg(long, value_name = "SWITCH", value_parser = values::switch)]
    pub enabled: Option<bool>,
}

/// A value of an employee's own, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own<T>(pub Option<T>);

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;

    use super::*;
    use crate::cli::{Cli, Command, Enqueue};

    fn parse(line: &str) -> Result<Command, ErrorKind> {
        let cli = Cli::try_parse_from(line.split_whitespace()).map_err(|error| error.kind())?;
        Ok(cli.command.unwrap())
    }

    #[test]
    fn calendars_are_named_by_kuerzel_or_all_of_them_never_both_or_none() {
        let enqueue = |line| match parse(line) {
            Ok(Command::Enqueue { what: Enqueue::Calendar(arguments) }) => arguments,
            other => panic!("{line}: {other:?}"),
        };
        let some = enqueue("producer enqueue calendar SB AI");
        assert_eq!((some.kuerzel.len(), some.full_content, some.list_all), (2, None, false));
        let all = enqueue("producer enqueue calendar --all --full-content false --list-all");
        assert_eq!((all.all, all.full_content, all.list_all), (true, Some(false), true));
        let refused = |line: &str| parse(line).unwrap_err();
        assert_eq!(refused("producer enqueue calendar"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("producer enqueue calendar SB --all"), ErrorKind::ArgumentConflict);
        assert_eq!(refused("producer enqueue calendar SB --full-content yes"), ErrorKind::InvalidValue);
    }

    #[test]
    fn a_policy_is_set_part_by_part_and_never_by_nothing() {
        let set = |line: &str| match parse(&format!("producer policy set {line}")) {
            Ok(Command::Policy { what: Policy::Set(arguments) }) => arguments.parts,
            other => panic!("{line}: {other:?}"),
        };
        let all =
            set("SB --strategy last_change_wins --advoware-write off --anonymize on --calendar-id a@b --enabled off");
        assert_eq!(all.strategy, Some(Own(Some(SyncStrategy::LastChangeWins))));
        assert_eq!((all.advoware_write, all.anonymize), (Some(Own(Some(false))), Some(Own(Some(true)))));
        assert_eq!((all.calendar_id, all.enabled), (Some(Own(Some(CalendarId::parse("a@b").unwrap()))), Some(false)));
        let back = set("SB --strategy default --anonymize default --calendar-id none");
        assert_eq!((back.strategy, back.anonymize), (Some(Own(None)), Some(Own(None))));
        assert_eq!((back.calendar_id, back.advoware_write, back.enabled), (Some(Own(None)), None, None));
        for line in ["SB", ""] {
            assert_eq!(parse(&format!("producer policy set {line}")).unwrap_err(), ErrorKind::MissingRequiredArgument);
        }
        for line in ["--strategy newest", "--advoware-write yes", "--enabled default", "--calendar-id ä"] {
            assert_eq!(parse(&format!("producer policy set SB {line}")).unwrap_err(), ErrorKind::ValueValidation);
        }
    }
}
