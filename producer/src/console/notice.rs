//! What a page says after something was done, and why something was not.

use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use shared::hub::HubError;
use shared::queue::QueueError;

use super::guard::Visit;
use super::language::Language;
use super::layout::{self, Area};
use super::{audit, beteiligte};
use crate::command::calendar::TriggerError;

/// Why a request was refused. Says what to do, and nothing that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// The session is over.
    LoggedOut,
    /// Asked for under a name that is not this machine's.
    ForeignName,
    /// Not from a form of ours, or from one of a session that is over.
    ForeignForm,
    /// Wrong keys without end.
    TooOften,
    /// More than a form of ours sends.
    TooLarge,
    /// Not what a form of ours sends.
    Malformed,
    /// There is no such thing.
    NotFound,
    /// There is no such page.
    NoPage,
    /// The page is not asked for in this way.
    WrongMethod,
    /// Searched for by something that is no id. It may be a name, so it is not repeated.
    NoId(Search),
    /// Searched for among the Beteiligte, and nobody has such an id. It may be a name, too.
    NoHit,
    /// PostgreSQL is away or refuses.
    Hub(String),
    /// Redis is away.
    Queue(String),
    /// It cannot be done as things stand.
    Refused {
        /// Why, and what to do.
        english: String,
        /// The same.
        german: String,
    },
}

/// Where something was searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    Beteiligte,
    Audit,
}

/// What was done, as the address of the next page carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Done {
    Requeued,
    Deleted,
    Paused,
    Resumed,
    Saved,
    Approved,
    Asked,
}

/// The query that [`Done::address`] writes. Whatever else stands there is not shown.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Told {
    #[serde(default)]
    done: Option<Done>,
    #[serde(default)]
    count: Option<u64>,
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::LoggedOut | Self::ForeignName | Self::ForeignForm => StatusCode::FORBIDDEN,
            Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed | Self::NoId(_) => StatusCode::BAD_REQUEST,
            Self::NotFound | Self::NoPage | Self::NoHit => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Hub(_) | Self::Queue(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused { .. } => StatusCode::CONFLICT,
        }
    }

    fn text(&self, language: Language) -> String {
        let say = |english: &str, german: &str| language.say(english, german).to_owned();
        match self {
            Self::LoggedOut => say(
                "You are not logged in any more, and nothing was done. Log in and do it again.",
                "Sie sind nicht mehr angemeldet, und nichts wurde getan. Melden Sie sich an und wiederholen Sie es.",
            ),
            Self::ForeignName => say(
                "Without PRODUCER_API_KEY the console answers on this machine only, as localhost.",
                "Ohne PRODUCER_API_KEY antwortet die Konsole nur auf diesem Rechner, als localhost.",
            ),
            Self::ForeignForm => say(
                "This did not come from a page of the console, or from one that was too old. Nothing was done. Load the page anew.",
                "Das kam nicht von einer Seite der Konsole, oder von einer zu alten. Nichts wurde getan. Laden Sie die Seite neu.",
            ),
            Self::TooOften => say(
                "Too many wrong keys within a minute. Wait for the next one.",
                "Zu viele falsche Schlüssel in einer Minute. Warten Sie die nächste ab.",
            ),
            Self::TooLarge => {
                say("That is too much at once. Nothing was done.", "Das ist zu viel auf einmal. Nichts wurde getan.")
            }
            Self::Malformed => say(
                "That could not be read. Nothing was done. Load the page anew.",
                "Das war nicht lesbar. Nichts wurde getan. Laden Sie die Seite neu.",
            ),
            Self::NotFound => say("There is nothing here by that id.", "Unter dieser Kennung gibt es hier nichts."),
            Self::NoPage => say("There is no such page.", "Diese Seite gibt es nicht."),
            Self::WrongMethod => say(
                "This page is not asked for in this way. Nothing was done.",
                "So lässt sich diese Seite nicht abrufen. Nichts wurde getan.",
            ),
            Self::NoHit => say(
                "No record has this id in EspoCRM or this number in Advoware (betnr), as far as the sync knows.",
                "Kein Datensatz hat diese Kennung in EspoCRM oder diese Nummer in Advoware (betnr), soweit die Synchronisation weiß.",
            ),
            Self::NoId(_) => say(
                "That is no id. Search by the id of a record (EspoCRM, betnr), a Kürzel, a Termin (frNr), an event, a sync row or an audit \
                 entry; nothing is found by a name.",
                "Das ist keine Kennung. Suchen Sie nach der Kennung eines Datensatzes (EspoCRM, betnr), einem Kürzel, einem Termin (frNr), \
                 einem Google-Termin, einer Zeile oder einem Protokolleintrag; nach Namen wird nicht gesucht.",
            ),
            Self::Hub(cause) => say("The database does not answer: ", "Die Datenbank antwortet nicht: ") + cause,
            Self::Queue(cause) => say("The queue does not answer: ", "Die Warteschlange antwortet nicht: ") + cause,
            Self::Refused { english, german } => say(english, german),
        }
    }

    fn title(&self, language: Language) -> &'static str {
        match self {
            Self::NotFound | Self::NoPage | Self::NoId(_) | Self::NoHit => language.say("Not found", "Nicht gefunden"),
            Self::LoggedOut
            | Self::ForeignName
            | Self::ForeignForm
            | Self::TooOften
            | Self::TooLarge
            | Self::Malformed
            | Self::WrongMethod
            | Self::Hub(_)
            | Self::Queue(_)
            | Self::Refused { .. } => language.say("Not done", "Nicht getan"),
        }
    }

    /// The search that found nothing, to try again in.
    fn search(&self) -> Option<Search> {
        match self {
            Self::NoId(search) => Some(*search),
            Self::NoHit => Some(Search::Beteiligte),
            _ => None,
        }
    }

    /// The page that says so.
    pub(super) fn page(&self, visit: &Visit) -> Response {
        let (language, search) = (visit.language, self.search());
        let content = html! {
            div.notice.bad role="alert" { p { (self.text(language)) } }
            @match search {
                Some(Search::Beteiligte) => (beteiligte::search(visit)),
                Some(Search::Audit) => (audit::search("", visit)),
                None => {}
            }
            p { a href="/" { (language.say("To the overview", "Zur Übersicht")) } }
        };
        let area = search.map(|search| match search {
            Search::Beteiligte => Area::Beteiligte,
            Search::Audit => Area::Audit,
        });
        let page = layout::page(&visit.at_the_overview(), self.title(language), area, &content);
        (self.status(), page).into_response()
    }
}

/// An answer that is no page becomes one: refusals of the library, which would speak English and not say what to do.
pub(super) fn as_page(mut response: Response, visit: &Visit) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        return problem.page(visit);
    }
    let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let problem = match response.status() {
        _ if is_page => return response,
        StatusCode::NOT_FOUND => Problem::NoPage,
        StatusCode::METHOD_NOT_ALLOWED => Problem::WrongMethod,
        StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge,
        StatusCode::BAD_REQUEST | StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::UNPROCESSABLE_ENTITY => {
            Problem::Malformed
        }
        _ => return response,
    };
    let mut page = problem.page(visit);
    // Who was refused for the method is told which there are.
    if let Some(allowed) = response.headers_mut().remove(ALLOW) {
        page.headers_mut().insert(ALLOW, allowed);
    }
    page
}

/// What there is at any other address.
pub(super) async fn no_page() -> Problem {
    Problem::NoPage
}

/// Rendered by the guard, which knows the visit.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<HubError> for Problem {
    fn from(error: HubError) -> Self {
        tracing::warn!(%error, "a page of the console could not be made");
        Self::Hub(error.to_string())
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        tracing::warn!(%error, "a page of the console could not be made");
        Self::Queue(error.to_string())
    }
}

impl From<TriggerError> for Problem {
    fn from(error: TriggerError) -> Self {
        match error {
            TriggerError::Queue(error) => error.into(),
            TriggerError::Hub(error) => error.into(),
            TriggerError::Unknown(_) => Self::NotFound,
            TriggerError::Off(_) => Self::Refused {
                english: "This calendar is not synced: switch it on first.".to_owned(),
                german: "Dieser Kalender wird nicht synchronisiert: schalten Sie ihn zuerst ein.".to_owned(),
            },
        }
    }
}

impl Done {
    const fn name(self) -> &'static str {
        match self {
            Self::Requeued => "requeued",
            Self::Deleted => "deleted",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Saved => "saved",
            Self::Approved => "approved",
            Self::Asked => "asked",
        }
    }

    fn text(self, language: Language) -> &'static str {
        match self {
            Self::Requeued => language.say("Back at work", "Wieder in Arbeit"),
            Self::Deleted => language.say("Deleted for good", "Endgültig gelöscht"),
            Self::Paused => language.say("Paused: no worker takes jobs", "Angehalten: kein Worker nimmt Aufträge"),
            Self::Resumed => language.say("Work goes on", "Die Arbeit geht weiter"),
            Self::Saved => {
                language.say("Saved; the next run follows it", "Gespeichert; der nächste Lauf richtet sich danach")
            }
            Self::Approved => {
                language.say("Approved; a worker carries it out now", "Freigegeben; ein Worker führt es jetzt aus")
            }
            Self::Asked => language.say(
                "Handed to a worker; its answer is in the timeline",
                "An einen Worker gegeben; seine Antwort steht im Verlauf",
            ),
        }
    }

    /// The page at `path` that says so, and of how many where that is known.
    pub(super) fn address(self, path: &str, count: Option<u64>) -> String {
        let joint = if path.contains('?') { '&' } else { '?' };
        let count = count.map_or_else(String::new, |count| format!("&count={count}"));
        format!("{path}{joint}done={}{count}", self.name())
    }
}

impl Told {
    /// What was done, at the top of the page.
    pub(super) fn show(&self, language: Language) -> Markup {
        html! {
            @if let Some(done) = self.done {
                div.notice.good role="status" {
                    p { (done.text(language)) @if let Some(count) = self.count { ": " (count) } "." }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::Query;
    use axum::http::Uri;

    use super::*;

    #[test]
    fn what_was_done_is_carried_by_the_address_and_read_back() {
        for done in
            [Done::Requeued, Done::Deleted, Done::Paused, Done::Resumed, Done::Saved, Done::Approved, Done::Asked]
        {
            let address: Uri = done.address("/console/queues?state=dead", Some(3)).parse().unwrap();
            let Query(told) = Query::<Told>::try_from_uri(&address).unwrap();
            assert_eq!((told.done, told.count), (Some(done), Some(3)), "{address}");
            let shown = told.show(Language::English).into_string();
            assert!(shown.contains(done.text(Language::English)) && shown.contains(": 3."), "{shown}");
        }
    }
}
