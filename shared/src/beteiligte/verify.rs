//! Whether both sides of a Beteiligter agree, for the continuous check and `audit verify-sync`: by the plan that a sync would make.

use domain::beteiligte::{ConflictPolicy, SyncStatus};
use domain::ids::EspoId;
use domain::kommunikation::Direction;

use super::{AdvoSide, LoadError, Loaded, Systems, Wanted};
use crate::error::{ApiError, ErrorKind};

/// How the sides stand to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// A sync would write nothing.
    Agrees,
    /// It would.
    Differs {
        /// What: the hash of the plan, or the side that lacks the record.
        digest: String,
        /// Writes of the plan; 0 where a side lacks the record.
        steps: usize,
    },
    /// EspoCRM says that the record waits, for a sync or for a person.
    Waits(Option<SyncStatus>),
}

/// Digest where EspoCRM lacks the record.
pub const NOT_IN_ESPOCRM: &str = "not_in_espocrm";
/// Digest where Advoware lacks the record.
pub const NOT_IN_ADVOWARE: &str = "not_in_advoware";

impl Agreement {
    fn lacks(side: &str) -> Self {
        Self::Differs { digest: side.to_owned(), steps: 0 }
    }
}

impl Systems {
    /// Looks at both sides as a run does, and compares them. Writes nothing.
    pub async fn verify(&self, id: &EspoId, policy: ConflictPolicy) -> Result<Agreement, LoadError> {
        match self.load(id).await {
            Ok(loaded) => Ok(loaded.agreement(policy)?),
            Err(LoadError::Espocrm(error)) if error.kind == ErrorKind::NotFound => Ok(Agreement::lacks(NOT_IN_ESPOCRM)),
            Err(error) => Err(error),
        }
    }
}

impl Loaded {
    /// How the sides of this look stand to each other; an error where Advoware could not be asked.
    fn agreement(&self, policy: ConflictPolicy) -> Result<Agreement, ApiError> {
        if self.espo.deleted {
            return Ok(Agreement::lacks(NOT_IN_ESPOCRM));
        }
        if self.espo.sync_status != Some(SyncStatus::Clean) {
            return Ok(Agreement::Waits(self.espo.sync_status));
        }
        match &self.advo {
            AdvoSide::Failed(error) => return Err(error.clone()),
            AdvoSide::Missing(_) => return Ok(Agreement::lacks(NOT_IN_ADVOWARE)),
            AdvoSide::NoBetnr | AdvoSide::Found(_) => {}
        }
        let wanted = Wanted { direction: Direction::Both, after_conflict: false, approve_deletions: false, policy };
        let plan = self.plan(wanted).filter(|plan| !plan.is_empty());
        Ok(plan.map_or(Agreement::Agrees, |plan| Agreement::Differs { digest: plan.hash(), steps: plan.steps().len() }))
    }
}
