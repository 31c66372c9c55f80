//! A Redis for one test, as workers share their token in it.

use super::TokenCache;
pub(crate) use crate::link::private_redis::PrivateRedis;
use crate::settings::{RedisSettings, Source};

impl PrivateRedis {
    pub(crate) async fn cache(&self) -> TokenCache {
        let source = Source::from_iter([("REDIS_URL", self.url())]);
        TokenCache::connect(&RedisSettings::read(&source).unwrap()).await.unwrap()
    }
}
