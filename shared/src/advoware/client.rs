//! Calls to Advoware's API.

use std::sync::Arc;

use domain::ids::{BetNr, KommId};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::auth::{Auth, Token, TokenCache};
use super::map::{self, AdvoBeteiligte};
use super::wire::{self, KommunikationAnswer, KommunikationWrite};
use crate::clock::Clock;
use crate::error::{ApiError, ErrorKind, Operation, Refusal};
use crate::http::{Answer, BaseUrl, Http, SetupError, kind_of_status, parse_json};
use crate::limits::Parallel;
use crate::settings::AdvowareSettings;

/// Advoware. Cloning is cheap and shares connections and token.
#[derive(Clone)]
pub struct Advoware(Arc<Shared>);

struct Shared {
    /// For what goes to Advoware's central servers.
    gateway: Http,
    /// For what goes to the firm's own server.
    api: Http,
    auth: Auth,
    kanzlei: String,
    configurator_url: BaseUrl,
    /// From the settings, else from the look-up: once per process.
    api_base_url: OnceCell<BaseUrl>,
}

/// One call without its credentials.
struct Call<'a> {
    operation: Operation,
    method: Method,
    path: &'a [&'a str],
    body: Option<&'a KommunikationWrite>,
}

impl Advoware {
    /// Makes no call yet. For tests and single looks: nothing bounds its calls.
    pub fn new(settings: &AdvowareSettings, cache: TokenCache, clock: Clock) -> Result<Self, SetupError> {
        let http = Http::new(settings.timeout)?;
        Self::with(settings, cache, clock, http.clone(), http)
    }

    /// As [`Self::new`], and its calls to the API wait for a permit of `limit`, which all workers share (J5). Log-in and look-up go to
    /// other servers, and one at a time.
    pub fn within(
        limit: Parallel,
        settings: &AdvowareSettings,
        cache: TokenCache,
        clock: Clock,
    ) -> Result<Self, SetupError> {
        let http = Http::new(settings.timeout)?;
        Self::with(settings, cache, clock, http.clone(), http.within(limit))
    }

    fn with(
        settings: &AdvowareSettings,
        cache: TokenCache,
        clock: Clock,
        gateway: Http,
        api: Http,
    ) -> Result<Self, SetupError> {
        Ok(Self(Arc::new(Shared {
            auth: Auth::new(settings.clone(), gateway.clone(), cache, clock)?,
            gateway,
            api,
            kanzlei: settings.kanzlei.clone(),
            configurator_url: settings.configurator_url.clone(),
            api_base_url: OnceCell::new_with(settings.api_base_url.clone()),
        })))
    }

    /// One Beteiligte with all of its Kommunikationen: no further call is needed to read them.
    pub async fn get_beteiligte(&self, bet_nr: BetNr) -> Result<AdvoBeteiligte, ApiError> {
        let number = bet_nr.to_string();
        let call = Call {
            operation: Operation::AdvowareGetBeteiligte,
            method: Method::GET,
            path: &["api", "v1", "advonet", "Beteiligte", &number],
            body: None,
        };
        let read = |answer| {
            let beteiligte = map::beteiligte(wire::Beteiligte::read(answer)?, bet_nr);
            // A proxy that mixed up two answers would write one person's numbers to another.
            if beteiligte.bet_nr == bet_nr {
                Ok(beteiligte)
            } else {
                Err(ErrorKind::Malformed { what: "betNr is not the one asked for" })
            }
        };
        self.call(&call, read).await
    }

    /// Adds a Kommunikation. Is never repeated where its outcome is unknown.
    pub async fn post_kommunikation(
        &self,
        bet_nr: BetNr,
        write: &KommunikationWrite,
    ) -> Result<KommunikationAnswer, ApiError> {
        let number = bet_nr.to_string();
        let call = Call {
            operation: Operation::AdvowarePostKommunikation,
            method: Method::POST,
            path: &["api", "v1", "advonet", "Beteiligte", &number, "Kommunikationen"],
            body: Some(write),
        };
        self.call(&call, KommunikationAnswer::read).await
    }

    /// Replaces a Kommunikation. Is never repeated where its outcome is unknown (K8b).
    pub async fn put_kommunikation(
        &self,
        bet_nr: BetNr,
        id: KommId,
        write: &KommunikationWrite,
    ) -> Result<KommunikationAnswer, ApiError> {
        let (number, id) = (bet_nr.to_string(), id.to_string());
        let call = Call {
            operation: Operation::AdvowarePutKommunikation,
            method: Method::PUT,
            path: &["api", "v1", "advonet", "Beteiligte", &number, "Kommunikationen", &id],
            body: Some(write),
        };
        self.call(&call, KommunikationAnswer::read).await
    }

    /// With the shared token; a 401 gets one new token and one more try (DOMAIN 1).
    async fn call<T>(&self, call: &Call<'_>, read: impl Fn(Value) -> Result<T, ErrorKind>) -> Result<T, ApiError> {
        let token = self.0.auth.token().await?;
        match self.send(call, &token, &read).await {
            // Safe for writes too: what was not authorised was not carried out.
            Err(error) if error.kind == ErrorKind::CredentialsRefused(Refusal::TokenRejected) => {
                tracing::info!(operation = call.operation.name(), "Advoware refused the token, a new one is fetched");
                let fresh = self.0.auth.token_after(&token).await?;
                self.send(call, &fresh, &read).await
            }
            result => result,
        }
    }

    async fn send<T>(
        &self,
        call: &Call<'_>,
        token: &Token,
        read: impl Fn(Value) -> Result<T, ErrorKind>,
    ) -> Result<T, ApiError> {
        let url = self.api_base_url().await?.at(call.path);
        let mut request =
            self.0.api.requests().request(call.method.clone(), url).bearer_auth(token.secret().expose_secret());
        if let Some(body) = call.body {
            request = request.json(body);
        }
        self.0.api.call(call.operation, request, |answer| read(body_of(answer)?)).await
    }

    async fn api_base_url(&self) -> Result<&BaseUrl, ApiError> {
        self.0.api_base_url.get_or_try_init(|| self.look_up_api_base_url()).await
    }

    /// Where the firm's API is, for firms that did not configure it (DOMAIN 1).
    async fn look_up_api_base_url(&self) -> Result<BaseUrl, ApiError> {
        let url = self.0.configurator_url.at(&["api", "Url"]);
        let request = self.0.gateway.requests().get(url).query(&[("Kanzlei", &self.0.kanzlei)]);
        let read = |answer: &Answer| {
            // The look-up needs no credentials but knows the firms: a 404 is about ours.
            if let (Some(refusal), false) = (wire::refusal_in(&answer.body), answer.status.is_success()) {
                return Err(ErrorKind::CredentialsRefused(refusal));
            }
            let address = wire::api_address(body_of(answer)?)?;
            BaseUrl::parse(&address).map_err(|_| ErrorKind::Malformed { what: "the API's address is none" })
        };
        self.0.gateway.call(Operation::AdvowareUrl, request, read).await
    }
}

/// The body of a success, or what the status means.
fn body_of(answer: &Answer) -> Result<Value, ErrorKind> {
    match (answer.status.as_u16(), kind_of_status(answer)) {
        (401, _) => Err(ErrorKind::CredentialsRefused(Refusal::TokenRejected)),
        (404, _) if wire::is_unknown_route(&answer.body) => Err(ErrorKind::WrongAddress),
        (_, Some(kind)) => Err(kind),
        (_, None) => parse_json(&answer.body),
    }
}
