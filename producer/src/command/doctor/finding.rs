//! What the doctor says.

use serde::Serialize;

/// One line: what was found where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    pub(super) area: Area,
    /// Ids, names of settings and kinds; no value of a record and no secret.
    pub(super) found: String,
    /// Empty where nothing is to be done.
    pub(super) advice: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// It works, but something gets lost or stays undone.
    Warning,
    /// A sync fails, or does harm.
    Problem,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Area {
    Settings,
    Redis,
    Postgresql,
    Workers,
    Advoware,
    Espocrm,
    Webhooks,
    Google,
    Clocks,
}

impl Area {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Redis => "redis",
            Self::Postgresql => "postgresql",
            Self::Workers => "workers",
            Self::Advoware => "advoware",
            Self::Espocrm => "espocrm",
            Self::Webhooks => "webhooks",
            Self::Google => "google",
            Self::Clocks => "clocks",
        }
    }

    pub(super) fn ok(self, found: impl Into<String>) -> Finding {
        Finding { level: Level::Ok, area: self, found: found.into(), advice: String::new() }
    }

    pub(super) fn warning(self, found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { level: Level::Warning, area: self, found: found.into(), advice: advice.into() }
    }

    pub(super) fn problem(self, found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { level: Level::Problem, area: self, found: found.into(), advice: advice.into() }
    }
}

impl Level {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "PROBLEM",
        }
    }
}
