//! How many records are in which state, for metrics.

use domain::beteiligte::SyncStatus;
use shared::espocrm::Filter;

use super::Scan;
use crate::listing::ListingError;

pub(crate) const ENTITIES: &str = "kanzleisync_entities";

impl Scan {
    /// By EspoCRM's own counts, once per scan: they cost it a look at its index, and us eight small answers.
    pub(super) async fn count_entities(&self) -> Result<(), ListingError> {
        for status in SyncStatus::ALL {
            let count = self.espocrm.count_beteiligte(&Filter::StatusIn(vec![status])).await?;
            if let Some(count) = count {
                metrics::gauge!(ENTITIES, "status" => status.name()).set(f64::from(count));
            }
        }
        Ok(())
    }
}
