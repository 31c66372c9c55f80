//! The closed list of outside calls. Metrics, spans and errors name them from here.

/// An outside system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum System {
    /// The law firm software that holds the Stammdaten.
    Advoware,
    /// The CRM.
    Espocrm,
    /// The employees' calendars.
    Google,
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
    /// It changes a record, and the system itself sees to it that it does so once: under an id that we chose, or only if the record is as
    /// it was read.
    WriteOnce,
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
    /// What EspoCRM tells of its own set-up: metadata, rights, settings.
    EspocrmSetUp,
    /// Our webhooks.
    EspocrmListWebhooks,
    /// A webhook, created, changed or deleted.
    EspocrmWriteWebhook,
    /// Access token of the service account.
    GoogleToken,
    /// One calendar.
    GoogleGetCalendar,
    /// One page of the service account's own list of calendars.
    GoogleListCalendars,
    /// A new calendar.
    GoogleInsertCalendar,
    /// One page of the rules that say who may do what with a calendar.
    GoogleListAcl,
    /// A new rule.
    GoogleInsertAcl,
    /// One page of events.
    GoogleListEvents,
    /// One event.
    GoogleGetEvent,
    /// A new event, under an id that we chose.
    GoogleInsertEvent,
    /// Some fields of an event that is as it was read.
    GooglePatchEvent,
    /// The deletion of an event that is as it was read.
    GoogleDeleteEvent,
}

impl Effect {
    /// Whether it changes a record.
    pub fn is_write(self) -> bool {
        match self {
            Self::Read | Self::LogIn => false,
            Self::Write | Self::WriteOnce => true,
        }
    }

    /// Whether a call that may have been carried out may be sent again as it is.
    pub(crate) fn is_repeatable(self) -> bool {
        match self {
            Self::Read | Self::WriteOnce => true,
            Self::LogIn | Self::Write => false,
        }
    }
}

impl System {
    /// Every system.
    pub const ALL: [Self; 3] = [Self::Advoware, Self::Espocrm, Self::Google];

    /// Label in metrics and spans.
    pub fn name(self) -> &'static str {
        match self {
            Self::Advoware => "advoware",
            Self::Espocrm => "espocrm",
            Self::Google => "google",
        }
    }

    /// Name in texts for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Advoware => "Advoware",
            Self::Espocrm => "EspoCRM",
            Self::Google => "Google Calendar",
        }
    }
}

impl Operation {
    /// Every operation, for series that must exist from the start.
    pub const ALL: [Self; 31] = [
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
        Self::EspocrmSetUp,
        Self::EspocrmListWebhooks,
        Self::EspocrmWriteWebhook,
        Self::GoogleToken,
        Self::GoogleGetCalendar,
        Self::GoogleListCalendars,
        Self::GoogleInsertCalendar,
        Self::GoogleListAcl,
        Self::GoogleInsertAcl,
        Self::GoogleListEvents,
        Self::GoogleGetEvent,
        Self::GoogleInsertEvent,
        Self::GooglePatchEvent,
        Self::GoogleDeleteEvent,
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
            | Self::EspocrmPostNote
            | Self::EspocrmSetUp
            | Self::EspocrmListWebhooks
            | Self::EspocrmWriteWebhook => System::Espocrm,
            Self::GoogleToken
            | Self::GoogleGetCalendar
            | Self::GoogleListCalendars
            | Self::GoogleInsertCalendar
            | Self::GoogleListAcl
            | Self::GoogleInsertAcl
            | Self::GoogleListEvents
            | Self::GoogleGetEvent
            | Self::GoogleInsertEvent
            | Self::GooglePatchEvent
            | Self::GoogleDeleteEvent => System::Google,
        }
    }

    /// Label in metrics, spans and texts; unique within its system.
    pub fn name(self) -> &'static str {
        match self {
            Self::AdvowareUrl => "url",
            Self::AdvowareToken | Self::GoogleToken => "token",
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
            Self::EspocrmSetUp => "set_up",
            Self::EspocrmListWebhooks => "list_webhooks",
            Self::EspocrmWriteWebhook => "write_webhook",
            Self::GoogleGetCalendar => "get_calendar",
            Self::GoogleListCalendars => "list_calendars",
            Self::GoogleInsertCalendar => "insert_calendar",
            Self::GoogleListAcl => "list_acl",
            Self::GoogleInsertAcl => "insert_acl",
            Self::GoogleListEvents => "list_events",
            Self::GoogleGetEvent => "get_event",
            Self::GoogleInsertEvent => "insert_event",
            Self::GooglePatchEvent => "patch_event",
            Self::GoogleDeleteEvent => "delete_event",
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
            | Self::EspocrmListBeteiligte
            | Self::EspocrmSetUp
            | Self::EspocrmListWebhooks
            | Self::GoogleGetCalendar
            | Self::GoogleListCalendars
            | Self::GoogleListAcl
            | Self::GoogleListEvents
            | Self::GoogleGetEvent => Effect::Read,
            Self::AdvowareToken | Self::GoogleToken => Effect::LogIn,
            Self::AdvowarePostBeteiligte
            | Self::AdvowarePutBeteiligte
            | Self::AdvowarePostKommunikation
            | Self::AdvowarePutKommunikation
            | Self::AdvowarePostTermin
            | Self::AdvowarePutTermin
            | Self::AdvowareDeleteTermin
            | Self::EspocrmUpdateBeteiligte
            | Self::EspocrmPostNote
            | Self::EspocrmWriteWebhook
            | Self::GoogleInsertCalendar
            | Self::GoogleInsertAcl => Effect::Write,
            Self::GoogleInsertEvent | Self::GooglePatchEvent | Self::GoogleDeleteEvent => Effect::WriteOnce,
        }
    }

    /// How many requests of the quota a call counts as (DOMAIN 6).
    pub(crate) fn quota_units(self) -> u32 {
        if self == Self::GooglePatchEvent { 3 } else { 1 }
    }
}
