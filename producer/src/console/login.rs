//! Logging in and out.

use std::net::SocketAddr;
use std::sync::Mutex;

use axum::Extension;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::html;
use serde::Deserialize;
use tokio::time::{Duration, Instant};

use super::Console;
use super::guard::{self, Visit};
use super::layout;
use super::notice::Problem;
use super::session::Sessions;

/// Wrong keys that this process answers within a minute; then it answers none for the rest of it. All together: addresses are cheap.
const MOST_WRONG: u32 = 20;
const WINDOW: Duration = Duration::from_mins(1);

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
    #[serde(default)]
    wrong: bool,
}

/// Counts wrong keys.
#[derive(Debug, Default)]
pub(super) struct WrongKeys(Mutex<Option<(Instant, u32)>>);

impl WrongKeys {
    /// Whether another key may be looked at.
    fn may_try(&self, now: Instant) -> bool {
        let window = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        window.is_none_or(|(begun, count)| now - begun >= WINDOW || count < MOST_WRONG)
    }

    fn count(&self, now: Instant) {
        let mut window = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *window = match *window {
            Some((begun, count)) if now - begun < WINDOW => Some((begun, count + 1)),
            _ => Some((now, 1)),
        };
    }
}

/// A path of ours; the overview where it is anything else: a log-in must not lead to another site.
pub(super) fn within(path: &str) -> String {
    let is_ours = (path == "/" || path.starts_with("/?") || path.starts_with("/console/"))
        && !path.contains(['\\', '\r', '\n'])
        && !path.starts_with("/console/log");
    if is_ours { path.to_owned() } else { "/".to_owned() }
}

/// `GET /console/login`
pub(super) async fn page(State(console): State<Console>, Query(query): Query<Next>, request: Request) -> Response {
    let visit = guard::visit(request.headers(), request.uri(), request.extensions().get::<ConnectInfo<SocketAddr>>());
    if console.gate.is_open() {
        return (StatusCode::SEE_OTHER, [(LOCATION, within(&query.next))]).into_response();
    }
    let say = |english, german| visit.language.say(english, german);
    let content = html! {
        @if query.wrong {
            div.notice.bad role="alert" { p {
                (say("That is not the key. It is the value of PRODUCER_API_KEY.", "Das ist nicht der Schlüssel. Es ist der Wert von PRODUCER_API_KEY."))
            } }
        }
        @if console.gate.has_api_key() {
            form.card.login method="post" action="/console/login" {
                input type="hidden" name="next" value=(within(&query.next));
                // Under this name a password manager keeps the key.
                input type="text" name="username" autocomplete="username" value="kanzleisync" hidden;
                label for="key" { (say("Key (PRODUCER_API_KEY)", "Schlüssel (PRODUCER_API_KEY)")) }
                input #key type="password" name="key" autocomplete="current-password" required autofocus;
                button type="submit" { (say("Log in", "Anmelden")) }
            }
        } @else {
            div.notice.bad role="alert" { p {
                (say("The console needs a key: set PRODUCER_API_KEY and start the producer again.",
                     "Die Konsole braucht einen Schlüssel: setzen Sie PRODUCER_API_KEY und starten Sie den Producer neu."))
            } }
        }
    };
    layout::page(&visit, say("Log in", "Anmelden"), None, &content).into_response()
}

/// `POST /console/login`. It needs no token: there is no session yet, and whoever knows the key may log in.
pub(super) async fn log_in(State(console): State<Console>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let visit = guard::visit(&parts.headers, &parts.uri, parts.extensions.get::<ConnectInfo<SocketAddr>>());
    if !guard::is_same_origin(&parts.headers) {
        return Problem::ForeignForm.page(&visit);
    }
    let pairs = match guard::read_form(body).await {
        Ok(bytes) => guard::pairs(&bytes).await,
        Err(problem) => Err(problem),
    };
    let pairs = match pairs {
        Ok(pairs) => pairs,
        Err(problem) => return problem.page(&visit),
    };
    let field = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str());
    let next = within(field("next"));
    if !console.wrong_keys.may_try(Instant::now()) {
        return Problem::TooOften.page(&visit);
    }
    if !console.gate.is_api_key(field("key").trim().as_bytes()) {
        console.wrong_keys.count(Instant::now());
        tracing::warn!(origin = visit.origin, "a log-in to the console was refused: the key is wrong");
        let next = percent_encoding::utf8_percent_encode(&next, percent_encoding::NON_ALPHANUMERIC);
        return (StatusCode::SEE_OTHER, [(LOCATION, format!("/console/login?wrong=true&next={next}"))]).into_response();
    }
    let session = console.sessions.write(Sessions::begin(console.clock.now()));
    tracing::info!(origin = visit.origin, "operator: logged in to the console");
    let cookie = guard::session_cookie(&session, &parts.headers);
    (StatusCode::SEE_OTHER, [(SET_COOKIE, cookie)], [(LOCATION, next)]).into_response()
}

/// `POST /console/logout`
pub(super) async fn log_out(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
) -> Response {
    visit.log_out(&console);
    tracing::info!(origin = visit.origin, "operator: logged out of the console");
    let cookie = guard::session_cookie("", &headers);
    (StatusCode::SEE_OTHER, [(SET_COOKIE, cookie)], [(LOCATION, "/console/login")]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_leads_to_pages_of_ours_only() {
        for ours in ["/", "/console/queues", "/console/queues?state=dead&done=requeued", "/?done=paused"] {
            assert_eq!(within(ours), ours);
        }
        for other in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/consolex",
            "/metrics",
            "javascript:alert(1)",
            "/console/queues\r\nSet-Cookie: a=b",
            "/console/login",
            "/console/logout",
        ] {
            assert_eq!(within(other), "/", "{other}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn keys_cannot_be_tried_without_end() {
        let wrong = WrongKeys::default();
        for _ in 0..MOST_WRONG {
            assert!(wrong.may_try(Instant::now()));
            wrong.count(Instant::now());
        }
        assert!(!wrong.may_try(Instant::now()));
        tokio::time::advance(WINDOW).await;
        assert!(wrong.may_try(Instant::now()));
    }
}
