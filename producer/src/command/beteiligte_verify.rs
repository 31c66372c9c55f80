//! `audit verify-sync --beteiligte`: records compared by the plan that a sync would make. Reads only.

use chrono::TimeDelta;
use domain::beteiligte::SyncStatus;
use domain::ids::EspoId;
use serde_json::json;
use shared::beteiligte::Agreement;
use shared::clock::Clock;
use shared::hub::Hub;
use shared::settings::WorkerSettings;

use super::report::Report;
use super::{CommandError, plan, record_ids};

/// One report per record that is named; without names, of all in agreement those that differ, and a count.
pub(super) async fn verify(settings: &WorkerSettings, named: &[String]) -> Result<Vec<Report>, CommandError> {
    let hub = Hub::new(settings.postgres.connect_options());
    hub.check().await?;
    let ids = if named.is_empty() { all(&hub).await? } else { record_ids::parse(named)? };
    let systems = plan::connect(settings, hub.clone()).await?;
    let (mut reports, mut agreed) = (Vec::new(), 0_u64);
    for id in &ids {
        match systems.verify(id, settings.sync.conflict_policy).await? {
            Agreement::Agrees if named.is_empty() => agreed += 1,
            agreement => reports.push(report(id, &agreement)),
        }
    }
    if named.is_empty() {
        let text = format!("Beteiligte: {agreed} agree, {} do not or wait", reports.len());
        reports.push(Report { text, json: json!({"beteiligte": {"agreed": agreed}}), found_something: false });
    }
    hub.close().await;
    Ok(reports)
}

/// All that the hub knows in agreement, whenever they were looked at. Ids only are in memory.
async fn all(hub: &Hub) -> Result<Vec<EspoId>, CommandError> {
    let later = Clock::system().now() + TimeDelta::days(1);
    Ok(hub.stale_clean(later, u32::MAX).await?)
}

fn report(id: &EspoId, agreement: &Agreement) -> Report {
    let told = |state: &str, text: String, found_something: bool| Report {
        text: format!("{id}: {text}"),
        json: json!({"id": id.as_str(), "state": state}),
        found_something,
    };
    match agreement {
        Agreement::Agrees => told("agrees", "agrees".to_owned(), false),
        Agreement::Differs { steps: 0, digest } => told(digest, digest.replace('_', " "), true),
        Agreement::Differs { steps, .. } => told(
            "differs",
            format!("differs, a sync would make {steps} writes: `plan beteiligte {id}` shows them"),
            true,
        ),
        Agreement::Waits(status) => {
            let status = status.map_or("none", SyncStatus::name);
            told("waits", format!("not compared, its syncStatus is {status}"), false)
        }
    }
}
