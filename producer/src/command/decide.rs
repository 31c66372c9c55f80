//! `decide`: a conflict of the Stammdaten under the policy `manual`.

use shared::hub::{Asked, Hub};
use shared::settings::{PostgresSettings, RedisSettings};

use super::report::Report;
use super::{CommandError, ask, record_ids};
use crate::cli::Decide;

pub(super) async fn decide(
    postgres: &PostgresSettings,
    redis: &RedisSettings,
    arguments: &Decide,
) -> Result<Report, CommandError> {
    let id = record_ids::parse_one(&arguments.id)?;
    let hub = Hub::new(postgres.connect_options());
    hub.check().await?;
    let report = ask::ask(&hub, redis, &id, &Asked::Decide(arguments.winner), arguments.wait).await?;
    hub.close().await;
    Ok(report)
}
