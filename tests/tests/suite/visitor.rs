//! Somebody at the console, who asks as a browser does.

use harness::world::{Beteiligter, PATIENCE, PRODUCER_API_KEY, World, mail, row};
use harness::{Result, RunningProgram, eventually};
use reqwest::header::{ACCEPT_LANGUAGE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde_json::json;
use simulator::{Calls, Fault, FaultKind, Operation};

pub(crate) const SCRIPT: &str = "<script>alert(1)</script>";
pub(crate) const ESCAPED: &str = "&lt;script&gt;alert(1)&lt;/script&gt;";

/// Somebody who is logged in and reads English.
pub(crate) struct Visitor {
    pub(crate) address: String,
    pub(crate) client: Client,
    pub(crate) cookie: String,
}

impl Visitor {
    pub(crate) async fn of(address: &str) -> Self {
        let client = Client::builder().redirect(Policy::none()).timeout(PATIENCE).build().expect("a client");
        let key = [("key", PRODUCER_API_KEY), ("next", "/")];
        let answer = client.post(format!("{address}/console/login")).form(&key).send().await.expect("an answer");
        let cookie = answer.headers()[SET_COOKIE].to_str().expect("text").split(';').next().unwrap_or_default();
        Self { address: address.to_owned(), cookie: cookie.to_owned(), client }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.address));
        let request = request.header(COOKIE, &self.cookie).header(ACCEPT_LANGUAGE, "en");
        request.send().await.expect("the producer answers")
    }

    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        let (status, text) = (answer.status(), answer.text().await.expect("text"));
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    }

    /// Sends values with the token of `page`.
    pub(crate) async fn post(&self, page: &str, action: &str, values: &[(&str, &str)]) -> Response {
        let token = between(page, "name=\"form_token\" value=\"", "\"");
        let all: Vec<_> = values.iter().copied().chain([("form_token", token)]).collect();
        let request = self.client.post(format!("{}{action}", self.address)).header(COOKIE, &self.cookie);
        request.header(ACCEPT_LANGUAGE, "en").form(&all).send().await.expect("the producer answers")
    }

    /// Sends a form of `page`. Answers where it leads.
    pub(crate) async fn send(&self, page: &str, action: &str, values: &[(&str, &str)]) -> String {
        assert!(page.contains(&format!("action=\"{action}\"")), "no form leads to {action}: {page}");
        let answer = self.post(page, action, values).await;
        let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default().to_owned();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{action}: {}", answer.text().await.unwrap_or_default());
        to
    }

    /// Looks at a page until it says this.
    pub(crate) async fn sees(&self, path: &str, text: &str) -> Result<()> {
        eventually(PATIENCE, "the page says so", async || {
            let page = self.page(path).await;
            if page.contains(text) { Ok(()) } else { Err(format!("no {text:?} on {path}: {page}")) }
        })
        .await
    }
}

pub(crate) fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let rest = page.split_once(before).unwrap_or_else(|| panic!("no {before:?} in {page}")).1;
    rest.split_once(after).map_or(rest, |(found, _)| found)
}

pub(crate) async fn visited(world: &World) -> Result<(RunningProgram, Visitor)> {
    let (producer, address) = world.producer().await?;
    // What its first scan found to do would make every page say that a job runs.
    producer.wait_for_line("scan done", PATIENCE).await?;
    world.run_until_quiet().await?;
    Ok((producer, Visitor::of(&address).await))
}

pub(crate) fn is_escaped(page: &str) {
    assert!(page.contains(ESCAPED) && !page.contains("<script>alert"), "{page}");
}

pub(crate) fn path_of(one: &Beteiligter) -> String {
    format!("/console/beteiligte/{}", one.id)
}

/// In agreement, and then a run that failed and waits.
pub(crate) async fn given_a_failed_one(world: &World, betnr: i64) -> Result<Beteiligter> {
    let one = world.given(betnr, json!([mail("a@example.org", true)]), json!([]), vec![row(4, "a@example.org", None)]);
    world.sync(&[&one.id]).await?;
    let calls = Calls::to(Operation::GetBeteiligte).always();
    world.simulator.faults().arm(Fault::new(calls, FaultKind::MalformedBody));
    world.trigger(&[&one.id]).await?;
    eventually(PATIENCE, "it waits after its failure", async || {
        world.queue.counts().await.is_ok_and(|counts| counts.delayed == 1)
    })
    .await?;
    world.simulator.faults().clear();
    Ok(one)
}
