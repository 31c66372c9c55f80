//! Invariants 1 to 5 for calendars: whatever a user edits between two calls of a run stands on both sides in the end, or was overridden
//! by a rule that kept it in the audit; nothing comes twice, nothing deleted comes back without a rule, and the next runs write nothing.
//!
//! Excluded, and counted, is one window: an edit of a Termin between the look at it and the write that stands on that look. Advoware has
//! no conditional write.
//!
//! Here some of the cases are run, every kind of edit under every policy; `make sweep` runs them all.

use harness::Result;
use harness::calendar::races::sweep;
use harness::worlds::Worlds;

const AT_ONCE: usize = 8;
/// Shares no divisor with the number of edits, nor with that of policies.
const EVERY: usize = 3;

#[tokio::test]
async fn edited_after_any_call_of_a_run() -> Result<()> {
    let worlds = Worlds::start().await?;
    let swept = sweep(&worlds, EVERY, AT_ONCE).await?;
    println!("{swept}");
    assert!(swept.failures.is_empty(), "{swept}\n{}", swept.failures.join("\n"));
    assert!(swept.moments >= 100 && swept.cases >= 90, "{swept}");
    Ok(())
}
