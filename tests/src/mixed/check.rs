//! Whether nothing was lost, doubled or left to do, whatever happened on the way.

use domain::job::Wants;
use domain::kommunikation::Direction;
use serde_json::{Value, json};
use simulator::{Edit, canonical};
use sqlx::{Connection, PgConnection};

use super::{Expected, Story, begin};
use crate::world::{World, fields};
use crate::{Error, Result};

/// Every story ended as it should, and the next run writes nothing.
pub async fn then_whole(world: &World, stories: &[Story]) -> Result<()> {
    for story in stories {
        if *story == Story::Created {
            release_held_creation(world).await?;
        }
        whole(world, *story, &story.expected()).await?;
    }
    then_no_more_records(world, stories)?;
    then_quiet(world, stories).await
}

/// One record: both sides hold what is expected, once, and its status says so.
pub async fn whole(world: &World, story: Story, expected: &Expected) -> Result<()> {
    let (id, betnr) = (story.id(), story.betnr(world).unwrap_or_default());
    let espo = world.espo_values(&id);
    let rows = world.simulator.advoware().rows(betnr);
    let mut advo: Vec<String> =
        rows.iter().filter(|row| !row.tlf.trim().is_empty()).map(|row| canonical(&row.tlf)).collect();
    advo.sort();
    check(espo == expected.values, || format!("{story:?}: EspoCRM holds {espo:?}, not {:?}", expected.values))?;
    check(advo == expected.values, || format!("{story:?}: Advoware holds {advo:?}, not {:?}", expected.values))?;
    check(rows.len() == expected.rows, || format!("{story:?}: {} rows, not {}", rows.len(), expected.rows))?;
    let one = crate::world::Beteiligter { id: id.clone(), betnr };
    let (espo, advo) = (world.espo_stammdaten(&id), world.advo_stammdaten(&one));
    check(espo == advo, || format!("{story:?}: Stammdaten differ: {espo:?}, {advo:?}"))?;
    for (name, value) in &expected.stammdaten {
        check(espo.get(name) == Some(value), || format!("{story:?}: {name} is {:?}, not {value}", espo.get(name)))?;
    }
    let status = world.field(&id, "syncStatus");
    check(status == json!("clean"), || format!("{story:?}: status {status}"))?;
    for value in &expected.overwritten {
        check(audited(world, story, value).await?, || format!("{story:?}: {value} is not in the audit"))?;
        let notes = world.simulator.espocrm().notes();
        check(!notes.is_empty(), || format!("{story:?}: nobody was told of the conflict"))?;
    }
    Ok(())
}

/// Whether the audit keeps this value as one that a conflict's winner replaced.
pub async fn audited(world: &World, story: Story, value: &str) -> Result<bool> {
    let mut hub = PgConnection::connect(&world.database_url).await?;
    let query = "SELECT before FROM sync_audit WHERE espo_id = $1 AND before IS NOT NULL
                 AND rule IN ('overwritten_by_espo', 'overwritten_by_advoware')";
    let kept: Vec<Value> = sqlx::query_scalar(query).bind(story.id()).fetch_all(&mut hub).await?;
    hub.close().await?;
    Ok(kept.iter().any(|before| before == value || before["tlf"] == value))
}

/// A run on all of them makes no mutating call.
pub async fn then_quiet(world: &World, stories: &[Story]) -> Result<()> {
    let before = world.simulator.journal().last_sequence();
    begin(world, stories).await?;
    world.run_until_quiet().await?;
    let calls = world.simulator.journal().since(before);
    let writes: Vec<_> =
        calls.iter().filter(|call| call.mutating).map(|call| (call.operation, &call.request)).collect();
    check(writes.is_empty(), || format!("the next run wrote: {writes:?}"))
}

/// Advoware holds the pairs, and at most one record for what was created.
pub fn then_no_more_records(world: &World, stories: &[Story]) -> Result<()> {
    let betnrs = world.simulator.advoware().betnrs();
    check(betnrs.len() <= stories.len(), || format!("Advoware holds {betnrs:?}, more than {} records", stories.len()))
}

/// B2b: what is held says so, and goes on when a person has looked: the number is entered, or it is created again.
async fn release_held_creation(world: &World) -> Result<()> {
    let id = Story::Created.id();
    if world.field(&id, "syncStatus") != json!("permanently_failed") {
        return Ok(());
    }
    check(world.field(&id, "syncAutoResetAt").is_null(), || "a held creation would be reset by itself".to_owned())?;
    let mut hub = PgConnection::connect(&world.database_url).await?;
    let query = "SELECT findings::text FROM beteiligte WHERE espo_id = $1";
    let findings: Option<String> = sqlx::query_scalar(query).bind(&id).fetch_optional(&mut hub).await?;
    hub.close().await?;
    let told = findings.as_ref().is_some_and(|findings| findings.contains("create_outcome_unknown"));
    check(told, || format!("held without a finding: {findings:?}"))?;
    check(!world.simulator.espocrm().notes().is_empty(), || "held, and nobody was told".to_owned())?;
    let known: Vec<i64> = Story::ALL
        .into_iter()
        .filter(|story| *story != Story::Created)
        .filter_map(|story| story.betnr(world))
        .collect();
    let unknown: Vec<i64> =
        world.simulator.advoware().betnrs().into_iter().filter(|betnr| !known.contains(betnr)).collect();
    match unknown.as_slice() {
        [] => {
            let wants = Wants::sync(Direction::Both).creating_again();
            world.trigger_wanting(&[&id], wants).await?;
        }
        [betnr] => {
            let entered = Edit::EspoSet { id: id.clone(), fields: fields(json!({ "betnr": betnr })) };
            world.simulator.edit(&entered).map_err(|refused| Error::new(refused.to_string()))?;
            world.trigger(&[&id]).await?;
        }
        more => return Err(Error::new(format!("created more than once: {more:?}"))),
    }
    world.run_until_quiet().await
}

/// An error instead of a panic, so that a sweep can say at which point, and go on.
pub fn check(holds: bool, what: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::new(what())) }
}
