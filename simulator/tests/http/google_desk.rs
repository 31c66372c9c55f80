//! A service account with one calendar, and a client that speaks for it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::{Method, RequestBuilder, Response};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Map, Value, json};
use simulator::{Simulator, SimulatorConfig};

pub(crate) const SCOPE: &str = "https://www.googleapis.com/auth/calendar";
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

pub(crate) struct Desk {
    pub(crate) sim: Simulator,
    pub(crate) client: reqwest::Client,
    pub(crate) token: String,
    /// Of the service account itself, in Berlin.
    pub(crate) calendar: String,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
        let calendar = sim.google().seed_calendar("AW-SB", "Europe/Berlin");
        #[expect(clippy::disallowed_methods, reason = "a bare client is what shows the bare answers")]
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut desk = Self { sim, client, token: String::new(), calendar };
        desk.log_in(SCOPE).await;
        desk
    }

    pub(crate) async fn log_in(&mut self, scope: &str) {
        let mut claims = self.claims();
        claims["scope"] = json!(scope);
        let answer: Value = self.ask_token(&self.signed(&claims)).await.json().await.unwrap();
        self.token = answer["access_token"].as_str().unwrap().to_owned();
        self.sim.journal().clear();
    }

    pub(crate) fn claims(&self) -> Value {
        let file = self.sim.google().service_account();
        let now = self.sim.clock().now().timestamp();
        json!({ "iss": file["client_email"], "aud": file["token_uri"], "scope": SCOPE, "iat": now, "exp": now + 3600 })
    }

    pub(crate) fn signed(&self, claims: &Value) -> String {
        let file = self.sim.google().service_account();
        self.signed_with(&json!({ "alg": "RS256", "typ": "JWT", "kid": file["private_key_id"] }), claims)
    }

    pub(crate) fn signed_with(&self, header: &Value, claims: &Value) -> String {
        let file = self.sim.google().service_account();
        let pem = file["private_key"].as_str().unwrap();
        let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(lines).unwrap()).unwrap();
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    pub(crate) async fn ask_token(&self, assertion: &str) -> Response {
        let form = [("grant_type", GRANT_TYPE), ("assertion", assertion)];
        self.client.post(&self.sim.addresses().google_token_uri).form(&form).send().await.unwrap()
    }

    /// `path` under `calendar/v3/`.
    pub(crate) fn google(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.sim.addresses().google_calendar_api_base_url);
        self.client.request(method, url).bearer_auth(&self.token)
    }

    /// `path` under the calendar's events.
    pub(crate) fn events(&self, method: Method, path: &str) -> RequestBuilder {
        self.google(method, &format!("calendars/{}/events{path}", self.calendar.replace('@', "%40")))
    }

    pub(crate) async fn insert(&self, event: Value) -> Response {
        self.events(Method::POST, "").json(&event).send().await.unwrap()
    }

    /// Inserts what must be accepted.
    pub(crate) async fn inserted(&self, event: Value) -> Value {
        let answer = self.insert(event).await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    pub(crate) async fn get(&self, id: &str) -> Response {
        self.events(Method::GET, &format!("/{id}")).send().await.unwrap()
    }

    pub(crate) async fn patch(&self, id: &str, fields: Value) -> Response {
        self.events(Method::PATCH, &format!("/{id}")).json(&fields).send().await.unwrap()
    }

    pub(crate) async fn patched(&self, id: &str, fields: Value) -> Value {
        let answer = self.patch(id, fields).await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    pub(crate) async fn delete(&self, id: &str) -> Response {
        self.events(Method::DELETE, &format!("/{id}")).send().await.unwrap()
    }

    pub(crate) async fn list(&self, query: &[(&str, &str)]) -> Response {
        self.events(Method::GET, "").query(query).send().await.unwrap()
    }

    pub(crate) async fn listed(&self, query: &[(&str, &str)]) -> Value {
        let answer = self.list(query).await;
        assert_eq!(answer.status(), 200, "{query:?}");
        answer.json().await.unwrap()
    }
}

/// One hour on that day, at nine in Berlin.
pub(crate) fn hour(id: &str, day: &str) -> Value {
    let at = |hour: u32| json!({ "dateTime": format!("{day}T{hour:02}:00:00"), "timeZone": "Europe/Berlin" });
    json!({ "id": id, "summary": "Besprechung", "start": at(9), "end": at(10) })
}

pub(crate) fn weekly(id: &str) -> Value {
    let mut event = hour(id, "2026-03-02");
    event["recurrence"] = json!(["RRULE:FREQ=WEEKLY;INTERVAL=1;UNTIL=20260430T215959Z"]);
    event
}

/// Status and reason of a refusal, whose shape is checked.
pub(crate) async fn refused(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], status);
    let first = &body["error"]["errors"][0];
    assert!(first["domain"].is_string() && first["message"].is_string() && body["error"]["message"].is_string());
    (status, first["reason"].as_str().unwrap().to_owned())
}

pub(crate) fn ids(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap()).collect()
}

pub(crate) fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}
