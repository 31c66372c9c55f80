//! What operators asked of one record: a plan by its hash, a value back from the audit, a conflict decided. Carried out under the record's
//! lease, each once; a run that is cut off finds the request still open.

use domain::beteiligte::stammdaten::{Field, Side, decided_for};
use shared::hub::{Asked, Request, RequestAnswer};

use super::beteiligte_sync::BeteiligteJobs;
use super::run::{Applied, Run, Task};
use super::stop::Stop;

impl BeteiligteJobs {
    /// Carries out the oldest request. `true`: the run has done what it was asked and syncs nothing else.
    pub(super) async fn answer_request(&self, run: &mut Run<'_>) -> Result<bool, Stop> {
        let Some(Request { id, asked }) = run.loaded.request.take() else { return Ok(false) };
        let (answer, is_over) = match asked {
            Asked::Apply(hash) => (self.apply_plan(run, &hash).await?, true),
            Asked::Restore(entry) => (self.restore(run, entry).await?, false),
            Asked::Decide(winner) => (self.decide(run, winner).await?, false),
        };
        tracing::info!(request = %id, done = answer.is_done, "an operator's request was answered");
        run.has_answered = true;
        self.systems.hub.answer_request(id, &answer, self.clock.now()).await?;
        Ok(is_over)
    }

    /// Whoever waits for an answer hears that there is nothing to carry it out on.
    pub(super) async fn refuse_request(&self, run: &mut Run<'_>, text: &str) -> Result<(), Stop> {
        let Some(Request { id, .. }) = run.loaded.request.take() else { return Ok(()) };
        tracing::info!(request = %id, done = false, "an operator's request was answered");
        run.has_answered = true;
        Ok(self.systems.hub.answer_request(id, &refused(text), self.clock.now()).await?)
    }

    /// Exactly the plan of this hash, or nothing at all.
    async fn apply_plan(&self, run: &mut Run<'_>, hash: &str) -> Result<RequestAnswer, Stop> {
        run.task = run.task.one_plan();
        let plan = run.plan_now()?;
        if plan.hash() != hash {
            let answer = refused(stale(run));
            run.refuse();
            return Ok(answer);
        }
        if plan.is_empty() {
            return Ok(done("there was nothing to write"));
        }
        if run.apply(&plan).await? == Applied::Overtaken {
            return Ok(refused(
                "somebody changed the record meanwhile: the plan was not carried out, or only in part; a usual sync follows",
            ));
        }
        run.look_again().await?;
        run.plan_now()?;
        while !self.record(run).await? {
            if !run.take_round() {
                return Err(Stop::NotAgreed("the record kept changing while it was recorded"));
            }
            run.look_again().await?;
        }
        Ok(done("the plan was carried out"))
    }

    /// The loser of each conflict counts as unchanged from now on, so this very run takes the winner's value over.
    async fn decide(&self, run: &mut Run<'_>, winner: Side) -> Result<RequestAnswer, Stop> {
        let Some(seen) = run.loaded.stammdaten_seen() else {
            return Err(Stop::NotAgreed("one side disappeared meanwhile"));
        };
        let (base, fields) = decided_for(seen, winner);
        if fields.is_empty() {
            return Ok(refused("there is no conflict to decide: nothing was decided, a usual sync follows"));
        }
        self.systems.hub.remember_stammdaten(run.id, &base).await?;
        run.loaded.stammdaten = base;
        let names: Vec<&str> = fields.into_iter().map(Field::name).collect();
        Ok(done(&format!("decided for {}: {}", winner.name(), names.join(", "))))
    }

    /// A record without partner: whether it may be created. `false`: a plan was asked for that is stale.
    pub(super) async fn creation_is_asked(&self, run: &mut Run<'_>) -> Result<bool, Stop> {
        let Some(Request { id, asked: Asked::Apply(hash) }) = &run.loaded.request else { return Ok(true) };
        let id = *id;
        run.task = run.task.one_plan();
        if run.loaded.plan(run.wanted).is_some_and(|plan| plan.hash() == *hash) {
            return Ok(true);
        }
        let answer = refused(stale(run));
        run.refuse();
        run.has_answered = true;
        self.systems.hub.answer_request(id, &answer, self.clock.now()).await?;
        Ok(false)
    }

    /// The plan that was asked for was the creation, and it is done.
    pub(super) async fn answer_creation(&self, request: Option<Request>) -> Result<(), Stop> {
        let Some(Request { id, asked: Asked::Apply(_) }) = request else { return Ok(()) };
        let answer = done("the record was created in Advoware; a sync of its Kommunikationen follows");
        Ok(self.systems.hub.answer_request(id, &answer, self.clock.now()).await?)
    }
}

pub(super) fn done(text: &str) -> RequestAnswer {
    RequestAnswer { is_done: true, text: text.to_owned() }
}

pub(super) fn refused(text: &str) -> RequestAnswer {
    RequestAnswer { is_done: false, text: text.to_owned() }
}

/// Why a plan is not carried out.
fn stale(run: &Run<'_>) -> &'static str {
    if run.task == (Task::OnePlan { is_alone: true }) {
        "this is not what a sync would do now: one side has changed since the plan was made, or it is another plan's hash. Nothing was written"
    } else {
        "this is not what a sync would do now: one side has changed since the plan was made, or it is another plan's hash. It is not carried out; a usual \
         sync follows"
    }
}
