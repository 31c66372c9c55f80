//! A ledger of every run: what the queue promises, written down where no fault reaches.
//!
//! Faults hit the queue's Redis, the connections to it and the worker processes. The ledger is a second private Redis that is
//! left in peace: handlers write there when a run begins, its effect, and its end. It has one clock and one order, so it can
//! tell whether an effect is missing, whether two runs of one entity overlapped, and how many ran again.

mod audit;
mod behaviour;
mod book;
mod skew;
mod stage;
mod traces;
mod worker;

pub use audit::{Audit, Repeat};
pub use behaviour::Behaviour;
pub use book::{Ended, Ledger, Running};
pub use skew::Skew;
pub use stage::{PATIENCE, Stage, counter, entities, started};
pub use worker::{WorkerSettings, main};
