//! The harness: many worlds on one pair of servers, a worker that crashes on demand, and a proxy that holds statements.

use std::time::{Duration, Instant};

use harness::office::{Office, OfficeSettings};
use harness::world::{Beteiligter, PATIENCE, World, mail, row};
use harness::worlds::Worlds;
use harness::{PostgresHold, PostgresProxy, Result};
use serde_json::json;
use sqlx::{Connection, PgConnection};

const MAIL: &str = "a@example.org";
const INSERT: &str = "INSERT INTO beteiligte (espo_id, looked_at) VALUES ($1, now())";

fn given(world: &World) -> Beteiligter {
    world.given(104_860, json!([mail(MAIL, true)]), json!([]), vec![row(1, "030/23125100", None)])
}

async fn known(world: &World) -> Result<i64> {
    let mut hub = PgConnection::connect(&world.database_url).await?;
    Ok(sqlx::query_scalar("SELECT count(*) FROM beteiligte").fetch_one(&mut hub).await?)
}

#[tokio::test]
async fn worlds_are_empty_again_and_again_and_cheap() -> Result<()> {
    let worlds = Worlds::start().await?;
    let mut longest = Duration::ZERO;
    for _ in 0..4 {
        let start = Instant::now();
        let world = worlds.fresh().await?;
        longest = longest.max(start.elapsed());
        assert_eq!((known(&world).await?, world.queue.counts().await.unwrap().ready), (0, 0));
        let one = given(&world);
        let office = Office::open(&world, OfficeSettings::default()).await?;
        world.sync_at_once(&[&one.id]).await?;
        assert_eq!(known(&world).await?, 1);
        office.abort().await?;
        world.trigger(&[&one.id]).await?;
    }
    println!("a fresh world took {longest:?} at most");
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    Ok(())
}

#[tokio::test]
async fn worlds_side_by_side_know_nothing_of_each_other() -> Result<()> {
    let worlds = Worlds::start().await?;
    let (first, second) = tokio::try_join!(worlds.fresh(), worlds.fresh())?;
    let one = given(&first);
    first.trigger(&[&one.id]).await?;
    assert_eq!(first.queue.counts().await.unwrap().ready, 1);
    assert_eq!(second.queue.counts().await.unwrap().ready, 0);
    let office = Office::open(&second, OfficeSettings::default()).await?;
    office.close().await?;
    assert_eq!((known(&second).await?, first.queue.counts().await.unwrap().ready), (0, 1));
    Ok(())
}

#[tokio::test]
async fn an_aborted_worker_makes_no_further_call_and_the_next_one_finishes() -> Result<()> {
    let worlds = Worlds::start().await?;
    let world = worlds.fresh().await?;
    let one = given(&world);
    let office = Office::open(&world, OfficeSettings { concurrency: 4, ..OfficeSettings::default() }).await?;
    let pause = world.simulator.pause_at(simulator::Moment::after(simulator::Calls::to(simulator::Operation::EspoPut)));
    world.trigger(&[&one.id]).await?;
    tokio::time::timeout(PATIENCE, pause.reached()).await.unwrap();
    office.abort().await?;
    let calls = world.simulator.journal().last_sequence();
    pause.release();
    assert_eq!(world.queue.counts().await.unwrap().running, 1, "nobody handed the job back");
    assert_eq!(world.simulator.journal().last_sequence(), calls);

    let office = Office::open(&world, OfficeSettings::default()).await?;
    world.run_until_quiet().await?;
    world.then_agreed_and_silent(&[&one]).await?;
    office.close().await
}

#[tokio::test]
async fn statements_are_numbered_and_held_before_and_after() -> Result<()> {
    let worlds = Worlds::start().await?;
    let world = worlds.fresh().await?;
    let through = |proxy: &PostgresProxy| proxy.url_of(&world.database_url);
    let insert = async |url: String, id: &str| -> Result<()> {
        let mut connection = PgConnection::connect(&url).await?;
        sqlx::query(INSERT).bind(id.to_owned()).execute(&mut connection).await?;
        Ok(connection.close().await?)
    };
    let counting = PostgresProxy::start(&world.postgres, None).await?;
    insert(through(&counting), "00000000000000001").await?;
    let points = counting.points();
    let last = points.iter().rposition(|point| point == INSERT).expect("the statement is a point") as u64 + 1;

    for (hold, id, rows) in
        [(PostgresHold::Before(last), "00000000000000002", 1), (PostgresHold::After(last), "00000000000000003", 2)]
    {
        let proxy = PostgresProxy::start(&world.postgres, Some(hold)).await?;
        let mut inserting = Box::pin(insert(through(&proxy), id));
        tokio::select! {
            hit = proxy.until_hit() => hit?,
            done = &mut inserting => panic!("{hold:?} of {points:?} held nothing: {done:?}"),
        }
        assert_eq!(known(&world).await?, rows, "{hold:?}");
        drop(inserting);
        drop(proxy);
        assert_eq!(known(&world).await?, rows, "{hold:?}, connection gone");
    }

    let proxy = PostgresProxy::start(&world.postgres, Some(PostgresHold::Before(last))).await?;
    let release = async || -> Result<()> {
        proxy.until_hit().await?;
        proxy.release();
        Ok(())
    };
    tokio::try_join!(insert(through(&proxy), "00000000000000004"), release())?;
    assert_eq!(known(&world).await?, 3);
    Ok(())
}

#[tokio::test]
async fn a_worker_killed_at_a_statement_leaves_work_that_is_finished() -> Result<()> {
    let worlds = Worlds::start().await?;
    let world = worlds.fresh().await?;
    let one = given(&world);
    let counting = PostgresProxy::start(&world.postgres, None).await?;
    let behind = |proxy: &PostgresProxy| OfficeSettings {
        database_url: Some(proxy.url_of(&world.database_url)),
        ..OfficeSettings::default()
    };
    let office = Office::open(&world, behind(&counting)).await?;
    let at_start = counting.points().len();
    world.sync_at_once(&[&one.id]).await?;
    office.close().await?;
    assert!(counting.points().len() > at_start + 1, "{:?}", counting.points());
    drop(world);

    let world = worlds.fresh().await?;
    let one = given(&world);
    let proxy = PostgresProxy::start(&world.postgres, Some(PostgresHold::After(at_start as u64 + 2))).await?;
    let settings =
        OfficeSettings { database_url: Some(proxy.url_of(&world.database_url)), ..OfficeSettings::default() };
    let office = Office::open(&world, settings).await?;
    world.trigger(&[&one.id]).await?;
    tokio::time::timeout(PATIENCE, proxy.until_hit()).await.unwrap()?;
    office.abort().await?;
    drop(proxy);
    let office = Office::open(&world, OfficeSettings::default()).await?;
    world.run_until_quiet().await?;
    world.then_agreed_and_silent(&[&one]).await?;
    office.close().await
}

#[tokio::test]
async fn stammdaten_are_compared_by_meaning() -> Result<()> {
    let world = Worlds::start().await?.fresh().await?;
    let (person, company) = (world.given_person(104_860), world.given_company(104_861));
    assert_eq!((world.espo_stammdaten(&person.id).len(), world.espo_stammdaten(&company.id).len()), (4, 4));
    world.then_stammdaten_agree(&[&person, &company]);
    let born = harness::world::fields(json!({ "geburtsdatum": "1970-02-02" }));
    world.simulator.edit(&simulator::Edit::AdvowareSet { betnr: person.betnr, fields: born }).unwrap();
    assert_ne!(world.espo_stammdaten(&person.id), world.advo_stammdaten(&person));
    Ok(())
}
