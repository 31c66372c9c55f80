//! Values of arguments: directions, queues, switches, durations.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap_complete::Shell;
use domain::beteiligte::stammdaten::Side;
use domain::calendar::policy::SyncStrategy;
use domain::ids::{CalendarId, InvalidGoogleId};
use domain::kommunikation::Direction;
use shared::queue::{JobState, QueueName};
use uuid::Uuid;

use super::calendar::Own;

const DIRECTIONS: [Direction; 3] = [Direction::Both, Direction::ToEspocrm, Direction::ToAdvoware];

/// Seconds of a unit.
const UNITS: [(char, f64); 4] = [('s', 1.0), ('m', 60.0), ('h', 3600.0), ('d', 86_400.0)];

pub(super) fn direction() -> impl TypedValueParser<Value = Direction> {
    one_of(DIRECTIONS, Direction::name)
}

pub(super) fn side() -> impl TypedValueParser<Value = Side> {
    one_of(Side::ALL, Side::name)
}

pub(super) fn queue() -> impl TypedValueParser<Value = QueueName> {
    one_of(QueueName::ALL, QueueName::as_str)
}

pub(super) fn state() -> impl TypedValueParser<Value = JobState> {
    one_of(JobState::ALL, JobState::name)
}

/// Those that people ask for; the crate knows two more.
pub(super) fn shell() -> impl TypedValueParser<Value = Shell> {
    const SHELLS: [(&str, Shell); 3] = [("bash", Shell::Bash), ("zsh", Shell::Zsh), ("fish", Shell::Fish)];
    let name = |shell: Shell| SHELLS.iter().find(|(_, known)| *known == shell).map_or("", |(name, _)| *name);
    one_of(SHELLS.map(|(_, shell)| shell), name)
}

fn one_of<T, const N: usize>(values: [T; N], name: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(values.map(name)).try_map(move |text| {
        values.into_iter().find(|value| name(*value) == text).ok_or("expected one of the values above")
    })
}

pub(super) fn audit_id(text: &str) -> Result<Uuid, &'static str> {
    Uuid::parse_str(text)
        .map_err(|_| "expected an id as `audit history` shows it, like 01890000-0000-7000-8000-000000000000")
}

pub(super) fn switch(text: &str) -> Result<bool, &'static str> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("expected on or off"),
    }
}

pub(super) fn own_switch(text: &str) -> Result<Own<bool>, &'static str> {
    match text {
        "default" => Ok(Own(None)),
        text => switch(text).map(|is_on| Own(Some(is_on))).map_err(|_| "expected on, off or default"),
    }
}

pub(super) fn strategy(text: &str) -> Result<Own<SyncStrategy>, &'static str> {
    match text {
        "default" => Ok(Own(None)),
        text => match SyncStrategy::parse(text) {
            Some(strategy) => Ok(Own(Some(strategy))),
            None => Err("expected source_system_wins, last_change_wins or default"),
        },
    }
}

pub(super) fn calendar_id(text: &str) -> Result<Own<CalendarId>, InvalidGoogleId> {
    match text {
        "none" => Ok(Own(None)),
        text => CalendarId::parse(text).map(|id| Own(Some(id))),
    }
}

/// A number with its unit: `90s`, `15m`, `1.5h`, `7d`.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "expected a number with its unit: 90s, 15m, 24h or 7d";
    let is_number = |number: &str| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let (seconds, number) =
        UNITS.into_iter().find_map(|(unit, seconds)| Some((seconds, text.strip_suffix(unit)?))).ok_or(EXPECTED)?;
    let number: f64 = number.parse().ok().filter(|_| is_number(number)).ok_or(EXPECTED)?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| EXPECTED)
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;
    use clap::{Arg, Command};
    use proptest::prelude::*;

    use super::*;

    fn parsed<T: Clone + Send + Sync + 'static>(
        parser: impl TypedValueParser<Value = T>,
        text: &str,
    ) -> Result<T, ErrorKind> {
        let command = Command::new("test").arg(Arg::new("value").value_parser(parser));
        let found = command.try_get_matches_from(["test", text]).map_err(|error| error.kind())?;
        Ok(found.get_one("value").cloned().expect("the value was given"))
    }

    #[test]
    fn every_direction_queue_and_state_is_read_by_its_name() {
        for value in DIRECTIONS {
            assert_eq!(parsed(direction(), value.name()), Ok(value));
        }
        for value in QueueName::ALL {
            assert_eq!(parsed(queue(), value.as_str()), Ok(value));
        }
        for value in JobState::ALL {
            assert_eq!(parsed(state(), value.name()), Ok(value));
        }
        for other in ["", "Both", "to-espocrm", "to_google", "Dead", "all"] {
            assert_eq!(parsed(direction(), other), Err(ErrorKind::InvalidValue), "{other}");
            assert_eq!(parsed(queue(), other), Err(ErrorKind::InvalidValue), "{other}");
            assert_eq!(parsed(state(), other), Err(ErrorKind::InvalidValue), "{other}");
        }
    }

    #[test]
    fn durations_have_a_number_and_a_unit() {
        let cases = [("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800), ("1.5h", 5400), ("0s", 0)];
        for (text, seconds) in cases {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "90", "-1s", "+1s", "1e3s", "infs", "NaNs", "1 h", "1w", ".s", "1.2.3s", "1H", "5ms"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(duration(&format!("{}d", "9".repeat(400))).is_err(), "longer than a duration can be");
    }

    proptest! {
        #[test]
        fn no_text_for_a_duration_panics(text in ".*") {
            let _ = duration(&text);
        }
    }
}
