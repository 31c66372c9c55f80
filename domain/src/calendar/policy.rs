//! What happens to one row of the hub: the tables of C5 and C6.

/// What became of a row's entry on one side since the row was last agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// It says what it said.
    Same,
    /// It says something else.
    Changed,
    /// It is gone, with evidence (C4).
    Missing,
}

/// System in which an entry was born.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Advoware.
    Advoware,
    /// Google.
    Google,
}

/// Who wins where the sides differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SyncStrategy {
    /// The system in which the entry was born.
    #[default]
    SourceSystemWins,
    /// The system that changed it, and of two the one that did so last.
    LastChangeWins,
}

/// Which side changed last, where both did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Newer {
    /// Advoware.
    Advoware,
    /// Google.
    Google,
    /// The times are equal, or one is missing.
    Unknown,
}

/// Which rows may be written to Advoware (`CALENDAR_SYNC_ADVOWARE_WRITE`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AdvowareWrite {
    /// Those born in Google.
    #[default]
    GoogleBorn,
    /// All.
    All,
    /// None.
    Off,
}

/// One row of the hub, as a run sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// Its Termin.
    pub advoware: Side,
    /// Its event.
    pub google: Side,
    /// Where it was born.
    pub source: Source,
    /// Who wins.
    pub strategy: SyncStrategy,
    /// Whether it may be written to Advoware.
    pub advoware_write_allowed: bool,
    /// Which side changed last; of no weight unless both did.
    pub newer: Newer,
    /// The event is what the Termin is projected to (C6); of no weight unless both are there.
    pub agree: bool,
}

/// What a run does about a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nothing.
    Nothing,
    /// The sides agree: what they say is stored, nothing is written.
    StoreBases,
    /// The event is made to say what the Termin says.
    UpdateGoogle,
    /// The Termin is made to say what the event says.
    UpdateAdvoware,
    /// The event is created again, with a new id.
    RecreateGoogle,
    /// The Termin is created again, with a new frNr.
    RecreateAdvoware,
    /// The event is deleted and the row soft-deleted.
    DeleteGoogle,
    /// The Termin is deleted and the row soft-deleted.
    DeleteAdvoware,
    /// Both are gone: the row is soft-deleted.
    SoftDelete,
}

impl Source {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Advoware, Self::Google];

    /// Its name in the hub.
    pub fn name(self) -> &'static str {
        match self {
            Self::Advoware => "advoware",
            Self::Google => "google",
        }
    }

    /// Reads [`Self::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

impl SyncStrategy {
    /// Both.
    pub const ALL: [Self; 2] = [Self::SourceSystemWins, Self::LastChangeWins];

    /// Its name in settings and the hub.
    pub fn name(self) -> &'static str {
        match self {
            Self::SourceSystemWins => "source_system_wins",
            Self::LastChangeWins => "last_change_wins",
        }
    }

    /// Reads [`Self::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.name() == name)
    }
}

impl AdvowareWrite {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::GoogleBorn, Self::All, Self::Off];

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::GoogleBorn => "google_born",
            Self::All => "all",
            Self::Off => "off",
        }
    }

    /// Reads [`Self::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|write| write.name() == name)
    }

    /// Whether a row born in `source` may be written to Advoware. An employee's policy goes before the setting, for all
    /// rows.
    pub fn allowed(self, source: Source, policy_override: Option<bool>) -> bool {
        policy_override.unwrap_or(match (self, source) {
            (Self::GoogleBorn, Source::Google) | (Self::All, Source::Advoware | Source::Google) => true,
            (Self::GoogleBorn, Source::Advoware) | (Self::Off, Source::Advoware | Source::Google) => false,
        })
    }
}

/// C5 and C6.
pub fn verdict(row: Row) -> Verdict {
    match (row.advoware, row.google) {
        (Side::Same, Side::Same) => Verdict::Nothing,
        (Side::Missing, Side::Missing) => Verdict::SoftDelete,
        (Side::Changed, Side::Same | Side::Changed) | (Side::Same, Side::Changed) if row.agree => Verdict::StoreBases,
        (Side::Same | Side::Changed, Side::Same | Side::Changed) => match winner(row) {
            Source::Advoware => Verdict::UpdateGoogle,
            Source::Google => Verdict::UpdateAdvoware,
        },
        (Side::Missing, Side::Same | Side::Changed) => match winner(row) {
            Source::Advoware => Verdict::DeleteGoogle,
            Source::Google => Verdict::RecreateAdvoware,
        },
        (Side::Same | Side::Changed, Side::Missing) => match winner(row) {
            Source::Advoware => Verdict::RecreateGoogle,
            Source::Google => Verdict::DeleteAdvoware,
        },
    }
}

/// The side that the other is made equal to.
fn winner(row: Row) -> Source {
    if !row.advoware_write_allowed {
        return Source::Advoware;
    }
    match row.strategy {
        SyncStrategy::SourceSystemWins => row.source,
        SyncStrategy::LastChangeWins => match (row.advoware, row.google) {
            // An edit goes before a deletion, and either before what stayed the same.
            (Side::Changed, Side::Same | Side::Missing) | (Side::Missing, Side::Same) => Source::Advoware,
            (Side::Same | Side::Missing, Side::Changed) | (Side::Same, Side::Missing) => Source::Google,
            (Side::Changed, Side::Changed) => match row.newer {
                Newer::Advoware => Source::Advoware,
                Newer::Google => Source::Google,
                Newer::Unknown => row.source,
            },
            (Side::Same, Side::Same) | (Side::Missing, Side::Missing) => row.source,
        },
    }
}

#[cfg(test)]
mod tests;
