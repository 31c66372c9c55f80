//! Looks: each with a time limit of its own, all at once, so that none that fails or hangs keeps the others.

mod google;

use std::time::Duration;

use domain::ids::BetNr;
use futures::future::join_all;
use shared::advoware::{Advoware, TokenCache};
use shared::clock::Clock;
use shared::error::{ErrorKind, System};
use shared::espocrm::Espocrm;
use shared::http::{ServerClocks, SetupError, Url};
use shared::hub::Hub;
use shared::queue::{Queue, QueueName};
use shared::settings::{
    AdvowareSettings, EspocrmSettings, GoogleSettings, LimitSettings, PostgresSettings, ProducerSettings,
    RedisSettings, SettingsError, Source, WebhookSettings, WorkerSettings,
};

use super::facts::{
    AdvowareFacts, EspocrmFacts, Facts, Looked, PostgresFacts, RedisFacts, ServerClock, WebhookFact, WebhookFacts,
};
use super::trouble::Trouble;
use crate::command::webhooks::standing;

/// Reading a Beteiligter shows that we may. Whether there is one of this number does not matter, and what it says is not kept.
const ANY_BETEILIGTER: BetNr = BetNr(1);

/// The settings of each part, where they can be read.
pub(super) struct Settings {
    problems: Vec<String>,
    redis: Option<RedisSettings>,
    postgres: Option<PostgresSettings>,
    advoware: Option<AdvowareSettings>,
    espocrm: Option<EspocrmSettings>,
    webhooks: Option<WebhookSettings>,
    google: Option<GoogleSettings>,
    limits: Option<LimitSettings>,
}

impl Settings {
    /// Of producer and workers, as they should be the same for both.
    pub(super) fn read(source: &Source) -> Self {
        let mut problems: Vec<String> = Vec::new();
        let errors: [Option<SettingsError>; 3] = [
            WorkerSettings::read(source).err(),
            ProducerSettings::read(source).err(),
            WebhookSettings::read(source).err(),
        ];
        for problem in errors.iter().flatten().flat_map(SettingsError::problems) {
            if !problems.contains(problem) {
                problems.push(problem.clone());
            }
        }
        Self {
            problems,
            redis: RedisSettings::read(source).ok(),
            postgres: PostgresSettings::read(source).ok(),
            advoware: AdvowareSettings::read(source).ok(),
            espocrm: EspocrmSettings::read(source).ok(),
            webhooks: WebhookSettings::read(source).ok(),
            google: GoogleSettings::read(source).ok().flatten(),
            limits: LimitSettings::read(source).ok(),
        }
    }
}

/// Looks at everything.
pub(super) async fn everything(settings: &Settings, limit: Duration) -> Facts {
    let has_calendars = settings.google.is_some();
    let clock = Clock::system();
    let espocrm_client = settings.espocrm.as_ref().map(|of| (of, Espocrm::new(of)));
    let (redis, postgres, advoware, espocrm, webhooks, google, clocks) = tokio::join!(
        look(limit, settings.redis.as_ref(), |of| redis(of, &clock)),
        look(limit, settings.postgres.as_ref(), |of| postgres(of, &clock)),
        advoware(settings, limit, has_calendars, &clock),
        // One client for both: a key that is refused is sent once, for EspoCRM locks out whoever repeats it.
        look(limit, espocrm_client.as_ref(), |(of, client)| set_up(of, client.as_ref())),
        look(limit, espocrm_client.as_ref().zip(settings.webhooks.as_ref()), |((_, client), of)| {
            webhooks(of, client.as_ref())
        }),
        look(limit, settings.google.as_ref().zip(settings.limits.as_ref()), |(of, limits)| {
            google::google(of, limits, settings.postgres.as_ref(), &clock)
        }),
        clocks(settings, limit, &clock)
    );
    let settings = settings.problems.clone();
    Facts { settings, has_calendars, redis, postgres, advoware, espocrm, webhooks, google, clocks }
}

/// Looks with these settings, for so long at most.
async fn look<S, T, F>(limit: Duration, settings: Option<S>, work: impl FnOnce(S) -> F) -> Looked<T>
where
    F: Future<Output = Result<T, Trouble>>,
{
    let Some(settings) = settings else { return Looked::Left };
    match tokio::time::timeout(limit, work(settings)).await {
        Ok(Ok(seen)) => Looked::Seen(seen),
        Ok(Err(trouble)) => Looked::Failed(trouble),
        Err(_) => Looked::Failed(Trouble::too_slow(limit)),
    }
}

async fn redis(settings: &RedisSettings, clock: &Clock) -> Result<RedisFacts, Trouble> {
    let mut queues = Vec::new();
    let mut server = None;
    for name in QueueName::ALL {
        let queue = Queue::connect(settings.queue(), name).await?;
        queues.push((name, queue.counts().await?));
        let asked_at = clock.now();
        let told = queue.server().await?;
        server = Some((told.time - asked_at, told));
    }
    let (ahead, server) = server.ok_or_else(|| Trouble::new("no queue", "upgrade"))?;
    Ok(RedisFacts { server, ahead, queues })
}

async fn postgres(settings: &PostgresSettings, clock: &Clock) -> Result<PostgresFacts, Trouble> {
    let options = settings.connect_options();
    Hub::try_connect(&options).await?;
    let hub = Hub::new(options);
    // The first question waits for the connection; the second tells the time.
    hub.server().await?;
    let asked_at = clock.now();
    let server = hub.server().await?;
    hub.close().await;
    Ok(PostgresFacts { ahead: server.time - asked_at, server })
}

async fn advoware(settings: &Settings, limit: Duration, has_calendars: bool, clock: &Clock) -> AdvowareFacts {
    let both = settings.advoware.as_ref().zip(settings.redis.as_ref());
    let client = look(limit, both, async |(of, redis): (&AdvowareSettings, &RedisSettings)| {
        // The token that all share: a log-in of our own would be one more for nothing.
        let cache = TokenCache::connect(redis).await;
        let cache = cache.map_err(|_| Trouble::new("the token, which is kept in Redis, cannot be had", "see redis"))?;
        Ok(Advoware::new(of, cache, clock.clone())?)
    })
    .await;
    let client = match client {
        Looked::Seen(client) => client,
        Looked::Failed(trouble) => {
            return AdvowareFacts { beteiligte: Looked::Failed(trouble), employees: Looked::Left };
        }
        Looked::Left => return AdvowareFacts { beteiligte: Looked::Left, employees: Looked::Left },
    };
    let read = look(limit, Some(()), async |()| match client.get_beteiligte(ANY_BETEILIGTER).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    });
    let list = look(limit, has_calendars.then_some(()), async |()| Ok(client.list_mitarbeiter().await?.len()));
    let (beteiligte, employees) = tokio::join!(read, list);
    AdvowareFacts { beteiligte, employees }
}

async fn set_up(settings: &EspocrmSettings, client: Result<&Espocrm, &SetupError>) -> Result<EspocrmFacts, Trouble> {
    let set_up = client.map_err(Trouble::from)?.set_up().await?;
    Ok(EspocrmFacts { set_up, phone_format: settings.phone_format })
}

async fn webhooks(settings: &WebhookSettings, client: Result<&Espocrm, &SetupError>) -> Result<WebhookFacts, Trouble> {
    let known = client.map_err(Trouble::from)?.list_webhooks().await?;
    let base = settings.public_url.as_ref();
    let webhooks = standing::registered(&known, base)
        .iter()
        .map(|one| WebhookFact {
            event: one.event,
            standing: one.standing,
            secret: one.secret(&settings.secrets),
            surplus: one.surplus.len(),
        })
        .collect();
    Ok(WebhookFacts { address_is_known: base.is_some(), webhooks })
}

/// Every outside server, without credentials: whatever it answers to that has a date.
async fn clocks(settings: &Settings, limit: Duration, clock: &Clock) -> Vec<ServerClock> {
    let Ok(clocks) = ServerClocks::new(limit, clock.clone()) else { return Vec::new() };
    let mut servers: Vec<(System, &'static str, Url)> = Vec::new();
    if let Some(advoware) = &settings.advoware {
        servers.push((System::Advoware, "log-in", advoware.auth_url.at(&["api", "v1", "Token"])));
        servers.extend(
            advoware.api_base_url.iter().map(|base| (System::Advoware, "API", base.at(&["api", "v1", "advonet"]))),
        );
    }
    servers.extend(settings.espocrm.iter().map(|espocrm| (System::Espocrm, "API", espocrm.api_base_url.at(&[]))));
    servers.extend(settings.google.iter().map(|google| (System::Google, "log-in", google.account.token_uri().at(&[]))));
    let looks = servers.into_iter().map(async |(system, server, url)| {
        let failed = |_| Trouble::new("no answer", "");
        let ahead = look(limit, Some(url), async |url| clocks.ahead_by(url).await.map_err(failed)).await;
        ServerClock { system, server, ahead }
    });
    join_all(looks).await
}
