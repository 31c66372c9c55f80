//! Loading one Beteiligte from both sides and the hub. Shared, so that a dry run sees what the job would see.

use domain::ids::{BetNr, EspoId};
use domain::kommunikation::{BaseRow, Seen};

use crate::advoware::{AdvoBeteiligte, Advoware};
use crate::error::{ApiError, ErrorKind};
use crate::espocrm::{EspoBeteiligte, Espocrm};
use crate::hub::{Hub, HubError};

/// Where a Beteiligte is loaded from.
#[derive(Clone)]
pub struct Systems {
    /// EspoCRM.
    pub espocrm: Espocrm,
    /// Advoware.
    pub advoware: Advoware,
    /// The hub.
    pub hub: Hub,
}

/// Both sides could not be seen.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// An outside system.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The hub.
    #[error(transparent)]
    Hub(#[from] HubError),
}

/// A Beteiligte as seen in one look.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// EspoCRM's side.
    pub espo: EspoBeteiligte,
    /// Advoware's side.
    pub advo: AdvoSide,
}

/// What Advoware has for it.
#[derive(Clone, Debug)]
pub enum AdvoSide {
    /// EspoCRM names no betnr yet.
    NoBetnr,
    /// Advoware answered 404 for this number.
    Missing(BetNr),
    /// The record, and the base that belongs to this very number.
    Found {
        /// The record.
        advo: Box<AdvoBeteiligte>,
        /// What was last agreed; `None` before the first agreement.
        base: Option<Vec<BaseRow>>,
    },
}

impl Loaded {
    /// What the Kommunikation planner needs, if both sides are there. `settled`: see [`Seen::settled`].
    pub fn seen<'a>(&'a self, settled: &'a [BaseRow]) -> Option<Seen<'a>> {
        match &self.advo {
            AdvoSide::Found { advo, base } => {
                Some(Seen { espo: &self.espo.view, advo: &advo.view, base: base.as_deref(), settled })
            }
            AdvoSide::NoBetnr | AdvoSide::Missing(_) => None,
        }
    }
}

impl Systems {
    /// Loads both sides at once where the hub knows the number, which is always but the first time: two calls, one round trip.
    pub async fn load(&self, id: &EspoId) -> Result<Loaded, LoadError> {
        let known = self.hub.known(id).await?;
        let (known_betnr, base) = known.map_or((None, None), |known| (known.betnr, known.kommunikation));
        let Some(expected) = known_betnr else {
            let espo = self.espocrm.get_beteiligte(id).await?;
            let advo = self.advoware_side(espo.betnr, None).await?;
            return Ok(Loaded { espo, advo });
        };
        let (espo, advo) = tokio::join!(self.espocrm.get_beteiligte(id), self.advoware_side(Some(expected), base));
        let espo = espo?;
        if espo.betnr != Some(expected) {
            // A person gave the record another number: what was agreed with the old one says nothing about the new one.
            let advo = self.advoware_side(espo.betnr, None).await?;
            return Ok(Loaded { espo, advo });
        }
        Ok(Loaded { espo, advo: advo? })
    }

    async fn advoware_side(&self, betnr: Option<BetNr>, base: Option<Vec<BaseRow>>) -> Result<AdvoSide, ApiError> {
        let Some(betnr) = betnr else { return Ok(AdvoSide::NoBetnr) };
        match self.advoware.get_beteiligte(betnr).await {
            Ok(advo) => Ok(AdvoSide::Found { advo: Box::new(advo), base }),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(AdvoSide::Missing(betnr)),
            Err(error) => Err(error),
        }
    }
}
