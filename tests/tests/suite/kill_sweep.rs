//! Invariant 6: a worker that ends before or after any call and any statement of a run leaves nothing lost, doubled or undone.
//! `make sweep` does the same with processes.

use harness::Result;
use harness::kills::{Kind, enumerate, sweep};
use harness::mixed::Story;
use harness::worlds::Worlds;

/// They mostly wait for leases.
const AT_ONCE: usize = 8;

async fn swept(stories: &[Story]) -> Result<()> {
    let worlds = Worlds::start().await?;
    let swept = sweep(&worlds, Kind::InProcess, stories, 1, AT_ONCE).await?;
    println!("{stories:?}: {swept}");
    assert!(swept.failures.is_empty(), "{stories:?}: {swept}\n{}", swept.failures.join("\n"));
    let points = swept.points.calls.len() + swept.points.statements.len();
    assert_eq!(swept.kills, 2 * points, "every point, before and after");
    assert!(swept.points.calls.len() >= 8 && swept.points.statements.len() >= 8, "{:?}", swept.points);
    Ok(())
}

#[tokio::test]
async fn the_mixed_scenario_ends_as_it_should_when_nobody_is_killed() -> Result<()> {
    let worlds = Worlds::start().await?;
    let points = enumerate(&worlds, Kind::InProcess, Story::ALL.as_slice()).await?;
    println!("{points:#?}");
    Ok(())
}

#[tokio::test]
async fn killed_anywhere_while_a_record_is_created() -> Result<()> {
    swept(&[Story::Created]).await
}

#[tokio::test]
async fn killed_anywhere_while_espocrms_changes_go_to_advoware() -> Result<()> {
    swept(&[Story::ChangedInEspocrm]).await
}

#[tokio::test]
async fn killed_anywhere_while_advowares_changes_go_to_espocrm() -> Result<()> {
    swept(&[Story::ChangedInAdvoware]).await
}

#[tokio::test]
async fn killed_anywhere_while_changes_go_both_ways() -> Result<()> {
    swept(&[Story::ChangedOnBothSides]).await
}

#[tokio::test]
async fn killed_anywhere_while_a_conflict_is_decided() -> Result<()> {
    swept(&[Story::Conflict]).await
}
