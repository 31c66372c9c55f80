//! The closed list of outside calls. Metrics, spans and errors name them from here.

/// An outside system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum System {
    /// The law firm software that holds the Stammdaten.
    Advoware,
    /// The CRM.
    Espocrm,
}

/// What repeating a call can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it may be repeated at will.
    Read,
    /// Nothing lasting, but a wrong password must not be repeated (DOMAIN 1).
    LogIn,
    /// It changes a record: never repeated blindly (K8b).
    Write,
}

/// One kind of outside call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Look-up of Advoware's base address.
    AdvowareUrl,
    /// Log-in at Advoware's gateway.
    AdvowareToken,
    /// One Beteiligte with its Kommunikationen.
    AdvowareGetBeteiligte,
    /// A new Beteiligte.
    AdvowarePostBeteiligte,
    /// The Stammdaten of an existing Beteiligte.
    AdvowarePutBeteiligte,
    /// A new Kommunikation.
    AdvowarePostKommunikation,
    /// An existing Kommunikation.
    AdvowarePutKommunikation,
    /// The Termine of a window that a Kürzel sees.
    AdvowareListTermine,
    /// One Termin.
    AdvowareGetTermin,
    /// A new Termin.
    AdvowarePostTermin,
    /// All fields of an existing Termin.
    AdvowarePutTermin,
    /// The deletion of a Termin.
    AdvowareDeleteTermin,
    /// All employees.
    AdvowareListMitarbeiter,
    /// One CBeteiligte.
    EspocrmGetBeteiligte,
    /// Partial update of one CBeteiligte.
    EspocrmUpdateBeteiligte,
    /// One page of CBeteiligte.
    EspocrmListBeteiligte,
    /// A post in a record's stream.
    EspocrmPostNote,
}

impl System {
    /// Both systems.
    pub const ALL: [Self; 2] = [Self::Advoware, Self::Espocrm];

    /// Label in metrics and spans.
    pub fn name(self) -> &'static str {
        match self {
            Self::Advoware => "advoware",
            Self::Espocrm => "espocrm",
        }
    }

    /// Name in texts for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Advoware => "Advoware",
            Self::Espocrm => "EspoCRM",
        }
    }
}

impl Operation {
    /// Every operation, for series that must exist from the start.
    pub const ALL: [Self; 17] = [
        Self::AdvowareUrl,
        Self::AdvowareToken,
        Self::AdvowareGetBeteiligte,
        Self::AdvowarePostBeteiligte,
        Self::AdvowarePutBeteiligte,
        Self::AdvowarePostKommunikation,
        Self::AdvowarePutKommunikation,
        Self::AdvowareListTermine,
        Self::AdvowareGetTermin,
        Self::AdvowarePostTermin,
        Self::AdvowarePutTermin,
        Self::AdvowareDeleteTermin,
        Self::AdvowareListMitarbeiter,
        Self::EspocrmGetBeteiligte,
        Self::EspocrmUpdateBeteiligte,
        Self::EspocrmListBeteiligte,
        Self::EspocrmPostNote,
    ];

    /// The system asked.
    pub fn system(self) -> System {
        match self {
            Self::AdvowareUrl
            | Self::AdvowareToken
            | Self::AdvowareGetBeteiligte
            | Self::AdvowarePostBeteiligte
            | Self::AdvowarePutBeteiligte
            | Self::AdvowarePostKommunikation
            | Self::AdvowarePutKommunikation
            | Self::AdvowareListTermine
            | Self::AdvowareGetTermin
            | Self::AdvowarePostTermin
            | Self::AdvowarePutTermin
            | Self::AdvowareDeleteTermin
            | Self::AdvowareListMitarbeiter => System::Advoware,
            Self::EspocrmGetBeteiligte
            | Self::EspocrmUpdateBeteiligte
            | Self::EspocrmListBeteiligte
            | Self::EspocrmPostNote => System::Espocrm,
        }
    }

    /// Label in metrics, spans and texts; unique within its system.
    pub fn name(self) -> &'static str {
        match self {
            Self::AdvowareUrl => "url",
            Self::AdvowareToken => "token",
            Self::AdvowareGetBeteiligte | Self::EspocrmGetBeteiligte => "get_beteiligte",
            Self::AdvowarePostBeteiligte => "post_beteiligte",
            Self::AdvowarePutBeteiligte => "put_beteiligte",
            Self::AdvowarePostKommunikation => "post_kommunikation",
            Self::AdvowarePutKommunikation => "put_kommunikation",
            Self::AdvowareListTermine => "list_termine",
            Self::AdvowareGetTermin => "get_termin",
            Self::AdvowarePostTermin => "post_termin",
            Self::AdvowarePutTermin => "put_termin",
            Self::AdvowareDeleteTermin => "delete_termin",
            Self::AdvowareListMitarbeiter => "list_mitarbeiter",
            Self::EspocrmUpdateBeteiligte => "update_beteiligte",
            Self::EspocrmListBeteiligte => "list_beteiligte",
            Self::EspocrmPostNote => "post_note",
        }
    }

    /// What repeating it can do.
    pub fn effect(self) -> Effect {
        match self {
            Self::AdvowareUrl
            | Self::AdvowareGetBeteiligte
            | Self::AdvowareListTermine
            | Self::AdvowareGetTermin
            | Self::AdvowareListMitarbeiter
            | Self::EspocrmGetBeteiligte
            | Self::EspocrmListBeteiligte => Effect::Read,
            Self::AdvowareToken => Effect::LogIn,
            Self::AdvowarePostBeteiligte
            | Self::AdvowarePutBeteiligte
            | Self::AdvowarePostKommunikation
            | Self::AdvowarePutKommunikation
            | Self::AdvowarePostTermin
            | Self::AdvowarePutTermin
            | Self::AdvowareDeleteTermin
            | Self::EspocrmUpdateBeteiligte
            | Self::EspocrmPostNote => Effect::Write,
        }
    }
}
