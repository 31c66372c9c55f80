//! How much of the limits is in use, over all processes.

use redis::RedisError;

use super::{Limits, PREFIX, script};
use crate::error::System;
use crate::link::script::Call;

/// What is in use now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Calls to Advoware under way.
    pub advoware_calls: u32,
    /// Requests to Google that were granted in the last 60 s.
    pub google_requests: u32,
}

impl Limits {
    /// Looks; nothing is booked.
    pub async fn usage(&self) -> Result<Usage, RedisError> {
        self.usage_at("").await
    }

    /// `now_us`: Redis' time, or another one in tests.
    pub(super) async fn usage_at(&self, now_us: &str) -> Result<Usage, RedisError> {
        let call = Call::new(&script::USAGE, PREFIX).arg(now_us);
        let call = call.arg(System::Advoware.name()).arg(System::Google.name());
        let (advoware_calls, google_requests) = call.once(&self.link).await?;
        Ok(Usage { advoware_calls, google_requests })
    }
}
