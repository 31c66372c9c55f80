//! `plan beteiligte`: what a sync would do, written nowhere; and that very plan, carried out. The console shows the same plan.

use std::borrow::Cow;

use domain::beteiligte::ConflictPolicy;
use domain::ids::EspoId;
use domain::kommunikation::Direction;
use serde_json::json;
use shared::advoware::{Advoware, TokenCache};
use shared::beteiligte::{AdvoSide, LoadError, SyncPlan, Systems, Wanted, prose};
use shared::calendar::LookError;
use shared::clock::Clock;
use shared::error::{ApiError, ErrorKind, System};
use shared::espocrm::Espocrm;
use shared::hub::{Asked, Hub, HubError};
use shared::limits::Limits;
use shared::settings::WorkerSettings;

use super::report::Report;
use super::{CommandError, ask, record_ids};
use crate::cli::PlanBeteiligte;

/// Plans as the job does. Reads only, within the limits that all workers share.
#[derive(Clone)]
pub(crate) struct Planner {
    systems: Systems,
    policy: ConflictPolicy,
}

/// What a sync would do.
pub(crate) enum Planned {
    /// This.
    Plan(Box<SyncPlan>),
    /// Nothing is written.
    Not(Unplanned),
}

/// Why nothing would be written, without a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unplanned {
    /// EspoCRM does not have it.
    Unknown,
    /// It is deleted in EspoCRM.
    Deleted,
    /// Advoware has no record of its number.
    Missing,
    /// Its number belongs to this other record.
    Taken(EspoId),
    /// It is not known how far its creation has come, or EspoCRM does not name its number yet.
    CreationBegun,
    /// Advoware would refuse it.
    NotCreatable,
}

/// A side could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// EspoCRM, Advoware or Google.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The hub.
    #[error(transparent)]
    Hub(#[from] HubError),
}

impl From<LoadError> for PlanError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Espocrm(error) => Self::Api(error),
            LoadError::Hub(error) => Self::Hub(error),
        }
    }
}

impl From<LookError> for PlanError {
    fn from(error: LookError) -> Self {
        match error {
            LookError::Api(error) => Self::Api(error),
            LookError::Hub(error) => Self::Hub(error),
        }
    }
}

impl From<PlanError> for CommandError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Api(error) => Self::Api(error),
            PlanError::Hub(error) => Self::Hub(error),
        }
    }
}

impl Unplanned {
    /// For people on a terminal.
    fn text(&self) -> Cow<'static, str> {
        let text = match self {
            Self::Unknown => "EspoCRM has no such record: nothing would be written",
            Self::Deleted => "the record is deleted in EspoCRM: nothing would be written",
            Self::Missing => "Advoware has no record of this betnr: the status would become deleted_in_advoware",
            Self::CreationBegun => {
                "its creation in Advoware has begun: look at the record, or `requeue <id> --create-again`"
            }
            Self::NotCreatable => "Advoware would not take the record: it needs a name, and dates that are dates",
            Self::Taken(holder) => {
                return format!(
                    "the EspoCRM record {holder} is synced with this betnr: nothing would be written. Correct the number in one of the two"
                )
                .into();
            }
        };
        text.into()
    }
}

pub(super) async fn beteiligte(settings: &WorkerSettings, arguments: &PlanBeteiligte) -> Result<Report, CommandError> {
    let id = record_ids::parse_one(&arguments.id)?;
    let hub = Hub::new(settings.postgres.connect_options());
    hub.check().await?;
    let report = match &arguments.apply {
        Some(hash) => ask::ask(&hub, &settings.redis, &id, &Asked::Apply(hash.clone()), arguments.wait).await?,
        None => dry_run(settings, hub.clone(), &id).await?,
    };
    hub.close().await;
    Ok(report)
}

impl Planner {
    pub(crate) fn new(systems: Systems, policy: ConflictPolicy) -> Self {
        Self { systems, policy }
    }

    /// Loads as the job does and plans as the job does.
    pub(crate) async fn plan(&self, id: &EspoId) -> Result<Planned, PlanError> {
        let loaded = match self.systems.load(id).await {
            Ok(loaded) => loaded,
            Err(LoadError::Espocrm(error)) if error.kind == ErrorKind::NotFound => {
                return Ok(Planned::Not(Unplanned::Unknown));
            }
            Err(error) => return Err(error.into()),
        };
        if loaded.espo.deleted {
            return Ok(Planned::Not(Unplanned::Deleted));
        }
        match &loaded.advo {
            AdvoSide::Failed(error) => return Err(error.clone().into()),
            AdvoSide::Missing(_) => return Ok(Planned::Not(Unplanned::Missing)),
            AdvoSide::NoBetnr if loaded.creation.is_some() => return Ok(Planned::Not(Unplanned::CreationBegun)),
            AdvoSide::NoBetnr | AdvoSide::Found(_) => {}
        }
        if let Some(betnr) = loaded.espo.betnr.filter(|_| !loaded.is_claimed)
            && let Some(holder) = self.systems.rival(id, betnr).await?
        {
            return Ok(Planned::Not(Unplanned::Taken(holder)));
        }
        let wanted =
            Wanted { direction: Direction::Both, after_conflict: false, approve_deletions: false, policy: self.policy };
        let plan = loaded.plan(wanted).map(Box::new);
        Ok(plan.map_or(Planned::Not(Unplanned::NotCreatable), Planned::Plan))
    }
}

/// Both sides and the hub, within the limits that all workers share.
pub(super) async fn connect(settings: &WorkerSettings, hub: Hub) -> Result<Systems, CommandError> {
    let tokens = TokenCache::connect(&settings.redis).await?;
    let limits = Limits::connect(settings.redis.queue()).await?;
    let parallel = limits.parallel(System::Advoware, settings.limits.advoware_max_parallel);
    let advoware = Advoware::within(parallel, &settings.advoware, tokens, Clock::system())?;
    Ok(Systems { espocrm: Espocrm::new(&settings.espocrm)?, advoware, hub })
}

async fn dry_run(settings: &WorkerSettings, hub: Hub, id: &EspoId) -> Result<Report, CommandError> {
    let planner = Planner::new(connect(settings, hub).await?, settings.sync.conflict_policy);
    let plan = match planner.plan(id).await? {
        Planned::Plan(plan) => plan,
        Planned::Not(why) => {
            let text = why.text();
            let json = json!({"steps": [], "findings": [], "note": text});
            return Ok(Report { text: text.into_owned(), json, found_something: true });
        }
    };
    let findings: Vec<_> = plan
        .findings()
        .map(|finding| {
            json!({
                "kind": finding.kind.name(),
                "kommId": finding.komm_id.map(|komm_id| komm_id.0),
                "field": finding.field.map(domain::beteiligte::stammdaten::Field::name),
            })
        })
        .collect();
    let json = json!({"hash": plan.hash(), "steps": plan.steps(), "findings": findings});
    Ok(Report { text: prose::of(&plan), json, found_something: !plan.is_empty() || plan.waits_for_person() })
}
