//! Who wins where both sides changed the same field.

/// What is done about a conflict in the Stammdaten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConflictPolicy {
    /// EspoCRM's value goes to Advoware.
    #[default]
    EspocrmWins,
    /// The value of the record that was changed last.
    NewestWins,
    /// The field is left alone on both sides until a person decides.
    Manual,
}

impl ConflictPolicy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::EspocrmWins, Self::NewestWins, Self::Manual];

    /// Its name in settings and texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::EspocrmWins => "espocrm_wins",
            Self::NewestWins => "newest_wins",
            Self::Manual => "manual",
        }
    }

    /// Reads [`Self::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}
