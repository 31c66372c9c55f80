//! `migrate`

use serde_json::json;
use shared::hub::{Hub, HubError};
use shared::settings::{PostgresSettings, Source};

use super::CommandError;
use super::report::Report;

/// Brings the database to this program's version. Needs the PostgreSQL settings only: it runs before anything else is set up.
pub(super) async fn migrate(source: &Source) -> Result<Report, CommandError> {
    let hub = Hub::new(PostgresSettings::read(source)?.connect_options());
    let is_current = match hub.check().await {
        Ok(()) => true,
        Err(HubError::NotMigrated) => false,
        Err(error) => return Err(error.into()),
    };
    if !is_current {
        hub.migrate().await?;
    }
    hub.close().await;
    let text = if is_current {
        "nothing to do: the database is at this program's version"
    } else {
        "migrated: the database is now at this program's version"
    };
    Ok(Report { text: text.to_owned(), json: json!({"migrated": !is_current}), found_something: false })
}
