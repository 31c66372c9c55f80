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
use crate::operator::{Act, Action, Of, Operator};

pub(super) async fn carry_out(redis: &RedisSettings, operator: &Operator, what: &Jobs) -> Result<Report, CommandError> {
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
        Jobs::Delete(arguments) => delete::delete(&queues, operator, arguments).await?,
        Jobs::Pause(of) => {
            let action = Action { act: Act::Pause, of: Of::flow(of.queue) };
            operator.noted(vec![action], hold::pause(&queues)).await?
        }
        Jobs::Resume(of) => {
            let action = Action { act: Act::Resume, of: Of::flow(of.queue) };
            operator.noted(vec![action], hold::resume(&queues)).await?
        }
    })
}
