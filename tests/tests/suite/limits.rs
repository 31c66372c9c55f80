//! Limits that all workers share, and systems that are down as a whole.

use domain::job::Wants;
use domain::kommunikation::Direction;
use harness::world::{Beteiligter, PATIENCE, World, address_in, mail, row};
use harness::{Result, RunningProgram, eventually};
use serde_json::{Value, json};
use shared::queue::{Asker, JobId, NewJob};
use simulator::{Calls, JournalEntry, Moment, Operation, Outage, System};

const PROBE: &str = "probing whether the system is back";

/// Records with a mail that Advoware has already: one look and two small writes each.
fn many(world: &World, count: i64) -> Vec<Beteiligter> {
    let one = |n| {
        let address = format!("b{n}@example.org");
        world.given(104_000 + n, json!([mail(&address, true)]), json!([]), vec![row(4, &address, None)])
    };
    (0..count).map(one).collect()
}

async fn trigger(world: &World, beteiligte: &[Beteiligter]) -> Vec<JobId> {
    let wants = Wants::sync(Direction::Both);
    let jobs: Vec<NewJob> = beteiligte.iter().map(|one| NewJob { entity: one.id.clone(), wants }).collect();
    let enqueued = world.queue.enqueue(&jobs, Asker::Event).await.expect("Redis answers");
    enqueued.into_iter().map(|one| one.job).collect()
}

/// How often the workers have said this.
fn said(workers: &[&RunningProgram], text: &str) -> usize {
    workers.iter().map(|worker| worker.output().matches(text).count()).sum()
}

async fn told(address: &str, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("{address}{path}")).await.expect("the program serves HTTP");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

/// Health and metrics agree on which system is down, if any; outside systems never make a program unready.
async fn assert_down(address: &str, down: Option<&str>) -> Result<()> {
    eventually(PATIENCE, "the program tells how the systems stand", async || {
        let (status, body) = told(address, "/readyz").await;
        assert_eq!(status, 200, "{body}");
        let systems = serde_json::from_str::<Value>(&body).expect("JSON")["systems"].take();
        let metrics = told(address, "/metrics").await.1;
        let is_told = |system: &str| {
            let word = systems[system].as_str().unwrap_or_default();
            let (is_word, up) = match down {
                Some(down) if down == system => (word.starts_with("down, next try at 20"), 0),
                _ => (word == "up", 1),
            };
            is_word && metrics.contains(&format!("kanzleisync_system_up{{system=\"{system}\"}} {up}"))
        };
        if is_told("advoware") && is_told("espocrm") { Ok(()) } else { Err(body) }
    })
    .await
}

/// Tries that count against a record: in the queue, and as EspoCRM shows them.
async fn counted(world: &World, jobs: &[JobId], beteiligte: &[Beteiligter]) -> (u32, usize) {
    let mut failures = 0;
    for job in jobs {
        let views = world.queue.show(&[job.entity().to_owned()]).await.expect("Redis answers");
        failures += views.iter().map(|view| view.failures).sum::<u32>();
    }
    let shown = beteiligte.iter().filter(|one| world.field(&one.id, "syncRetryCount").as_i64().unwrap_or(0) > 0);
    (failures, shown.count())
}

async fn nobody_runs(world: &World) -> Result<()> {
    eventually(PATIENCE, "no job runs", async || world.queue.counts().await.is_ok_and(|counts| counts.running == 0))
        .await
}

#[tokio::test]
async fn j4a_advoware_out_of_service_costs_probes_only_and_no_tries() -> Result<()> {
    down_and_back(System::Advoware, Outage::ServiceUnavailable).await
}

#[tokio::test]
async fn j4a_advoware_that_closes_connections_costs_probes_only_and_no_tries() -> Result<()> {
    down_and_back(System::Advoware, Outage::Cut).await
}

#[tokio::test]
async fn j4a_espocrm_out_of_service_costs_probes_only_and_no_tries() -> Result<()> {
    down_and_back(System::Espocrm, Outage::ServiceUnavailable).await
}

fn set_outage(world: &World, system: System, outage: Outage) {
    match system {
        System::Advoware => world.simulator.advoware().switch(|switches| switches.outage = outage),
        System::Espocrm => world.simulator.espocrm().switch(|switches| switches.outage = outage),
        System::Google => world.simulator.google().switch(|switches| switches.outage = outage),
    }
}

async fn down_and_back(system: System, outage: Outage) -> Result<()> {
    let (title, label) = match system {
        System::Advoware => ("Advoware", "advoware"),
        System::Espocrm => ("EspoCRM", "espocrm"),
        System::Google => ("Google", "google"),
    };
    let (down, still_down) = (format!("{title} is down"), format!("{title} is still down"));
    let mut world = World::start().await?;
    world.setting("SYSTEM_BREAKER_SECONDS", 0.5);
    let (one, other) = (world.worker().await?, world.worker().await?);
    let workers = [&one, &other];
    let (_producer, producer_address) = world.producer().await?;
    let worker_address = format!("http://{}", address_in(&one.wait_for_line("worker ready", PATIENCE).await?)?);
    let addresses = [&worker_address, &producer_address];
    for address in addresses {
        assert_down(address, None).await?;
    }

    // Only now: the producer scans when it starts.
    let beteiligte = many(&world, 60);
    set_outage(&world, system, outage);
    let jobs = trigger(&world, &beteiligte).await;
    eventually(PATIENCE, "the breaker opens", async || said(&workers, &down) > 0).await?;
    // Runs that began before it opened come to their end.
    nobody_runs(&world).await?;
    let (before, probes_before) = (world.simulator.journal().last_sequence(), said(&workers, PROBE));
    eventually(PATIENCE, "two probes have failed", async || said(&workers, &still_down) >= 2).await?;
    for address in addresses {
        assert_down(address, Some(label)).await?;
    }
    nobody_runs(&world).await?;
    let calls = world.simulator.journal().since(before);
    let probes = said(&workers, PROBE) - probes_before;
    // A probe asks each system once, and the one that is down up to three times where the call may be repeated.
    assert!(calls.len() <= 4 * probes, "{probes} probes: {calls:?}");
    assert!(probes <= 10, "{probes} probes within seconds");
    assert_eq!(said(&workers, &down), 1, "told once, not by every job");

    let counts = world.queue.counts().await.expect("Redis answers");
    assert_eq!((counts.dead, counts.delayed + counts.ready + counts.running), (0, 60), "{counts:?}");
    // Four failures came before the one that opened the breaker; they were given back, but are shown until the next run.
    let (failures, shown) = counted(&world, &jobs, &beteiligte).await;
    assert!(failures == 0 && shown <= 4, "{failures} tries counted, {shown} shown");

    set_outage(&world, system, Outage::None);
    world.run_until_quiet().await?;
    assert_eq!(said(&workers, &format!("{title} is back")), 1);
    for address in addresses {
        assert_down(address, None).await?;
    }
    assert_eq!(counted(&world, &jobs, &beteiligte).await, (0, 0));
    world.then_agreed_and_silent(&beteiligte.iter().collect::<Vec<_>>()).await
}

#[tokio::test]
async fn j4a_wrong_credentials_are_tried_once_by_all_workers_together() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("SYSTEM_BREAKER_SECONDS", 0.1);
    world.setting("ADVOWARE_PASSWORD", "mistyped");
    let beteiligte = many(&world, 40);
    let (one, other) = (world.worker().await?, world.worker().await?);
    let jobs = trigger(&world, &beteiligte).await;
    let workers = [&one, &other];
    eventually(PATIENCE, "two probes were refused", async || said(&workers, "Advoware is still down") >= 2).await?;
    // The refusal is remembered for five minutes, which is the pause of the breaker where tests do not shorten it.
    assert_eq!(world.simulator.journal().count(Operation::AdvowareToken), 1);
    assert_eq!(world.simulator.journal().count(Operation::GetBeteiligte), 0);
    assert_eq!(said(&workers, "Advoware refuses our credentials"), 1);
    assert_eq!(counted(&world, &jobs, &beteiligte).await, (0, 0));

    // Somebody corrects the password and starts the workers again.
    drop((one, other));
    let password = world.simulator.credentials().advoware_password.clone();
    world.setting("ADVOWARE_PASSWORD", password);
    let _worker = world.worker().await?;
    world.run_until_quiet().await?;
    world.then_agreed_and_silent(&beteiligte.iter().collect::<Vec<_>>()).await
}

/// The largest number of calls to Advoware's API that were under way at one time.
fn most_at_once(calls: &[JournalEntry]) -> i32 {
    let api = calls.iter().filter(|call| call.system == System::Advoware && call.operation != Operation::AdvowareToken);
    let mut changes: Vec<(u64, i32)> = api
        .flat_map(|call| [(call.started_milliseconds, 1), (call.finished_milliseconds.unwrap_or(u64::MAX), -1)])
        .collect();
    // Within a millisecond ends come before beginnings.
    changes.sort_unstable();
    let (mut now, mut most) = (0, 0);
    for (_, change) in changes {
        now += change;
        most = most.max(now);
    }
    most
}

#[tokio::test]
async fn j5_workers_together_never_make_more_calls_at_once_than_allowed() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("ADVOWARE_MAX_PARALLEL", 3);
    world.setting("WORKER_CONCURRENCY", 16);
    world.latency_milliseconds(50);
    let beteiligte = many(&world, 40);
    let _workers = (world.worker().await?, world.worker().await?);
    let ids: Vec<&str> = beteiligte.iter().map(|one| one.id.as_str()).collect();
    let calls = world.sync_at_once(&ids).await?;
    assert_eq!(most_at_once(&calls), 3);
    world.latency_milliseconds(0);
    world.then_agreed_and_silent(&beteiligte.iter().collect::<Vec<_>>()).await
}

#[tokio::test]
async fn j5_the_permits_of_a_killed_worker_come_back() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("ADVOWARE_MAX_PARALLEL", 1);
    let beteiligte = many(&world, 5);
    let killed = world.worker().await?;
    let held = world.simulator.pause_at(Moment::before(Calls::to(Operation::GetBeteiligte)));
    trigger(&world, &beteiligte).await;
    held.reached().await;
    killed.kill()?;
    killed.exited(PATIENCE).await?;
    held.release();
    let _other = world.worker().await?;
    world.run_until_quiet().await?;
    world.then_agreed_and_silent(&beteiligte.iter().collect::<Vec<_>>()).await
}
