//! `audit history` and `audit restore`.

use serde_json::{Value, json};
use shared::hub::{Asked, AuditView, Hub};
use shared::settings::{PostgresSettings, RedisSettings};

use super::report::Report;
use super::{CommandError, ask, record_ids};
use crate::cli::{Audit, History, Restore};

pub(super) async fn carry_out(
    postgres: &PostgresSettings,
    redis: &RedisSettings,
    what: &Audit,
) -> Result<Report, CommandError> {
    let hub = Hub::new(postgres.connect_options());
    hub.check().await?;
    let report = match what {
        Audit::History(arguments) => history(&hub, arguments).await?,
        Audit::Restore(arguments) => restore(&hub, redis, arguments).await?,
    };
    hub.close().await;
    Ok(report)
}

async fn history(hub: &Hub, arguments: &History) -> Result<Report, CommandError> {
    let id = record_ids::parse_one(&arguments.id)?;
    let entries = hub.history(&id, arguments.limit).await?;
    let lines: Vec<String> = entries.iter().map(line).collect();
    let text = if lines.is_empty() {
        "nothing was overwritten or removed on this record, as far as the audit reaches back".to_owned()
    } else {
        lines.join("\n")
    };
    let json = json!(entries.iter().map(object).collect::<Vec<_>>());
    Ok(Report { text, json, found_something: false })
}

async fn restore(hub: &Hub, redis: &RedisSettings, arguments: &Restore) -> Result<Report, CommandError> {
    let refused = |text: &str| Report {
        text: format!("refused: {text}"),
        json: json!({"outcome": "refused", "answer": text}),
        found_something: true,
    };
    let Some(entry) = hub.audit_entry(arguments.entry).await? else {
        return Ok(refused("there is no audit entry of this id: `audit history <id>` lists them"));
    };
    let id = record_ids::parse_one(&entry.espo_id)?;
    ask::ask(hub, redis, &id, &Asked::Restore(entry.id), arguments.wait).await
}

/// Values are shown: they are what is asked for.
fn line(entry: &AuditView) -> String {
    let value = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let about = match (entry.field, entry.komm_id) {
        (Some(field), _) => format!("Stammdaten {}", field.name()),
        (None, Some(komm_id)) => format!("Kommunikation {komm_id}"),
        (None, None) => "new".to_owned(),
    };
    format!(
        "{}  {}  {}  {}  {about}: {} -> {}",
        entry.id,
        entry.at.format("%Y-%m-%d %H:%M:%S"),
        entry.target,
        entry.rule,
        value(&entry.before),
        value(&entry.after)
    )
}

fn object(entry: &AuditView) -> Value {
    json!({
        "id": entry.id,
        "run": entry.run_id,
        "at": entry.at.to_rfc3339(),
        "target": entry.target,
        "rule": entry.rule,
        "betnr": entry.betnr.map(|betnr| betnr.0),
        "kommId": entry.komm_id.map(|komm_id| komm_id.0),
        "field": entry.field.map(domain::beteiligte::stammdaten::Field::name),
        "before": entry.before,
        "after": entry.after,
    })
}
