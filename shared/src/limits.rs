//! What all workers together may ask of the outside systems (J5), and when a system is left alone (J4a).
//!
//! Three limits, each a Lua script or two in `limits/lua`, which is the one place where it is decided. Time is Redis' own, because the
//! clocks of machines differ. All keys begin with `{kanzleisync:limits}`:
//!
//! | key, `P` = `{kanzleisync:limits}` | type | holds |
//! | --- | --- | --- |
//! | `P:rate:<system>` | string | when the next request is due at an even pace (GCRA), in microseconds |
//! | `P:rate:<system>:<minute>` | string | requests granted in that minute since 1970 |
//! | `P:parallel:<system>` | hash | per process: permits held, calls that wait, until when it is believed alive |
//! | `P:parallel:<system>:wake` | channel | names a process for which permits have become free |
//! | `P:breaker:<system>` | hash | the breaker, see `breaker.lua`; absent: closed, and nothing has failed |
//! | `P:breaker:<system>:streak` | list | records of the failures in a row |
//! | `P:breaker:changed` | channel | some breaker or streak has changed |
//! | `P:termin:<frNr>` | string | the run that may write this Termin (C10b) |
//!
//! If Redis is wiped, buckets are full, permits are counted anew within two seconds, and breakers are closed until they learn better.

mod breaker;
mod parallel;
mod rate;
mod script;
mod termin;
#[cfg(test)]
mod tests;
mod usage;

use std::time::Duration;

use redis::RedisError;

pub(crate) use breaker::UP;
pub use breaker::{Admission, BreakerSettings, Breakers, Evidence, Standing, Ticket, Verdict};
pub use parallel::{LimitAway, Parallel, Permit};
pub use rate::{Rate, RateSettings, Throttled};
pub use termin::{TerminLease, TerminLeases};
pub use usage::Usage;

use crate::error::System;
use crate::link::{AddressError, Link, RedisAddress};

/// What every key begins with.
const PREFIX: &str = "{kanzleisync:limits}";

/// The connection that the limits share.
#[derive(Clone)]
pub struct Limits {
    link: Link,
}

/// Redis does not answer.
#[derive(Debug, thiserror::Error)]
#[error("Redis does not answer ({}): check REDIS_URL or REDIS_HOST, REDIS_PORT and REDIS_PASSWORD", .0.category())]
pub struct ConnectError(#[from] RedisError);

impl Limits {
    /// Connects; fails if Redis does not answer within some seconds.
    pub async fn connect(redis: impl TryInto<RedisAddress, Error: Into<AddressError>>) -> Result<Self, ConnectError> {
        Ok(Self { link: Link::connect(redis).await? })
    }

    /// Calls to `system` at once, over all processes. Once per process and system: it stands for the process. Must be called within
    /// a runtime.
    pub fn parallel(&self, system: System, most: u32) -> Parallel {
        Parallel::start(self.link.clone(), system.name(), most, parallel::LIVENESS)
    }

    /// Requests to `system` per time, over all processes. `system` is a label from the closed list of systems.
    pub fn rate(&self, system: &'static str, settings: RateSettings) -> Rate {
        Rate::new(self.link.clone(), system, settings)
    }

    /// Who may write which Termin; a right that is not given back ends after `length`.
    pub fn termin_leases(&self, length: Duration) -> TerminLeases {
        TerminLeases::new(self.link.clone(), length)
    }

    /// The breakers of all systems.
    pub fn breakers(&self, settings: BreakerSettings) -> Breakers {
        Breakers::new(self.link.clone(), settings)
    }
}
