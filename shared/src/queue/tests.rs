//! The queue against a Redis of its own. Conditions are waited for with a deadline, never slept for.

mod claims;
mod dead;
mod delivery;
mod finishing;
mod layout;
mod speed;
mod stage;
mod triggers;
