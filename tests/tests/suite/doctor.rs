//! `doctor`, with real programs: all fine in a world that is, and each thing that is wrong in one line with what to do.

use std::fs;
use std::time::Duration;

use harness::calendar::Calendars;
use harness::world::{PATIENCE, World};
use harness::{Finished, Result, RunningProgram};
use serde_json::{Value, json};
use simulator::{Calls, EspoLevel, Fault, FaultKind, GoogleRole, Operation};
use tempfile::TempDir;

const PUBLIC_URL: &str = "https://sync.example.org/";

/// A firm that is set up as the documents say.
struct Firm {
    calendars: Calendars,
    /// The calendar that SB has of the firm.
    given: String,
    worker: RunningProgram,
    _folder: TempDir,
}

impl Firm {
    async fn open() -> Result<Self> {
        let mut calendars = Calendars::start().await?;
        let folder = TempDir::new()?;
        let secrets = folder.path().join("secrets").display().to_string();
        calendars.world.setting("GOOGLE_CALENDAR_REQUESTS_PER_MINUTE", 600);
        calendars.world.setting("PRODUCER_PUBLIC_URL", PUBLIC_URL);
        for kuerzel in ["SB", "MK"] {
            calendars.given_employee(kuerzel).await?;
        }
        let given =
            calendars.world.simulator.google().share_calendar("Kanzlei SB", "Europe/Berlin", GoogleRole::Writer);
        run(&calendars.world, &["policy", "set", "SB", "--calendar-id", &given]).await?;
        run(&calendars.world, &["webhooks", "install", "--secrets-file", &secrets]).await?;
        calendars.world.setting("ESPOCRM_WEBHOOK_SECRETS_FILE", secrets);
        let worker = calendars.world.worker().await?;
        Ok(Self { calendars, given, worker, _folder: folder })
    }

    fn world(&self) -> &World {
        &self.calendars.world
    }

    /// Looks with `doctor`, which must end with this code and write nothing to the outside.
    async fn look(&self, code: i32, arguments: &[&str]) -> Result<Finished> {
        let before = self.world().simulator.journal().last_sequence();
        let finished =
            self.world().program("kanzleisync-producer")?.arg("doctor").args(arguments).run(PATIENCE).await?;
        assert_eq!(finished.code(), Some(code), "{finished:?}");
        let calls = self.world().simulator.journal().since(before);
        assert!(calls.iter().all(|call| !call.mutating), "it only looks: {calls:?}");
        Ok(finished)
    }

    /// Everything that is wrong now: so many lines, one for each of these, with all of its words.
    async fn says(&self, arguments: &[&str], wrong: &[&[&str]]) -> Result<()> {
        let finished = self.look(1, arguments).await?;
        let told: Vec<&str> =
            finished.stdout.lines().filter(|line| line.starts_with("PROBLEM") || line.starts_with("warning")).collect();
        for words in wrong {
            assert!(
                told.iter().any(|line| words.iter().all(|word| line.contains(word))),
                "{words:?}: {}",
                finished.stdout
            );
        }
        assert_eq!(told.len(), wrong.len(), "{}", finished.stdout);
        Ok(())
    }
}

async fn run(world: &World, arguments: &[&str]) -> Result<()> {
    let finished = world.program("kanzleisync-producer")?.args(arguments).run(PATIENCE).await?;
    assert_eq!(finished.code(), Some(0), "{arguments:?}: {finished:?}");
    Ok(())
}

#[tokio::test]
async fn a_firm_that_is_set_up_is_fine_and_what_breaks_is_told() -> Result<()> {
    let firm = Firm::open().await?;
    let world = firm.world();
    let fine = firm.look(0, &[]).await?;
    for area in ["settings", "redis", "postgresql", "workers", "advoware", "espocrm", "webhooks", "google", "clocks"] {
        assert!(
            fine.stdout.lines().any(|line| line.starts_with("ok") && line.contains(area)),
            "{area}: {}",
            fine.stdout
        );
    }
    let told: Value = serde_json::from_str(&firm.look(0, &["--json"]).await?.stdout).expect("JSON");
    assert_eq!(
        (&told["problems"], &told["warnings"], &told["findings"][0]["level"]),
        (&json!(0), &json!(0), &json!("ok"))
    );

    let espocrm = world.simulator.espocrm();
    let as_it_was = espocrm.switches();
    espocrm.switch(|switches| {
        switches.missing_fields.insert("betnr".to_owned());
        let text = json!({"type": "text"}).as_object().cloned().unwrap_or_default();
        switches.field_definitions.insert("syncNextRetry".to_owned(), text);
        switches.optimistic_concurrency = false;
        switches.phone_number_international = false;
        switches.rights.edit = EspoLevel::No;
    });
    let wrong: [&[&str]; 5] = [
        &["PROBLEM", "field betnr: missing", "extension"],
        &["PROBLEM", "field syncNextRetry: of type text", "make it datetime"],
        &["PROBLEM", "may not edit CBeteiligte", "role"],
        &["warning", "optimistic concurrency is off", "Entity Manager"],
        &["warning", "E.164", "ESPOCRM_PHONE_FORMAT=as_typed"],
    ];
    firm.says(&[], &wrong).await?;
    espocrm.switch(|switches| *switches = as_it_was);

    world.simulator.google().set_access(&firm.given, GoogleRole::Reader);
    let updates = world.simulator.webhooks().targets()[1].id.clone();
    world.simulator.webhooks().set_active(&updates, false);
    let wrong: [&[&str]; 2] = [
        &["PROBLEM", "calendar of SB: can be read, not written", "share"],
        &["warning", "update: switched off", "install"],
    ];
    firm.says(&[], &wrong).await?;
    world.simulator.google().set_access(&firm.given, GoogleRole::Writer);
    world.simulator.webhooks().set_active(&updates, true);

    world.simulator.clock().set_offset_milliseconds(20_000);
    let ahead = |name: &'static str| ["warning", "clocks", name, "s ahead of this machine's", "NTP"];
    let names = [ahead("Advoware, log-in"), ahead("Advoware, API"), ahead("EspoCRM"), ahead("Google")];
    firm.says(&[], &names.each_ref().map(|words| &words[..])).await?;
    world.simulator.clock().set_offset_milliseconds(0);

    let mut redis = world.redis.connection().await?;
    let _: () =
        redis::cmd("CONFIG").arg("SET").arg("maxmemory-policy").arg("allkeys-lru").query_async(&mut redis).await?;
    firm.worker.kill()?;
    harness::eventually(PATIENCE, "the worker is given up", async || {
        world.queue.counts().await.is_ok_and(|counts| counts.workers == 0)
    })
    .await?;
    let wrong: [&[&str]; 2] = [&["PROBLEM", "allkeys-lru", "noeviction"], &["PROBLEM", "no worker is alive", "start"]];
    firm.says(&[], &wrong).await
}

#[tokio::test]
async fn what_fails_or_hangs_keeps_nothing_else_from_being_looked_at() -> Result<()> {
    let mut firm = Firm::open().await?;
    let simulator = &firm.world().simulator;
    simulator.faults().arm(Fault::new(Calls::to(Operation::EspoAppUser).always(), FaultKind::Hang));
    simulator.faults().arm(Fault::new(Calls::to(Operation::GoogleToken).always(), FaultKind::status(400)));
    let begun = tokio::time::Instant::now();
    let wrong: [&[&str]; 2] = [
        &["PROBLEM", "espocrm", "no answer within 2 s", "firewall"],
        &["PROBLEM", "google", "service_account_refused", "GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH"],
    ];
    firm.says(&["--timeout", "2s"], &wrong).await?;
    assert!(begun.elapsed() < Duration::from_secs(10), "all at once: {:?}", begun.elapsed());
    simulator.faults().clear();

    // Another password, so another log-in than the one that is shared.
    firm.calendars.world.setting("ADVOWARE_PASSWORD", "planted-wrong-password");
    firm.calendars.world.setting("ESPOCRM_API_BASE_URL", "planted nonsense");
    firm.calendars.world.setting("DATABASE_URL", "postgres://nobody:planted-secret@127.0.0.1:1/nothing");
    let wrong: [&[&str]; 4] = [
        &["PROBLEM", "settings", "ESPOCRM_API_BASE_URL", "correct it"],
        &["PROBLEM", "advoware", "wrong_password", "ADVOWARE_PASSWORD"],
        &["PROBLEM", "postgresql", "connection failed", "DATABASE_URL"],
        &["warning", "google", "which employees are synced is not known", "see postgresql"],
    ];
    firm.says(&[], &wrong).await?;
    let finished = firm.look(1, &["--json"]).await?;
    assert!(!format!("{finished:?}").contains("planted"), "no value of a setting is told: {finished:?}");
    assert!(fs::exists(firm.world().environment_of("ESPOCRM_WEBHOOK_SECRETS_FILE"))?);
    Ok(())
}
