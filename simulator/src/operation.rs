//! The closed list of what can be asked of the outside systems, and how a request line maps to it.

use axum::http::Method;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// An outside system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// Configurator, security gateway and API.
    Advoware,
    /// The REST API.
    Espocrm,
    /// Token endpoint and Calendar API.
    Google,
}

/// One kind of request. The serialised names (`advoware.get_beteiligte`) are what journal and faults use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// Base address look-up at the configurator.
    #[serde(rename = "advoware.url")]
    AdvowareUrl,
    /// Token of the security gateway.
    #[serde(rename = "advoware.token")]
    AdvowareToken,
    /// One Beteiligter with all Kommunikationen.
    #[serde(rename = "advoware.get_beteiligte")]
    GetBeteiligte,
    /// Replaces the Stammdaten.
    #[serde(rename = "advoware.put_beteiligte")]
    PutBeteiligte,
    /// Creates a Beteiligter.
    #[serde(rename = "advoware.post_beteiligte")]
    PostBeteiligte,
    /// Creates a Kommunikation.
    #[serde(rename = "advoware.post_kommunikation")]
    PostKommunikation,
    /// Replaces a Kommunikation.
    #[serde(rename = "advoware.put_kommunikation")]
    PutKommunikation,
    /// Always 403.
    #[serde(rename = "advoware.delete_kommunikation")]
    DeleteKommunikation,
    /// The Termine of a window that a Kürzel sees.
    #[serde(rename = "advoware.list_termine")]
    ListTermine,
    /// One Termin by its frNr.
    #[serde(rename = "advoware.get_termin")]
    GetTermin,
    /// Creates a Termin.
    #[serde(rename = "advoware.post_termin")]
    PostTermin,
    /// Replaces a Termin.
    #[serde(rename = "advoware.put_termin")]
    PutTermin,
    /// Removes a Termin.
    #[serde(rename = "advoware.delete_termin")]
    DeleteTermin,
    /// The employees.
    #[serde(rename = "advoware.mitarbeiter")]
    ListMitarbeiter,
    /// Anything else sent to Advoware.
    #[serde(rename = "advoware.unknown")]
    AdvowareUnknown,
    /// One CBeteiligte.
    #[serde(rename = "espocrm.get")]
    EspoGet,
    /// A page of CBeteiligte.
    #[serde(rename = "espocrm.list")]
    EspoList,
    /// Creates a CBeteiligte.
    #[serde(rename = "espocrm.post")]
    EspoPost,
    /// PUT or PATCH of a CBeteiligte: partial update.
    #[serde(rename = "espocrm.put")]
    EspoPut,
    /// Soft deletion of a CBeteiligte.
    #[serde(rename = "espocrm.delete")]
    EspoDelete,
    /// A stream note.
    #[serde(rename = "espocrm.post_note")]
    EspoPostNote,
    /// Always 403 for an API user.
    #[serde(rename = "espocrm.post_notification")]
    EspoPostNotification,
    /// What a user sees of the metadata.
    #[serde(rename = "espocrm.metadata")]
    EspoMetadata,
    /// Who the caller is: rights and settings.
    #[serde(rename = "espocrm.app_user")]
    EspoAppUser,
    /// A page of the API user's own webhooks.
    #[serde(rename = "espocrm.list_webhooks")]
    EspoListWebhooks,
    /// One of them.
    #[serde(rename = "espocrm.get_webhook")]
    EspoGetWebhook,
    /// Creates one.
    #[serde(rename = "espocrm.post_webhook")]
    EspoPostWebhook,
    /// PUT or PATCH of one.
    #[serde(rename = "espocrm.put_webhook")]
    EspoPutWebhook,
    /// Deletes one.
    #[serde(rename = "espocrm.delete_webhook")]
    EspoDeleteWebhook,
    /// Anything else sent to EspoCRM.
    #[serde(rename = "espocrm.unknown")]
    EspoUnknown,
    /// Access token of the service account.
    #[serde(rename = "google.token")]
    GoogleToken,
    /// Creates a calendar.
    #[serde(rename = "google.insert_calendar")]
    GoogleCalendarInsert,
    /// One calendar.
    #[serde(rename = "google.get_calendar")]
    GoogleCalendarGet,
    /// A page of the service account's list of calendars.
    #[serde(rename = "google.list_calendars")]
    GoogleCalendarList,
    /// Puts a shared calendar into that list.
    #[serde(rename = "google.add_to_calendar_list")]
    GoogleCalendarListInsert,
    /// Shares a calendar.
    #[serde(rename = "google.insert_acl")]
    GoogleAclInsert,
    /// A page of a calendar's rules.
    #[serde(rename = "google.list_acl")]
    GoogleAclList,
    /// A page of events.
    #[serde(rename = "google.list_events")]
    GoogleEventList,
    /// One event.
    #[serde(rename = "google.get_event")]
    GoogleEventGet,
    /// Creates an event.
    #[serde(rename = "google.insert_event")]
    GoogleEventInsert,
    /// Changes parts of an event.
    #[serde(rename = "google.patch_event")]
    GoogleEventPatch,
    /// Replaces an event.
    #[serde(rename = "google.update_event")]
    GoogleEventUpdate,
    /// Deletes an event.
    #[serde(rename = "google.delete_event")]
    GoogleEventDelete,
    /// Anything else sent to Google.
    #[serde(rename = "google.unknown")]
    GoogleUnknown,
}

impl Operation {
    /// The system that is asked.
    pub fn system(self) -> System {
        match self {
            Self::AdvowareUrl
            | Self::AdvowareToken
            | Self::GetBeteiligte
            | Self::PutBeteiligte
            | Self::PostBeteiligte
            | Self::PostKommunikation
            | Self::PutKommunikation
            | Self::DeleteKommunikation
            | Self::ListTermine
            | Self::GetTermin
            | Self::PostTermin
            | Self::PutTermin
            | Self::DeleteTermin
            | Self::ListMitarbeiter
            | Self::AdvowareUnknown => System::Advoware,
            Self::EspoGet
            | Self::EspoList
            | Self::EspoPost
            | Self::EspoPut
            | Self::EspoDelete
            | Self::EspoPostNote
            | Self::EspoPostNotification
            | Self::EspoMetadata
            | Self::EspoAppUser
            | Self::EspoListWebhooks
            | Self::EspoGetWebhook
            | Self::EspoPostWebhook
            | Self::EspoPutWebhook
            | Self::EspoDeleteWebhook
            | Self::EspoUnknown => System::Espocrm,
            Self::GoogleToken
            | Self::GoogleCalendarInsert
            | Self::GoogleCalendarGet
            | Self::GoogleCalendarList
            | Self::GoogleCalendarListInsert
            | Self::GoogleAclInsert
            | Self::GoogleAclList
            | Self::GoogleEventList
            | Self::GoogleEventGet
            | Self::GoogleEventInsert
            | Self::GoogleEventPatch
            | Self::GoogleEventUpdate
            | Self::GoogleEventDelete
            | Self::GoogleUnknown => System::Google,
        }
    }
}

/// What a request asks for, and of which records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) operation: Operation,
    /// Ids in the path or query: betnr and komm id, the frNr, the Kürzel of a list, the EspoCRM id, or calendar and
    /// event, decoded.
    pub(crate) keys: Vec<String>,
}

pub(crate) const ADVOWARE_PREFIX: &str = "/advoware/";
pub(crate) const CONFIGURATOR_PREFIX: &str = "/AdvonetConfigurator/";
pub(crate) const SECURITY_PREFIX: &str = "/security/";
pub(crate) const ESPOCRM_PREFIX: &str = "/espocrm/api/v1";
pub(crate) const GOOGLE_CALENDAR_PREFIX: &str = "/google/calendar/v3/";
pub(crate) const GOOGLE_TOKEN_PATH: &str = "/google/token";

/// Reads the request line; `None` where no system lives. `entity` is EspoCRM's name of the entity type.
pub(crate) fn route(method: &Method, path: &str, entity: &str) -> Option<Route> {
    if let Some(rest) = path.strip_prefix(ADVOWARE_PREFIX) {
        return Some(advoware_route(method, rest));
    }
    if let Some(rest) = path.strip_prefix(ESPOCRM_PREFIX) {
        return Some(espocrm_route(method, rest.trim_start_matches('/'), entity));
    }
    if let Some(rest) = path.strip_prefix(GOOGLE_CALENDAR_PREFIX) {
        return Some(google_route(method, rest));
    }
    let operation = if path == GOOGLE_TOKEN_PATH {
        if method == Method::POST { Operation::GoogleToken } else { Operation::GoogleUnknown }
    } else if let Some(rest) = path.strip_prefix(CONFIGURATOR_PREFIX) {
        if rest == "api/Url" && method == Method::GET { Operation::AdvowareUrl } else { Operation::AdvowareUnknown }
    } else if let Some(rest) = path.strip_prefix(SECURITY_PREFIX) {
        if rest == "api/v1/Token" && method == Method::POST {
            Operation::AdvowareToken
        } else {
            Operation::AdvowareUnknown
        }
    } else {
        return None;
    };
    Some(Route { operation, keys: Vec::new() })
}

fn advoware_route(method: &Method, rest: &str) -> Route {
    let segments: Vec<&str> = rest.split('/').collect();
    let Some(inner) = segments.strip_prefix(&["api", "v1", "advonet", "Beteiligte"]) else {
        return Route { operation: Operation::AdvowareUnknown, keys: Vec::new() };
    };
    let operation = match (method.as_str(), inner) {
        ("POST", []) => Operation::PostBeteiligte,
        ("GET", [_]) => Operation::GetBeteiligte,
        ("PUT", [_]) => Operation::PutBeteiligte,
        ("POST", [_, "Kommunikationen"]) => Operation::PostKommunikation,
        ("PUT", [_, "Kommunikationen", _]) => Operation::PutKommunikation,
        ("DELETE", [_, "Kommunikationen", _]) => Operation::DeleteKommunikation,
        _ => Operation::AdvowareUnknown,
    };
    let keys = inner.iter().filter(|segment| **segment != "Kommunikationen").map(ToString::to_string).collect();
    Route { operation, keys }
}

fn espocrm_route(method: &Method, rest: &str, entity: &str) -> Route {
    let segments: Vec<&str> = rest.split('/').collect();
    let (operation, key) = match (method.as_str(), segments.as_slice()) {
        ("GET", [name]) if *name == entity => (Operation::EspoList, None),
        ("POST", [name]) if *name == entity => (Operation::EspoPost, None),
        ("GET", [name, id]) if *name == entity => (Operation::EspoGet, Some(*id)),
        ("PUT" | "PATCH", [name, id]) if *name == entity => (Operation::EspoPut, Some(*id)),
        ("DELETE", [name, id]) if *name == entity => (Operation::EspoDelete, Some(*id)),
        ("POST", ["Note"]) => (Operation::EspoPostNote, None),
        ("POST", ["Notification"]) => (Operation::EspoPostNotification, None),
        ("GET", ["Metadata"]) => (Operation::EspoMetadata, None),
        ("GET", ["App", "user"]) => (Operation::EspoAppUser, None),
        ("GET", ["Webhook"]) => (Operation::EspoListWebhooks, None),
        ("POST", ["Webhook"]) => (Operation::EspoPostWebhook, None),
        ("GET", ["Webhook", id]) => (Operation::EspoGetWebhook, Some(*id)),
        ("PUT" | "PATCH", ["Webhook", id]) => (Operation::EspoPutWebhook, Some(*id)),
        ("DELETE", ["Webhook", id]) => (Operation::EspoDeleteWebhook, Some(*id)),
        _ => (Operation::EspoUnknown, None),
    };
    Route { operation, keys: key.map(str::to_owned).into_iter().collect() }
}

fn google_route(method: &Method, rest: &str) -> Route {
    let segments: Vec<&str> = rest.split('/').collect();
    let (operation, keys) = match (method.as_str(), segments.as_slice()) {
        ("POST", ["calendars"]) => (Operation::GoogleCalendarInsert, vec![]),
        ("GET", ["calendars", id]) => (Operation::GoogleCalendarGet, vec![*id]),
        ("GET", ["users", "me", "calendarList"]) => (Operation::GoogleCalendarList, vec![]),
        ("POST", ["users", "me", "calendarList"]) => (Operation::GoogleCalendarListInsert, vec![]),
        ("POST", ["calendars", id, "acl"]) => (Operation::GoogleAclInsert, vec![*id]),
        ("GET", ["calendars", id, "acl"]) => (Operation::GoogleAclList, vec![*id]),
        ("GET", ["calendars", id, "events"]) => (Operation::GoogleEventList, vec![*id]),
        ("POST", ["calendars", id, "events"]) => (Operation::GoogleEventInsert, vec![*id]),
        ("GET", ["calendars", id, "events", event]) => (Operation::GoogleEventGet, vec![*id, *event]),
        ("PATCH", ["calendars", id, "events", event]) => (Operation::GoogleEventPatch, vec![*id, *event]),
        ("PUT", ["calendars", id, "events", event]) => (Operation::GoogleEventUpdate, vec![*id, *event]),
        ("DELETE", ["calendars", id, "events", event]) => (Operation::GoogleEventDelete, vec![*id, *event]),
        _ => (Operation::GoogleUnknown, vec![]),
    };
    let keys = keys.into_iter().map(|key| percent_decode_str(key).decode_utf8_lossy().into_owned()).collect();
    Route { operation, keys }
}
