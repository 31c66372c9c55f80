//! The queue against a Redis of its own. Conditions are waited for with a deadline, never slept for.

mod costs;
mod crashes;
mod delivery;
mod model;
mod operators;
mod outcomes;
mod stage;
mod triggers;
