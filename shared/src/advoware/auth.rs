//! Log-in at Advoware's gateway, and the token that all workers share (DOMAIN 1).
//!
//! Invariants: over all workers one log-in at a time; a log-in that was refused is not repeated for five minutes by
//! anybody, because the gateway counts wrong passwords; the token is replaced before it ends.

mod cache;
mod gateway;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};
use redis::RedisError;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

use cache::CacheKeys;
pub use cache::TokenCache;
use gateway::Gateway;

use crate::clock::Clock;
use crate::error::{ApiError, ErrorKind, Operation};
use crate::http::{Http, SetupError};
use crate::settings::AdvowareSettings;

/// How long before its end a token is replaced; half of its life where that is shorter (A).
const REFRESH_EARLY: Duration = Duration::from_mins(2);

/// How often to look whether the worker that logs in is done.
const POLL: Duration = Duration::from_millis(50);

/// How long a worker that died while logging in keeps the others waiting. A log-in that takes longer may meet a second
/// one, which does no harm.
const LOCK_TIME: Duration = Duration::from_secs(8);

/// An access token and the time to replace it.
#[derive(Clone)]
pub(super) struct Token {
    secret: SecretString,
    replace_at: DateTime<Utc>,
}

impl Token {
    /// For the header.
    pub(super) fn secret(&self) -> &SecretString {
        &self.secret
    }

    fn is_usable(&self, now: DateTime<Utc>, refused: Option<&Token>) -> bool {
        let is_refused = refused.is_some_and(|t| t.secret.expose_secret() == self.secret.expose_secret());
        now < self.replace_at && !is_refused
    }
}

/// Gets tokens.
pub(super) struct Auth {
    gateway: Gateway,
    cache: TokenCache,
    keys: CacheKeys,
    clock: Clock,
    /// How long to wait for somebody else's log-in.
    patience: Duration,
    /// This process's copy, so that most calls ask nobody. The mutex also makes the tasks of one process wait for one.
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    /// The last failure and when it happened: whoever was waiting by then has failed, too, instead of trying in turn.
    failure: Option<(Instant, ApiError)>,
}

impl Auth {
    pub(super) fn new(
        settings: AdvowareSettings,
        http: Http,
        cache: TokenCache,
        clock: Clock,
    ) -> Result<Self, SetupError> {
        let gateway = Gateway::new(settings, http)?;
        Ok(Self {
            keys: CacheKeys::of(&gateway.fingerprint()),
            cache,
            clock,
            patience: gateway.timeout() + LOCK_TIME,
            gateway,
            held: Mutex::default(),
        })
    }

    /// A token that should be valid.
    pub(super) async fn token(&self) -> Result<Token, ApiError> {
        self.other_than(None).await
    }

    /// Another token, after `refused` got a 401.
    pub(super) async fn token_after(&self, refused: &Token) -> Result<Token, ApiError> {
        self.other_than(Some(refused)).await
    }

    async fn other_than(&self, refused: Option<&Token>) -> Result<Token, ApiError> {
        let asked_at = Instant::now();
        let mut held = self.held.lock().await;
        if let Some(token) = held.token.as_ref().filter(|token| token.is_usable(self.clock.now(), refused)) {
            return Ok(token.clone());
        }
        if let Some((failed_at, error)) = &held.failure
            && *failed_at >= asked_at
        {
            return Err(error.clone());
        }
        let result = self.shared(refused).await;
        match &result {
            Ok(token) => *held = Held { token: Some(token.clone()), failure: None },
            Err(error) => held.failure = Some((Instant::now(), error.clone())),
        }
        result
    }

    /// The token that the workers share; logs in if there is none and nobody else is at it.
    async fn shared(&self, refused: Option<&Token>) -> Result<Token, ApiError> {
        let deadline = Instant::now() + self.patience;
        while Instant::now() < deadline {
            if let Some(token) = self.cached(refused).await? {
                return Ok(token);
            }
            self.check_not_refused().await?;
            if let Some(lock) = self.cache.lock(&self.keys, LOCK_TIME).await.map_err(unavailable)? {
                let result = self.log_in_locked(refused).await;
                // A lock that cannot be given back ends by itself.
                let _ = self.cache.unlock(&self.keys, &lock).await;
                return result;
            }
            tokio::time::sleep(POLL).await;
        }
        Err(ApiError::unanswered(Operation::AdvowareToken, ErrorKind::TimedOut))
    }

    async fn log_in_locked(&self, refused: Option<&Token>) -> Result<Token, ApiError> {
        // Somebody may have finished between our looks and our lock, well or badly.
        if let Some(token) = self.cached(refused).await? {
            return Ok(token);
        }
        self.check_not_refused().await?;
        let result = self.gateway.log_in(&self.clock).await;
        match &result {
            Ok(token) => {
                let keep = (token.replace_at - self.clock.now()).to_std().unwrap_or_default();
                self.cache.store(&self.keys, token, keep).await.map_err(unavailable)?;
            }
            Err(ApiError { kind: ErrorKind::CredentialsRefused(refusal), .. }) => {
                self.cache.remember_refusal(&self.keys, *refusal).await.map_err(unavailable)?;
            }
            Err(_) => {}
        }
        result
    }

    /// A log-in that was refused is not repeated by anybody for a while.
    async fn check_not_refused(&self) -> Result<(), ApiError> {
        match self.cache.refusal(&self.keys).await.map_err(unavailable)? {
            Some(refusal) => {
                Err(ApiError::unanswered(Operation::AdvowareToken, ErrorKind::CredentialsRefused(refusal)))
            }
            None => Ok(()),
        }
    }

    async fn cached(&self, refused: Option<&Token>) -> Result<Option<Token>, ApiError> {
        let token = self.cache.token(&self.keys).await.map_err(unavailable)?;
        Ok(token.filter(|token| token.is_usable(self.clock.now(), refused)))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn unavailable(error: RedisError) -> ApiError {
    tracing::warn!(kind = ?error.kind(), "the token cache in Redis does not answer");
    ApiError::unanswered(Operation::AdvowareToken, ErrorKind::CacheUnavailable)
}
