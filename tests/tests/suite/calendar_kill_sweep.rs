//! Invariant 6 for calendars: a worker that ends before or after any call and any statement of a run leaves nothing lost, doubled or
//! undone, in all four phases and under every policy.
//!
//! Here each undisturbed run, and some of the kills; `make sweep` does them all, with processes.

use harness::Result;
use harness::calendar::story::{Played, RULES, Story};
use harness::kills::{Kind, enumerate, sweep};
use harness::worlds::Worlds;

/// They mostly wait for leases.
const AT_ONCE: usize = 8;

/// `every`: that part of the kills, other ones under each policy.
async fn swept(story: Story, every: usize) -> Result<()> {
    let worlds = Worlds::start().await?;
    for rules in RULES {
        let played = Played { story, rules };
        let swept = sweep(&worlds, Kind::InProcess, &played, every, AT_ONCE).await?;
        println!("{played:?}: {swept}");
        assert!(swept.failures.is_empty(), "{played:?}: {swept}\n{}", swept.failures.join("\n"));
        let points = swept.points.calls.len() + swept.points.statements.len();
        assert_eq!(swept.kills + swept.not_reached, (2 * points).div_ceil(every));
        assert!(swept.not_reached <= 2, "{swept:?}");
        assert!(swept.points.calls.len() >= 4 && swept.points.statements.len() >= 4, "{:?}", swept.points);
    }
    Ok(())
}

#[tokio::test]
async fn every_story_ends_as_it_should_under_every_policy_when_nobody_is_killed() -> Result<()> {
    let worlds = Worlds::start().await?;
    for played in Played::all() {
        let points = enumerate(&worlds, Kind::InProcess, &played).await;
        let points = points.map_err(|error| error.while_doing(&format!("{played:?}")))?;
        println!("{played:?}: {} calls, {} statements", points.calls.len(), points.statements.len());
    }
    Ok(())
}

#[tokio::test]
async fn killed_while_the_first_run_makes_the_calendar() -> Result<()> {
    swept(Story::FirstRun, 11).await
}

#[tokio::test]
async fn killed_while_new_entries_go_both_ways() -> Result<()> {
    swept(Story::New, 13).await
}

#[tokio::test]
async fn killed_while_deletions_go_both_ways() -> Result<()> {
    swept(Story::Deleted, 19).await
}

#[tokio::test]
async fn killed_while_changes_go_both_ways() -> Result<()> {
    swept(Story::Changed, 17).await
}

#[tokio::test]
async fn killed_while_copies_become_anonymised_and_all_else_happens() -> Result<()> {
    swept(Story::Everything, 17).await
}
