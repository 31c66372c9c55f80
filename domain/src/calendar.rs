//! Calendar: Advoware's Termine and one Google calendar per employee, kept equal (C1-C11).

mod anonymize;
mod event;
mod guard;
mod oddity;
mod recurrence;
mod standard;
mod termin;
mod time;

pub use anonymize::{PLACEHOLDER, anonymized, merge_back};
pub use event::{EventContent, EventFields, EventStatus, EventTime, TIME_ZONE, Transparency, project};
pub use guard::DeletionLimit;
pub use oddity::{NotRepresentable, Oddity, Refusal};
pub use recurrence::{Series, TurnusArt};
pub use standard::{Span, Standard, normalized};
pub use termin::{TerminContent, TerminFields, TerminTimes, write};
pub use time::{YEARS, berlin, instant_of, wall_of};
