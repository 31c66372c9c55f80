//! Invariants 1 to 5: whatever a user edits between two calls of a run stands on both sides in the end, or was overridden by a rule that
//! kept it in the audit; nothing comes twice, nothing deleted comes back, and the next run writes nothing.
//!
//! Excluded, and counted, is one window (K8b): an edit in Advoware between a look at it and the write that stands on that look, of
//! that very record or row. Advoware has no conditional write.
//!
//! Here each fifth case is run, which takes every kind of edit to every part of a run; `make sweep` runs them all.

use harness::Result;
use harness::mixed::Story;
use harness::races::{Meanwhile, sweep};
use harness::worlds::Worlds;

const AT_ONCE: usize = 8;
/// Shares no divisor with the number of edits.
const EVERY: usize = 5;

async fn swept(story: Story) -> Result<()> {
    let worlds = Worlds::start().await?;
    let swept = sweep(&worlds, story, EVERY, AT_ONCE).await?;
    println!("{story:?}: {swept}");
    assert!(swept.failures.is_empty(), "{story:?}: {swept}\n{}", swept.failures.join("\n"));
    let cases = (swept.moments * Meanwhile::ALL.len()).div_ceil(EVERY);
    assert_eq!(swept.cases + swept.not_possible + swept.in_window, cases);
    assert!(swept.moments >= 8 && 2 * swept.cases >= cases, "{swept}");
    Ok(())
}

#[tokio::test]
async fn edited_while_a_record_is_created() -> Result<()> {
    swept(Story::Created).await
}

#[tokio::test]
async fn edited_while_espocrms_changes_go_to_advoware() -> Result<()> {
    swept(Story::ChangedInEspocrm).await
}

#[tokio::test]
async fn edited_while_advowares_changes_go_to_espocrm() -> Result<()> {
    swept(Story::ChangedInAdvoware).await
}

#[tokio::test]
async fn edited_while_changes_go_both_ways() -> Result<()> {
    swept(Story::ChangedOnBothSides).await
}

#[tokio::test]
async fn edited_while_a_conflict_is_decided() -> Result<()> {
    swept(Story::Conflict).await
}
