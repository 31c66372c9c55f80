//! A law firm's systems, simulated, with a private Redis and PostgreSQL and our own programs around them; and verbs for
//! scenarios: given, trigger, run until quiet, then.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::EspoId;
use domain::job::Wants;
use domain::kommunikation::Direction;
use serde_json::{Map, Value, json};
use shared::hub::Hub;
use shared::queue::{Asker, NewJob, Queue, QueueName};
use simulator::{JournalEntry, NewKommunikation, Operation, Simulator, SimulatorConfig, System, canonical};

use crate::stammdaten::{self, Comparable};
use crate::worlds::Place;
use crate::{Error, PrivatePostgres, PrivateRedis, Program, Result, RunningProgram, eventually};

/// Longest wait for anything in a scenario; a healthy one takes a fraction of it.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The database of Redis that queue and token cache use, as CONTRACT has it by default.
const REDIS_DATABASE: u8 = 1;

/// API key of the producer in scenarios.
pub const PRODUCER_API_KEY: &str = "planted-producer-key";

/// One Beteiligter on both sides.
#[derive(Clone, Debug)]
pub struct Beteiligter {
    /// The EspoCRM record.
    pub id: String,
    /// Number in Advoware.
    pub betnr: i64,
}

/// Everything around the programs under test.
pub struct World {
    pub simulator: Simulator,
    pub redis: Arc<PrivateRedis>,
    pub postgres: Arc<PrivatePostgres>,
    pub database_url: String,
    pub queue: Queue,
    overrides: Vec<(&'static str, String)>,
    place: Place,
}

impl World {
    /// Empty systems, migrated database, no program running yet.
    pub async fn start() -> Result<Self> {
        Self::with(SimulatorConfig::default()).await
    }

    pub async fn with(config: SimulatorConfig) -> Result<Self> {
        let world = Self::unmigrated(config).await?;
        let hub = Hub::new(world.database_url.parse()?);
        hub.migrate().await.map_err(|error| Error::new(error.to_string()))?;
        hub.close().await;
        Ok(world)
    }

    /// As an operator finds it: the database has no table yet.
    pub async fn unmigrated(config: SimulatorConfig) -> Result<Self> {
        install_crypto();
        let (redis, postgres) = tokio::join!(PrivateRedis::start(), PrivatePostgres::start());
        let (redis, postgres) = (redis?, postgres?);
        let database = postgres.create_database().await?;
        Self::at(Place::of_its_own(REDIS_DATABASE, database), Arc::new(redis), Arc::new(postgres), config).await
    }

    /// Empty systems in a place that is clean.
    pub(crate) async fn at(
        place: Place,
        redis: Arc<PrivateRedis>,
        postgres: Arc<PrivatePostgres>,
        config: SimulatorConfig,
    ) -> Result<Self> {
        let queue = Queue::connect(redis.url_of_database(place.redis_database()).as_str(), QueueName::Beteiligte)
            .await
            .map_err(|error| Error::new(error.to_string()))?;
        let simulator = Simulator::start(config).await?;
        let database_url = place.database().url.clone();
        Ok(Self { simulator, redis, postgres, database_url, queue, overrides: Vec::new(), place })
    }

    /// A setting of all programs started from now on.
    pub fn setting(&mut self, name: &'static str, value: impl ToString) {
        self.overrides.retain(|(known, _)| *known != name);
        self.overrides.push((name, value.to_string()));
    }

    /// What the programs find in their environment. Waits between tries are so short that a scenario sees them all.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let (addresses, credentials) = (self.simulator.addresses(), self.simulator.credentials());
        let mut settings = vec![
            ("ADVOWARE_API_BASE_URL", addresses.advoware_api_base_url.clone()),
            ("ADVOWARE_AUTH_URL", addresses.advoware_auth_url.clone()),
            ("ADVOWARE_CONFIGURATOR_URL", addresses.advoware_configurator_url.clone()),
            ("ADVOWARE_PRODUCT_ID", credentials.advoware_product_id.to_string()),
            ("ADVOWARE_APP_ID", credentials.advoware_app_id.clone()),
            ("ADVOWARE_API_KEY", credentials.advoware_api_key.clone()),
            ("ADVOWARE_KANZLEI", credentials.advoware_kanzlei.clone()),
            ("ADVOWARE_DATABASE", credentials.advoware_database.clone()),
            ("ADVOWARE_USER", credentials.advoware_user.clone()),
            ("ADVOWARE_PASSWORD", credentials.advoware_password.clone()),
            ("ESPOCRM_API_BASE_URL", addresses.espocrm_api_base_url.clone()),
            ("ESPOCRM_API_KEY", credentials.espocrm_api_key.clone()),
            ("REDIS_URL", self.redis.url_of_database(self.place.redis_database())),
            ("DATABASE_URL", self.database_url.clone()),
            ("PRODUCER_LISTEN", "127.0.0.1:0".to_owned()),
            ("PRODUCER_API_KEY", PRODUCER_API_KEY.to_owned()),
            ("WORKER_LISTEN", "127.0.0.1:0".to_owned()),
            // A look of the continuous check at a random moment would be one call too many where calls are counted.
            ("VERIFY_SYNC_HOURS", "0".to_owned()),
            ("SYNC_RETRY_MINUTES", "0.002,0.002,0.002,0.002".to_owned()),
        ];
        settings.retain(|(name, _)| self.overrides.iter().all(|(known, _)| known != name));
        settings.extend(self.overrides.iter().cloned());
        settings
    }

    /// One setting of it; empty if there is none of that name.
    pub fn environment_of(&self, name: &str) -> String {
        self.environment().into_iter().find(|(known, _)| *known == name).map(|(_, value)| value).unwrap_or_default()
    }

    /// One of our programs, not started.
    pub fn program(&self, name: &str) -> Result<Program> {
        Ok(Program::built(name)?.envs(self.environment()))
    }

    /// A worker at work.
    pub async fn worker(&self) -> Result<RunningProgram> {
        let worker = self.program("kanzleisync-worker")?.start()?;
        worker.wait_for_line("worker ready", PATIENCE).await?;
        Ok(worker)
    }

    /// A serving producer and its address.
    pub async fn producer(&self) -> Result<(RunningProgram, String)> {
        let producer = self.program("kanzleisync-producer")?.arg("serve").start()?;
        let line = producer.wait_for_line("producer ready", PATIENCE).await?;
        Ok((producer, format!("http://{}", address_in(&line)?)))
    }

    /// A record with this number on both sides, in agreement about nothing yet.
    pub fn given(&self, betnr: i64, mails: Value, phones: Value, rows: Vec<NewKommunikation>) -> Beteiligter {
        let id = format!("{betnr:017x}");
        let fields = json!({
            "betnr": betnr, "lastName": format!("Beispiel {betnr}"),
            "emailAddressData": mails, "phoneNumberData": phones,
        });
        self.simulator.espocrm().seed(&id, fields).expect("EspoCRM takes the record");
        self.simulator.advoware().seed(betnr, json!({"name": format!("Beispiel {betnr}")}), rows);
        Beteiligter { id, betnr }
    }

    /// A record with this number and these Stammdaten on both sides, without numbers and mails.
    pub fn given_stammdaten(&self, betnr: i64, espocrm: Value, advoware: Value) -> Beteiligter {
        let id = format!("{betnr:017x}");
        let mut record = fields(espocrm);
        record.insert("betnr".to_owned(), json!(betnr));
        self.simulator.espocrm().seed(&id, Value::Object(record)).expect("EspoCRM takes the record");
        self.simulator.advoware().seed(betnr, advoware, Vec::new());
        Beteiligter { id, betnr }
    }

    /// A person, the same on both sides.
    pub fn given_person(&self, betnr: i64) -> Beteiligter {
        let (first, last) = ("Merle", format!("Beispiel {betnr}"));
        self.given_stammdaten(
            betnr,
            json!({ "lastName": last, "firstName": first, "salutationName": "Frau", "dateOfBirth": "1970-02-01" }),
            json!({ "name": last, "vorname": first, "anrede": "Frau", "geburtsdatum": "1970-02-01T00:00:00" }),
        )
    }

    /// A company, the same on both sides.
    pub fn given_company(&self, betnr: i64) -> Beteiligter {
        let (name, number, court) = (format!("Beispiel {betnr} GmbH"), "HRB 900001", "Amtsgericht Nebelstadt");
        self.given_stammdaten(
            betnr,
            json!({
                "firmenname": name, "rechtsform": "GmbH", "handelsregisterNummer": number, "handelsregisterArt": court,
            }),
            json!({ "name": name, "rechtsform": "GmbH", "handelsRegisterNummer": number, "registergericht": court }),
        )
    }

    /// EspoCRM's Stammdaten, in comparable form.
    pub fn espo_stammdaten(&self, id: &str) -> Comparable {
        stammdaten::of_espocrm(&self.simulator.espocrm().record(id).unwrap_or_default())
    }

    /// Advoware's Stammdaten that this EspoCRM record can hold, in comparable form.
    pub fn advo_stammdaten(&self, beteiligter: &Beteiligter) -> Comparable {
        let partner = self.simulator.espocrm().record(&beteiligter.id).unwrap_or_default();
        let record = self.simulator.advoware().beteiligter(beteiligter.betnr).map(fields).unwrap_or_default();
        stammdaten::of_advoware(&record, &partner)
    }

    /// Both sides hold the same Stammdaten.
    pub fn then_stammdaten_agree(&self, beteiligte: &[&Beteiligter]) {
        for one in beteiligte {
            assert_eq!(self.espo_stammdaten(&one.id), self.advo_stammdaten(one), "Stammdaten of {} differ", one.id);
        }
    }

    /// Enqueues as a webhook would.
    pub async fn trigger(&self, ids: &[&str]) -> Result<()> {
        self.trigger_wanting(ids, Wants::sync(Direction::Both)).await
    }

    pub async fn trigger_wanting(&self, ids: &[&str], wants: Wants) -> Result<()> {
        let jobs: Vec<NewJob> = ids.iter().map(|id| NewJob { entity: (*id).to_owned(), wants }).collect();
        self.queue.enqueue(&jobs, Asker::Event).await.map(drop).map_err(|error| Error::new(error.to_string()))
    }

    /// Waits until no job is ready, delayed or running.
    pub async fn run_until_quiet(&self) -> Result<()> {
        eventually(PATIENCE, "the queue is quiet", async || match self.queue.counts().await {
            Ok(counts) if counts.ready + counts.delayed + counts.running == 0 => Ok(()),
            Ok(counts) => Err(format!("{counts:?}")),
            Err(error) => Err(error.to_string()),
        })
        .await
    }

    /// A run on each of these, to its end; answers the calls it made.
    pub async fn sync(&self, ids: &[&str]) -> Result<Vec<JournalEntry>> {
        let before = self.simulator.journal().last_sequence();
        self.trigger(ids).await?;
        self.run_until_quiet().await?;
        Ok(self.simulator.journal().since(before))
    }

    /// As [`Self::sync`], and no run may fail on the way: waits between tries are so short here that nobody would notice.
    pub async fn sync_at_once(&self, ids: &[&str]) -> Result<Vec<JournalEntry>> {
        let calls = self.sync(ids).await?;
        let failed = |call: &&JournalEntry| call.request.as_ref().is_some_and(|body| body["syncStatus"] == "failed");
        assert!(!calls.iter().any(|call| failed(&call)), "a run failed: {calls:?}");
        Ok(calls)
    }

    /// Invariants 1 and 2: both sides hold the same values, and one more run on everybody costs two calls and writes nothing.
    pub async fn then_agreed_and_silent(&self, beteiligte: &[&Beteiligter]) -> Result<()> {
        self.then_stammdaten_agree(beteiligte);
        self.then_kommunikation_agrees_and_is_silent(beteiligte).await
    }

    /// The same where Stammdaten differ for a reason that the scenario names.
    pub async fn then_kommunikation_agrees_and_is_silent(&self, beteiligte: &[&Beteiligter]) -> Result<()> {
        for one in beteiligte {
            assert_eq!(self.espo_values(&one.id), self.advo_values(one.betnr), "sides of {} differ", one.id);
            assert_eq!(self.field(&one.id, "syncStatus"), json!("clean"), "status of {}", one.id);
        }
        let ids: Vec<&str> = beteiligte.iter().map(|one| one.id.as_str()).collect();
        let calls = self.sync_at_once(&ids).await?;
        let writes: Vec<_> = calls.iter().filter(|call| call.mutating).collect();
        assert!(writes.is_empty(), "a run with nothing to do wrote: {writes:?}");
        let without_token: Vec<_> = calls.iter().filter(|call| call.operation != Operation::AdvowareToken).collect();
        assert_eq!(without_token.len(), 2 * ids.len(), "a run with nothing to do costs two calls: {without_token:?}");
        Ok(())
    }

    /// EspoCRM's values, in comparable form.
    pub fn espo_values(&self, id: &str) -> Vec<String> {
        let espocrm = self.simulator.espocrm();
        let mails = espocrm.mails(id).into_iter().map(|mail| mail["emailAddress"].clone());
        let phones = espocrm.phones(id).into_iter().map(|phone| phone["phoneNumber"].clone());
        sorted(mails.chain(phones).filter_map(|value| value.as_str().map(canonical)))
    }

    /// Advoware's values that EspoCRM can hold, in comparable form.
    pub fn advo_values(&self, betnr: i64) -> Vec<String> {
        let rows = self.simulator.advoware().rows(betnr).into_iter();
        let values = rows.filter(|row| row.komm_kz != 5).map(|row| canonical(&row.tlf));
        let mut values = sorted(values.filter(|value| value.starts_with('+') || value.contains('@')));
        values.dedup();
        values
    }

    /// A field of an EspoCRM record.
    pub fn field(&self, id: &str, name: &str) -> Value {
        self.simulator.espocrm().record(id).and_then(|record| record.get(name).cloned()).unwrap_or_default()
    }

    /// Every call takes this long, on both sides.
    pub fn latency_milliseconds(&self, milliseconds: u64) {
        self.simulator.set_latency_milliseconds(System::Advoware, milliseconds);
        self.simulator.set_latency_milliseconds(System::Espocrm, milliseconds);
    }
}

/// A mail of EspoCRM.
pub fn mail(address: &str, primary: bool) -> Value {
    json!({"emailAddress": address, "primary": primary})
}

/// A phone of EspoCRM.
pub fn phone(number: &str, phone_type: &str) -> Value {
    json!({"phoneNumber": number, "type": phone_type, "primary": false})
}

/// A row of Advoware.
pub fn row(komm_kz: i64, tlf: &str, bemerkung: Option<&str>) -> NewKommunikation {
    NewKommunikation { tlf: tlf.to_owned(), komm_kz, bemerkung: bemerkung.map(str::to_owned), online: false }
}

/// Fields as a JSON object.
pub fn fields(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// An id of ours as the domain has it.
pub fn espo_id(beteiligter: &Beteiligter) -> EspoId {
    EspoId::parse(&beteiligter.id).expect("ids of scenarios are ids")
}

/// The crypto library of all our programs; a second call changes nothing.
pub fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The address in a line that says `address=127.0.0.1:1234`.
pub fn address_in(line: &str) -> Result<String> {
    let mut words = line.split_whitespace().filter_map(|word| word.strip_prefix("address="));
    words.next_back().map(str::to_owned).ok_or_else(|| Error::new(format!("no address in {line:?}")))
}

fn sorted(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut values: Vec<String> = values.collect();
    values.sort();
    values
}
