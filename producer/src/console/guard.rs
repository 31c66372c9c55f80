//! Lets people in and keeps everything else out, before any page is asked.
//!
//! - A page is for who is logged in. Where neither key nor secrets are configured and the producer listens on this machine only, anybody on
//!   this machine is; then the address asked for must be this machine's name, or a page of the web could reach us under its own (DNS
//!   rebinding).
//! - Whatever changes something must come from a page of ours: from the same origin as far as the browser tells, and with the session's token
//!   in its form.
//! - Every answer forbids what our pages do not need: scripts and styles of others, frames, and copies in caches.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::extract::{ConnectInfo, Form, FromRequest, Request, State};
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, LOCATION, ORIGIN, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Console;
use super::language::{self, Language};
use super::notice::{self, Problem};
use super::session::{Session, Sessions};
use crate::body::{self, BodyError, BodyLimits};

/// Forms are ids and choices.
const MAX_FORM_BYTES: usize = 64 * 1024;
const LIMITS: BodyLimits = BodyLimits { taken_bytes: MAX_FORM_BYTES, drained_bytes: 16 * MAX_FORM_BYTES };
/// Pages are ours alone. A form's answer may lead to a page of ours only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const SESSION_COOKIE: &str = "kanzleisync_session";
/// Name of the field that carries the session's token.
pub(super) const TOKEN_FIELD: &str = "form_token";
/// Sent by the script that refreshes a page: nobody has clicked, so the session is not prolonged.
const REFRESH: HeaderName = HeaderName::from_static("x-refresh");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Somebody who looks at a page.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    /// What they read.
    pub(super) language: Language,
    /// Goes into every form; empty before the log-in.
    pub(super) form_token: String,
    /// Path and query of the page.
    pub(super) address: String,
    /// Where they come from, for the audit.
    pub(super) origin: String,
    /// Whether there is a log-in to log out of.
    pub(super) has_login: bool,
    session: Option<Session>,
}

/// Headers of every answer, also of refusals.
pub(super) async fn harden(request: Request, next: Next) -> Response {
    // Pages that are open to everybody have no other guard.
    let visit = visit(request.headers(), request.uri(), request.extensions().get::<ConnectInfo<SocketAddr>>());
    let mut response = notice::as_page(next.run(request).await, &visit);
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: with it a browser says of our own forms that they come from nowhere.
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Lets a request through to its page, or refuses it.
pub(super) async fn admit(State(console): State<Console>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let headers = &parts.headers;
    let mut visit = visit(headers, &parts.uri, parts.extensions.get::<ConnectInfo<SocketAddr>>());
    let now = console.clock.now();
    let known = cookie(headers, SESSION_COOKIE).and_then(|cookie| console.sessions.read(cookie, now));
    let session = match known {
        Some(session) => session,
        None if console.gate.is_open() => Sessions::begin(now),
        None if parts.method == Method::GET || parts.method == Method::HEAD => return to_login(&visit.address),
        None => return Problem::LoggedOut.page(&visit),
    };
    if console.gate.is_open() && !is_this_machine(headers) {
        return Problem::ForeignName.page(&visit);
    }
    visit.form_token = console.sessions.form_token(session);
    visit.has_login = !console.gate.is_open();
    visit.session = Some(session);
    let body = if parts.method == Method::GET || parts.method == Method::HEAD {
        body
    } else {
        match form_of_ours(&console, session, headers, body).await {
            Ok(form) => Body::from(form),
            Err(problem) => return problem.page(&visit),
        }
    };
    let is_refresh = headers.contains_key(REFRESH);
    let cookie = match known {
        None => Some(session),
        Some(session) if !is_refresh => session.renewed(now),
        Some(_) => None,
    };
    let cookie = cookie.map(|session| session_cookie(&console.sessions.write(session), headers));
    parts.extensions.insert(visit.clone());
    let mut response = notice::as_page(next.run(Request::from_parts(parts, body)).await, &visit);
    // A page that logs out has a cookie of its own.
    if let Some(cookie) = cookie
        && !response.headers().contains_key(SET_COOKIE)
    {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// The body of a request that comes from a form of ours.
async fn form_of_ours(
    console: &Console,
    session: Session,
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<u8>, Problem> {
    if !is_same_origin(headers) {
        return Err(Problem::ForeignForm);
    }
    let bytes = read_form(body).await?;
    let pairs = pairs(&bytes).await?;
    let given = pairs.iter().find(|(name, _)| name == TOKEN_FIELD).map_or("", |(_, value)| value);
    if console.sessions.is_form_token(session, given) { Ok(bytes) } else { Err(Problem::ForeignForm) }
}

pub(super) async fn read_form(body: Body) -> Result<Vec<u8>, Problem> {
    body::read(body, LIMITS).await.map_err(|error| match error {
        BodyError::TooLarge => Problem::TooLarge,
        BodyError::Incomplete | BodyError::TooSlow => Problem::Malformed,
    })
}

/// Names and values of a form, whatever its content type says.
pub(super) async fn pairs(bytes: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let request = Request::post("/").header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(Body::from(bytes.to_vec())).map_err(|_| Problem::Malformed)?;
    let Form(pairs) = Form::from_request(request, &()).await.map_err(|_| Problem::Malformed)?;
    Ok(pairs)
}

/// What can be told without a session.
pub(super) fn visit(headers: &HeaderMap, uri: &Uri, peer: Option<&ConnectInfo<SocketAddr>>) -> Visit {
    let chosen = cookie(headers, language::COOKIE).and_then(Language::parse);
    let accepted = || Language::accepted(headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()));
    let from = peer.map_or_else(|| "unknown".to_owned(), |ConnectInfo(peer)| peer.ip().to_canonical().to_string());
    Visit {
        language: chosen.unwrap_or_else(accepted),
        form_token: String::new(),
        address: uri.path_and_query().map_or("/", |address| address.as_str()).to_owned(),
        origin: format!("console {from}"),
        has_login: false,
        session: None,
    }
}

impl Visit {
    /// The same to whoever was refused: what they asked for may be anything, and is not repeated, in no link either.
    pub(super) fn at_the_overview(&self) -> Self {
        Self { address: "/".to_owned(), ..self.clone() }
    }

    /// Ends the session.
    pub(super) fn log_out(&self, console: &Console) {
        if let Some(session) = self.session {
            console.sessions.end(session, console.clock.now());
        }
    }
}

/// A cookie with a session; with another value than a session's it ends it.
pub(super) fn session_cookie(value: &str, headers: &HeaderMap) -> HeaderValue {
    // Over HTTP on this machine or in a closed network a browser would not send a `Secure` cookie back.
    let is_https = headers.get(FORWARDED_PROTO).is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
    let secure = if is_https { "; Secure" } else { "" };
    let life = if value.is_empty() { "; Max-Age=0" } else { "" };
    let cookie = format!("{SESSION_COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{life}");
    HeaderValue::try_from(cookie).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn to_login(address: &str) -> Response {
    let query = percent_encoding::utf8_percent_encode(address, percent_encoding::NON_ALPHANUMERIC);
    (StatusCode::SEE_OTHER, [(LOCATION, format!("/console/login?next={query}"))]).into_response()
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(given, _)| *given == name).map(|(_, value)| value)
}

/// Browsers say where a form comes from in one of two headers, most in both; who says nothing is no browser, and has the token or not.
pub(super) fn is_same_origin(headers: &HeaderMap) -> bool {
    let site = headers.get(FETCH_SITE).is_none_or(|site| site == "same-origin");
    let origin = headers.get(ORIGIN).is_none_or(|origin| {
        let authority =
            origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
        authority.is_some_and(|authority| host(headers).is_some_and(|host| authority.eq_ignore_ascii_case(host)))
    });
    site && origin
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST).and_then(|host| host.to_str().ok())
}

fn is_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = host(headers) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        of.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn forms_of_other_origins_are_told_by_either_header() {
        let ours = ("origin", "http://sync.example:3000");
        let host = ("host", "sync.example:3000");
        assert!(is_same_origin(&headers(&[host, ours, ("sec-fetch-site", "same-origin")])));
        assert!(is_same_origin(&headers(&[host])), "no browser");
        for foreign in [
            &[host, ("origin", "http://evil.example")][..],
            &[host, ("origin", "http://sync.example:3001")],
            &[host, ("origin", "null")],
            &[host, ours, ("sec-fetch-site", "cross-site")],
            &[host, ours, ("sec-fetch-site", "same-site")],
            &[host, ours, ("sec-fetch-site", "none")],
            &[ours],
        ] {
            assert!(!is_same_origin(&headers(foreign)), "{foreign:?}");
        }
    }

    #[test]
    fn without_a_key_only_this_machines_own_names_are_answered() {
        for name in ["localhost", "localhost:3000", "127.0.0.1:3000", "127.8.9.1", "[::1]:3000", "LOCALHOST:1"] {
            assert!(is_this_machine(&headers(&[("host", name)])), "{name}");
        }
        for name in ["evil.example", "evil.example:3000", "localhost.evil.example", "10.0.0.1:3000", "[::2]:3000", ""] {
            assert!(!is_this_machine(&headers(&[("host", name)])), "{name}");
        }
        assert!(!is_this_machine(&headers(&[])));
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let cookies = headers(&[("cookie", "a=1; kanzleisync_session=x.y; b=2")]);
        assert_eq!(cookie(&cookies, SESSION_COOKIE), Some("x.y"));
        assert_eq!(cookie(&cookies, "session"), None);
    }

    #[test]
    fn a_cookie_is_for_https_only_where_a_proxy_says_so() {
        let secure = session_cookie("x", &headers(&[("x-forwarded-proto", "https")]));
        assert_eq!(secure, "kanzleisync_session=x; Path=/; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(session_cookie("x", &headers(&[])), "kanzleisync_session=x; Path=/; HttpOnly; SameSite=Strict");
        assert!(session_cookie("", &headers(&[])).to_str().unwrap().ends_with("; Max-Age=0"));
    }
}
