//! `jobs`

mod delete;
mod find;
mod hold;
mod list;
mod view;

use shared::settings::RedisSettings;

use super::report::Report;
use super::{CommandError, connect_all};
use crate::cli::Jobs;

pub(super) async fn carry_out(redis: &RedisSettings, what: &Jobs) -> Result<Report, CommandError> {
    let of = match what {
        Jobs::Counts(of) | Jobs::Pause(of) | Jobs::Resume(of) => of,
        Jobs::List(arguments) => &arguments.of,
        Jobs::Show(arguments) => &arguments.of,
        Jobs::Delete(arguments) => &arguments.of,
    };
    let queues = connect_all(redis, of.queue).await?;
    Ok(match what {
        Jobs::Counts(_) => hold::counts(&queues).await?,
        Jobs::List(arguments) => list::list(&queues, arguments).await?,
        Jobs::Show(arguments) => list::show(&queues, &arguments.ids).await?,
        Jobs::Delete(arguments) => delete::delete(&queues, arguments).await?,
        Jobs::Pause(_) => hold::pause(&queues).await?,
        Jobs::Resume(_) => hold::resume(&queues).await?,
    })
}
