//! Beteiligte in agreement, compared by the plan that a sync would make.

use std::convert::Infallible;
use std::time::Duration;

use chrono::TimeDelta;
use domain::beteiligte::ConflictPolicy;
use domain::divergence::Difference;
use domain::ids::EspoId;
use shared::beteiligte::{Agreement, LoadError, Systems};
use shared::error::{Blame, System};
use shared::hub::DueRecord;
use shared::queue::Queue;

use super::{Verify, VerifyError, claim_end, count_compared, delta, is_queued, slice};

const FLOW: &str = "beteiligte";
const SYSTEMS: [System; 2] = [System::Espocrm, System::Advoware];

pub(super) struct Records {
    pub(super) systems: Systems,
    pub(super) queue: Queue,
    pub(super) policy: ConflictPolicy,
    /// In this time a sync must have looked at every record.
    pub(super) patience: TimeDelta,
}

impl Verify {
    pub(super) async fn keep_comparing_records(&self) -> Infallible {
        loop {
            let pause = match self.compare_some_records().await {
                Ok(pause) => pause,
                Err(error) => self.failed(&error),
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// One slice; answers how long to wait for the next.
    async fn compare_some_records(&self) -> Result<Duration, VerifyError> {
        let now = self.clock.now();
        self.hub.spread_records(self.interval, now).await?;
        let slice = slice(self.hub.count_clean().await?, self.interval);
        if self.may_look(&SYSTEMS, &self.beteiligte.queue).await? {
            for due in self.hub.take_records_to_verify(now, claim_end(now), slice.most).await? {
                self.compare_record(due).await?;
            }
        }
        Ok(slice.pause)
    }

    async fn compare_record(&self, due: DueRecord) -> Result<(), VerifyError> {
        let DueRecord { id, before, was_synced } = due;
        let Records { systems, queue, policy, patience } = &self.beteiligte;
        let looked_at = self.clock.now();
        let found = match systems.verify(&id, *policy).await {
            Ok(Agreement::Agrees) => None,
            Ok(Agreement::Differs { digest, .. }) => {
                if is_queued(queue, id.to_string()).await? {
                    return self.put_off(&id).await;
                }
                Some(Difference::seen(before.as_ref(), digest, was_synced, looked_at, *patience))
            }
            Ok(Agreement::Waits(_)) => return self.put_off(&id).await,
            // What is wrong with one record alone keeps the check from no other.
            Err(LoadError::Espocrm(error)) if error.blame() == Blame::Record => {
                tracing::debug!(%id, %error, "a record could not be compared");
                return self.put_off(&id).await;
            }
            Err(error) => return Err(error.into()),
        };
        let due_at = match &found {
            Some(found) => self.due(found, looked_at, *patience),
            None => looked_at + delta(self.interval),
        };
        if !self.hub.note_verified(&id, found.as_ref(), looked_at, due_at).await? {
            return self.put_off(&id).await;
        }
        count_compared(FLOW, if found.is_some() { "differs" } else { "agrees" });
        let was_divergent = before.is_some_and(|before| before.is_divergent);
        if let Some(found) = found.filter(|found| found.is_divergent && !was_divergent) {
            tracing::warn!(%id, since = %found.since, "a record in agreement diverges, and no sync settles it");
        }
        Ok(())
    }

    async fn put_off(&self, id: &EspoId) -> Result<(), VerifyError> {
        count_compared(FLOW, "put_off");
        Ok(self.hub.put_off_verifying(id, self.soon(self.clock.now())).await?)
    }
}
