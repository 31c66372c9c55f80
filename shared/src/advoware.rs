//! Advoware: log-in, Beteiligte with their Kommunikationen (DOMAIN 1, 2).

mod auth;
mod caller;
mod client;
mod map;
#[cfg(test)]
pub(crate) mod private_redis;
mod record;
mod visit;
mod wire;

pub use auth::TokenCache;
pub use client::Advoware;
pub use map::AdvoBeteiligte;
pub use record::AdvoRecord;
pub use visit::Visit;
pub use wire::{KommunikationAnswer, KommunikationWrite};
