//! The three phases: everybody for the first time, edits on both sides, and a run in which nothing changed.

use std::time::Duration;

use simulator::{ScriptEdit, ScriptOutcome, Variant, edit_script};
use sqlx::PgConnection;

use super::arrival::Before;
use super::firm::{Firm, SEED};
use super::progress::{Progress, Step};
use super::tally::{Calls, Changes, Look, RunTimes, last_look, looked_at};
use crate::{Error, Result, eventually};

const SCRIPT_LENGTH: usize = 80;
/// Longest wait for a phase; a slow machine needs a quarter of it.
const PHASE_WITHIN: Duration = Duration::from_mins(3);

/// What was seen of a phase.
pub(super) struct Phase {
    pub(super) name: &'static str,
    pub(super) wall: Duration,
    pub(super) calls: Calls,
    pub(super) changes: Changes,
    pub(super) runs: RunTimes,
}

/// What was seen of all of them.
pub(super) struct Phases {
    pub(super) first: Phase,
    pub(super) edits: Phase,
    pub(super) last: Phase,
    /// What users did in the second one.
    pub(super) done: Vec<ScriptOutcome>,
    /// Edits that do not stand on both sides.
    pub(super) not_arrived: Vec<String>,
    /// Events that EspoCRM's webhooks delivered, and those that the producer did not take.
    pub(super) webhooks_delivered: usize,
    pub(super) webhooks_refused: usize,
}

pub(super) async fn all(firm: &mut Firm, progress: &Progress) -> Result<Phases> {
    let mut hub = firm.hub().await?;
    let everybody = firm.size();

    // The first scan began with the programs, so everything counts.
    let watch = Watch { started_at: 0, changes: Changes::default() };
    let mut step = progress.begin("first sync", Some(everybody));
    follow(firm, &mut hub, None, &mut step, everybody).await?;
    let first = watch.end(firm, &mut hub, "first sync", step, RunTimes::of_writing_runs).await?;

    firm.adopt_newcomers()?;
    firm.connect_webhooks();
    let before = Before::look(firm);
    let watch = Watch::start(firm, &mut hub).await?;
    let mut step = progress.begin("edits", Some(SCRIPT_LENGTH as u64));
    let edited = edit(firm, &mut step).await?;
    let not_arrived = before.not_arrived(firm, &edited.done);
    let edits = watch.end(firm, &mut hub, "edits", step, RunTimes::of_writing_runs).await?;

    let watch = Watch::start(firm, &mut hub).await?;
    let since = last_look(&mut hub).await?;
    let mut step = progress.begin("nothing new", Some(everybody));
    firm.enqueue_everybody().await?;
    follow(firm, &mut hub, since, &mut step, 0).await?;
    let last = watch.end(firm, &mut hub, "nothing new", step, RunTimes::of_single_runs).await?;

    super::tally::close(hub).await?;
    let Edited { done, delivered, refused } = edited;
    Ok(Phases { first, edits, last, done, not_arrived, webhooks_delivered: delivered, webhooks_refused: refused })
}

/// What counts from the beginning of a phase.
struct Watch {
    /// Last call before it, by the journal's sequence.
    started_at: u64,
    changes: Changes,
}

impl Watch {
    async fn start(firm: &Firm, hub: &mut PgConnection) -> Result<Self> {
        let started_at = firm.world().simulator.journal().last_sequence();
        Ok(Self { started_at, changes: Changes::so_far(hub).await? })
    }

    async fn end(
        self,
        firm: &Firm,
        hub: &mut PgConnection,
        name: &'static str,
        step: Step<'_>,
        runs: impl FnOnce(&[simulator::JournalEntry], &[simulator::FirmBeteiligter]) -> RunTimes,
    ) -> Result<Phase> {
        let entries = firm.world().simulator.journal().since(self.started_at);
        let calls = Calls::of(&entries);
        let changes = Changes::so_far(hub).await?.since(&self.changes);
        let (reads, writes) = (calls.reads(), calls.writes());
        let wall = step.end(&format!("{reads} reads, {writes} writes"));
        Ok(Phase { name, wall, calls, changes, runs: runs(&entries, &firm.beteiligte) })
    }
}

/// Waits until the queue is quiet and `at_least` so many records were looked at, showing how many are through.
///
/// The producer's scan may still be filling the queue, so for the first sync a quiet queue alone says nothing.
async fn follow(
    firm: &Firm,
    hub: &mut PgConnection,
    since: Option<Look>,
    step: &mut Step<'_>,
    at_least: u64,
) -> Result<()> {
    let queue = &firm.world().queue;
    eventually(PHASE_WITHIN, "all jobs are done", async || {
        let counts = queue.counts().await.map_err(|error| Error::new(error.to_string()))?;
        let looked = looked_at(hub, since).await?;
        step.at(looked);
        let outstanding = counts.ready + counts.delayed + counts.running;
        if outstanding == 0 && looked + counts.dead >= at_least {
            return Ok(());
        }
        Err(Error::new(format!("{outstanding} jobs wait or run, {} are dead", counts.dead)))
    })
    .await
}

struct Edited {
    done: Vec<ScriptOutcome>,
    delivered: usize,
    refused: usize,
}

impl Edited {
    /// EspoCRM's webhook job. Answers how many events it delivered.
    async fn deliver(&mut self, firm: &Firm) -> usize {
        let report = firm.world().simulator.webhooks().deliver().await;
        self.delivered += report.delivered;
        self.refused += report.postponed + report.lost + report.removed;
        report.delivered
    }

    /// Until nothing waits: no job, and no event that some write has caused.
    async fn settle(&mut self, firm: &Firm) -> Result<()> {
        let queue = &firm.world().queue;
        eventually(PHASE_WITHIN, "the edits are synced", async || {
            let counts = queue.counts().await.map_err(|error| Error::new(error.to_string()))?;
            let outstanding = counts.ready + counts.delayed + counts.running;
            // In this order: what was written before the queue was seen quiet has made its event by now.
            let delivered = self.deliver(firm).await;
            if outstanding == 0 && delivered == 0 {
                return Ok(());
            }
            Err(Error::new(format!("{outstanding} jobs wait or run")))
        })
        .await
    }
}

/// Plays the script while the workers are at work. EspoCRM's edits are told by its webhooks; Advoware tells nothing, so
/// everybody is looked at.
async fn edit(firm: &Firm, step: &mut Step<'_>) -> Result<Edited> {
    let script = edit_script(SEED, SCRIPT_LENGTH);
    let (slot_reuse, others): (Vec<ScriptEdit>, Vec<ScriptEdit>) =
        script.into_iter().partition(|line| line.variant == Variant::SlotReuse);
    let mut edited = Edited { done: Vec::new(), delivered: 0, refused: 0 };
    // Slots are made by the sync of the first part.
    for part in [others, slot_reuse] {
        step.say("");
        for line in part {
            let outcome = firm.world().simulator.apply_script_edit(&line);
            edited.done.push(outcome.ok_or_else(|| Error::new(format!("no Beteiligter suits {line:?}")))?);
            edited.deliver(firm).await;
            step.at(edited.done.len() as u64);
        }
        step.say("now everybody is looked at");
        firm.enqueue_everybody().await?;
        edited.settle(firm).await?;
    }
    Ok(edited)
}
