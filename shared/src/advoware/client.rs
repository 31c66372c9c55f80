//! Calls to Advoware's API.

use std::sync::Arc;

use chrono::NaiveDate;
use domain::ids::{BetNr, FrNr, Kuerzel};
use tokio::sync::OnceCell;

use super::auth::{Auth, TokenCache};
use super::caller::{Caller, body_of};
use super::map::AdvoBeteiligte;
use super::mitarbeiter::Mitarbeiter;
use super::termin::{AdvoTermin, TerminList};
use super::visit::Visit;
use super::wire;
use crate::clock::Clock;
use crate::error::{ApiError, ErrorKind, Operation};
use crate::http::{Answer, ApiPath, BaseUrl, Http, SetupError};
use crate::limits::Parallel;
use crate::settings::AdvowareSettings;

/// Advoware. Cloning is cheap and shares connections and token.
#[derive(Clone)]
pub struct Advoware(Arc<Shared>);

pub(super) struct Shared {
    /// For what goes to Advoware's central servers.
    gateway: Http,
    /// For what goes to the firm's own server.
    api: Http,
    /// The same for calls whose permits are held.
    api_with_permits_held: Http,
    auth: Auth,
    kanzlei: String,
    configurator_url: BaseUrl,
    /// From the settings, else from the look-up: once per process.
    api_base_url: OnceCell<BaseUrl>,
    employees_path: ApiPath,
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
            api_with_permits_held: api.with_permits_held(),
            api,
            kanzlei: settings.kanzlei.clone(),
            configurator_url: settings.configurator_url.clone(),
            api_base_url: OnceCell::new_with(settings.api_base_url.clone()),
            employees_path: settings.employees_path.clone(),
        })))
    }

    /// One Beteiligte with all of its Kommunikationen: no further call is needed to read them.
    pub async fn get_beteiligte(&self, bet_nr: BetNr) -> Result<AdvoBeteiligte, ApiError> {
        self.calls().get_beteiligte(bet_nr).await
    }

    /// The Termine that overlap the days `from` to `to`, both included, and that the owner of this Kürzel sees. Absence from it is
    /// evidence only within the window, and only while every entry can be read (C4).
    pub async fn list_termine(
        &self,
        kuerzel: &Kuerzel,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<TerminList, ApiError> {
        self.calls().list_termine(kuerzel, from, to).await
    }

    /// One Termin; `None` where Advoware does not know the number. An entry that cannot be read is an error.
    pub async fn get_termin(&self, frnr: FrNr) -> Result<Option<AdvoTermin>, ApiError> {
        self.calls().get_termin(frnr).await
    }

    /// All employees that have a Kürzel, each once.
    pub async fn list_mitarbeiter(&self) -> Result<Vec<Mitarbeiter>, ApiError> {
        self.calls().list_mitarbeiter().await
    }

    /// Waits until calls may be made, and makes them without a further wait: see [`Visit`]. `wanted` is how many the caller would make
    /// at once; an error names `operation`. Whoever visits must not wait for another permit meanwhile, neither for a second visit
    /// nor with a call on this client itself.
    pub async fn visit(&self, operation: Operation, wanted: usize) -> Result<Visit, ApiError> {
        // Address and token first: nobody else is kept waiting while we log in, nor is a write after its look.
        self.0.api_base_url().await?;
        let token = self.0.auth.token().await?;
        let wanted = wanted.max(1);
        let permits = self.0.api.permits(operation, u32::try_from(wanted).unwrap_or(u32::MAX)).await?;
        Ok(Visit::new(Arc::clone(&self.0), token, permits, wanted))
    }

    fn calls(&self) -> Caller<'_> {
        Caller { shared: &self.0, http: &self.0.api, token: None }
    }
}

impl Shared {
    pub(super) fn auth(&self) -> &Auth {
        &self.auth
    }

    pub(super) fn api_with_permits_held(&self) -> &Http {
        &self.api_with_permits_held
    }

    pub(super) fn employees_path(&self) -> &ApiPath {
        &self.employees_path
    }

    pub(super) async fn api_base_url(&self) -> Result<&BaseUrl, ApiError> {
        self.api_base_url.get_or_try_init(|| self.look_up_api_base_url()).await
    }
    /// Where the firm's API is, for firms that did not configure it (DOMAIN 1).
    async fn look_up_api_base_url(&self) -> Result<BaseUrl, ApiError> {
        let url = self.configurator_url.at(&["api", "Url"]);
        let request = self.gateway.requests().get(url).query(&[("Kanzlei", &self.kanzlei)]);
        let read = |answer: &Answer| {
            // The look-up needs no credentials but knows the firms: a 404 is about ours.
            if let (Some(refusal), false) = (wire::refusal_in(&answer.body), answer.status.is_success()) {
                return Err(ErrorKind::CredentialsRefused(refusal));
            }
            let address = wire::api_address(body_of(answer)?)?;
            BaseUrl::parse(&address).map_err(|_| ErrorKind::Malformed { what: "the API's address is none" })
        };
        self.gateway.call(Operation::AdvowareUrl, request, read).await
    }
}
