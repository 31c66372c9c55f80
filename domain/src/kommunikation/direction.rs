//! Which way a run may write (K8a).

/// Direction of a Kommunikation run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways, the normal case.
    #[default]
    Both,
    /// Only Advoware's changes go to EspoCRM. Used on request.
    ToEspocrm,
    /// Only EspoCRM's changes go to Advoware: after a Stammdaten conflict, or on request.
    ToAdvoware,
}

impl Direction {
    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::ToEspocrm => "to_espocrm",
            Self::ToAdvoware => "to_advoware",
        }
    }
}
