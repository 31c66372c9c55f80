//! The two languages of the console. Both texts stand where they are used, so that neither is forgotten.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::login::within;

pub(super) const COOKIE: &str = "kanzleisync_language";
const YEAR_SECONDS: u32 = 365 * 24 * 60 * 60;

/// What somebody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    German,
    English,
}

impl Language {
    pub(super) const ALL: [Self; 2] = [Self::German, Self::English];

    /// As in `lang`, cookies and addresses.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::German => "de",
            Self::English => "en",
        }
    }

    /// Its own name for itself.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::German => "Deutsch",
            Self::English => "English",
        }
    }

    /// Reads [`Self::code`].
    pub(super) fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The first of ours that a browser names; German where it names neither, as the firms are.
    pub(super) fn accepted(header: Option<&str>) -> Self {
        let mut named = header.unwrap_or_default().split(',').filter_map(|part| part.trim().get(..2));
        named.find_map(|code| Self::parse(&code.to_ascii_lowercase())).unwrap_or(Self::German)
    }

    /// The text in this language.
    pub(super) fn say<T>(self, english: T, german: T) -> T {
        match self {
            Self::German => german,
            Self::English => english,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    back: String,
}

/// `GET /console/language/{language}?back=<page>`: changes how pages read and nothing else, so it needs no form.
pub(super) async fn choose(Path(code): Path<String>, Query(Back { back }): Query<Back>) -> Response {
    let Some(language) = Language::parse(&code) else { return StatusCode::NOT_FOUND.into_response() };
    let cookie = format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={YEAR_SECONDS}", language.code());
    (StatusCode::SEE_OTHER, [(LOCATION, within(&back)), (SET_COOKIE, cookie)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_that_we_speak_is_taken() {
        assert_eq!(Language::accepted(Some("fr-FR,en-GB;q=0.8,de;q=0.5")), Language::English);
        assert_eq!(Language::accepted(Some("de-DE,de;q=0.9,en;q=0.8")), Language::German);
        for none in [None, Some(""), Some("fr"), Some("é"), Some("*")] {
            assert_eq!(Language::accepted(none), Language::German, "{none:?}");
        }
    }
}
