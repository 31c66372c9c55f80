//! Advoware: log-in, Beteiligte with their Kommunikationen (DOMAIN 1, 2), Termine and Mitarbeiter (DOMAIN 3).

mod auth;
mod caller;
mod client;
mod fields;
mod map;
mod mitarbeiter;
#[cfg(test)]
pub(crate) mod private_redis;
mod record;
mod termin;
mod visit;
mod wire;

pub use auth::TokenCache;
pub use client::Advoware;
pub use map::AdvoBeteiligte;
pub use mitarbeiter::Mitarbeiter;
pub use record::AdvoRecord;
pub use termin::{AdvoTermin, TerminList, TerminOutcome, TerminRecord};
pub use visit::Visit;
pub use wire::{KommunikationAnswer, KommunikationWrite};
