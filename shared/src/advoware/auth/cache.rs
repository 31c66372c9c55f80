//! The part of the log-in that all workers share, in Redis.

use std::time::Duration;

use chrono::DateTime;
use redis::{AsyncTypedCommands, ExistenceCheck, RedisResult, Script, SetExpiry, SetOptions};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::Token;
use crate::error::{CREDENTIALS_PAUSE, Refusal};
use crate::link::{Limits, Link};
use crate::settings::RedisSettings;

/// Where the workers share Advoware's token. Cloning is cheap.
#[derive(Clone)]
pub struct TokenCache {
    link: Link,
}

/// The keys of one log-in: another Kanzlei, user or password has keys of its own, so a corrected password is tried at once.
pub(super) struct CacheKeys {
    token: String,
    refusal: String,
    lock: String,
}

/// Proof of holding the lock.
pub(super) struct Lock(String);

impl CacheKeys {
    pub(super) fn of(fingerprint: &str) -> Self {
        let key = |what| format!("kanzleisync:advoware:{what}:{fingerprint}");
        Self { token: key("token"), refusal: key("refusal"), lock: key("log-in") }
    }
}

impl TokenCache {
    /// Connects; from then on the connection heals by itself, and a call fails after the configured time.
    pub async fn connect(settings: &RedisSettings) -> RedisResult<Self> {
        let limits = Limits { connect: settings.timeout, answer: settings.timeout };
        Ok(Self { link: Link::connect_within(limits, settings.advoware_cache()).await? })
    }

    pub(super) async fn token(&self, keys: &CacheKeys) -> RedisResult<Option<Token>> {
        let stored = self.link.commands().get(&keys.token).await?;
        Ok(stored.as_deref().and_then(read_token))
    }

    pub(super) async fn store(&self, keys: &CacheKeys, token: &Token, keep: Duration) -> RedisResult<()> {
        let value = format!("{} {}", token.replace_at.timestamp_millis(), token.secret.expose_secret());
        let options = SetOptions::default().with_expiration(SetExpiry::PX(millis(keep)));
        self.link.commands().set_options(&keys.token, value, options).await?;
        Ok(())
    }

    pub(super) async fn refusal(&self, keys: &CacheKeys) -> RedisResult<Option<Refusal>> {
        let stored = self.link.commands().get(&keys.refusal).await?;
        // A name that a newer version wrote still means: do not try.
        Ok(stored.map(|name| Refusal::from_name(&name).unwrap_or(Refusal::LogInRefused)))
    }

    pub(super) async fn remember_refusal(&self, keys: &CacheKeys, refusal: Refusal) -> RedisResult<()> {
        let options = SetOptions::default().with_expiration(SetExpiry::PX(millis(CREDENTIALS_PAUSE)));
        self.link.commands().set_options(&keys.refusal, refusal.name(), options).await?;
        Ok(())
    }

    /// The lock, unless somebody holds it.
    pub(super) async fn lock(&self, keys: &CacheKeys, ttl: Duration) -> RedisResult<Option<Lock>> {
        let lock = Lock(Uuid::new_v4().to_string());
        let options =
            SetOptions::default().conditional_set(ExistenceCheck::NX).with_expiration(SetExpiry::PX(millis(ttl)));
        let set = self.link.commands().set_options(&keys.lock, &lock.0, options).await?;
        Ok(set.map(|_| lock))
    }

    /// Gives the lock back, if it is still ours.
    pub(super) async fn unlock(&self, keys: &CacheKeys, lock: &Lock) -> RedisResult<()> {
        let script = Script::new("if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end");
        script.key(&keys.lock).arg(&lock.0).invoke_async(&mut self.link.commands()).await
    }
}

/// `<milliseconds since 1970> <token>`, as [`TokenCache::store`] writes it.
fn read_token(stored: &str) -> Option<Token> {
    let (millis, secret) = stored.split_once(' ')?;
    let replace_at = DateTime::from_timestamp_millis(millis.parse().ok()?)?;
    Some(Token { secret: SecretString::from(secret), replace_at })
}

/// Redis takes whole milliseconds and refuses 0.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}
