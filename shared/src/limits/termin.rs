//! One writer per Termin: several employees may see it, each synced by a run of their own (C10b).

use std::time::Duration;

use domain::ids::FrNr;
use redis::RedisError;
use uuid::Uuid;

use super::{PREFIX, script};
use crate::link::Link;
use crate::link::script::Call;

/// The writers of all Termine. Clones are the same.
#[derive(Clone)]
pub struct TerminLeases {
    link: Link,
    /// Longer than a look and a write may take: nobody else writes before a run that hangs has given up.
    length: Duration,
}

/// The right to look at one Termin and to write it. Ends by itself if it is not given back.
pub struct TerminLease {
    leases: TerminLeases,
    frnr: FrNr,
    holder: String,
}

impl TerminLeases {
    pub(super) fn new(link: Link, length: Duration) -> Self {
        Self { link, length }
    }

    /// The right, or `None` while another run has it.
    pub async fn take(&self, frnr: FrNr) -> Result<Option<TerminLease>, RedisError> {
        let lease = TerminLease { leases: self.clone(), frnr, holder: Uuid::now_v7().simple().to_string() };
        Ok(lease.ask(self.length).await?.then_some(lease))
    }
}

impl TerminLease {
    /// Gives it back. If Redis does not answer it ends by itself.
    pub async fn give_back(self) {
        if let Err(error) = self.ask(Duration::ZERO).await {
            tracing::debug!(category = error.category(), "the lease of a Termin ends by itself");
        }
    }

    async fn ask(&self, length: Duration) -> Result<bool, RedisError> {
        let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        let call = Call::new(&script::TERMIN, &format!("{PREFIX}:termin:{}", self.frnr)).arg("");
        call.arg(&self.holder).arg(millis).once(&self.leases.link).await
    }
}
