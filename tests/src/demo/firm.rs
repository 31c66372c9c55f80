//! The law firm's systems and our programs around them.

use std::fs;

use simulator::{
    FirmBeteiligter, FirmNewcomer, SimulatorConfig, WebhookEvent, WebhookTarget, generate, generate_calendar,
};
use sqlx::{Connection, PgConnection};

use super::calendar::{EMPLOYEES, TERMINE_EACH};
use super::progress::Progress;
use crate::calendar::Calendars;
use crate::world::{PATIENCE, PRODUCER_API_KEY, World, address_in};
use crate::{Error, Program, Result, RunningProgram, in_repository, interrupted};

/// Decides names, numbers and edits: every demo shows the same firm.
pub(super) const SEED: u64 = 2026;
const FIRM_SIZE: usize = 300;
/// Where the settings of a demo that keeps running are found, from the repository's root.
const ENVIRONMENT: &str = "target/demo.env";
/// EspoCRM's own job runs every few minutes; who tries something does not want to wait for that.
const WEBHOOKS_EVERY_MILLISECONDS: u64 = 1000;
/// Records that EspoCRM has and Advoware does not know.
const NEWCOMERS_PERCENT: usize = 5;
/// Time of every outside call: near enough to an office's network to look real, short enough to wait for.
pub(super) const LATENCY_MILLISECONDS: u64 = 5;

/// EspoCRM's webhooks, as an administrator would have set them up: route and event.
const WEBHOOKS: [(&str, WebhookEvent); 3] =
    [("create", WebhookEvent::Create), ("update", WebhookEvent::Update), ("delete", WebhookEvent::Delete)];

pub(super) struct Firm {
    // Programs are dropped, and so ended, before the servers they use.
    _producer: RunningProgram,
    workers: Vec<RunningProgram>,
    producer_url: String,
    /// The world, with the firm's calendars.
    pub(super) calendars: Calendars,
    pub(super) beteiligte: Vec<FirmBeteiligter>,
    newcomers: Vec<FirmNewcomer>,
}

impl Firm {
    /// Starts everything. The producer's first scan begins the first sync at once.
    pub(super) async fn start(progress: &Progress) -> Result<Self> {
        let step = progress.begin("start", None);
        let mut world = World::unmigrated(SimulatorConfig {
            seed: SEED,
            advoware_latency_milliseconds: LATENCY_MILLISECONDS,
            espocrm_latency_milliseconds: LATENCY_MILLISECONDS,
            google_latency_milliseconds: LATENCY_MILLISECONDS,
            ..SimulatorConfig::default()
        })
        .await?;
        let firm = generate(SEED, FIRM_SIZE).with_unknown_to_advoware(NEWCOMERS_PERCENT);
        world.simulator.load(&firm);
        world.setting("ESPOCRM_WEBHOOK_SECRETS", webhook_secrets());
        let today = world.simulator.clock().now().date_naive();
        world.simulator.load_calendar(&generate_calendar(SEED, EMPLOYEES, TERMINE_EACH, today));
        // The demo asks for every run of a calendar by itself, so that its calls can be counted.
        world.setting("CALENDAR_SYNC_SECONDS", 86_400);
        // Far enough back for the days of this year on which the clocks changed.
        world.setting("CALENDAR_SYNC_PAST_DAYS", 366);
        let calendars = Calendars::around(world).await?;
        let world = &calendars.world;
        let newcomers = firm.unknown_to_advoware.len();
        step.end(&format!(
            "Redis, PostgreSQL and a law firm of {FIRM_SIZE} Beteiligte in both systems, {newcomers} more in EspoCRM only, {EMPLOYEES} \
             employees with {TERMINE_EACH} Termine each"
        ));

        let step = progress.begin("programs", None);
        run_producer(world, &["migrate"]).await?;
        let workers = tokio::try_join!(world.worker(), world.worker())?;
        let (producer, producer_url) = world.producer().await?;
        step.end("migrated; two workers and a producer at work");
        Ok(Self {
            _producer: producer,
            workers: vec![workers.0, workers.1],
            producer_url,
            calendars,
            beteiligte: firm.beteiligte,
            newcomers: firm.unknown_to_advoware,
        })
    }

    pub(super) fn world(&self) -> &World {
        &self.calendars.world
    }

    /// What an operator types.
    pub(super) async fn producer_command(&self, arguments: &[&str]) -> Result<()> {
        run_producer(self.world(), arguments).await
    }

    /// How many there are, newcomers included.
    pub(super) fn size(&self) -> u64 {
        (self.beteiligte.len() + self.newcomers.len()) as u64
    }

    /// Those that the first sync has created in Advoware are like all others from now on.
    pub(super) fn adopt_newcomers(&mut self) -> Result<()> {
        for newcomer in std::mem::take(&mut self.newcomers) {
            let betnr = self.world().field(&newcomer.espo_id, "betnr").as_i64();
            let betnr = betnr.ok_or_else(|| Error::new(format!("{} was not created in Advoware", newcomer.espo_id)))?;
            self.beteiligte.push(FirmBeteiligter {
                betnr,
                espo_id: newcomer.espo_id,
                advoware_fields: serde_json::Map::new(),
                rows: Vec::new(),
                espo_fields: newcomer.espo_fields,
                advoware_changed_at: newcomer.espo_changed_at,
                espo_changed_at: newcomer.espo_changed_at,
            });
        }
        Ok(())
    }

    /// From now on EspoCRM tells the producer, signed, what its users do.
    pub(super) fn connect_webhooks(&self) {
        for (action, event) in WEBHOOKS {
            self.world().simulator.webhooks().add(WebhookTarget {
                id: webhook_id(action),
                secret: webhook_secret(action),
                event,
                url: format!("{}/vmh/webhook/beteiligte/{action}", self.producer_url),
                skip_own: false,
            });
        }
    }

    /// What an operator types to have everybody looked at.
    pub(super) async fn enqueue_everybody(&self) -> Result<()> {
        self.producer_command(&["enqueue", "beteiligte", "--all"]).await
    }

    pub(super) async fn hub(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.world().database_url).await?)
    }

    /// Tells where everything is reached, and lets it run.
    pub(super) async fn keep_until_interrupted(self) -> Result<()> {
        self.tell_environment()?;
        println!("\nEverything keeps running until Ctrl-C:");
        let tell = |what: &str, address: &str| println!("  {what:<22} {address}");
        tell("console, producer", &self.producer_url);
        tell("key of the console", PRODUCER_API_KEY);
        for (number, worker) in (1..).zip(&self.workers) {
            let ready = worker.output().lines().find(|line| line.contains("worker ready")).map(address_in);
            let address = ready.and_then(Result::ok).unwrap_or_else(|| "unknown".to_owned());
            tell(&format!("worker {number}"), &format!("http://{address}/metrics, process {}", worker.pid()));
        }
        let addresses = self.world().simulator.addresses();
        tell("Advoware (simulated)", &addresses.advoware_api_base_url);
        tell("EspoCRM (simulated)", &addresses.espocrm_api_base_url);
        tell("Google (simulated)", &addresses.google_calendar_api_base_url);
        tell("simulator's control", &addresses.control_url);
        tell("Redis", &self.world().environment_of("REDIS_URL"));
        tell("PostgreSQL", &self.world().database_url);
        println!("\nTry it: open the console and log in with the key. In a second terminal, for instance:");
        println!("  set -a; . {ENVIRONMENT}; set +a");
        println!("  target/debug/kanzleisync-producer jobs counts");
        println!("  target/debug/kanzleisync-producer policy show");
        println!("  kill {}    # a worker: the others go on", self.workers.first().map_or(0, |worker| worker.pid().0));
        println!("  target/debug/kanzleisync-worker    # one more");
        println!(
            "Edits by the simulator's control are told by its webhooks within a second or two. They are not registered over REST, so `webhooks"
        );
        println!("status` and `doctor` miss them; and `doctor` finds the demo's quota of Google too high.");
        self.world().simulator.webhooks().set_interval_milliseconds(WEBHOOKS_EVERY_MILLISECONDS);
        interrupted().await?;
        println!("\nending everything");
        Ok(())
    }

    /// What our programs need to work in this firm, as a shell reads it.
    fn tell_environment(&self) -> Result<()> {
        let settings = self.world().environment().into_iter();
        let lines = settings.map(|(name, value)| format!("{name}='{}'\n", value.replace('\'', "'\\''")));
        Ok(fs::write(in_repository(ENVIRONMENT), lines.collect::<String>())?)
    }
}

async fn run_producer(world: &World, arguments: &[&str]) -> Result<()> {
    let producer: Program = world.program("kanzleisync-producer")?.args(arguments);
    let finished = producer.run(PATIENCE).await?;
    if finished.code() == Some(0) {
        return Ok(());
    }
    let (status, command) = (finished.status, arguments.join(" "));
    Err(Error::new(format!("kanzleisync-producer {command}: {status}\n{}{}", finished.stdout, finished.stderr)))
}

fn webhook_secrets() -> String {
    let pairs = WEBHOOKS.map(|(action, _)| format!("{}:{}", webhook_id(action), webhook_secret(action)));
    pairs.join(",")
}

fn webhook_id(action: &str) -> String {
    format!("demo-{action}")
}

fn webhook_secret(action: &str) -> String {
    format!("secret-of-demo-{action}")
}
