//! `erase`: everything that is kept here on one person.

use serde_json::json;
use shared::hub::{Hub, Kept};
use shared::queue::{JobState, QueueName};
use shared::settings::{PostgresSettings, RedisSettings};

use super::report::Report;
use super::{CommandError, connect, record_ids};
use crate::cli::Erase;
use crate::operator::{Act, Action, Of, Operator};

pub(super) async fn erase(
    postgres: &PostgresSettings,
    redis: &RedisSettings,
    arguments: &Erase,
) -> Result<Report, CommandError> {
    let id = record_ids::parse_one(&arguments.id)?;
    let hub = Hub::new(postgres.connect_options());
    hub.check().await?;
    let queue = connect(redis, QueueName::Beteiligte).await?;
    let jobs = queue.show(&[id.to_string()]).await?;
    if arguments.apply && jobs.iter().any(|job| job.state == JobState::Running) {
        return Err(CommandError::Busy);
    }
    let erased = if arguments.apply {
        let work = async {
            queue.drop_waiting(id.as_str()).await?;
            let dead: Vec<_> =
                jobs.iter().filter(|job| job.state == JobState::Dead).map(|job| job.job.clone()).collect();
            queue.delete_dead(&dead).await?;
            Ok::<_, CommandError>(hub.erase(&id).await?)
        };
        // That somebody was erased, and when; not who: nothing of them is to stay.
        let action = Action { act: Act::Erase, of: Of::flow(Some(QueueName::Beteiligte)) };
        Operator::of_command(&hub).noted(vec![action], work).await?
    } else {
        hub.kept(&id).await?
    };
    hub.close().await;
    let Kept { records, audit_entries: entries, requests, actions } = erased;
    let jobs = jobs.len();
    let verb = if arguments.apply { "erased" } else { "would be erased" };
    let hint = if arguments.apply { "" } else { "; give the command again with --apply" };
    let text = format!(
        "{verb}: {records} base, {entries} audit entries, {requests} requests, {actions} operators' actions, {jobs} jobs{hint}"
    );
    if arguments.apply {
        tracing::info!(id = %id, "operator: everything kept on a record was erased");
    }
    let json = json!({
        "applied": arguments.apply, "bases": records, "audit_entries": entries, "requests": requests,
        "operator_actions": actions, "jobs": jobs,
    });
    let found_something = !arguments.apply && records + entries + requests + actions > 0;
    Ok(Report { text, json, found_something })
}
