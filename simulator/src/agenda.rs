//! What is to happen just before or just after a certain call: edits, and pauses that hold the call.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::calls::{Calls, Counter};
use crate::edit::{Edit, EditOutcome, EditRefused};
use crate::operation::Route;
use crate::stage::locked;

/// Before the call is handled, or after it took effect and before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// The call sees the edit.
    Before,
    /// The call's answer does not show the edit, the next call does.
    After,
}

/// A point in the stream of calls. After the nth call is between call n and n+1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Which side of the call.
    pub edge: Edge,
    /// Which calls, counted from scheduling.
    #[serde(default)]
    pub calls: Calls,
}

impl Moment {
    /// Just before the selected call.
    pub fn before(calls: Calls) -> Self {
        Self { edge: Edge::Before, calls }
    }

    /// Just after the selected call took effect.
    pub fn after(calls: Calls) -> Self {
        Self { edge: Edge::After, calls }
    }
}

/// A call held at a moment. Dropping releases it.
#[derive(Debug)]
pub struct Pause {
    gate: Gate,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Gate {
    reached: CancellationToken,
    released: CancellationToken,
}

impl Gate {
    pub(crate) async fn pass(&self, stop: &CancellationToken) {
        self.reached.cancel();
        tokio::select! {
            () = self.released.cancelled() => {}
            () = stop.cancelled() => {}
        }
    }
}

impl Pause {
    /// Waits until a call is held.
    pub async fn reached(&self) {
        self.gate.reached.cancelled().await;
    }

    /// True when a call has come to the moment.
    pub fn is_reached(&self) -> bool {
        self.gate.reached.is_cancelled()
    }

    /// Lets it go on.
    pub fn release(self) {}
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.gate.released.cancel();
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Task {
    Edit(Box<Edit>),
    Pause(Gate),
}

/// The tasks of one call.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    pub(crate) before: Vec<Task>,
    pub(crate) after: Vec<Task>,
}

#[derive(Debug, Default)]
pub(crate) struct Agenda {
    items: Mutex<Vec<(Edge, Counter, Task)>>,
    outcomes: Mutex<Vec<Result<EditOutcome, EditRefused>>>,
}

impl Agenda {
    pub(crate) fn edit_at(&self, moment: Moment, edit: Edit) {
        locked(&self.items).push((moment.edge, Counter::new(moment.calls), Task::Edit(Box::new(edit))));
    }

    pub(crate) fn pause_at(&self, moment: Moment) -> Pause {
        let gate = Gate::default();
        locked(&self.items).push((moment.edge, Counter::new(moment.calls), Task::Pause(gate.clone())));
        Pause { gate }
    }

    pub(crate) fn clear(&self) {
        locked(&self.items).clear();
    }

    pub(crate) fn take(&self, route: &Route) -> Tasks {
        let mut tasks = Tasks::default();
        let mut items = locked(&self.items);
        for (edge, counter, task) in items.iter_mut() {
            if counter.hit(route) {
                match edge {
                    Edge::Before => tasks.before.push(task.clone()),
                    Edge::After => tasks.after.push(task.clone()),
                }
            }
        }
        items.retain(|(_, counter, _)| !counter.exhausted());
        tasks
    }

    pub(crate) fn record(&self, outcome: Result<EditOutcome, EditRefused>) {
        locked(&self.outcomes).push(outcome);
    }

    pub(crate) fn outcomes(&self) -> Vec<Result<EditOutcome, EditRefused>> {
        locked(&self.outcomes).clone()
    }
}
