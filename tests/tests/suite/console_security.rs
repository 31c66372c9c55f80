//! Who has no business in the console, asked of every route of it: refused, with nothing done and nothing leaked.

use std::path::Path;

use harness::Result;
use harness::world::{PATIENCE, PRODUCER_API_KEY, World};
use reqwest::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use sqlx::PgPool;

/// Pages behind the guard.
const READ: [&str; 15] = [
    "/",
    "/console/queues",
    "/console/beteiligte",
    "/console/beteiligte/find",
    "/console/beteiligte/{id}",
    PLAN,
    "/console/employees",
    "/console/employees/{kuerzel}",
    "/console/employees/{kuerzel}/plan",
    "/console/audit",
    "/console/divergent",
    "/console/settings",
    "/console",
    "/console/",
    NOWHERE,
];
/// Any other address.
const NOWHERE: &str = "/console/{*rest}";
/// Is both: looked at, and carried out.
const PLAN: &str = "/console/beteiligte/{id}/plan";
/// What changes something.
const WRITE: [&str; 17] = [
    "/console/logout",
    "/console/queues/pause",
    "/console/queues/resume",
    "/console/queues/requeue",
    "/console/queues/requeue-all",
    "/console/queues/delete",
    "/console/employees/{kuerzel}/requeue",
    "/console/employees/{kuerzel}/approve",
    "/console/employees/{kuerzel}/policy",
    "/console/employees/{kuerzel}/restore",
    "/console/beteiligte/{id}/approve",
    "/console/beteiligte/{id}/decide",
    "/console/beteiligte/{id}/restore",
    PLAN,
    // Change nothing, but what is searched for is sent as a form.
    "/console/audit",
    "/console/beteiligte/find",
    NOWHERE,
];
/// For everybody.
const OPEN: [&str; 3] = ["/console/login", "/console/language/{language}", "/console/assets/{name}"];
const TOO_LARGE_BYTES: usize = 65 * 1024;

struct Stranger {
    address: String,
    client: Client,
}

impl Stranger {
    async fn asks(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Response {
        let path = path.replace("{kuerzel}", "SB").replace("{id}", "65f1a2b3c4d5e6f70").replace("{language}", "en");
        let mut request = self.client.request(method, format!("{}{path}", self.address)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("the producer answers");
        let is = |name: &str, value: &str| answer.headers().get(name).is_some_and(|given| given == value);
        assert!(answer.headers().contains_key(CONTENT_SECURITY_POLICY), "{path}");
        assert!(is("x-content-type-options", "nosniff") && is("x-frame-options", "DENY"), "{path}");
        assert!(is(CACHE_CONTROL.as_str(), "no-store"), "{path}");
        answer
    }

    /// Logs in. Answers the cookie, and where the log-in leads.
    async fn logs_in(&self, next: &str) -> (String, String) {
        let form = format!("key={PRODUCER_API_KEY}&next={next}");
        let answer = self.asks(Method::POST, "/console/login", &[], form).await;
        let header = |name| answer.headers()[name].to_str().expect("text").to_owned();
        (header(SET_COOKIE).split(';').next().expect("a cookie").to_owned(), header(LOCATION))
    }

    async fn token(&self, cookie: &str) -> String {
        let page = self.asks(Method::GET, "/", &[(COOKIE.as_str(), cookie)], String::new()).await;
        let page = page.text().await.expect("text");
        let rest = page.split_once("name=\"form_token\" value=\"").expect("a form").1;
        rest.split('"').next().expect("its token").to_owned()
    }
}

/// Every address in a `.route(` of the console's sources.
fn routes(of: &Path, found: &mut Vec<String>) {
    let sources = [of.with_extension("rs"), of.to_path_buf()];
    for source in sources {
        let entries =
            if source.is_dir() { std::fs::read_dir(&source).expect("a folder").collect() } else { Vec::new() };
        let files = entries.into_iter().map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file());
        for file in files.chain(Some(source.clone()).filter(|source| source.is_file())) {
            let text = std::fs::read_to_string(file).expect("text");
            let routes = text.split(".route(").skip(1).filter_map(|rest| rest.split('"').nth(1).map(str::to_owned));
            found.extend(routes);
        }
    }
}

#[test]
fn every_route_of_the_console_is_tried_here() {
    let mut found = Vec::new();
    routes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../producer/src/console"), &mut found);
    found.sort();
    found.dedup();
    let mut tried: Vec<_> = READ.iter().chain(&WRITE).chain(&OPEN).map(|path| (*path).to_owned()).collect();
    tried.sort();
    tried.dedup();
    assert_eq!(found, tried);
}

#[tokio::test]
async fn strangers_forgers_and_other_sites_are_refused_at_every_route() -> Result<()> {
    let world = World::start().await?;
    let (_producer, address) = world.producer().await?;
    let client = Client::builder().redirect(Policy::none()).timeout(PATIENCE).build().expect("a client");
    let stranger = Stranger { address, client };
    let (cookie, to) = stranger.logs_in("//evil.example").await;
    assert_eq!(to, "/");
    let (other, _) = stranger.logs_in("/").await;
    let (token, others) = (stranger.token(&cookie).await, stranger.token(&other).await);
    let forged = format!("{cookie}0");
    for headers in [&[][..], &[(COOKIE.as_str(), forged.as_str())]] {
        for path in READ {
            let answer = stranger.asks(Method::GET, path, headers, String::new()).await;
            assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
            let to = answer.headers()[LOCATION].to_str().expect("text");
            assert!(to.starts_with("/console/login"), "{path}: {to}");
            assert_eq!(answer.text().await.expect("text"), "", "{path}");
        }
        for path in WRITE {
            let answer = stranger.asks(Method::POST, path, headers, format!("form_token={token}")).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
        }
    }
    let known = (COOKIE.as_str(), cookie.as_str());
    let ours = format!("form_token={token}&queue=beteiligte&job=");
    for path in WRITE {
        for headers in [[known, (ORIGIN.as_str(), "https://evil.example")], [known, ("sec-fetch-site", "cross-site")]] {
            let answer = stranger.asks(Method::POST, path, &headers, ours.clone()).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}: {headers:?}");
        }
        for form in [String::new(), format!("form_token={others}&queue=beteiligte")] {
            let answer = stranger.asks(Method::POST, path, &[known], form).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
        }
        let large = format!("{ours}{}", "a".repeat(TOO_LARGE_BYTES));
        let answer = stranger.asks(Method::POST, path, &[known], large).await;
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
    for form in ["", "&queue=beteiligte&job=no%20id", "&queue=mail&job=a.1"] {
        let answer =
            stranger.asks(Method::POST, "/console/queues/requeue", &[known], format!("form_token={token}{form}")).await;
        assert!(answer.status().is_client_error(), "{form}: {}", answer.status());
        assert!(!answer.text().await.expect("text").contains("no id"), "what was sent is not repeated");
    }
    for path in OPEN {
        let answer = stranger.asks(Method::GET, path, &[], String::new()).await;
        let body = answer.text().await.expect("text");
        assert!(!body.contains("form_token"), "{path}");
    }
    let noted: i64 = sqlx::query_scalar("SELECT count(*) FROM operator_action WHERE action <> 'requeue'")
        .fetch_one(&PgPool::connect(&world.database_url).await?)
        .await?;
    assert_eq!(noted, 0, "nothing was begun");
    assert!(!world.queue.counts().await.expect("the queue answers").is_paused);
    let page = stranger.asks(Method::GET, "/console/employees", &[known], String::new()).await;
    assert_eq!(page.status(), StatusCode::OK, "the session goes on");
    Ok(())
}
