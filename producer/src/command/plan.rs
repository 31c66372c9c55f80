//! `plan beteiligte`: what a sync would do, written nowhere; and that very plan, carried out.

use domain::ids::EspoId;
use domain::kommunikation::Direction;
use serde_json::json;
use shared::advoware::{Advoware, TokenCache};
use shared::beteiligte::{AdvoSide, LoadError, Systems, Wanted, prose};
use shared::clock::Clock;
use shared::error::{ErrorKind, System};
use shared::espocrm::Espocrm;
use shared::hub::{Asked, Hub};
use shared::limits::Limits;
use shared::settings::WorkerSettings;

use super::report::Report;
use super::{CommandError, ask, record_ids};
use crate::cli::PlanBeteiligte;

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

/// Both sides and the hub, within the limits that all workers share.
pub(super) async fn connect(settings: &WorkerSettings, hub: Hub) -> Result<Systems, CommandError> {
    let tokens = TokenCache::connect(&settings.redis).await?;
    let limits = Limits::connect(settings.redis.queue()).await?;
    let parallel = limits.parallel(System::Advoware, settings.limits.advoware_max_parallel);
    let advoware = Advoware::within(parallel, &settings.advoware, tokens, Clock::system())?;
    Ok(Systems { espocrm: Espocrm::new(&settings.espocrm)?, advoware, hub })
}

/// Loads as the job does and plans as the job does. Reads only, within the limits that all workers share.
async fn dry_run(settings: &WorkerSettings, hub: Hub, id: &EspoId) -> Result<Report, CommandError> {
    let systems = connect(settings, hub).await?;
    let nothing = |text: &str| Report {
        text: text.to_owned(),
        json: json!({"steps": [], "findings": [], "note": text}),
        found_something: true,
    };
    let loaded = match systems.load(id).await {
        Ok(loaded) => loaded,
        Err(LoadError::Espocrm(error)) if error.kind == ErrorKind::NotFound => {
            return Ok(nothing("EspoCRM has no such record: nothing would be written"));
        }
        Err(error) => return Err(error.into()),
    };
    if loaded.espo.deleted {
        return Ok(nothing("the record is deleted in EspoCRM: nothing would be written"));
    }
    match &loaded.advo {
        AdvoSide::Failed(error) => return Err(error.clone().into()),
        AdvoSide::Missing(_) => {
            return Ok(nothing("Advoware has no record of this betnr: the status would become deleted_in_advoware"));
        }
        AdvoSide::NoBetnr if loaded.creation.is_some() => {
            return Ok(nothing(
                "its creation in Advoware has begun: look at the record, or `requeue <id> --create-again`",
            ));
        }
        AdvoSide::NoBetnr | AdvoSide::Found(_) => {}
    }
    let wanted = Wanted {
        direction: Direction::Both,
        after_conflict: false,
        approve_deletions: false,
        policy: settings.sync.conflict_policy,
    };
    let Some(plan) = loaded.plan(wanted) else {
        return Ok(nothing("Advoware would not take the record: it needs a name, and dates that are dates"));
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
    Ok(Report { text: prose::of(&plan), json, found_something: !plan.is_empty() })
}
