//! Carries out what the command line asks for.

pub(crate) mod ask;
mod audit;
mod beteiligte_verify;
pub(crate) mod calendar;
pub(crate) mod calendar_ask;
pub(crate) mod calendar_dry_run;
mod calendar_leftovers;
pub(crate) mod calendar_look;
mod calendar_plan;
mod calendar_query;
mod calendar_rebuild;
pub(crate) mod calendar_show;
mod calendar_verify;
mod completions;
mod decide;
mod doctor;
pub(crate) mod enqueue;
mod erase;
mod jobs;
mod migrate;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod record_ids;
mod report;
pub(crate) mod requeue;
mod table;
mod webhooks;

use std::process::ExitCode;
use std::time::Duration;

use shared::beteiligte::LoadError;
use shared::calendar::LookError;
use shared::queue::{Queue, QueueError, QueueName};
use shared::settings::{
    CalendarSettings, EspocrmSettings, LogSettings, PostgresSettings, ProducerSettings, RedisSettings, Source,
    WebhookSettings, WorkerSettings,
};
use shared::telemetry;

use crate::cli::{Audit, Cli, Command, Enqueue, Plan};
use crate::listing::ListingError;
use crate::operator::Operator;
use crate::program::{self, ProgramError, hub_problem};
use audit::OfStores;
use calendar::TriggerError;
use record_ids::InvalidIds;
use report::Report;

/// As the collector of traces knows it.
const PROGRAM: &str = "kanzleisync-producer";

/// How long a command waits at its end for a collector of traces that is slow.
const LAST_SPANS_WAIT: Duration = Duration::from_secs(1);

/// A command could not be carried out; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Settings are missing or malformed.
    #[error(transparent)]
    Settings(#[from] shared::settings::SettingsError),
    /// Logs or metrics.
    #[error(transparent)]
    Telemetry(#[from] telemetry::TelemetryError),
    /// The operating system gives no threads, signals or output.
    #[error("the operating system refused ({})", .0.kind())]
    System(#[from] std::io::Error),
    /// The producer itself.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// PostgreSQL.
    #[error("{}", hub_problem(.0))]
    Hub(#[from] shared::hub::HubError),
    /// EspoCRM's client refuses its settings.
    #[error(transparent)]
    Setup(#[from] shared::http::SetupError),
    /// Ids of nobody.
    #[error(transparent)]
    Ids(#[from] InvalidIds),
    /// Calendars could not be queued.
    #[error(transparent)]
    Trigger(#[from] TriggerError),
    /// Two employees on one calendar would take each other's events for their own.
    #[error("nothing was done: another employee has this calendar; give that one another first (`policy show`)")]
    CalendarTaken,
    /// Redis.
    #[error("{0}: check REDIS_URL or REDIS_HOST, REDIS_PORT and REDIS_PASSWORD, then give the command again")]
    Queue(#[from] QueueError),
    /// Redis, which holds the limits and Advoware's token.
    #[error("Redis does not answer ({}): check REDIS_URL or REDIS_HOST, REDIS_PORT and REDIS_PASSWORD", .0.category())]
    Redis(#[from] redis::RedisError),
    /// Redis, which holds the limits.
    #[error(transparent)]
    Limits(#[from] shared::limits::ConnectError),
    /// A system does not answer, or not well.
    #[error(transparent)]
    Api(#[from] shared::error::ApiError),
    /// No calendar can be reached.
    #[error("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH: not set, and calendars need it")]
    NoGoogle,
    /// An employee whom nobody knows.
    #[error("neither the hub nor Advoware's list knows an employee with this Kürzel: correct it")]
    UnknownEmployee,
    /// A text that is no Kürzel.
    #[error(transparent)]
    Kuerzel(#[from] domain::ids::InvalidKuerzel),
    /// A text that is no id of an event.
    #[error(transparent)]
    Event(#[from] domain::ids::InvalidGoogleId),
    /// No worker has done it.
    #[error(
        "not answered within {} s, and taken back: is a worker running (`jobs counts`), is the record in back-off or its system down?",
        waited.as_secs()
    )]
    NotAnswered {
        /// So long.
        waited: std::time::Duration,
    },
    /// Somebody works on the record.
    #[error("a worker is at this record: give the command again in a moment")]
    Busy,
    /// Nobody has said where EspoCRM reaches the producer.
    #[error("set PRODUCER_PUBLIC_URL or give --url: the address at which EspoCRM reaches the producer")]
    NoPublicUrl,
    /// EspoCRM does not take the address.
    #[error(
        "EspoCRM refuses the address: correct it, or, if it is one of the internal network, which EspoCRM 9.3.2 and later refuse, add its \
         `host:port` to 'webhookAllowedAddressList' in EspoCRM's data/config.php"
    )]
    WebhookAddress,
    /// The API user has no right to webhooks.
    #[error(
        "EspoCRM does not let our API user have webhooks: give its role the scope Webhooks and the right to read the entity type"
    )]
    WebhooksForbidden,
    /// The keys could not be handed over.
    #[error("--secrets-file: the file cannot be written ({0}); the webhooks are registered, give the command again")]
    SecretsFile(std::io::ErrorKind),
    /// The walk over all records ended early.
    #[error("{cause}; {queued} records are queued already, give the command again for the rest: they are merged")]
    Listing {
        /// Records that were queued before.
        queued: usize,
        /// Why it ended.
        cause: ListingError,
    },
}

impl From<LoadError> for CommandError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Espocrm(error) => Self::Api(error),
            LoadError::Hub(error) => Self::Hub(error),
        }
    }
}

impl From<LookError> for CommandError {
    fn from(error: LookError) -> Self {
        match error {
            LookError::Api(error) => Self::Api(error),
            LookError::Hub(error) => Self::Hub(error),
        }
    }
}

/// Carries out the command with settings from `source`. Answers the exit code: 0, or 1 if something was found.
pub fn execute(cli: Cli, source: &Source) -> Result<ExitCode, CommandError> {
    let report = match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => return serve(source),
        Command::Enqueue { what: Enqueue::Beteiligte(arguments) } => {
            if arguments.all {
                let settings = ProducerSettings::read(source)?;
                block_on(&settings.log, enqueue::everything(&settings, arguments.direction))?
            } else {
                on_redis(source, async |redis, operator| enqueue::some(redis, operator, &arguments).await)?
            }
        }
        Command::Enqueue { what: Enqueue::Calendar(arguments) } => {
            on_stores(source, async |postgres, redis| calendar::enqueue(postgres, redis, &arguments).await)?
        }
        Command::Requeue(arguments) => {
            on_stores(source, async |postgres, redis| requeue::requeue(postgres, redis, &arguments).await)?
        }
        Command::Jobs { what } => {
            on_redis(source, async |redis, operator| jobs::carry_out(redis, operator, &what).await)?
        }
        Command::Plan { what: Plan::Beteiligte(arguments) } => {
            let settings = WorkerSettings::read(source)?;
            block_on(&settings.log, plan::beteiligte(&settings, &arguments))?
        }
        Command::Plan { what: Plan::Calendar(arguments) } => {
            let settings = WorkerSettings::read(source)?;
            block_on(&settings.log, calendar_plan::calendar(&settings, &arguments))?
        }
        Command::Audit { what: Audit::Calendar(what) } => {
            let settings = WorkerSettings::read(source)?;
            block_on(&settings.log, audit::of_calendars(&settings, &what))?
        }
        Command::Audit { what: Audit::History(arguments) } => {
            let what = OfStores::History(&arguments);
            on_stores(source, async |postgres, redis| audit::carry_out(postgres, redis, &what).await)?
        }
        Command::Audit { what: Audit::Restore(arguments) } => {
            let what = OfStores::Restore(&arguments);
            on_stores(source, async |postgres, redis| audit::carry_out(postgres, redis, &what).await)?
        }
        Command::Policy { what } => {
            let (log, rules) = (LogSettings::read(source)?, CalendarSettings::read(source)?);
            let postgres = PostgresSettings::read(source)?;
            block_on(&log, policy::carry_out(&postgres, &rules, &what))?
        }
        Command::Decide(arguments) => {
            on_stores(source, async |postgres, redis| decide::decide(postgres, redis, &arguments).await)?
        }
        Command::Erase(arguments) => {
            on_stores(source, async |postgres, redis| erase::erase(postgres, redis, &arguments).await)?
        }
        Command::Migrate => {
            let log = LogSettings::read(source)?;
            block_on(&log, migrate::migrate(source))?
        }
        Command::Doctor(arguments) => doctor::look_at_everything(source, &arguments)?,
        Command::Webhooks { what } => {
            let (log, espocrm) = (LogSettings::read(source)?, EspocrmSettings::read(source)?);
            let settings = WebhookSettings::read(source)?;
            let postgres = PostgresSettings::read(source).ok();
            block_on(&log, async {
                let operator = Operator::of_command_without(postgres.as_ref());
                let report = webhooks::carry_out(&espocrm, &settings, &operator, &what).await;
                operator.leave().await;
                report
            })?
        }
        Command::Completions(arguments) => completions::completions(arguments.shell),
    };
    match report.print(cli.json) {
        // Whoever reads (`| head`) has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        printed => printed?,
    }
    Ok(report.exit_code())
}

fn serve(source: &Source) -> Result<ExitCode, CommandError> {
    let settings = ProducerSettings::read(source)?;
    // The console's dry runs look at both sides as a worker does. Without them the producer does all else.
    let worker = WorkerSettings::read(source);
    let traces = telemetry::init(&settings.log, PROGRAM)?;
    let metrics = telemetry::install_metrics()?;
    let grace = settings.sync.shutdown_grace;
    let ended = tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let shutdown = shared::shutdown::on_signal()?;
        program::run(settings, worker, metrics, shutdown).await?;
        Ok(ExitCode::SUCCESS)
    });
    traces.end(shared::shutdown::grace_left(grace));
    ended
}

/// Runs a command that needs Redis and nothing else. Where PostgreSQL is, too, what the command does is noted.
fn on_redis(
    source: &Source,
    work: impl AsyncFnOnce(&RedisSettings, &Operator) -> Result<Report, CommandError>,
) -> Result<Report, CommandError> {
    let (log, redis) = (LogSettings::read(source)?, RedisSettings::read(source)?);
    let postgres = PostgresSettings::read(source).ok();
    block_on(&log, async {
        let operator = Operator::of_command_without(postgres.as_ref());
        let report = work(&redis, &operator).await;
        operator.leave().await;
        report
    })
}

/// Runs a command that needs PostgreSQL and Redis.
fn on_stores(
    source: &Source,
    work: impl AsyncFnOnce(&PostgresSettings, &RedisSettings) -> Result<Report, CommandError>,
) -> Result<Report, CommandError> {
    let (log, redis) = (LogSettings::read(source)?, RedisSettings::read(source)?);
    let postgres = PostgresSettings::read(source)?;
    block_on(&log, work(&postgres, &redis))
}

/// Runs a command that ends by itself; its metrics go nowhere.
fn block_on(
    log: &LogSettings,
    work: impl Future<Output = Result<Report, CommandError>>,
) -> Result<Report, CommandError> {
    let traces = telemetry::init(log, PROGRAM)?;
    let ended = tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work);
    traces.end(LAST_SPANS_WAIT);
    ended
}

async fn connect(redis: &RedisSettings, queue: QueueName) -> Result<Queue, QueueError> {
    Queue::connect(redis.queue(), queue).await
}

/// The queue that is meant; without a name all of them.
async fn connect_all(redis: &RedisSettings, only: Option<QueueName>) -> Result<Vec<Queue>, QueueError> {
    let mut queues = Vec::new();
    for name in QueueName::ALL.into_iter().filter(|name| only.is_none_or(|only| only == *name)) {
        queues.push(connect(redis, name).await?);
    }
    Ok(queues)
}
