//! Reads settings one by one and gathers what is wrong with them.
//!
//! Each method answers `None` after noting a problem, so a part is built with `?` after all of its settings were read:
//! then every problem is in the list, not only the first.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use super::{SettingsError, Source};

/// Seconds in the unit that a duration's name ends in.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
}

impl Unit {
    fn seconds(self) -> f64 {
        match self {
            Self::Seconds => 1.0,
            Self::Minutes => 60.0,
            Self::Hours => 3600.0,
            Self::Days => 86_400.0,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
        }
    }
}

pub(super) struct Reader<'a> {
    source: &'a Source,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Reads one program's or part's settings with `part`.
    pub(super) fn read<T>(source: &'a Source, part: fn(&mut Self) -> Option<T>) -> Result<T, SettingsError> {
        let mut reader = Self { source, problems: Vec::new() };
        match part(&mut reader) {
            Some(settings) if reader.problems.is_empty() => Ok(settings),
            _ => Err(SettingsError { problems: reader.problems }),
        }
    }

    /// Notes that `name` is wrong. `expected` must not contain the value.
    pub(super) fn problem(&mut self, name: &str, expected: impl Display) {
        let problem = format!("{name}: {expected}");
        // Several parts may read one setting.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    pub(super) fn optional(&self, name: &str) -> Option<&'a str> {
        self.source.get(name)
    }

    pub(super) fn text(&self, name: &str, default: &str) -> String {
        self.source.get(name).unwrap_or(default).to_owned()
    }

    pub(super) fn required(&mut self, name: &str) -> Option<String> {
        let value = self.source.get(name);
        if value.is_none() {
            self.problem(name, "missing");
        }
        value.map(str::to_owned)
    }

    /// A value that `parse` understands; its error says what is expected.
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let read = parse(self.source.get(name).unwrap_or(default));
        read.map_err(|expected| self.problem(name, expected)).ok()
    }

    /// As [`Self::parsed`], for a setting without default.
    pub(super) fn required_parsed<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let text = self.required(name)?;
        parse(&text).map_err(|expected| self.problem(name, expected)).ok()
    }

    /// A whole number within `range`.
    pub(super) fn number<T>(&mut self, name: &str, default: T, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.source.get(name) else { return Some(default) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            self.problem(name, format_args!("expected a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// A time span above zero, in `unit`, fractions allowed.
    pub(super) fn duration(&mut self, name: &str, unit: Unit, default: f64) -> Option<Duration> {
        let text = self.source.get(name);
        let span = text.map_or_else(|| span_of(default, unit), |text| parse_span(text, unit));
        if span.is_none() {
            self.problem(name, format_args!("expected a number of {} above 0, such as 30 or 0.5", unit.name()));
        }
        span
    }

    /// As [`Self::duration`], of something that 0 switches off: then `Some(None)`.
    #[expect(clippy::option_option, reason = "wrong, off, on")]
    pub(super) fn duration_or_off(&mut self, name: &str, unit: Unit, default: f64) -> Option<Option<Duration>> {
        let amount = self.source.get(name).map(|text| text.trim().parse::<f64>());
        if amount == Some(Ok(0.0)) {
            return Some(None);
        }
        let span = self.source.get(name).map_or_else(|| span_of(default, unit), |text| parse_span(text, unit));
        if span.is_none() {
            self.problem(name, format_args!("expected a number of {} such as 24 or 0.5, or 0 for never", unit.name()));
        }
        span.map(Some)
    }

    /// Time spans separated by commas; at least one.
    pub(super) fn durations(&mut self, name: &str, unit: Unit, default: &str) -> Option<Vec<Duration>> {
        let text = self.source.get(name).unwrap_or(default);
        let spans = text.split(',').map(|part| parse_span(part, unit)).collect::<Option<Vec<_>>>();
        if spans.is_none() {
            self.problem(
                name,
                format_args!("expected {} above 0, separated by commas, such as {default}", unit.name()),
            );
        }
        spans
    }

    /// A secret from `name` or from the file that `name_FILE` names. `None` without a problem means: not set.
    pub(super) fn secret(&mut self, name: &str) -> Option<SecretString> {
        let file_name = format!("{name}_FILE");
        match (self.source.get(name), self.source.get(&file_name)) {
            (Some(value), None) => Some(SecretString::from(value)),
            (None, Some(path)) => self.secret_file(&file_name, path),
            (Some(_), Some(_)) => {
                self.problem(name, format_args!("given twice, set either it or {file_name}"));
                None
            }
            (None, None) => None,
        }
    }

    /// As [`Self::secret`]; a missing one is a problem.
    pub(super) fn required_secret(&mut self, name: &str) -> Option<SecretString> {
        let before = self.problems.len();
        let secret = self.secret(name);
        if secret.is_none() && self.problems.len() == before {
            self.problem(name, format_args!("missing (or name a file that holds it in {name}_FILE)"));
        }
        secret
    }

    fn secret_file(&mut self, file_name: &str, path: &str) -> Option<SecretString> {
        let content = self.file(file_name, path)?;
        // An empty file is a secret that is not used, as in the compose set-up: a required one is then told as missing.
        Some(content.trim()).filter(|secret| !secret.is_empty()).map(SecretString::from)
    }

    /// The content of the file that the setting `name` names.
    pub(super) fn file(&mut self, name: &str, path: &str) -> Option<String> {
        let content = std::fs::read_to_string(path);
        content.map_err(|error| self.problem(name, format_args!("the file cannot be read ({})", error.kind()))).ok()
    }
}

fn parse_span(text: &str, unit: Unit) -> Option<Duration> {
    span_of(text.trim().parse().ok()?, unit)
}

fn span_of(amount: f64, unit: Unit) -> Option<Duration> {
    // Refuses NaN, negative, infinite and overlong spans; zero is refused because a loop without pause is never meant.
    Duration::try_from_secs_f64(amount * unit.seconds()).ok().filter(|span| !span.is_zero())
}
