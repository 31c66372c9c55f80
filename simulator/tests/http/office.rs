//! A simulator with one Beteiligter on both sides, and a client that speaks to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use simulator::{NewKommunikation, Simulator, SimulatorConfig};

pub(crate) const BETNR: i64 = 104_860;
pub(crate) const ID: &str = "0123456789abcdef0";

pub(crate) struct Office {
    pub(crate) sim: Simulator,
    pub(crate) client: reqwest::Client,
    pub(crate) token: String,
    pub(crate) komm_ids: Vec<i64>,
}

impl Office {
    pub(crate) async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
        let rows = vec![
            NewKommunikation { komm_kz: 3, tlf: "0152/28817386".into(), bemerkung: None, online: false },
            NewKommunikation {
                komm_kz: 4,
                tlf: "Info@quast.example".into(),
                bemerkung: Some("Zentrale".into()),
                online: true,
            },
        ];
        let komm_ids = sim.advoware().seed(BETNR, json!({ "name": "Quellhafer", "kurzname": "Q" }), rows);
        let record = json!({
            "lastName": "Quellhafer", "betnr": BETNR,
            "emailAddressData": [{ "emailAddress": "Info@quast.example", "optOut": true }],
            "phoneNumberData": [{ "phoneNumber": "+4915228817386", "type": "Mobile" }],
        });
        sim.espocrm().seed(ID, record).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a bare client is what shows the bare answers")]
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut office = Self { sim, client, token: String::new(), komm_ids };
        office.log_in("0f8fad5b-d9cb-469f-a165-70867728950e").await;
        office
    }

    pub(crate) async fn log_in(&mut self, nonce: &str) {
        let answer: Value = self.ask_token(&self.token_request(nonce)).await.json().await.unwrap();
        self.token = answer["access_token"].as_str().unwrap().to_owned();
        self.sim.journal().clear();
    }

    pub(crate) fn token_request(&self, nonce: &str) -> Value {
        let known = self.sim.credentials();
        let stamp = self.sim.clock().now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let message = format!("{}:{}:{nonce}:{stamp}", known.advoware_product_id, known.advoware_app_id);
        let mut mac = Hmac::<sha2::Sha512>::new_from_slice(&STANDARD.decode(&known.advoware_api_key).unwrap()).unwrap();
        mac.update(message.as_bytes());
        json!({
            "AppID": known.advoware_app_id, "Kanzlei": known.advoware_kanzlei, "Database": known.advoware_database,
            "User": known.advoware_user, "Role": known.advoware_role, "Product": known.advoware_product_id,
            "Password": known.advoware_password, "Nonce": nonce, "RequestTimeStamp": stamp,
            "HMAC512Signature": STANDARD.encode(mac.finalize().into_bytes()),
        })
    }

    pub(crate) async fn ask_token(&self, request: &Value) -> Response {
        let url = format!("{}api/v1/Token", self.sim.addresses().advoware_auth_url);
        self.client.post(url).json(request).send().await.unwrap()
    }

    pub(crate) fn advoware(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}api/v1/advonet/{path}", self.sim.addresses().advoware_api_base_url);
        self.client.request(method, url).bearer_auth(&self.token)
    }

    pub(crate) async fn beteiligter(&self) -> Value {
        let answer = self.advoware(Method::GET, &format!("Beteiligte/{BETNR}")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    pub(crate) fn espo(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/{path}", self.sim.addresses().espocrm_api_base_url);
        self.client.request(method, url).header("x-api-key", &self.sim.credentials().espocrm_api_key)
    }

    pub(crate) async fn record(&self) -> Value {
        let answer = self.espo(Method::GET, &format!("CBeteiligte/{ID}")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    pub(crate) async fn put(&self, body: Value) -> Response {
        self.espo(Method::PUT, &format!("CBeteiligte/{ID}")).json(&body).send().await.unwrap()
    }

    pub(crate) async fn put_row(&self, komm_id: i64, body: Value) -> Response {
        let path = format!("Beteiligte/{BETNR}/Kommunikationen/{komm_id}");
        self.advoware(Method::PUT, &path).json(&body).send().await.unwrap()
    }
}

pub(crate) fn reason(answer: &Response) -> String {
    answer.headers().get("x-status-reason").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}
