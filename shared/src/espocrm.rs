//! EspoCRM: CBeteiligte with phones and mails, its sync status, notes (DOMAIN 4, 5).

mod client;
mod filter;
mod key_guard;
mod map;
mod names;
mod patch;
mod set_up;
mod webhook;
mod wire;

pub use client::Espocrm;
pub use filter::{Filter, ListPage, PageRequest};
pub use map::{EspoBeteiligte, ListedBeteiligte};
pub use names::FieldNames;
pub use patch::{EspoPatch, UpdateAnswer};
pub use set_up::{EntityDefinition, FieldDefinition, Reach, Rights, SetUp};
pub use webhook::{Webhook, WebhookEvent};
