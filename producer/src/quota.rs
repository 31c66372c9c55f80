//! How much of what all programs together may ask of a system is in use: `kanzleisync_api_quota_used_ratio`. EspoCRM has no such limit, so
//! no series.

use std::convert::Infallible;
use std::time::Duration;

use shared::error::System;
use shared::limits::{Limits, Usage};

const USED: &str = "kanzleisync_api_quota_used_ratio";
/// Shorter than any scrape interval; two small calls to Redis.
const INTERVAL: Duration = Duration::from_secs(5);

/// The limits, as the settings have them.
#[derive(Clone, Copy)]
pub(crate) struct Most {
    /// `ADVOWARE_MAX_PARALLEL`
    pub(crate) advoware_parallel: u32,
    /// `GOOGLE_CALENDAR_REQUESTS_PER_MINUTE`
    pub(crate) google_per_minute: u32,
}

/// Tells it until it is dropped.
pub(crate) async fn keep_telling(limits: Limits, most: Most) -> Infallible {
    loop {
        match limits.usage().await {
            Ok(Usage { advoware_calls, google_requests }) => {
                set(System::Advoware, advoware_calls, most.advoware_parallel);
                set(System::Google, google_requests, most.google_per_minute);
            }
            Err(error) => tracing::debug!(category = error.category(), "how much of the limits is in use is not known"),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

fn set(system: System, used: u32, most: u32) {
    metrics::gauge!(USED, "system" => system.name()).set(f64::from(used) / f64::from(most.max(1)));
}

/// Every series exists from the start, at 0 (CONTRACT).
pub(crate) fn register_metrics() {
    for system in [System::Advoware, System::Google] {
        set(system, 0, 1);
    }
}
