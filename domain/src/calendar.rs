//! Calendar: Advoware's Termine and one Google calendar per employee, kept equal (C1-C11).

mod anonymize;
pub mod event;
mod guard;
mod oddity;
pub mod plan;
pub mod policy;
mod recurrence;
pub mod restore;
mod standard;
pub mod termin;
mod time;

pub use anonymize::{PLACEHOLDER, anonymized, is_blocked, merge_back};
pub use guard::DeletionLimit;
pub use oddity::{NotRepresentable, Oddity, Refusal};
pub use recurrence::{Series, TurnusArt};
pub use standard::{Span, Standard, normalized};
pub use time::{YEARS, berlin, instant_of, wall_of};
